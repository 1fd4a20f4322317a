"""The shipped index on 100,000 vectors beside an exact scan, and a text query from words to hits.

The vectors are synthetic (see `synthetic`): clusters of very different sizes with a falling spectrum around a shared
direction, as embeddings of pictures are. Text queries stand off from them, as CLIP's do. Figures on them say how the
index behaves, not how well a model understands pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.harness import Clock, Figure, at_least, at_most, missing, p50, plain, times_of

ROWS, DIMENSIONS, CLUSTERS, QUERIES, LIMIT = 100_000, 512, 2000, 200, 10
Vectors = NDArray[np.float32]


def synthetic(rows: int = ROWS, seed: int = 20) -> tuple[Vectors, Vectors, Vectors]:
    """Unit vectors to search, queries like them, and queries at a distance from them."""
    rng = np.random.default_rng(seed)
    spectrum = (np.arange(1, DIMENSIONS + 1, dtype=np.float32) ** -0.6).astype(np.float32)
    shared = rng.standard_normal(DIMENSIONS).astype(np.float32)
    shared *= 1.2 * np.linalg.norm(spectrum) / np.linalg.norm(shared)
    clusters = min(CLUSTERS, rows // 4)
    centres = rng.standard_normal((clusters, DIMENSIONS), dtype=np.float32) * spectrum
    sizes = 1.0 / np.arange(1, clusters + 1) ** 0.8

    def drawn(count: int) -> Vectors:
        chosen = rng.choice(clusters, count, p=sizes / sizes.sum())
        return centres[chosen] + 0.45 * spectrum * rng.standard_normal((count, DIMENSIONS), dtype=np.float32) + shared

    gap = rng.standard_normal(DIMENSIONS).astype(np.float32)
    gap *= np.linalg.norm(spectrum) / np.linalg.norm(gap)
    return unit(drawn(rows)), unit(drawn(QUERIES)), unit(drawn(QUERIES) + gap)


def unit(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def figures() -> Iterator[Figure]:
    import faiss

    from search.engines.faiss import FaissIndex

    vectors, near, far = synthetic()
    ids = np.arange(ROWS, dtype=np.int64)
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        index = FaissIndex("faiss", folder=folder)
        with Clock() as clock:
            index.replace("bench", [(list(range(ROWS)), vectors)])
        yield plain("search: build an index of 100,000 synthetic vectors", clock.seconds, "s")
        faiss.omp_set_num_threads(1)
        flat = faiss.IndexFlatIP(DIMENSIONS)
        flat.add(vectors)
        exact_ms = 1000 * p50(each(near, lambda query: flat.search(query[None], LIMIT)))
        beside = f"exact fp32 scan (IndexFlatIP, one thread): {exact_ms:.2f} ms"
        for name, queries in (("picture-like", near), ("text-like", far)):
            taken = each(queries, lambda query: index.search("bench", query, limit=LIMIT))
            yield at_most(f"search: p50, {name} query, no filter", 1000 * p50(taken), "ms", exact_ms, beside)
            truth = flat.search(queries, LIMIT)[1]
            found = [[hit.id for hit in index.search("bench", query, limit=LIMIT)] for query in queries]
            yield at_least(f"search: recall@10, {name} queries, no filter", recall(found, truth), "", 0.95, "exact: 1")
        for share in (0.05, 0.005):
            allowed = np.sort(np.random.default_rng(3).choice(ids, int(ROWS * share), replace=False))
            kept = faiss.IndexFlatIP(DIMENSIONS)
            kept.add(vectors[allowed])

            def ask(query: Vectors, allowed: NDArray[np.int64] = allowed) -> Any:
                return index.search("bench", query, limit=LIMIT, allowed=allowed)

            truth = allowed[kept.search(far, LIMIT)[1]]
            found = [[hit.id for hit in ask(query)] for query in far]
            name = f"a filter that keeps {share:.1%}"
            yield at_most(f"search: p50, {name}", 1000 * p50(each(far, ask)), "ms", exact_ms, f"unfiltered {beside}")
            yield at_least(f"search: recall@10, {name}", recall(found, truth), "", 0.97, "exact over the kept: 1")
        new = unit(np.random.default_rng(4).standard_normal((1, DIMENSIONS)).astype(np.float32))
        with Clock() as clock:
            index.add("bench", [ROWS + 1], new)
            seen = index.search("bench", new[0], limit=1)[0].id == ROWS + 1
        goal = at_most("search: from adding a vector to finding it", clock.seconds, "s", 1.0)
        yield goal if seen else Figure(goal.name, None, "s", "not found at all", goal.goal, False)
    yield from starter_query(exact_ms)


def starter_query(exact_ms: float) -> Iterator[Figure]:
    """What an editor waits for: words through the model's text tower. The index is the smaller part of it."""
    from media_processing.engine import engines

    name = "search: words to a vector through the starter CLIP, p50"
    embedder = engines["embedder", "onnx"]
    if problems := embedder.problems():
        yield missing(name, "ms", problems[0].message)
        return
    words = ["a boat on the sea at sunset", "children plant a tree", "a red car in the rain", "two birds"]
    taken = times_of(lambda: [embedder.embed_texts([text]) for text in words], runs=15)
    yield plain(name, 1000 * p50(taken) / len(words), "ms", f"exact scan of 100,000 vectors: {exact_ms:.2f} ms")


def each(queries: Vectors, search: Callable[[Vectors], Any]) -> list[float]:
    for query in queries[:20]:
        search(query)
    taken = []
    for query in queries:
        with Clock() as clock:
            search(query)
        taken.append(clock.seconds)
    return taken


def recall(found: list[list[int]], truth: Any) -> float:
    return float(np.mean([len(set(got) & set(true.tolist())) / LIMIT for got, true in zip(found, truth, strict=True)]))
