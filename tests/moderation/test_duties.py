"""The duties of a panel that can be trusted, each with its proof.

Of 1, dry runs and versions are proved in tests/creator/test_remoderating.py and test_policies.py here and in
tests/views; 9 in tests/creator/test_audit.py; 10 and 11 in tests/creator/test_remoderating.py and
tests/media_processing/test_pdq.py; 12 in tests/views/test_reviewing.py and tests/browser/test_review.py; 13 in
test_transparency.py. How quick 4, 10 and 14 are is measured in tests/benchmarks/{queue,trust}.py.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creator import jobs
from creator.models import ApiKey, AuditEntry, Channel, Membership, Notice, Publication, Story, User
from creator.services import audit, feeds, proposals, publications, reports, reviews, variants, webhooks
from media_processing.engine import EngineError
from moderation import cases
from moderation.models import Decision, Proposal, Report, Review
from moderation.services import active_policy
from moderation.weighing import Outcome
from tests.conftest import Cast
from tests.factories import finished_story
from tests.moderation.conftest import at_once, make_story, opened
from tests.receiver import receiving

GROUNDS = {"reason": "policy", "clause": "violence", "note": "It shows a wound."}


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice, formats=("card:1x1",))


@pytest.fixture
def lead(cast: Cast) -> User:
    """A second moderator."""
    person = User.objects.create_user("lea", password="lea-has-a-long-password", is_staff=True)
    Membership.objects.create(workspace=cast.workspace, user=person, role="moderator")
    return person


@pytest.fixture
def live(story: Story, cast: Cast) -> Publication:
    """What Mo approved and Alice published."""
    decide(reviews.submit(story, by=cast.alice), by=cast.mo, verb="approve", note="Fine.")
    story.refresh_from_db()
    return publications.publish(story, publications.default_channel(cast.workspace), by=cast.alice)


def decide(review: Review, *, by: User, verb: str, **said: Any) -> Decision | None:
    review.refresh_from_db()
    return reviews.decide(review, by=by, verb=verb, version=review.version, **said)


def secret_of(live: Publication) -> str:
    """A key to the channel of what is live."""
    ApiKey.objects.create(
        channel=live.channel, name="Phone", prefix="sl_test", digest=sha256(b"sl_test").hexdigest(),
        scopes=["stories:read", "reports:write"],
    )  # fmt: skip
    return "sl_test"


# 1: thresholds of the surface -----------------------------------------------------------------------------------------


def rough(cast: Cast) -> Story:
    """A story that needs a look on the site and is blocked on apps."""
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    Story.objects.filter(pk=story.pk).update(title="What a load of bullshit.")
    story.refresh_from_db()
    for variant in story.variants.all():
        variant.made_from = variants.made_from(story, variant)
        variant.save()
    return story


def phones(cast: Cast) -> Channel:
    return Channel.objects.create(workspace=cast.workspace, slug="phones", name="Phones", surface="app")


def test_duty_1_a_submission_is_weighed_for_every_channel_that_it_may_go_to(cast: Cast) -> None:
    assert reviews.submit(rough(cast), by=cast.alice).outcome == "review"
    channel = phones(cast)
    story = rough(cast)
    review = reviews.submit(story, by=cast.alice)
    (reason,) = review.reasons
    assert (review.outcome, reason["category"], reason["surface"]) == ("block", "profanity", "app")
    grounds = {"reason": "public_interest", "clause": "profanity"}
    with pytest.raises(EngineError, match="note"):
        decide(review, by=cast.mo, verb="approve", **grounds)
    assert decide(review, by=cast.mo, verb="approve", note="It quotes the mayor.", **grounds)
    assert publications.publish(story, channel, by=cast.alice)


def test_duty_1_a_stricter_channel_that_came_later_wants_another_look(cast: Cast) -> None:
    story = rough(cast)
    grounds = {"reason": "public_interest", "clause": "profanity"}
    decide(reviews.submit(story, by=cast.alice), by=cast.mo, verb="approve", **grounds)
    channel = phones(cast)
    with pytest.raises(EngineError, match=r"stricter for Phones \(app\) than what was approved: Strong language"):
        publications.publish(story, channel, by=cast.alice)
    assert publications.publish(story, publications.default_channel(cast.workspace), by=cast.alice)
    again = reviews.submit(story, by=cast.alice)
    decide(again, by=cast.mo, verb="approve", note="It quotes the mayor.", **grounds)
    assert publications.publish(story, channel, by=cast.alice)


# 2: one open case for each revision -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_duty_2_a_hundred_reports_at_once_make_one_case(live: Publication) -> None:
    made = at_once(
        100, lambda n: reports._report(live, reporter=f"key:1:{n}", reason="hate", text="", by=None), threads=8
    )
    assert not [each for each in made if isinstance(each, EngineError)]
    assert Report.objects.count() == 100
    case = Review.objects.get(kind="report")
    assert case.reasons[0]["text"] == "Hateful: 100 reports"
    assert {report.review_id for report in made} == {case.pk}
    assert audit.verify().broken is None
    assert AuditEntry.objects.filter(action="report.receive").count() == 100
    assert AuditEntry.objects.filter(action="review.open", subject=f"review:{case.pk}").count() == 1


def test_duty_2_what_comes_up_joins_the_open_case(live: Publication, cast: Cast) -> None:
    first = reports.by_person(live, by=cast.bob, reason="spam")
    before = Review.objects.get(pk=first.review_id)
    again = reports.by_person(live, by=cast.bob, reason="spam")
    more = reports.by_person(live, by=cast.bob, reason="minors", text="A child is named.")
    assert (again, more.review_id) == (first, first.review_id)
    after = Review.objects.get(pk=first.review_id)
    assert after.priority > before.priority
    assert (after.outcome, {reason["category"] for reason in after.reasons}) == ("block", {"spam", "minors"})
    assert after.version == before.version + 1  # whoever has the page open didn't see that
    assert after.due < before.due  # type: ignore[operator]


def test_duty_2_more_of_the_same_stops_no_decision(live: Publication, cast: Cast) -> None:
    case = reports.by_person(live, by=cast.bob, reason="spam").review
    reports.by_person(live, by=cast.alice, reason="spam")
    assert decide(case, by=cast.mo, verb="keep", reason="within_policy", clause="spam") is not None


def test_duty_2_a_decided_item_opens_again_only_for_something_new(live: Publication, cast: Cast) -> None:
    case = reports.by_person(live, by=cast.bob, reason="spam").review
    decide(case, by=cast.mo, verb="keep", reason="within_policy", clause="spam")
    same = reports.by_person(live, by=cast.alice, reason="spam")
    assert (same.review_id, Review.objects.filter(state="open").count()) == (case.pk, 0)
    other = reports.by_person(live, by=cast.bob, reason="hate")
    assert (other.review.state, other.review_id == case.pk) == ("open", False)


def test_duty_2_what_a_sweep_held_back_goes_on_once_a_person_keeps_it(story: Story, cast: Cast) -> None:
    decide(reviews.submit(story, by=cast.alice), by=cast.mo, verb="approve")
    case, opened_anew = held(story)
    assert opened_anew
    channel = publications.default_channel(cast.workspace)
    with pytest.raises(EngineError):
        publications.publish(story, channel, by=cast.alice)
    decide(case, by=cast.mo, verb="keep", reason="false_alarm", clause="spam")
    story.refresh_from_db()
    assert story.state == Story.State.APPROVED
    assert publications.publish(story, channel, by=cast.alice)


def test_duty_2_what_a_sweep_held_back_is_removed_by_a_person(story: Story, cast: Cast) -> None:
    decide(reviews.submit(story, by=cast.alice), by=cast.mo, verb="approve")
    case, _opened = held(story)
    decide(case, by=cast.mo, verb="remove", reason="policy", clause="spam")
    story.refresh_from_db()
    assert story.state == Story.State.REJECTED


def test_duty_2_what_a_sweep_doubts_is_not_published_meanwhile(live: Publication, cast: Cast) -> None:
    publications.withdraw(live, by=None, reason="A banned picture.")
    doubted(live.story)
    with pytest.raises(EngineError, match="open"):
        publications.publish(live.story, live.channel, by=cast.alice)


def test_duty_2_a_report_stays_while_readers_see_what_it_is_about(live: Publication, cast: Cast) -> None:
    from creator.services import stories

    case = reports.by_person(live, by=cast.bob, reason="spam").review
    story = live.story
    story.refresh_from_db()
    stories.edit_story(story, by=cast.alice, title="Another headline")
    for variant in story.variants.all():
        variant.made_from = variants.made_from(story, variant)
        variant.save()
    again = reviews.submit(story, by=cast.alice)
    assert set(Review.objects.filter(state="open")) == {case, again}  # one for each revision
    decide(again, by=cast.mo, verb="approve")
    story.refresh_from_db()
    publications.publish(story, live.channel, by=cast.alice)
    case.refresh_from_db()
    assert case.state == Review.State.VOID  # nobody sees any more what it was about


def held(story: Story) -> tuple[Review, bool]:
    """What a sweep does with an approved story that weighs heavier now."""
    cases.void(story.pk)
    Story.objects.filter(pk=story.pk).update(state=Story.State.IN_REVIEW)
    return doubted(story)


def doubted(story: Story) -> tuple[Review, bool]:
    """The case that a sweep opens."""
    review = cases.standing(story.pk)
    assert review is not None
    spam = {"category": "spam", "score": 0.9, "threshold": 0.5, "outcome": "review", "where": "summary", "text": "",
            "clause": "spam", "why": "over"}  # fmt: skip
    return cases.join(
        workspace_id=story.workspace_id, story_id=story.pk, number=review.number, digests=review.digests,
        kind=Review.Kind.RECHECK, reasons=[spam], policy=active_policy(story.workspace_id),
    )  # fmt: skip


# 3: order, clock, nothing starves -------------------------------------------------------------------------------------

OUTCOMES = st.sampled_from(["pass", "review", "block"])


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 6), OUTCOMES, st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60)
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_duty_3_every_case_is_served_in_bounded_steps(arrivals: list[tuple[int, str, float, float]]) -> None:
    """One case is decided every 6 hours while others, as grave as may be, come in between: none is overtaken by a case
    that opened a day or more after it, so its wait is bounded by what was there, and what came within a day."""
    zero, clock, steps = datetime(2026, 11, 1, tzinfo=UTC), 0, 0
    waiting: list[tuple[float, int]] = []
    opened_at: dict[int, int] = {}
    served: dict[int, int] = {}
    order: list[int] = []
    queue = [
        (sum(each[0] for each in arrivals[: n + 1]), outcome, reach, score)
        for n, (_gap, outcome, reach, score) in enumerate(arrivals)
    ]
    while queue or waiting:
        while queue and queue[0][0] <= clock:
            hours, outcome, reach, score = queue.pop(0)
            number = len(opened_at)
            opened_at[number] = hours
            reasons = [{"score": score}] if outcome != "pass" else []
            weighed = Outcome(outcome, reasons)  # type: ignore[arg-type]
            waiting.append((cases.priority(weighed, reach, zero + timedelta(hours=hours)), number))
        if waiting:
            best = max(waiting)
            waiting.remove(best)
            served[best[1]] = steps
            order.append(best[1])
            steps += 1
        clock += 6
    for place, number in enumerate(order):
        overtaken_by = [other for other in order[:place] if opened_at[other] >= opened_at[number] + 24]
        assert not overtaken_by
        before = sum(1 for other in opened_at if opened_at[other] < opened_at[number] + 24)
        assert served[number] < before
    assert len(served) == len(arrivals)


def test_duty_3_the_terms_explain_the_order(cast: Cast) -> None:
    case = opened(make_story(cast), cast)
    now = timezone.now() + timedelta(days=3)
    said = cases.explain(case, now)
    assert said.severity * said.reach * said.confidence + said.days == pytest.approx(said.total, abs=1e-6)
    assert said.total == pytest.approx(case.priority + (now - Review.DAY_ZERO) / timedelta(days=1), abs=1e-3)
    assert case.due == pytest.approx(case.created + timedelta(hours=24), abs=timedelta(seconds=5))
    assert list(cases.overdue([case], now)) == [case]


def test_duty_3_what_somebody_passes_on_is_offered_to_others_and_comes_back(cast: Cast, lead: User) -> None:
    urgent, other = opened(make_story(cast), cast), opened(make_story(cast), cast)
    now = timezone.now()
    workspace = cast.workspace.pk
    assert cases.next_for(cast.mo, workspace, now) == urgent
    cases.claim(urgent, cast.mo)
    cases.skip(urgent, cast.mo)
    assert Review.objects.get(pk=urgent.pk).claimed_by is None
    assert cases.next_for(cast.mo, workspace, now) == other
    assert cases.next_for(lead, workspace, now) == urgent
    decide(other, by=lead, verb="approve", **GROUNDS)
    assert cases.next_for(cast.mo, workspace, now) == urgent


# 4: taken by one, decided once ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_duty_4_two_reviewers_at_once_never_decide_twice(cast: Cast, lead: User) -> None:
    """Through the service, with its log. The figure for 1,000 cases is in tests/benchmarks/queue.py."""
    rows = [opened(make_story(cast), cast) for _n in range(40)]

    def both(number: int) -> str:
        person, verb = ((cast.mo, "approve"), (lead, "reject"))[number % 2]
        case = Review.objects.get(pk=rows[number // 2].pk)
        decision = reviews.decide(case, by=person, verb=verb, version=1, **GROUNDS)
        return decision.verb if decision else ""

    results = at_once(80, both, threads=2)
    lost = [each for each in results if isinstance(each, cases.Conflict)]
    assert (len(lost), Decision.objects.count()) == (40, 40)
    assert Decision.objects.values("review").distinct().count() == 40
    assert AuditEntry.objects.filter(action__in=("review.approve", "review.reject")).count() == 40
    assert audit.verify().broken is None


def test_duty_4_a_lease_is_renewed_given_back_and_taken_over_by_a_lead(cast: Cast, lead: User) -> None:
    case = opened(make_story(cast), cast)
    reviews.claim(case, by=cast.mo)
    with pytest.raises(cases.Conflict):
        reviews.claim(case, by=lead)
    Review.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    case.refresh_from_db()
    assert reviews.renew(case, by=cast.mo)
    assert case.claimed_until > timezone.now() + timedelta(minutes=9)  # type: ignore[operator]
    assert reviews.claim(case, by=lead, steal=True).claimed_by == lead
    assert not reviews.renew(case, by=cast.mo)
    reviews.release(case, by=lead)
    case.refresh_from_db()
    assert case.claimed_by is None
    said = [(entry.action, audit.detail_of(entry)) for entry in AuditEntry.objects.filter(action__startswith="review.")]
    assert said == [("review.claim", {}), ("review.claim", {"from": cast.mo.pk}), ("review.release", {})]


# 5: grounds -----------------------------------------------------------------------------------------------------------


def test_duty_5_the_author_is_told_what_which_rule_and_what_to_do(story: Story, cast: Cast) -> None:
    review = reviews.submit(story, by=cast.alice)
    for lacking in ({"reason": "policy"}, {"clause": "violence"}, {}):
        with pytest.raises(EngineError, match="reason and a clause"):
            decide(review, by=cast.mo, verb="reject", **lacking)
        with pytest.raises(EngineError, match="reason and a clause"):
            decide(opened(make_story(cast), cast), by=cast.mo, verb="approve", **lacking)  # it was flagged
    decision = decide(review, by=cast.mo, verb="reject", **GROUNDS)
    assert decision is not None
    said = reviews.statement(decision)
    policy = active_policy(cast.workspace.pk)
    for part in (story.title, policy.rules["clauses"]["violence"], "version 1", "It shows a wound.", "object once"):
        assert part in said


def test_duty_5_the_statement_speaks_the_authors_language(story: Story, cast: Cast) -> None:
    User.objects.filter(pk=cast.alice.pk).update(language="de")
    decide(reviews.submit(story, by=cast.alice), by=cast.mo, verb="reject", **GROUNDS)
    (told,) = Notice.objects.filter(person=cast.alice, kind=Notice.Kind.DECIDED)
    said = told.about["quoted"]
    for part in ("wurde am", "nicht freigegeben", "Grund: Gegen die Richtlinie", "nicht von einer Maschine"):
        assert part in said


# 6: bound to the hash -------------------------------------------------------------------------------------------------


def test_duty_6_an_edit_voids_the_approval(story: Story, cast: Cast) -> None:
    from creator.services import stories

    review = reviews.submit(story, by=cast.alice)
    decide(review, by=cast.mo, verb="approve")
    story.refresh_from_db()
    stories.edit_story(story, by=cast.alice, title="Another headline")
    review.refresh_from_db()
    assert review.state == Review.State.VOID
    with pytest.raises(EngineError, match="void"):
        publications.publish(story, publications.default_channel(cast.workspace), by=cast.alice)


def test_duty_6_media_whose_bytes_changed_are_not_served(live: Publication, cast: Cast, client: Client) -> None:
    secret = secret_of(live)
    rendition = live.renditions.first()
    assert rendition is not None
    url, headers = f"/api/v1/renditions/{rendition.pk}", {"Authorization": f"Bearer {secret}"}
    before = client.get(url, headers=headers)
    assert (before.status_code, before.getvalue()) == (200, rendition.file.read_bytes())
    path = rendition.file
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    after = client.get(url, headers=headers)
    assert after.status_code == 410
    assert "not what was approved" in after.json()["detail"]


# 7: two people --------------------------------------------------------------------------------------------------------

SEXUAL = Outcome("review", [
    {"category": "sexual", "score": 0.6, "threshold": 0.4, "outcome": "review", "where": "summary", "text": "x",
     "clause": "sexual", "why": "over"},
])  # fmt: skip


def test_duty_7_it_takes_two_to_let_such_content_through(cast: Cast, lead: User) -> None:
    case = opened(make_story(cast), cast, outcome=SEXUAL)
    grounds = {"reason": "false_alarm", "clause": "sexual"}
    assert decide(case, by=cast.mo, verb="approve", **grounds) is None
    case.refresh_from_db()
    assert (case.state, case.first_by) == ("open", cast.mo)
    with pytest.raises(cases.NotYours):
        decide(case, by=cast.mo, verb="approve", **grounds)
    decision = decide(case, by=lead, verb="approve", **grounds)
    assert decision is not None
    assert (decision.person, case.state) == (lead, "approved")
    entry = AuditEntry.objects.get(action="review.approve")
    assert (entry.actor, audit.detail_of(entry)["first"]) == (lead, cast.mo.pk)


def test_duty_7_one_can_hold_it_back(cast: Cast, lead: User) -> None:
    case = opened(make_story(cast), cast, outcome=SEXUAL)
    decide(case, by=cast.mo, verb="approve", reason="false_alarm", clause="sexual")
    decision = decide(case, by=lead, verb="reject", reason="policy", clause="sexual")
    assert decision is not None and decision.verb == "reject"


def test_duty_7_many_at_once_take_two(cast: Cast, lead: User) -> None:
    rows = [opened(make_story(cast), cast) for _n in range(3)]
    own = opened(make_story(cast), cast)
    Review.objects.filter(pk=own.pk).update(submitted_by=lead)
    sexual = opened(make_story(cast), cast, outcome=SEXUAL)
    wanted = [review.pk for review in (*rows, own, sexual)]
    listed = proposals.preview(cast.workspace, wanted, verb="reject", by=cast.mo)
    assert {each.review.pk: bool(each.why_not) for each in listed} == {
        **dict.fromkeys((each.pk for each in (*rows, own)), False), sexual.pk: True,
    }  # fmt: skip
    proposal = proposals.propose_bulk(cast.workspace, listed, by=cast.mo, verb="reject", **GROUNDS)
    assert not Decision.objects.exists()
    with pytest.raises(cases.NotYours):
        proposals.carry_out(proposal, by=cast.mo)
    Review.objects.filter(pk=rows[0].pk).update(version=2)  # changed since it was listed
    result = proposals.carry_out(proposal, by=lead)
    assert sorted(result["done"]) == sorted(row.pk for row in rows[1:])
    assert {each["review"] for each in result["left"]} == {rows[0].pk, own.pk}
    with pytest.raises(cases.Conflict):
        proposals.carry_out(Proposal.objects.get(pk=proposal.pk), by=cast.ada)
    assert Decision.objects.count() == 2
    with pytest.raises(EngineError, match="too many"):
        proposals.preview(cast.workspace, range(1, 27), verb="approve", by=cast.mo)


# 8: appeals -----------------------------------------------------------------------------------------------------------


def test_duty_8_one_appeal_each_decided_by_another(story: Story, cast: Cast, lead: User) -> None:
    decide(reviews.submit(story, by=cast.alice), by=cast.mo, verb="reject", **GROUNDS)
    story.refresh_from_db()
    decision = reviews.last_against(story)
    assert decision is not None
    with pytest.raises(cases.NotYours):
        reviews.appeal(decision, by=cast.bob, text="I like it.")
    appeal = reviews.appeal(decision, by=cast.alice, text="The wound is paint.")
    assert cases.next_for(cast.mo, cast.workspace.pk, timezone.now()) is None
    assert cases.next_for(lead, cast.workspace.pk, timezone.now()) == appeal
    with pytest.raises(EngineError, match="already"):
        reviews.appeal(decision, by=cast.alice, text="Please!")
    said = {"reason": "false_alarm", "clause": "violence"}
    with pytest.raises(cases.NotYours):
        decide(appeal, by=cast.mo, verb="uphold", **said)
    decided = decide(appeal, by=lead, verb="overturn", **said)
    assert decided is not None
    story.refresh_from_db()
    assert (decided.verb, story.state) == ("overturn", Story.State.APPROVED)
    assert publications.publish(story, publications.default_channel(cast.workspace), by=cast.alice)
    assert [entry.action for entry in AuditEntry.objects.filter(subject=f"review:{appeal.pk}")] == [
        "review.open", "review.overturn",
    ]  # fmt: skip


def test_duty_8_what_is_upheld_stays_and_is_final(story: Story, cast: Cast, lead: User) -> None:
    first = decide(reviews.submit(story, by=cast.alice), by=cast.mo, verb="reject", **GROUNDS)
    assert first is not None
    appeal = reviews.appeal(first, by=cast.alice, text="The wound is paint.")
    upheld = decide(appeal, by=lead, verb="uphold", **GROUNDS)
    assert upheld is not None
    story.refresh_from_db()
    assert (story.state, reviews.last_against(story)) == (Story.State.REJECTED, None)
    with pytest.raises(EngineError):
        reviews.appeal(upheld, by=cast.alice, text="Again.")


# 14: takedown ---------------------------------------------------------------------------------------------------------


def test_duty_14_a_takedown_reaches_api_feeds_pages_and_webhooks_with_its_reason(
    live: Publication, cast: Cast, client: Client, settings: LazySettings
) -> None:
    Channel.objects.filter(pk=live.channel_id).update(public=True)
    live.channel.refresh_from_db()
    addresses = [urlsplit(feeds.address(live.channel, kind)).path for kind in ("json", "atom", "rss")]
    page = urlsplit(feeds.page(live)).path
    feeds_before = [client.get(each) for each in addresses]
    assert all(str(live.story_id) in answer.content.decode() for answer in feeds_before)
    assert client.get(page).status_code == 200
    secret = secret_of(live)
    url, headers = f"/api/v1/stories/{live.story_id}", {"Authorization": f"Bearer {secret}"}
    before = client.get(url, headers=headers)
    list_before = client.get("/api/v1/stories", headers=headers)
    case = reports.by_person(live, by=cast.bob, reason="violence", text="A wound.").review
    with receiving() as receiver:
        settings.WEBHOOK_ADDRESSES = [receiver.address]
        webhooks.add_endpoint(live.channel, receiver.url(), ["content.removed"], by=None)
        decide(case, by=cast.mo, verb="remove", **GROUNDS)
        jobs.work_off()
        ((_path, _headers, body),) = receiver.got
    told = json.loads(body)
    assert (told["type"], told["data"]["story"]) == ("content.removed", str(live.story_id))
    assert "No threats" in told["data"]["reason"]
    for path, answer in zip(addresses, feeds_before, strict=True):
        feed = client.get(path, headers={"If-None-Match": answer["ETag"]})
        assert (feed.status_code, str(live.story_id) in feed.content.decode()) == (200, False)
    assert client.get(page).status_code == 410
    after = client.get(url, headers={**headers, "If-None-Match": before["ETag"]})
    assert after.status_code == 410
    assert "No threats" in after.json()["detail"]
    list_after = client.get("/api/v1/stories", headers={**headers, "If-None-Match": list_before["ETag"]})
    assert (list_after.status_code, list_after.json()["items"]) == (200, [])
    live.refresh_from_db()
    assert live.withdrawn is not None
    live.story.refresh_from_db()
    assert live.story.state == Story.State.REJECTED
    with pytest.raises(EngineError):
        publications.publish(live.story, live.channel, by=cast.alice)
    assert reviews.last_against(live.story) is not None


# Reports from the apps ------------------------------------------------------------------------------------------------


def test_an_app_reports_what_it_shows(live: Publication, client: Client) -> None:
    headers = {"Authorization": f"Bearer {secret_of(live)}"}
    said = {"story": str(live.story_id), "reason": "privacy", "text": "That is my house.", "reader": "r-1"}
    first = client.post("/api/v1/reports", said, content_type="application/json", headers=headers)
    assert (first.status_code, first.json()["story"]) == (201, str(live.story_id))
    again = client.post("/api/v1/reports", said, content_type="application/json", headers=headers)
    assert again.json()["id"] == first.json()["id"]
    other = {**said, "reader": "r-2"}
    assert client.post("/api/v1/reports", other, content_type="application/json", headers=headers).status_code == 201
    case = Review.objects.get(kind="report")
    assert (case.reports.count(), case.reasons[0]["score"]) == (2, 0.75)
    for wrong, status in (
        ({**said, "reason": "whim"}, 422), ({**said, "story": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}, 404),
        ({**said, "more": 1}, 422),
    ):  # fmt: skip
        answer = client.post("/api/v1/reports", wrong, content_type="application/json", headers=headers)
        assert answer.status_code == status
