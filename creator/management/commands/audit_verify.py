"""Check that nobody changed the audit log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from creator.management.commands._base import StoryloomCommand
from creator.services import audit


class Command(StoryloomCommand):
    help = "Go through the audit log's chain; names the first broken entry and ends with status 1 where there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.broken:
            raise CommandError(self.broken)

    def work(self, **_options: Any) -> dict[str, Any]:
        found = audit.verify()
        self.broken = found.why
        return asdict(found)

    def show(self, result: dict[str, Any]) -> None:
        if result["broken"] is None:
            self.stdout.write(
                f"{result['entries']} entries in one chain, {result['heads']} heads: nothing was changed."
            )
