"""A story's words, pictures and voice by the engines that ship."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks import painting
from tests.benchmarks.harness import Clock, Figure, at_least, at_most, plain

SCENES = 8


def figures() -> Iterator[Figure]:
    from creator.services import samples
    from generation import services as generation
    from generation.articles import read_article
    from generation.engines.base import Wish
    from media_processing.engine import engines

    def script() -> Any:
        article = read_article(samples.article(), name="article.md")
        return generation.write(article, Wish(seconds=75), engine="extractive")

    with Clock() as first:
        generation.speak("Ready.", language="en", engine="espeak")
        generation.painter("illustrator").draw("a boat on the sea", width=270, height=480, seed=1)
        script()
    yield plain("generation: first use of writer, painter and voice in a process", first.seconds, "s")
    with Clock() as writing:
        scenes = script().scenes[:SCENES]
    with Clock() as drawing:
        for number, scene in enumerate(scenes):
            generation.painter("illustrator").draw(scene.visual, width=1080, height=1920, seed=number)
    voice = engines["voice", "espeak"]
    helped = _helper_seconds(voice.helper_pid)
    with Clock() as speaking:
        # Straight from the engine: what an earlier run has spoken lies in the cache.
        spoken = [voice.speak(scene.narration, language="en").seconds for scene in scenes]
    busy = speaking.cpu + _helper_seconds(voice.helper_pid) - helped
    whole = writing.seconds + drawing.seconds + speaking.seconds
    parts = f"writing {writing.seconds:.2f} s, drawing {drawing.seconds:.2f} s, speaking {speaking.seconds:.2f} s"
    parts += f"; drawing took {drawing.cpu:.2f} s of processor time"
    name = f"generation: {len(scenes)} scenes written, drawn at 1080x1920 and spoken"
    yield at_most(name, whole, "s", 5.0, f"{parts}; {sum(spoken):.0f} s of speech")
    name = f"generation: eSpeak NG, {len(scenes)} narrations, joined and levelled: seconds of speech a second"
    yield at_least(
        name, sum(spoken) / busy, "x", 100.0,
        f"of processor time, its helper's included; by the wall clock {sum(spoken) / speaking.seconds:.0f}",
    )  # fmt: skip
    for scene in scenes:
        generation.speak(scene.narration, language="en", engine="espeak")
    edited = [*(scene.narration for scene in scenes[:-1]), "One sentence was changed."]
    with Clock() as again:
        for text in edited:
            generation.speak(text, language="en", engine="espeak")
    yield plain("generation: eight narrations again, one of them changed", again.cpu, "s")
    yield from painting.figures()


def _helper_seconds(pid: int) -> float:
    """Processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
