"""Trying an engine: one real example of its role, with the time and memory that it took and a result to look at."""

from __future__ import annotations

import json
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from PIL import Image

from creator.services import samples
from generation.engines.base import Article, Wish
from media_processing.cards import Card, compose
from media_processing.engine import EngineError, engines
from media_processing.engines.base import Word
from media_processing.timeline import Look, Timeline, TimelineScene, Visual
from moderation.engines.base import Look as Looked
from moderation.engines.base import Opinion

LINE = "The red lighthouse stands by the sea at night."
SIDE = 512


@dataclass(frozen=True)
class Tried:
    """What became of the example."""

    role: str
    engine: str
    model: str
    example: str
    """What it was asked."""
    result: str
    """What came of it, in one line."""
    path: Path
    """Where the whole result lies."""
    load_seconds: float
    seconds: float
    memory_mb: float
    """How far the process's peak of resident memory rose."""


def try_engine(role: str, name: str | None = None) -> Tried:
    """Load an engine (the default of its role unless named) and have it do one real example.

    Raises EngineError where there is no such engine, where it can't work here, and what it raises itself.
    """
    if role not in EXAMPLES or role not in engines.roles():
        raise EngineError(f"There is no role {role!r}.", next_step=f"Use {', '.join(EXAMPLES)}.", permanent=True)
    if name and name not in engines.names(role):
        there = ", ".join(engines.names(role))
        raise EngineError(f"There is no {role} {name!r}.", next_step=f"Use {there}.", permanent=True)
    engine = engines[role, name] if name else engines[role]
    for problem in engine.problems():
        raise problem
    folder = Path(settings.DATA) / "tries"
    folder.mkdir(parents=True, exist_ok=True)
    before, start = _peak(), time.perf_counter()
    engine.load()
    loaded = time.perf_counter()
    example, result, path = EXAMPLES[role](engine, folder / f"{role}-{engine.name}")
    return Tried(
        role, engine.name, engine.model, example, result, path,
        load_seconds=round(loaded - start, 3), seconds=round(time.perf_counter() - loaded, 3),
        memory_mb=round(_peak() - before, 1),
    )  # fmt: skip


def _peak() -> float:
    """Peak resident memory of this process and of its finished children together, in MB."""
    used = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return used / (1024**2 if sys.platform == "darwin" else 1024)


def _write(engine: Any, target: Path) -> tuple[str, str, Path]:
    script = engine.write_script(Article(samples.article()), Wish(seconds=30))
    lines = [scene.narration for scene in script.scenes]
    return "the sample article", f"{len(lines)} scenes: {script.headline}", _told(target, [script.headline, *lines])


def _draw(engine: Any, target: Path) -> tuple[str, str, Path]:
    picture = engine.draw(LINE, width=SIDE, height=SIDE, seed=1)
    path = target.with_suffix(picture.suffix)
    path.write_bytes(picture.content)
    return LINE, f"{picture.width} x {picture.height} pixels: {picture.alt}", path


def _speak(engine: Any, target: Path) -> tuple[str, str, Path]:
    speech = engine.speak(LINE)
    path = target.with_suffix(".wav")
    path.write_bytes(speech.sound)
    timed = "with word times" if speech.words else "without word times"
    return LINE, f"{speech.seconds:.1f} seconds of speech, {timed}", path


def _transcribe(engine: Any, target: Path) -> tuple[str, str, Path]:
    said = engine.transcribe(_spoken(target))
    words = [[word.text, word.start, word.end] for passage in said.passages for word in passage.words]
    return LINE, said.text or "nothing was understood", _told(target, words)


def _align(engine: Any, target: Path) -> tuple[str, str, Path]:
    words: tuple[Word, ...] = engine.align(_spoken(target), LINE.split())
    result = f"{len(words)} words, the last one ends at {words[-1].end:.2f} s"
    return LINE, result, _told(target, [[word.text, word.start, word.end] for word in words])


def _embed(engine: Any, target: Path) -> tuple[str, str, Path]:
    texts = (LINE, "a cat on a sofa")
    picture = engine.embed_pictures([_drawn(target)])[0]
    nearness = dict(zip(texts, (engine.embed_texts(texts) @ picture).round(3).tolist(), strict=True))
    return f"a drawing of: {LINE}", ", ".join(f"{near:.3f} {text!r}" for text, near in nearness.items()), _told(
        target, nearness
    )


def _index(engine: Any, target: Path) -> tuple[str, str, Path]:
    vectors = np.random.default_rng(1).normal(size=(1000, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    space = f"try-{secrets.token_hex(4)}"
    try:
        engine.add(space, list(range(1000)), vectors)
        hits = engine.search(space, vectors[7], limit=10)
    finally:
        engine.replace(space, [])
    found = [[hit.id, round(hit.score, 4)] for hit in hits]
    return "10 nearest of 1,000 vectors to number 7", f"number {hits[0].id} first", _told(target, found)


def _render(engine: Any, target: Path) -> tuple[str, str, Path]:
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        still = Path(folder) / "still.png"
        _drawn(target).save(still)
        scenes = [TimelineScene(str(number), Visual(still), on_screen=f"Scene {number}", hold=1.5) for number in (1, 2)]
        path: Path = engine.render(
            Timeline(540, 960, tuple(scenes)), target.with_suffix(".mp4"), cache=Path(folder)
        )
    return "two scenes of 1.5 seconds, 540 x 960", f"{path.stat().st_size / 1000:.0f} kB of video", path


def _read(engine: Any, target: Path) -> tuple[str, str, Path]:
    card = compose(Card(headline=LINE), (1080, 1080), Look()).image
    said: str = engine.read(card)
    path = target.with_suffix(".png")
    card.save(path)
    return f"a card that says: {LINE}", said or "nothing was read", path


def _segment(engine: Any, target: Path) -> tuple[str, str, Path]:
    picture = _drawn(target)
    box = (picture.width // 4, picture.height // 4, picture.width * 3 // 4, picture.height * 3 // 4)
    alpha = engine.foreground(picture, box=box)
    path = target.with_suffix(".png")
    picture.putalpha(alpha)
    picture.save(path)
    return f"the middle of a drawing of: {LINE}", f"{np.asarray(alpha).mean() / 255:.0%} of it is in front", path


def _upscale(engine: Any, target: Path) -> tuple[str, str, Path]:
    picture = _drawn(target)
    return _changed(picture, engine.upscale(picture, 2.0), target)


def _denoise(engine: Any, target: Path) -> tuple[str, str, Path]:
    picture = _drawn(target)
    return _changed(picture, engine.denoise(picture, 4.0), target)


def _changed(before: Image.Image, after: Image.Image, target: Path) -> tuple[str, str, Path]:
    path = target.with_suffix(".png")
    after.save(path)
    return f"a drawing of: {LINE}", f"{before.width}x{before.height} became {after.width}x{after.height}", path


def _judge_text(engine: Any, target: Path) -> tuple[str, str, Path]:
    return _opinion(LINE, engine.judge(LINE), target)


def _judge_picture(engine: Any, target: Path) -> tuple[str, str, Path]:
    return _opinion(f"a drawing of: {LINE}", engine.judge(Looked(_drawn(target))), target)


def _opinion(example: str, opinion: Opinion, target: Path) -> tuple[str, str, Path]:
    seen = ", ".join(f"{name} {score:.2f}" for name, score in opinion.scores.items() if score) or "nothing to object to"
    return example, seen, _told(target, {"scores": dict(opinion.scores), "missing": list(opinion.missing)})


def _drawn(target: Path) -> Image.Image:
    """The example's picture by the starter painter, whose drawing is kept beside the result."""
    picture = engines["painter", "illustrator"].draw(LINE, width=SIDE, height=SIDE, seed=1)
    path = target.with_name(f"{target.name}-example{picture.suffix}")
    path.write_bytes(picture.content)
    return Image.open(path).convert("RGB")


def _spoken(target: Path) -> Path:
    """The example's sentence by the starter voice."""
    path = target.with_name(f"{target.name}-example.wav")
    path.write_bytes(engines["voice", "espeak"].speak(LINE).sound)
    return path


def _told(target: Path, data: Any) -> Path:
    path = target.with_suffix(".json")
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


EXAMPLES: dict[str, Callable[[Any, Path], tuple[str, str, Path]]] = {
    "writer": _write, "painter": _draw, "voice": _speak, "transcriber": _transcribe, "aligner": _align,
    "reader": _read, "embedder": _embed, "index": _index, "renderer": _render, "segmenter": _segment,
    "upscaler": _upscale, "denoiser": _denoise, "text_judge": _judge_text, "picture_judge": _judge_picture,
}  # fmt: skip
"""Role -> its example: (what was asked, what came of it, where it lies)."""
