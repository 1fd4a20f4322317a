"""The page of the library's tools: its forms without a script, what is refused, and who may."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.test import Client

from creator import jobs
from creator.models import Job
from media_processing import services as media
from media_processing.models import Asset
from tests.conftest import Cast
from tests.factories import picture
from tests.media_processing.makers import clip


@pytest.fixture
def still(cast: Cast) -> Asset:
    return picture(cast.workspace, "teal", "A harbour")


def test_a_form_for_each_tool_holds_what_the_tool_takes(
    author: Client, cast: Cast, still: Asset, tmp_path: Path
) -> None:
    film, _ = media.store_asset(cast.workspace.pk, clip(tmp_path / "clip.mp4", seconds=0.5), title="Clip")
    page = author.get(f"/library/{still.pk}/tools/").content.decode()
    assert re.findall(r"\?tool=(\w+)", page) == [
        "crop", "rotate", "denoise", "upscale", "background", "match_colours", "watermark",
    ]  # fmt: skip
    assert re.search(r'name="width" type="number" value="64" min="16" max="64" step="1"', page)
    page = author.get(f"/library/{film.pk}/tools/?tool=trim").content.decode()
    assert {"trim", "mute", "speed", "stabilise"} < set(re.findall(r"\?tool=(\w+)", page))
    assert re.search(r'name="end" type="number" value="0.5" min="0" max="0.5" step="0.01"', page)
    assert f"/library/{still.pk}/tools/" in author.get(f"/library/{still.pk}/").content.decode()


def test_a_copy_is_asked_for_made_and_compared_without_a_script(author: Client, still: Asset) -> None:
    answer = author.post(f"/library/{still.pk}/tools/", {"tool": "crop", "left": "4", "width": "32", "height": "50"})
    job = Job.objects.get(kind="use_tool")
    assert answer["Location"] == f"/library/{still.pk}/tools/?tool=crop&job={job.pk}"
    waiting = author.get(answer["Location"]).content.decode()
    assert "It is being made." in waiting
    assert re.search(r'name="left" type="number" value="4"', waiting)
    jobs.work_off()
    made = Asset.objects.exclude(pk=still.pk).get()
    page = author.get(answer["Location"]).content.decode()
    assert "Before" in page
    assert f'href="/library/{made.pk}/"' in page
    assert "Copies made" in author.get(f"/library/{still.pk}/").content.decode()
    page = author.get(f"/library/{made.pk}/").content.decode()
    assert "Made from" in page
    assert f'href="/library/{still.pk}/"' in page


def test_what_is_refused_keeps_what_was_typed(author: Client, still: Asset) -> None:
    answer = author.post(f"/library/{still.pk}/tools/", {"tool": "crop", "left": "60", "width": "33"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "over the edge" in page
    assert re.search(r'name="left" type="number" value="60"', page)
    assert re.search(r'name="width" type="number" value="33"', page)
    strokes = json.dumps([{"keep": False, "size": 4, "points": [[1, 2]]}])
    answer = author.post(f"/library/{still.pk}/tools/", {"tool": "background", "strokes": strokes})
    assert (answer.status_code, "&quot;points&quot;: [[1, 2]]" in answer.content.decode()) == (422, True)
    for said in ({}, {"tool": "sing"}, {"tool": "trim"}, {"tool": "rotate", "turn": "45"}):
        assert author.post(f"/library/{still.pk}/tools/", said).status_code == 422
    assert not Job.objects.exists()


def test_a_failed_copy_says_why(author: Client, still: Asset) -> None:
    box = {"tool": "background", "left": 8, "top": 8, "width": 40, "height": 40}
    answer = author.post(f"/library/{still.pk}/tools/", box)
    jobs.work_off()
    assert "looks like what is behind it" in author.get(answer["Location"]).content.decode()


def test_only_editors_make_copies(author: Client, moderator: Client, stranger: Client, still: Asset) -> None:
    path = f"/library/{still.pk}/tools/"
    assert "Only editors make copies" in moderator.get(path).content.decode()
    assert moderator.post(path, {"tool": "rotate", "turn": "90"}).status_code == 404
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, {"tool": "rotate", "turn": "90"}).status_code == 404
    answer = author.post(path, {"tool": "rotate", "turn": "90"})
    number = answer["Location"].rpartition("=")[2]
    other = picture(Asset.objects.get().workspace, "gold")
    assert "being made" not in author.get(f"/library/{other.pk}/tools/?tool=rotate&job={number}").content.decode()
    assert author.get(f"{path}?job={'9' * 40}").status_code == 200
