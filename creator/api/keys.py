"""Who asks: a downstream app with the key of a channel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import HttpError
from ninja.security import HttpBearer

from creator.models import ApiKey
from creator.services.publications import key_digest


class ChannelKey(HttpBearer):
    """`Authorization: Bearer sl_...`. The key is looked up on each request, so a revoked one ends at once."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        now = timezone.now()
        key = (
            ApiKey.objects.filter(digest=key_digest(token), revoked__isnull=True)
            .filter(Q(expires__isnull=True) | Q(expires__gt=now))
            .select_related("channel__workspace")
            .first()
        )
        if key is None:
            return None
        if key.last_used is None or now - key.last_used > timedelta(minutes=1):
            ApiKey.objects.filter(pk=key.pk).update(last_used=now)
        return key


def key_of(request: HttpRequest, *scopes: str) -> ApiKey:
    """The key that a request came with. Answers 403 where it has none of these scopes."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    if not set(scopes) & set(key.scopes):
        raise HttpError(403, f"This key lacks the scope {' or '.join(scopes)}.")
    return key
