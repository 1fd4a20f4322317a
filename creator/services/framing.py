"""What a frame shows of a scene's picture: around the editor's point, else what stands out, found once and kept."""

from __future__ import annotations

import json
import os
from dataclasses import astuple, replace
from pathlib import Path

from django.conf import settings

from creator.models import Scene
from media_processing.cropping import crop_picture, crop_shot
from media_processing.decoding import MediaError
from media_processing.models import Asset
from media_processing.timeline import Crop, Timeline, TimelineScene
from search.models import Moment

VERSION = 1
"""Raise it when the same picture is cropped in another way."""


def framed(line: TimelineScene, scene: Scene, frame: tuple[int, int], *, find: bool = False) -> TimelineScene:
    """A scene of a timeline with the crop of its picture for a frame of that size.

    A crop that nobody has looked for yet is found with `find`; without, the middle is shown, since pages don't wait.
    """
    asset = scene.asset
    if scene.focus or asset is None:
        return line
    place = _place(asset, line, frame)
    crops = _kept(place)
    if crops is None and find:
        crops = _found(asset, line, frame)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps([astuple(crop) for crop in crops]))
        partial.replace(place)
    if not crops:
        return line
    first = crops[0]
    if len(crops) > 1:
        return replace(line, visual=replace(line.visual, crops=crops))
    return replace(line, visual=replace(line.visual, focus=(first.x + first.width / 2, first.y + first.height / 2)))


def middles(line: Timeline) -> dict[str, list[float]]:
    """Scene -> the middle of what a video shows of its picture at the beginning, as shares of width and height."""
    found = {}
    for each in line.scenes:
        crop = each.visual.crops[0] if each.visual.crops else None
        x, y = (crop.x + crop.width / 2, crop.y + crop.height / 2) if crop else each.visual.focus
        found[each.id] = [round(x, 4), round(y, 4)]
    return found


def by() -> str:
    """What crops go by, for people."""
    return "faces and what stands out" if settings.FACES_MODEL else "what stands out; nothing here looks for faces"


def _place(asset: Asset, line: TimelineScene, frame: tuple[int, int]) -> Path:
    stretch = f"{line.visual.start:.1f}-{_end(asset, line):.1f}-" if asset.kind == Asset.Kind.VIDEO else ""
    faces = "-faces" if settings.FACES_MODEL else ""
    name = f"{asset.digest}-{stretch}{frame[0] / frame[1]:.3f}{faces}-{VERSION}.json"
    return Path(settings.CACHE_ROOT) / "framing" / asset.digest[:2] / name


def _kept(place: Path) -> tuple[Crop, ...] | None:
    try:
        return tuple(Crop(*each) for each in json.loads(place.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _found(asset: Asset, line: TimelineScene, frame: tuple[int, int]) -> tuple[Crop, ...]:
    faces = Path(settings.FACES_MODEL) if settings.FACES_MODEL else None
    try:
        if asset.kind != Asset.Kind.VIDEO:
            return (crop_picture(asset.file, frame, faces=faces),)
        cuts = Moment.objects.filter(asset=asset).order_by("start").values_list("start", flat=True)
        return crop_shot(asset.file, line.visual.start, _end(asset, line), frame, cuts=list(cuts), faces=faces)
    except MediaError:  # the gate says what is wrong with it
        return ()


def _end(asset: Asset, line: TimelineScene) -> float:
    """Second of the video where the scene's stretch ends."""
    end = line.visual.end or line.visual.start + line.seconds
    return min(end, asset.seconds) if asset.seconds else end
