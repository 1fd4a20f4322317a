"""The index that ships: FAISS over memory-mapped files, exact for small libraries and under strict filters."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media_processing.engine import EngineError
from search.engines import inverted
from search.engines.base import Hit, Index, IndexDamaged, Vectors
from search.engines.generations import ADD, DELETE, Generations, Meta, make_records, write_rows
from search.engines.reading import Mask, Reader, View

EXACT_UP_TO = 50_000
"""Rows up to which the base is scanned whole (about 5 ms on one core at 512 dimensions)."""
GATHER_UP_TO = 2_000
"""Survivors of a filter up to which reading just their rows beats any index."""
NEARLY_ALL = 0.9
"""Share of the base from which a filter is none: some deletes leave the nearest lists as good as they were."""
COMPACT_AT, COMPACT_SHARE = 10_000, 0.05
"""Changes from which a new generation is made: this many, or this share of the base if that is more."""
COMPACTED_AT_ONCE = 20_000
"""Rows up to which that happens within the add (some 50 ms); above, beside it."""
RESCORED = inverted.FETCHED
"""Candidates that get their exact score, beside the limit."""
BATCH = 65_536
log = logging.getLogger(__name__)


class FaissIndex(Index):
    """Vectors in files under `folder`, all of them derived: delete the folder and the database makes it again.

    Adds and deletes are seen by every process at its next search. One writer at a time, by file lock; a killed one
    leaves what was there before it. A large base is an inverted file that was measured when it was made
    (`inverted.tune`), or, where that found too little, an exact scan.
    """

    title = "FAISS"
    leaves_the_machine = False
    starter = True

    def __init__(self, name: str = "", *, folder: str | Path, exact_up_to: int = EXACT_UP_TO) -> None:
        super().__init__(name)
        self.folder = Path(folder)
        self.exact_up_to = exact_up_to
        self._readers: dict[str, Reader] = {}
        self._compacting: dict[str, threading.Thread] = {}
        self._state = threading.Lock()

    def _load(self) -> None:
        import faiss

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
        with _files(), generations.writing():
            meta = generations.meta(generations.current())
            if vectors is not None and vectors.shape[1] != meta.dimensions:
                raise ValueError(f"{model} has {meta.dimensions} dimensions, not {vectors.shape[1]}.")
            log = generations.log(meta)
            log.append(make_records(kind, ids, vectors, meta.dimensions))
            changes = log.whole() // log.type.itemsize
        if _long(changes, meta):
            if meta.count + changes <= COMPACTED_AT_ONCE:
                self.compact(model)
            else:
                self._compact_beside(model)

    def _compact_beside(self, model: str) -> None:
        """In a thread, one a space: adds and searches go on. `maintain` does it where this process ends before."""

        def work() -> None:
            try:
                self.compact(model)
            except Exception:
                log.exception("The index %s could not be compacted; it works as it is.", model)

        with self._state:
            before = self._compacting.get(model)
            if before is None or not before.is_alive():
                self._compacting[model] = threading.Thread(target=work, name=f"compact {model}", daemon=True)
                self._compacting[model].start()

    def _begin(self, generations: Generations, dimensions: int) -> None:
        with _files(), generations.compacting(wait=True), generations.writing():
            if not generations.current():
                about = {"dimensions": dimensions, "count": 0, "kind": "empty"}

                def fill(folder: Path) -> Mapping[str, Any]:
                    write_rows(folder, ())
                    np.save(folder / "vectors.npy", np.zeros((0, dimensions), np.float16))
                    return about

                generations.publish(generations.make(1, fill), 1)

    def count(self, model: str) -> int:
        view = self._view(model)
        return view.count() if view else 0

    def ids(self, model: str) -> NDArray[np.int64]:
        view = self._view(model)
        return view.live_ids() if view else np.empty(0, np.int64)

    def generation(self, model: str) -> int:
        return Generations(self.folder, model).current()

    def search(
        self, model: str, vector: Vectors, *, limit: int, allowed: NDArray[np.int64] | None = None,
        least: float = -np.inf,
    ) -> list[Hit]:  # fmt: skip
        if limit < 1:
            raise ValueError("A search needs a limit of at least 1.")
        view = self._view(model)
        if view is None:
            return []
        query = np.asarray(vector, np.float32).reshape(-1)
        if len(query) != view.base.meta.dimensions:
            raise ValueError(f"{model} has {view.base.meta.dimensions} dimensions, not {len(query)}.")
        wanted = None if allowed is None else _ascending(np.asarray(allowed, np.int64))
        # One query never gains from more threads at these sizes, and they would wait for one another at the processor's
        # cost. OpenMP's number is each thread's own: the one that loaded isn't the one that searches.
        self._faiss.omp_set_num_threads(1)
        ids, vectors = view.base.checked(self._base_candidates(view, query, limit, wanted, least))
        usable = view.alive if wanted is None else view.alive & _members(view.ids, wanted)
        slots = _likely(view.vectors, query, limit, usable)
        if len(slots):
            ids, vectors = np.concatenate([ids, view.ids[slots]]), np.concatenate([vectors, view.vectors[slots]])
        return best(ids, vectors, query, limit, least)

    def _base_candidates(
        self, view: View, query: Vectors, limit: int, wanted: NDArray[np.int64] | None, least: float
    ) -> NDArray[np.int64]:
        """Rows of the base among which the best are: the planner."""
        base, rows, keep = view.base, len(view.base.ids), None
        if not rows:
            return np.empty(0, np.int64)
        if wanted is not None:
            if len(wanted) <= max(GATHER_UP_TO, limit):
                survivors = base.rows_of(wanted)
                if view.hidden is not None:
                    survivors = survivors[~view.hidden[survivors]]
                return survivors[_likely(base.vectors[survivors].astype(np.float32), query, limit)]
            keep = base.mask_of(wanted)
            if view.hidden is not None:
                keep &= ~view.hidden
        elif view.hidden is not None:
            keep = ~view.hidden
        if keep is not None:
            rows = int(keep.sum())
            if not rows:
                return np.empty(0, np.int64)
        return self._scan(view, query, limit, keep, rows, least)

    def _scan(
        self, view: View, query: Vectors, limit: int, keep: Mask | None, rows: int, least: float
    ) -> NDArray[np.int64]:
        """Ask FAISS for enough rows that the best are among them; of an exact base, ties at the end included."""
        base, faiss = view.base, self._faiss
        selector = None
        if keep is not None:
            bits = np.packbits(keep, bitorder="little")  # the selector points into it: keep it alive until the answer
            selector = faiss.IDSelectorBitmap(bits)
        fetch = min(rows, limit + RESCORED)
        if base.meta.kind == "ivf":
            if rows >= NEARLY_ALL * len(base.ids):
                return inverted.near(faiss, base.index, query, fetch, base.meta.ivf["lists"], selector)
            budget = max(base.meta.ivf["budget"], fetch * 4)
            return inverted.permitted(faiss, base.index, query, fetch, 0 if rows <= budget else budget, selector)
        while True:
            scores, found = base.index.search(query[None, :], fetch, params=faiss.SearchParameters(sel=selector))
            found = found[0][(found[0] >= 0) & (scores[0] >= least - 1e-4)]
            if fetch == rows or len(found) <= limit or scores[0][limit - 1] - scores[0][len(found) - 1] > 1e-4:
                return np.asarray(found, np.int64)
            fetch = min(rows, fetch * 8)  # as many equals as were fetched: the lowest ids may be further on

    def compact(self, model: str, *, wait: bool = False) -> bool:
        """Fold the changes into a new generation. False where another process is at it already, or nothing is there."""
        self.load()
        generations = Generations(self.folder, model)
        with _files(), generations.compacting(wait=wait) as mine:
            view = Reader(generations, self._read_index).view() if mine else None
            if view is None:
                return False
            self._publish(generations, view, live_batches(view), view.base.meta.dimensions)
        return True

    def replace(self, model: str, batches: Iterable[tuple[Sequence[int], Vectors]]) -> int:
        self.load()
        generations = Generations(self.folder, model)
        with _files(), generations.compacting(wait=True):
            try:
                view = Reader(generations, self._read_index).view()
            except IndexDamaged:
                view = None
            dimensions = view.base.meta.dimensions if view else 1
            return self._publish(generations, view, ((ids, _checked(some)) for ids, some in batches), dimensions)

    def _publish(
        self,
        generations: Generations,
        view: View | None,
        batches: Iterable[tuple[Sequence[int] | NDArray[np.int64], NDArray[Any]]],
        dimensions: int,
    ) -> int:
        """Make the next generation current. Returns its rows. `dimensions`: of an empty one.

        `view` is what was there before, if it could be read: what was written to its log since comes along.
        """
        about: dict[str, Any] = {}

        def fill(folder: Path) -> Mapping[str, Any]:
            vectors = write_rows(folder, batches)
            if not len(vectors):
                np.save(folder / "vectors.npy", np.zeros((0, dimensions), np.float16))
                about.update(dimensions=dimensions, count=0, kind="empty")
            else:
                about.update(dimensions=vectors.shape[1], count=len(vectors))
                about.update(self._base(generations, folder, vectors, view))
            return about

        number = generations.next_number()
        made = generations.make(number, fill)
        with generations.writing():
            carried = None
            if view is not None and view.base.meta.dimensions == about["dimensions"]:
                carried, _offset = generations.log(view.base.meta).read(view.offset)
            generations.publish(made, number, carried)
        generations.prune(number)
        return int(about["count"])

    def _base(
        self, generations: Generations, folder: Path, vectors: NDArray[np.float16], view: View | None
    ) -> dict[str, Any]:
        """Write base.faiss: an inverted file where it finds enough, else what scans every row. Returns what it is."""
        faiss, (count, dimensions) = self._faiss, vectors.shape
        if count > self.exact_up_to:
            texts = generations.probes(dimensions)
            for earlier in [_trained(generations, view, count, dimensions), None]:
                if earlier is None:
                    trained_on, index = count, inverted.build(faiss, vectors)
                else:
                    trained_on = int(earlier.ivf["trained_on"])
                    index = inverted.build(faiss, vectors, generations.path(earlier.number) / "base.faiss")
                tuned = inverted.tune(faiss, index, vectors, texts)
                if tuned is not None:
                    self._write_index(index, folder)
                    told = {"lists": tuned.lists, "budget": tuned.budget, "recall": tuned.recall}
                    told |= {"texts": "stand-ins" if texts is None else "given", "trained_on": trained_on}
                    return {"kind": "ivf", "ivf": told | {"rescored": RESCORED, "faiss": faiss.__version__}}
            log.warning(
                "No inverted file over the %d vectors of %s reaches a recall of %s: it is scanned whole, exact and "
                "slower.", count, generations.name, inverted.WANTED,
            )  # fmt: skip
        index = faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        index.is_trained = True
        for start in range(0, count, BATCH):
            index.add(vectors[start : start + BATCH].astype(np.float32))
        self._write_index(index, folder)
        return {"kind": "flat"}

    def maintain(self, model: str) -> None:
        generations = Generations(self.folder, model)
        generations.verify()
        view = self._view(model)
        if view is not None and _long(view.offset // generations.log(view.base.meta).type.itemsize, view.base.meta):
            self.compact(model)

    def wants_probes(self, model: str, count: int) -> bool:
        return count > self.exact_up_to and not (Generations(self.folder, model).folder / "probes.npy").exists()

    def keep_probes(self, model: str, vectors: Vectors) -> None:
        with _files():
            Generations(self.folder, model).keep_probes(_checked(vectors))

    def _view(self, model: str) -> View | None:
        self.load()
        with self._state:
            if model not in self._readers:
                self._readers[model] = Reader(Generations(self.folder, model), self._read_index)
            reader = self._readers[model]
        return reader.view()

    def _write_index(self, index: Any, folder: Path) -> None:
        try:
            self._faiss.write_index(index, str(folder / "base.faiss"))
        except RuntimeError as error:
            raise OSError(str(error)) from error

    def _read_index(self, path: Path) -> Any:
        return self._faiss.read_index(str(path), self._faiss.IO_FLAG_MMAP_IFC)


def best(
    ids: NDArray[np.int64], vectors: NDArray[Any], query: Vectors, limit: int, least: float = -np.inf
) -> list[Hit]:
    """The best of some candidates. Cosines in float64, to seven decimals: equals score equal, wherever stored."""
    scores = np.round(np.asarray(vectors, np.float64) @ np.asarray(query, np.float64), 7)
    order = np.lexsort((ids, -scores))[:limit]
    order = order[scores[order] >= least]
    return list(map(Hit, ids[order].tolist(), scores[order].tolist()))


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


@contextmanager
def _files() -> Iterator[None]:
    """A disk that is full is said as such. Whatever was being written is not in use."""
    try:
        yield
    except OSError as error:
        raise EngineError(
            f"The search index can't be written: {error}",
            next_step="Free some disk space; the next hourly check brings the index in step.",
        ) from error


def _long(changes: int, meta: Meta) -> bool:
    """Whether a log is worth folding in."""
    return changes >= max(COMPACT_AT, COMPACT_SHARE * meta.count)


def _trained(generations: Generations, view: View | None, count: int, dimensions: int) -> Meta | None:
    """The generation whose centres still fit: of the same space, and trained on a library of about this size."""
    if view is None or view.base.meta.kind != "ivf" or view.base.meta.dimensions != dimensions:
        return None
    trained_on = int(view.base.meta.ivf["trained_on"])
    return view.base.meta if trained_on / 2 <= count <= trained_on * 2 else None


def _checked(vectors: Vectors) -> Vectors:
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not np.all(np.isfinite(vectors)):
        raise ValueError("Vectors come as an (n, dimensions) array of finite numbers.")
    return vectors
