"""Bring files into the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import library, setup


class Command(StoryloomCommand):
    help = "Bring images, videos and sounds into the library. A bad file gets its error, the rest goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, or folders with files")
        parser.add_argument("--license", default="", dest="licence", metavar="LICENCE")
        parser.add_argument("--credit", default="")
        parser.add_argument("--tags", default="", help="comma-separated")

    def work(self, **options: Any) -> list[dict[str, Any]]:
        installation = setup.ensure()
        tags = [tag.strip() for tag in options["tags"].split(",") if tag.strip()]
        results = []
        for path in _files(options["paths"]):
            done = library.import_file(
                installation.workspace, path, by=installation.owner, licence=options["licence"],
                credit=options["credit"], tags=tags,
            )  # fmt: skip
            results.append(
                {"name": done.name, "asset": str(done.asset.pk) if done.asset else None, "created": done.created,
                 "error": done.error, "next_step": done.next_step}
            )  # fmt: skip
            self.say(self._line(results[-1]))
        return results

    def _line(self, result: dict[str, Any]) -> str:
        if result["error"]:
            return f"{result['name']}: {result['error']} {result['next_step']}".strip()
        return f"{result['name']}: {'new' if result['created'] else 'already there'}"

    def show(self, result: list[dict[str, Any]]) -> None:
        bad = sum(bool(each["error"]) for each in result)
        self.stdout.write(f"{len(result) - bad} of {len(result)} files are in the library.")


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
        else:
            yield path
