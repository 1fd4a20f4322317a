"""Offering a channel's stories as a ranked list, and writing down what was offered, why, and with what chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Q
from django.utils import timezone

from creator.models import Channel, OfferedList, Publication
from creator.services import engagement, published, rankers, terms
from search import learning, ranking
from search import services as search
from search.ranking import Fused, Signal
from search.schemes import Surface

POOL = 200
"""The newest stories of a channel, from which a list is made: what is older was on lists long enough."""
KEPT = timedelta(days=30)
"""How long a list is remembered; events on older ones are refused anyway."""


@dataclass(frozen=True)
class Offer:
    """A story in its place, and why it stands there."""

    publication: Publication
    place: int
    """From 1, as it is shown."""
    rank: int
    """From 1, before a coin and the lottery; 0 for what only the lottery brought in."""
    by_score: int
    """From 1, by the score alone, before likeness counted."""
    score: float
    explain: tuple[Signal, ...]
    propensity: float
    """How likely it was to stand there."""
    by: str = ""
    """"lottery" or "coin" where chance put it there."""


@dataclass(frozen=True)
class Offered:
    """A list as it was offered."""

    list: OfferedList | None
    """None for an empty one, which isn't written down."""
    ranker: int
    """Version."""
    offers: Sequence[Offer]


@dataclass(frozen=True)
class Pool:
    """What a list may hold: publications, with what ranking knows of them."""

    publications: Sequence[Publication]
    values: Sequence[Mapping[str, float]]
    vectors: ranking.Vectors
    """(n, d) of their covers; zeros where nothing has seen one."""
    clicked: learning.Posterior


def offer(
    channel: Channel, *, limit: int = 20, language: str = "", exclude: Collection[UUID] = (),
    now: datetime | None = None, rng: np.random.Generator | None = None,
) -> Offered:  # fmt: skip
    """A list of up to `limit` of a channel's stories for one person, written down so that events can be told of it.

    Hard rules first: only what is live and may be seen now, in the language that is asked for, no story of `exclude`
    (what the person has seen), none in two languages, no cover twice. Then terms and likeness order them. One place
    is filled by Thompson's lottery among all that could stand there, and in a share of the lists a fair coin orders two
    places; the ranker in the shadow orders the same stories, which is written down and not shown.
    """
    now, rng = now or timezone.now(), rng or np.random.default_rng()
    ranker = rankers.active(channel.workspace_id)
    scheme = rankers.scheme_of(ranker)
    pool = _pool(channel, language, frozenset(exclude), scheme["feed"], now)
    count = min(limit, len(pool.publications), engagement.PLACES)
    if not count:
        return Offered(None, ranker.version, ())
    scored = ordered(pool, scheme["feed"])
    by_score = {one.key: at for at, one in enumerate(scored, 1)}
    best = diversified(pool, scored, scheme["feed"], len(scored))
    before, drawn, chance = _with_lottery(best, scheme.slot, count, pool, rng)
    pair, tossed = _coin(count, scheme.coins, rng)
    shown = list(before)
    if tossed:
        shown[pair[0]], shown[pair[1]] = shown[pair[1]], shown[pair[0]]
    place_before = {key: at for at, key in enumerate(before)}
    reasons = {one.key: one for one in scored}
    rank = {key: at for at, key in enumerate(best, 1)}
    moved = scheme.coins / count if count > 1 else 0.0
    offers, items = [], []
    for at, key in enumerate(shown):
        stays = place_before[key] == at
        propensity = (1 - moved if stays else moved / (count - 1)) * (chance if place_before[key] == drawn else 1.0)
        lucky = place_before[key] == drawn and before[drawn] != best[drawn]
        publication, one = pool.publications[key], reasons[key]
        offers.append(Offer(
            publication, at + 1, rank[key] if rank[key] <= count else 0, by_score[key], one.score, one.explain,
            propensity, "lottery" if lucky else "" if stays else "coin",
        ))  # fmt: skip
        items.append({
            "story": str(publication.story_id), "before": place_before[key],
            "terms": {term: round(value, 4) for term, value in pool.values[key].items()},
            "propensity": round(propensity, 6),
        })  # fmt: skip
    row = OfferedList(
        workspace_id=channel.workspace_id, channel=channel, ranker=ranker, offered=now, items=items, pair=list(pair),
        coins=scheme.coins if count > 1 else 0.0, drawn=None if drawn < 0 else drawn,
    )  # fmt: skip
    other = rankers.shadow(channel.workspace_id)
    if other is not None:
        surface = rankers.scheme_of(other)["feed"]
        order = diversified(pool, ordered(pool, surface), surface, count)
        row.shadow, row.shadow_order = other, [str(pool.publications[key].story_id) for key in order]
    row.save(force_insert=True)
    return Offered(row, ranker.version, offers)


def ordered(pool: Pool, surface: Surface) -> list[Fused[int]]:
    """A pool by score; equals, the newer first."""
    scored = [ranking.weighed(key, values, surface.weights) for key, values in enumerate(pool.values)]
    return sorted(scored, key=lambda one: (-one.score, one.key))


def diversified(pool: Pool, scored: Sequence[Fused[int]], surface: Surface, count: int) -> list[int]:
    """The first places after look-alikes of what stands above were put back."""
    keys = [one.key for one in scored]
    chosen = ranking.mmr(pool.vectors[keys], [one.score for one in scored], count, surface.trade_off)
    return [keys[at] for at in chosen]


def _with_lottery(
    best: Sequence[int], slot: int, count: int, pool: Pool, rng: np.random.Generator
) -> tuple[list[int], int, float]:
    """The list before the coin; the place that the lottery filled (-1: none); the drawn one's chance."""
    if not 0 < slot <= count or slot >= len(best):
        return list(best[:count]), -1, 1.0
    above, rest = list(best[: slot - 1]), list(best[slot - 1 :])
    known = learning.Posterior(pool.clicked.alpha[rest], pool.clicked.beta[rest])
    at = learning.thompson(known, rng)
    chance = float(learning.thompson_chances(known, rng)[at])
    drawn = rest.pop(at)
    return [*above, drawn, *rest][:count], slot - 1, chance


def _coin(count: int, share: float, rng: np.random.Generator) -> tuple[tuple[int, ...], bool]:
    """The two places that a coin orders, none in most lists; and whether it turned them."""
    if count < 2 or rng.random() >= share:
        return (), False
    one, other = sorted(int(each) for each in rng.choice(count, 2, replace=False))
    return (one, other), bool(rng.random() < 0.5)


def _pool(channel: Channel, language: str, exclude: frozenset[UUID], surface: Surface, now: datetime) -> Pool:
    rows = published.narrowed(Publication.objects.live().filter(channel=channel), language=language)
    newest = list(rows.filter(~Q(story__in=exclude)).select_related("story").order_by("-published", "pk")[:POOL])
    known = terms.of_publications(newest)
    seen: set[Any] = set()
    kept = []
    for each in newest:
        marks = {("story", each.original), ("cover", known[each.pk].cover_id or each.pk)}
        if not marks & seen:
            seen |= marks
            kept.append(each)
    liked = engagement.of_stories(channel, now=now)
    stories = [each.story_id for each in kept]
    values = [
        {**known[each.pk].values, "engagement": clicked,
         "freshness": surface.freshness((now - each.published).total_seconds() / 86_400)}
        for each, clicked in zip(kept, liked.values(stories), strict=True)
    ]  # fmt: skip
    covers = [known[each.pk].cover_id for each in kept]
    vectors = search.embeddings_of(channel.workspace_id, [each for each in covers if each])
    width = next((len(vector) for vector in vectors.values()), 1)
    nothing = np.zeros(width, np.float32)
    stacked = [vectors.get(each, nothing) if each else nothing for each in covers]
    return Pool(
        kept, values, np.stack(stacked) if stacked else np.empty((0, width), np.float32), liked.posterior(stories)
    )


def forget_old(now: datetime | None = None) -> int:
    """Let lists go that events can't be told of any more, with what was told; the tallies stay. Returns how many."""
    _all, deleted = OfferedList.objects.filter(offered__lt=(now or timezone.now()) - KEPT).delete()
    return deleted.get("creator.OfferedList", 0)
