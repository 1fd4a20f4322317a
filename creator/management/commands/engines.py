"""Say which engine does what."""

from __future__ import annotations

from typing import Any

from creator.management.commands._base import StoryloomCommand
from creator.services import health


class Command(StoryloomCommand):
    help = "List every engine: which is the default of its role, and what keeps the others from working."

    def work(self, **options: Any) -> list[dict[str, Any]]:
        return health.engine_table()

    def show(self, result: list[dict[str, Any]]) -> None:
        for row in result:
            mark = "*" if row["default"] else " "
            where = "leaves the machine" if row["leaves_the_machine"] else "stays here"
            state = f"{row['problem']} {row['next_step']}".strip() if row["problem"] else "ready"
            self.stdout.write(f"{mark} {row['role']:<14} {row['engine']:<13} {where:<19} {state}")
        self.stdout.write("\n* is the default. Another one: set the role's variable, for example WRITER=openai.")
