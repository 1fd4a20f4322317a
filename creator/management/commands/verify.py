"""Check the files that the database knows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from creator.management.commands._base import StoryloomCommand
from creator.services import backups


class Command(StoryloomCommand):
    help = "Read every stored file and compare it with the digest in the database."

    def work(self, **options: Any) -> list[str]:
        return backups.verify(say=self.say)

    def show(self, result: list[str]) -> None:
        for line in result:
            self.stderr.write(line)
        if result:
            raise CommandError(f"{len(result)} files differ. Restore them from a backup.")
        self.stdout.write("0 differences")
