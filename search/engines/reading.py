"""What a process holds of an index: the mapped base of a generation and, in memory, what its log says since."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.engines.base import IndexDamaged, Vectors
from search.engines.generations import ADD, Generations, Log, Meta, Records, marks

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Base:
    """The files of one generation, memory-mapped."""

    meta: Meta
    ids: NDArray[np.int64]
    """(n,), ascending."""
    vectors: NDArray[np.float16]
    """(n, d)"""
    marks: NDArray[np.uint64]
    """(n,) fingerprints of the rows."""
    index: Any
    """FAISS's index over the rows; None where n is 0."""

    @classmethod
    def open(cls, folder: Path, meta: Meta, read_index: Callable[[Path], Any]) -> Base:
        """Map the files. Raises IndexDamaged where they aren't what the meta says."""
        try:
            ids = np.load(folder / "ids.npy", mmap_mode="r")
            vectors = np.load(folder / "vectors.npy", mmap_mode="r")
            marks = np.load(folder / "marks.npy", mmap_mode="r")
            index = read_index(folder / "base.faiss") if meta.count else None
        except (OSError, ValueError, EOFError, RuntimeError) as error:  # FAISS raises RuntimeError
            raise IndexDamaged(f"{folder.name} can't be opened: {error}") from error
        shapes = (ids.shape, marks.shape, vectors.shape)
        if shapes != ((meta.count,), (meta.count,), (meta.count, meta.dimensions)) or (
            index is not None and (index.ntotal, index.d) != vectors.shape
        ):
            raise IndexDamaged(f"{folder.name} holds other arrays than it says.")
        return cls(meta, ids, vectors, marks, index)

    def checked(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """(m,) ids and (m, d) vectors of rows. Raises IndexDamaged where one isn't as it was written."""
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self.ids)):
            raise IndexDamaged(f"Generation {self.meta.number} names rows that it doesn't have.")
        ids, vectors = self.ids[rows], self.vectors[rows]
        if not np.array_equal(marks(ids, vectors), self.marks[rows]):
            raise IndexDamaged(f"Generation {self.meta.number} has rows that were changed after they were written.")
        return ids, vectors

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of those of the ascending `ids` that are here, ascending."""
        if not len(self.ids) or not len(ids):
            return np.empty(0, np.int64)
        rows = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        found: NDArray[np.int64] = rows[self.ids[rows] == ids]
        return found

    def mask_of(self, ids: NDArray[np.int64]) -> Mask:
        """(n,) which rows are those of the ascending `ids`: for many of them, where finding each takes too long."""
        first, last = int(self.ids[0]), int(self.ids[-1])
        mask = np.zeros(len(self.ids), bool)
        if last - first >= 8 * len(self.ids):
            mask[self.rows_of(ids)] = True
            return mask
        table = np.zeros(last - first + 1, bool)
        table[ids[np.searchsorted(ids, first) : np.searchsorted(ids, last, "right")] - first] = True
        return table if len(table) == len(mask) else table[self.ids - first]


@dataclass(frozen=True)
class View:
    """A state of an index that doesn't change under a search: base, what of it is gone, what was added."""

    base: Base
    hidden: Mask | None
    """(n,) rows of the base that were deleted or replaced; None where there are none."""
    ids: NDArray[np.int64]
    """(m,) ids of the delta, in order of arrival."""
    vectors: Vectors
    """(m, d)"""
    alive: Mask
    """(m,)"""
    offset: int
    """Bytes of the log that this has seen."""

    @property
    def changes(self) -> int:
        """Rows that the next generation would take in or drop."""
        return len(self.ids) + (0 if self.hidden is None else int(self.hidden.sum()))

    def live_ids(self) -> NDArray[np.int64]:
        """Every findable id, ascending."""
        base = np.asarray(self.base.ids) if self.hidden is None else self.base.ids[~self.hidden]
        return np.sort(np.concatenate([base, self.ids[self.alive]]))

    def count(self) -> int:
        gone = 0 if self.hidden is None else int(self.hidden.sum())
        return len(self.base.ids) - gone + int(self.alive.sum())


class Delta:
    """The adds and deletes of a log, applied in order. Arrays only grow, so views that were given out stay true."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.slots: dict[int, int] = {}
        """Where the living vector of an id is."""
        self.used = 0
        self.ids = np.zeros(64, np.int64)
        self.vectors: Vectors = np.zeros((64, base.meta.dimensions), np.float32)
        self.alive = np.zeros(64, bool)
        self.hidden: Mask | None = None

    def apply(self, records: Records) -> None:
        """Take in further records of the log."""
        self._make_room(len(records))
        self.alive = self.alive.copy()
        vectors = records["vector"].astype(np.float32)
        for position, (number, kind) in enumerate(zip(records["id"].tolist(), records["kind"].tolist(), strict=True)):
            before = self.slots.pop(number, None)
            if before is not None:
                self.alive[before] = False
            if kind == ADD:
                self.slots[number] = self.used
                self.ids[self.used] = number
                self.vectors[self.used] = vectors[position]
                self.alive[self.used] = True
                self.used += 1
        touched = self.base.rows_of(np.unique(records["id"]))
        if len(touched):
            self.hidden = np.zeros(len(self.base.ids), bool) if self.hidden is None else self.hidden.copy()
            self.hidden[touched] = True

    def _make_room(self, more: int) -> None:
        capacity = len(self.ids)
        if self.used + more <= capacity:
            return
        extra = max(self.used + more - capacity, capacity)
        self.ids = np.concatenate([self.ids, np.zeros(extra, np.int64)])
        self.vectors = np.concatenate([self.vectors, np.zeros((extra, self.vectors.shape[1]), np.float32)])
        self.alive = np.concatenate([self.alive, np.zeros(extra, bool)])

    def view(self, offset: int) -> View:
        used = slice(0, self.used)
        return View(self.base, self.hidden, self.ids[used], self.vectors[used], self.alive[used], offset)


class Reader:
    """The newest state of one model's index, as this process sees it; looks at the files at every search."""

    def __init__(self, generations: Generations, read_index: Callable[[Path], Any]) -> None:
        self._generations = generations
        self._read_index = read_index
        self._lock = threading.Lock()
        self._view: View | None = None
        self._delta: Delta | None = None
        self._log: Log | None = None

    def view(self) -> View | None:
        """What is findable now; None where nothing was ever added. Raises IndexDamaged."""
        with self._lock:
            number = self._generations.current()
            while number:
                try:
                    return self._refreshed(number)
                except (IndexDamaged, FileNotFoundError) as error:
                    self._view = None
                    newer = self._generations.current()
                    if newer == number:  # else it was pruned between two looks: take the newer one
                        raise IndexDamaged(f"The index {self._generations.name} can't be read: {error}") from error
                    number = newer
            self._view = None
            return None

    def _refreshed(self, number: int) -> View:
        if self._view is None or self._delta is None or self._log is None or self._view.base.meta.number != number:
            meta = self._generations.meta(number)
            base = Base.open(self._generations.path(number), meta, self._read_index)
            self._delta, self._log = Delta(base), self._generations.log(meta)
            self._view = self._delta.view(0)
        if self._log.whole() != self._view.offset:
            records, offset = self._log.read(self._view.offset)
            self._delta.apply(records)
            self._view = self._delta.view(offset)
        return self._view
