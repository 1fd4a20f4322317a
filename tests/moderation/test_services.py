"""Policies, verdicts, cases and decisions hold together, also when many do the same at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from creator.models import Brief, Story
from media_processing.engine import EngineError, engines
from moderation import cases, services
from moderation.engines.base import Opinion, TextJudge
from moderation.models import Decision, Policy, Review, Verdict
from moderation.services import Conflict, Outcome, Piece
from tests.conftest import Cast
from tests.media_processing.test_pdq import recompressed, scene
from tests.moderation.conftest import BLOCK, PASS, at_once, make_story, opened

GROUNDS: dict[str, Any] = {"verb": "reject", "reason": "policy", "clause": "violence"}


class CountingJudge(TextJudge):
    """Counts how often it was asked; a text with "down" makes it fail."""

    title, categories, starter, leaves_the_machine = "Counting", ("violence",), False, False
    asked = 0

    @property
    def model(self) -> str:
        return "counting-1"

    def _judge(self, text: str, *, language: str) -> Opinion:
        type(self).asked += 1
        if "down" in text:
            raise EngineError("The judge can't be reached.")
        return Opinion(scores={"violence": 0.7}, evidence=[{"category": "violence", "severity": 0.7, "text": "bang"}])


@pytest.fixture
def counting(settings: Any) -> Iterator[type[CountingJudge]]:
    CountingJudge.asked = 0
    backend = f"{CountingJudge.__module__}.{CountingJudge.__qualname__}"
    settings.ENGINES = {**settings.ENGINES, "text_judge": {"counting": {"BACKEND": backend}}}
    yield CountingJudge
    engines.forget()


class TestPolicies:
    def test_a_workspace_starts_with_the_shipped_one(self, cast: Cast) -> None:
        policy = services.active_policy(cast.workspace.pk)
        assert (policy.version, policy.active) == (1, True)
        assert services.active_policy(cast.workspace.pk) == policy
        assert services.active_policy(cast.other.pk) != policy

    def test_a_new_version_counts_when_it_is_activated(self, cast: Cast) -> None:
        first = services.active_policy(cast.workspace.pk)
        second = services.new_version(
            cast.workspace.pk, services.shipped_rules(), note="The same", created_by_id=cast.ada.pk
        )
        assert (second.version, second.active) == (2, False)
        assert services.active_policy(cast.workspace.pk) == first
        assert services.activate(second, by_id=cast.mo.pk).active
        assert services.active_policy(cast.workspace.pk) == second
        assert Policy.objects.filter(workspace=cast.workspace, active=True).count() == 1

    def test_senseless_rules_are_refused(self, cast: Cast) -> None:
        with pytest.raises(services.PolicyError):
            services.new_version(cast.workspace.pk, {"surfaces": {}, "clauses": {}})
        assert not Policy.objects.filter(workspace=cast.workspace).exists()


@pytest.mark.django_db
class TestVerdicts:
    def test_a_verdict_is_reused(self, cast: Cast, counting: type[CountingJudge]) -> None:
        one = services.judge_text(cast.workspace.pk, "Bang.", language="en")
        assert services.judge_text(cast.workspace.pk, "Bang.", language="en") == one
        assert counting.asked == 1
        assert (one[0].engine, one[0].model, one[0].kind) == ("counting", "counting-1/en", "text")

    def test_another_text_language_or_workspace_is_judged_anew(self, cast: Cast, counting: type[CountingJudge]) -> None:
        services.judge_text(cast.workspace.pk, "Bang.", language="en")
        services.judge_text(cast.workspace.pk, "Bang!", language="en")
        services.judge_text(cast.workspace.pk, "Bang.", language="de")
        services.judge_text(cast.other.pk, "Bang.", language="en")
        assert counting.asked == Verdict.objects.count() == 4

    def test_a_judge_that_fails_is_a_missing_signal_and_is_asked_again(
        self, cast: Cast, counting: type[CountingJudge]
    ) -> None:
        (verdict,) = services.judge_text(cast.workspace.pk, "down", language="en")
        assert verdict.pk is None
        assert verdict.missing == ["violence"]
        services.judge_text(cast.workspace.pk, "down", language="en")
        assert counting.asked == 2
        policy = services.active_policy(cast.workspace.pk)
        assert services.weigh(policy, "site", [Piece("summary", "down", [verdict])]).outcome == "review"

    @pytest.mark.parametrize("hidden", ["\x00", "\ud800"])
    def test_characters_that_no_database_holds_hide_nothing(self, cast: Cast, hidden: str) -> None:
        verdict = services.judge_text(cast.workspace.pk, f"I will kill {hidden} y{hidden}ou.")[0]
        verdict.refresh_from_db()
        assert verdict.scores["violence"] > 0.9
        assert verdict.evidence[0]["text"] == "I will kill \ufffd y\ufffdou"

    def test_pictures_are_judged_against_the_workspace_s_own_bans(self, cast: Cast) -> None:
        def score(workspace_id: int, picture: Image.Image, digest: str = "a" * 64) -> float:
            return float(services.judge_picture(workspace_id, digest, picture)[0].scores["banned"])

        assert score(cast.workspace.pk, scene(1)) == 0
        services.ban(cast.workspace.pk, scene(1), note="A hoax", source="desk")
        copy = recompressed(scene(1)).convert("RGB")
        assert score(cast.workspace.pk, copy) == 1.0, "an older verdict must not hide a new ban"
        assert score(cast.workspace.pk, scene(2), "b" * 64) == 0
        assert score(cast.other.pk, scene(1)) == 0

    def test_an_expired_ban_is_over_until_it_is_renewed(self, cast: Cast) -> None:
        past = timezone.now() - timedelta(days=1)
        row = services.ban(cast.workspace.pk, scene(1), note="A hoax", expires=past)
        (verdict,) = services.judge_picture(cast.workspace.pk, "a" * 64, scene(1))
        assert verdict.scores == {"banned": 0.0}
        assert services.ban(cast.workspace.pk, scene(1), note="Again").pk == row.pk
        (verdict,) = services.judge_picture(cast.workspace.pk, "a" * 64, scene(1))
        assert verdict.scores == {"banned": 1.0}

    def test_a_plain_picture_cannot_be_banned(self, cast: Cast) -> None:
        with pytest.raises(EngineError, match="too plain"):
            services.ban(cast.workspace.pk, Image.new("RGB", (99, 99), "red"), note="")

    def test_frames_of_a_video_have_names_of_their_own(self) -> None:
        assert services.frame_digest("a" * 64, 1.0) != services.frame_digest("a" * 64, 1.001)
        assert len(services.frame_digest("a" * 64, 0)) == 64


@pytest.mark.django_db
class TestWeighing:
    @pytest.fixture
    def policy(self, cast: Cast) -> Policy:
        return services.active_policy(cast.workspace.pk)

    def piece(self, cast: Cast, text: str, language: str = "en") -> Piece:
        return Piece("summary", text, services.judge_text(cast.workspace.pk, text, language=language))

    def test_harmless_text_passes(self, cast: Cast, policy: Policy) -> None:
        assert services.weigh(policy, "site", [self.piece(cast, "The ferry runs again.")]) == Outcome("pass", [])

    def test_the_gravest_reason_counts_and_comes_first(self, cast: Cast, policy: Policy) -> None:
        pieces = [self.piece(cast, "What bullshit."), self.piece(cast, "I will kill you.")]
        outcome = services.weigh(policy, "site", pieces)
        assert outcome.outcome == "block"
        assert outcome.reasons[0] == {
            "category": "violence", "score": 0.92, "threshold": 0.9, "outcome": "block", "where": "summary",
            "text": "I will kill you", "clause": "violence", "why": "over",
        }  # fmt: skip
        assert [reason["category"] for reason in outcome.reasons] == ["violence", "profanity"]

    def test_surfaces_differ(self, cast: Cast, policy: Policy) -> None:
        piece = self.piece(cast, "What bullshit.")
        outcomes = {surface: services.weigh(policy, surface, [piece]).outcome for surface in policy.rules["surfaces"]}
        assert outcomes == {"internal": "pass", "site": "review", "app": "block", "ads": "block"}

    def test_an_unknown_surface_is_reviewed(self, policy: Policy) -> None:
        assert services.weigh(policy, "billboard", []).outcome == "review"

    def test_an_unknown_category_is_reviewed(self, policy: Policy) -> None:
        scores = {**dict.fromkeys(policy.rules["expects"]["text"], 0.0), "novel": 0.01}
        verdict = Verdict(kind="text", content="c", scores=scores)
        (reason,) = services.weigh(policy, "site", [Piece("x", "y", [verdict])]).reasons
        assert (reason["category"], reason["outcome"], reason["why"]) == ("novel", "review", "unknown")

    @pytest.mark.parametrize("score", [float("nan"), float("inf"), -1, 2, "high", None, True])
    def test_a_score_that_is_none_is_missing(self, policy: Policy, score: object) -> None:
        scores = {**dict.fromkeys(policy.rules["expects"]["text"], 0.0), "violence": score}
        verdict = Verdict(kind="text", content="c", scores=scores)
        (reason,) = services.weigh(policy, "site", [Piece("x", "y", [verdict])]).reasons
        assert (reason["category"], reason["why"], reason["outcome"]) == ("violence", "missing", "review")

    def test_what_nobody_judged_is_reviewed(self, policy: Policy) -> None:
        assert services.weigh(policy, "site", [Piece("scene 1: picture", "A ferry", [])]).outcome == "review"

    def test_an_expected_category_without_a_score_is_reviewed(self, policy: Policy) -> None:
        verdict = Verdict(kind="picture", content="c", scores={})
        (reason,) = services.weigh(policy, "site", [Piece("x", "y", [verdict])]).reasons
        assert (reason["category"], reason["why"]) == ("banned", "missing")

    def test_without_expectations_every_category_is_expected(self, policy: Policy) -> None:
        rules = {key: policy.rules[key] for key in ("surfaces", "clauses")}
        verdict = Verdict(kind="picture", content="c", scores={"banned": 0.0})
        assert services.weigh(Policy(rules=rules), "site", [Piece("x", "y", [verdict])]).outcome == "review"

    def test_a_language_without_a_bank_is_reviewed(self, cast: Cast, policy: Policy) -> None:
        assert services.weigh(policy, "site", [self.piece(cast, "Le bac repart.", "fr")]).outcome == "review"

    def test_no_text_at_all_misses_nothing(self, cast: Cast, policy: Policy) -> None:
        assert services.weigh(policy, "site", [self.piece(cast, "  ")]).outcome == "pass"


class TestCases:
    def test_one_case_a_submission(self, story: Story, cast: Cast) -> None:
        assert opened(story, cast) == opened(story, cast)
        assert Review.objects.count() == 1

    def test_a_newer_submission_voids_the_older_case(self, story: Story, cast: Cast) -> None:
        first, second = opened(story, cast), opened(story, cast, number=2)
        first.refresh_from_db()
        assert (first.state, first.version, second.state) == ("void", 2, "open")
        with pytest.raises(Conflict):
            services.decide(first, person=cast.mo, version=1, **GROUNDS)

    def test_an_older_submission_that_comes_late_is_refused(self, story: Story, cast: Cast) -> None:
        opened(story, cast, number=2)
        with pytest.raises(Conflict):
            opened(story, cast, number=1)

    def test_the_same_number_for_other_content_is_refused(self, story: Story, cast: Cast) -> None:
        opened(story, cast)
        with pytest.raises(Conflict):
            services.open_case(
                workspace_id=cast.workspace.pk, story_id=story.pk, number=1, digests=["other"], outcome=PASS,
                policy=services.active_policy(cast.workspace.pk), submitted_by_id=None,
            )  # fmt: skip

    def test_grave_cases_come_first_but_nothing_starves(self, cast: Cast) -> None:
        passed, blocked = opened(make_story(cast), cast, outcome=PASS), opened(make_story(cast), cast, outcome=BLOCK)
        assert list(Review.objects.waiting()) == [blocked, passed]
        assert blocked.urgency == pytest.approx(0.95, abs=0.01)
        two_days = timedelta(days=2)
        waited = cases.priority(PASS, 1.0, timezone.now() - two_days)
        Review.objects.filter(pk=passed.pk).update(priority=waited)
        assert list(Review.objects.waiting()) == [passed, blocked]

    def test_a_claimed_case_is_kept_for_ten_minutes(self, case: Review, cast: Cast) -> None:
        services.claim(case, cast.mo)
        with pytest.raises(Conflict):
            services.claim(case, cast.ada)
        with pytest.raises(Conflict):
            services.decide(case, person=cast.ada, version=1, **GROUNDS)
        assert services.claim(case, cast.mo).claimed_by == cast.mo
        Review.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
        assert services.claim(case, cast.ada).claimed_by == cast.ada
        assert services.release(case, cast.mo).claimed_by == cast.ada
        assert services.release(case, cast.ada).claimed_by is None

    def test_a_decision_says_who_what_and_why(self, case: Review, cast: Cast) -> None:
        decision = services.decide(case, person=cast.mo, version=1, note=" Too rough. ", **GROUNDS)
        case.refresh_from_db()
        assert (case.state, case.version, case.claimed_by) == ("rejected", 2, None)
        assert case.decided is not None
        assert (decision.verb, decision.reason, decision.clause, decision.note) == (
            "reject", "policy", "violence", "Too rough.",
        )  # fmt: skip
        assert (decision.person, decision.digests, decision.policy_version) == (cast.mo, ["digest 1"], 1)

    def test_the_second_decision_is_a_conflict(self, case: Review, cast: Cast) -> None:
        seen_by_ada = Review.objects.get(pk=case.pk)
        services.decide(case, person=cast.mo, version=1, verb="approve")
        with pytest.raises(Conflict, match="approved already"):
            services.decide(seen_by_ada, person=cast.ada, version=1, **GROUNDS)
        assert Decision.objects.count() == 1

    @pytest.mark.parametrize("version", [0, 2])
    def test_a_decision_on_another_version_is_a_conflict(self, case: Review, cast: Cast, version: int) -> None:
        with pytest.raises(Conflict):
            services.decide(case, person=cast.mo, version=version, verb="approve")
        assert not Decision.objects.exists()

    @pytest.mark.parametrize("grounds", [
        {"verb": "reject"}, {"verb": "reject", "reason": "policy"}, {"verb": "reject", "clause": "violence"},
        {"verb": "reject", "reason": "whim", "clause": "violence"},
        {"verb": "reject", "reason": "policy", "clause": "whim"},
        {"verb": "shred", "reason": "policy", "clause": "violence"},
    ])  # fmt: skip
    def test_grounds_are_required(self, case: Review, cast: Cast, grounds: dict[str, str]) -> None:
        with pytest.raises(EngineError):
            services.decide(case, person=cast.mo, version=1, **grounds)
        assert not Decision.objects.exists()

    def test_approving_what_the_policy_blocks_needs_a_note(self, story: Story, cast: Cast) -> None:
        case = opened(story, cast, outcome=BLOCK)
        with pytest.raises(EngineError, match="note"):
            services.decide(case, person=cast.mo, version=1, verb="approve", note=" ")
        assert services.decide(case, person=cast.mo, version=1, verb="approve", note="It quotes a court.")

    def test_nobody_decides_on_their_own_content(self, case: Review, cast: Cast) -> None:
        for person in (cast.bob, cast.alice):  # who submitted it, and who wrote it
            with pytest.raises(EngineError, match="own content"):
                services.decide(case, person=person, version=1, verb="approve", author_id=cast.alice.pk)
        assert not Decision.objects.exists()

    @pytest.mark.parametrize("decided", [False, True])
    def test_a_change_voids_the_case_and_the_approval(self, case: Review, cast: Cast, decided: bool) -> None:
        if decided:
            services.decide(case, person=cast.mo, version=1, verb="approve")
        assert services.void(case.story_id) == 1
        case.refresh_from_db()
        assert case.state == "void"
        with pytest.raises(Conflict):
            services.decide(case, person=cast.ada, version=case.version, verb="approve")

    def test_a_rejection_stays_when_the_story_changes(self, case: Review, cast: Cast) -> None:
        services.decide(case, person=cast.mo, version=1, **GROUNDS)
        assert services.void(case.story_id) == 0


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_two_reviewers_never_decide_twice(self, cast: Cast) -> None:
        briefs = Brief.objects.bulk_create(Brief(workspace=cast.workspace, article="x") for _n in range(200))
        stories = Story.objects.bulk_create(Story(workspace=cast.workspace, brief=brief) for brief in briefs)
        cases = [opened(story, cast) for story in stories]
        reviewers = (cast.mo, cast.ada)
        together = Barrier(2, timeout=60)

        def review(number: int) -> tuple[int, int]:
            won = lost = 0
            for case in cases:
                together.wait()
                try:
                    services.decide(
                        Review.objects.get(pk=case.pk), person=reviewers[number], version=1,
                        **(GROUNDS if number else {"verb": "approve"}),
                    )  # fmt: skip
                    won += 1
                except Conflict:
                    lost += 1
            return won, lost

        (mo_won, mo_lost), (ada_won, ada_lost) = at_once(2, review)
        print(f"Mo decided {mo_won}, Ada {ada_won} of 200")
        assert mo_won + ada_won == mo_lost + ada_lost == 200
        assert Decision.objects.count() == Decision.objects.values("review").distinct().count() == 200
        assert all(case.version == 2 for case in Review.objects.all())
        for decision in Decision.objects.select_related("review"):
            assert decision.review.state == {"approve": "approved", "reject": "rejected"}[decision.verb]

    def test_a_case_is_claimed_once(self, cast: Cast) -> None:
        case = opened(make_story(cast), cast)
        people = [cast.mo, cast.ada] * 5
        results = at_once(10, lambda n: services.claim(Review.objects.get(pk=case.pk), people[n]).claimed_by_id)
        holders = {result for result in results if not isinstance(result, EngineError)}
        assert len(holders) == 1

    def test_twenty_submissions_at_once_open_one_case(self, cast: Cast) -> None:
        story = make_story(cast)
        services.active_policy(cast.workspace.pk)
        results = at_once(20, lambda _n: opened(story, cast).pk)
        assert len(set(results)) == 1
        assert Review.objects.count() == 1

    def test_rival_submissions_leave_one_open_case(self, cast: Cast) -> None:
        story = make_story(cast)
        services.active_policy(cast.workspace.pk)
        at_once(12, lambda n: opened(story, cast, number=n + 1))
        assert Review.objects.filter(state="open").count() == 1
        assert Review.objects.filter(state="open").get().number == 12

    def test_the_first_policy_is_made_once(self, cast: Cast) -> None:
        versions = at_once(8, lambda _n: services.active_policy(cast.workspace.pk).pk)
        assert len(set(versions)) == Policy.objects.count() == 1

    def test_new_versions_get_numbers_of_their_own(self, cast: Cast) -> None:
        made = at_once(8, lambda _n: services.new_version(cast.workspace.pk, services.shipped_rules()).version)
        assert sorted(made) == list(range(1, 9))

    def test_a_text_that_many_judge_has_one_verdict(self, cast: Cast, counting: type[CountingJudge]) -> None:
        made = at_once(8, lambda _n: services.judge_text(cast.workspace.pk, "Bang.")[0].pk)
        assert len(set(made)) == Verdict.objects.count() == 1
