"""Restore a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import backups


class Command(StoryloomCommand):
    help = "Put a backup in place, bring it to this version and verify it. Stop web and worker first."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="move aside what is here")

    def work(self, **options: Any) -> dict[str, Any]:
        if backups.in_use():
            raise CommandError("A worker is up. Stop web and worker first.")
        manifest = backups.restore(options["file"], replace=options["replace"], say=self.say)
        self.say("Verifying ...")
        return {"made": manifest["made"], "rows": sum(manifest["rows"].values()), "wrong": backups.verify()}

    def show(self, result: dict[str, Any]) -> None:
        for line in result["wrong"]:
            self.stderr.write(line)
        self.stdout.write(
            f"Restored what was backed up at {result['made']}: {result['rows']} rows, "
            f"{len(result['wrong'])} differences"
        )
