"""Trains the starter CLIP on the illustrator's drawings and measures how well words find them.

The shipped model was made by `manage.py train_starter_clip` as card.json says. Training needs the extra local-models.
"""

from __future__ import annotations

import datetime
import math
import shutil
import tempfile
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from creator.management.commands._drawn import gallery, lexicon_of, training_parts
from generation.illustrations.catalog import Catalog
from search.engines.onnx import STARTER, OnnxEmbedder
from search.engines.words import Words
from search.training.captions import fillers
from search.training.evaluate import judge
from search.training.export import export, write_card
from search.training.model import Shape
from search.training.pictures import Pictures
from search.training.train import Plan, train, unknown

PICTURES_SEED = 1


class Command(BaseCommand):
    help = "Train the starter CLIP on the illustrator's drawings, export it, and measure its recall."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--steps", type=int, default=Plan.steps, help="end after this many steps")
        parser.add_argument("--minutes", type=float, default=math.inf, help="end after this many minutes of training")
        parser.add_argument("--pictures", type=int, default=32_000, help="how many pictures to draw")
        parser.add_argument("--batch", type=int, default=Plan.batch)
        parser.add_argument("--rate", type=float, help="the highest learning rate, where the plan's is not wanted")
        parser.add_argument("--further", type=Path, metavar="WEIGHTS", help="train on, from a cache's weights.pt")
        parser.add_argument("--seed", type=int, default=Plan.seed)
        parser.add_argument("--processes", type=int, default=2, help="how many draw at once")
        parser.add_argument("--cache", type=Path, help="keep the drawn pictures here, and use those that are there")
        parser.add_argument("--out", type=Path, default=STARTER, help="the folder of the model")

    def handle(self, *_args: Any, **options: Any) -> None:
        cache: Path = options["cache"] or Path(tempfile.mkdtemp(prefix="starter-clip-"))
        try:
            self._train(cache, options)
        finally:
            if not options["cache"]:
                shutil.rmtree(cache, ignore_errors=True)

    def _train(self, cache: Path, options: dict[str, Any]) -> None:
        start = time.monotonic()
        lexicon, shape = lexicon_of(Catalog.load()), Shape()
        words = Words.of(lexicon.texts(), context=shape.context, fillers=fillers())
        if not Pictures.stored(cache):
            parts = training_parts(options["pictures"], PICTURES_SEED, shape.side, options["processes"])
            Pictures.store(cache, parts, options["pictures"])
        pictures = Pictures.open(cache)
        self.stdout.write(f"{len(pictures)} pictures, {len(words.words)} words, {time.monotonic() - start:.0f} s")
        further: Path | None = options["further"]
        plan = Plan(steps=options["steps"], minutes=options["minutes"], batch=options["batch"], seed=options["seed"])
        if further:
            try:
                new = unknown(words, further)
            except (OSError, ValueError) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{len(new)} words are new to {further.name}")
            if not new and not options["rate"]:  # all is known: a smaller rate, and nothing beside the contrast
                plan = replace(plan, rate=plan.rate / 3, warm_up=plan.warm_up // 2, labels=0.0)
        if options["rate"]:
            plan = replace(plan, rate=options["rate"])
        trained = train(
            pictures, lexicon, words, shape, plan,
            watch=self._watch, checkpoint=cache / f"weights{'-further' if further else ''}.pt", further=further,
        )
        out: Path = options["out"]
        alike = export(trained, out)
        self.stdout.write(f"{len(trained.losses)} steps in {trained.minutes:.1f} min; cosine to torch: {alike}")
        if min(alike.values()) < 0.999:
            raise CommandError(f"The exported graphs differ from the trained model: {alike}")
        told = {
            "command": f"manage.py train_starter_clip --pictures {len(pictures)} --steps {len(trained.losses)} "
            f"--batch {plan.batch} --seed {plan.seed}"
            + (f" --rate {options['rate']}" if options["rate"] else "")
            + (f" --further {further.name}" if further else ""),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        }
        write_card(trained, out, **told, measured={})
        quality = judge(OnnxEmbedder(folder=out), gallery(processes=options["processes"]), lexicon)
        write_card(trained, out, **told, measured=quality.card())
        for line in quality.lines():
            self.stdout.write(line)
        self.stdout.write(f"{sum(file.stat().st_size for file in out.iterdir()) / 1e6:.1f} MB in {out}")

    def _watch(self, step: int, share: float, loss: float) -> None:
        if step % 50 == 0:
            self.stdout.write(f"step {step:5}  {share:6.1%}  loss {loss:.3f}")
            self.stdout.flush()
