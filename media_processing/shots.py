"""Where the shots of a video are, and the picture that stands for each."""

from __future__ import annotations

import itertools
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from media_processing.decoding import MediaError, frames_at, inspect
from media_processing.engine import Progress, no_progress
from media_processing.ffmpeg import run_ffmpeg, untrusted
from media_processing.pictures import sharpness

CUT = 0.3
"""ffmpeg's scene score from which on two neighbouring frames belong to two shots."""
SHORTEST = 0.4
"""Seconds; a flash is no shot."""
LONGEST = 12.0
PIECE = 8.0
"""A shot longer than LONGEST seconds is split into pieces of about so many, each to be found on its own."""

_BATCH = 60
"""Pictures that one child process decodes, so that none runs into its limits."""
_MANY = 40
"""Beyond so many shots each gets one look instead of three."""


@dataclass(frozen=True)
class Shot:
    """A stretch of a video in seconds; `key_time` is when its key frame is shown."""

    start: float
    end: float
    key_time: float


def shots(path: Path | str, *, progress: Progress = no_progress) -> list[Shot]:
    """The shots of a video in order, without gaps, from 0 to its end. Raises MediaError or EngineError."""
    probe = inspect(path)
    if probe.kind != "video":
        raise MediaError(f"{Path(path).name} isn't a video.", reason="no_picture", next_step="Choose a video.")
    seconds = probe.seconds
    edges = [0.0, *_cuts(Path(path), seconds, progress), seconds]
    stretches: list[tuple[float, float]] = []
    for start, end in itertools.pairwise(edges):
        stretches += _pieces(start, end)
    return [Shot(start, end, key) for (start, end), key in zip(stretches, _key_times(path, stretches), strict=True)]


def _cuts(path: Path, seconds: float, progress: Progress) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        scores = Path(folder) / "scores"
        # Small frames: a cut shows at any size, and scaling is cheaper than comparing.
        look = f"scale=160:90:flags=fast_bilinear,select='gt(scene,{CUT})',metadata=print:file={_quoted(scores)}"
        run_ffmpeg(
            [*untrusted(path), "-map", "0:V:0", "-vf", look, "-f", "null", "-"],
            progress=progress,
            seconds=seconds,
            timeout=max(600.0, 2 * seconds),
        )
        found = re.findall(r"pts_time:([\d.]+)", scores.read_text()) if scores.exists() else []
    cuts: list[float] = []
    for time in sorted(map(float, found)):
        if time - (cuts[-1] if cuts else 0.0) >= SHORTEST and seconds - time >= SHORTEST:
            cuts.append(round(time, 3))
    return cuts


def _quoted(path: Path) -> str:
    """A path as an option's value inside a filter, which ffmpeg unquotes twice."""
    once = re.sub(r"([\\':])", r"\\\1", str(path))
    return re.sub(r"([\\'\[\],;])", r"\\\1", once)


def _pieces(start: float, end: float) -> list[tuple[float, float]]:
    count = round((end - start) / PIECE) if end - start > LONGEST else 1
    edges = [round(start + (end - start) * number / count, 3) for number in range(count)] + [end]
    return list(itertools.pairwise(edges))


def _key_times(path: Path | str, stretches: list[tuple[float, float]]) -> list[float]:
    """The sharpest of a few looks at each stretch."""
    looks = (0.25, 0.5, 0.75) if len(stretches) <= _MANY else (0.5,)
    times = [round(start + (end - start) * share, 3) for start, end in stretches for share in looks]
    if len(looks) == 1:
        return times
    scores: list[float] = []
    for at in range(0, len(times), _BATCH):
        scores += [sharpness(frame) for frame in frames_at(path, times[at : at + _BATCH], max_side=320)]
    groups = range(0, len(times), len(looks))
    return [max(zip(scores[at : at + len(looks)], times[at : at + len(looks)], strict=True))[1] for at in groups]
