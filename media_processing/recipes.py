"""In what a finished video is stored: codecs and containers, as data."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from media_processing.engine import EngineError


@dataclass(frozen=True)
class Recipe:
    """A way to encode and store a video. Recipes with one encoder share their encoded pieces."""

    name: str
    title: str
    encoder: tuple[str, ...]
    """ffmpeg's arguments for the picture."""
    threads: str
    """The argument that keeps the encoder to a number of threads, with {} for the number."""
    container: tuple[str, ...]
    """ffmpeg's arguments for the file; {} stands for the folder of a stream."""
    content_type: str = "video/mp4"
    playlist: str = ""
    """The file that players open, where the recipe makes a stream of several files: those are stored as one zip."""

    def threaded(self, count: int) -> list[str]:
        return [part.format(count) for part in self.threads.split()]

    def stored(self, folder: Path) -> list[str]:
        return [part.replace("{}", str(folder)) for part in self.container]


_MP4 = ("-movflags", "+faststart", "-f", "mp4")
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-profile:v", "high", "-flags", "+cgop")

H264 = Recipe("h264", "H.264 in MP4", _X264, "-threads {}", _MP4)
AV1 = Recipe(
    "av1", "AV1 in MP4: about half the size, slower to make",
    ("-c:v", "libsvtav1", "-preset", "10", "-crf", "35"), "-svtav1-params lp={}", _MP4,
)  # fmt: skip
HLS = Recipe(
    "hls", "HLS stream: a playlist and its parts in a zip", _X264, "-threads {}",
    (
        "-f", "hls", "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod", "-hls_time", "4",
        "-hls_flags", "independent_segments", "-hls_fmp4_init_filename", "init.mp4",
        "-hls_segment_filename", "{}/part-%03d.m4s",
    ),
    content_type="application/zip", playlist="playlist.m3u8",
)  # fmt: skip

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in (H264, AV1, HLS)}


def recipe_named(name: str) -> Recipe:
    """Raises EngineError naming the recipes that there are."""
    if name not in RECIPES:
        raise EngineError(
            f"There is no recipe {name!r}.", next_step=f"Choose from {', '.join(RECIPES)}.", permanent=True
        )
    return RECIPES[name]


def pack(folder: Path, target: Path) -> None:
    """The files of a folder as one zip: not compressed, in order of their names, the same bytes for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())
