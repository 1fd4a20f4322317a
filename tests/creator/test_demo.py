"""`demo`, as a newcomer types it: what comes out is measured with a decoder that isn't ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.processes import manage

LEAD, TAIL = 0.15, 0.35


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = manage(tmp_path_factory.mktemp("demo"), "demo", "--json", timeout=400)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def path_of(demo: dict[str, Any], what: str) -> Path:
    return Path(next(file["path"] for file in demo["files"] if file["what"] == what))


pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]


def test_the_video_is_what_phones_play(demo: dict[str, Any]) -> None:
    with av.open(str(path_of(demo, "video:9x16"))) as file:
        video, sound = file.streams.video[0], file.streams.audio[0]
        assert video.codec_context.name == "h264"
        assert (video.width, video.height) == (1080, 1920)
        assert video.average_rate == 30
        assert video.pix_fmt == "yuv420p"
        assert sound.codec_context.name == "aac"


def test_it_is_as_long_as_its_narration_and_tails(demo: dict[str, Any]) -> None:
    narrations = [scene["seconds"] for scene in demo["scenes"]]
    with av.open(str(path_of(demo, "video:9x16"))) as file:
        assert file.duration is not None
        assert file.duration / av.time_base == pytest.approx(sum(narrations) + len(narrations) * (LEAD + TAIL), abs=0.3)


def test_captions_hold_every_narrated_word_in_order(demo: dict[str, Any]) -> None:
    said = " ".join(scene["narration"] for scene in demo["scenes"]).split()
    for what in ("captions (VTT)", "captions (SRT)"):
        lines = path_of(demo, what).read_text().splitlines()
        shown = [line for line in lines if line and not re.fullmatch(r"\d+|WEBVTT|.*-->.*", line)]
        assert " ".join(shown).split() == said


def test_cards_have_the_stated_sizes(demo: dict[str, Any]) -> None:
    with Image.open(path_of(demo, "card:9x16")) as card:
        assert card.size == (1080, 1920)
    with Image.open(path_of(demo, "card:1x1")) as card:
        assert card.size == (1080, 1080)


def test_it_says_who_made_what_and_where_it_is_published(demo: dict[str, Any]) -> None:
    assert set(demo["engines"]) >= {"writer", "voice", "renderer", "embedder", "painter"}
    assert all(file["engine"] for file in demo["files"])
    assert demo["publication"]["url"].endswith(demo["id"])
    assert demo["publication"]["approved_by"] == "moderator"


def test_search_chose_pictures_of_the_library(demo: dict[str, Any]) -> None:
    assert sum(scene["chosen_by"] == "search" for scene in demo["scenes"]) >= len(demo["scenes"]) / 2
