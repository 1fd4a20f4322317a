"""Full text in the two databases: how moments' words are stored, matched and ranked.

SQLite: an FTS5 table, rowid = the moment's id, a column for each kind of text, ranked by bm25 with weights. PostgreSQL:
a tsvector with the same weights and a GIN index. Both get words that search/words.py has cut, so both find the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, models
from django.db.models import Func, Lookup
from django.db.models.expressions import RawSQL

from search.words import Wanted, for_fts5, for_tsquery, tsvector, wanted, words_of

TABLE = "search_momentwords"
COLUMNS = {"title": ("A", 4.0), "tags": ("A", 4.0), "alt": ("B", 2.0), "said": ("B", 2.0), "other": ("D", 1.0)}
"""Column -> weight class in PostgreSQL, weight of bm25 in SQLite."""
_RANKS = "{0.25, 0.25, 0.5, 1.0}"  # of the classes D, C, B, A


@dataclass(frozen=True)
class Texts:
    """The words of one moment."""

    moment_id: int
    title: str = ""
    tags: str = ""
    alt: str = ""
    said: str = ""
    other: str = ""

    def columns(self) -> list[str]:
        return [getattr(self, name) for name in COLUMNS]


class Matches(Lookup):
    """`words__document__matches="..."`: the word query of search/words.py."""

    lookup_name = "matches"

    def get_prep_lookup(self) -> Any:
        taken = hasattr(self.rhs, "resolve_expression") or isinstance(self.rhs, Wanted)
        return self.rhs if taken else wanted(str(self.rhs))

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        return "%s", [for_tsquery(value) if connection.vendor == "postgresql" else for_fts5(value)]

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        _placeholder, query = self.process_rhs(compiler, connection)
        return f"{column} MATCH %s", [*params, *query]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        _placeholder, query = self.process_rhs(compiler, connection)
        return f"{column} @@ %s::tsquery", [*params, *query]


class WordRank(Func):
    """How well a moment's words answer a query, above 0, more is better. Only beside `matches` with the same query."""

    output_field = models.FloatField()
    arity = 1

    def __init__(self, document: str, query: str | Wanted = "", **extra: Any) -> None:
        super().__init__(document, query=query, **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        # FTS5's hidden column `rank` is bm25 with the weights that the migration set; smaller is better there.
        return f"-{column.rsplit('.', 1)[0]}.rank", params

    def as_postgresql(self, compiler: Any, connection: Any, **_context: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        asked = self.extra["query"] if isinstance(self.extra["query"], Wanted) else wanted(self.extra["query"])
        # ts_rank takes 'fire' and 'fire':* for one word; whole words must count for more than beginnings.
        rank = f"ts_rank('{_RANKS}', {column}, %s::tsquery, 1)"
        queries = [for_tsquery(asked, beginnings=False), for_tsquery(asked)]
        return f"({rank} + 0.5 * {rank})", [*params, queries[0], *params, queries[1]]


class HasItem(Lookup):
    """`tags__has_item="sea"`: a JSON list holds a text. Django's `contains` isn't there on SQLite."""

    lookup_name = "has_item"
    prepare_rhs = False

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = %s)", [  # noqa: S608
            *params,
            str(self.rhs),
        ]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} @> jsonb_build_array(%s::text)", [*params, str(self.rhs)]


class Among(Lookup):
    """`pk__among={3, 5, 8}`: `in` with one parameter however many keys there are, where databases count them.

    Many of them come faster in a set than in a list, each item of which Django looks into. Keys are given as the
    database holds them.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        condition, keys = _among(column, self.rhs, connection.alias, self.lhs.output_field.rel_db_type(connection))
        return condition, [*params, keys]

    as_postgresql = as_sqlite


def least(asked: Wanted, share: float) -> int:
    """How many of a query's words are at least this share of them; at least one."""
    return max(1, math.ceil(share * len(asked.any_of + asked.all_of) - 1e-9))


def holding(
    asked: Wanted, enough: int, *, beginnings: bool = True, hint: int = 0, hinted: Collection[int] = (),
    using: str = "default",
) -> RawSQL:  # fmt: skip
    """The numbers of the moments whose words hold enough of a query's words, as a subquery; of those among `hinted`,
    `hint` words are enough.

    Every workspace's: only for `pk__in` beside a workspace. `beginnings`: longer words that begin with one count, too.
    """
    arms, params = _arms(asked, beginnings, using, each=enough > 1)
    if enough > 1:
        arms = f"SELECT rowid FROM ({arms}) held GROUP BY rowid HAVING COUNT(*) >= {enough}"  # noqa: S608
        if hinted:
            among, numbers = _among("rowid", hinted, using)
            arms, params = f"{arms} OR (COUNT(*) >= {hint} AND {among})", [*params, numbers]
    return RawSQL(arms, params)  # noqa: S611 names and numbers of ours only; the words are parameters


def held(asked: Wanted, ids: Collection[int], *, beginnings: bool = True, using: str = "default") -> dict[int, int]:
    """How many of a query's words the words of each of these moments hold, of those that hold any."""
    arms, params = _arms(asked, beginnings, using)
    # The sign keeps SQLite from asking FTS5 for one row after the other.
    among, numbers = _among("+rowid", ids, using)
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT rowid, COUNT(*) FROM ({arms}) held WHERE {among} GROUP BY rowid", [*params, numbers]  # noqa: S608
        )
        return dict(cursor.fetchall())


def _arms(asked: Wanted, beginnings: bool, using: str, *, each: bool = True) -> tuple[str, list[Any]]:
    """The numbers of the moments that hold a query's words; with `each`, as often as they hold one; the parameters."""
    optional = [Wanted((run,)) for run in asked.any_of] if each or not asked.any_of else [Wanted(asked.any_of)]
    parts = [*optional, *(Wanted((), (run,)) for run in asked.all_of)]
    if connections[using].vendor == "postgresql":
        arm, written = f"{TABLE} @@ %s::tsquery", for_tsquery
    else:
        arm, written = f"{TABLE} MATCH %s", for_fts5
    queries = [written(part, beginnings=beginnings) for part in parts]
    return " UNION ALL ".join(f"SELECT rowid FROM {TABLE} WHERE {arm}" for _ in parts), queries  # noqa: S608


def _among(column: str, ids: Collection[Any], using: str, kind: str = "bigint") -> tuple[str, Any]:
    """A condition with one parameter, and that."""
    if connections[using].vendor == "postgresql":
        return f"{column} = ANY(%s::{kind}[])", listed(ids, using=using)
    return f"{column} IN (SELECT value FROM json_each(%s))", listed(ids, using=using)  # noqa: S608


def listed(keys: Collection[Any], *, using: str = "default") -> Any:
    """Keys as the one parameter that `among` takes."""
    return list(keys) if connections[using].vendor == "postgresql" else json.dumps(list(keys))


def store(texts: Sequence[Texts], *, using: str = "default") -> None:
    """Write the words of moments, in place of what was there."""
    forget([text.moment_id for text in texts], using=using)
    names = ", ".join(COLUMNS)
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":
            cursor.executemany(
                f"INSERT INTO {TABLE} (rowid, {TABLE}) VALUES (%s, %s::tsvector)",  # noqa: S608
                [(text.moment_id, _tsvector(text)) for text in texts],
            )
        else:
            cursor.executemany(
                f"INSERT INTO {TABLE} (rowid, {names}) VALUES (%s, %s, %s, %s, %s, %s)",  # noqa: S608
                [(text.moment_id, *(" ".join(words_of(column)) for column in text.columns())) for text in texts],
            )


def forget(moment_ids: Iterable[int], *, using: str = "default") -> None:
    """Remove the words of moments."""
    with connections[using].cursor() as cursor:
        cursor.executemany(f"DELETE FROM {TABLE} WHERE rowid = %s", [(number,) for number in moment_ids])  # noqa: S608


def _tsvector(text: Texts) -> str:
    return tsvector([(column, weight) for column, (weight, _) in zip(text.columns(), COLUMNS.values(), strict=True)])
