"""Cards over HTTP: previews with the words of the moment, files of every kind; the brands' page."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from creator.models import Brand, Story
from creator.services import stories
from media_processing.timeline import FORMATS
from tests.conftest import Cast
from tests.factories import finished_story


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice, formats=("card:1x1",))


def test_a_preview_is_half_the_card_and_comes_once(author: Client, story: Story) -> None:
    address = f"/stories/{story.pk}/cards/1.91x1.webp"
    answer = author.get(address)
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == tuple(side // 2 for side in FORMATS["card:1.91x1"])
    again = author.get(address, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    typed = author.get(address, {"title": "Words that aren't saved yet"})
    assert typed.status_code == 200 and typed["ETag"] != answer["ETag"]


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "avif"])
def test_the_whole_card_is_downloaded_in_every_kind(author: Client, story: Story, kind: str) -> None:
    answer = author.get(f"/stories/{story.pk}/cards/1x1.{kind}?download")
    assert answer["Content-Disposition"] == f'attachment; filename="card-1x1.{kind}"'
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (1080, 1080)
        assert f"image/{(image.format or '').lower()}" == answer["Content-Type"]


def test_a_carousel_comes_as_a_zip(author: Client, cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, layout="carousel")
    with zipfile.ZipFile(io.BytesIO(author.get(f"/stories/{story.pk}/cards/1x1.zip").content)) as folder:
        assert folder.namelist() == [f"card-1x1-{page}.png" for page in (1, 2, 3, 4)]
    assert author.get(f"/stories/{story.pk}/cards/1x1.webp?page=4").status_code == 200
    assert author.get(f"/stories/{story.pk}/cards/1x1.webp?page=5").status_code == 422


def test_what_there_is_not_is_not_found(author: Client, stranger: Client, story: Story) -> None:
    for rest in ("1x1.gif", "3x7.webp", "1x1.webp?layout=poster"):
        assert author.get(f"/stories/{story.pk}/cards/{rest}").status_code == 404
    answer = author.get(f"/stories/{story.pk}/cards/1x1.webp?layout=stat")
    assert answer.status_code == 422 and "number with its unit" in answer.json()["message"]
    assert stranger.get(f"/stories/{story.pk}/cards/1x1.webp").status_code == 404


def test_an_admin_keeps_a_brand_with_a_logo(admin: Client, author: Client, cast: Cast) -> None:
    assert author.get("/settings/brands/").status_code == 404
    buffer = io.BytesIO()
    Image.new("RGBA", (80, 30), (10, 90, 90, 255)).save(buffer, "PNG")
    said = {"name": "The Harbour Post", "is_default": "on", "paper_accent": "#7a1f5c", "headline": "sans"}
    answer = admin.post(
        "/settings/brands/", {**said, "file": SimpleUploadedFile("logo.png", buffer.getvalue(), "image/png")}
    )
    brand = Brand.objects.get(workspace=cast.workspace)
    assert answer["Location"] == f"/settings/brands/{brand.pk}/"
    assert (brand.colours, brand.fonts, brand.is_default) == ({"paper_accent": "#7A1F5C"}, {"headline": "sans"}, True)
    assert brand.logo is not None and brand.logo.title == "Logo of The Harbour Post"
    assert "The Harbour Post" in admin.get(f"/settings/brands/{brand.pk}/").content.decode()
    assert admin.post(f"/settings/brands/{brand.pk}/remove/").status_code == 302
    assert not Brand.objects.exists()


def test_colours_that_cannot_be_read_stay_in_the_form(admin: Client) -> None:
    answer = admin.post("/settings/brands/", {"name": "A", "ground": "#ffffff", "ink": "#eeeeee"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "has a contrast of 1.2" in page and "#eeeeee" in page
    assert not Brand.objects.exists()


def test_a_brand_is_seen_before_it_is_kept(admin: Client) -> None:
    answer = admin.get("/settings/brands/tried.webp", {"paper": "#FFF4E0", "layout": "split"})
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.convert("RGB").getpixel((530, 660)) == pytest.approx((255, 244, 224), abs=6)
    assert admin.get("/settings/brands/tried.webp", {"ink": "#222222"}).status_code == 422
    assert admin.get("/settings/brands/tried.webp", {"layout": "poster"}).status_code == 404
    assert admin.get("/settings/brands/tried.webp", {"logo": "not-an-id"}).status_code == 200
