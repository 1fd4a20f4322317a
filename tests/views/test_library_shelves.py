"""What is done with chosen assets: collections, tags, putting away, merging; and its undo."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from creator.models import Collection
from creator.services import copies
from creator.services.library import make_searchable
from media_processing.models import Asset
from search import copies as scanning
from search.models import Moment
from tests.conftest import Cast
from tests.factories import picture


@pytest.fixture
def doors(cast: Cast) -> list[Asset]:
    made = [picture(cast.workspace, colour, f"A {colour} door") for colour in ("red", "blue")]
    for each in made:
        make_searchable(each)
    return made


def act(client: Client, verb: str, assets: list[Asset], **more: Any) -> dict[str, Any]:
    said = {"do": verb, "asset": [str(each.pk) for each in assets], **more}
    answer = client.post("/library/selection/", said, headers={"Accept": "application/json"})
    return dict(answer.json(), status=answer.status_code)


def total(client: Client, address: str = "/library/") -> int:
    return int(client.get(address).context["total"])


def test_what_is_put_away_is_gone_until_it_is_undone(author: Client, doors: list[Asset]) -> None:
    told = act(author, "archive", doors[:1])
    assert total(author) == 1
    assert told["said"] == "1 item put away."
    author.post("/library/selection/", told["undo"])
    assert total(author) == 2


def test_tags_are_added_found_and_undone(author: Client, doors: list[Asset]) -> None:
    told = act(author, "tag", doors, tags="#harbour, old town ,")
    assert total(author, "/library/?tag=harbour") == 2
    assert total(author, "/library/?q=harbour") == 2, "words find them at once"
    assert told["undo"]["do"] == "untag"
    author.post("/library/selection/", told["undo"])
    assert Asset.objects.get(pk=doors[0].pk).tags == []


def test_a_new_collection_takes_what_is_chosen(author: Client, doors: list[Asset]) -> None:
    told = act(author, "collect", doors, name="  Front   doors ")
    collection = Collection.objects.get(name="Front doors")
    assert total(author, "/library/?collection=Front+doors") == 2
    again = act(author, "collect", doors[:1], collection=str(collection.pk))
    assert again["undo"] is None
    assert "All of them are in" in again["said"]
    author.post("/library/selection/", told["undo"])
    assert collection.assets.count() == 0


@pytest.mark.parametrize(
    ("verb", "more"),
    [("collect", {"name": ""}), ("collect", {"name": "x" * 101}), ("tag", {"tags": " , #"}), ("explode", {})],
)
def test_what_makes_no_sense_is_refused_in_words(
    verb: str, more: dict[str, str], author: Client, doors: list[Asset]
) -> None:
    told = act(author, verb, doors, **more)
    assert told["status"] == 400
    assert told["error"]
    assert told["next_step"]


@pytest.mark.parametrize("ids", [[], ["no number"], ["7b0e2d0c-4b0d-4d2e-9d0a-111111111111"]])
def test_nothing_chosen_says_so(ids: list[str], author: Client) -> None:
    answer = author.post("/library/selection/", {"do": "archive", "asset": ids}, follow=True)
    assert "Nothing is chosen." in answer.content.decode()


def test_others_assets_and_collections_stay_out_of_reach(stranger: Client, cast: Cast, doors: list[Asset]) -> None:
    collection = Collection.objects.create(workspace=cast.workspace, name="Doors")
    theirs = picture(cast.other, "green", "A hill")
    assert act(stranger, "archive", doors)["status"] == 400
    said = {"do": "collect", "asset": [str(theirs.pk)], "collection": str(collection.pk)}
    assert stranger.post("/library/selection/", said).status_code == 404
    for verb in ("rename", "delete"):
        said = {"do": verb, "collection": str(collection.pk), "name": "Mine"}
        assert stranger.post("/library/collections/", said).status_code == 404
    assert Asset.objects.filter(pk__in=[each.pk for each in doors], archived=None).count() == 2


def test_without_scripts_the_page_comes_back_with_an_undo(author: Client, doors: list[Asset]) -> None:
    said = {"do": "archive", "asset": [str(doors[0].pk)], "next": "/library/?kind=image"}
    answer = author.post("/library/selection/", said, follow=True)
    assert answer.redirect_chain[-1][0] == "/library/?kind=image"
    assert "Undo" in answer.content.decode()
    assert "1 item put away" not in author.get("/library/").content.decode(), "said once"


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example"]
)
def test_the_way_back_stays_here(address: str, author: Client, doors: list[Asset]) -> None:
    said = {"do": "archive", "asset": [str(doors[0].pk)], "next": address}
    assert author.post("/library/selection/", said)["Location"] == "/library/"


def test_collections_are_made_renamed_and_deleted(author: Client, doors: list[Asset]) -> None:
    author.post("/library/collections/", {"do": "create", "name": "Doors"})
    collection = Collection.objects.get(name="Doors")
    assert author.post("/library/collections/", {"do": "create", "name": "Doors"}).status_code == 400
    collection.assets.add(*doors)
    author.post("/library/collections/", {"do": "rename", "collection": str(collection.pk), "name": "Gates"})
    assert "2 items" in author.get("/library/collections/").content.decode()
    author.post("/library/collections/", {"do": "delete", "collection": str(collection.pk)})
    assert not Collection.objects.exists()
    assert total(author) == 2


# Copies ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def twice(cast: Cast, doors: list[Asset]) -> list[Asset]:
    """Two pictures with one hash, the first one larger."""
    Moment.objects.filter(asset__in=doors).update(pdq="f00dcafe" * 8)
    Asset.objects.filter(pk=doors[0].pk).update(width=640, height=960)
    scanning.scan(cast.workspace.pk)
    return doors


def test_copies_lie_side_by_side_the_largest_first(author: Client, twice: list[Asset]) -> None:
    context = author.get("/library/copies/").context
    group = context["groups"][0]
    assert [member["asset"].pk for member in group["members"]] == [each.pk for each in twice]
    assert ("Size", "640 × 960", True) in group["members"][0]["facts"], "what differs is marked"


def test_merging_and_its_undo(author: Client, twice: list[Asset]) -> None:
    said = {"asset": [str(each.pk) for each in twice], "keep": str(twice[0].pk)}
    page = author.post("/library/copies/", said, follow=True)
    assert Asset.objects.get(pk=twice[1].pk).merged_into_id == twice[0].pk
    undo = page.context["undo"]
    assert undo["action"] == "/library/copies/"
    author.post("/library/copies/", undo["undo"])
    assert Asset.objects.get(pk=twice[1].pk).archived is None


def test_keeping_both_shows_them_no_more(author: Client, twice: list[Asset]) -> None:
    author.post("/library/copies/", {"do": "apart", "asset": [str(each.pk) for each in twice]})
    assert not author.get("/library/copies/").context["groups"]


def test_the_largest_of_each_is_counted_before_it_is_kept(author: Client, cast: Cast, twice: list[Asset]) -> None:
    assert author.get("/library/copies/?preview=largest").context["plan"].archived == 1
    assert not Asset.objects.filter(merged_into__isnull=False).exists()
    page = author.post("/library/copies/", {"do": "largest"}, follow=True)
    assert "1 copy merged" in page.content.decode()
    assert not copies.groups(cast.workspace).groups


def test_what_is_chosen_in_the_grid_can_be_merged(author: Client, doors: list[Asset]) -> None:
    go = act(author, "merge", doors)["go"]
    assert "Merge what you chose" in author.get(go).content.decode()


def test_a_stranger_merges_nothing(stranger: Client, twice: list[Asset]) -> None:
    said = {"asset": [str(each.pk) for each in twice], "keep": str(twice[0].pk)}
    assert "Nothing is chosen" in stranger.post("/library/copies/", said, follow=True).content.decode()
    assert not Asset.objects.filter(merged_into__isnull=False).exists()
