"""The timeline: plain data, there and back."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from media_processing.engine import EngineError
from media_processing.engines.base import Passage, Word
from media_processing.timeline import FORMATS, Timeline, TimelineScene, Visual, parse_format, parse_formats

SCENE = TimelineScene(
    "one", Visual(Path("a.png"), focus=(0.3, 0.6), motion="pan-left"), Path("a.wav"), 2.0, "Hello there.",
    words=(Word("Hello", 0.1, 0.5, 0.9), Word("there.", 0.5, 1.0)),
    sentences=(Passage("Hello there.", 0.1, 1.0),), on_screen="Hi",
)  # fmt: skip


def test_json_there_and_back() -> None:
    timeline = Timeline(1080, 1920, (SCENE,), music=Path("m.mp3"), language="pt-BR")
    assert Timeline.from_dict(json.loads(json.dumps(timeline.as_dict()))) == timeline


@pytest.mark.parametrize("wrong", [{}, {"version": 2}, {"version": 1}, {"version": 1, "look": {}}])
def test_other_data_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no timeline"):
        Timeline.from_dict(wrong)


def test_the_digest_follows_the_content() -> None:
    timeline = Timeline(1080, 1920, (SCENE,))
    assert timeline.digest() == Timeline.from_dict(timeline.as_dict()).digest()
    changed = dataclasses.replace(SCENE, on_screen="Ho")
    assert timeline.digest() != dataclasses.replace(timeline, scenes=(changed,)).digest()


def test_scenes_last_as_long_as_they_are_spoken_in_whole_frames() -> None:
    second = dataclasses.replace(SCENE, id="two", narration=None, hold=1.01)
    timeline = Timeline(1080, 1920, (SCENE, second))
    assert SCENE.seconds == pytest.approx(0.15 + 2.0 + 0.35)
    assert [scene.frames(30) for scene in timeline.scenes] == [75, 30]
    assert timeline.starts() == (0.0, 2.5)
    assert timeline.seconds == 3.5


def test_odd_sides_and_double_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        Timeline(1081, 1920, (SCENE,))
    with pytest.raises(ValueError, match="same id"):
        Timeline(1080, 1920, (SCENE, SCENE))


@pytest.mark.parametrize("name", FORMATS)
def test_formats_have_their_shape(name: str) -> None:
    form = parse_format(name)
    across, down = (float(part) for part in form.shape.split("x"))
    assert form.width / form.height == pytest.approx(across / down, rel=0.005)
    assert form.name == name


def test_lists_of_formats() -> None:
    assert [form.name for form in parse_formats(" video:9x16, card:1x1,video:9x16 ")] == ["video:9x16", "card:1x1"]
    for wrong in ("video:3x2", "", "poster"):
        with pytest.raises(EngineError, match="Choose from video:9x16"):
            parse_formats(wrong)
