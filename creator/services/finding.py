"""Finding in the library: the box, its chips with counts, and the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext_noop
from PIL import Image

from creator.models import Collection, Workspace
from creator.services import engagement, rankers
from creator.services.standing import state_filter
from media_processing.models import Asset
from search import services as search

PAGE = 60
CHIPS = 14
"""Most chips of an open group."""


@dataclass(frozen=True)
class Question:
    """What a person asks the library: the box, the chips, a picture."""

    words: str = ""
    """The box as it was typed; filters may be in it."""
    filters: search.Values = field(default_factory=dict)
    """The chips: filter's name -> values. Names are those of `table(workspace)`."""
    without: search.Values = field(default_factory=dict)
    like: Image.Image | None = None
    like_moment: int | None = None
    sort: str = "relevance"
    """One of `search.SORTS`."""
    everything: bool = False
    """Show the rest, too: what doesn't show or say what was asked."""


@dataclass(frozen=True)
class Shown:
    """One result with its asset. What `search.Found` has can be asked of it: start, at, why, snippet, explain, folded,
    relevant, by_words_only."""

    asset: Asset
    found: search.Found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.found, name)


@dataclass(frozen=True)
class Answer:
    """One page of results."""

    shown: tuple[Shown, ...] = ()
    more: int | None = None
    """Offset of the next page; None where this is the last."""
    cut: bool = False
    """Whether results were cut off that "show the rest" would show."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it was found."""
    model: str = ""

    def __iter__(self) -> Iterator[Shown]:
        return iter(self.shown)

    def __len__(self) -> int:
        return len(self.shown)


@dataclass(frozen=True)
class Chip:
    """One value of a filter."""

    value: str
    label: str
    count: int
    """Assets that it would show, under the present question and the choices in the other groups."""
    on: bool = False


@dataclass(frozen=True)
class Group:
    """The chips of one filter."""

    name: str
    label: str
    chips: tuple[Chip, ...] = ()
    """Fixed values in their order, open ones (tags, people) the commonest first; chosen ones are always there. None for
    dates, which are typed."""
    chosen: tuple[str, ...] = ()
    """Chosen values, from the chips or from the box."""
    without: tuple[str, ...] = ()
    hint: str = ""
    """What may be typed, where chips don't say it all."""


@dataclass(frozen=True)
class Facets:
    """All groups of chips, and how many assets the question finds."""

    groups: tuple[Group, ...]
    total: int


def table(workspace: Workspace) -> Sequence[search.Filter]:
    """Every filter of a workspace's library: those of search, its collections, and what moderation said."""
    return (*search.FILTERS, _collections(workspace), state_filter(workspace))


def _collections(workspace: Workspace) -> search.Filter:
    through = Collection.assets.through.objects.filter(collection__workspace=workspace)
    return search.Filter(
        "collection", gettext_noop("Collection"),
        lambda value: Q(pk__in=through.filter(collection__name=value).values("asset")),
        value=F("collections__name"), several="rows",
    )  # fmt: skip


def read(workspace: Workspace, question: Question | str) -> Question:
    """The question with the filters of its box moved to the chips, all values as the library spells them.

    Raises QueryError for a filter or a value that isn't known; the error names those that are.
    """
    query = search.checked(_query(workspace, question))
    return replace(_question(question), words=query.words, filters=query.filters, without=query.without)


def find(workspace: Workspace, question: Question | str = "", *, offset: int = 0, limit: int = PAGE) -> Answer:
    """One page of what a question finds in a workspace. Raises QueryError where it makes no sense, EngineError where a
    picture can't be looked at. An empty question finds everything, what was added last first."""
    results = search.find(replace(_query(workspace, question), offset=offset, limit=limit))
    assets = {each.asset_id: each.asset for each in results.found if each.asset is not None}
    if lacking := [each.asset_id for each in results.found if each.asset is None]:
        assets |= Asset.objects.order_by().in_bulk(lacking)
    # The workspace is checked here: beside these few, SQLite would go through all assets of the workspace.
    own = {number: asset for number, asset in assets.items() if asset.workspace_id == workspace.pk}
    shown = tuple(Shown(own[found.asset_id], found) for found in results.found if found.asset_id in own)
    return Answer(shown, results.more, results.cut, results.notes, results.model)


def _question(question: Question | str) -> Question:
    return Question(question) if isinstance(question, str) else question


def _query(workspace: Workspace, question: Question | str, *, all_filters: bool = False) -> search.Query:
    """A question for search. Its table of filters costs a look at the verdicts: it comes where one may be asked for, or
    where `all_filters` are."""
    asked = _question(question)
    narrowed = all_filters or ":" in asked.words or asked.filters or asked.without
    return search.Query(
        workspace_id=workspace.pk, words=asked.words, filters=asked.filters, without=asked.without,
        table=table(workspace) if narrowed else (), like=asked.like, like_moment=asked.like_moment, sort=asked.sort,
        fold=True, relevant_only=not asked.everything, browse=True,
        surface=rankers.scheme(workspace.pk)["search"], engagement=engagement.of_pictures(workspace),
    )  # fmt: skip


def facets(workspace: Workspace, question: Question | str = "", *, chips: int = CHIPS) -> Facets:
    """The chips of every filter with their counts under the present question, words and picture included; each group
    counted under the choices of the others. `chips`: the most that an open group gets."""
    query = search.checked(_query(workspace, question, all_filters=True))
    counted = search.facets(query)
    groups = (_group(each, query, counted, chips) for each in query.table)
    return Facets(tuple(groups), counted.total)


def _group(each: search.Filter, query: search.Query, counted: search.Counted, most: int) -> Group:
    chosen = tuple(query.filters.get(each.name, ()))
    counts = dict(counted.by_filter.get(each.name, {}))
    if each.value is not None:
        for value in chosen:  # a range of seconds is no asset's own value: it counts what it finds
            counts.setdefault(value, counted.total if each.options and value not in each.options else 0)
    labels = each.labelled(counts) if each.open else {**dict(zip(counts, counts, strict=True)), **each.options}
    shown = [value for value in labels if counts.get(value) or value in chosen]
    if each.open:
        shown = [value for at, value in enumerate(shown) if at < most or value in chosen]
    options = tuple(Chip(value, labels[value], counts[value], value in chosen) for value in shown)
    return Group(each.name, each.label, options, chosen, tuple(query.without.get(each.name, ())), each.example)
