"""Webhooks: signed, in the transaction's outbox, tried for three days, and never a way into the network."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from creator import jobs
from creator.models import Channel, Delivery, Endpoint, Job, Message, Notice
from creator.services import publications, reviews, webhooks
from media_processing.engine import EngineError
from media_processing.fetching import FetchError, Rules, post
from tests.conftest import Cast
from tests.factories import finished_story
from tests.media_processing.test_fetching import FORMS
from tests.receiver import Receiver, receiving

EVERY = tuple(webhooks.TYPES)


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    with receiving() as made:
        settings.WEBHOOK_ADDRESSES = [made.address]
        yield made


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


class Clock:
    """A time that only tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timezone, "now", made)
    return made


def endpoint_of(channel: Channel, receiver: Receiver, path: str = "/planned") -> tuple[Endpoint, str]:
    return webhooks.add_endpoint(channel, receiver.url(path), EVERY, by=None)


def tell(channel: Channel, **data: object) -> Message:
    return webhooks.tell(channel, "content.published", data=data)


def let_time_pass(clock: Clock, until: datetime) -> None:
    """Work off the ledger, jumping from each due job to the next."""
    for _ in range(200):
        jobs.work_off()
        following = Job.objects.filter(state=Job.State.WAITING).order_by("due").values_list("due", flat=True).first()
        if following is None or following > until:
            break
        clock.now = max(following, clock.now)
    clock.now = until


class TestMessages:
    def test_a_message_verifies_by_the_library_of_its_receivers(self, channel: Channel, receiver: Receiver) -> None:
        _, secret = endpoint_of(channel, receiver)
        message = tell(channel, story="7", title="Ein Leuchtturm für Łódź")
        jobs.work_off()
        [(_, headers, body)] = receiver.got
        said = Webhook(secret).verify(body, headers)
        assert said["type"] == "content.published"
        assert said["data"] == {"story": "7", "title": "Ein Leuchtturm für Łódź"}
        assert datetime.fromisoformat(said["timestamp"]) == message.created
        assert headers["webhook-id"] == f"msg_{message.pk.hex}"
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body.replace(b"7", b"8"), headers)
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + base64.b64encode(bytes(32)).decode()).verify(body, headers)

    def test_publishing_correcting_and_withdrawing_are_told(
        self, cast: Cast, channel: Channel, receiver: Receiver
    ) -> None:
        endpoint_of(channel, receiver)
        story = finished_story(cast.workspace, cast.alice)
        review = reviews.submit(story, by=cast.alice)
        reviews.decide(review, by=cast.mo, verb="approve", version=review.version, note="Seen.")
        publication = publications.publish(story, channel, by=cast.alice)
        publications.publish(story, channel, by=cast.alice)
        publications.withdraw(publication, by=cast.alice, reason="Wrong harbour.")
        publications.withdraw(publication, by=cast.alice, reason="Wrong harbour.")
        publications.publish(story, channel, by=cast.alice)
        jobs.work_off()
        said = [json.loads(body) for _, _, body in receiver.got]
        kinds = ["content.published", "content.updated", "content.removed", "content.published"]
        assert [each["type"] for each in said] == kinds
        assert {each["data"]["story"] for each in said} == {str(story.pk)}
        assert said[0]["data"]["url"].endswith(f"/api/v1/stories/{story.pk}")
        assert said[2]["data"]["reason"] == "Wrong harbour."
        assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 4

    def test_what_is_rolled_back_is_not_told(self, channel: Channel, receiver: Receiver) -> None:
        endpoint_of(channel, receiver)
        with pytest.raises(RuntimeError), transaction.atomic():
            tell(channel)
            raise RuntimeError
        jobs.work_off()
        assert receiver.got == []
        assert not Message.objects.exists()

    def test_an_endpoint_gets_its_channel_and_its_events_only(
        self, cast: Cast, channel: Channel, receiver: Receiver
    ) -> None:
        webhooks.add_endpoint(channel, receiver.url(), ["content.removed"], by=None)
        endpoint_of(publications.default_channel(cast.other), receiver)
        tell(channel)
        jobs.work_off()
        assert receiver.got == []
        assert Message.objects.filter(workspace=cast.workspace).count() == 1  # kept, for who adds an endpoint later

    def test_while_a_secret_is_rotated_both_verify(self, channel: Channel, receiver: Receiver, clock: Clock) -> None:
        clock.now = datetime.now(UTC)
        endpoint, old = endpoint_of(channel, receiver)
        new = webhooks.rotate(endpoint, by=None)
        tell(channel)
        jobs.work_off()
        _, headers, body = receiver.got[0]
        assert len(headers["webhook-signature"].split()) == 2
        Webhook(old).verify(body, headers)
        Webhook(new).verify(body, headers)
        clock.now += webhooks.OVERLAP + timedelta(seconds=1)
        tell(channel)
        jobs.work_off()
        assert len(receiver.got[1][1]["webhook-signature"].split()) == 1

    def test_secrets_are_not_in_the_database(self, channel: Channel, receiver: Receiver) -> None:
        endpoint, secret = endpoint_of(channel, receiver)
        stored = endpoint.secrets.get().sealed
        assert secret not in stored
        assert secret.removeprefix("whsec_") not in stored

    def test_a_ping_goes_to_one_endpoint(self, channel: Channel, receiver: Receiver) -> None:
        endpoint, secret = endpoint_of(channel, receiver)
        endpoint_of(channel, receiver, "/inside")
        delivery = webhooks.ping(endpoint)
        jobs.work_off()
        assert [path for path, _, _ in receiver.got] == ["/planned"]
        assert Webhook(secret).verify(receiver.got[0][2], receiver.got[0][1])["type"] == "ping"
        delivery.refresh_from_db()
        assert (delivery.state, delivery.log[0]["status"]) == (Delivery.State.DELIVERED, 204)


class TestTries:
    def test_a_receiver_that_is_down_for_three_days_gets_it_in_the_end(
        self, channel: Channel, receiver: Receiver, clock: Clock
    ) -> None:
        began = clock.now
        receiver.answers = [(503, {})] * 9
        endpoint, _ = endpoint_of(channel, receiver)
        tell(channel, story="7")
        let_time_pass(clock, began + timedelta(days=5))
        assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
        assert len(receiver.got) == 10
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.tries) == (Delivery.State.DELIVERED, 10)
        times = [datetime.fromisoformat(line["at"]) for line in delivery.log]
        assert times[0] == began
        for (before, after), wait in zip(pairwise(times), webhooks.WAITS[1:], strict=True):
            assert wait <= (after - before).total_seconds() <= wait * (1 + webhooks.JITTER)
        assert timedelta(hours=75) < times[-1] - began < timedelta(hours=84)
        stamps = [int(headers["webhook-timestamp"]) for _, headers, _ in receiver.got]
        assert stamps == [int(each.timestamp()) for each in times], "each try is signed with its own time"
        endpoint.refresh_from_db()
        assert endpoint.disabled is None

    def test_after_the_last_try_the_endpoint_is_disabled_and_admins_are_told(
        self, cast: Cast, channel: Channel, receiver: Receiver, clock: Clock
    ) -> None:
        receiver.answers = [(500, {})] * 40
        endpoint, _ = endpoint_of(channel, receiver)
        tell(channel)
        clock.now += timedelta(seconds=1)
        tell(channel)
        let_time_pass(clock, clock.now + timedelta(days=6))
        endpoint.refresh_from_db()
        assert endpoint.disabled
        assert "10 tries" in endpoint.why
        assert {each.state for each in Delivery.objects.all()} == {Delivery.State.FAILED}
        assert Notice.objects.filter(person=cast.ada, kind=Notice.Kind.WEBHOOK_DISABLED).count() == 1
        tell(channel)
        assert Delivery.objects.count() == 2, "a disabled endpoint is told nothing"
        with pytest.raises(EngineError, match="disabled"):
            webhooks.replay(Delivery.objects.first())
        receiver.answers = []
        webhooks.enable(endpoint, by=cast.ada)
        assert webhooks.replay_failed(endpoint) == 2
        jobs.work_off()
        assert {each.state for each in Delivery.objects.all()} == {Delivery.State.DELIVERED}

    def test_410_disables_at_once(self, channel: Channel, receiver: Receiver) -> None:
        receiver.answers = [(410, {})]
        endpoint, _ = endpoint_of(channel, receiver)
        tell(channel)
        jobs.work_off()
        endpoint.refresh_from_db()
        assert endpoint.disabled
        assert not Job.objects.filter(state=Job.State.WAITING).exists()

    @pytest.mark.parametrize("status", sorted(webhooks.THROTTLED))
    def test_retry_after_holds_for_everything_that_goes_there(
        self, channel: Channel, receiver: Receiver, clock: Clock, status: int
    ) -> None:
        receiver.answers = [(status, {"Retry_After": "3600"})]
        endpoint_of(channel, receiver)
        tell(channel)
        jobs.work_off()
        tell(channel)
        let_time_pass(clock, clock.now + timedelta(seconds=3590))
        assert len(receiver.got) == 1
        let_time_pass(clock, clock.now + timedelta(seconds=500))
        assert len(receiver.got) == 3

    def test_one_that_answers_others_is_not_disabled_for_one_message(
        self, channel: Channel, receiver: Receiver, clock: Clock
    ) -> None:
        receiver.answers = [(500, {}), (204, {})] + [(500, {})] * 9
        endpoint, _ = endpoint_of(channel, receiver)
        tell(channel)
        jobs.work_off()
        clock.now += timedelta(seconds=1)
        tell(channel)
        let_time_pass(clock, clock.now + timedelta(days=6))
        endpoint.refresh_from_db()
        assert endpoint.disabled is None
        assert sorted(Delivery.objects.values_list("state", flat=True)) == ["delivered", "failed"]

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("120", 120), ("Sun, 01 Mar 2026 12:02:00 GMT", 120), ("Sun, 01 Mar 2020 12:02:00 GMT", 0), ("", 0),
         ("-5", 0), ("soon", 0), ("9" * 40, 86400), ("Fri, 31 Dec 9999 23:59:59 GMT", 86400)],
    )  # fmt: skip
    def test_what_a_receiver_asks_for(self, header: str, seconds: float) -> None:
        assert webhooks.pause_of(header, datetime(2026, 3, 1, 12, tzinfo=UTC)) == seconds

    def test_a_worker_that_was_lost_delivers_again_under_the_same_id(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        endpoint, _ = endpoint_of(channel, receiver)
        tell(channel)
        lost = Job.objects.get(kind=webhooks.DELIVER)
        jobs.claim(lost.pk)
        Endpoint.objects.update(busy_with=lost.pk, busy_until=timezone.now() + timedelta(seconds=90))
        jobs.take_back_expired(timezone.now() + timedelta(hours=1))
        jobs.work_off()
        assert len(receiver.got) == 1
        endpoint.refresh_from_db()
        assert (endpoint.busy_with, endpoint.busy_until) == (0, None)

    def test_who_finds_the_endpoint_busy_leaves_its_message_to_the_other(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        endpoint, _ = endpoint_of(channel, receiver)
        tell(channel)
        first = Job.objects.get(kind=webhooks.DELIVER)
        with jobs.working_on(first.pk) as work:
            assert work is not None
            assert webhooks._take(endpoint.pk, work)
            tell(channel)
            jobs.work_off()
            assert receiver.got == []
            webhooks.deliver(work)
        assert len(receiver.got) == 2


class TestHostileReceivers:
    def test_redirects_are_not_followed(self, channel: Channel, receiver: Receiver) -> None:
        endpoint_of(channel, receiver, "/moved")
        tell(channel)
        jobs.work_off(1)
        assert [path for path, _, _ in receiver.got] == ["/moved"]
        assert "redirects" in Delivery.objects.get().log[0]["error"]

    def test_an_answer_that_never_ends_is_not_read(self, channel: Channel, receiver: Receiver) -> None:
        endpoint_of(channel, receiver, "/endless")
        tell(channel)
        started = time.monotonic()
        jobs.work_off(1)
        assert time.monotonic() - started < 5
        assert Delivery.objects.get().state == Delivery.State.DELIVERED

    @pytest.mark.parametrize("path", ["/hang", "/headers"])
    def test_who_never_answers_leaves_no_stuck_worker(
        self, channel: Channel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setattr(webhooks, "TIMEOUT", 0.6)
        endpoint, _ = endpoint_of(channel, receiver, path)
        for _ in range(5):
            tell(channel)
        before, started = threading.active_count(), time.monotonic()
        jobs.work_off()
        assert time.monotonic() - started < 4
        assert len(receiver.got) == 1, "the others wait until it has rested"
        assert threading.active_count() <= before + 2
        endpoint.refresh_from_db()
        assert endpoint.not_before is not None
        assert endpoint.busy_with == 0

    @pytest.mark.parametrize("form", FORMS)
    def test_no_form_of_an_address_reaches_the_inside(self, receiver: Receiver, form: str) -> None:
        rules = Rules(ports=frozenset({receiver.port, 80, 443}))  # the port is open, loopback isn't
        with pytest.raises(FetchError):
            post(form.replace("{port}", str(receiver.port)), b"{}", headers={}, timeout=3, rules=rules)
        assert receiver.got == []

    def test_a_name_that_moves_inside_is_caught_when_it_connects(self, receiver: Receiver) -> None:
        rules = Rules(ports=frozenset({receiver.port}), resolver=lambda _host, _port: ["127.0.0.1"])
        with pytest.raises(FetchError) as caught:
            post(f"http://hooks.example:{receiver.port}/planned", b"{}", headers={}, rules=rules)
        assert caught.value.reason == "forbidden"
        assert receiver.got == []

    @pytest.mark.parametrize(
        "url",
        ["", "nonsense", "http://example.com/", "https://10.0.0.1:22/", "ftp://example.com/",
         "https://user:word@example.com/", "https://example.com:8443/", "https://exa mple.com/"],
    )  # fmt: skip
    def test_what_can_not_be_an_endpoint_is_refused(self, channel: Channel, url: str) -> None:
        with pytest.raises(EngineError) as caught:
            webhooks.add_endpoint(channel, url, EVERY, by=None)
        assert caught.value.next_step

    @pytest.mark.parametrize("types", [[], ["content.eaten"]])
    def test_unknown_events_are_refused(self, channel: Channel, types: list[str]) -> None:
        with pytest.raises(EngineError):
            webhooks.add_endpoint(channel, "https://example.com/", types, by=None)


def test_the_log_forgets_what_is_old(channel: Channel, receiver: Receiver, clock: Clock) -> None:
    endpoint_of(channel, receiver)
    tell(channel)
    jobs.work_off()
    assert webhooks.forget_old(clock.now) == 0
    assert webhooks.forget_old(clock.now + webhooks.KEPT + timedelta(days=1)) == 2
    assert not Message.objects.exists()
