"""Rendering beside what its encoder needs alone, cards beside their encoding, one changed scene beside the whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from media_processing.engine import no_progress
from media_processing.engines.filtergraph import FiltergraphRenderer
from media_processing.timeline import FORMATS, Timeline, TimelineScene
from tests.benchmarks.harness import Clock, Figure, at_most

WIDTH, HEIGHT = 1080, 1920
TEXT = (
    "The city council voted on Tuesday to plant three hundred new trees along the river. It is the largest planting "
    "in the city for forty years."
)


class RawRenderer(FiltergraphRenderer):
    """Writes the frames of its graph as they are: what the encoder gets."""

    title = "raw frames"

    def _encoder(self, timeline: Timeline, scene: TimelineScene) -> list[str]:
        frames = str(scene.frames(timeline.fps))
        return ["-frames:v", frames, "-r", str(timeline.fps), "-pix_fmt", "yuv420p", "-an", "-f", "rawvideo"]


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="storyloom-") as name:
        folder = Path(name)
        yield from one_scene(folder)
        yield five_cards(folder)
        yield one_of_eight(folder)


def picture(folder: Path, seed: int = 1) -> Path:
    from generation import services as generation

    path = folder / f"picture-{seed}.png"
    drawn = generation.draw("trees by a river", width=WIDTH, height=HEIGHT, seed=seed, engine="illustrator")
    path.write_bytes(drawn.content)
    return path


def scene(folder: Path, seconds: float, number: int = 1) -> TimelineScene:
    from media_processing.timeline import Visual
    from tests.media_processing.films import tone, words

    return TimelineScene(
        id=f"scene-{number}", visual=Visual(picture(folder, number)), on_screen="Three hundred trees",
        narration=tone(folder / f"{number}.wav", seconds), narration_seconds=seconds, narration_text=TEXT,
        words=words(TEXT, seconds),
    )  # fmt: skip


def one_scene(folder: Path) -> Iterator[Figure]:
    """10 s with a slow move, a headline and captions word by word, at 1080x1920 and 30 frames a second."""
    from media_processing.ffmpeg import run_ffmpeg

    shown = scene(folder, 9.5)
    film = Timeline(WIDTH, HEIGHT, (shown,))
    renderer = FiltergraphRenderer("filtergraph")
    with Clock() as whole:
        renderer._segment(film, shown, None, folder / "segments", no_progress)
    raw = RawRenderer("raw")._segment(film, shown, None, folder / "raw", no_progress)
    given = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(film.fps), "-i", raw]
    with Clock() as alone:
        run_ffmpeg([*given, *renderer._encoder(film, shown), folder / "alone.mp4"])
    raw.unlink()
    against = f"x264 alone, same settings and frames: {alone.seconds:.2f} s; ours: {whole.seconds:.2f} s"
    name = "media: a 10 s vertical scene against its encoder"
    yield at_most(name, whole.seconds / alone.seconds, "x", 1.5, against)
    against = f"x264 alone: {alone.cpu:.2f} s of processor time; ours: {whole.cpu:.2f} s"
    yield at_most(f"{name}, processor time", whole.cpu / alone.cpu, "x", 1.5, against)


def five_cards(folder: Path) -> Figure:
    from media_processing import cards
    from media_processing.timeline import Look

    card = cards.Card(headline="Three hundred trees along the river", text=TEXT[:84], picture=picture(folder))
    sizes = [size for name, size in FORMATS.items() if name.startswith("card:")]
    cards.compose(card, (540, 540), Look())
    with Clock() as making:
        images = [cards.compose(card, size, Look()).image for size in sizes]
    with Clock() as encoding:
        for image in images:
            cards.encode(image, "png")
    whole = making.seconds + encoding.seconds
    against = f"encoding the same five as PNG alone: {encoding.seconds:.2f} s"
    against += f"; processor time of both: {making.cpu + encoding.cpu:.2f} s"
    return at_most(f"media: a card in {len(sizes)} aspects", whole, "s", 5.0, against)


def one_of_eight(folder: Path) -> Figure:
    """Half size, so that the whole stays short; the share is what counts."""
    scenes = tuple(scene(folder, 1.5, number) for number in range(1, 9))
    film = Timeline(WIDTH // 2, HEIGHT // 2, scenes)
    renderer, cache = FiltergraphRenderer("filtergraph"), folder / "cache"
    with Clock() as whole:
        renderer.render(film, folder / "whole.mp4", cache=cache)
    changed = replace(scenes[3], on_screen="Forty years")
    with Clock() as again:
        renderer.render(replace(film, scenes=(*scenes[:3], changed, *scenes[4:])), folder / "again.mp4", cache=cache)
    against = f"all eight: {whole.seconds:.2f} s; one: {again.seconds:.2f} s"
    return at_most("media: one scene of eight changed", again.seconds / whole.seconds, "of the whole", 0.25, against)
