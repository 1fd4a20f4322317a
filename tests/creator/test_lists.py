"""Ranked lists: hard rules first, terms that sum to the score, chance that is written down."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from creator.models import Channel, OfferedList, Publication, PublishedTerms, Tally
from creator.services import engagement, lists, rankers
from search import schemes
from search.schemes import Scheme
from tests.conftest import Cast
from tests.creator.ranked import channel_of, published


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return channel_of(cast.workspace)


def without_chance(cast: Cast, **weights: float) -> None:
    rules = schemes.shipped()
    rules["explore"] = {"coins": 0.0, "slot": 0}
    if weights:
        rules["surfaces"]["feed"]["weights"] = {term: weights.get(term, 0.0) for term in schemes.TERMS}
    first = rankers.active(cast.workspace.pk)
    first.active = False
    first.save()
    made = rankers.new_version(cast.workspace, rules)
    made.active = True
    made.save()


def test_reasons_sum_to_the_score_and_name_every_term(channel: Channel) -> None:
    published(channel, 12)
    made = lists.offer(channel, limit=10)
    assert len(made.offers) == 10
    for each in made.offers:
        assert sum(reason.contribution for reason in each.explain) == pytest.approx(each.score, abs=1e-6)
        assert {reason.name for reason in each.explain} == set(schemes.TERMS)
        for reason in each.explain:
            assert reason.contribution == pytest.approx(reason.weight * reason.value, abs=1e-9)
            assert 0 <= reason.value <= 1


def test_without_chance_the_newest_of_equals_come_first(cast: Cast, channel: Channel) -> None:
    without_chance(cast)
    made = lists.offer(channel, limit=5)
    assert made.list is None and not made.offers  # nothing is published yet
    stories = published(channel, 6)
    made = lists.offer(channel, limit=5)
    assert [each.publication.pk for each in made.offers] == [each.pk for each in stories[:5]]
    assert [each.place for each in made.offers] == [each.rank for each in made.offers] == [1, 2, 3, 4, 5]
    assert {each.propensity for each in made.offers} == {1.0}


def test_freshness_halves_with_the_half_life(cast: Cast, channel: Channel) -> None:
    without_chance(cast, freshness=1.0)
    (fresh,) = published(channel, 1)
    now = fresh.published + timedelta(days=2)
    (offer,) = lists.offer(channel, now=now).offers
    assert offer.score == pytest.approx(0.5, abs=1e-6)


def test_hard_rules_come_first(cast: Cast, channel: Channel) -> None:
    without_chance(cast)
    withdrawn, seen, kept, twin, translation, other_language = published(channel, 6)
    Publication.objects.filter(pk=withdrawn.pk).update(withdrawn=timezone.now())
    PublishedTerms.objects.filter(publication=twin).update(cover=kept.terms.cover)
    Publication.objects.filter(pk=translation.pk).update(original=kept.original)
    Publication.objects.filter(pk=other_language.pk).update(language="fr")
    elsewhere = channel_of(cast.workspace, "elsewhere")
    published(elsewhere, 1)
    made = lists.offer(channel, language="en", exclude=[seen.story_id])
    assert [each.publication.pk for each in made.offers] == [kept.pk]
    assert [each.publication.pk for each in lists.offer(channel, language="fr").offers] == [other_language.pk]


def test_what_people_click_rises(cast: Cast, channel: Channel) -> None:
    without_chance(cast, engagement=1.0)
    stories = published(channel, 4)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for at, (shown, clicks) in enumerate(((500, 10), (500, 90), (500, 40), (0, 0))):
        Tally.objects.create(
            workspace=cast.workspace, channel=channel, story=stories[at].story, hour=hour, place=0, impressions=shown,
            clicks=clicks,
        )  # fmt: skip
    made = lists.offer(channel)
    assert [each.publication.pk for each in made.offers] == [stories[at].pk for at in (1, 3, 2, 0)]
    assert made.offers[1].score == pytest.approx(0.5)  # nobody saw it: taken for a usual one


def test_a_click_far_down_counts_for_more(cast: Cast, channel: Channel) -> None:
    stories = published(channel, 2)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for at, place in enumerate((0, 9)):
        Tally.objects.create(
            workspace=cast.workspace, channel=channel, story=stories[at].story, hour=hour, place=place,
            impressions=1000, clicks=50,
        )  # fmt: skip
    top, bottom = engagement.of_stories(channel).values([each.story_id for each in stories])
    assert bottom > top


def test_covers_that_look_alike_are_put_apart(cast: Cast, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    without_chance(cast)
    stories = published(channel, 3)
    one, other = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    covers = {each.terms.cover_id: vector for each, vector in zip(stories, (one, one, other), strict=True)}
    monkeypatch.setattr("search.services.embeddings_of", lambda _workspace, _assets: covers)
    made = lists.offer(channel)
    assert [each.publication.pk for each in made.offers] == [stories[at].pk for at in (0, 2, 1)]
    assert [each.by_score for each in made.offers] == [1, 3, 2]


def test_chance_is_as_often_as_is_written_down(cast: Cast, channel: Channel) -> None:
    """Every place's propensity, against how often it comes."""
    stories = published(channel, 6)
    rules = schemes.shipped()
    rules["explore"] = {"coins": 0.5, "slot": 0}
    rankers.active(cast.workspace.pk)
    pool = lists._pool(channel, "", frozenset(), Scheme.of(rules)["feed"], timezone.now())
    assert len(pool.publications) == len(stories)
    rng, count = np.random.default_rng(3), 4
    where: Counter[tuple[int, int]] = Counter()
    for _list in range(20_000):
        pair, tossed = lists._coin(count, 0.5, rng)
        places = list(range(count))
        if tossed:
            places[pair[0]], places[pair[1]] = places[pair[1]], places[pair[0]]
        where.update(enumerate(places))
    assert where[0, 0] / 20_000 == pytest.approx(1 - 0.5 / count, abs=0.02)
    assert where[0, 3] / 20_000 == pytest.approx(0.5 / count / (count - 1), abs=0.01)


def test_the_lottery_fills_one_place_and_says_so(cast: Cast, channel: Channel) -> None:
    published(channel, 8)
    rng = np.random.default_rng(1)
    brought_in = 0
    for _list in range(30):
        made = lists.offer(channel, limit=5, rng=rng)
        assert made.list is not None
        assert made.list.drawn == 2
        assert len({each.publication.pk for each in made.offers}) == 5
        drawn = [each for each in made.offers if each.by == "lottery"]
        assert len(drawn) <= 1
        brought_in += any(each.rank == 0 for each in drawn)
        for each in drawn:
            assert each.propensity < 0.6
    assert brought_in > 5  # three of eight stories are only ever shown by the lottery


def test_the_list_is_written_down_with_the_shadow(cast: Cast, channel: Channel) -> None:
    stories = published(channel, 4)
    rules = schemes.shipped()
    rules["surfaces"]["feed"]["weights"] = {"relevance": 0, "quality": 1.0, "freshness": 0, "engagement": 0}
    shadow = rankers.new_version(cast.workspace, rules)
    rankers.active(cast.workspace.pk)
    rankers.put_in_shadow(shadow, by=cast.ada)
    PublishedTerms.objects.filter(publication=stories[3]).update(values={"relevance": 0.5, "quality": 1.0})
    made = lists.offer(channel, limit=4)
    row = OfferedList.objects.get()
    assert made.list is not None
    assert row.pk == made.list.pk
    assert row.ranker.version != shadow.version
    assert row.shadow_id == shadow.pk
    assert row.shadow_order[0] == str(stories[3].story_id)
    assert [item["story"] for item in row.items] == [str(each.publication.story_id) for each in made.offers]
    assert {term for item in row.items for term in item["terms"]} == set(schemes.TERMS)
    lists.forget_old(timezone.now() + timedelta(days=31))
    assert not OfferedList.objects.exists()


def test_terms_are_looked_up_anew_after_a_correction(cast: Cast, channel: Channel) -> None:
    (one,) = published(channel, 1)
    PublishedTerms.objects.update(values={"relevance": 0.1, "quality": 0.1})
    lists.offer(channel)
    assert PublishedTerms.objects.get().values["quality"] == 0.1
    Publication.objects.filter(pk=one.pk).update(updated=timezone.now())
    lists.offer(channel)
    assert PublishedTerms.objects.get().values == {"relevance": 1.0, "quality": pytest.approx(one_quality(one))}


def one_quality(publication: Publication) -> float:
    cover = publication.story.scenes.first().asset  # type: ignore[union-attr]
    assert cover is not None
    assert cover.quality is not None
    return round(cover.quality, 4)
