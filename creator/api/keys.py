"""Who asks: a downstream app with the key of a channel."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from creator.access import Right, rights_of
from creator.api import limits
from creator.models import ApiKey, Membership
from creator.services import keys

RIGHTS: dict[str, Right] = {"stories:write": "edit", "stories:publish": "publish", "reviews:write": "review"}
"""What a person must be allowed, for a key to do it in their name."""


class ChannelKey(HttpBearer):
    """`Authorization: Bearer sl_...`, for a key with at least one of these scopes; any key where none is named."""

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        key = keys.find(token)
        if key is None:
            return None
        request.channel = key.channel  # type: ignore[attr-defined]
        request.allowance = limits.take(key.digest[:16], key.rate)  # type: ignore[attr-defined]
        if self.scopes and not set(self.scopes) & set(key.scopes):
            raise HttpError(403, f"This key lacks the scope {' or '.join(self.scopes)}.")
        for scope in self.scopes:
            _require_right(key, scope)
        return key


def _require_right(key: ApiKey, scope: str) -> None:
    """A key that acts in a person's name may do no more than this person. Raises HttpError."""
    right = RIGHTS.get(scope)
    if right is None or (key.person is None and scope not in keys.NEEDS_PERSON):
        return
    theirs = Membership.objects.filter(user=key.person_id, workspace=key.channel.workspace_id)
    membership = theirs.first() if key.person_id else None
    if membership is None or right not in rights_of(membership.role):
        raise HttpError(403, f"The person in whose name this key acts may not {right} in this workspace.")


def key_of(request: HttpRequest) -> ApiKey:
    """The key that a request came with."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key
