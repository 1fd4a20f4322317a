"""Captions: every narrated word, in order, in lines that can be read."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_processing import burning, captions
from media_processing.engines.base import Passage, Word
from media_processing.timeline import Timeline, TimelineScene, Visual

TEXT = (
    "The harbour at Port Ellis will switch its whole fishing fleet to electric boats, the council said on Monday. "
    "Forty boats, some of them older than their skippers, will be rebuilt over the next three years."
)


def spoken(text: str, *, pace: float = 0.32, **more: object) -> TimelineScene:
    parts = text.split()
    words = tuple(Word(part, n * pace, n * pace + pace * 0.9) for n, part in enumerate(parts))
    return TimelineScene("one", Visual(Path("a.png")), Path("a.wav"), len(parts) * pace, text, words, **more)  # type: ignore[arg-type]


def video(*scenes: TimelineScene, **more: object) -> Timeline:
    named = tuple(dataclasses.replace(scene, id=str(n)) for n, scene in enumerate(scenes))
    return Timeline(1080, 1920, named, **more)  # type: ignore[arg-type]


def test_lines_are_short_and_break_at_phrases() -> None:
    cues = captions.cues(video(spoken(TEXT)))
    assert all(len(cue.lines) <= 2 and len(line) <= 32 for cue in cues for line in cue.texts)
    ends = [cue.words[-1].text for cue in cues]
    assert {"Monday.", "skippers,", "years."} <= set(ends)
    assert not {end.lower() for end in ends} & captions.CLINGS


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abcde ,.éüß", min_size=1, max_size=45).filter(str.strip), min_size=1, max_size=40))
def test_every_word_is_shown_once_in_order(pieces: list[str]) -> None:
    text = " ".join(" ".join(pieces).split())
    cues = captions.cues(video(spoken(text)))
    assert "".join(word.text for cue in cues for word in cue.words) == text.replace(" ", "")
    assert all(first.end <= second.start + 1e-6 for first, second in pairwise(cues))
    assert all(cue.start < cue.end for cue in cues)
    assert all(captions.columns(line) <= 32 and len(cue.lines) >= 1 for cue in cues for line in cue.texts)


def test_scenes_are_joined_with_their_offsets() -> None:
    timeline = video(spoken("First words."), spoken("Second words."))
    first, second = captions.cues(timeline)
    assert first.start == pytest.approx(0.15)
    assert second.start == pytest.approx(timeline.starts()[1] + 0.15)
    assert first.end <= timeline.starts()[1]


def test_a_long_pause_clears_the_screen() -> None:
    words = (Word("Wait.", 0.0, 0.4), Word("Now.", 3.0, 3.4))
    scene = dataclasses.replace(spoken("Wait. Now."), words=words, narration_seconds=3.5)
    first, second = captions.cues(video(scene))
    assert first.end < 1.5 and second.start == pytest.approx(3.15)


def test_without_word_times_a_whole_sentence_stands_with_its_exact_bounds() -> None:
    sentences = (Passage("One is short.", 0.1, 1.0), Passage(TEXT[:108], 1.2, 6.0))
    scene = dataclasses.replace(spoken("x"), words=(), sentences=sentences, narration_seconds=6.1)
    cues = captions.cues(video(scene))
    assert [cue.timing for cue in cues] == ["sentence", "sentence"]
    assert [(cue.start, cue.end) for cue in cues] == [
        (pytest.approx(0.25), pytest.approx(1.15)), (pytest.approx(1.35), pytest.approx(6.15))
    ]  # fmt: skip
    assert "NOTE timing: sentence" in captions.to_vtt(cues)
    assert burning.to_ass(cues, video(scene)).count("Dialogue: 1") == sum(len(cue.lines) for cue in cues)


def test_vtt_and_srt_can_be_read_back() -> None:
    cues = captions.cues(video(spoken("Fish & chips <b>cost</b> {nine} pounds, she said.")))
    for text, form in ((captions.to_vtt(cues), "vtt"), (captions.to_srt(cues), "srt")):
        read = pysubs2.SSAFile.from_string(text, format_=form)
        assert len(read) == len(cues)
        assert read[0].start == round(cues[0].start * 1000)
    assert "&lt;b>" in captions.to_vtt(cues) or "&lt;b&gt;" in captions.to_vtt(cues)
    assert "Fish &amp; chips" in captions.to_vtt(cues)


def test_the_active_word_is_coloured_from_its_start_to_the_next() -> None:
    timeline = video(spoken("One two three."))
    script = burning.to_ass(captions.cues(timeline), timeline)
    events = re.findall(r"Dialogue: 1,(\S+?),(\S+?),Words.*?\{\\1c&H63B7F3&\}\{[^}]*\}(\S+)", script)
    assert [word for _start, _end, word in events] == ["One", "two", "three."]
    assert [end for _start, end, _word in events][:2] == [start for start, _end, _word in events][1:]
    assert events[1][0] == "0:00:00.47"


def test_braces_and_backslashes_are_text() -> None:
    timeline = video(spoken(r"A {\b1} path C:\new"))
    script = burning.to_ass(captions.cues(timeline), timeline)
    assert r"\{\{}b1" in script
    assert r"\{}new" in script and r"C:\new" not in script


def test_captions_stay_inside_the_safe_area_in_every_shape() -> None:
    for width, height in ((1080, 1920), (1080, 1080), (1920, 1080), (270, 480)):
        timeline = Timeline(width, height, (spoken(TEXT.upper()),))
        for cue in captions.cues(timeline):
            left, _top, right, bottom = burning.caption_box(cue, timeline)
            assert left >= width * 0.06 - 0.5 and right <= width * 0.94 + 0.5
            assert bottom <= height * 0.88 + 0.5


@pytest.mark.parametrize(
    "text", ["आज बंदरगाह में नावें बिजली से चलेंगी।", "港口的渔船都将改用电力", "الميناء يتحول إلى الكهرباء"]
)
def test_other_scripts(text: str) -> None:
    cues = captions.cues(video(spoken(text)))
    assert "".join(word.text for cue in cues for word in cue.words) == text.replace(" ", "")
    assert all(captions.columns(line) <= 32 for cue in cues for line in cue.texts)


def test_emoji_stay_in_the_files_but_are_not_burned() -> None:
    timeline = video(spoken("Party 🎉 tonight."))
    cues = captions.cues(timeline)
    assert "🎉" in captions.to_srt(cues)
    assert "🎉" not in burning.to_ass(cues, timeline)
