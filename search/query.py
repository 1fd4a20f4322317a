"""What may be asked: a query, its checks, and the moments that pass its filters."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import F
from PIL import Image

from media_processing.engine import EngineError
from media_processing.models import Asset
from search.models import Moment, MomentQuerySet
from search.words import LONGEST, wanted

MOST = 200
"""Highest limit of a query."""
ORIENTATIONS = ("portrait", "landscape", "square")


class QueryError(EngineError):
    """A query that can't be answered as it stands, in words for the person who asked."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step, permanent=True)


@dataclass(frozen=True)
class Query:
    """What is looked for. Words, a picture and a moment may be given together: all of them count."""

    workspace_id: int
    words: str = ""
    """Words, "quoted words" that must be there, -words that must not."""
    like: Image.Image | None = None
    like_moment: int | None = None
    kinds: Sequence[str] = ()
    """"image", "video", "audio"; none means all."""
    orientation: str = ""
    licence: str = ""
    tag: str = ""
    asset_ids: Sequence[uuid.UUID | str] | None = None
    """Only these."""
    exclude_assets: Sequence[uuid.UUID | str] = ()
    limit: int = 30
    diversify: bool = True
    every_moment: bool = False
    """All matching moments of an asset; else its best."""
    relevant_only: bool = False
    """Cut off what doesn't show or say what was asked, where the answer would only fill up the page."""
    literal: bool = False
    """The words are a line of text, not a query: quotation marks and minus signs in it mean nothing."""
    language: str = ""
    """Of the words, where it is known."""


def checked(query: Query) -> Query:
    """The query with its words tidied. Raises QueryError."""
    words = query.words.replace("\x00", " ").strip()
    if query.literal:
        words = words.replace('"', " ").replace("-", " ").strip()
    if len(words) > LONGEST:
        raise QueryError(
            f"That is {len(words):,} characters; a search takes up to {LONGEST:,}.", next_step="Search for a few words."
        )
    if isinstance(query.limit, bool) or not 1 <= query.limit <= MOST:
        raise QueryError(f"A search gives 1 to {MOST} results, not {query.limit}.")
    unknown = [kind for kind in query.kinds if kind not in Asset.Kind.values]
    if unknown:
        raise QueryError(f"There is no kind {unknown[0]!r}.", next_step=f"Use {', '.join(Asset.Kind.values)}.")
    if query.orientation and query.orientation not in ORIENTATIONS:
        raise QueryError(
            f"There is no orientation {query.orientation!r}.", next_step=f"Use {', '.join(ORIENTATIONS)}."
        )
    filters = (query.kinds, query.orientation, query.licence, query.tag, query.asset_ids is not None)
    if not words and query.like is None and query.like_moment is None and not any(filters):
        raise QueryError("There is nothing to search for.", next_step="Type words, or drop a picture.")
    return replace(
        query, words=words, asset_ids=_uuids(query.asset_ids), exclude_assets=_uuids(query.exclude_assets) or ()
    )


def _uuids(given: Sequence[uuid.UUID | str] | None) -> list[uuid.UUID | str] | None:
    try:
        return None if given is None else [uuid.UUID(str(number)) for number in given]
    except ValueError as error:
        raise QueryError("An asset's number isn't one.") from error


def allowed(query: Query) -> MomentQuerySet:
    """The moments that pass every filter of a query, its workspace first."""
    moments = Moment.objects.in_workspace(query.workspace_id).filter(asset__archived__isnull=True)
    if query.kinds:
        moments = moments.filter(asset__kind__in=list(query.kinds))
    if query.orientation == "portrait":
        moments = moments.filter(asset__height__gt=F("asset__width"))
    elif query.orientation == "landscape":
        moments = moments.filter(asset__width__gt=F("asset__height"))
    elif query.orientation == "square":
        moments = moments.filter(asset__width=F("asset__height"), asset__width__gt=0)
    if query.licence:
        moments = moments.filter(asset__licence__iexact=query.licence)
    if query.tag:
        moments = moments.filter(asset__tags__has_item=query.tag)
    if query.asset_ids is not None:
        moments = moments.filter(asset__in=list(query.asset_ids))
    if query.exclude_assets:
        moments = moments.exclude(asset__in=list(query.exclude_assets))
    if query.like_moment is not None:  # more like this: not this again
        moments = moments.exclude(asset__moments=query.like_moment)
    asked = wanted(query.words)
    for run in asked.all_of:
        moments = moments.filter(pk__in=Moment.objects.matching(f'"{" ".join(run)}"').order_by().values("pk"))
    for run in asked.none_of:
        moments = moments.exclude(pk__in=Moment.objects.matching(f'"{" ".join(run)}"').order_by().values("pk"))
    return moments


def narrowed(query: Query) -> bool:
    """Whether filters keep so little that the index should hear of it; else what they drop is dropped afterwards."""
    asked = wanted(query.words)
    visual = not query.kinds or {Asset.Kind.IMAGE, Asset.Kind.VIDEO} <= set(query.kinds)
    others = (query.orientation, query.licence, query.tag, query.asset_ids is not None, asked.all_of, asked.none_of)
    return not visual or any(others)
