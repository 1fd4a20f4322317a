"""The timeline: plain data, there and back."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from media_processing.engine import EngineError
from media_processing.engines.base import Passage, Word
from media_processing.timeline import (
    FORMATS,
    Crop,
    Overlap,
    Overlay,
    Timeline,
    TimelineScene,
    Visual,
    parse_format,
    parse_formats,
)

SCENE = TimelineScene(
    "one", Visual(Path("a.png"), focus=(0.3, 0.6), motion="pan-left"), Path("a.wav"), 2.0, "Hello there.",
    words=(Word("Hello", 0.1, 0.5, 0.9), Word("there.", 0.5, 1.0)),
    sentences=(Passage("Hello there.", 0.1, 1.0),), on_screen="Hi",
)  # fmt: skip


def test_json_there_and_back() -> None:
    cropped = Visual(
        Path("a.mp4"), "video", 1.0, 4.0, crops=(Crop(0, 0.1, 0, 0.5, 1), Crop(2.5, 0.3, 0, 0.5, 1)), volume=0.5
    )
    outro = TimelineScene("two", cropped, transition="slide", transition_seconds=0.3, branded=False, effect="shake")
    logo = Overlay(Path("logo.png"), "bottom-left", 0.5, 0.1)
    timeline = Timeline(1080, 1920, (SCENE, outro), music=Path("m.mp3"), language="pt-BR", overlays=(logo,))
    assert Timeline.from_dict(json.loads(json.dumps(timeline.as_dict()))) == timeline


def test_data_of_before_there_were_overlays_is_read() -> None:
    data = Timeline(1080, 1920, (SCENE,)).as_dict()
    del data["overlays"]
    for name in ("transition_seconds", "branded", "effect"):
        del data["scenes"][0][name]
    for name in ("crops", "volume"):
        del data["scenes"][0]["visual"][name]
    assert Timeline.from_dict(data) == Timeline(1080, 1920, (SCENE,))


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


@pytest.mark.parametrize(
    "change",
    [
        {"transition": "spin"}, {"transition_seconds": 9}, {"lead": -1}, {"hold": 0},
        {"visual": {"motion": "jump"}}, {"visual": {"kind": "text"}}, {"visual": {"focus": [0.5, 3]}},
        {"visual": {"start": 2, "end": 1}},
        {"visual": {"crops": [{"second": 0, "x": 0.8, "y": 0, "width": 0.5, "height": 1}]}},
        {"visual": {"crops": [{"second": 1, "x": 0, "y": 0, "width": 1, "height": 1}] * 2}},
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(change: dict[str, object]) -> None:
    data = Timeline(1080, 1920, (SCENE,)).as_dict()
    visual = data["scenes"][0]["visual"] | change.pop("visual", {})
    data["scenes"][0] |= change | {"visual": visual}
    with pytest.raises(
        ValueError, match=r"can't|no transition|takes between|between 0 and 1|inside|follow one another"
    ):
        Timeline.from_dict(data)


def test_a_transition_moves_nothing_and_stays_out_of_speech() -> None:
    second = dataclasses.replace(SCENE, id="two", transition="wipe", transition_seconds=2.0)
    silent = dataclasses.replace(SCENE, id="three", narration=None, hold=1.0, transition="cross-fade")
    timeline = Timeline(1080, 1920, (SCENE, second, silent))
    cut = dataclasses.replace(second, transition="fade"), dataclasses.replace(silent, transition="cut")
    assert timeline.starts() == Timeline(1080, 1920, (SCENE, *cut)).starts()
    # Tails of 0.35 s are 10 whole frames, leads of 0.15 s are 4; half a second is 15 frames, of which 7 come before.
    assert timeline.overlaps() == (Overlap(0, 0), Overlap(10, 4), Overlap(7, 8))
    assert Timeline(1080, 1920, (SCENE, *cut)).overlaps() == (Overlap(), Overlap(), Overlap())


@pytest.mark.parametrize("hold", [0.03, 0.06, 0.1, 5.0])
def test_transitions_leave_a_frame_of_each_scene(hold: float) -> None:
    short = [
        TimelineScene(str(n), Visual(Path("a.png")), hold=hold, transition="slide", transition_seconds=2.0)
        for n in range(3)
    ]
    timeline = Timeline(1080, 1920, tuple(short))
    _, second, third = timeline.overlaps()
    assert short[1].frames(30) - second.after - third.before >= 1


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
