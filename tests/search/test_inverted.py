"""The inverted file: what it reads is what was measured, and what FAISS promises of budgets stays true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from search.engines import inverted
from tests.contracts.index import clustered

COUNT = 6000


@pytest.fixture(scope="module")
def built() -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """An inverted file over clustered vectors, the vectors, queries like them, and queries that stand off."""
    vectors, near, far = clustered(COUNT, queries=100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inverted, "LIST_TARGET", 64)  # as many lists as a larger library has
        return inverted.build(faiss, vectors.astype(np.float16)), vectors, near, far


def selector_of(keep: np.ndarray) -> tuple[Any, np.ndarray]:
    bits = np.packbits(keep, bitorder="little")
    return faiss.IDSelectorBitmap(bits), bits


def recall(rows: list[np.ndarray], vectors: np.ndarray, queries: np.ndarray, kept: np.ndarray | None = None) -> float:
    """Recall@10 of found rows after exact scores."""
    shared = 0
    for some, query in zip(rows, queries, strict=True):
        scores = vectors @ query
        if kept is not None:
            scores = np.where(kept, scores, -np.inf)
        shared += len(set(some[np.argsort(-scores[some])[:10]]) & set(np.argsort(-scores)[:10]))
    return shared / (10 * len(queries))


def test_tuning_reaches_what_is_promised_on_queries_that_it_never_saw(built: Any) -> None:
    index, vectors, near, far = built
    tuned = inverted.tune(faiss, index, vectors.astype(np.float16), far[:50])
    assert tuned is not None
    assert tuned.lists < index.nlist
    for queries, wanted in ((near, 0.98), (far[50:], 0.97)):
        rows = [inverted.near(faiss, index, query, 110, tuned.lists) for query in queries]
        assert recall(rows, vectors, queries) >= wanted
    keep = np.zeros(COUNT, bool)
    keep[1000:1600] = True  # whole clusters
    selector, _bits = selector_of(keep)
    rows = [inverted.permitted(faiss, index, query, 110, tuned.budget, selector) for query in far[50:]]
    assert recall(rows, vectors, far[50:], keep) >= 0.97


def test_what_it_measures_is_the_recall_that_an_exact_scan_sees(built: Any) -> None:
    index, vectors, _near, far = built
    tuned = inverted.tune(faiss, index, vectors.astype(np.float16), far)
    assert tuned is not None
    rows = [inverted.near(faiss, index, query, 110, tuned.lists) for query in far]
    assert tuned.recall["text"] == pytest.approx(recall(rows, vectors, far), abs=0.003)
    assert set(tuned.recall) == {"picture", "text", "picture in a collection", "text in a collection"}


def test_texts_need_more_reading_than_pictures_and_get_it(built: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    index, vectors, _near, far = built
    monkeypatch.setattr(inverted, "WANTED", {"picture": 0.985, "text": 0.0})
    pictures_only = inverted.tune(faiss, index, vectors.astype(np.float16), far)
    monkeypatch.setattr(inverted, "WANTED", {"picture": 0.985, "text": 0.999})
    both = inverted.tune(faiss, index, vectors.astype(np.float16), far)
    assert pictures_only is not None
    assert both is not None
    assert both.lists > pictures_only.lists


def test_a_recall_out_of_reach_is_told(built: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    index, vectors, _near, far = built
    monkeypatch.setattr(inverted, "WANTED", {"picture": 1.01, "text": 0.98})
    assert inverted.tune(faiss, index, vectors.astype(np.float16), far) is None


def test_a_budget_counts_what_the_selector_lets_pass(built: Any) -> None:
    """The same budget finds more the stricter the filter: codes that don't pass cost nothing of it."""
    index, vectors, _near, far = built
    found = []
    for share in (1.0, 0.5, 0.1):
        keep = np.random.default_rng(2).random(COUNT) < share
        selector, _bits = selector_of(keep)
        rows = [inverted.permitted(faiss, index, query, 110, 300, selector) for query in far[:40]]
        assert all(keep[some].all() for some in rows)
        found.append(recall(rows, vectors, far[:40], keep))
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.99


def test_a_budget_is_overdrawn_rather_than_a_slot_left_empty(built: Any) -> None:
    index, _vectors, near, _far = built
    keep = np.zeros(COUNT, bool)
    keep[::50] = True
    selector, _bits = selector_of(keep)
    assert len(inverted.permitted(faiss, index, near[0], 120, 1, selector)) == 120


def test_lists_that_hold_too_few_are_followed_by_more(built: Any) -> None:
    index, _vectors, near, _far = built
    assert len(inverted.near(faiss, index, near[0], 3000, 1)) == 3000
    assert len(inverted.near(faiss, index, near[0], COUNT, 1)) == COUNT


def test_centres_of_an_earlier_file_serve_again(built: Any, tmp_path: Path) -> None:
    index, vectors, near, _far = built
    faiss.write_index(index, str(tmp_path / "base.faiss"))
    again = inverted.build(faiss, vectors[:4000].astype(np.float16), tmp_path / "base.faiss")
    assert again.ntotal == 4000
    assert np.array_equal(again.quantizer.reconstruct_n(0, index.nlist), index.quantizer.reconstruct_n(0, index.nlist))
    rows = [inverted.near(faiss, again, query, 110, again.nlist) for query in near[:20]]
    assert recall(rows, vectors[:4000], near[:20]) >= 0.99


def test_standins_stand_off_from_the_pictures_as_texts_do() -> None:
    vectors, near, far = clustered(COUNT, queries=50)
    rng = np.random.default_rng(0)
    standins = inverted.standins(near, vectors.astype(np.float16), rng)
    assert np.linalg.norm(standins, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    best = [float((queries @ vectors.T).max(axis=1).mean()) for queries in (near, standins, far)]
    assert best[1] < best[0] / 2
