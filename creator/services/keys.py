"""Verbs of an app's key: make it, find it, rotate it, end it."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from creator.models import ApiKey, Channel, IdempotentCall, User
from creator.services import audit
from media_processing.engine import EngineError

SCOPES = {
    "stories:read": "Read what the channel holds, and download its files",
    "stories:write": "Make, edit and run stories of the workspace",
    "stories:publish": "Publish to the channel, and withdraw from it",
    "reviews:write": "Decide on stories, in the name of a moderator",
    "search:read": "Search the library",
    "assets:read": "Read the library's assets and transcripts",
    "jobs:read": "See how jobs get on",
    "events:write": "Say what was seen and clicked",
    "reports:write": "Report published content",
}
"""What a key may do, in words for people. A key is of one channel, so that each of these is."""

NEEDS_PERSON = ("reviews:write",)
RATE = 600
"""Requests a minute, where nothing else is said."""
OVERLAP = timedelta(hours=24)
"""How long a key works beside the one that it was rotated to."""
CALLS_KEPT = timedelta(hours=24)
"""How long the answer to a named call is kept."""
REMEMBERED = 0.5
"""Seconds for which a process knows a key without asking: a key that was revoked elsewhere ends within them."""

_known: dict[str, tuple[float, ApiKey]] = {}
_lock = threading.Lock()


def make(
    channel: Channel, *, name: str, scopes: Sequence[str] = ("stories:read",), person: User | None = None,
    days: int | None = None, rate: int = RATE, by: User | None = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """A new key of a channel and its secret, which is shown once and never stored. Raises EngineError.

    `person` is in whose name it acts; it needs one to review. It ends after `days`, or never. `rate` is per minute.
    """
    unknown = set(scopes) - set(SCOPES)
    if unknown or not scopes:
        said = f"Unknown scope: {', '.join(sorted(unknown))}." if unknown else "Say what the key may do."
        raise EngineError(said, next_step=f"Scopes are: {', '.join(SCOPES)}.", permanent=True)
    if not name.strip():
        raise EngineError("Give the key a name.", permanent=True)
    if person is None and set(scopes) & set(NEEDS_PERSON):
        raise EngineError("A key that reviews acts in a moderator's name.", next_step="Choose the moderator.")
    if person is not None and not person.memberships.filter(workspace=channel.workspace_id).exists():
        raise EngineError("This person isn't of the workspace.", next_step="Choose somebody of it.", permanent=True)
    if not (days is None or 1 <= days <= 3650) or not 1 <= rate <= 1_000_000:
        raise EngineError("A key lives 1 to 3,650 days, and asks 1 to 1,000,000 times a minute.", permanent=True)
    secret = f"sl_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            channel=channel, name=name.strip()[:100], prefix=secret[:10], digest=digest(secret), scopes=list(scopes),
            person=person, rate=rate, expires=timezone.now() + timedelta(days=days) if days else None,
        )  # fmt: skip
        _record("key.make", key, by=by)
    return key, secret


def _record(action: str, key: ApiKey, *, by: User | None) -> None:
    said = {"prefix": key.prefix, "name": key.name, "scopes": key.scopes}
    audit.record(action, key, by=by, workspace=key.channel.workspace_id, detail=said)


def digest(secret: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def find(secret: str, now: datetime | None = None) -> ApiKey | None:
    """The key with this secret, if it works now, with its channel, workspace and person."""
    now = now or timezone.now()
    stored = digest(secret)
    seen, key = _known.get(stored, (0.0, None))
    if key is None or time.monotonic() - seen > REMEMBERED:
        key = (
            ApiKey.objects.filter(digest=stored, revoked__isnull=True)
            .filter(Q(person__isnull=True) | Q(person__is_active=True))
            .select_related("channel__workspace", "person")
            .first()
        )
        if key is None:
            _known.pop(stored, None)
            return None
        with _lock:
            if len(_known) > 10_000:
                _known.clear()
            _known[stored] = (time.monotonic(), key)
        if key.last_used is None or now - key.last_used > timedelta(minutes=1):
            ApiKey.objects.filter(pk=key.pk).update(last_used=now)
    return key if key.expires is None or key.expires > now else None


def rotate(key: ApiKey, *, overlap: timedelta = OVERLAP, by: User | None = None) -> tuple[ApiKey, str]:
    """A new key in an old one's place, and its secret; the old one works on for `overlap`. Raises EngineError."""
    now = timezone.now()
    with transaction.atomic():
        old = ApiKey.objects.select_for_update().get(pk=key.pk)
        if old.revoked or old.replaced_by_id or (old.expires and old.expires <= now):
            raise EngineError("This key has ended or was rotated already.", next_step="Make a new one.")
        secret = f"sl_{secrets.token_urlsafe(32)}"
        new = ApiKey.objects.create(
            channel_id=old.channel_id, name=old.name, prefix=secret[:10], digest=digest(secret), scopes=old.scopes,
            person_id=old.person_id, rate=old.rate, expires=now + (old.expires - old.created) if old.expires else None,
        )  # fmt: skip
        old.replaced_by, old.expires = new, min(now + overlap, old.expires or now + overlap)
        old.save(update_fields=["replaced_by", "expires"])
        _record("key.rotate", new, by=by)
    forget()
    return new, secret


def revoke(key: ApiKey, *, by: User | None = None) -> None:
    """End a key: here at once, in other processes within half a second."""
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked__isnull=True).update(revoked=timezone.now()):
            _record("key.revoke", key, by=by)
    forget()


def forget() -> None:
    """Ask the database for every key again."""
    _known.clear()


def sweep_calls() -> int:
    """Forget the answers to named calls that are older than a day. Returns how many."""
    return IdempotentCall.objects.filter(created__lt=timezone.now() - CALLS_KEPT).delete()[0]
