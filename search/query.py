"""What may be asked: a query, its checks, and the moments that pass its filters."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import QuerySet
from PIL import Image

from media_processing.models import Asset
from search import filters, fulltext
from search.filters import FILTERS, Filter, QueryError, Values
from search.models import Moment, MomentQuerySet
from search.schemes import Surface
from search.words import LONGEST, Wanted, wanted

MOST = 200
"""Highest limit of a query."""
DEEPEST = 20_000
"""Most candidates that one signal is asked for, and the highest offset."""
SORTS = {
    "relevance": "Closest first",
    "added": "Added last first",
    "newest": "Newest first",
    "oldest": "Oldest first",
}
"""Orders of the results. "newest" and "oldest" go by when a file was photographed or recorded, where it says so, else
by when it was added. A query that asks for nothing to compare with (filters alone) is sorted by "added" instead of
relevance."""
__all__ = ["DEEPEST", "FILTERS", "MOST", "SORTS", "Query", "QueryError", "allowed", "assets_of", "checked", "narrowed"]


@dataclass(frozen=True)
class Query:
    """What is looked for. Words, a picture and a moment may be given together: all of them count."""

    workspace_id: int
    words: str = ""
    """As typed into the box: words, "quoted words" that must be there, -words that must not, and filters."""
    filters: Values = field(default_factory=dict)
    """Name of a filter -> values, any of which is enough: {"kind": ["video"], "tag": ["sea", "beach"]}."""
    without: Values = field(default_factory=dict)
    """The same for what must not be."""
    table: Sequence[Filter] = FILTERS
    """The filters that there are."""
    like: Image.Image | None = None
    like_moment: int | None = None
    within: QuerySet[Asset] | None = None
    """Only assets of this query, which stays a subquery: what the application knows and search doesn't."""
    asset_ids: Sequence[uuid.UUID | str] | None = None
    """Only these."""
    exclude_assets: Sequence[uuid.UUID | str] = ()
    sort: str = "relevance"
    offset: int = 0
    """How many results are known already. The same query with the next offset goes on where this one ends."""
    limit: int = 30
    diversify: bool = True
    fold: bool = False
    """Show near-duplicates as one: the best stays, `Found.folded` holds the others."""
    every_moment: bool = False
    """All matching moments of an asset; else its best."""
    relevant_only: bool = False
    """Cut off what doesn't show or say what was asked, where the answer would only fill up the page."""
    browse: bool = False
    """An empty query finds everything, instead of being refused."""
    literal: bool = False
    """The words are a line of text, not a query: quotation marks, minus signs and colons in it mean nothing."""
    language: str = ""
    """Of the words, where it is known."""
    surface: Surface | None = None
    """What counts beside how well something fits: its weights are those of `ranking.added`. None: nothing else."""
    engagement: Mapping[uuid.UUID, float] = field(default_factory=dict)
    """Asset -> how it was liked, 0 to 1; those that nobody told of are usual."""


def checked(query: Query) -> Query:
    """The query with its words tidied and its filters resolved, those in the words among them. Raises QueryError."""
    if len(query.words) > LONGEST:
        raise QueryError(
            f"That is {len(query.words):,} characters; a search takes up to {LONGEST:,}.",
            next_step="Search for a few words.",
        )
    if query.literal:
        asked = filters.Asked(filters.tidied(query.words.replace('"', " ").replace("-", " ")))
    else:
        asked = filters.parse(query.words, query.table)
    for name, value, highest, least in (("limit", query.limit, MOST, 1), ("offset", query.offset, DEEPEST, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= highest:
            raise QueryError(f"A search takes {least} to {highest} as its {name}, not {str(value)[:20]}.")
    if query.sort not in SORTS:
        raise QueryError(f"There is no order {query.sort[:40]!r}.", next_step=f"Use {', '.join(SORTS)}.")
    assets = Asset.objects.in_workspace(query.workspace_id).active()
    chosen, without = (
        filters.resolved(_joined(typed, given), assets, query.table)
        for typed, given in ((asked.filters, query.filters), (asked.without, query.without))
    )
    compared = query.like is not None or query.like_moment is not None
    narrowing = chosen or without or query.within is not None or query.asset_ids is not None
    if not (asked.words or compared or narrowing or query.browse):
        raise QueryError("There is nothing to search for.", next_step="Type words, or drop a picture.")
    return replace(
        query, words=asked.words, filters=chosen, without=without,
        asset_ids=_uuids(query.asset_ids), exclude_assets=_uuids(query.exclude_assets) or (),
    )  # fmt: skip


def _joined(one: Values, other: Values) -> dict[str, tuple[str, ...]]:
    return {name: (*one.get(name, ()), *other.get(name, ())) for name in dict.fromkeys([*one, *other])}


def _uuids(given: Sequence[uuid.UUID | str] | None) -> list[uuid.UUID | str] | None:
    try:
        return None if given is None else [uuid.UUID(str(number)) for number in given]
    except ValueError as error:
        raise QueryError("An asset's number isn't one.") from error


def assets_of(query: Query) -> QuerySet[Asset]:
    """The assets that pass every filter of a checked query, its workspace first; its words aren't looked at."""
    assets = Asset.objects.in_workspace(query.workspace_id).active()
    assets = assets.filter(filters.condition(query.filters, query.without, query.table))
    if query.within is not None:
        assets = assets.filter(pk__in=query.within.order_by().values("pk"))
    if query.asset_ids is not None:
        assets = assets.filter(pk__in=list(query.asset_ids))
    if query.exclude_assets:
        assets = assets.exclude(pk__in=list(query.exclude_assets))
    if query.like_moment is not None:  # more like this: not this again
        assets = assets.exclude(moments=query.like_moment)
    return assets


def showable(query: Query) -> MomentQuerySet:
    """The moments that may be shown, filters aside: of the workspace, in use, not those that a query leaves out."""
    moments = Moment.objects.in_workspace(query.workspace_id).filter(asset__archived__isnull=True)
    if query.exclude_assets:
        moments = moments.exclude(asset__in=list(query.exclude_assets))
    if query.like_moment is not None:  # more like this: not this again
        moments = moments.exclude(asset__in=Moment.objects.filter(pk=query.like_moment).values("asset"))
    return moments


def allowed(query: Query) -> MomentQuerySet:
    """The moments that pass every filter of a checked query, and what its words demand and forbid."""
    moments = showable(query)
    if any((query.filters, query.without, query.within is not None, query.asset_ids is not None)):
        moments = moments.filter(asset__in=assets_of(query).order_by().values("pk"))
    asked = wanted(query.words)
    if asked.all_of:
        moments = moments.filter(pk__in=fulltext.holding(Wanted((), asked.all_of), len(asked.all_of)))
    if asked.none_of:
        moments = moments.exclude(pk__in=fulltext.holding(Wanted(asked.none_of), 1, beginnings=False))
    return moments


def narrowed(query: Query) -> bool:
    """Whether filters keep so little that the index should hear of it; else what they drop is dropped afterwards."""
    asked = wanted(query.words)
    visual = {Asset.Kind.IMAGE, Asset.Kind.VIDEO} <= set(query.filters.get("kind", Asset.Kind.values))
    others = (set(query.filters) - {"kind"}, query.without, asked.all_of, asked.none_of)
    return not visual or any(others) or query.within is not None or query.asset_ids is not None
