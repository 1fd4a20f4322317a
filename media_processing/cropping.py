"""Which part of a picture or a shot a frame of another shape shows: what stands out, and faces, over time."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing.decoding import frames_at, open_picture
from media_processing.pictures import salience
from media_processing.timeline import Crop

STEP = 0.5
"""Seconds between two looks at a shot."""
MOST_LOOKS = 60
PLACES = 65
"""Places that a box can have along its way."""
CENTRE = 0.15
"""What the very middle is worth, beside 1 for all that stands out: among equals, a picture is cut evenly."""
FACE, CUT_FACE = 2.0, -3.0
"""What a whole face inside is worth, and one that is cut; of all of them together, by their share of faces' area."""
CAPTIONS = 0.3
"""The share of a frame's height, at its bottom, where captions stand: what is there counts half."""
INERTIA = 12.0
"""How much a move costs: times the square of its share of the way per step."""
AT_REST = 0.06
"""A path that stays within this share of the way doesn't move at all."""
SMOOTH = 1.0
"""Seconds over which a path is averaged, twice."""


class Face(NamedTuple):
    """A face's box as shares of width and height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Seen:
    """One look at a picture: what stands out, 64 x 64, and its faces; `None` where nothing can find faces."""

    second: float
    salient: NDArray[np.float64]
    faces: tuple[Face, ...] | None = None


def box_size(source: tuple[int, int], frame: tuple[int, int]) -> tuple[float, float]:
    """The largest part of a source in the shape of a frame, as shares of the source's width and height."""
    ratio = (frame[0] / frame[1]) / (source[0] / source[1])
    return (ratio, 1.0) if ratio < 1 else (1.0, 1 / ratio)


def crop_picture(path: Path, frame: tuple[int, int], *, faces: Path | None = None) -> Crop:
    """The part of a picture that a frame of that shape should show. `faces`: a model for `find_faces`.

    Raises MediaError.
    """
    with open_picture(path, max_side=640) as picture:
        seen = Seen(0.0, salience(picture), find_faces(picture, faces))
        return crops_of([seen], picture.size, frame)[0]


def crop_shot(
    path: Path, start: float, end: float, frame: tuple[int, int], *, cuts: Sequence[float] = (),
    faces: Path | None = None,
) -> tuple[Crop, ...]:  # fmt: skip
    """The part of a stretch of video that a frame of that shape should show, over time; seconds count from `start`.

    `cuts`: seconds of the video where another shot begins; there the box may jump, nowhere else. Raises MediaError.
    """
    count = int(np.clip(round((end - start) / STEP), 1, MOST_LOOKS))
    seconds = np.linspace(start, max(start, end - 0.1), count).tolist()
    looks = frames_at(path, seconds, max_side=320)
    seen = [
        Seen(second - start, salience(each), find_faces(each, faces))
        for second, each in zip(seconds, looks, strict=True)
    ]
    return crops_of(seen, looks[0].size, frame, cuts=[cut - start for cut in cuts if start < cut < end])


def crops_of(
    seen: Sequence[Seen], source: tuple[int, int], frame: tuple[int, int], *, cuts: Sequence[float] = ()
) -> tuple[Crop, ...]:
    """The box over time for what was seen of one source: the path that shows most of it with the least of moving.

    Viterbi's algorithm over the box's places, then two moving averages; a path that hardly moves stands still.
    """
    width, height = box_size(source, frame)
    across = width < 1
    length = width if across else height
    if length > 0.995:
        return (Crop(0.0, (1 - width) / 2, (1 - height) / 2, width, height),)
    places = np.linspace(0, 1 - length, PLACES)
    worth = np.array([_worth(each, places, length, across=across) for each in seen])
    seconds = np.array([each.second for each in seen])
    found: list[Crop] = []
    edges = [0, *(int(np.searchsorted(seconds, cut)) for cut in cuts), len(seen)]
    begins = [0.0, *cuts]
    for begin, (first, last) in zip(begins, pairwise(edges), strict=True):
        if first >= last:
            continue
        path = places[_path(worth[first:last])]
        times = seconds[first:last].copy()
        times[0] = begin
        if np.ptp(path) <= AT_REST * max(1 - length, 1e-9) or len(path) < 3:
            times, path = times[:1], np.array([np.median(path)])
        else:
            path = _averaged(path, times)
        if found:  # the box of the shot before stays until its last moment
            found.append(Crop(begin - 0.001, *found[-1].box))
        found += [
            Crop(float(second), *_box(float(place), width, height)) for second, place in zip(times, path, strict=True)
        ]
    return tuple(found)


def _box(place: float, width: float, height: float) -> tuple[float, float, float, float]:
    return (place, (1 - height) / 2, width, height) if width < 1 else ((1 - width) / 2, place, width, height)


def _worth(seen: Seen, places: NDArray[np.float64], length: float, *, across: bool) -> NDArray[np.float64]:
    """What the box is worth at each of its places: (PLACES,)."""
    line = np.concatenate([[0.0], np.cumsum(seen.salient.sum(axis=0 if across else 1))])
    grid = np.linspace(0, 1, line.size)

    def inside(begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        held: NDArray[np.float64] = np.interp(end, grid, line) - np.interp(begin, grid, line)
        return held

    worth = inside(places, places + length)
    if not across:
        worth = worth - 0.5 * inside(places + length * (1 - CAPTIONS), places + length)
    worth = worth + CENTRE * (1 - np.abs(2 * places / max(1 - length, 1e-9) - 1))
    area = sum(face.width * face.height for face in seen.faces or ())
    for face in seen.faces or ():
        low, size = (face.x, face.width) if across else (face.y, face.height)
        whole = (places <= low) & (low + size <= places + length)
        outside = (places >= low + size) | (low >= places + length)
        worth = worth + np.where(whole, FACE, np.where(outside, 0.0, CUT_FACE)) * face.width * face.height / area
    return worth


def _path(worth: NDArray[np.float64]) -> NDArray[np.intp]:
    """The place at each time with the highest sum of worth less the cost of moving. worth: (times, PLACES)."""
    cost = INERTIA * ((np.arange(PLACES)[:, None] - np.arange(PLACES)[None, :]) / (PLACES - 1)) ** 2
    best, came = worth[0], []
    for row in worth[1:]:
        choice = best[:, None] - cost
        came.append(choice.argmax(axis=0))
        best = row + choice.max(axis=0)
    path = [int(best.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1])


def _averaged(path: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    step = float(np.median(np.diff(times)))
    reach = max(1, round(SMOOTH / max(step, 0.01) / 2))
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    for _ in range(2):
        path = np.convolve(np.pad(path, reach, mode="edge"), kernel, mode="valid")
    return path


def find_faces(picture: Image.Image, model: Path | None) -> tuple[Face, ...] | None:
    """The faces in a picture; None where nothing is installed that finds them, which is a missing term and no zero.

    `model`: the ONNX file of a YuNet detector, which the operator brings; OpenCV's FaceDetectorYN runs it.
    """
    if model is None:
        return None
    detector = _detector(model)
    small = picture.convert("RGB")
    small.thumbnail((320, 320))
    detector.setInputSize(small.size)
    _count, found = detector.detect(np.ascontiguousarray(np.asarray(small)[:, :, ::-1]))
    wide, high = small.size
    clipped = [np.clip((x / wide, y / high, (x + w) / wide, (y + h) / high), 0, 1) for x, y, w, h in
               (row[:4] for row in (() if found is None else found))]  # fmt: skip
    return tuple(Face(float(x), float(y), float(r - x), float(b - y)) for x, y, r, b in clipped if r > x and b > y)


@functools.lru_cache(maxsize=2)
def _detector(model: Path) -> Any:
    import cv2  # only where an operator brought a model

    return cv2.FaceDetectorYN.create(str(model), "", (320, 320))
