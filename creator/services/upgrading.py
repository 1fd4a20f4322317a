"""Bringing the database to this version: a copy first, and back to it where a migration fails."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from creator.services import backups
from media_processing.engine import EngineError

KEPT = 3
"""Copies that stay."""


def upgrade() -> Path | None:
    """Run the migrations that are missing. Where SQLite holds data already, it is copied before and stays as it was if
    one fails; PostgreSQL runs each in a transaction of its own. Returns the copy. Raises EngineError.
    """
    plan = _missing()
    if not plan:
        return None
    copy = _copied() if connection.vendor == "sqlite" and connection.introspection.table_names() else None
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except Exception as error:
        if copy is None:
            raise
        connections.close_all()
        file = Path(connection.settings_dict["NAME"])
        for part in ("-wal", "-shm"):
            Path(f"{file}{part}").unlink(missing_ok=True)
        shutil.copyfile(copy, file)
        raise EngineError(
            f"The migration {plan[0]} or one after it failed: {error}",
            next_step="The database is as it was before. Go back to the version that you had, and report this.",
            permanent=True,
        ) from error
    return copy


def _missing() -> list[str]:
    executor = MigrationExecutor(connection)
    return [str(step) for step, _backwards in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def _copied() -> Path:
    folder = settings.DATA / "before-upgrades"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for old in sorted(folder.glob("*.sqlite3"))[: 1 - KEPT]:
        old.unlink()
    copy: Path = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.sqlite3"
    backups.copy_sqlite(copy)
    return copy
