"""Say which engine does what, or try one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import health, trying


class Command(StoryloomCommand):
    help = "List every engine: which is the default of its role, and what keeps the others from working. Or try one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--try", dest="role", metavar="ROLE", help="have the engine of a role do one real example")
        parser.add_argument("--engine", metavar="NAME", help="try this engine instead of the default")

    def work(self, **options: Any) -> list[dict[str, Any]]:
        if options["role"]:
            return [asdict(trying.try_engine(options["role"], options["engine"]))]
        return health.engine_table()

    def show(self, result: list[dict[str, Any]]) -> None:
        if "example" in result[0]:
            tried = result[0]
            model = f" ({tried['model']})" if tried["model"] else ""
            self.stdout.write(
                f"{tried['role']}: {tried['engine']}{model}\n"
                f"  asked   {tried['example']}\n  gave    {tried['result']}\n"
                f"  took    {tried['load_seconds']:.2f} s to load, {tried['seconds']:.2f} s to work, "
                f"{tried['memory_mb']:.0f} MB more memory\n  result  {tried['path']}"
            )
            return
        for row in result:
            mark = "*" if row["default"] else " "
            where = "leaves the machine" if row["leaves_the_machine"] else "stays here"
            state = f"{row['problem']} {row['next_step']}".strip() if row["problem"] else "ready"
            self.stdout.write(f"{mark} {row['role']:<14} {row['engine']:<13} {where:<19} {state}")
        self.stdout.write("\n* is the default. Another one: set the role's variable, for example WRITER=openai.")
