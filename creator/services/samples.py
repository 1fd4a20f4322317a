"""The sample library: what the illustrator draws for a newcomer, so that search has something to find.

Every object of the illustrator appears at home in a setting; twenty scenes move; twelve short texts are spoken.
"""

from __future__ import annotations

import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from creator import jobs
from creator.jobs import Work
from creator.models import Workspace
from creator.services import library
from generation import services as generation
from generation.engines.base import Picture
from generation.illustrations.catalog import Catalog
from media_processing import services as media
from media_processing.engine import Progress
from media_processing.models import Asset, Transcript

FOLDER = Path(__file__).resolve().parent.parent / "samples"
BATCH = 4
"""Samples a job: short, so that work which people ask for soon finds a free thread."""
STILL = (1080, 1350)
CLIP = (720, 1280)
CLIP_SECONDS = 5.0


def article() -> str:
    """The sample article, Markdown."""
    return (FOLDER / "article.md").read_text()


@cache
def plan() -> list[dict[str, Any]]:
    """All samples in order, those of the sample story first: {"kind", "words", "title", "tags"}."""
    written = tomllib.loads((FOLDER / "library.toml").read_text())
    first = [{"kind": kind, **each} for kind in ("image", "video") for each in written["story"].get(kind, [])]
    clips = [{"kind": "video", **each} for each in written["clip"]]
    spoken = [{"kind": "audio", **each} for each in written["spoken"]]
    return [*first, *_objects_at_home(), *clips, *spoken]


def story_count() -> int:
    """How many of the samples the sample story needs."""
    return len(tomllib.loads((FOLDER / "library.toml").read_text())["story"].get("image", [])) + len(
        tomllib.loads((FOLDER / "library.toml").read_text())["story"].get("video", [])
    )


def _objects_at_home() -> list[dict[str, Any]]:
    lights = ("", "at dusk", "", "in the morning", "", "at night")
    plan = []
    for number, each in enumerate(sorted(Catalog.load().objects.values(), key=lambda each: each.name)):
        place = each.settings[number % len(each.settings)] if each.settings else "hills"
        where = {"room": "in a room", "stage": "on a stage", "sky": "in the sky", "space": "in space", "sea": "at sea"}
        words = f"{each.words[0]} {where.get(place, f'in the {place}')} {lights[number % len(lights)]}".strip()
        plan.append({"kind": "image", "words": words})
    return plan


def draw_for_story(work: Work, progress: Progress) -> None:
    """Draw what the sample story's search should find."""
    count = story_count()
    missing = [number for number in range(count) if _there(work.job.workspace, number) is None]
    # Drawn by as many threads as there are cores, kept by this one: somebody is looking on.
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
    try:
        for done, (number, picture) in enumerate(zip(missing, pool.map(_drawn, missing), strict=True)):
            _keep(work.job.workspace, number, picture)
            progress((done + 1) / len(missing))
    finally:
        pool.shutdown(cancel_futures=True)


def submit_rest(workspace: Workspace) -> None:
    """Ask for the rest of the library, in batches behind all other work."""
    for start in range(story_count(), len(plan()), BATCH):
        jobs.submit("draw_sample", workspace=workspace, priority=-10, start=start, end=min(start + BATCH, len(plan())))


def draw(work: Work) -> None:
    """Draw one batch; what is there already is left alone."""
    start, end = work.job.subject["start"], work.job.subject["end"]
    work.begin("drawing")
    for number in range(start, end):
        _make(work.job.workspace, number)
        work.report((number + 1 - start) / (end - start))


def _make(workspace: Workspace, number: int) -> Asset:
    there = _there(workspace, number)
    if there is not None:
        return there
    if plan()[number]["kind"] == "audio":
        return _speak(workspace, number)
    return _keep(workspace, number, _drawn(number))


def _key(number: int) -> str:
    return f"sample:{number}"


def _there(workspace: Workspace, number: int) -> Asset | None:
    return Asset.objects.in_workspace(workspace.pk).filter(made_by__sample=_key(number)).first()


def _drawn(number: int) -> Picture:
    painter = generation.painter("illustrator")
    words, moves = plan()[number]["words"], plan()[number]["kind"] == "video"
    if moves:
        return painter.animate(
            words, width=CLIP[0], height=CLIP[1], seconds=CLIP_SECONDS, seed=number, progress=_stop_if_told
        )
    return painter.draw(words, width=STILL[0], height=STILL[1], seed=number)


def _stop_if_told(_share: float) -> None:
    """A clip takes seconds to draw: a worker that is told to stop doesn't wait for it."""
    if jobs.stopping.is_set():
        raise jobs.HandedBack


def _keep(workspace: Workspace, number: int, picture: Picture) -> Asset:
    return library.keep(
        workspace, picture.content, title=picture.alt, alt=picture.alt, tags=picture.tags,
        made_by={**picture.made_by, "sample": _key(number)},
    )  # fmt: skip


def _speak(workspace: Workspace, number: int) -> Asset:
    """A spoken sample; its transcript is the text that was spoken, with the voice's own times."""
    sample = plan()[number]
    speech = generation.speak(sample["text"], language="en", engine="espeak")
    asset, _created = media.store_asset(
        workspace.pk, speech.sound, title=sample["title"], tags=sample.get("tags", []), licence="Made by Storyloom",
        made_by={**speech.made_by, "sample": _key(number)},
    )  # fmt: skip
    words = [{"text": w.text, "start": w.start, "end": w.end, "confidence": 1.0} for w in speech.words]
    passages = _passages(words, speech.sentences)
    Transcript.objects.get_or_create(asset=asset, defaults={"passages": passages, "made_by": dict(speech.made_by)})
    library.make_searchable(asset)
    return asset


def _passages(words: list[dict[str, Any]], bounds: tuple[tuple[float, float], ...]) -> list[dict[str, Any]]:
    passages = []
    for start, end in bounds:
        said = [word for word in words if start <= (word["start"] + word["end"]) / 2 <= end]
        if said:
            passages.append({"text": " ".join(w["text"] for w in said), "start": start, "end": end, "words": said})
    return passages
