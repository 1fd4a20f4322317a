"""Write down what the migrations make."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from creator.management.commands._base import StoryloomCommand
from creator.services import upgrading


class Command(StoryloomCommand):
    help = "Write creator/schema.sql: what all migrations leave of an empty SQLite database. After each new migration."

    def work(self, **options: Any) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "db.sqlite3"
            usual = connections["default"]
            connections["default"] = DatabaseWrapper({**usual.settings_dict, "NAME": file}, "default")
            try:
                call_command("migrate", verbosity=0, interactive=False)
            finally:
                connections["default"].close()
                connections["default"] = usual
            upgrading.SCHEMA.write_text(upgrading.schema_of(file), encoding="utf-8")
        return {"file": str(upgrading.SCHEMA)}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(result["file"])
