"""The pictures of a training run: drawn once to a file of bytes, changed a little each time they are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_BOXES = 8


class Box(NamedTuple):
    """Where one object is, in shares of the picture's width and height, and its colour."""

    object: str
    colour: str
    left: float
    top: float
    right: float
    bottom: float


class Part(NamedTuple):
    """Some pictures, what each of them shows, and where."""

    pixels: NDArray[np.uint8]
    facets: Sequence[frozenset[str]]
    boxes: Sequence[Sequence[Box]]


@dataclass(frozen=True)
class Pictures:
    """Square RGB pictures, what each of them shows, and where."""

    pixels: NDArray[np.uint8]
    """(n, side, side, 3), a memory map where it comes from a file."""
    facets: Sequence[frozenset[str]]
    boxes: Sequence[Sequence[Box]]

    def __len__(self) -> int:
        return len(self.facets)

    @classmethod
    def store(cls, folder: Path, parts: Iterable[Part], count: int) -> Pictures:
        """Write parts of a picture set to `folder` as they come, `count` pictures in all, and open it."""
        folder.mkdir(parents=True, exist_ok=True)
        pixels: np.memmap[Any, np.dtype[np.uint8]] | None = None
        facets: list[list[str]] = []
        boxes: list[Sequence[Box]] = []
        for part in parts:
            if pixels is None:
                pixels = np.lib.format.open_memmap(
                    folder / "pixels.npy", mode="w+", dtype=np.uint8, shape=(count, *part.pixels.shape[1:])
                )
            room = count - len(facets)
            pixels[len(facets) : len(facets) + len(part.pixels[:room])] = part.pixels[:room]
            facets += [sorted(shown) for shown in part.facets[:room]]
            boxes += part.boxes[:room]
        if pixels is None or len(facets) < count:
            raise ValueError(f"There are {len(facets)} pictures where {count} were asked for.")
        pixels.flush()
        (folder / "shown.json").write_text(json.dumps({"facets": facets, "boxes": boxes}), encoding="utf-8")
        return cls.open(folder)

    @staticmethod
    def stored(folder: Path) -> bool:
        """Whether `folder` holds a whole set."""
        return (folder / "shown.json").exists()

    @classmethod
    def open(cls, folder: Path) -> Pictures:
        shown = json.loads((folder / "shown.json").read_text(encoding="utf-8"))
        return cls(
            np.load(folder / "pixels.npy", mmap_mode="r"), [frozenset(facets) for facets in shown["facets"]],
            [[Box(*box) for box in boxes] for boxes in shown["boxes"]],
        )


class Places:
    """The boxes of all pictures as arrays, to see which object and which colour is in each cell of a grid."""

    def __init__(self, pictures: Pictures) -> None:
        names = sorted({name for boxes in pictures.boxes for box in boxes for name in _names(box)})
        columns = {name: column for column, name in enumerate(names)}
        self.classes = len(names)
        self.owners = np.zeros((len(pictures), MOST_BOXES, 2), dtype=np.int64)
        self.corners = np.zeros((len(pictures), MOST_BOXES, 4), dtype=np.float32)
        for row, boxes in enumerate(pictures.boxes):
            for place, box in enumerate(boxes[:MOST_BOXES]):
                self.owners[row, place] = [columns[name] for name in _names(box)]
                self.corners[row, place] = box[2:]

    def cells(self, numbers: NDArray[np.int64], moves: NDArray[np.float32], side: int) -> NDArray[np.float32]:
        """(n, side * side, classes): 1 where a box of the class covers a cell's middle, in pictures moved by `vary`."""
        middles = (np.arange(side, dtype=np.float32) + 0.5) / side
        found = np.zeros((len(numbers), side * side, self.classes), dtype=np.float32)
        zoom, shift = moves[:, None, None, :2], moves[:, None, None, 2:]
        seen = middles[None, None, :, None] * zoom + (1 - zoom) / 2 + shift / 2
        left, top, right, bottom = (self.corners[numbers, :, edge, None] for edge in range(4))
        across = (seen[..., 0] > left) & (seen[..., 0] < right)
        down = (seen[..., 1] > top) & (seen[..., 1] < bottom)
        rows, boxes, cells = np.nonzero((down[:, :, :, None] & across[:, :, None, :]).reshape(*left.shape[:2], -1))
        for kind in range(2):
            found[rows, cells, self.owners[numbers][rows, boxes, kind]] = 1
        return found


def _names(box: Box) -> tuple[str, str]:
    return f"object:{box.object}", f"colour:{box.colour}"


def shuffled(count: int, batch: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Numbers of pictures in batches without end, each epoch in another order."""
    while True:
        order = rng.permutation(count)
        for start in range(0, max(1, count - batch + 1), batch):
            yield order[start : start + batch]


def moved(count: int, rng: np.random.Generator, *, zoom: float = 0.12, shift: float = 0.12) -> NDArray[np.float32]:
    """(n, 4): how far pictures are stretched across and down, and moved, in half widths and half heights."""
    return np.concatenate(
        [rng.uniform(1 - zoom, 1 + zoom, (count, 2)), rng.uniform(-shift, shift, (count, 2))], axis=1
    ).astype(np.float32)


def vary(pixels: NDArray[np.uint8], moves: NDArray[np.float32], rng: np.random.Generator) -> Any:
    """(n, side, side, 3) bytes as a tensor (n, 3, side, side) of 0 to 1, moved as told, lit and tinted a little."""
    import torch
    from torch.nn import functional

    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    frames = torch.zeros(len(pixels), 2, 3)
    frames[:, 0, 0], frames[:, 1, 1], frames[:, 0, 2], frames[:, 1, 2] = torch.from_numpy(moves).T
    grid = functional.affine_grid(frames, list(values.shape), align_corners=False)
    values = functional.grid_sample(values, grid, padding_mode="border", align_corners=False)
    gain = rng.uniform(0.92, 1.08, (len(pixels), 1, 1, 1)) * rng.uniform(0.97, 1.03, (len(pixels), 3, 1, 1)) / 255
    return (values * torch.from_numpy(gain).float()).clamp(0, 1)
