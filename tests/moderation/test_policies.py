"""A policy is data: read and written as YAML, refused with every fault named, and changed by two people."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from media_processing.engine import EngineError
from moderation import cases, policies, policy_rules
from moderation.models import Policy, Review
from moderation.policy_rules import PolicyError, as_yaml, checked, differences, from_yaml
from tests.conftest import Cast


def rules() -> dict[str, Any]:
    return copy.deepcopy(policies.shipped_rules())


def test_the_shipped_policy_goes_through_yaml_and_back() -> None:
    assert from_yaml(as_yaml(rules())) == rules()
    assert "    hate: {review: 0.4, block: 0.85}\n" in as_yaml(rules())
    assert set(rules()["surfaces"]) == set(policy_rules.SURFACES)


FAULTS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda made: made["surfaces"].pop("app"), "`surfaces` lacks app"),
    (lambda made: made["surfaces"]["app"].pop("hate"), "app has no rule for hate"),
    (lambda made: made["surfaces"]["app"].clear(), "app has no categories"),
    (lambda made: made["surfaces"]["site"]["hate"].update(review=1.5), "site, hate: a threshold lies over 0"),
    (lambda made: made["surfaces"]["site"]["hate"].update(review=0), "site, hate: a threshold lies over 0"),
    (lambda made: made["surfaces"]["site"]["hate"].update(review=True), "site, hate: a threshold lies over 0"),
    (lambda made: made["surfaces"]["site"]["hate"].update(review=float("nan")), "site, hate: a threshold lies over 0"),
    (lambda made: made["surfaces"]["site"]["hate"].update(review="0.5"), "site, hate: a threshold lies over 0"),
    (lambda made: made["surfaces"]["site"]["hate"].update(review=0.9, block=0.5), "`review` lies above `block`"),
    (lambda made: made["surfaces"]["site"]["hate"].update(review=0.5, block=0.5), "overlap: both begin at 0.5"),
    (lambda made: made["surfaces"]["site"]["hate"].update(ban=0.5), "unknown outcome ban"),
    (lambda made: made["surfaces"]["site"].update(hate={}), "site, hate: no threshold"),
    (lambda made: made["surfaces"]["site"].update(hate=0.5), "site, hate: no threshold"),
    (lambda made: made["surfaces"].update(site=3), "site has no categories"),
    (lambda made: made.update(surfaces=[]), "`surfaces` lacks internal, site, app, ads"),
    (lambda made: made["clauses"].pop("hate"), "hate has no clause"),
    (lambda made: made.update(clauses=None), "`clauses` must name"),
    (lambda made: made["expects"]["text"].append("novel"), "wants novel of a text, and no surface has a rule"),
    (lambda made: made["expects"]["text"].append("hate"), "names hate of a text twice"),
    (lambda made: made["expects"].update(smell=["hate"]), "`expects` names `text` and `picture`"),
    (lambda made: made.update(expects={"text": "hate"}), "`expects` lists categories"),
    (lambda made: made.update(two_people="hate"), "`two_people` lists categories"),
    (lambda made: made.update(two_people=["hte"]), "`two_people` names hte, which has neither rule nor clause"),
    (lambda made: made.update(due_hours={"soon": 1}), "`due_hours` names block, review, pass, appeal"),
    (lambda made: made.update(due_hours={"block": 0}), "`due_hours`, block: hours lie over 0"),
    (lambda made: made.update(due_hours={"block": True}), "`due_hours`, block: hours lie over 0"),
    (lambda made: made.update(due_hours={"block": 1e9}), "`due_hours`, block: hours lie over 0"),
    (lambda made: made.update(due_hours={"block": float("nan")}), "`due_hours`, block: hours lie over 0"),
    (lambda made: made.update(thresholds={}), "unknown part `thresholds`"),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS, ids=[said for _spoil, said in FAULTS])
def test_each_fault_is_named(spoil: Callable[[dict[str, Any]], Any], said: str) -> None:
    made = rules()
    spoil(made)
    with pytest.raises(PolicyError) as refused:
        checked(made)
    assert said in str(refused.value)


def test_all_faults_are_named_at_once() -> None:
    made = rules()
    made["surfaces"]["site"]["hate"]["review"] = 2
    made["surfaces"]["ads"].pop("spam")
    with pytest.raises(PolicyError) as refused:
        checked(made)
    assert "site, hate" in str(refused.value)
    assert "ads has no rule for spam" in str(refused.value)


@pytest.mark.parametrize(("text", "said"), [
    ("surfaces:\n  site:\n    hate: {review: 1}\n    hate: {review: 0.9}\n", "line 4, column 5: 'hate' has two rules"),
    ("surfaces:\n  site: {hate: {review: 0.4}}\n  site: {hate: {review: 0.9}}\n", "the first is on line 2"),
    ("a: &a [1]\nb: *a\n", "anchors aren't used here"), ("a: [1", "line 1"), ("!!python/object:os.system {}", "line 1"),
    ("? [1]\n: 2", "a name is a word"), ("- 1\n", "it has `surfaces`"), ("", "it has `surfaces`"), ("\x00", "YAML"),
    ("a: 2026-99-99", "ValueError"), ("[" * 4000, "YAML"), ("x" * 100_001, "at most 100,000 characters"),
])  # fmt: skip
def test_text_that_is_no_policy(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        from_yaml(text)
    assert said in str(refused.value)


def test_what_differs_is_listed_by_place() -> None:
    made = rules()
    made["surfaces"]["site"]["hate"] = {"review": 0.3}
    made["expects"]["picture"].append("violence")
    made["expects"]["text"].remove("spam")
    assert differences(rules(), made) == [
        ("surfaces → site → hate → review", 0.4, 0.3), ("expects → picture → violence", None, "yes"),
        ("surfaces → site → hate → block", 0.85, None), ("expects → text → spam", "yes", None),
    ]  # fmt: skip
    assert differences(made, made) == []


class TestTwoPeople:
    @pytest.fixture
    def proposed(self, cast: Cast) -> Policy:
        policies.active_policy(cast.workspace.pk)
        return policies.new_version(cast.workspace.pk, rules(), note="As before", created_by_id=cast.ada.pk)

    def test_who_proposes_does_not_activate(self, proposed: Policy, cast: Cast) -> None:
        for person in (cast.ada.pk, None):
            with pytest.raises(EngineError, match="doesn't activate"):
                policies.activate(proposed, by_id=person)
        assert policies.active_policy(cast.workspace.pk).version == 1

    def test_a_second_person_does_and_is_remembered(self, proposed: Policy, cast: Cast) -> None:
        made = policies.activate(proposed, by_id=cast.mo.pk)
        assert (made.active, made.created_by, made.activated_by) == (True, cast.ada, cast.mo)
        assert made.activated is not None

    def test_what_nobody_proposed_is_not_activated(self, cast: Cast) -> None:
        policies.active_policy(cast.workspace.pk)
        stray = policies.new_version(cast.workspace.pk, rules())
        with pytest.raises(EngineError, match="doesn't activate"):
            policies.activate(stray, by_id=cast.mo.pk)

    def test_an_older_version_is_proposed_anew(self, cast: Cast) -> None:
        policies.active_policy(cast.workspace.pk)
        older, newer = (
            policies.new_version(cast.workspace.pk, rules(), created_by_id=cast.ada.pk) for _ in range(2)
        )
        policies.activate(newer, by_id=cast.mo.pk)
        with pytest.raises(EngineError, match="older than the active one"):
            policies.activate(older, by_id=cast.mo.pk)
        with pytest.raises(EngineError, match="counts already"):
            policies.activate(newer, by_id=cast.mo.pk)


def test_a_policy_says_where_two_people_must_agree_and_how_soon(cast: Cast) -> None:
    made = rules()
    made["two_people"], made["due_hours"] = ["violence"], {"review": 2, "appeal": 1.5}
    policy = policies.new_version(cast.workspace.pk, from_yaml(as_yaml(made)))
    assert (policy.rules["two_people"], policy.rules["due_hours"]) == (["violence"], {"review": 2, "appeal": 1.5})

    def case_of(category: str, kind: str, outcome: str) -> Review:
        return Review(kind=kind, outcome=outcome, policy=policy, reasons=[{"category": category, "why": "over"}])

    assert cases.needs_two(case_of("violence", "submission", "review")) == ["violence"]
    assert not cases.needs_two(case_of("sexual", "submission", "review"))
    assert cases.needs_two(case_of("minors", "report", "block")) == ["minors"]
    assert cases.time_for("review", policy) == timedelta(hours=2)
    assert cases.time_for("block", policy) == timedelta(hours=4)
    assert cases.time_for("appeal", policy) == timedelta(hours=1.5)
