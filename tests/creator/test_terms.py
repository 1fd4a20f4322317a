"""Variants in order, with reasons; what search weighs beside how well something fits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from creator.models import Channel, Story, Tally
from creator.services import finding, rankers, terms, visuals
from media_processing.models import Asset
from media_processing.services import Stretch
from search import schemes
from search import services as search
from tests.conftest import Cast
from tests.creator.ranked import channel_of
from tests.factories import finished_story, picture


@pytest.fixture
def story(cast: Cast) -> Story:
    made = finished_story(cast.workspace, cast.alice, formats=("card:1x1", "card:9x16", "video:9x16"))
    made.scenes.update(made_by="painter")
    return made


def test_variants_are_ranked_with_reasons_that_sum_to_the_score(story: Story) -> None:
    ranked = terms.ranked_variants(story)
    assert [each.rank for each in ranked] == [1, 2, 3]
    for each in ranked:
        assert sum(signal.contribution for signal in each.explain) == pytest.approx(each.score, abs=1e-6)
        assert {signal.name for signal in each.explain} == {"relevance", "quality", "engagement"}


def test_what_the_gate_found_puts_a_variant_down(story: Story) -> None:
    story.findings = [
        {"severity": "blocking", "scene": "", "second": 0.0, "message": "Off the card.", "format": "card:1x1"},
        {"severity": "warning", "scene": "", "second": 0.0, "message": "Too fast.", "format": "video:9x16"},
    ]
    story.save()
    ranked = terms.ranked_variants(story)
    assert ranked[0].variant.format == "card:9x16"
    assert sorted(ranked, key=lambda each: each.by_score)[-1].variant.format == "card:1x1"
    (note,) = (signal.note for signal in ranked[-1].explain if signal.name == "quality")
    assert "1 blocking" in note


def test_a_second_one_of_a_kind_waits_behind_another_kind(story: Story) -> None:
    kinds = [each.variant.kind for each in terms.ranked_variants(story)]
    assert kinds[:2] in (["card", "video"], ["video", "card"])


def test_what_was_not_rendered_is_not_ranked(story: Story) -> None:
    story.variants.filter(format="video:9x16").update(rendition=None)
    assert {each.variant.format for each in terms.ranked_variants(story)} == {"card:1x1", "card:9x16"}
    story.variants.all().delete()
    assert terms.ranked_variants(story) == []


def test_a_format_that_people_click_rises(cast: Cast, story: Story) -> None:
    channel: Channel = channel_of(cast.workspace)
    for form, clicks in (("card:1x1", 5), ("video:9x16", 200)):
        Tally.objects.create(
            workspace=cast.workspace, channel=channel, story=story, hour=timezone.now(), place=0, format=form,
            impressions=1000, clicks=clicks,
        )  # fmt: skip
    liked = terms.engagement_of_formats(cast.workspace.pk)
    assert liked["video:9x16"] > 0.5 > liked["card:1x1"]
    assert terms.ranked_variants(story)[0].variant.format == "video:9x16"


def searchable(cast: Cast, colour: str, quality: float) -> Asset:
    asset = picture(cast.workspace, colour, "Lighthouse")
    Asset.objects.filter(pk=asset.pk).update(quality=quality)
    search.index_asset(asset, [Stretch(0.0, 0.0, 0.0)], [None])
    return asset


def test_of_equals_the_better_picture_comes_first_and_says_why(cast: Cast) -> None:
    poor, good = searchable(cast, "teal", 0.2), searchable(cast, "navy", 0.9)
    answer = finding.find(cast.workspace, "lighthouse")
    assert [shown.asset.pk for shown in answer] == [good.pk, poor.pk]
    for shown in answer:
        explain = {signal.name: signal for signal in shown.found.explain}
        assert {"words", "quality", "freshness", "engagement"} <= set(explain)
        assert sum(signal.contribution for signal in explain.values()) == pytest.approx(shown.found.score, abs=1e-6)
    assert answer.shown[0].found.explain != answer.shown[1].found.explain


def test_an_old_picture_is_less_fresh(cast: Cast) -> None:
    new = searchable(cast, "teal", 0.5)
    old = searchable(cast, "navy", 0.5)
    Asset.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=180))
    shown = {each.asset.pk: each.found for each in finding.find(cast.workspace, "lighthouse")}
    fresh = {pk: next(s.value for s in found.explain if s.name == "freshness") for pk, found in shown.items()}
    assert fresh[new.pk] == pytest.approx(1.0, abs=1e-3)
    assert fresh[old.pk] == pytest.approx(0.5, abs=1e-3)


def test_weights_of_alternatives_are_those_of_the_version_in_use(cast: Cast) -> None:
    poor, good = searchable(cast, "teal", 0.2), searchable(cast, "navy", 0.9)
    rules = schemes.shipped()
    rules["surfaces"]["alternatives"]["weights"] |= {"quality": 0.0}
    first = rankers.active(cast.workspace.pk)
    first.rules = rules
    first.save()
    offers = visuals.choose_for_words(cast.workspace, "lighthouse").offers
    assert {offer.asset_id for offer in offers} == {poor.pk, good.pk}
    assert all(signal.name != "quality" for offer in offers for signal in offer.explain)
    for offer in offers:
        assert sum(signal.contribution for signal in offer.explain) == pytest.approx(offer.score, abs=1e-6)
