"""What works: how stories, formats, titles, pictures, hours and engines were clicked, with how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeAlias
from uuid import UUID

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import ExtractHour, TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from creator.models import Channel, OfferedList, Publication, Ranker, Scene, Story, Tally, Workspace
from creator.services import engagement, evaluating, spending
from creator.services.engagement import PLACES
from media_processing import spreadsheets
from media_processing.models import Asset
from moderation.models import Review
from search import learning
from search.learning import Estimate

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "A year"}
SHOWN = 12
"""Rows of a chart; the CSV has all."""
TOO_FEW = 30.0
"""Looks from which on a rate is worth a look itself: with fewer, an interval spans most of what rates there are."""
TOGETHER = 3
"""Hours of the day that are taken together."""
SHORT, LONG = 40, 70
"""Characters up to which a title is short, and from which it is long."""
Counts: TypeAlias = tuple[int, int, int]
"""Impressions, clicks, completions."""


@dataclass(frozen=True)
class Line:
    """One of several things that are compared."""

    label: str
    impressions: int
    looks: float
    """Impressions, each counted as much as its place is looked at beside the first."""
    clicks: int
    completions: int
    rate: Estimate
    """Clicks per look."""
    story: UUID | None = None
    asset: UUID | None = None

    @property
    def enough(self) -> bool:
        return self.rate.count >= TOO_FEW


@dataclass(frozen=True)
class Group:
    """Things that are compared, the best known first."""

    name: str
    label: str
    told: str
    """What is compared, in a sentence."""
    lines: Sequence[Line]

    @property
    def shown(self) -> Sequence[Line]:
        return self.lines[:SHOWN]

    @property
    def most(self) -> float:
        """The end of the chart's scale: the highest bound of what is known well enough, a little rounded up."""
        known = [line.rate.high for line in self.shown if line.enough] or [line.rate.value for line in self.shown]
        highest = max(known, default=0.0)
        return next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75) if highest <= step), 1.0)


@dataclass(frozen=True)
class Figure:
    """A number with what it was in the period before."""

    label: str
    value: float | None
    before: float | None
    unit: str = ""
    """"" for a count, "%" for a share, "h" for hours."""
    told: str = ""


@dataclass(frozen=True)
class Column:
    """A bar of a chart over time or places."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


class Insights:
    """One workspace, all of its channels or one, the last so many days; read as it is asked for."""

    def __init__(
        self, workspace: Workspace, *, channel: Channel | None = None, days: int = 30, now: datetime | None = None
    ) -> None:
        self.workspace, self.channel, self.days = workspace, channel, days
        self.now = now or timezone.now()
        self.since = self.now - timedelta(days=days)
        self.channels = [channel] if channel else list(Channel.objects.filter(workspace=workspace))
        self.seen = {each.pk: engagement.examination(each) for each in self.channels}

    # Numbers ---------------------------------------------------------------------------------------------------------

    def figures(self) -> list[Figure]:
        """What was published and how it was taken up, beside the period before."""
        before = self.since - timedelta(days=self.days)
        now_then = [self._sums(self.since, self.now), self._sums(before, self.since)]
        named = (
            ("published", gettext("Published"), "", ""),
            ("clicks", gettext("Clicks"), "", ""),
            ("rate", gettext("Clicks per impression"), "%",
             gettext("Uncorrected: a list's first places are clicked most.")),
            ("approved", gettext("Approved"), "%", gettext("Of the reviews that were decided.")),
            ("hours", gettext("From brief to live"), "h", gettext("On average.")),
        )
        now, then = now_then
        return [Figure(label, now[name], then[name], unit, told) for name, label, unit, told in named]

    def _sums(self, since: datetime, until: datetime) -> dict[str, float | None]:
        tallied = self._tallies(since, until).aggregate(shown=Sum("impressions"), clicks=Sum("clicks"))
        reviews = Review.objects.in_workspace(self.workspace.pk).filter(decided__gte=since, decided__lt=until)
        decided = reviews.filter(state__in=(Review.State.APPROVED, Review.State.REJECTED))
        verdicts = decided.aggregate(all=Count("pk"), good=Count("pk", filter=Q(state=Review.State.APPROVED)))
        took = ExpressionWrapper(F("published") - F("story__created"), output_field=DurationField())
        live = self._published().filter(published__gte=since, published__lt=until)
        out = live.aggregate(count=Count("pk"), took=Avg(took))
        return {
            "published": out["count"], "clicks": tallied["clicks"] or 0,
            "rate": tallied["clicks"] / tallied["shown"] if tallied["shown"] else None,
            "approved": verdicts["good"] / verdicts["all"] if verdicts["all"] else None,
            "hours": max(0.0, out["took"].total_seconds() / 3600) if out["took"] is not None else None,
        }  # fmt: skip

    def has_events(self) -> bool:
        return bool(self._tallies(self.since, self.now).exists())

    def _published(self) -> Any:
        rows = Publication.objects.filter(workspace=self.workspace)
        return rows.filter(channel=self.channel) if self.channel else rows

    def _tallies(self, since: datetime, until: datetime) -> Any:
        rows = Tally.objects.filter(workspace=self.workspace, hour__gte=since, hour__lt=until).order_by()
        return rows.filter(channel=self.channel) if self.channel else rows

    # Over time and places --------------------------------------------------------------------------------------------

    def output(self) -> list[Column]:
        """Stories published each day; each week where the days would be too many to see."""
        found = self._published().filter(published__gte=self.since).order_by()
        per_day = dict(found.values_list(TruncDate("published")).annotate(Count("pk")))
        step = 1 if self.days <= 31 else 7
        first = timezone.localtime(self.since).date() + timedelta(days=1)
        days = [first + timedelta(days=number) for number in range(self.days)]
        return [
            Column(date_format(days[at], "j M"), sum(per_day.get(day, 0) for day in days[at : at + step]))
            for at in range(0, self.days, step)
        ]

    def places(self) -> list[tuple[Channel, int, list[Column]]]:
        """Channel, clicks under a coin, and how often each of its first ten places is looked at beside the first."""
        return [
            (each, engagement.coins(each), [Column(str(at + 1), float(self.seen[each.pk][at])) for at in range(10)])
            for each in self.channels
        ]

    # Compared --------------------------------------------------------------------------------------------------------

    @cached_property
    def by_story(self) -> dict[UUID, dict[tuple[int, int], Counts]]:
        """Story -> (channel, place) -> counts."""
        found: dict[UUID, dict[tuple[int, int], Counts]] = {}
        for story, *key, shown, clicks, ends in self._counted("story"):
            found.setdefault(story, {})[key[0], key[1]] = (shown, clicks, ends)
        return found

    @cached_property
    def stories(self) -> dict[UUID, Story]:
        return Story.objects.only("title", "engines", "language").in_bulk(list(self.by_story))

    def _counted(self, *by: Any, **named: Any) -> Any:
        rows = self._tallies(self.since, self.now).annotate(**named).values_list(*by, *named, "channel", "place")
        return rows.annotate(Sum("impressions"), Sum("clicks"), Sum("completions"))

    def groups(self) -> list[Group]:
        """All that is compared."""
        zone = timezone.get_current_timezone_name()
        made = (
            ("stories", gettext("Stories"), gettext("Each by how often it was clicked when it was looked at."),
             self._stories()),
            ("pictures", gettext("Pictures"), gettext("By a story's first picture."), self._pictures()),
            ("titles", gettext("Titles"), gettext("By what kind of title a story has; one may be of several kinds."),
             self._titles()),
            ("formats", gettext("Formats"), gettext("By the format that the app says it showed."), self._formats()),
            ("hours", gettext("Hours"), gettext("By the hour of the day, in %(zone)s.") % {"zone": zone},
             self._hours()),
            ("engines", gettext("Engines"), gettext("By what wrote and spoke a story, and drew for it."),
             self._engines()),
        )
        return [Group(*each) for each in made]

    def _line(self, label: str, counts: Iterable[tuple[tuple[int, int], Counts]], **more: Any) -> Line:
        shown = clicks = ends = 0
        looks = 0.0
        for (channel, place), (impressions, clicked, ended) in counts:
            shown, clicks, ends = shown + impressions, clicks + clicked, ends + ended
            looks += impressions * float(self.seen[channel][min(place, PLACES - 1)])
        return Line(label, shown, round(looks, 1), clicks, ends, learning.rate(clicks, looks), **more)

    def _stories(self) -> list[Line]:
        lines = [
            self._line(self.stories[story].title or "Untitled", counts.items(), story=story)
            for story, counts in self.by_story.items() if story in self.stories
        ]  # fmt: skip
        return _sorted(lines)

    def _pictures(self) -> list[Line]:
        covers = Scene.objects.filter(story__in=list(self.by_story), position=0, asset__isnull=False)
        shown: dict[UUID, list[UUID]] = {}
        for asset, story in covers.order_by().values_list("asset", "story"):
            shown.setdefault(asset, []).append(story)
        assets = Asset.objects.only("title", "alt").in_bulk(list(shown))
        return _sorted([
            self._line(assets[asset].title or assets[asset].alt or "Untitled", self._of(stories), asset=asset)
            for asset, stories in shown.items()
        ])  # fmt: skip

    def _of(self, stories: Iterable[UUID]) -> Iterable[tuple[tuple[int, int], Counts]]:
        for story in stories:
            yield from self.by_story[story].items()

    def _of_stories(self, kinds: Callable[[Story], Iterable[str]]) -> list[Line]:
        """Lines of what kinds of stories there are."""
        found: dict[str, list[UUID]] = {}
        for pk, story in self.stories.items():
            for kind in kinds(story):
                found.setdefault(kind, []).append(pk)
        return _sorted([self._line(kind, self._of(stories)) for kind, stories in found.items()])

    def _titles(self) -> list[Line]:
        return self._of_stories(lambda story: _kinds_of(story.title))

    def _engines(self) -> list[Line]:
        return self._of_stories(lambda story: [f"{role}: {name}" for role, name in story.engines.items() if name])

    def _formats(self) -> list[Line]:
        found: dict[str, list[tuple[tuple[int, int], Counts]]] = {}
        for value, channel, place, *counts in self._counted("format"):
            found.setdefault(value or "not told", []).append(((channel, place), (counts[0], counts[1], counts[2])))
        return _sorted([self._line(value, counts) for value, counts in found.items()])

    def _hours(self) -> list[Line]:
        found: dict[int, list[tuple[tuple[int, int], Counts]]] = {}
        zone = timezone.get_current_timezone()
        for hour, channel, place, *counts in self._counted(of_day=ExtractHour("hour", tzinfo=zone)):
            found.setdefault(hour // TOGETHER, []).append(((channel, place), (counts[0], counts[1], counts[2])))
        starts = [(part * TOGETHER, counts) for part, counts in sorted(found.items())]
        return [self._line(_span(hour, (hour + TOGETHER) % 24), counts) for hour, counts in starts]

    # Costs -----------------------------------------------------------------------------------------------------------

    def costs(self) -> list[spending.Line]:
        """What each engine cost in this time, for all channels together; the dearest first."""
        charged = spending.charges_of(self.workspace, "all").filter(created__gte=self.since, created__lt=self.now)
        return spending.lines(self.workspace, charged, "engine")[:SHOWN]

    # Rankers ---------------------------------------------------------------------------------------------------------

    def rankers(self) -> dict[str, Any]:
        """The weights in use, the ones in the shadow, and how much of a list both would show."""
        versions = {each.version: each for each in Ranker.objects.filter(workspace=self.workspace)}
        active = next((each for each in versions.values() if each.active), None)
        shadow = next((each for each in versions.values() if each.shadow), None)
        lists = OfferedList.objects.filter(channel__in=self.channels, shadow=shadow, offered__gte=self.since)
        return {
            "active": active, "shadow": shadow,
            "agreement": evaluating.agreement(lists.order_by("-offered")[:1000]) if shadow else None,
            "reported": [each for each in versions.values() if each.report][:5],
        }  # fmt: skip


def _sorted(lines: Iterable[Line]) -> list[Line]:
    """What is surely good first: by the low end of the interval; what too few saw comes last."""
    return sorted(lines, key=lambda line: (not line.enough, -line.rate.low, -line.impressions, line.label))


def _span(start: int, end: int) -> str:
    """Hours of the day."""
    return gettext("%(start)s to %(end)s") % {"start": f"{start:02}:00", "end": f"{end:02}:00"}


def _kinds_of(title: str) -> list[str]:
    """What kind of title it is."""
    length = len(title)
    size = "short" if length <= SHORT else "long" if length >= LONG else "middling"
    words = {
        "short": gettext("Up to %(number)s characters") % {"number": SHORT},
        "middling": gettext("%(short)s to %(long)s characters") % {"short": SHORT + 1, "long": LONG - 1},
        "long": gettext("%(number)s characters and more") % {"number": LONG},
    }
    kinds = [words[size]]
    if title.rstrip().endswith(("?", "？", "؟")):
        kinds.append(gettext("A question"))
    if any(char.isdigit() for char in title):
        kinds.append(gettext("With a number"))
    if ":" in title or "：" in title:
        kinds.append(gettext("With a colon"))
    return kinds


COLUMNS = ("of", "what", "impressions", "looks", "clicks", "completions", "clicks per look", "low", "high", "enough")


def as_csv(insights: Insights) -> Iterable[str]:
    """Everything that is compared as CSV. No cell can become a formula in a spreadsheet."""
    rows = (
        (
            group.name, each.label, each.impressions, each.looks, each.clicks, each.completions,
            round(each.rate.value, 5), round(each.rate.low, 5), round(each.rate.high, 5),
            "yes" if each.enough else "too few to tell",
        )
        for group in insights.groups()
        for each in group.lines
    )  # fmt: skip
    return spreadsheets.lines(COLUMNS, rows)
