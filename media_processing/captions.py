"""Captions: narrated words become short lines at phrase breaks, as WebVTT, SubRip, and ASS for burning in.

Word times are taken as they are. Where a scene has none, a caption holds a whole spoken sentence with its exact
bounds; times are never guessed by proportion.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pysubs2

from media_processing import fonts
from media_processing.safe_areas import safe_area
from media_processing.timeline import CaptionStyle, Timeline, TimelineScene

MAX_CHARACTERS_PER_SECOND = 21
"""Faster captions can't be read by most people; the gate warns."""
SENTENCE_END = re.compile(r"[.!?…。！？।॥؟]+[\"'”’»)\]]*$")
CLAUSE_END = re.compile(r"[,;:–—،、，；：]+[\"'”’»)\]]*$")
_CLINGING = (
    "a an the of to in on at by for from with and or but as is are was were be that this its his her their our your my "
    "not no than into over der die das ein eine und von zu mit le la les un une de des du et el los las una y o "
    "e il lo gli di da"
)
CLINGS = frozenset(_CLINGING.split())
"""Words that a line shouldn't end with: they belong to what follows."""

_PAUSE = 0.6
"""A silence, in seconds, that ends a caption."""
_LINGER = 0.35
"""How long a caption stays after its last word, where nothing follows at once."""
_PAIR = 12
"""Columns of two words that may pop up together."""


@dataclass(frozen=True)
class TimedWord:
    """A word as it is shown, with its times in seconds of the video."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Cue:
    """What stands on the screen from `start` to `end`. With timing "sentence" the words' own times mean nothing."""

    start: float
    end: float
    lines: tuple[tuple[TimedWord, ...], ...]
    timing: Literal["word", "sentence"] = "word"
    scene: str = ""

    @property
    def words(self) -> tuple[TimedWord, ...]:
        return tuple(word for line in self.lines for word in line)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(" ".join(word.text for word in line) for line in self.lines)

    @property
    def characters_per_second(self) -> float:
        return columns(" ".join(self.texts)) / max(self.end - self.start, 0.01)


Measure = Callable[[str], bool]
"""Whether a line of text fits."""


def cues(timeline: Timeline) -> tuple[Cue, ...]:
    """The captions of a whole video, in order. Every narrated word is in exactly one of them."""
    found: list[Cue] = []
    for scene, start in zip(timeline.scenes, timeline.starts(), strict=True):
        found += scene_cues(scene, timeline, offset=start)
    return tuple(found)


def scene_cues(scene: TimelineScene, timeline: Timeline, *, offset: float = 0.0) -> list[Cue]:
    """The captions of one scene that begins at `offset` seconds."""
    if scene.narration is None:
        return []
    fits = _measure(timeline)
    last = offset + scene.frames(timeline.fps) / timeline.fps
    begin = offset + scene.lead
    if scene.words:
        words = [TimedWord(w.text, begin + w.start, begin + w.end) for w in scene.words if w.text.strip()]
        return _word_cues(words, timeline.look.captions, fits, scene.id, last)
    sentences = [(s.text, begin + s.start, begin + s.end) for s in scene.sentences if s.text.strip()]
    if not sentences and scene.narration_text.strip():
        sentences = [(scene.narration_text, begin, begin + scene.narration_seconds)]
    return [
        Cue(start, end, _fill([TimedWord(text, start, end) for text in said.split()], fits), "sentence", scene.id)
        for said, start, end in sentences
    ]


def columns(text: str) -> int:
    """Length of a text in columns: East Asian wide characters count twice, marks not at all."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _measure(timeline: Timeline) -> Measure:
    style, language = timeline.look.captions, timeline.language
    em = em_size(timeline)
    left, _top, right, _bottom = room_of(timeline)
    room = right - left - 2 * padding(em)

    def fits(line: str) -> bool:
        return columns(line) <= style.max_characters and (
            fonts.width(drawable(line), em, timeline.look.text_family, language=language) <= room
        )

    return fits


def room_of(timeline: Timeline) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in pixels of what captions stay inside: what the style wants and apps leave free.

    It lies in the middle of the frame, as captions do.
    """
    style, safe = timeline.look.captions, safe_area(timeline.width, timeline.height)
    side = timeline.width * max((1 - style.width) / 2, safe.left, safe.right)
    bottom = timeline.height * (1 - max(style.bottom, safe.bottom))
    return side, timeline.height * safe.top, timeline.width - side, bottom


def em_size(timeline: Timeline) -> float:
    """The em of caption text in pixels."""
    return timeline.look.captions.size * min(timeline.width, timeline.height)


def padding(em: float) -> float:
    """The space between text and the side of its box, in pixels."""
    return em * 0.42


def drawable(text: str) -> str:
    """Text without colour emoji, which libass can't draw; the VTT and SRT files keep them."""
    return "".join(cluster for cluster in fonts.clusters(text) if not fonts.is_emoji(cluster))


def _word_cues(words: list[TimedWord], style: CaptionStyle, fits: Measure, scene: str, last: float) -> list[Cue]:
    return _timed(_blocks(words, style, fits), scene, last)


def _timed(blocks: Sequence[tuple[tuple[TimedWord, ...], ...]], scene: str, last: float) -> list[Cue]:
    """Blocks of words as captions of a scene that ends at `last`."""
    cues = []
    for number, lines in enumerate(blocks):
        start = lines[0][0].start
        spoken = max(lines[-1][-1].end, start + 0.05)
        following = blocks[number + 1][0][0].start if number + 1 < len(blocks) else last
        # Up to the next caption where it follows soon: a box that goes and comes at once flickers.
        end = following if following - spoken < _PAUSE else spoken + _LINGER
        cues.append(Cue(start, max(min(end, last), start + 0.05), lines, "word", scene))
    return cues


def popped(captions: Sequence[Cue]) -> list[Cue]:
    """Captions cut up into one or two words, for those that pop up as they are spoken.

    What goes by sentence stays whole, and so does a word that needs several lines.
    """
    cues: list[Cue] = []
    for cue in captions:
        if cue.timing != "word" or any(one.start == other.start for one, other in pairwise(cue.words)):
            cues.append(cue)
            continue
        blocks: list[tuple[tuple[TimedWord, ...], ...]] = []
        for word in cue.words:
            if blocks and _pairs(blocks[-1][0], word):
                blocks[-1] = ((*blocks[-1][0], word),)
            else:
                blocks.append(((word,),))
        cues += _timed(blocks, cue.scene, cue.end)
    return cues


def _pairs(said: Sequence[TimedWord], word: TimedWord) -> bool:
    """Whether a word may join the one before it: both are short, and no phrase ends between them."""
    before = said[-1]
    apart = SENTENCE_END.search(before.text) or CLAUSE_END.search(before.text) or word.start - before.end >= _PAUSE
    return len(said) == 1 and not apart and columns(f"{before.text} {word.text}") <= _PAIR


def _blocks(words: list[TimedWord], style: CaptionStyle, fits: Measure) -> list[tuple[tuple[TimedWord, ...], ...]]:
    """Split words into captions so that the breaks fall where the phrases end: the cheapest path over all breaks."""
    best: list[tuple[float, int, tuple[tuple[TimedWord, ...], ...]]] = [(0.0, 0, ())]
    for end in range(1, len(words) + 1):
        choices = []
        for start in range(end - 1, -1, -1):
            block = words[start:end]
            lines = _lines(block, style.max_lines, fits)
            if lines is None and len(block) > 1:
                break
            cost = best[start][0] + _block_cost(block, words[end] if end < len(words) else None)
            # A single word that is wider than a line stands alone, broken by its letters.
            choices.append((cost, start, lines or _broken(block[0], fits)))
        best.append(min(choices, key=lambda choice: choice[0]))
    blocks, at = [], len(words)
    while at:
        blocks.append(best[at][2])
        at = best[at][1]
    return blocks[::-1]


def _block_cost(block: Sequence[TimedWord], following: TimedWord | None) -> float:
    text = " ".join(word.text for word in block)
    short = max(0.0, (36 - columns(text)) / 9)
    cost = 3.0 + short * math.sqrt(short)  # each caption costs, short ones more
    for word, after in pairwise(block):
        if SENTENCE_END.search(word.text):
            cost += 7
        if after.start - word.end >= _PAUSE:
            cost += 7
    if following is None or SENTENCE_END.search(block[-1].text):
        return cost
    return cost + _break_cost(block[-1].text, following.text)


def _break_cost(word: str, following: str) -> float:
    """What a break between two words costs: little after a comma, less before "at" or "the" than inside a phrase."""
    if CLAUSE_END.search(word) or SENTENCE_END.search(word):
        return 1.0
    if word.lower() in CLINGS:
        return 9.0
    return 2.5 if following.lower() in CLINGS else 4.5


def _lines(words: Sequence[TimedWord], limit: int, fits: Measure) -> tuple[tuple[TimedWord, ...], ...] | None:
    """Words on at most two lines, even and broken at a phrase; None where they don't fit."""
    texts = [word.text for word in words]
    whole = " ".join(texts)
    if columns(whole) > 200:
        return None
    if fits(whole):
        return (tuple(words),)
    if limit < 2:
        return None
    found = []
    for at in range(1, len(words)):
        top, bottom = " ".join(texts[:at]), " ".join(texts[at:])
        if fits(top) and fits(bottom):
            uneven = abs(columns(top) - columns(bottom)) / 4
            found.append((uneven + _break_cost(texts[at - 1], texts[at]), at))
    if not found:
        return None
    at = min(found)[1]
    return tuple(words[:at]), tuple(words[at:])


def _fill(words: Sequence[TimedWord], fits: Measure) -> tuple[tuple[TimedWord, ...], ...]:
    """Words on as many lines as they need."""
    lines = _lines(words, 2, fits)
    if lines:
        return lines
    filled: list[tuple[TimedWord, ...]] = []
    line: list[TimedWord] = []
    for word in words:
        if line and not fits(" ".join(w.text for w in [*line, word])):
            filled.append(tuple(line))
            line = []
        if not fits(word.text):
            *whole, rest = _broken(word, fits)
            filled += whole
            line = list(rest)
        else:
            line.append(word)
    return (*filled, tuple(line)) if line else tuple(filled)


def _broken(word: TimedWord, fits: Measure) -> tuple[tuple[TimedWord, ...], ...]:
    """A word that is wider than a line (a sentence of Chinese, an address), broken between characters."""
    pieces, piece = [], ""
    for cluster in fonts.clusters(word.text):
        if piece and not fits(piece + cluster):
            pieces.append(piece)
            piece = ""
        piece += cluster
    return tuple((TimedWord(text, word.start, word.end),) for text in [*pieces, piece])


def to_vtt(captions: Sequence[Cue]) -> str:
    """The captions as a WebVTT file; a note says so where they go by sentence."""
    escaped = _subtitles(captions, lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    text: str = escaped.to_string("vtt")
    if any(cue.timing == "sentence" for cue in captions):
        text = text.replace("WEBVTT", "WEBVTT\n\nNOTE timing: sentence", 1)
    return text


def to_srt(captions: Sequence[Cue]) -> str:
    """The captions as a SubRip file."""
    text: str = _subtitles(captions, str).to_string("srt")
    return text


def _subtitles(captions: Sequence[Cue], escape: Callable[[str], str]) -> pysubs2.SSAFile:
    file = pysubs2.SSAFile()
    for cue in captions:
        # pysubs2 reads braces as ASS tags and drops them.
        lines = [escape(line).replace("{", "｛").replace("}", "｝").replace("\\", "＼") for line in cue.texts]
        start, end = round(cue.start * 1000), round(cue.end * 1000)
        file.append(pysubs2.SSAEvent(start=start, end=max(end, start + 1), text=r"\N".join(lines)))
    return file
