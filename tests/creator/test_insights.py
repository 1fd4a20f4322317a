"""Reports before new weights rank, and the page that tells what works."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.utils import timezone

from creator.models import AuditEntry, Brief, Channel, Interaction, OfferedList, Publication, Ranker, Story, Tally
from creator.services import evaluating, insights, interactions, lists, rankers
from creator.services.insights import Insights
from creator.services.interactions import Told
from generation.models import Charge
from media_processing.engine import EngineError
from search import learning, schemes
from search.schemes import SchemeError
from tests.conftest import Cast
from tests.creator.ranked import channel_of, published
from tests.views.conftest import browser_of


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return channel_of(cast.workspace)


def version(cast: Cast, **weights: float) -> Ranker:
    rules = schemes.shipped()
    rules["surfaces"]["feed"]["weights"] = {term: weights.get(term, 0.0) for term in schemes.TERMS}
    rankers.active(cast.workspace.pk)
    return rankers.new_version(cast.workspace, rules, by=cast.ada)


def lived(channel: Channel, count: int, *, likes: str, seed: int = 5) -> None:
    """So many lists of ten stories, clicked as their term `likes` says and as their place is looked at."""
    rng = np.random.default_rng(seed)
    rankers.active(channel.workspace_id)
    stories = [UUID(int=int(rng.integers(2**63))) for _ in range(40)]
    worth = rng.random((40, 2))
    now = timezone.now()
    made, told = [], []
    for number in range(count):
        chosen = rng.choice(40, 10, replace=False)
        chosen = chosen[np.argsort(-worth[chosen, 0])]  # the active weights go by quality
        before = list(range(10))
        pair = sorted(int(each) for each in rng.choice(10, 2, replace=False)) if rng.random() < 0.5 else []
        if pair and rng.random() < 0.5:
            before[pair[0]], before[pair[1]] = before[pair[1]], before[pair[0]]
        items: list[dict[str, Any]] = [
            {"story": str(stories[chosen[at]]), "before": at, "propensity": 1.0,
             "terms": {"quality": worth[chosen[at], 0], "relevance": worth[chosen[at], 1]}}
            for at in before
        ]  # fmt: skip
        row = OfferedList(
            workspace_id=channel.workspace_id, channel=channel, ranker=rankers.active(channel.workspace_id),
            offered=now - timedelta(minutes=number), items=items, pair=pair, coins=0.5,
        )  # fmt: skip
        made.append(row)
        for place, item in enumerate(items):
            for kind, chance in (("impression", 1.0), ("click", item["terms"][likes] / (1 + place))):
                if rng.random() < chance:
                    told.append(Interaction(
                        workspace_id=channel.workspace_id, channel=channel, event=uuid4(), list=row,
                        story=UUID(item["story"]), kind=kind, place=place, at=now, visitor="x",
                    ))  # fmt: skip
    OfferedList.objects.bulk_create(made)
    Interaction.objects.bulk_create(told)


# Rankers --------------------------------------------------------------------------------------------------------------


def test_weights_are_kept_as_versions(cast: Cast) -> None:
    first = rankers.active(cast.workspace.pk)
    assert (first.version, first.active) == (1, True)
    assert rankers.active(cast.workspace.pk).pk == first.pk
    second = version(cast, freshness=1.0)
    assert (second.version, second.active) == (2, False)
    assert schemes.read(schemes.written(second.rules)) == second.rules
    assert rankers.active(cast.other.pk).version == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("surfaces = 3", "surfaces is missing, or no table"),
        ("[oops", "isn't TOML"),
        (schemes.shipped_text().replace("slot = 3", "slot = 2.5"), "whole number"),
        (schemes.shipped_text().replace("coins = 0.2", "coins = 1.2"), "Between 0 and 1"),
        (schemes.shipped_text().replace("coins = 0.2", "coins = nan"), "no number"),
        (schemes.shipped_text().replace("coins = 0.2", "coins = true"), "no number"),
        (schemes.shipped_text().replace("half_life = 2.0", "half_life = 0"), "Between 0.01"),
        (schemes.shipped_text().replace("freshness = 1.0", "novelty = 1.0"), "Unknown in surfaces.feed.weights"),
        (schemes.shipped_text().replace("freshness = 1.0", "freshness = -1.0"), "Between 0 and 10"),
        (schemes.shipped_text() + "\n[surfaces.radio]\n", "Unknown in surfaces: radio"),
    ],
)
def test_weights_that_make_no_sense_are_refused(text: str, said: str) -> None:
    with pytest.raises(SchemeError) as refused:
        schemes.read(text)
    assert said in f"{refused.value.message} {refused.value.next_step}"


def test_nothing_ranks_without_a_fresh_report(cast: Cast) -> None:
    second = version(cast, freshness=1.0)
    with pytest.raises(EngineError, match="no fresh report"):
        rankers.activate(second, by=cast.ada)
    report = evaluating.evaluate(second)
    assert (report["lists"], report["enough"], report["against"]) == (0, False, 1)
    with pytest.raises(EngineError, match="no fresh report"):
        rankers.activate(second, by=cast.ada, now=timezone.now() + timedelta(days=3))
    third = version(cast, quality=1.0)
    evaluating.evaluate(third)
    assert rankers.activate(second, by=cast.ada).active
    assert Ranker.objects.get(active=True).version == 2
    with pytest.raises(EngineError, match="against version 1, and version 2 ranks now"):
        rankers.activate(third, by=cast.ada)
    assert AuditEntry.objects.filter(action="ranker.activated").count() == 1


def test_weights_that_people_like_are_told_to_gain(cast: Cast, channel: Channel) -> None:
    lived(channel, 600, likes="relevance")
    first = rankers.active(cast.workspace.pk)
    Ranker.objects.filter(pk=first.pk).update(rules=version(cast, quality=1.0).rules)
    better = version(cast, relevance=1.0)
    report = evaluating.evaluate(better, rng=np.random.default_rng(1))
    assert report["enough"]
    assert report["lists"] == 600
    assert report["gain"]["low"] > 0
    assert report["replay"]["value"] > report["replay_now"]["value"]
    assert report["ips"]["value"] == pytest.approx(report["snips"]["value"], rel=0.1)
    rankers.activate(better, by=cast.ada)
    worse = version(cast, quality=1.0)
    evaluating.evaluate(worse)
    with pytest.raises(EngineError, match="clicks a list less"):
        rankers.activate(worse, by=cast.ada)


def test_the_same_weights_gain_nothing(cast: Cast, channel: Channel) -> None:
    lived(channel, 200, likes="quality")
    Ranker.objects.filter(active=True).update(rules=version(cast, quality=1.0).rules)
    report = evaluating.evaluate(version(cast, quality=2.0))
    assert report["gain"]["value"] == 0.0
    assert report["ips"]["clipped"] == 0.0


def test_too_few_lists_tell_nothing(cast: Cast, channel: Channel) -> None:
    lived(channel, 20, likes="quality")
    report = evaluating.evaluate(version(cast, relevance=1.0))
    assert not report["enough"]
    assert report["needed"]["lists"] == 200


# The page ------------------------------------------------------------------------------------------------------------


def tally(publication: Publication, place: int, shown: int, clicks: int, *, hour: int = 9, form: str = "") -> None:
    at = timezone.localtime().replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=1)
    Tally.objects.create(
        workspace_id=publication.workspace_id, channel=publication.channel, story_id=publication.story_id, hour=at,
        place=place, format=form, impressions=shown, clicks=clicks,
    )  # fmt: skip


@pytest.fixture
def stories(channel: Channel) -> list[Publication]:
    made = published(channel, 4)
    for each, title in zip(made, ("Why do rivers rise?", "3 bridges", "Plain", "=SUM(1)"), strict=True):
        each.story.title = title
        each.story.save()
    tally(made[0], 0, 1000, 50, form="card:9x16")
    tally(made[1], 9, 1000, 40, hour=18, form="video:9x16")
    tally(made[2], 0, 4, 1)
    return made


def test_rates_are_corrected_for_places_and_say_how_sure_they_are(
    cast: Cast, channel: Channel, stories: list[Publication]
) -> None:
    found = {group.name: group for group in Insights(cast.workspace).groups()}
    assert set(found) == {"stories", "pictures", "titles", "formats", "hours", "engines"}
    down, top, few = found["stories"].lines
    assert (down.label, top.label, few.label) == ("3 bridges", "Why do rivers rise?", "Plain")
    assert down.looks == pytest.approx(1000 * learning.assumed_examination(10)[9], abs=0.1)
    assert down.rate.low < down.rate.value < down.rate.high
    assert down.rate.value > top.rate.value  # clicked less, but far down
    assert not few.enough
    assert {line.label for line in found["titles"].lines} >= {"A question", "With a number"}
    assert [line.label for line in found["hours"].lines] == ["09:00 to 12:00", "18:00 to 21:00"]
    assert {line.label for line in found["formats"].lines} == {"card:9x16", "video:9x16", "not told"}
    assert {line.label for line in found["engines"].lines} == {"writer: extractive", "voice: espeak"}
    covers = [each.story.scenes.first().asset_id for each in stories]  # type: ignore[union-attr]
    assert {line.asset for line in found["pictures"].lines} == set(covers[:3])


def test_the_page_draws_intervals_and_says_where_too_few_looked(cast: Cast, stories: list[Publication]) -> None:
    client = browser_of(cast.bob)
    text = client.get("/insights/").content.decode()
    assert text.count('class="range"') >= 4
    assert "too few to tell" in text
    assert "Why do rivers rise?" in text
    assert " style=" not in text
    assert "<svg" in text
    drawn = "".join(re.findall(r"<(?:rect|line)[^>]*>", text))
    for number in re.findall(r'(?:x|y|width|height|x1|x2)="([^"]+)"', drawn):
        assert 0 <= float(number) <= 1000
    assert client.get("/insights/?channel=feed&period=7").status_code == 200
    assert client.get("/insights/?channel=no-such").status_code == 404
    assert client.get("/insights/?channel=%00&period=oops").status_code in (200, 404)


def test_without_events_the_page_says_how_to_connect_an_app(cast: Cast) -> None:
    client = browser_of(cast.bob)
    text = client.get("/insights/").content.decode()
    assert "/api/v1/events" in text
    assert "curl" in text


def test_the_csv_has_everything_and_no_formula(cast: Cast, stories: list[Publication]) -> None:
    tally(stories[3], 1, 10, 0)
    client = browser_of(cast.bob)
    answer = client.get("/insights.csv?period=30")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode().removeprefix("\ufeff"))))
    assert tuple(rows[0]) == insights.COLUMNS
    titles = [row[1] for row in rows if row[0] == "stories"]
    assert sorted(titles) == sorted(["'=SUM(1)", "3 bridges", "Plain", "Why do rivers rise?"])
    assert {row[-1] for row in rows[1:]} == {"yes", "too few to tell"}


def test_others_see_nothing_of_it(cast: Cast, stories: list[Publication]) -> None:
    client = browser_of(cast.charlie)
    assert "rivers" not in client.get("/insights/").content.decode()
    assert client.get("/insights/?channel=feed").status_code == 404
    assert len(list(client.get("/insights.csv"))) == 1


def test_a_list_its_clicks_and_the_page_agree(cast: Cast, channel: Channel) -> None:
    published(channel, 5)
    shown = lists.offer(channel).list
    assert shown is not None
    story = UUID(shown.items[0]["story"])
    interactions.take(channel, [Told(uuid4(), "click", shown.pk, story, timezone.now())])
    figures = {each.label: each for each in Insights(cast.workspace, now=timezone.now() + timedelta(hours=1)).figures()}
    assert figures["Clicks"].value == 1
    assert figures["Clicks per impression"].value == 1.0
    assert figures["Published"].value == 5


# The admin panel ------------------------------------------------------------------------------------------------------


def test_weights_are_written_evaluated_and_activated_in_the_admin(cast: Cast) -> None:
    client = browser_of(cast.ada)
    page = client.get("/admin/creator/ranker/add/").content.decode()
    assert "[surfaces.feed]" in page
    wrong = client.post("/admin/creator/ranker/add/", {"note": "", "text": "[oops"})
    assert "TOML" in wrong.content.decode()
    text = schemes.shipped_text().replace("freshness = 1.0", "freshness = 2.0")
    client.post("/admin/creator/ranker/add/", {"note": "Fresher", "text": text})
    second = Ranker.objects.get(version=2)
    assert second.rules["surfaces"]["feed"]["weights"]["freshness"] == 2.0
    assert not second.active

    def act(name: str) -> str:
        said = {"action": name, "_selected_action": [str(second.pk)]}
        return client.post("/admin/creator/ranker/", said, follow=True).content.decode()

    assert "no fresh report" in act("activate")
    assert "too few to tell" in act("evaluate")
    assert "runs in the shadow" in act("put_in_shadow")
    assert "ranks from now on" in act("activate")
    second.refresh_from_db()
    assert (second.active, second.shadow) == (True, False)
    assert "[surfaces.feed]" in client.get(f"/admin/creator/ranker/{second.pk}/change/").content.decode()


# What engines cost, and another like this one -------------------------------------------------------------------------


def test_what_engines_cost_in_the_time_is_shown(cast: Cast) -> None:
    now = timezone.now()
    past = (("a", "gpt", "0.5", 1), ("b", "gpt", "0.25", 2), ("c", "espeak", "0", 1), ("d", "gpt", "9", 40))
    for key, engine, amount, age in past:
        charge = Charge.objects.create(
            workspace=cast.workspace, key=key, subject="story:x", role="writer", engine=engine, amount=Decimal(amount),
            state=Charge.State.SETTLED, basis=Charge.Basis.REPORTED, machine_seconds=2.0,
        )  # fmt: skip
        Charge.objects.filter(pk=charge.pk).update(created=now - timedelta(days=age))
    Charge.objects.create(workspace=cast.other, key="e", subject="story:y", role="writer", engine="theirs")
    lines = Insights(cast.workspace, days=30).costs()
    assert [(line.label, line.amount, line.calls, line.seconds) for line in lines] == [
        ("writer · gpt", Decimal("0.75"), 2, 4.0), ("writer · espeak", Decimal(0), 1, 2.0),
    ]  # fmt: skip
    shown = browser_of(cast.ada).get("/insights/").content.decode()
    assert "writer · gpt" in shown
    assert "theirs" not in shown


def test_another_like_this_takes_over_what_was_asked_for(cast: Cast) -> None:
    brief = Brief.objects.create(
        workspace=cast.workspace, article="About a goat.", formats=["card:4x5"], tone="lively", seconds=20
    )
    story = Story.objects.create(workspace=cast.workspace, brief=brief, author=cast.alice, title="Goat")
    form = browser_of(cast.alice).get(f"/?like={story.pk}").context["form"]
    assert (form["formats"].value(), form["tone"].value(), form["seconds"].value()) == (["card:4x5"], "lively", 20)
    assert not form["article"].value()
    for nobodys in (uuid4(), "x"):
        assert browser_of(cast.alice).get(f"/?like={nobodys}").context["form"]["tone"].value() == "calm"
    theirs = browser_of(cast.charlie).get(f"/?like={story.pk}").context["form"]
    assert theirs["tone"].value() == "calm"
