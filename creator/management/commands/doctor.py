"""Check this machine."""

from __future__ import annotations

from typing import Any

from creator.management.commands._base import StoryloomCommand
from creator.services import health


class Command(StoryloomCommand):
    help = "Check this machine: engines, fonts, disk, database, workers. Each line ends with the fix."

    def work(self, **options: Any) -> list[dict[str, Any]]:
        return health.checkup()

    def show(self, result: list[dict[str, Any]]) -> None:
        for line in result:
            self.stdout.write(f"{'ok ' if line['ok'] else 'FIX'} {line['what']:<28} {line['state']}")
            if line["fix"]:
                self.stdout.write(f"    {line['fix']}")
