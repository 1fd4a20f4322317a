"""The inverted file over 8-bit codes (IVF-SQ8) of a large base: built, searched, and measured before anybody uses it.

Vectors are grouped by the nearest of a few thousand centres; a search reads the groups nearest to the query. How many
it must read depends on the library and on the kind of query: text queries lie apart from all pictures, so their
neighbours are spread over more groups. So no number is written here: each build asks probes of both kinds, compares
with an exact scan, and takes the fewest groups that find enough.

Sources: Jegou et al., "Product quantization for nearest neighbor search" (inverted file); FAISS's
SearchParametersIVF (max_codes counts what passes the selector: tests/search/test_inverted.py holds it to that).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.engines.base import Vectors

Mask = NDArray[np.bool_]
Scan = Callable[[Vectors], NDArray[np.int64]]
WANTED = {"picture": 0.985, "text": 0.98}
"""Recall@10 after exact scores, on the probes of a build: a little over the 0.98 and 0.97 that we promise, since probes
are a sample."""
RECALL_AT = 10
PROBES = 300
"""Queries of each kind."""
FETCHED = 100
"""Candidates, beside the limit, that get their exact score."""
COLLECTION = 0.05
"""Share of the library in the collection by which the budget under a filter is measured."""
LIST_TARGET, MOST_LISTS = 256, 4096
TRAINED_BY = 40
"""Training vectors to a list; FAISS asks for 39."""
BATCH = 65_536


@dataclass(frozen=True)
class Tuned:
    """How much an inverted file must read, and what it found by that on the probes of its build."""

    lists: int
    """Lists nearest to a query without a filter."""
    budget: int
    """Permitted codes, nearest lists first, of a query with one."""
    recall: dict[str, float]
    """Recall@10 by kind of query: "picture", "text", and both within a collection."""


def build(faiss: Any, vectors: NDArray[np.float16], earlier: Path | None = None) -> Any:
    """An inverted file over (n, d) vectors; with the centres of an `earlier` one where given, which saves most time."""
    count, dimensions = vectors.shape
    if earlier is None:
        lists = max(16, min(MOST_LISTS, count // LIST_TARGET))
        index = faiss.index_factory(dimensions, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        rows = np.random.default_rng(count).permutation(count)[: lists * TRAINED_BY]
        index.train(vectors[np.sort(rows)].astype(np.float32))
    else:
        index = faiss.read_index(str(earlier), faiss.IO_FLAG_MMAP_IFC)
        empty = faiss.ArrayInvertedLists(index.nlist, index.code_size)
        empty.this.disown()
        index.replace_invlists(empty, True)
        index.ntotal = 0
    for start in range(0, count, BATCH):
        index.add(vectors[start : start + BATCH].astype(np.float32))
    return index


def near(faiss: Any, index: Any, query: Vectors, fetch: int, lists: int, selector: Any = None) -> NDArray[np.int64]:
    """Up to `fetch` rows out of the nearest lists; more lists where those hold too few."""
    lists = -(-lists * fetch // (RECALL_AT + FETCHED))
    while True:
        lists = min(lists, index.nlist)
        told = faiss.SearchParametersIVF(nprobe=lists, sel=selector)
        found = _rows(index.search(query[None, :], fetch, params=told))
        if len(found) == fetch or lists == index.nlist:
            return found
        lists *= 4


def permitted(faiss: Any, index: Any, query: Vectors, fetch: int, budget: int, selector: Any) -> NDArray[np.int64]:
    """Up to `fetch` rows that the selector lets pass: never fewer than there are. A `budget` of 0 reads all of them."""
    told = faiss.SearchParametersIVF(nprobe=index.nlist, max_codes=budget, sel=selector, ensure_topk_full=bool(budget))
    return _rows(index.search(query[None, :], fetch, params=told))


def _rows(answer: tuple[Any, Any]) -> NDArray[np.int64]:
    found = answer[1][0]
    rows: NDArray[np.int64] = found[found >= 0]
    return rows


def tune(faiss: Any, index: Any, vectors: NDArray[np.float16], texts: Vectors | None) -> Tuned | None:
    """The least reading that reaches WANTED; None where reading half of all would not. `texts`: (m, d), or None.

    The queries are rows of the library, which mustn't find themselves, and `texts`; without these, `standins`. Equals
    of the tenth count as found.
    """
    rng = np.random.default_rng(len(vectors))
    own = np.sort(rng.permutation(len(vectors))[:PROBES])
    pictures = vectors[own].astype(np.float32)
    texts = standins(pictures, vectors, rng) if texts is None else texts[:PROBES]
    queries = {"picture": pictures, "text": texts}
    keep = _collection(faiss, index, rng)
    selector = faiss.IDSelectorBitmap(bits := np.packbits(keep, bitorder="little"))
    whole, within = _best_scores(vectors, np.concatenate([pictures, texts]), own, keep)
    fetch = RECALL_AT + FETCHED

    def recalls(best: NDArray[np.float32], scan: Scan) -> dict[str, float]:
        halves = {"picture": best[: len(pictures)], "text": best[len(pictures) :]}
        return {
            kind: _recall(vectors, queries[kind], halves[kind], own if kind == "picture" else None, scan)
            for kind in WANTED
        }

    def least(best: NDArray[np.float32], scan: Callable[[int], Scan], first: int, most: int) -> Any:
        for amount in _growing(first, most):
            found = recalls(best, scan(amount))
            if all(found[kind] >= wanted for kind, wanted in WANTED.items()):
                return amount, found
        return None

    lists = least(whole, lambda n: lambda query: near(faiss, index, query, fetch, n), 4, max(4, index.nlist // 2))
    kept = int(keep.sum())
    budget = least(
        within, lambda n: lambda query: permitted(faiss, index, query, fetch, n, selector), 1000, max(1000, kept)
    )
    del bits  # the selector points into it until here
    if lists is None or budget is None:
        return None
    return Tuned(
        lists[0], budget[0], {**lists[1], **{f"{kind} in a collection": value for kind, value in budget[1].items()}}
    )


def standins(pictures: Vectors, vectors: NDArray[np.float16], rng: np.random.Generator) -> Vectors:
    """(n, d) queries that stand off from the library as texts do, where its model can't be asked for real ones.

    CLIP's texts lie in a cone of their own (Liang et al., "Mind the gap", 2022): half the length is one direction that
    no picture has; what they mean is a picture's way from the mean, blurred by another's.
    """
    mean = vectors[:: max(1, len(vectors) // 4096)].astype(np.float32).mean(axis=0)
    gap = rng.standard_normal(len(mean)).astype(np.float32)
    gap -= gap @ mean * mean / max(float(mean @ mean), 1e-12)
    ways = _unit(pictures - mean)
    return _unit(0.85 * _unit(gap[None]) + 0.4 * ways + 0.25 * np.roll(ways, 1, axis=0))


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _collection(faiss: Any, index: Any, rng: np.random.Generator) -> Mask:
    """(n,) rows of some whole lists: what is alike is often kept together, and that is the hard filter."""
    keep = np.zeros(index.ntotal, bool)
    for number in rng.permutation(index.nlist).tolist():
        size = index.invlists.list_size(number)
        if size:
            keep[faiss.rev_swig_ptr(index.invlists.get_ids(number), size)] = True
        if keep.sum() >= COLLECTION * len(keep):
            break
    return keep


def _growing(first: int, most: int) -> Iterator[int]:
    """first, half as much again, twice as much and so on, and at last `most`."""
    amount = first
    while amount < most:
        yield amount
        if amount * 3 // 2 < most:
            yield amount * 3 // 2
        amount *= 2
    yield most


def _best_scores(
    vectors: NDArray[np.float16], queries: Vectors, own: NDArray[np.int64], keep: Mask
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(q, RECALL_AT) exact scores of each query's best among all, and among the kept; -inf where there are fewer.

    The first queries are the rows `own`, which don't count for themselves.
    """
    best = [np.full((len(queries), RECALL_AT), -np.inf, np.float32) for _ in range(2)]
    for start in range(0, len(vectors), BATCH // 4):
        part = vectors[start : start + BATCH // 4].astype(np.float32)
        scores = queries @ part.T
        mine = np.flatnonzero((own >= start) & (own < start + len(part)))
        scores[mine, own[mine] - start] = -np.inf
        for at, some in enumerate((scores, scores[:, keep[start : start + len(part)]])):
            both = np.concatenate([best[at], some], axis=1)
            best[at] = np.partition(both, both.shape[1] - RECALL_AT, axis=1)[:, -RECALL_AT:]
    return best[0], best[1]


def _recall(
    vectors: NDArray[np.float16], queries: Vectors, best: NDArray[np.float32], own: NDArray[np.int64] | None, scan: Scan
) -> float:
    """Share of the best scores that a scan reaches."""
    found = 0
    for at, query in enumerate(queries):
        rows = scan(query)
        if own is not None:
            rows = rows[rows != own[at]]
        scores = vectors[rows].astype(np.float32) @ query
        found += min(int(np.isfinite(best[at]).sum()), int((scores >= best[at].min() - 1e-5).sum()))
    return found / max(1, int(np.isfinite(best).sum()))
