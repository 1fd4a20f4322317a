"""Queries of one shape that are asked all the time: putting one together takes the ORM longer than answering it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections
from django.db.models import QuerySet


def stored(query: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of a values_list as the database gives them, all at once."""
    statement, values = query.query.get_compiler(query.db).as_sql()
    return _asked(query.db, statement, values)


def _asked(using: str, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


class Prepared:
    """A query that the ORM puts together once for each kind of database, to be asked with other values."""

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        """make: the query as values_list, with any values in the places of those that come later."""
        self._make = make
        self._said: dict[str, tuple[str, int]] = {}

    def rows(self, *values: Any, using: str = "default") -> list[tuple[Any, ...]]:
        """The rows as the database gives them. values: in the order in which the statement takes them; those of `among`
        as `fulltext.listed` gives them."""
        connection = connections[using]
        if connection.vendor not in self._said:
            statement, places = self._make().query.get_compiler(using).as_sql()
            self._said[connection.vendor] = statement, len(places)
        statement, count = self._said[connection.vendor]
        if len(values) != count:
            raise ValueError(f"This query takes {count} values, not {len(values)}.")
        return _asked(using, statement, values)
