"""Filters: one table from which the box, the chips, their counts and the checks all come.

A question is typed in one line: words, "quoted words", -unwanted words and filters (`kind:video tag:"old town"
-colour:blue after:2026-01`). Of one filter any of the values is enough, of different filters all must hold.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from django.contrib.auth import get_user_model
from django.db.models import Case, Count, F, Q, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.utils import timezone

from media_processing.engine import EngineError
from media_processing.models import Asset

KNOWN_SHOWN = 12
"""Most values that an error about an unknown one names."""
MOST_VALUES = 20
"""Most values of one filter in one question."""
PEOPLE = "people"
"""Value of `made` for what no engine made."""
Values: TypeAlias = Mapping[str, Sequence[str]]
"""Filter's name -> the values asked for."""


class QueryError(EngineError):
    """A query that can't be answered as it stands, in words for the person who asked."""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step, permanent=True)


@dataclass(frozen=True)
class Filter:
    """One way to narrow a search, as data: what may be asked, what it means, and how to count its chips."""

    name: str
    """As it is typed and as it stands in a page's address: "kind"."""
    label: str
    """Over its chips: "Kind"."""
    condition: Callable[[str], Q]
    """One of its values as a condition on assets. Raises ValueError for what isn't a value."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Its values with their labels, in their order; empty where the library's own assets say which there are."""
    value: Combinable | None = None
    """The value that an asset has, for counting; None where there is nothing to count (dates)."""
    several: Literal["", "list", "rows"] = ""
    """An asset may have several values: in a JSON list, or in rows of another table."""
    labels: Callable[[Iterable[str]], Mapping[str, str]] | None = None
    """How values that the assets give are called, where not by themselves."""
    example: str = ""
    """What may be typed besides its options: "2026-01-31"."""

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def open(self) -> bool:
        """Whether its values come from the assets."""
        return self.value is not None and not self.options

    def counted(self, assets: QuerySet[Asset]) -> dict[str, int]:
        """Value -> how many of these assets have it."""
        if self.value is None:
            return {}
        if self.several == "rows":  # most assets have none: the few that do are looked up, not all joined
            assets = assets.alias(own=self.value).filter(own__isnull=False)
        rows = assets.order_by().values_list(self.value).annotate(Count("pk", distinct=self.several == "rows"))
        counts: dict[str, int] = {}
        for value, count in rows:
            for each in value if self.several == "list" else [value]:
                if each not in (None, ""):
                    counts[str(each)] = counts.get(str(each), 0) + count
        return counts

    def known(self, assets: QuerySet[Asset]) -> dict[str, str]:
        """Its values with their labels: the fixed ones, else those that these assets have, the commonest first."""
        return dict(self.options) or self.labelled(self.counted(assets))

    def labelled(self, counts: Mapping[str, int]) -> dict[str, str]:
        """Values with their labels, the commonest first."""
        told = self.labels(counts) if self.labels and counts else {}
        return {value: told.get(value, value) for value in sorted(counts, key=lambda value: (-counts[value], value))}

    def resolved(self, typed: str, assets: QuerySet[Asset]) -> list[str]:
        """The values that somebody means by what they typed. Raises QueryError, which names those that there are."""
        if not self.open:
            for form in (typed, typed.lower()):
                try:
                    self.condition(form)
                    return [form]
                except (ValueError, OverflowError):
                    continue
            raise self._unknown(typed, self.options)
        if assets.filter(self.condition(typed)).exists():
            return [typed]
        known, meant = self.known(assets), _squashed(typed)
        found = [value for value, label in known.items() if meant in (_squashed(value), _squashed(label))]
        # "cc by" means CC BY 4.0 and not CC BY-SA 4.0; "anna" means Anna Berg.
        found = found or [value for value in known if re.fullmatch(rf"{re.escape(meant)} [\d ]+", _squashed(value))]
        found = found or [value for value, label in known.items() if self.labels and meant in _squashed(label).split()]
        if not found:
            raise self._unknown(typed, known)
        return found

    def _unknown(self, typed: str, known: Mapping[str, str]) -> QueryError:
        near = difflib.get_close_matches(typed, known, n=3)
        shown = [*near, *(value for value in known if value not in near)][:KNOWN_SHOWN]
        names = ", ".join([*map(quoted, shown), *(["..."] if len(known) > len(shown) else [])])
        names = " or ".join(filter(None, [names, self.example]))
        step = f"Use {names}." if names else "None are known in this library yet."
        return QueryError(f"{self.name}: there is no {typed[:60]!r} here.", next_step=step)


# The table ------------------------------------------------------------------------------------------------------------


def _one_of(conditions: Mapping[str, Q]) -> dict[str, Any]:
    """Condition and counted value of a filter whose values are conditions that exclude one another."""
    return {
        "condition": lambda value: _known(conditions, value),
        "value": Case(*(When(condition, then=Value(name)) for name, condition in conditions.items())),
    }


def _known(conditions: Mapping[str, Q], value: str) -> Q:
    if value not in conditions:
        raise ValueError(value)
    return conditions[value]


def _long(value: str) -> Q:
    """"short", "medium", "long", or a range of seconds: "5-20", "-20", "60-"."""
    if value in LENGTHS:
        return LENGTHS[value]
    bounds = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)?-(\d{1,6}(?:\.\d{1,3})?)?", value, re.ASCII)
    if not bounds or not any(bounds.groups()):
        raise ValueError(value)
    asked = Q(seconds__gt=0)
    if bounds[1]:
        asked &= Q(seconds__gte=float(bounds[1]))
    if bounds[2]:
        asked &= Q(seconds__lte=float(bounds[2]))
    return asked


def _day(value: str) -> datetime:
    """The first moment of a day, a month or a year: "2026-01-31", "2026-01", "2026"."""
    parts = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", value, re.ASCII)
    if not parts:
        raise ValueError(value)
    day = datetime(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1))
    return timezone.make_aware(day)


def _people(usernames: Iterable[str]) -> dict[str, str]:
    return {user.get_username(): str(user) for user in get_user_model().objects.filter(username__in=list(usernames))}


def _since(column: str) -> Callable[[str], Q]:
    return lambda value: Q(**{f"{column}__gte": _day(value)})


def _before(column: str) -> Callable[[str], Q]:
    return lambda value: Q(**{f"{column}__lt": _day(value)})


SHAPES = {
    # Nearly square looks square: 5 % either way.
    "portrait": Q(width__gt=0, height__gt=F("width") * 1.05),
    "landscape": Q(height__gt=0, width__gt=F("height") * 1.05),
    "square": Q(width__gt=0, width__lte=F("height") * 1.05, height__lte=F("width") * 1.05),
}
SIZES = {
    # By the shorter side: what fills a full-HD screen without being scaled up, and half of that.
    "small": Q(width__gt=0) & (Q(width__lt=540) | Q(height__lt=540)),
    "medium": Q(width__gte=540, height__gte=540) & (Q(width__lt=1080) | Q(height__lt=1080)),
    "large": Q(width__gte=1080, height__gte=1080),
}
LENGTHS = {
    "short": Q(seconds__gt=0, seconds__lt=10),
    "medium": Q(seconds__gte=10, seconds__lt=60),
    "long": Q(seconds__gte=60),
}
FILTERS: tuple[Filter, ...] = (
    Filter(
        "kind", "Kind", options={"image": "Pictures", "video": "Clips", "audio": "Sounds"},
        condition=lambda value: _known({kind: Q(kind=kind) for kind in Asset.Kind.values}, value), value=F("kind"),
    ),
    Filter(
        "orientation", "Shape", options={"portrait": "Portrait", "square": "Square", "landscape": "Landscape"},
        **_one_of(SHAPES),
    ),
    Filter(
        "size", "Size", options={"small": "Small", "medium": "Medium", "large": "Large (from 1080 px)"},
        **_one_of(SIZES),
    ),
    Filter(
        "duration", "Length", options={"short": "Under 10 s", "medium": "10 to 60 s", "long": "From 1 min"},
        **{**_one_of(LENGTHS), "condition": _long}, example="seconds as 5-20, -20 or 60-",
    ),
    Filter("colour", "Colour", lambda value: Q(colours__has_item=value), value=F("colours"), several="list"),
    Filter("tag", "Tags", lambda value: Q(tags__has_item=value), value=F("tags"), several="list"),
    Filter("licence", "Licence", lambda value: Q(licence__iexact=value), value=F("licence")),
    Filter(
        "by", "Added by", lambda value: Q(added_by__username=value), value=F("added_by__username"), labels=_people
    ),
    Filter(
        "made", "Made by",
        lambda value: ~Q(made_by__has_key="engine") if value == PEOPLE else Q(made_by__engine=value),
        value=Coalesce(KeyTextTransform("engine", "made_by"), Value(PEOPLE), output_field=TextField()),
    ),
    Filter("after", "Added since", _since("created"), example="a day as 2026-01-31, 2026-01 or 2026"),
    Filter("before", "Added before", _before("created"), example="a day as 2026-01-31, 2026-01 or 2026"),
    Filter("taken-after", "Taken since", _since("taken"), example="a day as 2026-01-31, 2026-01 or 2026"),
    Filter("taken-before", "Taken before", _before("taken"), example="a day as 2026-01-31, 2026-01 or 2026"),
)  # fmt: skip
"""What search knows of itself; the application adds to it what it alone knows (collections, moderation)."""


# The box --------------------------------------------------------------------------------------------------------------

_TOKENS = re.compile(
    r"""(?P<minus>-)?(?P<name>[a-z][a-z-]*):(?!//)(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))"""
    r"""|(?P<phrase>-?"[^"]*")|(?P<word>[^\s"]+)""",
    re.IGNORECASE | re.ASCII,
)
_BIDI = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])


@dataclass(frozen=True)
class Asked:
    """What was typed, taken apart."""

    words: str = ""
    """Words, "quoted words", -unwanted words: the language of search/words.py."""
    filters: Values = field(default_factory=dict)
    """Filter's name -> values, each as it was typed."""
    without: Values = field(default_factory=dict)
    """The same for what must not be: `-tag:sea`."""


def parse(text: str, table: Sequence[Filter] = FILTERS) -> Asked:
    """Take apart what was typed into the box. Raises QueryError for a filter that isn't in the table.

    What has no name before its colon, or nothing after it, is only words: "12:30", "https://...", "note: sea".
    """
    names = [each.name for each in table]
    words: list[str] = []
    chosen: dict[str, dict[str, dict[str, None]]] = {"": {}, "-": {}}
    for token in _TOKENS.finditer(tidied(text)):
        if token["name"] is None:
            words.append(token[0])
            continue
        name = token["name"].lower()
        if name not in names:
            raise QueryError(
                f"There is no filter {name[:40]!r}.",
                next_step=f"Use {', '.join(names)}; or put it in quotation marks to look for the words.",
            )
        value = (token["quoted"] if token["plain"] is None else token["plain"]).strip()
        if value:
            chosen[token["minus"] or ""].setdefault(name, {})[value] = None
    filters, without = (
        {name: tuple(chosen[sign][name]) for name in names if name in chosen[sign]} for sign in ("", "-")
    )
    return Asked(" ".join(words), filters, without)


def formatted(asked: Asked) -> str:
    """The question as it can be typed: `parse` reads the same out of it."""
    chosen = [("", asked.filters), ("-", asked.without)]
    typed = [
        f"{sign}{name}:{quoted(value)}" for sign, part in chosen for name, values in part.items() for value in values
    ]
    return " ".join([*filter(None, [asked.words]), *typed])


def quoted(value: str) -> str:
    """A value as it is typed: in quotation marks where it needs them."""
    return f'"{value}"' if re.search(r"\s", value) or value.startswith("//") else value


def tidied(text: str) -> str:
    """Text as it may go on: no control characters, no lone surrogates, no signs that turn the direction of writing."""
    plain = text.translate(_BIDI)
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in plain).strip()


def _squashed(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


# Narrowing ------------------------------------------------------------------------------------------------------------


def resolved(values: Values, assets: QuerySet[Asset], table: Sequence[Filter] = FILTERS) -> dict[str, tuple[str, ...]]:
    """What was typed as the values that are meant. Raises QueryError for a name or a value that isn't known."""
    by_name = {each.name: each for each in table}
    meant: dict[str, tuple[str, ...]] = {}
    for name, typed in values.items():
        if name not in by_name:
            raise QueryError(f"There is no filter {name[:40]!r}.", next_step=f"Use {', '.join(by_name)}.")
        if isinstance(typed, str) or len(typed) > MOST_VALUES:
            raise QueryError(f"{name}: give a list of up to {MOST_VALUES} values.")
        tidy = dict.fromkeys(filter(None, (tidied(str(value))[:300] for value in typed)))
        found = [one for value in tidy for one in by_name[name].resolved(value, assets)]
        if found:
            meant[name] = tuple(dict.fromkeys(found))
    return meant


def condition(filters: Values, without: Values, table: Sequence[Filter] = FILTERS) -> Q:
    """Resolved values as one condition on assets: of each filter any value, of `without` none."""
    wanted = Q()
    for each in table:
        any_of = Q()
        for value in filters.get(each.name, ()):
            any_of |= each.condition(value)
        wanted &= any_of
        for value in without.get(each.name, ()):
            wanted &= ~each.condition(value)
    return wanted
