"""Verbs of the library: keep what engines made, make assets searchable, look at them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image

from creator.models import User, Workspace
from media_processing import decoding
from media_processing import services as media
from media_processing.engine import EngineError, Progress, no_progress
from media_processing.models import Asset, Transcript
from search import services as search


@contextmanager
def scratch_file(content: bytes, suffix: str) -> Iterator[Path]:
    """Bytes as a file for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        yield path


def make_searchable(asset: Asset, *, progress: Progress = no_progress) -> None:
    """Transcribe what is spoken in an asset, cut it into moments and embed each one's key frame."""
    if asset.moments.exists():
        return
    if asset.has_sound and not Transcript.objects.filter(asset=asset).exists():
        # A sound whose speech can't be read is still found by its title and tags.
        with suppress(EngineError):
            media.transcribe_asset(asset, progress=progress)
    stretches = media.stretches(asset, progress=progress)
    search.index_asset(asset, stretches, media.key_frames(asset, [each.key_time for each in stretches]))
    progress(1.0)


def key_frame(asset: Asset, second: float) -> Image.Image | None:
    """The picture of an asset at a second; None for a sound."""
    if asset.kind == Asset.Kind.AUDIO:
        return None
    if asset.kind == Asset.Kind.VIDEO:
        return decoding.frame_at(asset.file, second, max_side=512)
    return decoding.open_picture(asset.file, max_side=512)


def keep(
    workspace: Workspace, content: bytes, *, title: str, alt: str, tags: Sequence[str], made_by: dict[str, Any],
    domain: str = "illustrations", licence: str = "Made by Storyloom", credit: str = "", by: User | None = None,
) -> Asset:  # fmt: skip
    """Keep something that an engine made as an asset, searchable like any other."""
    asset, _created = media.store_asset(
        workspace.pk, content, title=title, alt=alt, tags=tags, made_by=made_by, domain=domain,
        licence=licence, credit=credit, added_by_id=by.pk if by else None, tile=True,
    )  # fmt: skip
    make_searchable(asset)
    return asset
