"""`python -m tests.benchmarks [area ...]`: measures, and prints one JSON object a line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from tests.benchmarks.harness import Figure, missing

AREAS = (
    "search", "search_http", "ingest", "generation", "media", "cards", "studio", "pages", "trust", "queue",
    "publishing", "content_api", "provenance", "promises", "capacity",
)  # fmt: skip


def measured(area: str) -> Iterator[Figure]:
    """The figures of one area; one that breaks is a figure too."""
    module = importlib.import_module(f"tests.benchmarks.{area}")
    try:
        yield from module.figures()
    except Exception as error:
        traceback.print_exc()
        yield missing(f"{area}: broke", "", f"{type(error).__name__}: {error}")


def report(figures: Iterable[Figure], out: TextIO) -> bool:
    """Print each figure as it comes. Returns whether all goals hold and nothing broke."""
    good = True
    for figure in figures:
        print(figure.line(), file=out, flush=True)
        good = good and figure.holds is not False and not figure.name.endswith(": broke")
    return good


def main(arguments: Sequence[str]) -> int:
    """0 where all was measured (goals may miss: `holds` says so), 1 where something broke, 2 for an unknown area."""
    unknown = [each for each in arguments if each not in AREAS]
    if unknown:
        print(f"There is no area {', '.join(unknown)}. Areas are: {', '.join(AREAS)}.", file=sys.stderr)
        return 2
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import logging

    import django

    django.setup()
    logging.disable(logging.WARNING)
    broke = False
    for area in arguments or AREAS:
        found = list_as_it_comes(area)
        broke = broke or any(figure.name.endswith(": broke") for figure in found)
    return 1 if broke else 0


def list_as_it_comes(area: str) -> list[Figure]:
    kept: list[Figure] = []

    def watched() -> Iterator[Figure]:
        for figure in measured(area):
            kept.append(figure)
            yield figure

    report(watched(), sys.stdout)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
