"""What every index engine promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from search.engines.base import Hit, Index, Vectors


def unit(count: int, dimensions: int = 32, seed: int = 0) -> Vectors:
    """(count, dimensions) random unit vectors, exact in float16 so that any engine scores them alike."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16).astype(np.float32)


def exact(vectors: Vectors, query: Vectors, limit: int, allowed: set[int] | None = None) -> list[int]:
    scores = np.round(vectors.astype(np.float64) @ query, 7)
    rows = np.arange(len(vectors)) if allowed is None else np.array(sorted(allowed), np.int64)
    found: list[int] = rows[np.lexsort((rows, -scores[rows]))[:limit]].tolist()
    return found


def clustered(count: int, queries: int, dimensions: int = 64, seed: int = 0) -> tuple[Vectors, Vectors, Vectors]:
    """Unit vectors as embeddings of pictures lie, and queries: like them, and standing off from them as texts do.

    (count, dimensions) vectors, the ones of a cluster in a row; (queries, dimensions) of each kind.
    """
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(4, count // 100), dimensions)) + 2 * rng.standard_normal(dimensions)
    gap = 3 * rng.standard_normal(dimensions)

    def some(of: NDArray[np.int64], spread: float) -> Vectors:
        return centres[of] + spread * rng.standard_normal((len(of), dimensions))

    vectors = some(np.sort(rng.integers(len(centres), size=count)), 0.6)
    near = some(rng.integers(len(centres), size=queries), 0.6)
    far = some(rng.integers(len(centres), size=queries), 0.8) + gap
    parts = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (vectors, near, far)]
    return tuple(part.astype(np.float16).astype(np.float32) for part in parts)


def ids(hits: list[Hit]) -> list[int]:
    return [hit.id for hit in hits]


class IndexContract:
    """`size` is the library of the recall tests: an engine that approximates beyond some size goes beyond it."""

    size = 600

    @pytest.fixture
    def index(self) -> Index:
        raise NotImplementedError

    def test_nothing_is_found_in_an_unknown_space(self, index: Index) -> None:
        assert index.search("m", unit(1)[0], limit=5) == []
        assert index.count("m") == 0
        assert len(index.ids("m")) == 0
        index.delete("m", [1, 2])

    def test_small_libraries_are_searched_exactly(self, index: Index) -> None:
        vectors = unit(300)
        index.add("m", range(300), vectors)
        for query in unit(20, seed=1):
            assert ids(index.search("m", query, limit=10)) == exact(vectors, query, 10)

    def test_scores_are_cosines_best_first(self, index: Index) -> None:
        vectors = unit(50)
        index.add("m", range(50), vectors)
        hits = index.search("m", vectors[7], limit=50)
        assert hits[0].id == 7
        assert hits[0].score == pytest.approx(1, abs=2e-3)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    @pytest.mark.parametrize("limit", [3, 300])
    def test_what_is_less_like_it_than_asked_is_left_out(self, index: Index, limit: int) -> None:
        index.add("m", range(300), unit(300))
        index.delete("m", [7])
        for query in unit(5, seed=8):
            hits = index.search("m", query, limit=limit)
            least = index.search("m", query, limit=20)[9].score
            assert index.search("m", query, limit=limit, least=least) == [hit for hit in hits if hit.score >= least]
        assert index.search("m", query, limit=limit, least=1.1) == []

    @pytest.mark.parametrize("kept", [1, 3, 10, 150])
    def test_a_filter_never_leaves_slots_empty(self, index: Index, kept: int) -> None:
        vectors = unit(300)
        index.add("m", range(300), vectors)
        allowed = np.random.default_rng(kept).permutation(300)[:kept]
        for query in unit(10, seed=2):
            found = ids(index.search("m", query, limit=10, allowed=allowed))
            assert found == exact(vectors, query, 10, set(allowed.tolist()))

    def test_a_filter_may_name_ids_that_are_not_there(self, index: Index) -> None:
        index.add("m", [5], unit(1))
        assert ids(index.search("m", unit(1)[0], limit=3, allowed=np.array([5, 99]))) == [5]
        assert index.search("m", unit(1)[0], limit=3, allowed=np.array([], np.int64)) == []

    def test_deletes_count_at_once(self, index: Index) -> None:
        vectors = unit(40)
        index.add("m", range(40), vectors)
        index.delete("m", [3, 3, 777])
        assert 3 not in ids(index.search("m", vectors[3], limit=40))
        assert index.count("m") == 39

    def test_a_deleted_id_may_come_back(self, index: Index) -> None:
        vectors = unit(4)
        index.add("m", range(4), vectors)
        index.delete("m", [2])
        index.add("m", [2], vectors[2:3])
        assert ids(index.search("m", vectors[2], limit=1)) == [2]
        assert index.count("m") == 4

    def test_adding_an_id_again_replaces_its_vector(self, index: Index) -> None:
        vectors = unit(4)
        index.add("m", range(4), vectors)
        index.add("m", [0], -vectors[0:1])
        assert index.search("m", vectors[0], limit=4)[-1] == Hit(0, pytest.approx(-1, abs=2e-3))
        assert index.count("m") == 4

    def test_equals_come_by_id(self, index: Index) -> None:
        index.add("m", range(500, 0, -1), np.repeat(unit(1), 500, axis=0))
        assert ids(index.search("m", unit(1)[0], limit=12)) == list(range(1, 13))

    def test_spaces_are_apart(self, index: Index) -> None:
        index.add("one", [1], unit(1))
        index.add("two", [2], unit(1, dimensions=16))
        assert ids(index.search("one", unit(1)[0], limit=5)) == [1]
        assert ids(index.search("two", unit(1, dimensions=16)[0], limit=5)) == [2]

    def test_ids_are_told_in_order(self, index: Index) -> None:
        index.add("m", [9, 4, 6], unit(3))
        index.delete("m", [6])
        assert index.ids("m").tolist() == [4, 9]

    def test_replacing_leaves_only_the_new(self, index: Index) -> None:
        index.add("m", range(10), unit(10))
        vectors = unit(6, seed=3)
        assert index.replace("m", [([10, 11, 12], vectors[:3]), ([13, 14, 15], vectors[3:])]) == 6
        assert index.ids("m").tolist() == [10, 11, 12, 13, 14, 15]
        assert ids(index.search("m", vectors[4], limit=1)) == [14]

    def test_replacing_by_nothing_empties(self, index: Index) -> None:
        index.add("m", range(10), unit(10))
        assert index.replace("m", []) == 0
        assert index.search("m", unit(1)[0], limit=5) == []
        index.add("m", [3], unit(1))
        assert index.count("m") == 1

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_below_one_is_refused(self, index: Index, limit: int) -> None:
        with pytest.raises(ValueError):
            index.search("m", unit(1)[0], limit=limit)

    def test_what_cannot_be_a_vector_is_refused(self, index: Index) -> None:
        index.add("m", [1], unit(1))
        with pytest.raises(ValueError):
            index.add("m", [2], np.full((1, 32), np.nan, np.float32))
        with pytest.raises(ValueError):
            index.add("m", [2], unit(1, dimensions=8))
        with pytest.raises(ValueError):
            index.add("m", [2, 3], unit(1))
        assert index.count("m") == 1

    @pytest.mark.parametrize("keeps", ["all", "half", "a twentieth", "a collection", "a handful"])
    def test_recall_holds_for_pictures_and_texts_under_any_filter(self, index: Index, keeps: str) -> None:
        """Recall@10 of 0.98 and 0.97, no slot left empty, nothing that the filter excludes."""
        vectors, near, far = clustered(self.size, queries=20)
        index.replace("m", [(range(self.size), vectors)])
        rng = np.random.default_rng(1)
        allowed = {
            "all": None,
            "half": np.flatnonzero(rng.random(self.size) < 0.5),
            "a twentieth": rng.permutation(self.size)[: self.size // 20],
            "a collection": np.arange(self.size // 3, self.size // 3 + self.size // 10),
            "a handful": rng.permutation(self.size)[:4],
        }[keeps]
        kept = None if allowed is None else set(allowed.tolist())
        slots = 10 if kept is None else min(10, len(kept))
        for queries, wanted in ((near, 0.98), (far, 0.97)):
            shared = 0
            for query in queries:
                found = ids(index.search("m", query, limit=10, allowed=allowed))
                assert len(set(found)) == len(found) == slots
                assert kept is None or kept >= set(found)
                shared += len(set(found) & set(exact(vectors, query, 10, kept)))
            assert shared >= wanted * slots * len(queries)

    def test_no_slot_is_empty_while_matches_exist(self, index: Index) -> None:
        """Also where most of the neighbourhood was deleted, and what is left lies far away."""
        vectors, near, _far = clustered(self.size, queries=5)
        index.replace("m", [(range(self.size), vectors)])
        for query in near:
            index.delete("m", exact(vectors, query, self.size // 10))
        gone = {row for query in near for row in exact(vectors, query, self.size // 10)}
        for query in near:
            found = ids(index.search("m", query, limit=50))
            assert len(found) == 50
            assert not gone & set(found)

    def test_a_limit_beyond_the_library_gives_all_of_it(self, index: Index) -> None:
        vectors, near, _far = clustered(self.size, queries=1)
        index.replace("m", [(range(self.size), vectors)])
        allowed = np.arange(0, self.size, 3)
        assert sorted(ids(index.search("m", near[0], limit=2 * self.size))) == list(range(self.size))
        assert sorted(ids(index.search("m", near[0], limit=self.size, allowed=allowed))) == allowed.tolist()

    def test_equals_within_a_filter_come_by_id(self, index: Index) -> None:
        vectors = np.concatenate([unit(30, seed=9), np.repeat(unit(1), 30, axis=0)])
        index.add("m", range(60), vectors)
        allowed = np.arange(59, 20, -2)
        assert ids(index.search("m", unit(1)[0], limit=5, allowed=allowed)) == [31, 33, 35, 37, 39]

    def test_a_deleted_id_stays_gone_under_a_filter_that_names_it(self, index: Index) -> None:
        index.add("m", range(40), unit(40))
        index.delete("m", [3])
        assert ids(index.search("m", unit(40)[3], limit=2, allowed=np.array([3, 7]))) == [7]

    def test_what_a_periodic_job_does_changes_no_answer(self, index: Index) -> None:
        vectors = unit(60)
        index.add("m", range(60), vectors)
        index.delete("m", range(0, 60, 5))
        before = index.search("m", vectors[7], limit=20)
        if index.wants_probes("m", 60):
            index.keep_probes("m", unit(5, seed=8))
        index.maintain("m")
        assert index.search("m", vectors[7], limit=20) == before
        index.maintain("unused")
