"""Drawing a picture of the library again, from its page; what the studio's page offers of pictures and readings."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.test import Client

from creator import jobs
from creator.models import Job, Story
from media_processing.models import Asset
from tests.conftest import Cast
from tests.factories import picture


@pytest.fixture
def drawn(cast: Cast) -> Asset:
    """A picture that a machine drew."""
    asset = picture(cast.workspace, "red", "A red boat")
    asset.made_by = {"engine": "illustrator", "model": "x", "prompt": "a red boat", "seed": 5, "style": "line"}
    asset.save()
    return asset


def test_the_form_begins_with_how_it_was_made(author: Client, drawn: Asset) -> None:
    html = author.get(f"/library/{drawn.pk}/").content.decode()
    form = re.search(r'<details[^>]* id="again".*?</details>', html, re.S)
    assert form is not None
    assert "a red boat</textarea>" in form[0]
    assert 'name="seed" type="number" min="0" max="4294967287" value="5"' in form[0]
    assert '<option value="line" selected>' in form[0]
    assert "strength" not in form[0] and "negative" not in form[0], "the illustrator takes neither"


def test_photographs_and_moderators_get_no_form(author: Client, moderator: Client, drawn: Asset, cast: Cast) -> None:
    brought = picture(cast.workspace, "white")
    assert "Again with changes" not in author.get(f"/library/{brought.pk}/").content.decode()
    assert "Again with changes" not in moderator.get(f"/library/{drawn.pk}/").content.decode()
    assert moderator.post(f"/library/{drawn.pk}/again/", {"words": "a boat"}).status_code == 404


@pytest.mark.slow
def test_it_is_drawn_as_a_job_and_stands_on_the_page(author: Client, drawn: Asset) -> None:
    said = {"words": "a blue boat", "seed": "6", "style": "line"}
    answer = author.post(f"/library/{drawn.pk}/again/", said, follow=True)
    assert "It is being drawn" in answer.content.decode()
    jobs.work_off()
    job = Job.objects.get()
    assert job.state == Job.State.DONE, job.error
    made = Asset.objects.get(pk=job.subject["made"][0])
    assert (made.made_by["prompt"], made.made_by["seed"], made.made_by["style"]) == ("a blue boat", 6, "line")
    assert made.made_by["parents"] == [drawn.digest]
    assert (made.width, made.height) == (drawn.width, drawn.height)
    assert str(made.pk) in author.get(f"/library/{drawn.pk}/").content.decode()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"words": " "}, "Say what the picture"),
        ({"words": "A long poem", "seed": "many"}, "A seed, steps and guidance are numbers"),
    ],
)
def test_what_was_typed_is_not_lost(author: Client, drawn: Asset, said: dict[str, str], words: str) -> None:
    html = author.post(f"/library/{drawn.pk}/again/", said, follow=True).content.decode()
    assert words in html
    assert f"{said['words']}</textarea>" in html
    assert not Job.objects.exists()


def test_the_studio_offers_what_the_engines_can(author: Client, moderator: Client, story: Story) -> None:
    html = author.get(f"/stories/{story.pk}/").content.decode()
    assert 'id="compare"' in html and 'id="again"' in html
    assert 'id="fill"' not in html and "change a part of a picture" in html
    assert '<option value="espeak|">' in html
    assert 'id="again"' not in moderator.get(f"/stories/{story.pk}/").content.decode()


def test_the_studios_scripts_stay_small() -> None:
    root = Path(__file__).resolve().parents[2] / "static" / "js"
    scripts = [*root.glob("*.js"), *(root / "studio").glob("*.js")]
    assert sum(len(gzip.compress(each.read_bytes())) for each in scripts) < 80_000
