"""A view that moves over a picture smoothly, drawn by ffmpeg's fast scaler.

A view is a rectangle with fractions of pixels, and neither `crop` nor `scale` can cut between pixels: on their own they
tremble. So each frame takes whole numbers that come out right together: cut `size` pixels from `start` on, scale them
to `scaled` pixels, and show them from `offset` on. Of all such windows on each axis the one is taken whose edges fall
nearest to the view's, a fiftieth of a pixel off where there are enough to choose from.

This costs an eighth of `perspective`, which samples between pixels one by one; `zoompan` steps by whole pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

SLACK = 0.16
"""How much more than the frame is scaled at most, as a share of its side: the choice that windows are found in."""
MARGIN = 0.1
"""How far a canvas should go on beyond what is seen, as a share of its side, so that every window finds room."""

_NEAR_ENOUGH = 0.02
"""Pixels. Among windows that are this near the smallest is taken: it is scaled fastest."""
_EDGE = 4
"""Scaled pixels that have to lie beyond a frame's side, for the scaler looks at a pixel's neighbours."""
_RATIOS = 12
"""How many of the nearest ratios are tried with every offset."""


class Box(NamedTuple):
    """A rectangle on a canvas, in pixels and parts of them."""

    left: float
    top: float
    width: float
    height: float


class Window(NamedTuple):
    """What stands for one axis of a box: whole numbers, even where colour is stored for pairs of pixels."""

    start: int
    size: int
    scaled: int
    offset: int


@dataclass(frozen=True)
class View:
    """What a frame sees of a canvas over time: boxes at given seconds, and evenly moving in between."""

    canvas: tuple[int, int]
    frame: tuple[int, int]
    keys: tuple[tuple[float, Box], ...]

    @property
    def moves(self) -> bool:
        return any(earlier[1] != later[1] for earlier, later in pairwise(self.keys))

    def box(self, second: float) -> Box:
        """The box at a second; before the first key and after the last the view rests."""
        seconds = [key[0] for key in self.keys]
        return Box(
            *(float(np.interp(second, seconds, side)) for side in zip(*(key[1] for key in self.keys), strict=True))
        )

    def filters(self, name: str, script: str, fps: int, first: int, count: int, flags: str) -> tuple[str, str]:
        """Filters that turn the canvas (yuv420p) into the frame, and the script that drives them.

        `script` is the script's path as it stands in a graph; a view that rests needs none. `name` tells this chain
        from others of its graph, `first` is the frame that it begins with, `flags` are more options of `scale`.
        """
        boxes = [self.box((first + number) / fps) for number in range(count)]
        across = windows([(box.left, box.width) for box in boxes], self.frame[0], self.canvas[0])
        down = windows([(box.top, box.height) for box in boxes], self.frame[1], self.canvas[1])
        lines = []
        for number, (x, y) in enumerate(zip(across, down, strict=True)):
            told = {
                f"crop@cut{name}": {"w": x.size, "h": y.size, "x": x.start, "y": y.start},
                f"scale@size{name}": {"w": x.scaled, "h": y.scaled},
                f"crop@show{name}": {"x": x.offset, "y": y.offset},
            }
            orders = [f"{filter} {key} {value}" for filter, values in told.items() for key, value in values.items()]
            lines.append(f"{max(0.0, (number - 0.5) / fps):.4f} {', '.join(orders)};\n")
        # A crop keeps to the size that its input was announced with: the largest there will be.
        widest, highest = max(x.scaled for x in across), max(y.scaled for y in down)
        chain = f"sendcmd=f={script}," if self.moves else ""
        chain += (
            f"crop@cut{name}={across[0].size}:{down[0].size}:{across[0].start}:{down[0].start},"
            f"scale@size{name}={widest}:{highest}:flags=bicubic{flags},setsar=1,"
            f"crop@show{name}={self.frame[0]}:{self.frame[1]}:{across[0].offset}:{down[0].offset}"
        )
        return chain, "".join(lines)


def windows(spans: Sequence[tuple[float, float]], frame: int, canvas: int) -> list[Window]:
    """For each span (start and length on an axis of `canvas` pixels) the window that shows it as `frame` pixels."""
    scaled = np.arange(frame, int(frame * (1 + SLACK)) + 1, 2)
    kept: dict[tuple[float, float], Window] = {}
    for span in spans:
        if span not in kept:
            kept[span] = _window(*span, frame, canvas, scaled)
    return [kept[span] for span in spans]


def error(window: Window, start: float, length: float, frame: int) -> float:
    """How far a window's edges are from those of a span, in pixels of the frame."""
    ratio = window.size / window.scaled
    begin = window.start + window.offset * ratio
    return max(abs(begin - start), abs(begin + frame * ratio - start - length)) * frame / length


def _window(start: float, length: float, frame: int, canvas: int, scaled: np.ndarray) -> Window:
    density = length / frame
    size = np.clip(np.round(density * scaled / 2) * 2, 2, canvas // 2 * 2)
    best = np.argsort(np.abs(size / scaled - density) + 1e-9 * scaled)[:_RATIOS]
    offset = np.arange(0, int(frame * SLACK) + 1, 2)
    big, cut = scaled[best][:, None], size[best][:, None]
    ratio = cut / big
    begin = np.round((start - offset * ratio) / 2) * 2
    # The canvas ends where its last whole pair does.
    begin = np.clip(begin, 0, np.maximum(canvas // 2 * 2 - cut, 0))
    left = begin + offset * ratio
    off = np.maximum(np.abs(left - start), np.abs(left + frame * ratio - start - length)) / density
    # Where the canvas itself ends, there are no neighbours to look at.
    inside_left = (offset >= _EDGE) | (begin == 0)
    inside_right = (big - offset - frame >= _EDGE) | ((big >= offset + frame) & (begin + cut >= canvas // 2 * 2))
    cost = np.maximum(off, _NEAR_ENOUGH) + _NEAR_ENOUGH * (big - frame) / frame
    cost = np.where(inside_left & inside_right & (cut <= canvas), cost, np.inf)
    row, column = np.unravel_index(int(cost.argmin()), cost.shape)
    return Window(int(begin[row, column]), int(cut[row, 0]), int(big[row, 0]), int(offset[column]))
