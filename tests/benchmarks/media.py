"""Rendering beside what its encoder needs alone and beside moviepy, cards beside their encoding, what a change costs.

The film is 30 s of eight scenes at 1080x1920: five stills with detail at all sizes, three clips of 1280x720, narration
of the starter voice with the times of its words. Each figure is the median of BENCH_RUNS runs (5), alternating with
what it is compared with. On a machine with other work the processor's time says more than the wall clock's.
"""

from __future__ import annotations

import math
import os
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from media_processing import burning, captions
from media_processing.engines.filtergraph import FiltergraphRenderer
from media_processing.ffmpeg import run_ffmpeg
from media_processing.recipes import H264, Recipe
from media_processing.timeline import FORMATS, Crop, Timeline, TimelineScene, Visual
from tests.benchmarks.harness import Clock, Figure, at_least, at_most, missing

WIDTH, HEIGHT = 1080, 1920
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SCENES = int(os.environ.get("BENCH_SCENES", "8"))
"""Fewer for a look on a busy machine; what is written down comes from all eight."""
SCENE_SECONDS = 3.75
MOVIEPY_SCENES = 2
"""How many scenes moviepy renders: it takes as long for each frame of the rest, and minutes for all."""
LOSSLESS = Recipe(
    "lossless", "every frame as the graph gives it", ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0"),
    H264.threads, H264.container,
)  # fmt: skip
TEXT = (
    "The city council voted on Tuesday to plant three hundred new trees along the river. It is the largest planting "
    "in the city for forty years."
)
LINES = (
    "The night ferry reaches the island before anyone is awake.",
    "Bread comes first, still warm, in wooden boxes.",
    "Then the letters, sorted by street and by temper.",
    "A boy counts the crates and writes nothing down.",
    "By seven the pier is empty and smells of rope.",
    "Visitors think that the shop fills itself.",
    "Nobody tells them, because nobody ever asks.",
    "Tomorrow it all comes back across the water.",
)
GERMAN = (
    "Die Nachtfähre erreicht die Insel, bevor jemand wach ist.",
    "Zuerst kommt das Brot, noch warm, in hölzernen Kisten.",
    "Dann die Briefe, sortiert nach Straße und nach Laune.",
    "Ein Junge zählt die Kisten und schreibt nichts auf.",
    "Um sieben ist die Mole leer und riecht nach Tau.",
    "Besucher glauben, der Laden fülle sich von selbst.",
    "Niemand sagt es ihnen, weil niemand je danach fragt.",
    "Morgen kommt alles über das Wasser zurück.",
)


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="storyloom-") as name:
        folder = Path(name)
        yield five_cards(folder)
        plain = film(folder)
        yield from against_the_encoder(folder / "plain", plain, "narration and word captions", 1.3)
        yield moviepy(folder, plain)
        yield from against_the_encoder(folder / "rich", rich(folder, plain), "crops, cross-fades, music ducked", 1.6)
        yield from changes(folder, plain)
        yield from captions_in_time(plain)


# The film -------------------------------------------------------------------------------------------------------------


def film(folder: Path, lines: Sequence[str] = LINES, language: str = "en") -> Timeline:
    """About 30 s with narration and captions word by word."""
    from generation import services as generation

    scenes = []
    for number, (line, visual) in enumerate(zip(lines, visuals(folder), strict=True)):
        speech = generation.speak(line, language=language, engine="espeak")
        sound = folder / f"{language}-{number}.wav"
        sound.write_bytes(speech.sound)
        spoken = TimelineScene(
            f"scene-{number}", visual, sound, speech.seconds, line, speech.words,
            tail=max(0.35, SCENE_SECONDS - 0.15 - speech.seconds) if language == "en" else 0.35,
        )  # fmt: skip
        scenes.append(spoken)
    return Timeline(WIDTH, HEIGHT, tuple(scenes[:SCENES]), language=language)


def visuals(folder: Path) -> Iterator[Visual]:
    """Five stills and three clips, made once a folder."""
    motions = ("push", "pan-left", "pull", "pan-up", "push")
    clips = ("testsrc2=s=1280x720:r=30", "mandelbrot=s=1280x720:r=30:end_scale=0.05:end_pts=150:maxiter=150",
             "life=s=320x180:r=30:mold=10:ratio=0.3:random_seed=4:death_color=#204080:life_color=#f0e0c0,"
             "scale=1280:720:flags=bicubic")  # fmt: skip
    for number, kind in enumerate("SCSCSCSS"):
        path = folder / f"visual-{number}.{'jpg' if kind == 'S' else 'mp4'}"
        if kind == "S":
            if not path.exists():
                textured(number).save(path, quality=90)
            yield Visual(path, motion=motions["SCSCSCSS"[:number].count("S")])  # type: ignore[arg-type]
        else:
            source = clips["SCSCSCSS"[:number].count("C")]
            if not path.exists():
                run_ffmpeg(["-f", "lavfi", "-t", "5", "-i", source, "-crf", "18", "-pix_fmt", "yuv420p", path])
            yield Visual(path, "video", motion="none")


def textured(seed: int) -> Image.Image:
    """A picture of 2000x1500 pixels with as much detail at every size as photographs have: noise of falling octaves."""
    chance = np.random.default_rng(seed)
    total = np.zeros((1500, 2000, 3), np.float32)
    for octave in range(2, 10):
        cells = chance.random((3 * 2**octave // 4 + 1, 2**octave + 1, 3), np.float32)
        layers = [Image.fromarray(cells[..., part]).resize((2000, 1500), Image.Resampling.BICUBIC) for part in range(3)]
        total += np.stack([np.asarray(layer) for layer in layers], 2) / 2 ** (octave * 0.9)
    total = (total - total.min()) / (total.max() - total.min())
    return Image.fromarray((total * 255).astype(np.uint8))


def rich(folder: Path, plain: Timeline) -> Timeline:
    """The same with cross-fades, crops that move, and music."""
    music = folder / "music.wav"
    tones = "sine=f=196:d=30[a];sine=f=247:d=30[b];[a][b]amix=2,tremolo=f=2:d=0.6"
    run_ffmpeg(["-filter_complex", tones, "-ar", "44100", music])
    crops = (Crop(0, 0.1, 0, 0.4, 1), Crop(SCENE_SECONDS, 0.4, 0, 0.4, 1))
    scenes = [
        replace(
            scene, transition="cross-fade", transition_seconds=0.4,
            visual=replace(scene.visual, crops=crops if scene.visual.kind == "video" else ()),
        )
        for scene in plain.scenes
    ]  # fmt: skip
    return replace(plain, scenes=tuple(scenes), music=music)


# Figures --------------------------------------------------------------------------------------------------------------


@dataclass
class Runs:
    """Times of one way of doing something."""

    seconds: list[float]
    cpu: list[float]

    def time(self, do: Callable[[], object]) -> None:
        with Clock() as clock:
            do()
        self.seconds.append(clock.seconds)
        self.cpu.append(clock.cpu)


def alternating(*ways: Callable[[int], object], runs: int = RUNS) -> list[Runs]:
    """Each way once a round, so that what else the machine does falls on all of them."""
    found = [Runs([], []) for _ in ways]
    for number in range(runs):
        for kept, way in zip(found, ways, strict=True):
            kept.time(lambda way=way, number=number: way(number))  # type: ignore[misc]
    return found


def median_ratio(mine: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, theirs, strict=True))


def render(timeline: Timeline, folder: Path, name: str, *, cache: Path | None = None, recipe: Recipe = H264) -> Path:
    renderer = FiltergraphRenderer("filtergraph")
    return renderer.render(timeline, folder / f"{name}.mp4", cache=cache or folder / f"cache-{name}", recipe=recipe)


def against_the_encoder(folder: Path, timeline: Timeline, what: str, goal: float) -> Iterator[Figure]:
    """From nothing to the finished file, against x264 and AAC on the film's own frames and sound."""
    folder.mkdir()
    lossless = render(timeline, folder, "lossless", recipe=LOSSLESS)
    raw, sound = folder / "raw.yuv", folder / "sound.wav"
    run_ffmpeg(["-i", lossless, "-an", "-f", "rawvideo", "-pix_fmt", "yuv420p", raw, "-vn", sound])
    size = f"{WIDTH}x{HEIGHT}"
    given = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", "30", "-i", str(raw), "-i", str(sound)]
    cores = str(os.cpu_count() or 1)

    def ours(number: int) -> None:
        render(timeline, folder, f"ours-{number}")

    def alone(_number: int) -> None:
        picture = [*H264.encoder, *H264.threaded(int(cores)), "-g", "60", "-pix_fmt", "yuv420p"]
        run_ffmpeg([*given, *picture, "-c:a", "aac", "-b:a", "160k", "-y", folder / "alone.mp4"])

    mine, encoder = alternating(ours, alone)
    name = f"media: {timeline.seconds:.0f} s with {what}, against encoding its frames"
    for unit, a, b in (("wall clock", mine.seconds, encoder.seconds), ("processor time", mine.cpu, encoder.cpu)):
        against = f"{unit}: ours {statistics.median(a):.1f} s, x264 and AAC alone {statistics.median(b):.1f} s"
        yield at_most(f"{name}, {unit}", median_ratio(a, b), "x", goal, f"{against}; {len(a)} runs")
    raw.unlink()
    yield at_least(f"media: SSIM against a lossless render, {what}", ssim(folder / "ours-0.mp4", lossless), "", 0.97)


def ssim(path: Path, reference: Path) -> float:
    said = run_ffmpeg(["-loglevel", "info", "-i", path, "-i", reference, "-lavfi", "ssim", "-an", "-f", "null", "-"])
    return float(re.findall(r"All:([\d.]+)", said)[-1])


def moviepy(folder: Path, plain: Timeline) -> Figure:
    """Against the plain way to do it with moviepy: clips, resized stills and text clips, one upon the other."""
    name = "media: faster than moviepy, processor time"
    try:
        import moviepy as movie
    except ImportError:
        return missing(name, "x", "moviepy isn't installed")
    part = replace(plain, scenes=plain.scenes[:MOVIEPY_SCENES])
    work = folder / "moviepy"
    work.mkdir()

    def ours(number: int) -> None:
        render(part, work, f"ours-{number}")

    def theirs(number: int) -> None:
        layers = []
        for scene, start in zip(part.scenes, part.starts(), strict=True):
            if scene.visual.kind == "image":
                still = movie.ImageClip(str(scene.visual.path)).with_duration(SCENE_SECONDS).resized(height=HEIGHT)
                shown = still.resized(lambda second: 1 + 0.09 * second / SCENE_SECONDS)
            else:
                shown = movie.VideoFileClip(str(scene.visual.path), audio=False)
                shown = shown.subclipped(0, SCENE_SECONDS).resized(height=HEIGHT)
            layers.append(shown.with_start(start).with_position("center"))
        for cue in captions.cues(part):
            text = movie.TextClip(
                font="/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", text="\n".join(cue.texts), font_size=56,
                color="#FFFFFF", stroke_color="#000000", stroke_width=2, margin=(0, 20),
            )  # fmt: skip
            shown = text.with_start(cue.start).with_duration(cue.end - cue.start)
            layers.append(shown.with_position(("center", HEIGHT * 0.86 - text.h)))
        voices = [movie.AudioFileClip(str(scene.narration)) for scene in part.scenes]
        starts = [start + scene.lead for scene, start in zip(part.scenes, part.starts(), strict=True)]
        heard = movie.CompositeAudioClip([voice.with_start(at) for voice, at in zip(voices, starts, strict=True)])
        whole = movie.CompositeVideoClip(layers, size=(WIDTH, HEIGHT)).with_duration(part.seconds).with_audio(heard)
        whole.write_videofile(
            str(work / f"theirs-{number}.mp4"), fps=30, codec="libx264", preset="veryfast",
            ffmpeg_params=["-crf", "23"], audio_codec="aac", threads=os.cpu_count(), logger=None,
            temp_audiofile_path=str(work),
        )  # fmt: skip

    mine, other = alternating(ours, theirs)
    against = (
        f"{part.seconds:.1f} s of the film, {len(mine.cpu)} runs: ours {statistics.median(mine.cpu):.1f} s, moviepy "
        f"{statistics.median(other.cpu):.1f} s; by the wall clock {median_ratio(other.seconds, mine.seconds):.1f} x"
    )
    return at_least(name, median_ratio(other.cpu, mine.cpu), "x", 4.0, against)


def changes(folder: Path, plain: Timeline) -> Iterator[Figure]:
    """What one changed scene costs, and a second language.

    Captions are burned in, and scenes last as long as their narration: no frame of another language is one of the
    first, and all are encoded anew. Encoding alone takes about 0.8 of a render (see `against_the_encoder`), drawing
    0.2: kept pictures without captions would save no more than that, less what it takes to decode them.
    """
    work = folder / "changes"
    work.mkdir()
    other = film(folder, GERMAN, "de")

    def whole(number: int) -> None:
        render(plain, work, f"whole-{number}", cache=work / str(number))

    def again(number: int) -> None:
        at = SCENES // 2
        changed = replace(plain.scenes[at], on_screen="Forty years")
        scenes = (*plain.scenes[:at], changed, *plain.scenes[at + 1 :])
        render(replace(plain, scenes=scenes), work, f"again-{number}", cache=work / str(number))

    def language(number: int) -> None:
        render(other, work, f"language-{number}", cache=work / str(number))

    first, one, second = alternating(whole, again, language)
    for name, runs, goal in (("one scene of eight changed", one, 0.25), ("a second language", second, 0.6)):
        against = f"processor time of all: {statistics.median(first.cpu):.1f} s, of this: "
        against += (
            f"{statistics.median(runs.cpu):.1f} s; by the wall clock {median_ratio(runs.seconds, first.seconds):.2f}"
        )
        yield at_most(f"media: {name}", median_ratio(runs.cpu, first.cpu), "of the whole", goal, against)


def captions_in_time(plain: Timeline) -> Iterator[Figure]:
    """When a word is marked against when the voice says it, by the voice's own times and by the aligner's."""
    from media_processing.engine import engines

    aligner = engines["aligner"]
    aligned = []
    for scene in plain.scenes:
        assert scene.narration
        words = aligner.align(scene.narration, scene.narration_text.split(), language="en")
        aligned.append(replace(scene, words=words))
    by_aligner = replace(plain, scenes=tuple(aligned))
    for name, timeline in (("the voice's times", plain), ("the aligner's times", by_aligner)):
        shown = marked(timeline)
        said = [
            start + scene.lead + word.start
            for scene, start in zip(plain.scenes, plain.starts(), strict=True)
            for word in scene.words
        ]
        # A caption changes with the first frame after its time.
        seen = [math.ceil(at * plain.fps - 0.01) / plain.fps for at in shown]
        off = [abs(at - spoken) * 1000 for at, spoken in zip(seen, said, strict=True)]
        against = f"{len(off)} words; median {statistics.median(off):.0f} ms (goal 40)"
        yield at_most(f"media: a word is marked after it is said, {name}, worst", max(off), "ms", 80, against)
        yield at_most(f"media: a word is marked after it is said, {name}, median", statistics.median(off), "ms", 40)


def marked(timeline: Timeline) -> list[float]:
    """When each word is coloured in the script that is burned in."""
    script = burning.to_ass(captions.cues(timeline), timeline)
    active = timeline.look.captions.active
    coloured = rf"\\1c&H{active[5:7]}{active[3:5]}{active[1:3]}&"
    times = re.findall(rf"Dialogue: 1,(\d+):(\d+):([\d.]+),.*{coloured}", script)
    return [int(hours) * 3600 + int(minutes) * 60 + float(seconds) for hours, minutes, seconds in times]


def picture(folder: Path, seed: int = 1) -> Path:
    from generation import services as generation

    path = folder / f"picture-{seed}.png"
    drawn = generation.painter("illustrator").draw("trees by a river", width=WIDTH, height=HEIGHT, seed=seed)
    path.write_bytes(drawn.content)
    return path


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
