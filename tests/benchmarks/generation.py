"""A story's words, pictures and voice by the engines that ship."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.benchmarks.harness import Clock, Figure, at_least, at_most, plain

SCENES = 8


def figures() -> Iterator[Figure]:
    from creator.services import samples
    from generation import services as generation
    from generation.articles import read_article
    from generation.engines.base import Wish

    def script() -> Any:
        article = read_article(samples.article(), name="article.md")
        return generation.write(article, Wish(seconds=75), engine="extractive")

    with Clock() as first:
        generation.speak("Ready.", language="en", engine="espeak")
        generation.draw("a boat on the sea", width=270, height=480, seed=1, engine="illustrator")
        script()
    yield plain("generation: first use of writer, painter and voice in a process", first.seconds, "s")
    with Clock() as writing:
        scenes = script().scenes[:SCENES]
    with Clock() as drawing:
        for number, scene in enumerate(scenes):
            generation.draw(scene.visual, width=1080, height=1920, seed=number, engine="illustrator")
    with Clock() as speaking:
        spoken = [generation.speak(scene.narration, language="en", engine="espeak").seconds for scene in scenes]
    whole = writing.seconds + drawing.seconds + speaking.seconds
    parts = f"writing {writing.seconds:.2f} s, drawing {drawing.seconds:.2f} s, speaking {speaking.seconds:.2f} s"
    parts += f"; drawing took {drawing.cpu:.2f} s of processor time"
    name = f"generation: {len(scenes)} scenes written, drawn at 1080x1920 and spoken"
    yield at_most(name, whole, "s", 5.0, f"{parts}; {sum(spoken):.0f} s of speech")
    factor = sum(spoken) / speaking.seconds
    yield at_least("generation: eSpeak NG, seconds of speech a second", factor, "x", 100.0, "real time: 1")
