"""Say how well words find pictures with an embedder, and what it confuses."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.management.commands._drawn import GALLERY_SEED, gallery, lexicon_of
from generation.illustrations.catalog import Catalog
from media_processing.engine import engines
from search.training.evaluate import Quality, judge


class Command(StoryloomCommand):
    help = "Measure an embedder on new drawn scenes: recall by kind of query, and its most frequent confusions."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--engine", choices=engines.names("embedder"), default=engines.default("embedder"))
        parser.add_argument("--pictures", type=int, default=1000, help="how many scenes to draw")
        parser.add_argument("--queries", type=int, default=3000)
        parser.add_argument("--seed", type=int, default=GALLERY_SEED, help="another seed draws another gallery")
        parser.add_argument("--processes", type=int, default=1, help="how many draw at once")

    def work(self, **options: Any) -> dict[str, Any]:
        for name in ("pictures", "queries", "processes"):
            if options[name] < 1:
                raise CommandError(f"--{name} is {options[name]}: give at least 1.")
        embedder = engines["embedder", options["engine"]]
        for problem in embedder.problems():
            raise problem
        self.say(f"Drawing {options['pictures']} scenes ...")
        drawn = gallery(options["pictures"], options["seed"], options["processes"])
        try:
            self.quality: Quality = judge(embedder, drawn, lexicon_of(Catalog.load()), queries=options["queries"])
        except ValueError as error:
            raise CommandError(f"{error} Draw more with --pictures, or ask less with --queries.") from error
        return {"engine": options["engine"], "model": embedder.model, "seed": options["seed"], **self.quality.as_dict()}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['engine']}: {result['model']}, seed {result['seed']}")
        for line in self.quality.lines():
            self.stdout.write(line)
