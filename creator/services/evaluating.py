"""What a ranker would have earned on the lists that another one made: the report that its activation needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.utils import timezone

from creator.models import Channel, Interaction, OfferedList, Ranker
from creator.services import rankers
from search import learning
from search.learning import Estimate, Shown

PERIOD = timedelta(days=30)
MOST_LISTS = 20_000
"""Of a channel; the newest."""
ENOUGH = {"lists": 200, "clicks": 50, "coins": 30}
"""What a report must rest on to tell anything: lists that were seen, clicks on them, clicks under a coin."""


@dataclass(frozen=True)
class Log:
    """A channel's lists as they were seen, with the terms of what stood on them."""

    channel: Channel
    shown: Shown
    terms: Sequence[Mapping[str, float]]
    """Of each item."""

    @property
    def clicks(self) -> int:
        return int(self.shown.clicks.sum())

    @property
    def coins(self) -> int:
        return int(self.shown.wins().sum())

    def order(self, weights: Mapping[str, float]) -> learning.Places:
        """(n,) the place of each item by these weights, of the items of its list; equals as they were."""
        scores = np.array([sum(weights.get(term, 0.0) * value for term, value in each.items()) for each in self.terms])
        by = np.lexsort((self.shown.before, -np.round(scores, 9), self.shown.group))
        starts = np.concatenate([[0], np.cumsum(self.shown.lengths)])[self.shown.group]
        place: learning.Places = np.empty(len(scores), np.intp)
        place[by] = np.arange(len(scores))
        place -= starts
        return place


def log_of(channel: Channel, *, since: datetime) -> Log:
    """The lists of a channel of which somebody saw something."""
    told = Interaction.objects.filter(channel=channel, counted=True, list__offered__gte=since).order_by()
    clicked = set(told.filter(kind=Interaction.Kind.CLICK).values_list("list", "story"))
    lists = OfferedList.objects.filter(channel=channel, offered__gte=since, pk__in=told.values("list"))
    rows = list(lists.order_by("-offered").values_list("pk", "items", "pair", "coins")[:MOST_LISTS])
    group, before, place, clicks, terms = [], [], [], [], []
    for number, (pk, items, _pair, _coins) in enumerate(rows):
        for at, item in enumerate(items):
            group.append(number)
            before.append(item["before"])
            place.append(at)
            clicks.append(float((pk, UUID(item["story"])) in clicked))
            terms.append(item["terms"])
    whole = [np.array(each, np.intp) for each in (group, before, place)]
    pairs = np.array([pair or [-1, -1] for _pk, _items, pair, _coins in rows], np.intp).reshape(-1, 2)
    share = np.array([coins for *_rest, coins in rows], np.float64)
    return Log(channel, Shown(whole[0], whole[1], whole[2], np.array(clicks), pairs, share), terms)


def evaluate(ranker: Ranker, *, now: datetime | None = None, rng: np.random.Generator | None = None) -> dict[str, Any]:
    """Write down what a ranker's weights would have earned on the lists of the last 30 days, and what the active ones.

    Both orders are those by score of the stories that each list held; likeness and chance are left out of both. All is
    in clicks per list: `ips` and `snips` of the ranker, `gain` over the active one, each with its interval, and
    `replay` over the pairs that a coin ordered as the ranker would, beside `replay_now` for the active one. With less
    than ENOUGH to rest on, `enough` is false.
    """
    now, rng = now or timezone.now(), rng or np.random.default_rng(0)
    before = rankers.active(ranker.workspace_id)
    weights, other = (rankers.scheme_of(each)["feed"].weights for each in (ranker, before))
    logs = [log_of(each, since=now - PERIOD) for each in Channel.objects.filter(workspace=ranker.workspace_id)]
    logs = [each for each in logs if len(each.terms)]
    rests_on = {
        "lists": sum(len(each.shown.share) for each in logs), "clicks": sum(each.clicks for each in logs),
        "coins": sum(each.coins for each in logs),
    }  # fmt: skip
    report: dict[str, Any] = {
        "against": before.version, "until": now.isoformat(timespec="seconds"), **rests_on,
        "enough": all(rests_on[name] >= least for name, least in ENOUGH.items()), "needed": ENOUGH,
    }  # fmt: skip
    if logs:
        orders = [(log, log.order(weights), log.order(other)) for log in logs]
        valued = [learning.value(log.shown, target, held, rng) for log, target, held in orders]
        report |= {
            name: _told(_over_channels([getattr(each, name) for each in valued])) for name in ("ips", "snips", "gain")
        }
        report["replay"] = _told(_replay((log, target) for log, target, _held in orders))
        report["replay_now"] = _told(_replay((log, held) for log, _target, held in orders))
        report["channels"] = [
            {"channel": log.channel.slug, "lists": len(log.shown.share), "gain": _told(each.gain)}
            for (log, *_orders), each in zip(orders, valued, strict=True)
        ]
    Ranker.objects.filter(pk=ranker.pk).update(report=report, reported=now)
    return report


def _over_channels(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over all lists, of channels that know nothing of each other."""
    lists = np.array([each.count for each in estimates], np.float64)
    share = lists / lists.sum()
    reach = math.sqrt(sum((part * (each.high - each.value)) ** 2 for part, each in zip(share, estimates, strict=True)))
    value = float(sum(part * each.value for part, each in zip(share, estimates, strict=True)))
    clipped = float(sum(part * each.clipped for part, each in zip(share, estimates, strict=True)))
    return Estimate(value, value - reach, value + reach, int(lists.sum()), clipped)


def _replay(orders: Iterable[tuple[Log, learning.Places]]) -> Estimate:
    """Clicks on the two items of a coin's pair, where the coin ordered them as the order does."""
    rewards: list[float] = []
    agrees: list[bool] = []
    for log, order in orders:
        shown = log.shown
        first, second = shown.pairs[shown.group].T
        upper, lower = np.flatnonzero(shown.place == first), np.flatnonzero(shown.place == second)
        rewards += (shown.clicks[upper] + shown.clicks[lower]).tolist()
        agrees += (order[upper] < order[lower]).tolist()
    return learning.replay(np.array(rewards), np.array(agrees, bool))


def _told(estimate: Estimate) -> dict[str, Any]:
    """For JSON, which knows no infinity."""
    return {
        name: value if isinstance(value, int) else round(value, 5) if math.isfinite(value) else None
        for name, value in asdict(estimate).items()
    }


def agreement(rows: Iterable[OfferedList]) -> Estimate:
    """How far the shadow's lists hold what was shown: the mean share of a list's stories, over lists."""
    shares: list[float] = []
    for row in rows:
        shown = {item["story"] for item in row.items}
        if row.shadow_order:
            shares.append(len(shown & set(row.shadow_order[: len(shown)])) / len(shown))
    return learning.ips(np.array(shares), np.ones(len(shares))) if shares else Estimate(0.0, 0.0, 1.0, 0)

