"""Where the next page begins: the last row's place in the order, signed, so that nobody makes one up.

A place and not a number of rows to skip: what is added or removed in between moves nothing.
"""

from __future__ import annotations

from typing import Any

from django.core import signing
from ninja.errors import HttpError

PATTERN = r"^[A-Za-z0-9_:\-]*$"


def cursor(*place: Any, of: str) -> str:
    """A cursor at a place (JSON) in the list that `of` names: the channel and the filters."""
    signed: str = signing.Signer(salt="api.cursor").sign_object([of, *place])
    return signed


def place_of(cursor: str, *, of: str) -> list[Any]:
    """The place at which a page begins. Raises HttpError for what isn't a cursor of this list."""
    try:
        named, *place = signing.Signer(salt="api.cursor").unsign_object(cursor)
    except (signing.BadSignature, ValueError, TypeError):
        raise HttpError(400, "This cursor was not made by this API. Begin again without one.") from None
    if named != of:
        raise HttpError(400, "This cursor is of another list: keep the filters, or begin again without one.")
    return list(place)
