"""Back everything up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import backups


class Command(StoryloomCommand):
    help = "Write database and media into one file and read it back. Works while everything runs."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        folder = settings.BACKUPS or settings.DATA / "backups"
        parser.add_argument("--to", type=Path, default=folder, help="the folder (default: STORYLOOM_BACKUPS)")
        parser.add_argument("--no-media", action="store_true", help="the database alone")

    def work(self, **options: Any) -> dict[str, Any]:
        written = backups.write(options["to"], media=not options["no_media"], say=self.say)
        return {"file": str(written.file), "bytes": written.size, "media_files": written.files}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['file']}: {result['bytes'] / 1e6:.1f} MB, {result['media_files']} files, verified")
        self.stdout.write("Keys and secrets are not in it: keep secret_key and your certificates apart.")
