"""Verbs of transcripts: correct what was heard and when, and cut a recording by its sentences."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import tempfile
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from creator import jobs
from creator.jobs import Work
from creator.models import Job, User
from creator.services import library
from media_processing import cutting
from media_processing import services as media
from media_processing.decoding import inspect
from media_processing.engine import EngineError
from media_processing.models import Asset, Transcript
from search import services as search
from search.models import Moment

CUT = "cut_asset"
HEAR = "transcribe_asset"
SHORTEST = 0.02
"""Seconds of a word."""
LONGEST = 200
"""Characters that may stand for a word; for a passage without word times as many thousand."""


class Stale(EngineError):
    """Somebody changed the transcript in between."""


def version_of(transcript: Transcript) -> str:
    """Changes with every correction, whoever makes it."""
    return hashlib.sha256(json.dumps(transcript.passages).encode()).hexdigest()[:16]


def is_corrected(transcript: Transcript) -> bool:
    """Whether a person changed anything of it."""
    return any(
        "corrected" in part for passage in transcript.passages for part in (passage, *(passage.get("words") or ()))
    )


def correct(
    asset: Asset, *, by: User, version: str, passage: int, word: int | None = None,
    text: str | None = None, start: float | None = None, end: float | None = None,
) -> tuple[Transcript, dict[str, Any] | None]:  # fmt: skip
    """Write a word anew or move its times; it then says who did so and when.

    Returns the transcript, and the passage as it is now: None where nothing of it is left.

    Two words in place of one share its time; no text takes it away. Times stay between the neighbours'. A passage
    whose words have no times is corrected as a whole (`word` None). Raises Stale where it isn't `version` any more.
    """
    with transaction.atomic():
        transcript = _locked(asset, version)
        passages = transcript.passages
        if not 0 <= passage < len(passages):
            raise EngineError("There is no such passage.", next_step="Reload the page.")
        found = _corrected(
            passages, passage, word, _clean(text, LONGEST if word is not None else 1000 * LONGEST),
            (start, end), {"by": str(by), "at": timezone.now().isoformat(timespec="seconds")}, asset.seconds,
        )  # fmt: skip
        passages[passage : passage + 1] = found
        transcript.save(update_fields=["passages"])
        refresh(asset, transcript)
    return transcript, found[0] if found else None


def _locked(asset: Asset, version: str) -> Transcript:
    transcript = Transcript.objects.select_for_update().filter(asset=asset).first()
    if transcript is None:
        raise EngineError("Nothing is written down of this recording.", next_step="Have it transcribed first.")
    if version_of(transcript) != version:
        raise Stale("Somebody else corrected this transcript.", next_step="Look at what stands there now.")
    return transcript


def _clean(text: str | None, longest: int) -> str | None:
    if text is None:
        return None
    text = " ".join("".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text).split())
    if len(text) > longest:
        raise EngineError(f"This is longer than {longest} characters.", next_step="Split it over several words.")
    return text


def _corrected(
    passages: list[dict[str, Any]], number: int, at: int | None, text: str | None,
    times: tuple[float | None, float | None], who: dict[str, str], seconds: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """The passage as it is after the correction: in a list, which is empty where nothing of it stays."""
    passage = copy.deepcopy(passages[number])
    words: list[dict[str, Any]] = passage.get("words") or []
    if at is None or not words:
        if words or at is not None:
            raise EngineError("There is no such word.", next_step="Reload the page.")
        return [passage | {"text": text, "corrected": who}] if text else []
    if not 0 <= at < len(words):
        raise EngineError("There is no such word.", next_step="Reload the page.")
    between = "" if passage["text"] == "".join(word["text"] for word in words) and len(words) > 1 else " "
    word = words[at]
    if times != (None, None):
        ends = [each["end"] for each in (*passages[:number][-1:], *words[:at])]
        starts = [each["start"] for each in (*words[at + 1 :], *passages[number + 1 :][:1])]
        word |= _moved(word, times, max(ends, default=0.0), min(starts, default=seconds)) | {"corrected": who}
    if text is not None and text != word["text"]:
        words[at : at + 1] = _shared(word | {"corrected": who}, text.split(" ") if text else [])
        passage["corrected"] = who
    if not words:
        return []
    passage |= {"text": between.join(each["text"] for each in words)}
    return [passage | {"start": words[0]["start"], "end": words[-1]["end"], "words": words}]


def _moved(
    word: dict[str, Any], times: tuple[float | None, float | None], earliest: float, latest: float
) -> dict[str, float]:
    start, end = (
        float(now if new is None else new) for new, now in zip(times, (word["start"], word["end"]), strict=True)
    )
    if not (math.isfinite(start) and math.isfinite(end)):
        raise EngineError("These are no times.", next_step="Give seconds, such as 1.25.")
    # Where an engine let words overlap, what is there already stays allowed.
    earliest, latest = min(earliest, word["start"]), max(latest, word["end"])
    start = min(max(start, earliest), latest - SHORTEST)
    return {"start": round(start, 3), "end": round(min(max(end, start + SHORTEST), latest), 3)}


def _shared(word: dict[str, Any], texts: list[str]) -> list[dict[str, Any]]:
    """One word as several that share its time by their letters: somebody then moves what is off."""
    letters, at, found = sum(map(len, texts)), word["start"], []
    for text in texts:
        end = at + (word["end"] - word["start"]) * len(text) / letters
        found.append(word | {"text": text, "start": round(at, 3), "end": round(end, 3), "confidence": 1.0})
        at = end
    return found


def refresh(asset: Asset, transcript: Transcript) -> None:
    """Let searches find what is said now."""
    moments = list(Moment.objects.filter(asset=asset))
    for moment in moments:
        moment.text = media.said_between(transcript.passages, moment.start, moment.end)
    Moment.objects.bulk_update(moments, ["text"])
    search.refresh_words(asset)


# Cuts ----------------------------------------------------------------------------------------------------------------


def ask_to_cut(asset: Asset, *, by: User, version: str, leave_out: Collection[int]) -> Job:
    """Have a new asset made without these passages. Raises EngineError where that can't be."""
    probe = inspect(asset.file, name=asset.title)
    with transaction.atomic():
        transcript = _locked(asset, version)
        if not set(leave_out) <= set(range(len(transcript.passages))):
            raise EngineError("There is no such passage.", next_step="Reload the page.")
        cutting.kept(transcript.passages, leave_out, probe)
        return jobs.submit(
            CUT, workspace=asset.workspace, person=by, asset=str(asset.pk), leave_out=sorted(leave_out),
            passages=transcript.passages,
        )  # fmt: skip


def cut(work: Work) -> None:
    """The job that does so: the words travel with the job, so that a correction in between changes nothing."""
    subject = work.job.subject
    asset = Asset.objects.in_workspace(work.job.workspace_id).filter(pk=UUID(subject["asset"])).first()
    if asset is None:
        raise EngineError("The recording isn't there any more.", next_step="Bring it in again.", permanent=True)
    probe, passages, leave_out = inspect(asset.file, name=asset.title), subject["passages"], subject["leave_out"]
    spans = cutting.kept(passages, leave_out, probe)
    suffix = ".mp4" if probe.kind == "video" else ".wav" if probe.content_type == "audio/wav" else ".m4a"
    work.begin("cut")
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        target = Path(folder) / f"cut{suffix}"
        cutting.cut(asset.file, target, spans, probe, progress=work.part(0.0, 0.8))
        prepared = media.prepare(target)
        with work.effect():
            ((made, _new),) = media.record(
                work.job.workspace_id, [prepared], title=f"{asset.title or 'Untitled'} (cut)"[:300], alt=asset.alt,
                licence=asset.licence, credit=asset.credit, tags=asset.tags, domain=asset.domain,
                added_by_id=work.job.person_id, source_url=asset.source_url,
                made_by=asset.made_by | {"parents": [str(asset.pk)], "kept": spans},
            )  # fmt: skip
            made.parents.add(asset)
            original = Transcript.objects.filter(asset=asset).first()
            Transcript.objects.get_or_create(
                asset=made,
                defaults={
                    "language": original.language if original else "en",
                    "passages": cutting.shifted(passages, leave_out, spans),
                    "made_by": (original.made_by if original else {}) | {"from": str(asset.pk)},
                },
            )
    library.make_searchable(made, progress=work.part(0.8, 1.0))
    with work.effect():
        jobs.note(work.job, "asset.cut", asset=str(made.pk))


# Hearing again -------------------------------------------------------------------------------------------------------


def ask_to_transcribe(asset: Asset, *, by: User) -> Job:
    """Have it written down by the transcriber of now. Raises EngineError where a person's corrections would be lost."""
    _uncorrected(asset)
    return jobs.submit(HEAR, workspace=asset.workspace, person=by, asset=str(asset.pk))


def _uncorrected(asset: Asset) -> None:
    there = Transcript.objects.filter(asset=asset).first()
    if there is not None and is_corrected(there):
        raise EngineError(
            "This transcript was corrected by hand, and that would be lost.", next_step="Correct what is still wrong."
        )


def transcribe(work: Work) -> None:
    """The job that does so."""
    asset = Asset.objects.in_workspace(work.job.workspace_id).filter(pk=UUID(work.job.subject["asset"])).first()
    if asset is None:
        raise EngineError("The recording isn't there any more.", next_step="Bring it in again.", permanent=True)
    _uncorrected(asset)
    work.begin("transcribe")
    heard = media.heard_in(asset, progress=work.part(0.0, 0.95))
    with work.effect():
        _uncorrected(asset)  # somebody may have been at it meanwhile
        transcript, _new = Transcript.objects.update_or_create(asset=asset, defaults=heard)
        refresh(asset, transcript)
