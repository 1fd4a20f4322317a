"""Verbs of webhooks: tell a channel's endpoints what happened, deliver until it arrives, and show how it went.

Messages follow the Standard Webhooks specification (standardwebhooks.com): its headers, its signatures, its schedule.
A message is a row of the outbox, written in the transaction in which the thing happened. Each is delivered at least
once: a receiver recognizes a second copy by its `webhook-id`.
"""

from __future__ import annotations

import base64
import json
import random
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook

from creator import jobs
from creator.jobs import Work
from creator.models import Channel, Delivery, Endpoint, EndpointSecret, Job, Message, Story, User
from creator.services import audit, notices
from creator.services.sealing import seal, unseal
from media_processing.engine import EngineError
from media_processing.fetching import PORTS, FetchError, Rules, check_url, post

TYPES = {
    "content.published": "A story is published",
    "content.updated": "A published story is corrected or published again",
    "content.removed": "A story is withdrawn, taken down or has expired",
}
PING = "ping"
DELIVER = "deliver_webhooks"
"""The job that delivers what is due to one endpoint."""

WAITS = (0, 5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
"""Seconds before each try: 75 hours and a half together."""
JITTER = 0.1
"""Share by which a wait may be longer, so that what failed together isn't tried together."""
THROTTLED = frozenset({429, 502, 503, 504})
"""Answers that ask for a pause of everything that goes to the endpoint."""
LONGEST_PAUSE = 24 * 3600
"""Seconds that a Retry-After is followed at most."""
AFTER_A_HANG = 30
"""Seconds for which an endpoint that didn't answer in time is left alone: others need the thread."""
TIMEOUT = 15
JOB_SECONDS = 60
"""How long one job goes on delivering; what is left is the next one's."""
OVERLAP = timedelta(hours=24)
"""How long the former secret signs too after a rotation."""
KEPT = timedelta(days=90)
"""How long messages stay in the log."""
MOST_ENDPOINTS = 20


# Endpoints ------------------------------------------------------------------------------------------------------------
def add_endpoint(channel: Channel, url: str, types: Sequence[str], *, by: User | None) -> tuple[Endpoint, str]:
    """A new endpoint of a channel and its signing secret. Raises EngineError for what can't be an endpoint."""
    url = url.strip()
    checked = _types(types)
    try:
        parts = check_url(url, rules())
    except FetchError as error:
        raise EngineError(error.message, next_step="Give the full address of your receiver: https://…") from error
    if parts.scheme != "https" and parts.hostname not in rules().allowed_hosts:
        raise EngineError("Webhooks go to https addresses only.", next_step="Give your receiver a certificate.")
    if channel.endpoints.count() >= MOST_ENDPOINTS:
        raise EngineError(f"A channel has at most {MOST_ENDPOINTS} endpoints.", next_step="Remove one first.")
    with transaction.atomic():
        endpoint = Endpoint.objects.create(workspace_id=channel.workspace_id, channel=channel, url=url, types=checked)
        secret = _new_secret(endpoint)
        audit.record("webhook.added", endpoint, by=by, workspace=channel.workspace_id, detail={"types": checked})
    return endpoint, secret


def _types(types: Sequence[str]) -> list[str]:
    unknown = sorted(set(types) - set(TYPES))
    if unknown or not types:
        raise EngineError(
            f"There is no event {unknown[0]!r}." if unknown else "Choose at least one event.",
            next_step=f"Events are: {', '.join(TYPES)}.",
        )
    return [each for each in TYPES if each in types]


def rules() -> Rules:
    """Where webhooks may go: the public internet, and the addresses inside that the settings name ("10.0.0.5:8080")."""
    named = [each.rpartition(":") for each in settings.WEBHOOK_ADDRESSES]
    return Rules(
        ports=PORTS | {int(port) for _, _, port in named},
        allowed_hosts=frozenset(host.strip("[]") for host, _, _ in named),
    )


def _new_secret(endpoint: Endpoint) -> str:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    EndpointSecret.objects.create(endpoint=endpoint, sealed=seal(secret))
    return secret


def rotate(endpoint: Endpoint, *, by: User | None) -> str:
    """A new secret; for a day, messages are signed with the former one too."""
    with transaction.atomic():
        ends = timezone.now() + OVERLAP
        endpoint.secrets.filter(Q(ends__isnull=True) | Q(ends__gt=ends)).update(ends=ends)
        secret = _new_secret(endpoint)
        audit.record("webhook.rotated", endpoint, by=by, workspace=endpoint.workspace_id)
    return secret


def remove(endpoint: Endpoint, *, by: User | None) -> None:
    """Forget an endpoint and its log."""
    with transaction.atomic():
        audit.record("webhook.removed", endpoint, by=by, workspace=endpoint.workspace_id)
        endpoint.delete()


def enable(endpoint: Endpoint, *, by: User | None) -> None:
    """Tell an endpoint again of what happens from now on. What it missed can be replayed."""
    with transaction.atomic():
        Endpoint.objects.filter(pk=endpoint.pk).update(disabled=None, why="", not_before=None)
        audit.record("webhook.enabled", endpoint, by=by, workspace=endpoint.workspace_id)


def disable(endpoint: Endpoint, why: str, *, by: User | None = None) -> None:
    """Tell an endpoint nothing more. Where the program does it by itself, the workspace's admins are told."""
    now = timezone.now()
    with transaction.atomic():
        if not Endpoint.objects.filter(pk=endpoint.pk, disabled__isnull=True).update(disabled=now, why=why[:300]):
            return
        endpoint.deliveries.filter(state=Delivery.State.WAITING).update(state=Delivery.State.FAILED)
        if by is None:
            notices.webhook_disabled(
                endpoint.workspace_id, name=endpoint.url, reason=why, link=reverse("webhooks"),
                once=f"{endpoint.pk}:{now.timestamp():.0f}",
            )  # fmt: skip
        audit.record("webhook.disabled", endpoint, by=by, workspace=endpoint.workspace_id, detail={"why": why})


# Messages -------------------------------------------------------------------------------------------------------------
def tell(channel: Channel, kind: str, *, story: Story | None = None, data: Mapping[str, Any]) -> Message:
    """Write a message to the outbox, in the caller's transaction, and have it delivered once that is committed.

    `kind` is one of TYPES; `data` is JSON: numbers, times, addresses, no content that a receiver should fetch.
    """
    if kind not in TYPES:
        raise ValueError(kind)
    with transaction.atomic():
        message = _message(channel, kind, story, data)
        for endpoint in channel.endpoints.filter(disabled__isnull=True):
            if kind in endpoint.types:
                _hand_over(message, endpoint)
    return message


def ping(endpoint: Endpoint) -> Delivery:
    """A message without content to one endpoint, so that its owner sees whether it arrives."""
    if endpoint.disabled:
        raise EngineError("This endpoint is disabled.", next_step="Enable it first.")
    with transaction.atomic():
        message = _message(endpoint.channel, PING, None, {"channel": endpoint.channel.slug})
        return _hand_over(message, endpoint)


def replay(delivery: Delivery) -> None:
    """Deliver a message again, under the same id, with all its tries."""
    if delivery.endpoint.disabled:
        raise EngineError("This endpoint is disabled.", next_step="Enable it first.")
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.WAITING, tries=0, due=timezone.now())
        _submit(delivery.endpoint)


def replay_failed(endpoint: Endpoint) -> int:
    """Deliver again what did not arrive. Returns how many messages that are."""
    failed = list(endpoint.deliveries.filter(state=Delivery.State.FAILED).select_related("endpoint"))
    for delivery in failed:
        replay(delivery)
    return len(failed)


def _message(channel: Channel, kind: str, story: Story | None, data: Mapping[str, Any]) -> Message:
    return Message.objects.create(
        workspace_id=channel.workspace_id, channel=channel, story=story, type=kind, data=dict(data),
        created=timezone.now(),
    )  # fmt: skip


def _hand_over(message: Message, endpoint: Endpoint) -> Delivery:
    delivery = Delivery.objects.create(endpoint=endpoint, message=message, due=message.created)
    _submit(endpoint)
    return delivery


def _submit(endpoint: Endpoint, due: datetime | None = None) -> None:
    jobs.submit(DELIVER, workspace=endpoint.channel.workspace, priority=4, due=due, endpoint=endpoint.pk)


def body_of(message: Message) -> bytes:
    """What is sent: {"type", "timestamp", "data"}."""
    said = {"type": message.type, "timestamp": message.created.astimezone(UTC).isoformat(), "data": message.data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(message: Message, endpoint: Endpoint, now: datetime) -> dict[str, str]:
    """The headers of one try: id, time, and a signature by each secret that holds."""
    number, body = f"msg_{message.pk.hex}", body_of(message).decode()
    held = endpoint.secrets.filter(Q(ends__isnull=True) | Q(ends__gt=now))
    signatures = [Webhook(unseal(each.sealed)).sign(number, now.astimezone(UTC), body) for each in held]
    return {
        "Content-Type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


# Delivery -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Outcome:
    """How a try went. `status` is 0 where nobody answered; `pause` is what the receiver asked for, in seconds."""

    status: int
    error: str = ""
    hung: bool = False
    pause: float = 0.0
    ms: int = 0

    @property
    def arrived(self) -> bool:
        return 200 <= self.status < 300


def deliver(work: Work) -> None:
    """Send what is due to one endpoint, one message after the other."""
    number = int(work.job.subject["endpoint"])
    if not _take(number, work):
        return  # whoever delivers to it now looks again before it ends
    started = time.monotonic()
    try:
        while time.monotonic() - started < JOB_SECONDS and (delivery := _next(number)):
            work.check()
            outcome = _try(delivery)
            with work.effect():
                _write_down(delivery, outcome)
    finally:
        Endpoint.objects.filter(pk=number, busy_with=work.job.pk).update(busy_with=0, busy_until=None)
    wake(Endpoint.objects.filter(pk=number))


def _take(number: int, work: Work) -> bool:
    now = timezone.now()
    free = Q(busy_until__isnull=True) | Q(busy_until__lt=now) | Q(busy_with=work.job.pk)
    until = now + timedelta(seconds=JOB_SECONDS + 2 * TIMEOUT)
    return bool(Endpoint.objects.filter(free, pk=number).update(busy_with=work.job.pk, busy_until=until))


def wake(endpoints: QuerySet[Endpoint]) -> None:
    """Have what waits for these endpoints delivered when it is due, where no job would do it."""
    for endpoint in endpoints.filter(disabled__isnull=True).select_related("channel__workspace"):
        with transaction.atomic():
            first = _waiting(endpoint.pk).values_list("due", flat=True).first()
            if first is None:
                continue
            due = max(first, endpoint.not_before or first)
            submitted = Job.objects.filter(
                kind=DELIVER, state=Job.State.WAITING, due__lte=due, subject__endpoint=endpoint.pk
            )
            if not submitted.exists():
                _submit(endpoint, due)


def _waiting(number: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(endpoint=number, state=Delivery.State.WAITING).order_by("due", "id")


def _next(number: int) -> Delivery | None:
    now = timezone.now()
    due = _waiting(number).filter(due__lte=now, endpoint__disabled__isnull=True)
    rested = Q(endpoint__not_before__isnull=True) | Q(endpoint__not_before__lte=now)
    return due.filter(rested).select_related("endpoint", "message").first()


def _try(delivery: Delivery) -> Outcome:
    endpoint, started = delivery.endpoint, time.monotonic()
    try:
        headers = headers_of(delivery.message, endpoint, timezone.now())
        answer = post(endpoint.url, body_of(delivery.message), headers=headers, timeout=TIMEOUT, rules=rules())
    except FetchError as error:
        return Outcome(0, error.message, hung=error.reason == "slow", ms=_since(started))
    except EngineError as error:  # its secret can't be read
        return Outcome(0, f"{error.message} {error.next_step}", ms=_since(started))
    said = "" if 200 <= answer.status < 300 else f"It answered {answer.status}."
    if 300 <= answer.status < 400:
        said = f"It answered {answer.status}: redirects are not followed."
    pause = pause_of(answer.retry_after, timezone.now()) if answer.status in THROTTLED else 0.0
    return Outcome(answer.status, said, pause=pause, ms=_since(started))


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def pause_of(retry_after: str, now: datetime) -> float:
    """Seconds that a Retry-After header asks for: a number or a date; 0 where it makes no sense."""
    try:
        if retry_after.strip().isdecimal():
            seconds = float(retry_after)
        else:
            seconds = (parsedate_to_datetime(retry_after).astimezone(UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), float(LONGEST_PAUSE))


def _write_down(delivery: Delivery, outcome: Outcome) -> None:
    endpoint, now = delivery.endpoint, timezone.now()
    line = {"at": now.isoformat(), "status": outcome.status, "ms": outcome.ms, "error": outcome.error[:300]}
    delivery.log = [*delivery.log, line][-3 * len(WAITS) :]
    delivery.tries += 1
    if outcome.arrived:
        delivery.state = Delivery.State.DELIVERED
        Endpoint.objects.filter(pk=endpoint.pk).update(last_success=now)
    elif delivery.tries < len(WAITS):
        wait = WAITS[delivery.tries] * random.uniform(1, 1 + JITTER)
        delivery.due = now + timedelta(seconds=max(wait, outcome.pause))
    else:
        delivery.state = Delivery.State.FAILED
    delivery.save(update_fields=["log", "tries", "state", "due"])
    rest = AFTER_A_HANG if outcome.hung else outcome.pause
    if rest:
        Endpoint.objects.filter(pk=endpoint.pk).update(not_before=now + timedelta(seconds=rest))
    if outcome.status == 410:
        disable(endpoint, "It answered 410: it wants no more messages.")
    elif delivery.state == Delivery.State.FAILED and not _answers(endpoint, delivery):
        disable(endpoint, f"A message did not arrive in {len(WAITS)} tries. {outcome.error}".strip())


def _answers(endpoint: Endpoint, delivery: Delivery) -> bool:
    """Whether the endpoint took another message since this one was first tried: then the message is what it refuses."""
    last = Endpoint.objects.filter(pk=endpoint.pk).values_list("last_success", flat=True).first()
    return last is not None and last > delivery.message.created


def forget_old(now: datetime) -> int:
    """Clear the log of what happened long ago. Returns how many messages went."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING).values("message")
    return Message.objects.filter(created__lt=now - KEPT).exclude(pk__in=waiting).delete()[0]
