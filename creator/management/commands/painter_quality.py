"""Say how often a painter's pictures show what was asked for, as the search model sees them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from PIL import Image

from creator.management.commands._base import StoryloomCommand
from generation.engines.painting import MAX_VARIANTS, Painter
from generation.training.pictures import OBJECTS, SETTINGS
from media_processing.engine import engines
from search.engines.base import Embedder

PAIRS: Mapping[str, tuple[str, str]] = {
    "red/blue": ("a red {thing}", "a blue {thing}"),
    "sea/city": ("a {thing} by the sea", "a {thing} in a city"),
    "the sea/the city": ("the sea", "the city"),
    "green/yellow": ("a green {thing}", "a yellow {thing}"),
    "forest/desert": ("a {thing} in a forest", "a {thing} in the desert"),
    "night/day": ("a {thing} at night", "a {thing} by day"),
    "tree/house": ("a tree in {place}", "a house in {place}"),
    "cat/dog": ("a {colour} cat", "a {colour} dog"),
}
"""Two prompts that differ in one word; {thing}, {place} and {colour} are the same in both."""
PLACES = tuple(f"the {setting}" for setting in SETTINGS if setting != "sea")
COLOURS = ("red", "blue", "green", "yellow", "purple")
ACROSS = 16
"""Pictures in a row of a sheet."""


class Command(StoryloomCommand):
    help = "Measure a painter: of two prompts that differ in a word, how often its pictures are nearer to their own."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--engine", choices=engines.names("painter"), default=engines.default("painter"))
        parser.add_argument("--embedder", choices=engines.names("embedder"), default="onnx", help="what judges")
        parser.add_argument("--pairs", nargs="+", choices=sorted(PAIRS), default=list(PAIRS), metavar="PAIR")
        parser.add_argument("--pictures", type=int, default=100, help="of each prompt of a pair")
        parser.add_argument("--side", type=int, default=64, help="pixels of a picture's side")
        parser.add_argument("--sheet", type=Path, help="keep the pictures in this PNG, two rows of each pair")

    def work(self, **options: Any) -> dict[str, Any]:
        painter, embedder = engines["painter", options["engine"]], engines["embedder", options["embedder"]]
        if options["pictures"] < 1:
            raise CommandError(f"--pictures is {options['pictures']}: give at least 1.")
        if painter.leaves_the_machine:
            raise CommandError(f"{painter.title} is paid by the picture. Choose an engine that draws here.")
        for problem in (*painter.problems(), *embedder.problems()):
            raise problem
        shares, rows = {}, []
        for name in options["pairs"]:
            self.say(f"Drawing {name} ...")
            sides = painted(painter, PAIRS[name], options["pictures"], options["side"])
            shares[name] = separated(embedder, sides)
            rows += [[picture for _, _, picture in side] for side in sides]
        if options["sheet"]:
            _sheet(rows, options["side"]).save(options["sheet"])
        return {
            "engine": options["engine"], "model": painter.model, "judge": embedder.model,
            "pictures": 2 * options["pictures"], "separated": shares,
        }  # fmt: skip

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['engine']}: {result['model']}, judged by {result['judge']}")
        for name, share in result["separated"].items():
            self.stdout.write(f"{name:18} {share:6.1%} of {result['pictures']}")


Drawn = tuple[str, str, Image.Image]
"""A prompt, the one that it could be taken for, and the picture."""


def painted(painter: Painter, pair: tuple[str, str], count: int, side: int = 64) -> tuple[list[Drawn], list[Drawn]]:
    """`count` pictures of either prompt, each with a seed of its own."""
    ours, theirs = (list(islice(_filled(prompt), count)) for prompt in pair)
    both: tuple[list[Drawn], list[Drawn]] = ([], [])
    for at, (drawn, asked, other) in enumerate(((both[0], ours, theirs), (both[1], theirs, ours))):
        for (prompt, instead), times in Counter(zip(asked, other, strict=True)).items():
            for first in range(0, times, MAX_VARIANTS):
                pictures = painter.variants(
                    prompt, min(MAX_VARIANTS, times - first), width=side, height=side, seed=1000 * at + len(drawn)
                )
                for one in pictures:
                    drawn.append((prompt, instead, Image.open(io.BytesIO(one.content)).convert("RGB")))
    return both


def separated(embedder: Embedder, sides: Sequence[Sequence[Drawn]]) -> float:
    """The share of pictures whose vector is nearer to their own prompt's than to the other's."""
    drawn = [one for side in sides for one in side]
    seen = embedder.embed_pictures([picture for _, _, picture in drawn])
    own = embedder.embed_texts([prompt for prompt, _, _ in drawn])
    other = embedder.embed_texts([instead for _, instead, _ in drawn])
    return float(((seen * own).sum(1) > (seen * other).sum(1)).mean())


def _filled(prompt: str) -> Iterator[str]:
    """The prompt with one thing, place and colour after another, without end."""
    number = 0
    while True:
        yield prompt.format(
            thing=OBJECTS[number % len(OBJECTS)], place=PLACES[number % len(PLACES)],
            colour=COLOURS[number % len(COLOURS)],
        )  # fmt: skip
        number += 1


def _sheet(rows: Sequence[Sequence[Image.Image]], side: int) -> Image.Image:
    """A row of each prompt, with some of each thing."""
    sheet = Image.new("RGB", (side * min(ACROSS, max(map(len, rows))), side * len(rows)), "white")
    for down, row in enumerate(rows):
        for across, picture in enumerate(row[:: -(-len(row) // ACROSS)]):
            sheet.paste(picture, (side * across, side * down))
    return sheet
