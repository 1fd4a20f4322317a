"""Trains a tiny Whisper on what eSpeak NG says, and measures through the real engine how well it hears.

It proves the transcriber's whole path without anybody's weights: tests/media_processing/whisper-50 holds what it made.
Training needs the extra local-models.
"""

from __future__ import annotations

import datetime
import json
import random
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from creator.management.commands._spoken import TRAINING_VOICES, UNSEEN_VOICES, judge, speak
from media_processing.engines.whisper import WhisperTranscriber
from media_processing.training.sentences import unseen, written
from media_processing.training.train import Plan, train


class Command(BaseCommand):
    help = "Train a Whisper of fifty words on eSpeak NG's speech, and measure its word error rate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--minutes", type=float, default=Plan.minutes, help="end after this many minutes")
        parser.add_argument("--steps", type=int, default=Plan.steps, help="end after this many steps")
        parser.add_argument("--sentences", type=int, default=2500, help="how many are spoken for training")
        parser.add_argument("--seed", type=int, default=Plan.seed)
        parser.add_argument("--rate", type=float, default=Plan.rate, help="learning rate")
        parser.add_argument("--out", type=Path, required=True, help="the file of the weights: a name with .pt")
        parser.add_argument("--judge-only", action="store_true", help="measure the file that is there")
        parser.add_argument("--judged", type=int, default=60, help="how many unseen sentences of each kind of voice")

    def handle(self, *_args: Any, **options: Any) -> None:
        out: Path = options["out"]
        card = out.with_name("card.json")
        told: dict[str, Any] = {}
        if options["judge_only"] and card.is_file():
            told = json.loads(card.read_text())
            options |= {"sentences": told["sentences"], "seed": told["seed"]}
        rng = random.Random(options["seed"])
        texts = written(options["sentences"], rng)
        if not options["judge_only"]:
            out.parent.mkdir(parents=True, exist_ok=True)
            spoken = [speak(text, TRAINING_VOICES, rng) for text in texts]
            seconds = sum(one.seconds for one in spoken)
            self.stdout.write(f"{len(spoken)} sentences, {seconds / 60:.0f} minutes of speech")
            plan = Plan(minutes=options["minutes"], steps=options["steps"], seed=options["seed"], rate=options["rate"])
            trained = train(spoken, plan, watch=self._watch, keep=out)
            told = {
                "command": f"manage.py train_whisper --minutes {options['minutes']:g} --sentences {len(spoken)} "
                f"--seed {options['seed']}",
                "sentences": len(spoken),
                "seed": options["seed"],
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
                "minutes": round(trained.minutes, 1),
                "steps": len(trained.losses),
            }
        if not out.is_file():
            raise CommandError(f"There is no {out}.")
        sentences = unseen(options["judged"], options["seed"] + 1000, set(texts))
        engine = WhisperTranscriber(weights=str(out))
        measured = {
            "voices of the training": judge(engine, sentences, TRAINING_VOICES),
            "unseen voices": judge(engine, sentences, UNSEEN_VOICES),
        }
        for name, figures in measured.items():
            self.stdout.write(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
        if told:
            told |= {"bytes": out.stat().st_size, "measured": measured}
            card.write_text(json.dumps(told, indent=2) + "\n")
            self.stdout.write(f"{told['bytes'] / 1e6:.2f} MB in {out}")

    def _watch(self, step: int, share: float, losses: dict[str, float]) -> None:
        if step % 50 == 0:
            told = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            self.stdout.write(f"step {step:5}  {share:6.1%}  {told}")
            self.stdout.flush()
