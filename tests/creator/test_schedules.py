"""Plans: published when their time has come, gone when it is over, whatever was restarted in between."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from creator import jobs, tasks
from creator.models import Brand, Channel, Job, Message, Publication, Schedule, Story
from creator.services import keys, publications, reviews, schedules, variants
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.creator.test_webhooks import Clock
from tests.factories import finished_story, picture

HOUR = timedelta(hours=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timezone, "now", made)
    return made


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


@pytest.fixture
def story(cast: Cast) -> Story:
    return approved(cast)


def approved(cast: Cast) -> Story:
    made = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    review = reviews.submit(made, by=cast.alice)
    reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Seen.")
    made.refresh_from_db()
    return made


def pass_time(clock: Clock, span: timedelta) -> None:
    """What a worker does every few seconds, once after that time."""
    clock.now += span
    schedules.submit_due(clock.now)
    jobs.work_off()


class TestMoments:
    @pytest.mark.parametrize(
        ("written", "zone", "utc"),
        [("2026-07-01T14:30", "Europe/Berlin", "2026-07-01T12:30"),
         ("2026-01-01 09:00", "Asia/Kolkata", "2026-01-01T03:30"),
         ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"), ("2026-01-01T00:00", "UTC", "2026-01-01T00:00")],
    )  # fmt: skip
    def test_a_clock_somewhere(self, written: str, zone: str, utc: str) -> None:
        assert schedules.moment(written, zone) == datetime.fromisoformat(utc).replace(tzinfo=UTC)

    @pytest.mark.parametrize(
        ("written", "zone"),
        [("2026-03-29T02:30", "Europe/Berlin"), ("soon", "UTC"), ("2026-02-30T10:00", "UTC"), ("", "UTC"),
         ("0001-01-01T00:00", "Asia/Tokyo"), ("9999-12-31T23:59", "America/New_York"),
         ("2026-01-01T00:00", "Mars/Base"),
         ("2026-01-01T00:00", "../../etc/passwd"), ("2026-01-01T00:00", ""), ("2026-01-01T00:00", "a" * 300)],
    )  # fmt: skip
    def test_times_that_are_none(self, written: str, zone: str) -> None:
        with pytest.raises(EngineError) as caught:
            schedules.moment(written, zone)
        assert caught.value.next_step


def test_it_appears_and_disappears_on_time(story: Story, channel: Channel, cast: Cast, clock: Clock) -> None:
    key = keys.make(channel, name="phone")[1]

    def status() -> int:
        answer = Client().get(f"/api/v1/stories/{story.pk}", headers={"Authorization": f"Bearer {key}"})
        return int(answer.status_code)

    start = clock.now
    schedules.plan(story, channel, at=start + HOUR, expires=start + 3 * HOUR, by=cast.alice)
    pass_time(clock, HOUR / 2)
    assert status() == 404
    pass_time(clock, HOUR / 2)
    assert status() == 200
    assert Schedule.objects.get().state == Schedule.State.DONE
    clock.now = start + 3 * HOUR
    assert status() == 410, "at once, before anybody took it down"
    pass_time(clock, timedelta(seconds=5))
    assert list(Message.objects.order_by("created").values_list("type", flat=True)) == [
        "content.published", "content.removed"
    ]  # fmt: skip
    pass_time(clock, HOUR)
    assert Message.objects.count() == 2, "it is taken down once"


def test_a_restart_at_any_moment_loses_nothing(story: Story, channel: Channel, cast: Cast, clock: Clock) -> None:
    schedules.plan(story, channel, at=clock.now + HOUR, by=cast.alice)
    clock.now += 5 * HOUR  # nothing ran for hours
    assert schedules.submit_due(clock.now) == 1
    assert schedules.submit_due(clock.now) == 0, "two workers hand it over once"
    lost = Job.objects.get(kind=schedules.PUBLISH)
    jobs.claim(lost.pk)  # and that worker dies
    jobs.take_back_expired(clock.now + timedelta(days=1))
    jobs.work_off()
    assert Publication.objects.live().count() == 1
    assert Message.objects.count() == 1


def test_what_is_not_approved_then_fails_and_says_so(cast: Cast, channel: Channel, clock: Clock) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    schedules.plan(story, channel, at=clock.now + HOUR, by=cast.alice)
    pass_time(clock, HOUR)
    schedule = Schedule.objects.get()
    assert (schedule.state, "not reviewed" in schedule.error) == (Schedule.State.FAILED, True)
    job = Job.objects.get(kind=schedules.PUBLISH)
    assert (job.state, job.person) == (Job.State.FAILED, cast.alice)  # notices.tell_of_failures tells her
    review = reviews.submit(story, by=cast.alice)
    reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Seen.")
    assert jobs.retry(job)
    jobs.work_off()
    schedule.refresh_from_db()
    assert schedule.state == Schedule.State.DONE


def test_a_plan_is_replaced_and_left(story: Story, channel: Channel, cast: Cast, clock: Clock) -> None:
    schedules.plan(story, channel, at=clock.now + HOUR, by=cast.alice)
    second = schedules.plan(story, channel, at=clock.now + 2 * HOUR, by=cast.alice)
    assert Schedule.objects.filter(state=Schedule.State.WAITING).get() == second
    schedules.cancel(second, by=cast.alice)
    pass_time(clock, 5 * HOUR)
    assert not Publication.objects.exists()
    with pytest.raises(EngineError):
        schedules.cancel(second, by=cast.alice)


def test_under_embargo_it_appears_nowhere(story: Story, channel: Channel, cast: Cast, clock: Clock) -> None:
    schedules.put_under_embargo(story, clock.now + 2 * HOUR, by=cast.alice)
    with pytest.raises(EngineError, match="embargo"):
        publications.publish(story, channel, by=cast.alice)
    with pytest.raises(EngineError, match="embargo"):
        schedules.plan(story, channel, at=clock.now + HOUR, by=cast.alice)
    schedules.plan(story, channel, at=clock.now + 2 * HOUR, by=cast.alice)
    pass_time(clock, 2 * HOUR)
    assert Publication.objects.live().count() == 1


def test_times_that_make_no_sense_are_refused(story: Story, channel: Channel, cast: Cast, clock: Clock) -> None:
    now = clock.now
    for at, expires in ((now - HOUR, None), (now + timedelta(days=9999), None), (now + HOUR, now + HOUR / 2)):
        with pytest.raises(EngineError) as caught:
            schedules.plan(story, channel, at=at, expires=expires, by=cast.alice)
        assert caught.value.next_step
    with pytest.raises(EngineError, match="another workspace"):
        schedules.plan(story, publications.default_channel(cast.other), at=now + HOUR, by=cast.alice)


def test_a_correction_is_told_with_its_note(story: Story, channel: Channel, cast: Cast) -> None:
    publications.publish(story, channel, by=cast.alice, note="not shown: nothing was published before")
    publications.publish(story, channel, by=cast.alice, note="It is 40 m high, not 30.")
    publication = publications.publish(story, channel, by=cast.alice)
    assert [each["note"] for each in publication.document["corrections"]] == ["It is 40 m high, not 30."]
    told = Message.objects.filter(type="content.updated").order_by("created").first()
    assert told is not None
    assert told.data["corrections"][0]["note"] == "It is 40 m high, not 30."
    key = keys.make(channel, name="phone")[1]
    answer = Client().get(f"/api/v1/stories/{story.pk}", headers={"Authorization": f"Bearer {key}"})
    assert json.loads(answer.content)["corrections"][0]["note"] == "It is 40 m high, not 30."


def test_the_end_of_a_licence_withdraws_what_shows_the_picture(story: Story, channel: Channel, cast: Cast) -> None:
    publications.publish(story, channel, by=cast.alice)
    scene = story.scenes.all()[1]
    assert scene.asset is not None
    scene.asset.licence_ends = date(2026, 5, 31)
    scene.asset.save()
    assert schedules.withdraw_unlicensed(date(2026, 5, 31)) == 0, "the last day counts"
    assert schedules.withdraw_unlicensed(date(2026, 6, 1)) == 1
    publication = Publication.objects.get()
    assert publication.withdrawn
    assert "2026-05-31" in publication.reason
    assert schedules.withdraw_unlicensed(date(2026, 6, 2)) == 0


@pytest.mark.parametrize("written_down", [True, False])
def test_so_does_the_end_of_what_its_brand_shows(channel: Channel, cast: Cast, written_down: bool) -> None:
    logo = picture(cast.workspace, "magenta", "Our logo")
    Brand.objects.create(workspace=cast.workspace, name="River", outro=logo, is_default=True)
    story = approved(cast)
    publication = publications.publish(story, channel, by=cast.alice)
    assert publication.document["brand_files"] == [logo.digest]
    if not written_down:  # as of a version before this
        del publication.document["brand_files"]
        publication.save()
    assert variants.findings(story) == []
    logo.licence_ends = date(2026, 5, 31)
    logo.save()
    assert [each["severity"] for each in variants.findings(story)] == ["blocking"]
    assert schedules.withdraw_unlicensed(date(2026, 5, 31)) == 0
    assert schedules.withdraw_unlicensed(date(2026, 6, 1)) == 1
    assert "Our logo" in Publication.objects.get().reason


class TestPages:
    def browser(self, who: object) -> Client:
        made = Client()
        made.force_login(who, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
        return made

    def test_the_calendar_shows_days_of_ones_own_zone(self, story: Story, channel: Channel, cast: Cast) -> None:
        cast.alice.time_zone = "Asia/Tokyo"
        cast.alice.save()
        at = (timezone.now() + timedelta(days=40)).replace(day=10, hour=20, minute=0)  # the 11th, 5:00, in Tokyo
        schedule = schedules.plan(story, channel, at=at, by=cast.alice)
        page = self.browser(cast.alice).get(f"/calendar/?month={at:%Y-%m}").content.decode()
        assert story.title in page
        assert "05:00" in page
        year, week, _ = date(at.year, at.month, 11).isocalendar()
        assert story.title in self.browser(cast.alice).get(f"/calendar/?week={year}-W{week:02d}").content.decode()
        assert story.title not in self.browser(cast.charlie).get(f"/calendar/?month={at:%Y-%m}").content.decode()
        assert self.browser(cast.charlie).post(f"/calendar/{schedule.pk}/cancel/").status_code == 404
        self.browser(cast.bob).post(f"/calendar/{schedule.pk}/cancel/")
        schedule.refresh_from_db()
        assert schedule.state == Schedule.State.CANCELLED

    @pytest.mark.parametrize("query", ["month=2026-13", "week=2026-W60", "month=0000-01", "month=x", "week=9999-W52"])
    def test_days_outside_the_calendar(self, cast: Cast, query: str) -> None:
        assert self.browser(cast.alice).get(f"/calendar/?{query}").status_code == 200

    def test_the_studio_plans(self, story: Story, channel: Channel, cast: Cast) -> None:
        browser = self.browser(cast.alice)
        year = timezone.now().year + 1
        form = {"channel": channel.pk, "at": f"{year}-07-01T14:30", "zone": "Europe/Berlin", "note": ""}
        browser.post(f"/stories/{story.pk}/publish/", form)
        assert Schedule.objects.get().at == datetime(year, 7, 1, 12, 30, tzinfo=UTC)
        answer = browser.post(f"/stories/{story.pk}/publish/", {**form, "zone": "Nowhere/Land"}, follow=True)
        assert "There is no time zone" in answer.content.decode()


def test_a_worker_looks_for_what_is_due(story: Story, channel: Channel, cast: Cast) -> None:
    schedules.plan(story, channel, at=timezone.now() + HOUR, by=cast.alice)
    tasks.submit_periodic(timezone.now() + 2 * HOUR)
    assert Job.objects.filter(kind=schedules.PUBLISH).count() == 1


def test_the_licence_is_said_on_the_pictures_page(story: Story, cast: Cast) -> None:
    asset = story.scenes.all()[0].asset
    assert asset is not None
    browser = Client()
    browser.force_login(cast.alice, backend="django.contrib.auth.backends.ModelBackend")
    form = {"licence": "Licensed", "credit": "A. Person", "ends": "2030-05-31"}
    browser.post(f"/library/{asset.pk}/licence/", form)
    asset.refresh_from_db()
    assert (asset.licence, asset.credit, asset.licence_ends) == ("Licensed", "A. Person", date(2030, 5, 31))
    assert "31 May 2030" in browser.get(f"/library/{asset.pk}/").content.decode()
    for wrong in ({"ends": "soon"}, {"licence": " "}):
        browser.post(f"/library/{asset.pk}/licence/", {**form, **wrong})
        asset.refresh_from_db()
        assert asset.licence == "Licensed"
        assert asset.licence_ends == date(2030, 5, 31)
