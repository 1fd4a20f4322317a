"""What people's clicks say: how places are looked at, how stories and pictures are liked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import numpy as np
from django.conf import settings
from django.core.cache import cache
from django.db.models import Sum
from django.utils import timezone

from creator.models import Channel, CoinTally, Scene, Tally, Workspace
from search import learning
from search.learning import Numbers, Posterior

PLACES = 50
"""The longest list that is offered; further down nobody is known to look."""
WINDOW = timedelta(days=30)
"""How far back clicks say something of what is liked now."""
Kept = TypeVar("Kept")
KEPT = 60.0
"""Seconds for which figures are taken as they were."""


@dataclass(frozen=True)
class Engagement:
    """How the stories of a channel are liked."""

    usual: float
    """Clicks of a story for each look at it, over all of them."""
    known: Mapping[UUID, tuple[float, float]]
    """Story -> (clicks, looks)."""

    def posterior(self, stories: list[UUID]) -> Posterior:
        """Of their click rates; one that nobody saw is taken for a usual one."""
        counts = np.array([self.known.get(story, (0.0, 0.0)) for story in stories], np.float64).reshape(-1, 2)
        return learning.posterior(counts[:, 0], counts[:, 1], usual=self.usual)

    def values(self, stories: list[UUID]) -> list[float]:
        """As a term, 0 to 1: 0.5 for a usual one, 2/3 for one that is clicked twice as often."""
        means = self.posterior(stories).mean
        return [float(mean / (mean + self.usual)) for mean in means]


def examination(channel: Channel) -> Numbers:
    """(PLACES,) how often each place of a channel's lists is looked at, as a share of the first."""

    def estimated() -> Numbers:
        clicks = np.zeros((PLACES, PLACES))
        rows = CoinTally.objects.filter(channel=channel, clicked__lt=PLACES, other__lt=PLACES)
        for place, other, count in rows.values_list("clicked", "other", "clicks"):
            clicks[place, other] = count
        longest = 1 + max((at for at in range(PLACES) if clicks[at].any() or clicks[:, at].any()), default=0)
        seen = learning.examination(clicks[:longest, :longest])
        steep = learning.steepness(clicks[:longest, :longest])
        return np.concatenate([seen, learning.assumed_examination(PLACES, steep)[longest:]])

    return _kept(f"examination:{channel.pk}", estimated)


def coins(channel: Channel) -> int:
    """Clicks that examination is estimated from."""
    return CoinTally.objects.filter(channel=channel).aggregate(all=Sum("clicks"))["all"] or 0


def of_stories(channel: Channel, *, now: datetime | None = None) -> Engagement:
    """How the stories of a channel were liked of late, places taken into account."""
    moment = now or timezone.now()

    def counted() -> Engagement:
        seen = examination(channel)
        rows = Tally.objects.filter(channel=channel, hour__gte=moment - WINDOW, place__lt=PLACES).order_by()
        known: dict[UUID, tuple[float, float]] = {}
        sums = rows.values_list("story", "place").annotate(Sum("impressions"), Sum("clicks"))
        for story, place, shown, clicks in sums:
            before = known.get(story, (0.0, 0.0))
            known[story] = (before[0] + clicks, before[1] + shown * float(seen[place]))
        return Engagement(_usual(known), known)

    return _kept(f"engagement:{channel.pk}", counted)


def of_pictures(workspace: Workspace | int, *, now: datetime | None = None) -> Mapping[UUID, float]:
    """Asset -> how the stories were liked whose first picture it is, 0 to 1 as `Engagement.values`."""
    workspace_id = workspace.pk if isinstance(workspace, Workspace) else workspace
    moment = now or timezone.now()
    if not Tally.objects.filter(workspace=workspace_id).exists():
        return {}

    def counted() -> Mapping[UUID, float]:
        liked: dict[UUID, tuple[float, float]] = {}
        for channel in Channel.objects.filter(workspace=workspace_id):
            for story, (clicks, looks) in of_stories(channel, now=moment).known.items():
                before = liked.get(story, (0.0, 0.0))
                liked[story] = (before[0] + clicks, before[1] + looks)
        covers = Scene.objects.filter(story__in=list(liked), position=0, asset__isnull=False)
        pictures: dict[UUID, tuple[float, float]] = {}
        for asset, story in covers.order_by().values_list("asset", "story"):
            before = pictures.get(asset, (0.0, 0.0))
            pictures[asset] = (before[0] + liked[story][0], before[1] + liked[story][1])
        everything = Engagement(_usual(liked), pictures)
        return dict(zip(pictures, everything.values(list(pictures)), strict=True))

    return _kept(f"pictures:{workspace_id}", counted)


def _usual(known: Mapping[UUID, tuple[float, float]]) -> float:
    """The mean rate, with ten looks at one of 5 % before anything is known."""
    clicks, looks = (sum(each[at] for each in known.values()) for at in (0, 1))
    return min((clicks + 0.5) / (max(looks, clicks) + 10), 0.95)


def _kept(name: str, make: Callable[[], Kept]) -> Kept:
    key = f"{settings.DATA}:{name}"
    found: Kept | None = cache.get(key)
    if found is None:
        found = make()
        cache.set(key, found, KEPT)
    return found
