"""The shipped index on 1,000,000 and on 100,000 vectors beside an exact scan, and words through the starter CLIP.

The vectors are synthetic (tests/benchmarks/vectors.py): figures on them say how the index behaves, not how well a model
understands pictures. Every latency stands beside exact scans taken in between, and what is compared is the processor's
time: on a busy machine an exact scan, which is long, loses the processor many times and a short search seldom does, so
that the clock on the wall would flatter the index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.harness import Clock, Figure, at_least, at_most, missing, p50, plain, times_of
from tests.benchmarks.vectors import Synthetic, Vectors

MILLION, ROWS, DIMENSIONS, QUERIES, LIMIT = 1_000_000, 100_000, 512, 500, 10
KINDS = {"picture": 0.98, "text": 0.97}
"""Recall@10 that each kind of query must reach."""
CACHE = Path(tempfile.gettempdir()) / "storyloom-vectors"
ROOT = Path(__file__).resolve().parents[2]
KILLS = 50


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        yield from million(Path(folder))
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        yield from readers(Path(folder))
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        yield from kills(Path(folder))
    yield from starter_query()


def million(folder: Path) -> Iterator[Figure]:
    """1,000,000 vectors: the build, then searches."""
    from search.engines.faiss import FaissIndex

    world = Synthetic(DIMENSIONS)
    vectors, clusters = world.stored(CACHE, MILLION)
    index = FaissIndex("faiss", folder=folder)
    index.keep_probes("bench", world.texts(300, seed=4))
    with Clock() as clock:
        index.replace("bench", batches(vectors))
    view = index._view("bench")
    assert view is not None
    yield plain(
        "search: build an index of 1,000,000 synthetic vectors", clock.seconds, "s",
        f"processor {clock.cpu:.0f} s; measured by itself: {json.dumps(dict(view.base.meta.ivf))}",
    )  # fmt: skip
    yield from searches(index, world, vectors, clusters)


def searches(index: Any, world: Synthetic, vectors: Vectors, clusters: NDArray[np.int32]) -> Iterator[Figure]:
    """Unfiltered and filtered, each kind of query, and what more or less reading gives."""
    import faiss

    faiss.omp_set_num_threads(1)
    queries = {"picture": next(world.pictures(QUERIES, seed=2))[0], "text": world.texts(QUERIES, seed=3)}
    filters = filters_of(clusters)
    truth = {kind: exact(vectors, asked, filters) for kind, asked in queries.items()}
    flat = faiss.IndexFlatIP(DIMENSIONS)
    flat.add(np.asarray(vectors))
    for name, allowed in filters.items():
        share = 1 / 40 if allowed is None else 1 / 3
        for kind, asked in queries.items():
            taken = beside_exact(
                flat, asked, lambda query, allowed=allowed: index.search("bench", query, limit=LIMIT, allowed=allowed)
            )
            what = f"1,000,000, {kind} query, {name}"
            yield at_most(f"search: p50, {what}, as a share of an exact scan", taken.share, "", share, taken.told())
            yield at_least(f"search: recall@10, {what}", recall(taken.found, truth[kind][name]), "", KINDS[kind])
            empty = sum(LIMIT - len(found) for found in taken.found)
            yield at_most(f"search: empty slots, {what}", empty, "", 0, f"of {LIMIT * len(taken.found)}")
    for lists in (2, 4, 8, 16, 32, 64):
        yield curve(index, flat, queries, {kind: truth[kind]["no filter"] for kind in queries}, lists)


def batches(vectors: Vectors) -> Iterator[tuple[range, Vectors]]:
    for start in range(0, len(vectors), 16_384):
        some = np.asarray(vectors[start : start + 16_384])
        yield range(start, start + len(some)), some


def filters_of(clusters: NDArray[np.int32]) -> dict[str, NDArray[np.int64] | None]:
    """Ascending ids that each filter keeps. The collection is whole clusters: what is alike is kept together."""
    rng = np.random.default_rng(5)
    order = rng.permutation(int(clusters.max()) + 1)
    shares = np.cumsum(np.bincount(clusters, minlength=len(order))[order]) / len(clusters)
    random = {f"{share:.1%} kept": np.flatnonzero(rng.random(len(clusters)) < share) for share in (0.5, 0.05, 0.005)}
    collection = np.flatnonzero(np.isin(clusters, order[: int(np.searchsorted(shares, 0.05)) + 1]))
    return {"no filter": None, **random, "one collection": collection}


def exact(
    vectors: Vectors, queries: Vectors, filters: dict[str, NDArray[np.int64] | None]
) -> dict[str, NDArray[np.float32]]:
    """(q,) score of each query's tenth neighbour among what each filter keeps."""
    best = {name: np.full((len(queries), LIMIT), -np.inf, np.float32) for name in filters}
    for start in range(0, len(vectors), 20_000):
        scores = queries @ np.asarray(vectors[start : start + 20_000]).T
        for name, allowed in filters.items():
            some = scores
            if allowed is not None:
                first, last = np.searchsorted(allowed, [start, start + 20_000])
                some = scores[:, allowed[first:last] - start]
            both = np.concatenate([best[name], some], axis=1)
            best[name] = np.partition(both, both.shape[1] - LIMIT, axis=1)[:, -LIMIT:]
    return {name: found.min(axis=1) for name, found in best.items()}


def recall(found: list[Any], tenths: NDArray[np.float32]) -> float:
    """Share of the true ten; equals of the tenth count (half precision rounds by less than 0.0005)."""
    return float(
        np.mean(
            [sum(hit.score >= tenth - 5e-4 for hit in hits) / LIMIT for hits, tenth in zip(found, tenths, strict=True)]
        )
    )


@dataclass
class Taken:
    """Searches and, in between, exact scans of the same queries."""

    searches: list[Clock] = field(default_factory=list)
    scans: list[Clock] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)

    @property
    def share(self) -> float:
        return p50([each.cpu for each in self.searches]) / p50([each.cpu for each in self.scans])

    def told(self) -> str:
        cpu, wall = (
            [1000 * p50([getattr(each, name) for each in clocks]) for clocks in (self.searches, self.scans)]
            for name in ("cpu", "seconds")
        )
        return (
            f"{cpu[0]:.2f} ms beside IndexFlatIP's {cpu[1]:.1f} ms of one processor; "
            f"by the wall {wall[0]:.2f} and {wall[1]:.1f} ms; load {os.getloadavg()[0]:.1f} on {os.cpu_count()}"
        )


def beside_exact(flat: Any, queries: Vectors, search: Callable[[Vectors], Any], every: int = 20) -> Taken:
    """Ask each query once; before every twentieth, scan all for it."""
    taken = Taken()
    for query in queries[:: max(1, len(queries) // 20)]:
        search(query)
    for at, query in enumerate(queries):
        if at % every == 0:
            with Clock() as clock:
                flat.search(query[None], LIMIT)
            taken.scans.append(clock)
        with Clock() as clock:
            hits = search(query)
        taken.searches.append(clock)
        taken.found.append(hits)
    return taken


def curve(index: Any, flat: Any, queries: dict[str, Vectors], truth: dict[str, Any], lists: int) -> Figure:
    """Recall and time where a search reads so many lists."""
    from search.engines import inverted
    from search.engines.faiss import RESCORED, best

    base = index._view("bench").base

    def search(query: Vectors) -> Any:
        rows = inverted.near(index._faiss, base.index, query, LIMIT + RESCORED, lists)
        return best(*base.checked(rows), query, LIMIT)

    taken = {kind: beside_exact(flat, asked, search) for kind, asked in queries.items()}
    share = max(each.share for each in taken.values())
    told = "; ".join(
        f"{kind}: recall@10 {recall(each.found, truth[kind]):.4f}, {each.told()}" for kind, each in taken.items()
    )
    return plain(f"search: 1,000,000, {lists} lists read, share of an exact scan", share, "", told)


OPEN = """
import json, sys, time
from pathlib import Path
import numpy as np
from search.engines.faiss import FaissIndex
def private():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))
index = FaissIndex("faiss", folder=sys.argv[1])
index.load()
before, began, busy = private(), time.perf_counter(), time.process_time()
index._view("bench")
wall, cpu = time.perf_counter() - began, time.process_time() - busy
query = np.ones(512, np.float32) / 512 ** 0.5
index.search("bench", query, limit=10)
print(json.dumps({"cpu": 1000 * cpu, "wall": 1000 * wall, "mb": (private() - before) / 1024}))
"""


def readers(folder: Path) -> Iterator[Figure]:
    """What a fresh process pays to open 100,000 vectors and to search once; and how soon an add is found."""
    from search.engines.faiss import FaissIndex

    world = Synthetic(DIMENSIONS)
    vectors, _ = world.stored(CACHE, ROWS)
    index = FaissIndex("faiss", folder=folder)
    index.keep_probes("bench", world.texts(300, seed=4))
    with Clock() as clock:
        index.replace("bench", batches(vectors))
    yield plain("search: build an index of 100,000 synthetic vectors", clock.seconds, "s")
    yield from opened(folder, "100,000")
    new = -np.asarray(vectors[:1])
    with Clock() as clock:
        index.add("bench", [ROWS + 1], new)
        seen = index.search("bench", new[0], limit=1)[0].id == ROWS + 1
    goal = at_most("search: from adding a vector to finding it", clock.seconds, "s", 1.0)
    yield goal if seen else Figure(goal.name, None, "s", "not found at all", goal.goal, False)


def opened(folder: Path, size: str) -> Iterator[Figure]:
    told = []
    for _ in range(9):
        done = subprocess.run(
            [sys.executable, "-c", OPEN, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
        )
        told.append(json.loads(done.stdout))
    middle = {name: p50([each[name] for each in told]) for name in told[0]}
    walls = f"by the wall {middle['wall']:.1f} ms, at best {min(each['wall'] for each in told):.1f}"
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()}"
    yield at_most(f"search: processor time to open {size} vectors", middle["cpu"], "ms", 20, f"{walls}; {load}")
    memory = "median of 9 fresh processes, after a first search"
    yield at_most(f"search: private memory of a reader of {size}", middle["mb"], "MB", 10, memory)


def kills(folder: Path) -> Iterator[Figure]:
    """kill -9 of a process that adds and compacts, at random moments."""
    from tests.faults.test_index import kill_writers

    unreadable, lost = kill_writers(folder, kills=KILLS, seed=7)
    yield at_most(f"search: unreadable indexes after {KILLS} kills of the writer", unreadable, "", 0)
    yield at_most(f"search: adds lost by {KILLS} kills of the writer", lost, "", 0)


def starter_query() -> Iterator[Figure]:
    """What an editor waits for: words through the model's text tower. The index is the smaller part of it."""
    from media_processing.engine import engines

    name = "search: words to a vector through the starter CLIP, p50"
    embedder = engines["embedder", "onnx"]
    if problems := embedder.problems():
        yield missing(name, "ms", problems[0].message)
        return
    words = ["a boat on the sea at sunset", "children plant a tree", "a red car in the rain", "two birds"]
    taken = times_of(lambda: [embedder.embed_texts([text]) for text in words], runs=15)
    yield plain(name, 1000 * p50(taken) / len(words), "ms")
