"""Who is told what, once; and the e-mails: what they say, and that none is sent twice."""

from __future__ import annotations

import re
import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone, translation

from creator import jobs
from creator.models import Event, Job, Membership, Notice, Story, User
from creator.services import mails, notices, publications, reviews, variants
from tests.conftest import Cast
from tests.factories import finished_story

MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def story(cast: Cast) -> Story:
    for person in (cast.alice, cast.bob, cast.mo, cast.ada):
        person.email = f"{person.username}@example.org"
        person.save()
    return finished_story(cast.workspace, cast.alice, formats=("card:1x1",))


def told(person: User) -> list[str]:
    return [notice.kind for notice in Notice.objects.filter(person=person).order_by("id")]


def test_the_way_of_a_story_tells_those_whom_it_concerns(cast: Cast, story: Story) -> None:
    for variant in story.variants.all():
        variant.made_from = variants.made_from(story, variant)
        variant.save()
    review = reviews.submit(story, by=cast.alice)
    assert (told(cast.mo), told(cast.ada)) == (["review_asked"], ["review_asked"])
    assert told(cast.alice) == told(cast.bob) == told(cast.charlie) == []
    reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Good.")
    publications.publish(story, publications.default_channel(cast.workspace), by=cast.bob)
    assert told(cast.alice) == ["decided", "published"]
    assert told(cast.bob) == []


def test_nobody_is_told_of_what_they_did(cast: Cast, story: Story) -> None:
    assert not notices.assigned(cast.alice, story=story, by=cast.alice, once="1")
    assert notices.assigned(cast.bob, story=story, by=cast.alice, once="1")


def test_the_same_is_told_once(cast: Cast, story: Story) -> None:
    for _ in range(3):
        notices.mentioned([cast.bob, cast.bob], story=story, by=cast.alice, words="@bob look", once="7")
    assert told(cast.bob) == ["mention"]
    assert Job.objects.filter(kind="send_mail").count() == 1


def test_nobody_outside_the_workspace_is_told(cast: Cast, story: Story) -> None:
    assert not notices.mentioned([cast.charlie], story=story, by=cast.alice, words="@charlie", once="8")
    assert not Notice.objects.filter(person=cast.charlie).exists()


def test_only_admins_hear_of_a_webhook(cast: Cast, story: Story) -> None:
    notices.webhook_disabled(cast.workspace.pk, name="Phone", reason="503", link="/settings/", once="3")
    assert told(cast.ada) == ["webhook_disabled"]
    assert told(cast.alice) == told(cast.mo) == []


def test_a_person_chooses_how_they_are_told(cast: Cast, story: Story) -> None:
    notices.choose(cast.bob, {"mention": (False, "never"), "assignment": (False, "now")})
    notices.mentioned([cast.bob], story=story, by=cast.alice, words="@bob", once="9")
    assert told(cast.bob) == []
    notices.assigned(cast.bob, story=story, by=cast.alice, once="9")
    notice = Notice.objects.get(person=cast.bob)
    assert (notice.in_app, notice.mail) == (False, "waiting")
    assert notices.unread(cast.bob.pk, cast.workspace.pk) == 0


def test_without_an_address_everything_stays_under_the_bell(cast: Cast, story: Story) -> None:
    User.objects.filter(pk=cast.bob.pk).update(email="")
    notices.mentioned([cast.bob], story=story, by=cast.alice, words="@bob", once="10")
    assert Notice.objects.get(person=cast.bob).mail == "none"
    assert not Job.objects.filter(kind="send_mail").exists()


def test_failed_jobs_are_read_from_the_ledger(cast: Cast, story: Story) -> None:
    job = jobs.submit("make_story", workspace=cast.workspace, person=cast.bob, story=story)
    nobodys = jobs.submit("tidy", workspace=cast.workspace)
    now = timezone.now()
    for each in (job, nobodys):
        Job.objects.filter(pk=each.pk).update(
            state=Job.State.FAILED, finished=now, error="The voice was away.", token=1
        )
    assert notices.tell_of_failures(now) == 1
    assert notices.tell_of_failures(now) == 0
    notice = Notice.objects.get(person=cast.bob)
    assert mails.line(notice) == f"Failed: Make the story (“{story.title}”)"
    Job.objects.filter(pk=job.pk).update(token=2)  # tried again, and failed again
    assert notices.tell_of_failures(now) == 1
    assert notices.tell_of_failures(now + timedelta(hours=2)) == 0


def test_reading_counts_down(cast: Cast, story: Story) -> None:
    for number in range(3):
        notices.mentioned([cast.bob], story=story, by=cast.alice, words="@bob", once=str(number))
    first = Notice.objects.filter(person=cast.bob).earliest("id")
    place = cast.bob.pk, cast.workspace.pk
    assert notices.unread(*place) == 3
    assert notices.mark_read(*place, first.pk) == 1
    assert notices.mark_read(*place) == 2
    assert notices.unread(*place) == 0


def test_a_removed_member_is_told_nothing_more(cast: Cast, story: Story) -> None:
    Membership.objects.filter(user=cast.bob).delete()
    assert not notices.assigned(cast.bob, story=story, by=cast.alice, once="11")


# E-mails -------------------------------------------------------------------------------------------------------------
def mention(cast: Cast, story: Story, once: str = "m", words: str = "@bob is it <b>300</b>?") -> Notice:
    return notices.mentioned([cast.bob], story=story, by=cast.alice, words=words, once=once)[0]


def test_an_email_is_sent_by_a_job_in_text_and_html(cast: Cast, story: Story) -> None:
    notice = mention(cast, story)
    assert not mail.outbox
    jobs.work_off()
    (sent,) = mail.outbox
    assert sent.to == ["bob@example.org"]
    assert sent.subject == f"alice mentions you on “{story.title}”"
    assert "@bob is it <b>300</b>?" in str(sent.body)
    html = str(sent.alternatives[0][0])  # type: ignore[attr-defined]
    assert "@bob is it &lt;b&gt;300&lt;/b&gt;?" in html
    address = f"http://127.0.0.1:8000/stories/{story.pk}/"
    assert address in str(sent.body)
    assert address in html
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    notice.refresh_from_db()
    assert notice.mail == "sent"


def test_an_email_wears_the_tokens_of_the_pages_in_light_and_dark(cast: Cast, story: Story) -> None:
    html = mails.letter(mention(cast, story)).html
    light, dark = html.split("prefers-color-scheme: dark")
    assert {"#faf8f4", "#0b6b66"} <= set(re.findall(r"#[0-9a-f]{6}", light))
    assert {"#141311", "#5ccfc4"} <= set(re.findall(r"#[0-9a-f]{6}", dark))
    assert len(mails.colours()["light"]) == len(mails.colours()["dark"]) >= 20


def test_a_subject_is_one_short_line_whatever_a_title_holds(cast: Cast, story: Story) -> None:
    story.title = "One\r\nBcc: victim@example.org\u2028two " + "long " * 60
    subject = mails.letter(mention(cast, story)).subject
    assert "\n" not in subject
    assert "\r" not in subject
    assert "\u2028" not in subject
    assert len(subject) <= mails.SUBJECT_HOLDS
    jobs.work_off()
    assert len(mail.outbox) == 1


def test_an_email_speaks_its_readers_language(cast: Cast, story: Story) -> None:
    User.objects.filter(pk=cast.bob.pk).update(language="de")
    mention(cast, story)
    jobs.work_off()
    assert '<html lang="de" dir="ltr">' in str(mail.outbox[0].alternatives[0][0])  # type: ignore[attr-defined]
    assert translation.get_language() == "en"


def test_a_job_that_is_done_again_sends_nothing_more(cast: Cast, story: Story) -> None:
    notice = mention(cast, story)
    jobs.work_off()
    notices.submit_mail(notice)
    jobs.work_off()
    assert len(mail.outbox) == 1


def test_what_a_lost_worker_had_on_its_way_is_not_sent_again(cast: Cast, story: Story) -> None:
    notice = mention(cast, story)
    Notice.objects.filter(pk=notice.pk).update(mail="sending")
    jobs.work_off()
    assert not mail.outbox


class Server(EmailBackend):
    """A mail server with a mood."""

    mood: Exception | None = None
    closed: Exception | None = None

    def open(self) -> None:  # type: ignore[override]
        if Server.closed:
            raise Server.closed

    def send_messages(self, messages: Any) -> int:
        if Server.mood:
            raise Server.mood
        return super().send_messages(messages)


@pytest.fixture
def server(settings: Any) -> type[Server]:
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    Server.mood = Server.closed = None
    return Server


def later(minutes: int) -> None:
    """Let the time come at which waiting jobs are due."""
    assert Job.objects.filter(state=Job.State.WAITING, due__gt=timezone.now()).update(due=timezone.now())
    assert minutes


def test_a_server_that_is_away_is_tried_again_later(cast: Cast, story: Story, server: type[Server]) -> None:
    notice = mention(cast, story)
    server.closed = ConnectionRefusedError("refused")
    jobs.work_off()
    waiting = Job.objects.get(kind="send_mail", state=Job.State.WAITING)
    assert timedelta(seconds=50) < waiting.due - timezone.now() <= timedelta(minutes=1)
    server.closed = None
    later(1)
    jobs.work_off()
    assert len(mail.outbox) == 1
    notice.refresh_from_db()
    assert (notice.mail, notice.mail_error) == ("sent", "")


def test_after_five_more_tries_it_is_given_up_and_said(cast: Cast, story: Story, server: type[Server]) -> None:
    notice = mention(cast, story)
    server.closed = smtplib.SMTPConnectError(421, "busy")
    jobs.work_off()
    for after in mails.TRY_AGAIN_AFTER:
        later(int(after.total_seconds() // 60))
        jobs.work_off()
    notice.refresh_from_db()
    assert notice.mail == "failed"
    assert "can't be reached" in notice.mail_error
    assert Job.objects.filter(kind="send_mail", state=Job.State.FAILED).count() == 1


@pytest.mark.parametrize(
    ("mood", "state"),
    [
        (smtplib.SMTPDataError(451, b"later"), "waiting"),
        (smtplib.SMTPRecipientsRefused({"bob@example.org": (450, b"busy")}), "waiting"),
        (smtplib.SMTPRecipientsRefused({"bob@example.org": (550, b"nobody here")}), "failed"),
        (smtplib.SMTPSenderRefused(553, b"no", "us"), "failed"),
        (smtplib.SMTPServerDisconnected("gone"), "sending"),
        (TimeoutError("slow"), "sending"),
    ],
)
def test_what_the_server_says_decides(
    cast: Cast, story: Story, server: type[Server], mood: Exception, state: str
) -> None:
    notice = mention(cast, story)
    server.mood = mood
    jobs.work_off()
    notice.refresh_from_db()
    assert notice.mail == state
    server.mood = None
    Job.objects.filter(state=Job.State.WAITING).update(due=timezone.now())
    jobs.work_off()
    assert len(mail.outbox) == (1 if state == "waiting" else 0)


# The digest ----------------------------------------------------------------------------------------------------------
def test_the_digest_comes_once_a_day_at_the_persons_hour(cast: Cast, story: Story) -> None:
    notices.choose(cast.bob, {"mention": (True, "digest")})
    cast.bob.time_zone, cast.bob.digest_hour = "America/New_York", 8
    cast.bob.save()
    mention(cast, story, "a")
    mention(cast, story, "b")
    early, late = datetime(2026, 11, 24, 12, 59, tzinfo=UTC), datetime(2026, 11, 24, 13, 1, tzinfo=UTC)
    assert notices.submit_digests(early) == 0
    assert notices.submit_digests(late) == 1
    assert notices.submit_digests(late) == 0
    mention(cast, story, "c")
    assert notices.submit_digests(late + timedelta(hours=3)) == 0
    jobs.work_off()
    (sent,) = mail.outbox
    assert sent.subject == "River desk: 2 things happened"
    assert str(sent.body).count("mentions you") == 2
    assert notices.submit_digests(late + timedelta(days=1)) == 1


def test_what_was_read_is_not_in_the_digest(cast: Cast, story: Story) -> None:
    notices.choose(cast.bob, {"mention": (True, "digest")})
    mention(cast, story, "a")
    notices.mark_read(cast.bob.pk, cast.workspace.pk)
    assert notices.submit_digests(MORNING) == 0
    mention(cast, story, "b")
    assert notices.submit_digests(MORNING) == 1


def test_events_of_a_notice_name_nothing_but_the_person(cast: Cast, story: Story) -> None:
    mention(cast, story)
    event = Event.objects.get(kind=notices.TOLD)
    assert (event.person_id, event.data, event.story_id) == (cast.bob.pk, {}, None)
