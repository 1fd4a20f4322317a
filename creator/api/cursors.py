"""Where the next page begins: the last row's place in the order, signed, so that nobody makes one up.

A place and not a number of rows to skip: what is added or removed in between moves nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from ninja import Schema
from ninja.errors import HttpError
from pydantic import Field

PATTERN = r"^[A-Za-z0-9_:\-]*$"
Row = TypeVar("Row", bound=Model)


class PageQuery(Schema):
    """What any list may be asked for."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str = Field("", max_length=400, pattern=PATTERN)


def newest(rows: QuerySet[Row], query: PageQuery, *, of: str) -> tuple[list[Row], str | None]:
    """A page of what has a `created`, the newest first, and the cursor of the next one; None where it was the last."""
    if query.cursor:
        created, pk = place_of(query.cursor, of=of)
        at = datetime.fromisoformat(created)
        rows = rows.filter(Q(created__lt=at) | Q(created=at, pk__gt=pk))
    found = list(rows.order_by("-created", "pk")[: query.limit + 1])
    if len(found) <= query.limit:
        return found, None
    last: Any = found[query.limit - 1]
    return found[: query.limit], cursor(last.created.isoformat(), str(last.pk), of=of)


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
