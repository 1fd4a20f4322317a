"""Counting what a question finds, by every value of every filter: the numbers on a page's chips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db.models import Count, Q, QuerySet

from media_processing.models import Asset
from search.filters import Filter
from search.query import Query, assets_of


@dataclass(frozen=True)
class Counted:
    """How many assets a question finds."""

    total: int
    by_filter: Mapping[str, Mapping[str, int]]
    """Filter's name -> value -> assets that would be found with it in place of this filter's own choice."""


def count(query: Query, found: Q | None = None) -> Counted:
    """Count the assets of a checked query, each filter under the choices of the others.

    `found`: the condition of being found by its words and pictures, filters aside; None where they don't narrow it.

    Filters of which an asset has one value are counted in one query, as a cube (value x value x ... -> assets), from
    which each filter's counts are summed up; those of which it may have several take a query each.
    """

    def without(names: set[str]) -> QuerySet[Asset]:
        others = {name: values for name, values in query.filters.items() if name not in names}
        assets = assets_of(replace(query, filters=others))
        return assets if found is None else assets.filter(found)

    cubed = [each for each in query.table if each.value is not None and not each.several and _in_cube(each, query)]
    assets = without({each.name for each in cubed}).order_by()
    rows = assets.values_list(*(each.value for each in cubed if each.value)).annotate(Count("pk"))
    chosen = [set(query.filters.get(each.name, ())) for each in cubed]
    counts: dict[str, dict[str, int]] = {each.name: {} for each in query.table if each.value is not None}
    total = 0
    for *values, number in rows:
        missed = [at for at, value in enumerate(values) if chosen[at] and value not in chosen[at]]
        if len(missed) > 1:
            continue
        total += 0 if missed else number
        for at in missed or range(len(values)):
            if values[at] not in (None, ""):
                own = counts[cubed[at].name]
                own[values[at]] = own.get(values[at], 0) + number
    for each in query.table:
        if each.value is not None and each not in cubed:
            counts[each.name] = each.counted(without({each.name}))
    return Counted(total, counts)


def _in_cube(each: Filter, query: Query) -> bool:
    """Whether its choice can be made among the values of a cube: a range of seconds can't."""
    return not each.options or set(query.filters.get(each.name, ())) <= set(each.options)
