"""What of the API will go: one list, which the answers' headers and the OpenAPI document are made from.

`Deprecation` says since when (RFC 9745), `Sunset` on which day it ends (RFC 8594), and `Link` where to read more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.http.response import HttpResponseBase
from django.utils.http import http_date

NOTICE = timedelta(days=365)
"""How long a thing works on at least, once it is said that it goes."""


@dataclass(frozen=True)
class Ending:
    """Since when something is deprecated, when it goes, and what to use instead. Raises ValueError for too short."""

    since: date
    until: date
    instead: str

    def __post_init__(self) -> None:
        if self.until - self.since < NOTICE:
            raise ValueError(f"What apps build on goes {NOTICE.days} days after it was said, at the earliest.")

    @property
    def words(self) -> str:
        return f"Deprecated since {self.since}, gone on {self.until}: {self.instead}"


ENDINGS: dict[str, Ending] = {}
"""Operation ("list_stories") or query parameter of one ("list_stories.kind") -> its end. Nothing goes yet."""


def tell(response: HttpResponseBase, operation: str, asked: Collection[str]) -> None:
    """Put the soonest end of what a request used, an operation and its query parameters, into the answer's headers."""
    used = [ENDINGS[name] for name in (operation, *(f"{operation}.{each}" for each in asked)) if name in ENDINGS]
    if used:
        ending = min(used, key=lambda each: each.until)
        response["Deprecation"] = f"@{_seconds(ending.since):.0f}"
        response["Sunset"] = http_date(_seconds(ending.until))
        response["Link"] = '</api/v1/docs>; rel="deprecation"; type="text/html"'


def _seconds(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
