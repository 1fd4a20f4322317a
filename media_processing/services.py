"""What is done to the files of a library: storing, deriving, transcribing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from django.db import transaction
from PIL import Image

from media_processing import pictures
from media_processing.decoding import MAX_BYTES, MediaError, Probe, frames_at, inspect, open_picture
from media_processing.engine import EngineError, Progress, engines, no_progress
from media_processing.models import Asset, Rendition, Transcript
from media_processing.shots import shots
from media_processing.storage import incoming

SIDES = {"webp-480": 480, "webp-960": 960}
"""Recipes of still renditions: the longer side in pixels."""
SPRITE = "sprite"
SPRITE_FRAMES = 10
"""Frames of a sprite, side by side, evenly spread over the video; a page shows the one under the pointer."""
SPRITE_SIDE = 240

_SUFFIXES = {
    "image/webp": ".webp", "image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4", "audio/wav": ".wav",
    "audio/mp4": ".m4a", "text/vtt": ".vtt", "application/x-subrip": ".srt", "application/json": ".json",
}  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """A stretch of an asset that can be found on its own, in seconds; `key_time` is when its key frame is shown."""

    start: float
    end: float
    key_time: float
    text: str = ""


@dataclass(frozen=True)
class Imported:
    """What became of one file of a batch: an asset, or a sentence that says why not."""

    name: str
    asset: Asset | None = None
    created: bool = False
    error: str = ""
    reason: str = ""
    next_step: str = ""


def store_asset(
    workspace_id: int,
    source: Path | bytes,
    *,
    name: str = "",
    title: str = "",
    alt: str = "",
    licence: str = "",
    credit: str = "",
    tags: Iterable[str] = (),
    made_by: Mapping[str, Any] | None = None,
    domain: str = "photographs",
    added_by_id: int | None = None,
    source_url: str = "",
    max_bytes: int = MAX_BYTES,
) -> tuple[Asset, bool]:
    """Keep a file as an asset, and say whether it is new: the same bytes in a workspace are the same asset.

    `name` is what the person called the file: it makes messages and, without a `title`, the title. Never a path.
    Raises MediaError for a file that can't be used, EngineError where it can't be stored.
    """
    name = PurePath(name).name or (source.name if isinstance(source, Path) else "")
    title = title or _title(name)
    name = name or "The file"
    with incoming(source, max_bytes=max_bytes) as copy:
        known = Asset.objects.in_workspace(workspace_id).filter(digest=copy.digest).first()
        if known is not None and known.file.exists():
            return known, False
        probe = inspect(copy.path, name=name, max_bytes=max_bytes)
        colour = _colour(copy.path, probe, name)
        path = copy.keep("originals", probe.suffix)
    with transaction.atomic():
        return Asset.objects.get_or_create(
            workspace_id=workspace_id,
            digest=copy.digest,
            defaults={
                "kind": probe.kind, "path": path, "content_type": probe.content_type, "size": copy.size,
                "width": probe.width, "height": probe.height, "seconds": probe.seconds, "has_sound": probe.has_sound,
                "title": title[:300], "alt": alt[:500], "tags": _tags(tags),
                "licence": licence[:100], "credit": credit[:200], "source_url": source_url[:2000],
                "made_by": dict(made_by or {}), "domain": domain, "colour": colour, "added_by_id": added_by_id,
            },
        )  # fmt: skip


def store_rendition(
    workspace_id: int,
    *,
    key: str,
    recipe: str,
    content: Path | bytes,
    content_type: str,
    width: int = 0,
    height: int = 0,
    seconds: float = 0.0,
    asset: Asset | None = None,
    made_by: Mapping[str, Any] | None = None,
) -> Rendition:
    """Keep a file of our own making under `key` (see `rendition_key`); whoever comes second gets the first one's.

    A row whose file is gone gets the new file. Raises EngineError where it can't be stored.
    """
    with incoming(content) as copy:
        path = copy.keep("renditions", _SUFFIXES.get(content_type, ".bin"))
    values = {
        "recipe": recipe, "digest": copy.digest, "path": path, "content_type": content_type, "size": copy.size,
        "width": width, "height": height, "seconds": seconds, "asset": asset, "made_by": dict(made_by or {}),
    }  # fmt: skip
    with transaction.atomic():
        rendition, created = Rendition.objects.get_or_create(workspace_id=workspace_id, key=key, defaults=values)
        if not created and not rendition.file.exists():
            rendition, _ = Rendition.objects.update_or_create(workspace_id=workspace_id, key=key, defaults=values)
    return rendition


def rendition_key(digest: str, recipe: str) -> str:
    """The key of what `recipe` makes of the input with that digest."""
    return hashlib.sha256(f"{digest}\n{recipe}".encode()).hexdigest()


def find_rendition(workspace_id: int, key: str) -> Rendition | None:
    """A rendition that was made before and whose file is still there."""
    rendition = Rendition.objects.filter(workspace_id=workspace_id, key=key).first()
    return rendition if rendition is not None and rendition.file.exists() else None


def rendition_of(asset: Asset, recipe: str) -> Rendition:
    """A picture of an asset by a recipe ("webp-480", "webp-960", "sprite"), made at the first call.

    Raises MediaError for sound, and for the sprite of a picture.
    """
    if recipe not in SIDES and recipe != SPRITE:
        raise ValueError(f"No recipe {recipe!r}. There are: {', '.join([*SIDES, SPRITE])}.")
    key = rendition_key(asset.digest, recipe)
    found = find_rendition(asset.workspace_id, key)
    if found is not None:
        return found
    image = _sprite(asset) if recipe == SPRITE else _still(asset, SIDES[recipe])
    return store_rendition(
        asset.workspace_id,
        key=key,
        recipe=recipe,
        content=pictures.webp(image, quality=70 if recipe == SPRITE else 80),
        content_type="image/webp",
        width=image.width,
        height=image.height,
        asset=asset,
    )


def recipes_for(asset: Asset) -> tuple[str, ...]:
    """The recipes that work for an asset."""
    return {Asset.Kind.IMAGE: tuple(SIDES), Asset.Kind.VIDEO: (*SIDES, SPRITE)}.get(Asset.Kind(asset.kind), ())


def transcribe_asset(asset: Asset, *, language: str = "en", progress: Progress = no_progress) -> Transcript:
    """Transcribe a spoken asset with the default transcriber; a new transcript takes the old one's place.

    Raises MediaError where it has no sound, EngineError where the engine can't.
    """
    if not asset.has_sound:
        raise MediaError(f"{asset} has no sound.", reason="no_sound", next_step="Choose a file with speech in it.")
    transcriber = engines["transcriber"]
    said = transcriber.transcribe(asset.file, language=language, progress=progress)
    transcript, _ = Transcript.objects.update_or_create(
        asset=asset,
        defaults={
            "language": said.language,
            "passages": [asdict(passage) for passage in said.passages],
            "made_by": transcriber.made_by(language=language),
        },
    )
    return transcript


def import_file(workspace_id: int, source: Path | bytes, *, name: str = "", **details: Any) -> Imported:
    """One file of a batch: stored, with its small pictures made. Never raises for what is wrong with the file."""
    name = PurePath(name).name or (source.name if isinstance(source, Path) else "The file")
    try:
        asset, created = store_asset(workspace_id, source, name=name, **details)
        for recipe in recipes_for(asset):
            rendition_of(asset, recipe)
    except EngineError as error:
        reason = error.reason if isinstance(error, MediaError) else "failed"
        return Imported(name, error=error.message, reason=reason, next_step=error.next_step)
    return Imported(name, asset, created)


def stretches(asset: Asset, *, progress: Progress = no_progress) -> list[Stretch]:
    """What can be found in an asset: a picture is one, a video one per shot, sound one per spoken passage."""
    if asset.kind == Asset.Kind.IMAGE:
        return [Stretch(0.0, 0.0, 0.0)]
    transcript = Transcript.objects.filter(asset=asset).first()
    passages = transcript.passages if transcript is not None else []
    if asset.kind == Asset.Kind.AUDIO:
        return [Stretch(said["start"], said["end"], said["start"], said["text"]) for said in passages]
    found = shots(asset.file, progress=progress)
    return [Stretch(shot.start, shot.end, shot.key_time, _said(passages, shot.start, shot.end)) for shot in found]


def _said(passages: list[dict[str, Any]], start: float, end: float) -> str:
    """The words whose middle lies in a stretch; of a passage without word times, all or nothing."""
    words: list[str] = []
    for passage in passages:
        for part in passage.get("words") or [passage]:
            if start <= (part["start"] + part["end"]) / 2 < end:
                words.append(part["text"])
    return " ".join(words)


def _still(asset: Asset, max_side: int) -> Image.Image:
    name = asset.title or "The file"
    if asset.kind == Asset.Kind.IMAGE:
        return open_picture(asset.file, max_side=max_side, name=name)
    if asset.kind == Asset.Kind.AUDIO:
        raise MediaError(f"{name} is sound and has no picture.", reason="no_picture")
    # The very first frame is often black, so look at three.
    looks = [asset.seconds * share for share in (0.1, 0.3, 0.5)]
    return max(frames_at(asset.file, looks, max_side=max_side, name=name), key=pictures.sharpness)


def _sprite(asset: Asset) -> Image.Image:
    if asset.kind != Asset.Kind.VIDEO:
        raise MediaError(f"{asset} isn't a video.", reason="no_picture", next_step="Choose a video.")
    looks = [asset.seconds * (number + 0.5) / SPRITE_FRAMES for number in range(SPRITE_FRAMES)]
    # Key frames are quick to reach, but a short clip has few of them.
    frames = frames_at(asset.file, looks, max_side=SPRITE_SIDE, exact=asset.seconds < 20, name=asset.title)
    width, height = frames[0].size
    strip = Image.new("RGB", (width * len(frames), height))
    for number, frame in enumerate(frames):
        strip.paste(frame, (number * width, 0))
    return strip


def _colour(path: Path, probe: Probe, name: str) -> str:
    if probe.kind == "image":
        return pictures.dominant_colour(open_picture(path, max_side=96, name=name))
    if probe.kind == "video":
        return pictures.dominant_colour(frames_at(path, [probe.seconds * 0.3], max_side=96, name=name)[0])
    return ""


def _title(name: str) -> str:
    words = PurePath(name).stem.replace("_", " ")
    return " ".join("".join(mark for mark in words if mark.isprintable()).split())


def _tags(tags: Iterable[str]) -> list[str]:
    cleaned = (" ".join(tag.split())[:60] for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))
