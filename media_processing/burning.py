"""Captions as an ASS script for libass: text in a box that holds still, and moves as its style says.

Line breaks, sizes and places are all decided here with the same font files that libass loads, so that nothing
depends on what libass would choose by itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from media_processing import fonts
from media_processing.captions import Cue, TimedWord, drawable, em_size, padding, popped, room_of
from media_processing.timeline import Timeline

LINE_HEIGHT = 1.28
"""Distance of two lines in ems."""
ABOVE = 0.2
"""Ems between the lines and the box above and below: the marks of Arabic and Indic letters reach out of their line."""
POP = 1.9
"""How much larger words are that pop up."""
_GROWTH, _GROWN = 82, 90
"""The size in percent that a word pops up with, and the milliseconds until it has its own."""


def to_ass(captions: Sequence[Cue], timeline: Timeline) -> str:
    """An ASS script that draws the captions, in pixels of the video."""
    head = (
        "[Script Info]\nScriptType: v4.00+\n"
        f"PlayResX: {timeline.width}\nPlayResY: {timeline.height}\nLayoutResX: {timeline.width}\n"
        f"LayoutResY: {timeline.height}\nWrapStyle: 2\nScaledBorderAndShadow: yes\nYCbCr Matrix: TV.709\n\n"
        "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
        "Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, "
        "MarginL, MarginR, MarginV, Encoding\n"
        # Encoding -1: the direction of a line is that of its first strong letter.
        f"Style: Words,Roboto,20,{_colour(timeline.look.captions.text)},0,0,0,-1,0,0,0,100,100,0,0,1,0,0,5,0,0,0,-1\n"
        f"Style: Box,Roboto,20,{_colour(timeline.look.captions.box)},0,0,0,0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1\n\n"
        "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    )
    return head + "".join(event for cue in on_screen(captions, timeline) for event in _cue(cue, timeline))


def on_screen(captions: Sequence[Cue], timeline: Timeline) -> list[Cue]:
    """What stands in the picture, which is less at a time than in the caption files where words pop up."""
    return popped(captions) if timeline.look.captions.motion == "pop" else list(captions)


def needed_fonts(captions: Sequence[Cue], timeline: Timeline) -> list[fonts.Font]:
    """The fonts that draw the captions, each once. Raises EngineError where a script has none."""
    words = {word.text for cue in captions for word in cue.words}
    runs = [run for text in sorted(words) for run in _runs(drawable(text), timeline)]
    return list(dict.fromkeys([*(run.font for run in runs), *(run.font for run in _runs(" ", timeline))]))


def fonts_folder(needed: Sequence[fonts.Font], folder: Path) -> Path:
    """Put the font files into a folder for libass's `fontsdir` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for font in needed:
        target = folder / font.path.name
        if not target.exists():
            shutil.copyfile(font.path, target)
    return folder


def caption_box(cue: Cue, timeline: Timeline) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a box in pixels, for a cue as it stands on the screen."""
    em = _em(cue, timeline)
    widest = max(_width(line, em, timeline) for line in cue.lines)
    height = (len(cue.lines) * LINE_HEIGHT + 2 * ABOVE) * em
    bottom = room_of(timeline)[3]
    half = widest / 2 + padding(em)
    return timeline.width / 2 - half, bottom - height, timeline.width / 2 + half, bottom


def _em(cue: Cue, timeline: Timeline) -> float:
    """A sentence on more than the allowed lines shrinks a little, down to 70 %, so that the picture stays visible.

    Words that pop up are as large as there is room beside them.
    """
    lines, style, em = len(cue.lines), timeline.look.captions, em_size(timeline)
    if style.motion == "pop" and cue.timing == "word" and lines == 1:
        left, _top, right, _bottom = room_of(timeline)
        whole = _width(cue.lines[0], em, timeline) + 2 * padding(em)
        return em * max(1.0, min(POP, (right - left) / whole))
    return em * max(0.7, min(1.0, style.max_lines / lines * 1.3 if lines > style.max_lines else 1.0))


def _cue(cue: Cue, timeline: Timeline) -> list[str]:
    if not any(drawable(line).strip() for line in cue.texts):
        return []
    em = _em(cue, timeline)
    left, top, right, bottom = caption_box(cue, timeline)
    motion = timeline.look.captions.motion
    follows = motion in ("word", "karaoke") and cue.timing == "word"
    grows = ""
    if motion == "pop" and cue.timing == "word":
        grows = rf"\fscx{_GROWTH}\fscy{_GROWTH}\t(0,{_GROWN},\fscx100\fscy100)"
    events = [_event(0, cue.start, cue.end, "Box", rf"{{\pos(0,0)\p1}}{_rounded(left, top, right, bottom, em * 0.22)}")]
    for number, line in enumerate(cue.lines):
        middle = top + (ABOVE + (number + 0.5) * LINE_HEIGHT) * em
        place = rf"{{\an5\pos({timeline.width / 2:.2f},{middle:.2f}){grows}}}"
        for start, end, active in _spans(cue, line) if follows else [(cue.start, cue.end, None)]:
            events.append(_event(1, start, end, "Words", place + _text(line, active, em, timeline)))
    return events


def _spans(cue: Cue, line: Sequence[TimedWord]) -> list[tuple[float, float, int | None]]:
    """When which word of a line is the spoken one: spans that cover the cue without gap or overlap.

    None stands before the line's first word, the number of its words after its last.
    """
    words = cue.words
    first = next(number for number, word in enumerate(words) if word is line[0])
    spans: list[tuple[float, float, int | None]] = []
    at = cue.start
    for number in range(first, first + len(line)):
        start = max(words[number].start, at)
        end = words[number + 1].start if number + 1 < len(words) else cue.end
        end = min(max(end, start), cue.end)
        if start > at:
            spans.append((at, start, None))
        if end > start:
            spans.append((start, end, number - first))
        at = max(at, end)
    if cue.end > at:
        spans.append((at, cue.end, len(line)))
    return spans


def _text(line: Sequence[TimedWord], active: int | None, em: float, timeline: Timeline) -> str:
    style = timeline.look.captions
    parts = []
    for number, word in enumerate(line):
        # Always whole words: a letter that changes alone would be torn out of what it is shaped with.
        said = active is not None and (number <= active if style.motion == "karaoke" else number == active)
        colour = style.active if said else style.text
        spaced = drawable(word.text) + (" " if number + 1 < len(line) else "")
        parts.append(rf"{{\1c{_colour(colour)}}}")
        # A size in ASS is a font's whole height, not its em: each font needs its own for letters of one size.
        parts += [
            rf"{{\fn{run.font.family}\fs{em * run.font.em:.2f}}}{_escape(run.text)}" for run in _runs(spaced, timeline)
        ]
    return "".join(parts)


def _width(line: Sequence[TimedWord], em: float, timeline: Timeline) -> float:
    text = drawable(" ".join(word.text for word in line))
    return fonts.width(text, em, timeline.look.text_family, language=timeline.language)


def _runs(text: str, timeline: Timeline) -> list[fonts.Run]:
    return fonts.split_runs(text, timeline.look.text_family, language=timeline.language)


def _rounded(left: float, top: float, right: float, bottom: float, radius: float) -> str:
    """A rectangle with round corners in ASS's drawing language."""
    near = radius * 0.4477  # where the control points of a quarter circle stand
    a, b, c, d = round(left), round(top), round(right), round(bottom)
    return (
        f"m {a + radius:.1f} {b} l {c - radius:.1f} {b} "
        f"b {c - near:.1f} {b} {c} {b + near:.1f} {c} {b + radius:.1f} l {c} {d - radius:.1f} "
        f"b {c} {d - near:.1f} {c - near:.1f} {d} {c - radius:.1f} {d} l {a + radius:.1f} {d} "
        f"b {a + near:.1f} {d} {a} {d - near:.1f} {a} {d - radius:.1f} l {a} {b + radius:.1f} "
        f"b {a} {b + near:.1f} {a + near:.1f} {b} {a + radius:.1f} {b}"
    )


def _event(layer: int, start: float, end: float, style: str, text: str) -> str:
    return f"Dialogue: {layer},{_time(start)},{_time(end)},{style},,0,0,0,,{text}\n"


def _time(seconds: float) -> str:
    hundredths = max(0, round(seconds * 100))
    return f"{hundredths // 360000}:{hundredths // 6000 % 60:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def _colour(web: str) -> str:
    """`#RRGGBB` as ASS writes it: blue, green, red."""
    return f"&H{web[5:7]}{web[3:5]}{web[1:3]}&"


def _escape(text: str) -> str:
    # An empty block after a backslash keeps libass from reading the next letter as a command.
    return text.replace("\\", "\\{}").replace("{", r"\{").replace("\\\\{}", "\\{}").replace("\n", " ")
