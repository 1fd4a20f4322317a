"""The case page and what surrounds it: nothing hurts at first sight, nothing is decided without grounds or alone."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from creator.models import AuditEntry, Membership, Story, User
from creator.services import publications, reports, reviews
from moderation.models import BannedHash, Look, PictureBank, Proposal, Review
from tests.conftest import Cast
from tests.views.conftest import browser_of

FOR_IT = {"reason": "within_policy", "clause": "violence"}


@pytest.fixture
def review(story: Story, cast: Cast) -> Review:
    return reviews.submit(story, by=cast.alice)


@pytest.fixture
def second(cast: Cast) -> Client:
    """Another moderator's browser."""
    person = User.objects.create_user("lea", password="lea-has-a-long-password", is_staff=True)
    Membership.objects.create(workspace=cast.workspace, user=person, role="moderator")
    return browser_of(person)


def test_duty_5_nothing_flagged_is_decided_without_grounds(moderator: Client, review: Review) -> None:
    Review.objects.update(outcome="review", reasons=[
        {"category": "violence", "score": 0.6, "threshold": 0.5, "outcome": "review", "where": "summary", "text": "",
         "clause": "violence", "why": "over"},
    ])  # fmt: skip
    for verb in ("approve", "reject"):
        for lacking in ({"reason": "policy"}, {"clause": "violence"}, {}):
            said = {"verb": verb, "version": 1, "note": "My words", **lacking}
            answer = moderator.post(f"/admin/review/{review.pk}/", said)
            assert (answer.status_code, "My words" in answer.content.decode()) == (400, True)
    assert not review.decisions.exists()


def test_duty_12_the_first_paint_holds_no_sharp_byte(moderator: Client, review: Review, story: Story) -> None:
    page = moderator.get(f"/admin/review/{review.pk}/").content.decode()
    sources = set(re.findall(r'<(?:img|video|source)[^>]+src="([^"]+)"', page))
    assert sources
    pictures = {each for each in sources if "/media/" in each}
    assert pictures and all(each.endswith("/blurred/") for each in pictures)
    for each in pictures:
        assert max(Image.open(io.BytesIO(moderator.get(each).content)).size) <= 24
    asset = story.scenes.all()[0].asset
    assert asset is not None
    grey = Image.open(io.BytesIO(moderator.get(f"/media/assets/{asset.pk}/grey/").content)).convert("RGB")
    assert all(abs(low - high) < 8 for low, high in (grey.getpixel((5, 5))[:2], grey.getpixel((5, 5))[1:]))  # type: ignore[index]


def test_duty_12_what_was_seen_is_counted_and_shown(moderator: Client, review: Review, cast: Cast) -> None:
    said = moderator.post(f"/admin/review/{review.pk}/here/", {"shown": ["grey", "colour", "colour"]}).json()
    assert said["exposure"] == {"grey": 1, "colour": 2, "cases": 1}
    assert '<span class="num">2</span> in colour' in moderator.get("/admin/review/").content.decode()
    assert moderator.post(f"/admin/review/{review.pk}/here/", {"shown": "gore"}).status_code == 400


def test_duty_12_passing_on_counts_against_nobody(moderator: Client, review: Review, cast: Cast) -> None:
    reviews.claim(review, by=cast.mo)
    answer = moderator.post(f"/admin/review/{review.pk}/skip/")
    assert answer.status_code == 302
    review.refresh_from_db()
    assert (review.claimed_by, review.state) == (None, "open")
    assert not AuditEntry.objects.filter(action__contains="skip").exists()
    assert "passed on once" in moderator.get("/admin/review/").content.decode()


def test_who_is_looking_is_told_live_and_the_claim_renewed(
    moderator: Client, admin: Client, review: Review, cast: Cast
) -> None:
    moderator.post(f"/admin/review/{review.pk}/claim/")
    assert moderator.post(f"/admin/review/{review.pk}/here/").json()["mine"] is True
    said = admin.post(f"/admin/review/{review.pk}/here/").json()
    assert (said["others"], said["holder"], said["mine"]) == ([str(cast.mo)], str(cast.mo), False)
    Look.objects.update(seen=timezone.now() - timedelta(minutes=1))
    assert admin.post(f"/admin/review/{review.pk}/here/").json()["others"] == []


def test_only_a_lead_takes_a_case_over(moderator: Client, second: Client, admin: Client, review: Review) -> None:
    moderator.post(f"/admin/review/{review.pk}/claim/")
    second.post(f"/admin/review/{review.pk}/claim/", {"steal": "1"})
    review.refresh_from_db()
    assert review.claimed_by.username == "mo"  # type: ignore[union-attr]
    admin.post(f"/admin/review/{review.pk}/claim/", {"steal": "1"})
    review.refresh_from_db()
    assert review.claimed_by.username == "ada"  # type: ignore[union-attr]


def test_duty_7_the_first_of_two_gets_403(moderator: Client, second: Client, review: Review, story: Story) -> None:
    Review.objects.update(outcome="review", reasons=[
        {"category": "sexual", "score": 0.6, "threshold": 0.4, "outcome": "review", "where": "summary", "text": "",
         "clause": "sexual", "why": "over"},
    ])  # fmt: skip
    said = {"verb": "approve", "version": 1, "reason": "false_alarm", "clause": "sexual"}
    assert "It takes two" in moderator.get(f"/admin/review/{review.pk}/").content.decode()
    assert moderator.post(f"/admin/review/{review.pk}/", said).status_code == 302
    assert moderator.post(f"/admin/review/{review.pk}/", {**said, "version": 2}).status_code == 403
    page = second.get(f"/admin/review/{review.pk}/").content.decode()
    assert "would" in page
    assert second.post(f"/admin/review/{review.pk}/", {**said, "version": 2}).status_code == 302
    story.refresh_from_db()
    assert story.state == Story.State.APPROVED


def test_many_are_proposed_exactly_and_decided_by_another(
    moderator: Client, second: Client, review: Review, story: Story
) -> None:
    chosen = {"review": review.pk, "verb": "reject"}
    preview = moderator.post("/admin/review/bulk/", chosen).content.decode()
    assert story.title in preview
    assert not Proposal.objects.exists()
    assert moderator.post("/admin/review/bulk/", {**chosen, "propose": "1"}).status_code == 400
    grounds = {"reason": "quality", "clause": "accuracy", "note": "All of them are late."}
    address = moderator.post("/admin/review/bulk/", {**chosen, "propose": "1", **grounds})["Location"]
    assert story.title in second.get(address).content.decode()
    assert "Waiting for a second person" in second.get("/admin/review/").content.decode()
    assert moderator.post(address, {"act": "agree"}).status_code == 403
    assert second.post(address, {"act": "agree"}).status_code == 302
    review.refresh_from_db()
    assert review.state == "rejected"
    assert second.post(address, {"act": "agree"}).status_code == 409


def test_what_changed_since_the_last_approval_stands_side_by_side(
    moderator: Client, review: Review, story: Story, cast: Cast
) -> None:
    from creator.services import stories

    reviews.decide(review, by=cast.mo, verb="approve", version=1)
    story.refresh_from_db()
    stories.edit_story(story, by=cast.alice, title="A lighthouse for the port")
    from creator.services import variants

    for variant in story.variants.all():
        variant.made_from = variants.made_from(story, variant)
        variant.save()
    again = reviews.submit(story, by=cast.alice)
    page = moderator.get(f"/admin/review/{again.pk}/").content.decode()
    assert "1 change since submission 1" in page
    assert "<del>harbour</del>" in page
    assert "<ins>port</ins>" in page


def test_a_report_is_decided_on_the_same_page(moderator: Client, review: Review, story: Story, cast: Cast) -> None:
    reviews.decide(review, by=cast.mo, verb="approve", version=1)
    story.refresh_from_db()
    live = publications.publish(story, publications.default_channel(cast.workspace), by=cast.alice)
    case = reports.by_person(live, by=cast.bob, reason="privacy", text="My house is in it.").review
    page = moderator.get(f"/admin/review/{case.pk}/").content.decode()
    for said in ("My house is in it.", "Keep online", "Remove", "1 report"):
        assert said in page
    verdict = {"verb": "reject", "version": 1, "reason": "privacy", "clause": "personal-data"}
    assert moderator.post(f"/admin/review/{case.pk}/", verdict).status_code == 302
    live.refresh_from_db()
    assert live.withdrawn is not None


def test_the_figures_and_the_log(moderator: Client, admin: Client, review: Review, cast: Cast) -> None:
    reviews.decide(review, by=cast.mo, verb="reject", version=1, reason="quality", clause="accuracy", note="Blurred.")
    assert "Accuracy" in moderator.get("/admin/review/figures/").content.decode()
    assert moderator.get("/admin/review/figures.json").json()["verbs"] == {"reject": 1}
    assert "verbs,reject,1" in moderator.get("/admin/review/figures.csv").content.decode()
    assert moderator.get("/admin/review/log/").status_code == 404
    log = admin.get("/admin/review/log/").content.decode()
    assert "review.reject" in log
    only = admin.get("/admin/review/log/?action=review.reject").content.decode()
    assert "review.open" not in only.split("<tbody>")[1]


def test_duty_8_the_author_reads_why_and_objects(
    author: Client, colleague: Client, second: Client, review: Review, story: Story, cast: Cast
) -> None:
    address = f"/stories/{story.pk}/decision/"
    assert author.get(address).status_code == 404
    reviews.decide(review, by=cast.mo, verb="reject", version=1, reason="quality", clause="accuracy", note="Blurred.")
    page = author.get(address).content.decode()
    for said in ("What is said follows from the source.", "Blurred.", "You can object once"):
        assert said in page
    assert address in author.get(f"/stories/{story.pk}/").content.decode()
    assert "Its author can object" in colleague.get(address).content.decode()
    assert colleague.post(address, {"text": "I like it."}).status_code == 403
    assert author.post(address, {"text": " "}).status_code == 409
    assert author.post(address, {"text": "It is sharp."}).status_code == 302
    assert author.post(address, {"text": "It is sharp!"}).status_code == 409
    appeal = Review.objects.get(kind="appeal")
    page = second.get(f"/admin/review/{appeal.pk}/").content.decode()
    assert "It is sharp." in page
    assert "Blurred." in page


def test_a_colleague_reports_what_is_online(
    author: Client, colleague: Client, stranger: Client, review: Review, story: Story, cast: Cast
) -> None:
    address = f"/stories/{story.pk}/report/"
    assert colleague.get(address).status_code == 404
    reviews.decide(review, by=cast.mo, verb="approve", version=1)
    story.refresh_from_db()
    publications.publish(story, publications.default_channel(cast.workspace), by=cast.alice)
    assert stranger.get(address).status_code == 404
    assert address in author.get(f"/stories/{story.pk}/").content.decode()
    kept = colleague.post(address, {"reason": "whim", "text": "My words"})
    assert (kept.status_code, "My words" in kept.content.decode()) == (400, True)
    assert colleague.post(address, {"reason": "rights", "text": "It is my picture."}).status_code == 302
    assert Review.objects.get(kind="report").reports.get().text == "It is my picture."


def test_duty_7_a_ban_is_lifted_by_two(admin: Client, moderator: Client, cast: Cast) -> None:
    banned = BannedHash.objects.create(workspace=cast.workspace, pdq="f0" * 32, note="A wound.")
    chosen = {"action": "propose_to_lift", "_selected_action": [banned.pk]}
    assert admin.post("/admin/moderation/bannedhash/", chosen).status_code == 302
    assert BannedHash.objects.filter(pk=banned.pk).exists()
    address = f"/admin/review/proposals/{Proposal.objects.get().pk}/"
    admin.post("/admin/moderation/bannedhash/", chosen)
    assert Proposal.objects.count() == 1  # said once is enough
    assert admin.post(address, {"act": "agree"}).status_code == 403
    for page in (moderator.get("/admin/review/"), moderator.get(address)):
        assert "Let a banned picture appear again" in page.content.decode()
    assert moderator.post(address, {"act": "agree"}).status_code == 302
    assert not BannedHash.objects.exists()
    acts = AuditEntry.objects.filter(action__startswith="ban.lift").values_list("action", "actor")
    assert list(acts) == [("ban.lift.propose", cast.ada.pk), ("ban.lift.done", cast.mo.pk)]


def test_duty_7_a_bank_is_switched_off_by_two(admin: Client, moderator: Client, cast: Cast) -> None:
    BannedHash.objects.create(workspace=cast.workspace, pdq="f0" * 32, note="A wound.")
    bank = PictureBank.objects.get()
    admin.post("/admin/moderation/picturebank/", {"action": "propose_to_lift", "_selected_action": [bank.pk]})
    address = f"/admin/review/proposals/{Proposal.objects.get().pk}/"
    assert "Switch a bank of banned pictures off" in moderator.get(address).content.decode()
    assert moderator.post(address, {"act": "agree"}).status_code == 302
    bank.refresh_from_db()
    assert not bank.enabled


def test_duty_7_nobody_lifts_a_ban_alone_in_the_admin_panel(cast: Cast) -> None:
    banned = BannedHash.objects.create(workspace=cast.workspace, pdq="f0" * 32, note="A wound.")
    owner = User.objects.create_superuser("olga", password="olga-has-a-long-password")
    Membership.objects.create(workspace=cast.workspace, user=owner, role="admin")
    panel = browser_of(owner)
    for what, row in (("bannedhash", banned.pk), ("picturebank", banned.bank_id)):
        assert panel.post(f"/admin/moderation/{what}/{row}/delete/", {"post": "yes"}).status_code == 403
        page = panel.get(f"/admin/moderation/{what}/{row}/change/").content.decode()
        assert 'name="expires_0"' not in page
        assert 'name="enabled"' not in page
    assert BannedHash.objects.exists()
