"""Trains a small Stable Diffusion pipeline on the illustrator's drawings, and measures whether it paints what is said.

It is a proof that the painter `diffusers` makes pictures, not a painter for stories, and isn't shipped: PAINTER_MODEL
set to its folder opens it. The minutes are meant for two cores that do nothing else. Needs the extra local-models.
"""

from __future__ import annotations

import datetime
import json
import random
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from creator.management.commands.painter_quality import PAIRS, painted, separated
from generation.engines.diffusers import DiffusersPainter
from generation.training.model import Shape, build, load, save
from generation.training.pictures import caption, draw
from generation.training.train import Plan, train_autoencoder, train_denoiser, train_words
from search.engines.onnx import OnnxEmbedder

CARD = "card.json"
UNBOUNDED = 1_000_000
"""Steps: the minutes end the training."""


class Command(BaseCommand):
    help = "Train a small Stable Diffusion pipeline on the illustrator's drawings, and measure what it paints."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, help="the folder of the pipeline")
        parser.add_argument("--pictures", type=int, default=5000, help="how many pictures to draw")
        parser.add_argument("--autoencoder-minutes", type=float, default=11.0)
        parser.add_argument("--autoencoder", type=Path, metavar="FOLDER", help="take this pipeline's, trained already")
        parser.add_argument(
            "--further", type=Path, metavar="FOLDER", help="train on from this pipeline, its autoencoder kept"
        )
        parser.add_argument("--word-steps", type=int, default=400, help="of teaching the words before the painting")
        parser.add_argument("--minutes", type=float, default=42.0, help="of training the UNet and the text encoder")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
        parser.add_argument("--judge", action="store_true", help="train nothing, only measure what is in --out")
        parser.add_argument("--judged", type=int, default=100, help="how many pictures of each prompt to measure")
        parser.add_argument("--pairs", nargs="+", choices=sorted(PAIRS), default=list(PAIRS), metavar="PAIR")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["judge"] and not (options["out"] / CARD).is_file():
            raise CommandError(f"{options['out']} has no {CARD}: train it first, without --judge.")
        if not options["judge"]:
            self._train(**options)
        self._judge(**options)

    def _train(self, *, out: Path, seed: int, device: str, **options: Any) -> None:
        start, shape = time.monotonic(), Shape()
        pictures = draw(options["pictures"], shape.side, seed=seed, processes=2)
        self.stdout.write(f"{len(pictures.shown)} pictures, {time.monotonic() - start:.0f} s")
        rng = random.Random(seed)
        texts = [caption(rng, shown) for shown in pictures.shown for _ in range(4)]
        further: Path | None = options["further"]
        parts = load(further) if further else build(shape, texts)
        kept: Path | None = further or options["autoencoder"]
        if kept:
            parts.autoencoder = load(kept).autoencoder
        first = Plan(UNBOUNDED, options["autoencoder_minutes"], batch=16, rate=1.5e-3, seed=seed, device=device)
        second = Plan(UNBOUNDED, options["minutes"], batch=32, rate=1.5e-3, seed=seed, device=device)
        words = Plan(options["word_steps"], batch=128, rate=2e-3, seed=seed, device=device)
        runs = [] if kept else [train_autoencoder(parts, pictures, first, self._watch)]
        if words.steps:
            runs.append(train_words(parts, pictures, words, self._watch))
        runs.append(train_denoiser(parts, pictures, second, self._watch, every=lambda: save(parts, out)))
        save(parts, out)
        card = {
            "name": "Storyloom small painter", "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "note": "Trained by this project on the illustrator's drawings: a proof that the painter works, 64 pixels.",
            "command": f"manage.py train_diffusion --pictures {len(pictures.shown)} --seed {seed} "
            + (f"--further {further.name} " if further else "")
            + (f"--autoencoder {kept.name}" if kept else f"--autoencoder-minutes {first.minutes:g}")
            + f" --word-steps {words.steps} --minutes {second.minutes:g}",
            "minutes": round((time.monotonic() - start) / 60, 1), "steps": [len(run.losses) for run in runs],
        }  # fmt: skip
        (out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        self.stdout.write(f"{card['steps']} steps in {card['minutes']} min")

    def _judge(self, *, out: Path, judged: int, pairs: list[str], **_options: Any) -> None:
        painter, embedder = DiffusersPainter(folder=out, batch=8), OnnxEmbedder()
        card = json.loads((out / CARD).read_text(encoding="utf-8"))
        card["measured"] = {**card.get("measured", {}), "judge": embedder.model}
        for pair in pairs:
            share = separated(embedder, painted(painter, PAIRS[pair], judged))
            card["measured"][pair] = {"separated": round(share, 4), "pictures": 2 * judged}
            self.stdout.write(f"{pair:18} {share:6.1%} of {2 * judged}")
            (out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        self.stdout.write(
            f"{sum(file.stat().st_size for file in out.rglob('*') if file.is_file()) / 1e6:.1f} MB in {out}"
        )

    def _watch(self, name: str, step: int, share: float, loss: float) -> None:
        if step % 20 == 0:
            self.stdout.write(f"{name} step {step:5}  {share:6.1%}  loss {loss:.4f}")
            self.stdout.flush()
