"""The index that ships: FAISS over memory-mapped files, exact for small libraries and under strict filters."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.engines.base import Hit, Index, IndexDamaged, Vectors
from search.engines.generations import ADD, DELETE, Generations, make_records
from search.engines.reading import Mask, Reader, View

EXACT_UP_TO = 50_000
"""Rows up to which the base is scanned whole (about 5 ms on one core at 512 dimensions)."""
GATHER_UP_TO = 2_000
"""Survivors of a filter up to which reading just their rows beats any index."""
SCAN_UP_TO = 20_000
"""Survivors up to which every one of them is scored; above, so loose a filter leaves the lists' budget safe."""
COMPACT_AT, COMPACT_SHARE = 10_000, 0.05
"""Changes from which a new generation is made: this many, or this share of the base if that is more."""
RESCORED = 200
"""Candidates that get their exact score, beside the limit."""
BATCH = 65_536
LIST_TARGET = 256
"""Vectors to a list of the inverted file."""


class FaissIndex(Index):
    """Vectors in files under `folder`, all of them derived: delete the folder and the database makes it again.

    Adds and deletes are seen by every process at its next search. One writer at a time, by file lock; a killed one
    leaves what was there before it.
    """

    title = "FAISS"
    leaves_the_machine = False
    starter = True

    def __init__(self, name: str = "", *, folder: str | Path, exact_up_to: int = EXACT_UP_TO) -> None:
        super().__init__(name)
        self.folder = Path(folder)
        self.exact_up_to = exact_up_to
        self._readers: dict[str, Reader] = {}
        self._readers_lock = threading.Lock()

    def _load(self) -> None:
        import faiss

        # One query never gains from more threads at these sizes, and web workers would fight for the cores.
        faiss.omp_set_num_threads(1)
        self._faiss = faiss

    @property
    def model(self) -> str:
        return "exact up to 50,000, then IVF-SQ8"

    def add(self, model: str, ids: Sequence[int], vectors: Vectors) -> None:
        vectors = _checked(vectors)
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors.")
        if len(ids):
            self._append(model, ADD, np.asarray(ids, np.int64), vectors)

    def delete(self, model: str, ids: Iterable[int]) -> None:
        numbers = np.fromiter(ids, np.int64)
        if len(numbers) and Generations(self.folder, model).current():
            self._append(model, DELETE, numbers, None)

    def _append(self, model: str, kind: int, ids: NDArray[np.int64], vectors: Vectors | None) -> None:
        generations = Generations(self.folder, model)
        if vectors is not None and not generations.current():
            self._begin(generations, vectors.shape[1])
        with generations.writing():
            meta = generations.meta(generations.current())
            if vectors is not None and vectors.shape[1] != meta.dimensions:
                raise ValueError(f"{model} has {meta.dimensions} dimensions, not {vectors.shape[1]}.")
            log = generations.log(meta)
            log.append(make_records(kind, ids, vectors, meta.dimensions))
            changes = log.whole() // log.type.itemsize
        if changes >= max(COMPACT_AT, COMPACT_SHARE * meta.count):
            self.compact(model)

    def _begin(self, generations: Generations, dimensions: int) -> None:
        with generations.compacting(wait=True), generations.writing():
            if not generations.current():
                made = generations.make(1, dimensions, lambda folder: self._fill(folder, iter(()), 0, dimensions))
                generations.publish(made, 1)

    def count(self, model: str) -> int:
        view = self._view(model)
        return view.count() if view else 0

    def ids(self, model: str) -> NDArray[np.int64]:
        view = self._view(model)
        return view.live_ids() if view else np.empty(0, np.int64)

    def generation(self, model: str) -> int:
        return Generations(self.folder, model).current()

    def search(self, model: str, vector: Vectors, *, limit: int, allowed: NDArray[np.int64] | None = None) -> list[Hit]:
        if limit < 1:
            raise ValueError("A search needs a limit of at least 1.")
        view = self._view(model)
        if view is None:
            return []
        query = np.asarray(vector, np.float32).reshape(-1)
        if len(query) != view.base.meta.dimensions:
            raise ValueError(f"{model} has {view.base.meta.dimensions} dimensions, not {len(query)}.")
        wanted = None if allowed is None else _ascending(np.asarray(allowed, np.int64))
        rows = self._base_candidates(view, query, limit, wanted)
        usable = view.alive if wanted is None else view.alive & _members(view.ids, wanted)
        slots = _likely(view.vectors, query, limit, usable)
        return best(
            np.concatenate([view.base.ids[rows], view.ids[slots]]),
            np.concatenate([view.base.vectors[rows], view.vectors[slots]]),
            query,
            limit,
        )

    def _base_candidates(
        self, view: View, query: Vectors, limit: int, wanted: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        """Rows of the base among which the best are: the planner."""
        base, rows, keep = view.base, len(view.base.ids), None
        if not rows:
            return np.empty(0, np.int64)
        if wanted is not None:
            survivors = base.rows_of(wanted)
            if view.hidden is not None:
                survivors = survivors[~view.hidden[survivors]]
            if len(survivors) <= max(GATHER_UP_TO, limit):
                return survivors[_likely(base.vectors[survivors].astype(np.float32), query, limit)]
            keep = np.zeros(rows, bool)
            keep[survivors] = True
            rows = len(survivors)
        elif view.hidden is not None:
            keep = ~view.hidden
            rows = int(keep.sum())
        if not rows:
            return np.empty(0, np.int64)
        return self._scan(view, query, limit, keep, rows)

    def _scan(self, view: View, query: Vectors, limit: int, keep: Mask | None, rows: int) -> NDArray[np.int64]:
        """Ask FAISS for enough rows that the best are among them, ties at the end of the list included."""
        base, faiss = view.base, self._faiss
        selector = None
        if keep is not None:
            bits = np.packbits(keep, bitorder="little")  # the selector points into it: keep it alive until the answer
            selector = faiss.IDSelectorBitmap(bits)
        fetch = min(rows, limit + RESCORED)
        while True:
            scores, found = base.index.search(
                query[None, :], fetch, params=self._parameters(view, rows, fetch, selector)
            )
            found = found[0][found[0] >= 0]
            if base.meta.kind != "flat" or fetch == rows or len(found) <= limit:
                return np.asarray(found, np.int64)
            if scores[0][limit - 1] - scores[0][len(found) - 1] > 1e-4:
                return np.asarray(found, np.int64)
            fetch = min(rows, fetch * 8)  # as many equals as were fetched: the lowest ids may be further on

    def _parameters(self, view: View, rows: int, fetch: int, selector: Any) -> Any:
        faiss, base = self._faiss, view.base
        if base.meta.kind == "flat":
            return faiss.SearchParameters(sel=selector)
        # The budget counts what passes the selector, so one setting holds for every filter. Measured at 1,000,000:
        # 3 % keeps recall@10 of text queries over 0.97 before the exact scores.
        budget = 0 if rows <= SCAN_UP_TO else max(8_000, rows * 3 // 100, fetch * 4)
        return faiss.SearchParametersIVF(
            nprobe=base.index.nlist, max_codes=budget, sel=selector, ensure_topk_full=bool(budget)
        )

    def compact(self, model: str, *, wait: bool = False) -> bool:
        """Fold the changes into a new generation. False where another process is at it already, or nothing is there."""
        self.load()
        generations = Generations(self.folder, model)
        with generations.compacting(wait=wait) as mine:
            view = Reader(generations, self._read_index).view() if mine else None
            if view is None:
                return False
            dimensions, number = view.base.meta.dimensions, generations.next_number()
            made = generations.make(
                number, dimensions, lambda folder: self._fill(folder, live_batches(view), view.count(), dimensions)
            )
            with generations.writing():
                carried, _offset = generations.log(view.base.meta).read(view.offset)
                generations.publish(made, number, carried)
            generations.prune(number)
        return True

    def replace(self, model: str, batches: Iterable[tuple[Sequence[int], Vectors]]) -> int:
        self.load()
        generations = Generations(self.folder, model)
        with generations.compacting(wait=True):
            try:
                view = Reader(generations, self._read_index).view()
            except IndexDamaged:
                view = None
            ids, vectors = _gathered(batches)
            dimensions = vectors.shape[1] if len(ids) else view.base.meta.dimensions if view else 1
            number = generations.next_number()
            made = generations.make(
                number, dimensions, lambda folder: self._fill(folder, iter([(ids, vectors)]), len(ids), dimensions)
            )
            with generations.writing():
                carried = None
                if view is not None and view.base.meta.dimensions == dimensions:
                    carried, _offset = generations.log(view.base.meta).read(view.offset)
                generations.publish(made, number, carried)
            generations.prune(number)
        return len(ids)

    def _fill(
        self,
        folder: Path,
        batches: Iterable[tuple[NDArray[np.int64], NDArray[np.float16]]],
        count: int,
        dimensions: int,
    ) -> tuple[int, str]:
        """Write the files of a base of `count` rows, ids ascending. Returns count and kind."""
        ids = np.zeros(count, np.int64)
        vectors = np.lib.format.open_memmap(
            folder / "vectors.npy", mode="w+", dtype=np.dtype("<f2"), shape=(count, dimensions)
        )
        at = 0
        for some, values in batches:
            ids[at : at + len(some)], vectors[at : at + len(some)] = some, values
            at += len(some)
        vectors.flush()
        np.save(folder / "ids.npy", ids)
        if not count:
            return 0, "empty"
        self.load()
        faiss, kind = self._faiss, "flat" if count <= self.exact_up_to else "ivf"
        if kind == "flat":
            index = faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
            index.is_trained = True
        else:
            lists = max(16, min(4096, count // LIST_TARGET))
            index = faiss.index_factory(dimensions, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
            step = max(1, count // (lists * 64))
            index.train(vectors[::step].astype(np.float32))
        for start in range(0, count, BATCH):
            index.add(vectors[start : start + BATCH].astype(np.float32))
        faiss.write_index(index, str(folder / "base.faiss"))
        return count, kind

    def _view(self, model: str) -> View | None:
        self.load()
        with self._readers_lock:
            if model not in self._readers:
                self._readers[model] = Reader(Generations(self.folder, model), self._read_index)
            reader = self._readers[model]
        return reader.view()

    def _read_index(self, path: Path) -> Any:
        return self._faiss.read_index(str(path), self._faiss.IO_FLAG_MMAP_IFC)


def best(ids: NDArray[np.int64], vectors: NDArray[Any], query: Vectors, limit: int) -> list[Hit]:
    """The best of some candidates. Cosines in float64, to seven decimals: equals score equal, wherever stored."""
    scores = np.round(np.asarray(vectors, np.float64) @ np.asarray(query, np.float64), 7)
    order = np.lexsort((ids, -scores))[:limit]
    return [Hit(int(ids[at]), float(scores[at])) for at in order]


def _likely(vectors: Vectors, query: Vectors, limit: int, usable: Mask | None = None) -> NDArray[np.int64]:
    """Rows whose single-precision score may belong to the best `limit`, equals included."""
    if not len(vectors):
        return np.empty(0, np.int64)
    scores = vectors @ query
    if usable is not None:
        scores = np.where(usable, scores, -np.inf)
    if len(scores) > limit:
        threshold = np.partition(scores, len(scores) - limit)[len(scores) - limit] - 1e-5
    else:
        threshold = np.float32(-np.inf)
    return np.flatnonzero((scores >= threshold) & np.isfinite(scores))


def _ascending(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ids in order, each once; most callers have them so already."""
    return ids if bool(np.all(ids[1:] > ids[:-1])) else np.unique(ids)


def _members(ids: NDArray[np.int64], ascending: NDArray[np.int64]) -> Mask:
    """Which ids are among the ascending ones. np.isin would look at all of those, however few the ids."""
    if not len(ascending):
        return np.zeros(len(ids), bool)
    places = np.minimum(np.searchsorted(ascending, ids), len(ascending) - 1)
    found: Mask = ascending[places] == ids
    return found


def live_batches(view: View) -> Iterable[tuple[NDArray[np.int64], NDArray[np.float16]]]:
    """The findable vectors of a view, ids ascending, in batches."""
    base_rows = np.arange(len(view.base.ids)) if view.hidden is None else np.flatnonzero(~view.hidden)
    slots = np.flatnonzero(view.alive)
    ids = np.concatenate([view.base.ids[base_rows], view.ids[slots]])
    places = np.concatenate([base_rows, -1 - slots])  # below zero: in the delta
    order = np.argsort(ids, kind="stable")
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        place = places[part]
        values = np.zeros((len(part), view.vectors.shape[1]), np.float16)
        values[place >= 0] = view.base.vectors[place[place >= 0]]
        values[place < 0] = view.vectors[-1 - place[place < 0]]
        yield ids[part], values


def _gathered(
    batches: Iterable[tuple[Sequence[int], Vectors]],
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """All batches as one, ids ascending; the last of equal ids counts."""
    parts = [(np.asarray(ids, np.int64), _checked(vectors).astype(np.float16)) for ids, vectors in batches if len(ids)]
    if not parts:
        return np.empty(0, np.int64), np.empty((0, 1), np.float16)
    ids = np.concatenate([part[0] for part in parts])[::-1]
    vectors = np.concatenate([part[1] for part in parts])[::-1]
    unique, first = np.unique(ids, return_index=True)
    return unique, vectors[first]


def _checked(vectors: Vectors) -> Vectors:
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not np.all(np.isfinite(vectors)):
        raise ValueError("Vectors come as an (n, dimensions) array of finite numbers.")
    return vectors
