"""Frames of clips for looking through them without playing: one from each shot, side by side in one small file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from PIL import Image

from media_processing import pictures
from media_processing import services as media
from media_processing.decoding import MediaError, frames_at
from media_processing.models import Asset, Rendition
from search.models import Moment

FEWEST, MOST = 10, 24
SIDE = 240
"""Pixels of a frame's longer side."""


def times(key_times: Sequence[float], seconds: float) -> list[float]:
    """Seconds whose frames stand for a clip: its shots' key frames, the widest gaps between them filled.

    A clip of one shot gets frames all over it; of a clip of hundreds, evenly chosen ones stay.
    """
    chosen = sorted({round(min(max(0.0, second), seconds), 2) for second in key_times})
    if len(chosen) > MOST:
        chosen = [chosen[at * (len(chosen) - 1) // (MOST - 1)] for at in range(MOST)]
    while len(chosen) < FEWEST and seconds > 0:
        # The ends count double: a frame in the middle of an end gap stands for half of it only.
        edges = [-chosen[0], *chosen, 2 * seconds - chosen[-1]] if chosen else [0.0, seconds]
        at = max(range(len(edges) - 1), key=lambda at: edges[at + 1] - edges[at])
        middle = round(min(max((edges[at] + edges[at + 1]) / 2, seconds * 0.02), seconds * 0.98), 2)
        if middle in chosen:
            break  # too short for more
        chosen = sorted([*chosen, middle])
    return chosen


def times_of(assets: Iterable[Asset]) -> dict[UUID, list[float]]:
    """The clips among these assets -> the seconds of their frames; one query for all."""
    clips = {asset.pk: asset for asset in assets if asset.kind == Asset.Kind.VIDEO}
    keys: dict[UUID, list[float]] = defaultdict(list)
    for asset_id, key_time in Moment.objects.filter(asset__in=clips).values_list("asset_id", "key_time"):
        keys[asset_id].append(key_time)
    return {number: times(keys[number], clip.seconds) for number, clip in clips.items()}


def sheet_of(asset: Asset) -> Rendition:
    """The frames of a clip at `times_of`, side by side, made at the first call. Raises MediaError for anything else."""
    if asset.kind != Asset.Kind.VIDEO:
        raise MediaError(f"{asset} isn't a video.", reason="no_picture", next_step="Choose a video.")
    looks = times_of([asset])[asset.pk]
    recipe = "frames"
    key = media.rendition_key(asset.digest, f"{recipe} {looks}")
    found = media.find_rendition(asset.workspace_id, key)
    if found is not None:
        return found
    # Key frames are quick to reach, but a short clip has few of them.
    frames = frames_at(asset.file, looks, max_side=SIDE, exact=asset.seconds < 20, name=asset.title)
    width, height = frames[0].size
    strip = Image.new("RGB", (width * len(frames), height))
    for number, frame in enumerate(frames):
        strip.paste(frame, (number * width, 0))
    return media.store_rendition(
        asset.workspace_id, key=key, recipe=recipe, content=pictures.webp(strip, quality=70),
        content_type="image/webp", width=strip.width, height=strip.height, asset=asset,
    )  # fmt: skip
