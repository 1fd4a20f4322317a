"""What a person asks the library: box, chips and picture together, with counts, collections and moderation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from creator.models import Brief, Collection, Scene, Story, Workspace
from creator.services import finding
from creator.services.finding import Question
from creator.services.standing import STATES
from media_processing.models import Asset
from moderation import services as moderation
from moderation.models import Verdict
from search.services import QueryError, Stretch, index_asset
from tests.conftest import Cast
from tests.fakes import picture_of
from tests.search.conftest import Part

Put = Callable[..., Asset]


@pytest.fixture
def fake_embedder(own_folders: None, settings: LazySettings) -> None:
    settings.ENGINES = {**settings.ENGINES, "embedder": {"fake": {"BACKEND": "tests.fakes.FakeEmbedder"}}}


@pytest.fixture
def put(cast: Cast, fake_embedder: None, django_capture_on_commit_callbacks: Any) -> Put:
    """An asset whose picture shows some words."""

    def put(shows: str, workspace: Workspace | None = None, **fields: Any) -> Asset:
        plain = {"kind": "image", "digest": uuid4().hex * 2, "path": "x", "size": 1, "width": 1200, "height": 1200}
        given = {**plain, "domain": "illustrations", **fields}
        asset = Asset.objects.create(workspace=workspace or cast.workspace, **given)
        parts: list[Stretch] = [Part()]
        with django_capture_on_commit_callbacks(execute=True):
            index_asset(asset, parts, [picture_of(shows)])
        return asset

    return put


def titles(workspace: Workspace, question: Question | str, **options: Any) -> list[str]:
    return [each.asset.title for each in finding.find(workspace, question, **options)]


def found_in_all(workspace: Workspace, question: Question) -> int:
    return sum(1 + len(each.folded) for each in finding.find(workspace, question, limit=200))


def counts(workspace: Workspace, question: Question | str) -> dict[str, dict[str, int]]:
    groups = finding.facets(workspace, question).groups
    return {group.name: {chip.value: chip.count for chip in group.chips} for group in groups if group.chips}


def test_an_empty_question_shows_the_library(cast: Cast, put: Put) -> None:
    for number in range(5):
        put("boat", title=str(number))
    Asset.objects.create(
        workspace=cast.workspace, title="silence", kind="audio", digest="d" * 64, path="x", size=1, seconds=9
    )
    first = finding.find(cast.workspace, limit=4)
    assert [each.asset.title for each in first] == ["silence", "4", "3", "2"]
    assert first.more == 4
    assert titles(cast.workspace, "", offset=4, limit=4) == ["1", "0"]
    assert finding.find(cast.workspace, offset=4, limit=4).more is None


def test_counts_are_those_of_the_present_question(cast: Cast, put: Put) -> None:
    put("x", title="boat one", tags=["sea", "blue"], licence="CC0")
    put("x", title="boat two", tags=["sea"], kind="video", seconds=5)
    put("x", title="tractor", tags=["field"])
    put("x", cast.other, title="boat of others", tags=["secret"])
    assert counts(cast.workspace, "")["tag"] == {"sea": 2, "blue": 1, "field": 1}
    told = counts(cast.workspace, "boat")
    assert told["tag"] == {"sea": 2, "blue": 1}
    assert told["kind"] == {"image": 1, "video": 1}
    assert told["licence"] == {"CC0": 1}
    assert told["made"] == {"people": 2}


def test_each_group_is_counted_under_the_choices_of_the_others(cast: Cast, put: Put) -> None:
    put("x", title="a", tags=["sea"], kind="image")
    put("x", title="b", tags=["sea"], kind="video", seconds=5)
    put("x", title="c", tags=["field"], kind="video", seconds=70)
    told = counts(cast.workspace, "kind:video tag:sea")
    assert told["kind"] == {"image": 1, "video": 1}
    assert told["tag"] == {"sea": 1, "field": 1}
    assert told["duration"] == {"short": 1}
    ranged = finding.facets(cast.workspace, "duration:4-6")
    assert ranged.total == 1
    assert {chip.value: chip.count for group in ranged.groups if group.name == "duration" for chip in group.chips} == {
        "short": 1, "long": 1, "4-6": 1,
    }  # fmt: skip


def test_counts_and_results_agree(cast: Cast, put: Put) -> None:
    for number in range(40):
        put(
            ("boat", "tractor", "castle")[number % 3], title="boat" if number % 5 == 0 else "", tags=[f"t{number % 4}"],
            kind=("image", "video")[number % 2], colours=["blue"] if number % 7 == 0 else [],
        )  # fmt: skip
    for question in ("", "boat", "boat kind:video", "boat tag:t1 tag:t2", "-boat", "castle -colour:blue"):
        told = finding.facets(cast.workspace, question)
        assert told.total == found_in_all(cast.workspace, Question(question)), question
        for group in told.groups:
            for chip in group.chips:
                if not group.chosen:
                    narrower = Question(question, {group.name: [chip.value]})
                    assert found_in_all(cast.workspace, narrower) == chip.count, (question, group.name, chip)


def test_the_box_moves_to_the_chips(cast: Cast, put: Put) -> None:
    put("x", title="boat", tags=["Old Town"])
    read = finding.read(cast.workspace, Question('boat tag:"old town"', {"kind": ["image"]}))
    assert (read.words, read.filters) == ("boat", {"tag": ("Old Town",), "kind": ("image",)})
    assert titles(cast.workspace, read) == ["boat"]
    with pytest.raises(QueryError) as refusal:
        finding.read(cast.workspace, "colour:pink")
    assert refusal.value.next_step


def test_collections_are_a_filter(cast: Cast, put: Put) -> None:
    spring = Collection.objects.create(workspace=cast.workspace, name="Spring issue")
    spring.assets.add(put("x", title="in"))
    put("x", title="out")
    Collection.objects.create(workspace=cast.other, name="Theirs").assets.add(put("x", cast.other, title="theirs"))
    assert titles(cast.workspace, 'collection:"spring issue"') == ["in"]
    assert titles(cast.workspace, '-collection:"Spring issue"') == ["out"]
    assert counts(cast.workspace, "")["collection"] == {"Spring issue": 1}
    with pytest.raises(QueryError):
        finding.find(cast.workspace, "collection:Theirs")


def test_counts_are_the_same_where_more_is_found_than_is_told_one_by_one(
    cast: Cast, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, licence in enumerate(("CC0", "CC BY 4.0", "CC0")):
        put("boat", title=f"boat {number}", licence=licence)
    put("house", title="house", licence="CC0")
    told = counts(cast.workspace, "boat")
    assert told["licence"] == {"CC0": 2, "CC BY 4.0": 1}
    monkeypatch.setattr("search.finding.DEEPEST", 2)
    assert counts(cast.workspace, "boat") == told


def test_the_state_is_what_the_policy_makes_of_a_frame_that_was_judged(cast: Cast, put: Put) -> None:
    brief = Brief.objects.create(workspace=cast.workspace, article="x")
    story = Story.objects.create(workspace=cast.workspace, brief=brief, author=cast.alice)
    scores: dict[str, tuple[dict[str, float], list[str]]] = {
        "pass": ({"banned": 0.0, "violence": 0.1}, []), "review": ({"banned": 0.0, "violence": 0.6}, []),
        "block": ({"banned": 0.0, "violence": 0.95}, []), "banned": ({"banned": 1.0}, []),
        "lacking": ({"banned": 0.0}, ["violence"]), "unseen": ({"violence": 0.0}, []),
    }  # fmt: skip
    assert titles(cast.workspace, "state:unjudged") == []
    for position, (name, (said, missing)) in enumerate(scores.items()):
        asset = put("x", title=name)
        Scene.objects.create(story=story, position=position, asset=asset)
        Verdict.objects.create(
            workspace=cast.workspace, kind="picture", content=moderation.frame_digest(asset.digest, 0.0), engine="e",
            model="m", scores=said, missing=missing,
        )  # fmt: skip
    put("x", title="new")
    found = {state: set(titles(cast.workspace, f"state:{state}")) for state in STATES}
    assert found == {
        "pass": {"pass"}, "review": {"review", "lacking", "unseen"}, "block": {"block"}, "banned": {"banned"},
        "unjudged": {"new"},
    }  # fmt: skip
    assert counts(cast.workspace, "")["state"] == {"pass": 1, "review": 3, "block": 1, "banned": 1, "unjudged": 1}
    with pytest.raises(QueryError) as refusal:
        finding.find(cast.workspace, "state:fine")
    assert "unjudged" in refusal.value.next_step


def test_counting_takes_few_queries_however_many_assets(cast: Cast, put: Put) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as said:
            finding.facets(cast.workspace, "boat")
        return len(said)

    put("boat", title="boat", tags=["a"])
    few = queries()
    for number in range(12):
        put("boat", title="boat", tags=[f"tag {number}"], licence=f"licence {number}")
    assert queries() <= few + 1
    assert few <= 20
