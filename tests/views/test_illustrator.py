"""The page of what the illustrator knows."""

from __future__ import annotations

import io

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from generation.illustrations.catalog import Catalog
from generation.illustrations.styles import STYLES
from tests.conftest import Cast

pytestmark = pytest.mark.slow


@pytest.fixture
def client_of_alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_everything_it_knows_is_on_the_page(client_of_alice: Client) -> None:
    page = client_of_alice.get(reverse("illustrator")).content.decode()
    catalog = Catalog.load()
    for kind, names in (
        ("object", catalog.objects), ("setting", catalog.settings), ("light", catalog.lights), ("style", STYLES),
        ("weather", catalog.weathers), ("palette", catalog.palettes), ("colour", catalog.colours),
    ):  # fmt: skip
        for name in names:
            assert reverse("illustrator-small", args=[kind, name]) in page


@pytest.mark.parametrize(
    ("kind", "name"),
    [("object", "lighthouse"), ("setting", "sea"), ("light", "night"), ("weather", "snow"), ("style", "print"),
     ("palette", "riviera"), ("colour", "red")],
)  # fmt: skip
def test_each_kind_has_a_small_drawing(client_of_alice: Client, kind: str, name: str) -> None:
    answer = client_of_alice.get(reverse("illustrator-small", args=[kind, name]))
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (160, 160))


@pytest.mark.parametrize(("kind", "name"), [("object", "unicorn"), ("unicorn", "car"), ("light", "car")])
def test_what_it_does_not_know_is_not_there(client_of_alice: Client, kind: str, name: str) -> None:
    assert client_of_alice.get(reverse("illustrator-small", args=[kind, name])).status_code == 404


def test_a_line_can_be_tried(client_of_alice: Client) -> None:
    asked = {"words": "two red boats by the sea", "style": "line", "seed": "7"}
    page = client_of_alice.get(reverse("illustrator"), asked).content.decode()
    assert "Drawn: " in page
    drawn = client_of_alice.get(reverse("illustrator-tried"), asked)
    with Image.open(io.BytesIO(drawn.content)) as picture:
        assert picture.size == (640, 640)
    other = client_of_alice.get(reverse("illustrator-tried"), {**asked, "style": "night"})
    assert other.content != drawn.content
    for bad in ({}, {"words": "a car", "style": "baroque"}):
        assert client_of_alice.get(reverse("illustrator-tried"), bad).status_code == 404
    strange = {"words": "<b>" * 500, "seed": "99999999999", "style": "\x00"}
    assert client_of_alice.get(reverse("illustrator"), strange).status_code == 200
