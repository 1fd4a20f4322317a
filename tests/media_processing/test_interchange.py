"""Timelines on their way to editing programs and back."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from media_processing import interchange
from media_processing.engine import EngineError
from media_processing.engines.base import Passage, Word
from media_processing.timeline import Crop, Look, Overlay, Timeline, TimelineScene, Visual
from tests.media_processing.films import film, scene, tone


@pytest.fixture
def timeline(tmp_path: Path) -> Timeline:
    made = film(tmp_path)
    one, two = made.scenes
    two = dataclasses.replace(two, transition="cross-fade", tail=0.6)
    three = scene(tmp_path, "three", "And that was all.", transition="slide", transition_seconds=0.4)
    return dataclasses.replace(made, scenes=(one, two, three), music=tone(tmp_path / "music.wav", 1.0))


def finder(timeline: Timeline) -> Callable[[str], Path]:
    files = {path.name: path for path in interchange._files(timeline)}

    def path_of(name: str) -> Path:
        if Path(name).name not in files:
            raise EngineError(f"{name} isn't in the library.")
        return files[Path(name).name]

    return path_of


def back(timeline: Timeline, change: Callable[[otio.schema.Timeline], Any] = lambda _made: None) -> Timeline:
    """The timeline after an editing program has done something to it."""
    made = otio.adapters.read_from_string(interchange.write(timeline, "otio"), "otio_json")
    change(made)
    text = otio.adapters.write_to_string(made, "otio_json")
    return interchange.read(text.encode(), finder(timeline))


def pictures(made: otio.schema.Timeline) -> Any:
    return made.video_tracks()[0]


def test_nothing_is_lost(timeline: Timeline) -> None:
    assert back(timeline) == timeline


seconds = st.floats(0, 9, allow_nan=False)
share = st.floats(0, 1, allow_nan=False)
text = st.text(st.characters(blacklist_categories=("Cs",)), max_size=30)
words = st.lists(st.builds(Word, text, seconds, seconds), max_size=3).map(tuple)
visuals = st.builds(
    Visual, st.sampled_from([Path("/m/a.png"), Path("/m/b c.mp4")]), st.sampled_from(["image", "video"]),
    start=seconds, focus=st.tuples(share, share), motion=st.sampled_from(["push", "none", "pan-left"]), volume=share,
    crops=st.sampled_from([(), (Crop(0, 0.1, 0.2, 0.3, 0.4), Crop(1.5, 0, 0, 1, 1))]),
)  # fmt: skip
scenes = st.builds(
    TimelineScene, st.uuids().map(str), visuals, narration=st.sampled_from([None, Path("/m/n.wav")]),
    narration_seconds=st.floats(0.5, 9), narration_text=text, words=words, on_screen=text, lead=seconds, tail=seconds,
    sentences=st.lists(st.builds(Passage, text, seconds, seconds), max_size=2).map(tuple), hold=st.floats(0.1, 9),
    transition=st.sampled_from(["cut", "fade", "cross-fade", "wipe"]), transition_seconds=st.floats(0, 2),
)  # fmt: skip
timelines = st.builds(
    Timeline, st.just(1080), st.just(1920), st.lists(scenes, min_size=1, max_size=4).map(tuple),
    fps=st.sampled_from([24, 25, 30, 60]), language=st.sampled_from(["en", "hi"]),
    look=st.just(Look(ink="#ABCDEF")), music=st.sampled_from([None, Path("/m/m.wav")]), music_volume=share,
    overlays=st.sampled_from([(), (Overlay(Path("/m/logo.png"), "bottom-left", 0.4, 0.2),)]),
)  # fmt: skip


@given(timelines)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_timeline_holds_comes_back(made: Timeline) -> None:
    assert back(made) == made


def test_scenes_can_be_moved_left_out_and_doubled(timeline: Timeline) -> None:
    one, _two, three = timeline.scenes

    def change(made: otio.schema.Timeline) -> None:
        track = pictures(made)
        clips = [item.clone() for item in track if isinstance(item, otio.schema.Clip)]
        del track[:]
        track.extend([clips[2], clips[0], clips[0].clone()])

    made = back(timeline, change)
    assert [each.id for each in made.scenes] == ["three", "one", "one-2"]
    assert made.scenes[0] == dataclasses.replace(three, transition="cut")
    assert made.scenes[2] == dataclasses.replace(one, id="one-2")


def test_lengths_change_the_silence_around_what_is_spoken(timeline: Timeline) -> None:
    def resize(frames: int) -> Callable[[otio.schema.Timeline], None]:
        def change(made: otio.schema.Timeline) -> None:
            clip = pictures(made)[0]
            clip.source_range = otio.opentime.TimeRange(
                clip.source_range.start_time, otio.opentime.RationalTime(frames, 30)
            )

        return change

    longer = back(timeline, resize(90)).scenes[0]
    assert (longer.lead, longer.seconds) == (timeline.scenes[0].lead, pytest.approx(3.0))
    with pytest.raises(EngineError, match="shorter than what is spoken") as refused:
        back(timeline, resize(20))
    assert "longer" in refused.value.next_step


def test_in_points_and_other_rates_are_taken_over(timeline: Timeline) -> None:
    def change(made: otio.schema.Timeline) -> None:
        clip = pictures(made)[0]
        rate = otio.opentime.RationalTime
        clip.source_range = otio.opentime.TimeRange(rate(24, 24), rate(36, 24))  # 1 s in, as long as before

    made = back(timeline, change)
    assert made.scenes[0].visual.start == pytest.approx(1.0)
    assert made.scenes[0].seconds == pytest.approx(1.5)


def test_transitions_can_be_put_in_and_taken_out(timeline: Timeline) -> None:
    def change(made: otio.schema.Timeline) -> None:
        track = pictures(made)
        for number in reversed([n for n, item in enumerate(track) if isinstance(item, otio.schema.Transition)]):
            del track[number]
        frames = otio.opentime.RationalTime(3, 30)
        track.insert(1, otio.schema.Transition("", "SMPTE_Dissolve", in_offset=frames, out_offset=frames))

    made = back(timeline, change)
    assert [each.transition for each in made.scenes] == ["cut", "cross-fade", "cut"]
    assert made.scenes[1].transition_seconds == pytest.approx(0.2)


def _gap(made: otio.schema.Timeline) -> None:
    length = otio.opentime.TimeRange(duration=otio.opentime.RationalTime(9, 30))
    pictures(made).insert(1, otio.schema.Gap(source_range=length))


def _other_file(made: otio.schema.Timeline) -> None:
    pictures(made)[0].media_reference = otio.schema.ExternalReference("file:///etc/passwd")


def _second_track(made: otio.schema.Timeline) -> None:
    made.tracks.append(pictures(made).clone())


def _faster(made: otio.schema.Timeline) -> None:
    pictures(made)[0].effects.append(otio.schema.LinearTimeWarp(time_scalar=2))


def _no_file(made: otio.schema.Timeline) -> None:
    pictures(made)[0].media_reference = otio.schema.MissingReference()


def _not_ours(made: otio.schema.Timeline) -> None:
    del made.metadata["storyloom"]


def _bent(made: otio.schema.Timeline) -> None:
    said = json.loads(str(pictures(made)[0].metadata["storyloom"]))
    pictures(made)[0].metadata["storyloom"] = json.dumps({**said, "lead": "soon"})


@pytest.mark.parametrize(
    ("change", "said"),
    [(_gap, "gap after scene 1"), (_other_file, "isn't in the library"), (_second_track, "2 tracks"),
     (_faster, "another speed"), (_no_file, "names no file"), (_not_ours, "exported here"), (_bent, "exported here")],
)  # fmt: skip
def test_what_cannot_be_rendered_is_told(timeline: Timeline, change: Any, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        back(timeline, change)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[" * 100_000, b"{}", b'{"OTIO_SCHEMA": "Timeline.1"}', b'{"OTIO_SCHEMA": "Clip.2"}', b"null",
     b'{"OTIO_SCHEMA": "Timeline.1", "metadata": {"storyloom": "[]"}}', b" " * 6_000_000],
)  # fmt: skip
def test_files_that_are_no_timeline_are_refused(timeline: Timeline, content: bytes) -> None:
    with pytest.raises(EngineError):
        interchange.read(content, finder(timeline))


def test_an_edl_and_an_fcp7_file_hold_every_scene_at_its_place(timeline: Timeline) -> None:
    edl = interchange.write(timeline, "edl", name="Ferry")
    assert edl.startswith("TITLE: Ferry") and "FROM CLIP: two.png" in edl
    events = [line.split() for line in edl.splitlines() if line[:3].isdigit()]
    ends = [round(start * 30) for start in (*timeline.starts()[1:], timeline.seconds)]
    assert [event[-1] for event in events] == [f"00:00:{end // 30:02}:{end % 30:02}" for end in ends]
    root = etree.fromstring(interchange.write(timeline, "xml", name="Ferry").encode())
    clips = root.findall(".//video/track/clipitem")
    assert [clip.findtext("file/pathurl") for clip in clips] == ["one.png", "two.png", "three.png"]
    assert len(root.findall(".//video/track/transitionitem")) == 2
    assert "storyloom" not in edl and len(root.findall(".//audio/track/clipitem")) == 4


def test_a_bundle_holds_the_media_beside_the_timelines(timeline: Timeline, tmp_path: Path) -> None:
    target = tmp_path / "story.zip"
    titles = {timeline.scenes[0].visual.path: "01 harbour"}
    interchange.bundle(timeline, target, name="Ferry", titles=titles)
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
        made = otio.adapters.read_from_string(archive.read("timeline.otio").decode(), "otio_json")
        assert {"timeline.otio", "timeline.edl", "timeline.xml", "media/01 harbour.png", "media/music.wav"} <= names
        assert {clip.media_reference.target_url for clip in made.find_clips()} <= names
        assert archive.read("media/two.png") == (tmp_path / "two.png").read_bytes()
