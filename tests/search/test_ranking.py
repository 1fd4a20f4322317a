"""Fusing, diversifying, and giving each scene its own picture."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from search.ranking import (
    SURE,
    Candidate,
    Fused,
    Signal,
    Usual,
    added,
    against,
    assign,
    choose_visuals,
    look_alikes,
    mmr,
    rrf,
    sums,
    weighed,
)


def test_being_second_in_both_lists_beats_first_in_one() -> None:
    fused = rrf({"words": [("a", 9.0), ("b", 8.0)], "picture": [("c", 0.9), ("b", 0.8)]})
    assert [item.key for item in fused] == ["b", "a", "c"]


def test_reasons_sum_to_the_score() -> None:
    rng = np.random.default_rng(1)
    lists = {
        name: [(int(key), float(-at)) for at, key in enumerate(rng.permutation(50))] for name in ("words", "picture")
    }
    for item in rrf(lists):
        assert sum(signal.contribution for signal in item.explain) == pytest.approx(item.score, abs=1e-6)
        assert len(item.explain) == 2


def test_equal_values_share_a_rank() -> None:
    fused = rrf({"words": [(3, 1.0), (1, 1.0), (2, 0.5)]})
    assert [item.key for item in fused] == [1, 3, 2]
    assert fused[0].score == fused[1].score
    assert fused[2].score == pytest.approx(1 / 63)


def test_moments_of_one_video_do_not_push_others_down() -> None:
    shots = [(number, 1 - number / 100) for number in range(20)]
    group = dict.fromkeys(range(20), "video") | {99: "image"}
    fused = {item.key: item for item in rrf({"picture": [*shots, (99, 0.1)]}, group=group)}
    assert fused[99].score == pytest.approx(1 / 62)
    assert fused[0].score > fused[1].score > fused[19].score > fused[99].score


def test_weights_count() -> None:
    lists = {"words": [("a", 1.0)], "picture": [("b", 1.0)]}
    assert rrf(lists, weights={"picture": 2.0, "words": 1.0})[0].key == "b"


def test_nothing_fuses_to_nothing() -> None:
    assert rrf({}) == []
    assert rrf({"words": []}) == []


def test_a_copy_waits_for_something_else() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert mmr(vectors, [1.0, 0.99, 0.9], 3) == [0, 2, 1]
    assert mmr(vectors, [1.0, 0.99, 0.9], 3, trade_off=1.0) == [0, 1, 2]


def test_things_without_a_vector_keep_their_order() -> None:
    assert mmr(np.zeros((3, 4), np.float32), [0.5, 0.5, 0.9], 2) == [2, 0]
    assert mmr(np.zeros((0, 4), np.float32), [], 5) == []


def test_what_is_usual_is_told_from_the_middle_of_a_library() -> None:
    cosines = np.random.default_rng(0).normal(0.1, 0.05, 200)
    usual = Usual.of(cosines)
    assert usual is not None
    assert (usual.middle, usual.spread) == (pytest.approx(0.1, abs=0.01), pytest.approx(0.05, abs=0.01))
    assert usual.over(usual.at(2.5)) == pytest.approx(2.5)
    third = Usual.of(np.concatenate([cosines, np.full(100, 0.5)]))
    assert third is not None
    assert third.over(0.5) > SURE  # though a third of the library shows it
    assert Usual.of(np.ones(7)) is None
    assert Usual.of(np.ones((4, 2))) is not None


def test_what_is_unwanted_takes_back_what_pictures_gave() -> None:
    both = Fused(1, 0.03, (Signal("picture", 0.4, 1.0, 0.016), Signal("words", 2.0, 1.0, 0.014)))
    assert against(both, 0.2, 1.0) is both
    half, full = against(both, 0.3, 2.25, "people"), against(both, 0.6, 99.0)
    assert (half.score, full.score) == (pytest.approx(0.022), pytest.approx(0.014))
    assert half.explain[-1] == Signal("unwanted", 0.3, 0.5, pytest.approx(-0.008), "people")
    for one in (half, full):
        assert one.score == pytest.approx(sum(signal.contribution for signal in one.explain))
    said = Fused(2, 0.014, both.explain[1:])
    assert against(said, 0.9, 99.0) is said


def test_look_alikes_by_vector_and_by_hash() -> None:
    vectors = np.array([[1, 0], [0.98, 0.199], [0, 1], [0, 0], [0, 0]], np.float32)
    hashes = ["", "", "f" * 64, "f" * 63 + "0", "0" * 64]
    alike = look_alikes(vectors, hashes, cosine=0.96, bits=31)
    near = {(one, other) for one in range(5) for other in range(5) if one != other and alike[one, other]}
    assert near == {(0, 1), (1, 0), (2, 3), (3, 2)}


def test_assignment_is_the_cheapest_there_is() -> None:
    rng = np.random.default_rng(2)
    for rows, columns in itertools.product(range(1, 6), range(1, 7)):
        if columns < rows:
            continue
        for _ in range(20):
            cost = rng.integers(0, 6, (rows, columns)).astype(float)
            least = min(
                sum(cost[row, at] for row, at in enumerate(choice))
                for choice in itertools.permutations(range(columns), rows)
            )
            found = assign(cost)
            assert len(set(found)) == rows
            assert sum(cost[row, at] for row, at in enumerate(found)) == pytest.approx(least)


def test_assignment_needs_room() -> None:
    with pytest.raises(ValueError):
        assign(np.zeros((3, 2)))


def scene(**scores: float) -> list[Candidate]:
    return [Candidate(key, score) for key, score in scores.items()]


def test_no_visual_appears_twice() -> None:
    chosen = choose_visuals([scene(a=0.9, b=0.8), scene(a=0.9, b=0.1), scene(a=0.5)])
    assert [item.candidate for item in chosen] == [1, 0, None]
    assert "scene 2" in chosen[0].reason
    assert (chosen[0].rank, chosen[1].rank) == (2, 1)
    assert "scene 2" in chosen[2].reason


def test_giving_a_scene_its_first_choice_must_not_cost_the_story_more() -> None:
    """A greedy choice in order would give `a` to the first scene and leave the second bare."""
    chosen = choose_visuals([scene(a=0.50, b=0.49), scene(a=0.48)])
    assert [item.candidate for item in chosen] == [1, 0]


def test_what_the_story_shows_already_is_left_alone() -> None:
    chosen = choose_visuals([scene(a=0.9, b=0.2)], taken=["a"])
    assert (chosen[0].candidate, chosen[0].rank) == (1, 1)


def test_scenes_without_candidates_get_none() -> None:
    assert choose_visuals([]) == []
    assert [item.candidate for item in choose_visuals([[], scene(a=1.0)])] == [None, 0]


def test_equals_go_to_the_earlier_scene() -> None:
    assert [item.candidate for item in choose_visuals([scene(a=0.5), scene(a=0.5)])] == [0, None]


def test_a_long_story_with_many_candidates_is_quick() -> None:
    rng = np.random.default_rng(3)
    scenes = [[Candidate(int(key), float(rng.random())) for key in rng.integers(0, 400, 100)] for _ in range(60)]
    chosen = choose_visuals(scenes)
    keys = [scenes[row][item.candidate].key for row, item in enumerate(chosen) if item.candidate is not None]
    assert len(keys) == len(set(keys)) == 60


def test_terms_that_are_weighed_sum_to_the_score_and_those_that_lack_count_nothing() -> None:
    one = weighed("a", {"quality": 0.5, "freshness": 0.25}, {"relevance": 2.0, "quality": 1.0, "freshness": 2.0})
    assert one.score == pytest.approx(1.0)
    assert [(signal.name, signal.contribution) for signal in one.explain] == [("quality", 0.5), ("freshness", 0.5)]
    assert weighed("b", {"quality": 0.5}, {"quality": 0.0}).explain == ()


def test_further_terms_are_worth_first_places_of_a_list() -> None:
    (fused,) = rrf({"words": [("a", 3.0)]})
    one = added(fused, {"quality": 0.5, "novelty": 1.0}, {"relevance": 2.0, "quality": 1.0})
    assert [signal.name for signal in one.explain] == ["words", "quality"]
    assert one.score == pytest.approx(2 / 61 + 0.5 / 61)
    assert sum(signal.contribution for signal in one.explain) == pytest.approx(one.score, abs=1e-12)
    assert added(fused, {}, {}).score == fused.score


def test_many_scores_without_their_reasons_are_those_that_the_reasons_sum_to() -> None:
    fused = rrf({"words": [("a", 3.0), ("b", 2.0), ("c", 2.0)], "picture": [("c", 0.5), ("a", 0.4)]})
    terms = {"quality": np.array([0.5, np.nan, 0.25]), "freshness": np.array([0.1, 0.9, 0.0]), "novelty": np.ones(3)}
    weights = {"relevance": 1.5, "quality": 2.0, "freshness": 0.5}
    given = [{term: float(some[at]) for term, some in terms.items() if not np.isnan(some[at])} for at in range(3)]
    explained = [added(one, values, weights) for one, values in zip(fused, given, strict=True)]
    assert sums([one.score for one in fused], terms, weights) == pytest.approx([one.score for one in explained])
    assert "quality" not in {signal.name for signal in explained[1].explain}
