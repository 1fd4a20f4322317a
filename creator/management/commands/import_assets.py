"""Bring files into the library."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import importing, setup
from creator.services.importing import Given, Said


class Command(StoryloomCommand):
    help = """Bring images, videos and sounds into the library. A bad file gets its error, the rest goes on. What is
    there already is left alone, so an import that was cut off is simply asked for again."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files, or folders with files")
        parser.add_argument("--no-recursive", action="store_false", dest="recursive", help="leave subfolders out")
        parser.add_argument("--license", "--licence", default="", dest="licence", metavar="LICENCE")
        parser.add_argument("--credit", default="")
        parser.add_argument("--tags", default="", help="comma-separated")
        parser.add_argument("--collection", default="", help="put them into this collection; made where there is none")
        parser.add_argument("--background", action="store_true", help="have a worker do it; folders only")
        parser.add_argument(
            "--refresh", action="store_true", help="fill in what older assets lack: colours, words in them"
        )

    def work(self, **options: Any) -> list[dict[str, Any]]:
        installation = setup.ensure()
        said = Said(
            options["licence"], options["credit"], tuple(options["tags"].split(",")), options["collection"]
        )
        results: list[dict[str, Any]] = []
        if options["background"]:
            for folder in options["paths"]:
                job = importing.import_folder(
                    installation.workspace, folder, said, by=installation.owner, recursive=options["recursive"]
                )
                results.append({"name": str(folder), "job": job.pk, "error": ""})
                self.say(f"{folder}: job {job.pk}")
        else:
            results = self._import(installation, said, options["paths"], recursive=options["recursive"])
        if options["refresh"]:
            for done, total in importing.fill_in_all(installation.workspace):
                self.say(f"  looked at {done} of {total}")
        return results

    def _import(self, installation: setup.Installation, said: Said, paths: list[Path], *, recursive: bool) -> Any:
        given: list[Given] = []
        for path in paths:
            inside = importing.files_in(path, recursive=recursive) if path.is_dir() else [path]
            given += [Given(each, each.name) for each in inside]
        results: list[dict[str, Any]] = []
        began = told = time.monotonic()
        for batch in importing.bring_in(installation.workspace, given, said, by=installation.owner):
            results += [each.told() for each in batch]
            for each in batch:
                if each.error or len(given) <= importing.MAX_FILES:
                    self.say(self._line(each.told()))
            now = time.monotonic()
            if now - told > 5:
                told, left = now, (now - began) / len(results) * (len(given) - len(results))
                self.say(f"  {len(results)} of {len(given)}, about {left:.0f} s left")
        return results

    def _line(self, result: dict[str, Any]) -> str:
        if result["error"]:
            return f"{result['name']}: {result['error']} {result['next_step']}".strip()
        return f"{result['name']}: {'new' if result['created'] else 'already there'}"

    def show(self, result: list[dict[str, Any]]) -> None:
        bad = sum(bool(each["error"]) for each in result)
        self.stdout.write(f"{len(result) - bad} of {len(result)} files are in the library.")
