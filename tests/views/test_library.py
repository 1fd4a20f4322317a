"""The library's pages."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creator.models import Job
from media_processing.models import Asset
from tests.conftest import Cast
from tests.factories import picture


def test_tiles_facets_and_counts(author: Client, cast: Cast) -> None:
    asset = picture(cast.workspace, "red", "A red door")
    Asset.objects.filter(pk=asset.pk).update(tags=["door", "red"])
    picture(cast.workspace, "blue", "A blue door")
    page = author.get("/library/?tag=red").content.decode()
    assert "A red door" in page
    assert "A blue door" not in page
    assert "#door" in page
    assert author.get("/library/").context["open_groups"][0]["chips"][0]["count"] == 2


def test_words_find_titles_and_stories(author: Client, cast: Cast, story: object) -> None:
    picture(cast.workspace, "red", "A zeppelin over the bay")
    page = author.get("/library/?q=lighthouse").content.decode()
    assert "A lighthouse for the harbour" in page


def test_nonsense_in_the_address_breaks_nothing(author: Client, cast: Cast) -> None:
    picture(cast.workspace)
    for address in ("?kind=smell", "?orientation=round", "?like=no", "?page=999", "?page=x", "?import=x", "?tag=%00"):
        assert author.get(f"/library/{address}").status_code in (200, 400, 404), address


def test_an_asset_tells_where_it_is_from_and_where_it_is_used(author: Client, cast: Cast, story: object) -> None:
    asset = Asset.objects.filter(title__startswith="The harbour").get()
    Asset.objects.filter(pk=asset.pk).update(made_by={"engine": "illustrator", "prompt": "a harbour", "seed": 3})
    page = author.get(f"/library/{asset.pk}/?look=1").content.decode()
    for said in ("CC0", "illustrator", "a harbour", "Made by a machine", "A lighthouse for the harbour"):
        assert said in page
    assert "<html" not in page
    assert "<html" in author.get(f"/library/{asset.pk}/").content.decode()


def test_files_are_taken_and_each_is_reported(author: Client, cast: Cast) -> None:
    files = [SimpleUploadedFile(name, b"not a picture", "image/png") for name in ("one.png", "two.png")]
    answer = author.post("/library/import/", {"uploads": files, "licence": "CC0", "credit": "", "tags": "a, b ,"})
    job = Job.objects.get(kind="import_assets")
    assert answer["Location"] == f"/library/?import={job.pk}"
    assert job.subject["tags"] == ["a", "b"]
    job.subject["results"] = [
        {"name": "one.png", "asset": None, "created": False, "error": "It is no picture.", "next_step": "Try another."}
    ]
    job.save()
    page = author.get(f"/library/?import={job.pk}").content.decode()
    assert "one.png" in page
    assert "It is no picture." in page


def test_an_import_without_files_says_so(author: Client) -> None:
    answer = author.post("/library/import/", {"licence": "CC0"})
    assert answer.status_code == 400
    assert "Choose at least one file" in answer.content.decode()


def test_moderators_do_not_import(moderator: Client) -> None:
    assert moderator.post("/library/import/").status_code == 404
    assert "Add files" not in moderator.get("/library/").content.decode()
