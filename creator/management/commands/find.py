"""Search the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import finding, setup
from media_processing.decoding import open_picture


class Command(StoryloomCommand):
    help = "Find moments of the library by words, by a picture, or by both."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("words", nargs="?", default="", help="what to look for")
        parser.add_argument("--like", type=Path, metavar="FILE", help="a picture to resemble")
        parser.add_argument("--kind", choices=("image", "video", "audio"))
        parser.add_argument("--limit", type=int, default=10)

    def work(self, **options: Any) -> list[dict[str, Any]]:
        installation = setup.ensure()
        like = open_picture(options["like"]) if options["like"] else None
        kinds = {"kind": [options["kind"]]} if options["kind"] else {}
        question = finding.Question(options["words"], kinds, like=like)
        found = finding.find(installation.workspace, question, limit=options["limit"])
        return [
            {
                "asset": str(each.asset.pk),
                "title": each.asset.title,
                "kind": each.asset.kind,
                "start": each.found.start,
                "score": round(each.found.score, 6),
                "why": {signal.name: round(signal.contribution, 6) for signal in each.found.explain},
                "file": str(each.asset.file),
            }
            for each in found
        ]

    def show(self, result: list[dict[str, Any]]) -> None:
        for each in result:
            at = f" at {each['start']:.1f} s" if each["kind"] != "image" else ""
            why = ", ".join(f"{name} {value:.4f}" for name, value in each["why"].items())
            self.stdout.write(f"{each['score']:.4f}  {each['kind']}{at}  {each['title']}  ({why})")
        if not result:
            self.stdout.write("Nothing found. Try fewer words, or import files: manage.py import_assets PATH")
