"""Captions: every narrated word, in order, in lines that can be read."""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.engines.espeak import ESpeakVoice
from media_processing import burning, captions, stills
from media_processing.engines.base import Passage, Word
from media_processing.safe_areas import safe_area
from media_processing.timeline import FORMATS, CaptionMotion, CaptionStyle, Look, Timeline, TimelineScene, Visual

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


def moved(motion: CaptionMotion, text: str = TEXT, **more: object) -> Timeline:
    return video(spoken(text), look=Look(captions=CaptionStyle(motion=motion)), **more)


def lines_of(script: str) -> list[tuple[float, float, list[tuple[str, bool]]]]:
    """Start, end, and (run of text, in colour) of every line of text."""
    found = []
    for start, end, text in re.findall(r"Dialogue: 1,(\S+?),(\S+?),Words,,0,0,0,,\{[^}]*\}(.*)", script):
        runs = [
            (run.strip(), "63B7F3" in colour)
            for colour, rest in re.findall(r"\{\\1c&H(\w+)&\}((?:(?!\{\\1c).)*)", text)
            if (run := re.sub(r"\{[^}]*\}", "", rest))
        ]
        found.append((*(int(t[2:4]) * 60 + float(t[5:]) for t in (start, end)), runs))
    return found


def test_a_plain_line_stands_still() -> None:
    timeline = moved("line")
    cues = captions.cues(timeline)
    shown = lines_of(burning.to_ass(cues, timeline))
    assert [(start, end) for start, end, _runs in shown] == [
        (pytest.approx(cue.start, abs=0.006), pytest.approx(cue.end, abs=0.006)) for cue in cues for _line in cue.lines
    ]
    assert not any(coloured for _start, _end, runs in shown for _word, coloured in runs)


@pytest.mark.parametrize("text", [TEXT, "नमस्ते दुनिया आज बंदरगाह में नावें", "الميناء يتحول إلى الكهرباء اليوم"])
def test_karaoke_fills_whole_words_as_they_are_spoken(text: str) -> None:
    timeline = moved("karaoke", text)
    script = burning.to_ass(captions.cues(timeline), timeline)
    shown = lines_of(script)
    for cue in captions.cues(timeline):
        for word in cue.words:
            middle = (word.start + word.end) / 2
            now = [run for start, end, runs in shown if start <= middle < end for run in runs]
            assert [run for run, _coloured in now] == [each.text for each in cue.words]
            assert [coloured for _run, coloured in now] == [each.start <= word.start for each in cue.words]
    assert r"\k" not in script


def test_words_pop_up_large_one_or_two_at_a_time_when_they_are_spoken() -> None:
    timeline = moved("pop")
    cues = captions.cues(timeline)
    assert captions.cues(moved("line")) == cues
    popped = burning.on_screen(cues, timeline)
    assert [word for cue in popped for word in cue.words] == [word for cue in cues for word in cue.words]
    assert {len(cue.words) for cue in popped} == {1, 2}
    assert all(cue.start == cue.words[0].start and len(cue.lines) == 1 for cue in popped)
    assert all(first.end <= second.start + 1e-6 for first, second in pairwise(popped))
    sizes = [float(size) for size in re.findall(r"\\fs([\d.]+)\}", burning.to_ass(cues, timeline))]
    assert min(sizes) > 1.5 * float(re.findall(r"\\fs([\d.]+)\}", burning.to_ass(cues, moved("line")))[0])
    assert captions.to_vtt(cues) == captions.to_vtt(captions.cues(moved("line")))


def test_without_word_times_nothing_pops_up() -> None:
    scene = dataclasses.replace(spoken(TEXT), words=(), sentences=(Passage("One is short.", 0.1, 1.0),))
    timeline = video(scene, look=Look(captions=CaptionStyle(motion="pop")))
    cues = captions.cues(timeline)
    assert burning.on_screen(cues, timeline) == list(cues)
    assert r"\fscx" not in burning.to_ass(cues, timeline)


def test_a_word_of_several_lines_does_not_pop_up_in_pieces() -> None:
    timeline = moved("pop", "今天港口的渔船都将改用电力推进系统以减少噪音和污染" * 2)
    popped = burning.on_screen(captions.cues(timeline), timeline)
    assert all(first.end <= second.start + 1e-6 for first, second in pairwise(popped))
    assert any(len(cue.lines) > 1 for cue in popped)


@pytest.mark.parametrize("motion", get_args(CaptionMotion))
@pytest.mark.parametrize("name", FORMATS)
def test_no_caption_stands_where_apps_draw_their_buttons(motion: CaptionMotion, name: str) -> None:
    width, height = FORMATS[name]
    timeline = Timeline(width, height, (spoken(TEXT.upper()),), look=Look(captions=CaptionStyle(motion=motion)))
    safe = safe_area(width, height)
    for cue in burning.on_screen(captions.cues(timeline), timeline):
        left, top, right, bottom = burning.caption_box(cue, timeline)
        assert left >= safe.left * width - 0.5 and right <= (1 - safe.right) * width + 0.5
        assert top >= safe.top * height and bottom <= (1 - safe.bottom) * height + 0.5
    assert safe.bottom >= (0.25 if height == 1920 else 0.12)


def test_how_captions_move_is_kept_and_checked() -> None:
    timeline = moved("karaoke")
    assert Timeline.from_dict(timeline.as_dict()) == timeline
    assert timeline.digest() != moved("word").digest()
    with pytest.raises(ValueError, match="move like 'dance'"):
        CaptionStyle(motion="dance")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FORMATS)
def test_no_headline_stands_where_apps_draw_theirs(name: str) -> None:
    width, height = FORMATS[name]
    safe = safe_area(width, height)
    for text, language in (("A quiet harbour", "en"), ("الميناء يتحول إلى الكهرباء", "ar")):
        placed = stills.headline_layer(text, Timeline(width, height, (), language=language))
        assert placed
        layer, x, y = placed
        assert y >= safe.top * height - 2
        assert x >= safe.left * width - 2 and x + layer.width <= (1 - safe.right) * width + 2


@pytest.fixture(scope="module")
def voice() -> Iterator[ESpeakVoice]:
    made = ESpeakVoice()
    yield made
    made.close()


@pytest.mark.parametrize("motion", ["word", "pop"])
@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "On 3 May 2026 it cost $1,250.50, or 12 % more than in 1999. Dr. Nowak saw 21 boats at 14:30.",
        "Am 3. Mai kostete es 1.250 €, also 12 % mehr. Das 2. Boot kam um 14:30 Uhr.",
    ],
)
def test_words_are_marked_when_the_voice_says_them(voice: ESpeakVoice, motion: CaptionMotion, text: str) -> None:
    language = "de" if text.startswith("Am") else "en"
    speech = voice.speak(text, language=language)
    assert " ".join(word.text for word in speech.words) == text
    scene = TimelineScene("0", Visual(Path("a.png")), Path("a.wav"), speech.seconds, text, speech.words)
    timeline = video(scene, language=language, look=Look(captions=CaptionStyle(motion=motion)))
    shown = lines_of(burning.to_ass(captions.cues(timeline), timeline))
    said = [scene.lead + word.start for word in speech.words]
    off: list[float] = []
    at = 0
    for start, _end, runs in shown:
        marked = len(runs) if motion == "pop" else sum(coloured for _run, coloured in runs)
        if marked:  # a change is seen with the first frame after it
            off.append(abs(math.ceil(start * timeline.fps - 0.01) / timeline.fps - said[at]) * 1000)
        at += marked
    assert at == len(said)
    assert max(off) <= 80 and statistics.median(off) <= 40
