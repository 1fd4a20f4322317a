"""Trains the starter CLIP on the illustrator's drawings and measures how well words find them.

The shipped model was made by `manage.py train_starter_clip` as card.json says. Training needs the extra local-models.
"""

from __future__ import annotations

import datetime
import json
import multiprocessing
import random
import shutil
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from generation.illustrations.catalog import Catalog
from generation.illustrations.drawing import render
from generation.illustrations.scene import Scene, random_scene
from search.engines.onnx import CARD, STARTER, OnnxEmbedder, squashed
from search.engines.words import Words
from search.training.captions import Lexicon, fillers, held_out_combinations
from search.training.evaluate import Report, make_queries, measure
from search.training.export import export, record, write_card
from search.training.model import Shape
from search.training.pictures import Part, Pictures
from search.training.train import Plan, train

ASPECTS = ((256, 144), (256, 144), (192, 192), (216, 162), (144, 256), (162, 216))
"""Sizes that training pictures are drawn in, before they are squashed to the model's square."""
GALLERY = 1000
GALLERY_SEED = 7000
"""Gallery scenes are drawn from seeds that training doesn't reach."""
PART = 256


class Command(BaseCommand):
    help = "Train the starter CLIP on the illustrator's drawings, export it, and measure its recall."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--steps", type=int, default=100_000, help="end after this many steps")
        parser.add_argument("--minutes", type=float, default=40.0, help="end after this many minutes of training")
        parser.add_argument("--pictures", type=int, default=40_000, help="how many pictures to draw")
        parser.add_argument("--side", type=int, default=Shape.side, help="pixels of the model's square")
        parser.add_argument("--batch", type=int, default=Plan.batch)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--processes", type=int, default=2, help="how many draw at once")
        parser.add_argument("--cache", type=Path, help="keep the drawn pictures here, and use those that are there")
        parser.add_argument("--out", type=Path, default=STARTER, help="the folder of the model")
        parser.add_argument("--evaluate-only", action="store_true", help="measure the model that is there")
        parser.add_argument("--record", action="store_true", help="with --evaluate-only: put the figures into its card")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["evaluate_only"]:
            side = json.loads((options["out"] / CARD).read_text(encoding="utf-8"))["side"]
            gallery = list(draw(GALLERY, GALLERY_SEED, side, options["processes"], unseen=False))
            report, measured = measured_of(options["out"], gallery, lexicon_of(Catalog.load()))
            if options["record"]:
                record(options["out"], measured)
            for line in (*report.lines(), json.dumps(measured)):
                self.stdout.write(line)
            return
        cache: Path = options["cache"] or Path(tempfile.mkdtemp(prefix="starter-clip-"))
        try:
            self._train(cache, options)
        finally:
            if not options["cache"]:
                shutil.rmtree(cache, ignore_errors=True)

    def _train(self, cache: Path, options: dict[str, Any]) -> None:
        start = time.monotonic()
        lexicon, shape = lexicon_of(Catalog.load()), Shape(side=options["side"])
        words = Words.of(lexicon.texts(), context=shape.context, fillers=fillers())
        if (cache / "facets.json").exists():
            pictures = Pictures.open(cache)
        else:
            parts = draw(options["pictures"], options["seed"], shape.side, options["processes"], unseen=True)
            pictures = Pictures.store(cache, parts, options["pictures"])
        self.stdout.write(f"{len(pictures)} pictures, {len(words.words)} words, {time.monotonic() - start:.0f} s")
        gallery = list(draw(GALLERY, GALLERY_SEED, shape.side, options["processes"], unseen=False))
        plan = Plan(steps=options["steps"], minutes=options["minutes"], batch=options["batch"], seed=options["seed"])
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        trained = train(pictures, lexicon, words, shape, plan, watch=self._watch, checkpoint=cache / "weights.pt")
        alike = export(trained, out)
        self.stdout.write(f"{len(trained.losses)} steps in {trained.minutes:.1f} min; cosine to torch: {alike}")
        if min(alike.values()) < 0.999:
            raise CommandError(f"The exported graphs differ from the trained model: {alike}")
        told = {"command": _command(options), "date": datetime.datetime.now(datetime.UTC).date().isoformat()}
        write_card(trained, out, **told, measured={})
        report, measured = measured_of(out, gallery, lexicon)
        write_card(trained, out, **told, measured=measured)
        for line in report.lines():
            self.stdout.write(line)
        size = sum(file.stat().st_size for file in out.iterdir())
        self.stdout.write(f"{size / 1e6:.1f} MB in {out}: {json.dumps(measured)}")

    def _watch(self, step: int, share: float, loss: float) -> None:
        if step % 50 == 0:
            self.stdout.write(f"step {step:5}  {share:6.1%}  loss {loss:.3f}")
            self.stdout.flush()


def lexicon_of(catalog: Catalog) -> Lexicon:
    """The illustrator's words as the captions want them."""
    words: dict[str, Sequence[str]] = {f"object:{name}": spec.words for name, spec in catalog.objects.items()}
    phrases: dict[str, Sequence[str]] = {}
    for kind, specs in (("setting", catalog.settings), ("light", catalog.lights), ("weather", catalog.weathers)):
        for name, spec in specs.items():
            words[f"{kind}:{name}"] = list(dict.fromkeys((name, *spec.words)))
            if spec.label:
                phrases[f"{kind}:{name}"] = (spec.label,)
    for colour in catalog.colours:
        words[f"colour:{colour}"] = (colour, *catalog.language["colours"].get(colour, ()))
    return Lexicon(
        words=words, phrases=phrases,
        related={
            **{f"object:{name}": spec.related for name, spec in catalog.objects.items()},
            **{f"setting:{name}": setting.related for name, setting in catalog.settings.items()},
        },
        always=frozenset({"light:day", "weather:clear"})
        | {f"colour:{name}:{spec.main}" for name, spec in catalog.objects.items()},
    )


def scene_of(seed: int, *, unseen: bool, lexicon: Lexicon) -> Scene:
    """A random scene; with `unseen`, one without any held-out combination."""
    rng = random.Random(seed)
    while True:
        scene = random_scene(rng, Catalog.load())
        if not (unseen and held_out_combinations(scene.facets(), lexicon)):
            return scene


def draw(count: int, seed: int, side: int, processes: int, *, unseen: bool) -> Iterator[Part]:
    """`count` random scenes as squares of pixels with their facets, in parts."""
    first = seed * 1_000_000
    jobs = [(number, min(number + PART, first + count), side, unseen) for number in range(first, first + count, PART)]
    if processes <= 1:
        yield from map(_draw_part, jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_draw_part, jobs)


def _draw_part(job: tuple[int, int, int, bool]) -> Part:
    start, end, side, unseen = job
    lexicon = lexicon_of(Catalog.load())
    facets: list[frozenset[str]] = []
    pixels = np.empty((end - start, side, side, 3), dtype=np.uint8)
    for number in range(start, end):
        scene = scene_of(number, unseen=unseen, lexicon=lexicon)
        width, height = random.Random(f"aspect {number}").choice(ASPECTS)
        pixels[number - start] = squashed(render(scene, width, height), side)
        facets.append(scene.facets())
    return pixels, facets


def evaluate(
    folder: Path, gallery: Sequence[Part], lexicon: Lexicon, *, queries: int = 3000, held_out: bool = True
) -> Report:
    """Measure the model of a folder over a gallery of new random scenes."""
    from PIL import Image

    engine = OnnxEmbedder(folder=folder)
    facets = [shown for part in gallery for shown in part[1]]
    asked = make_queries(facets, lexicon, queries, held_out=held_out)
    pictures = engine.embed_pictures([Image.fromarray(square) for part in gallery for square in part[0]])
    return measure(asked, facets, engine.embed_texts([query.text for query in asked]), pictures)


def measured_of(folder: Path, gallery: Sequence[Part], lexicon: Lexicon) -> tuple[Report, dict[str, Any]]:
    """The report on held-out templates and combinations, and the figures for the card."""
    held_out, seen = (evaluate(folder, gallery, lexicon, held_out=held_out) for held_out in (True, False))
    return held_out, {
        **held_out.as_dict(), "recall_at_10_seen_combinations_and_templates": round(seen.recall_at_10, 4)
    }


def _command(options: dict[str, Any]) -> str:
    """The command line that makes this model again."""
    named = ("pictures", "minutes", "steps", "side", "batch", "seed")
    return " ".join(["manage.py train_starter_clip", *(f"--{name} {options[name]}" for name in named)])
