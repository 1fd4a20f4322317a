"""Bringing the database to this version: a copy first, and back to it where a migration fails.

A first start with SQLite needs no history: schema.sql is what all migrations leave of an empty database, written by
`manage.py schema` and held to the migrations by a test. That is the difference between a second and a quarter minute.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
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
SCHEMA = Path(__file__).resolve().parent.parent / "schema.sql"
_SHADOWS = ("_data", "_idx", "_content", "_docsize", "_config")
"""What FTS5 makes by itself beside a virtual table."""


def upgrade() -> Path | None:
    """Run the migrations that are missing. Where SQLite holds data already, it is copied before and stays as it was if
    one fails; PostgreSQL runs each in a transaction of its own. Returns the copy. Raises EngineError.
    """
    if connection.vendor == "sqlite" and not connection.introspection.table_names():
        connection.connection.executescript(SCHEMA.read_text(encoding="utf-8"))
        call_command("migrate", verbosity=0, interactive=False)  # what comes after migrations: permissions
        return None
    plan = _missing()
    if not plan:
        return None
    copy = _copied() if connection.vendor == "sqlite" else None
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


def schema_of(file: Path) -> str:
    """The statements that make a SQLite database like this one, with its history of migrations and no other rows."""
    with closing(sqlite3.connect(file)) as database:
        made = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' "
            "ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name"
        ).fetchall()
        history = database.execute("SELECT app, name FROM django_migrations ORDER BY app, name").fetchall()
        virtual = [name for name, sql in made if sql.startswith("CREATE VIRTUAL")]
        settings_of = {
            name: database.execute(f"SELECT k, v FROM {name}_config WHERE k != 'version'").fetchall()  # noqa: S608
            for name in virtual
        }
    shadows = {f"{name}{shadow}" for name in virtual for shadow in _SHADOWS}
    lines = [f"{sql};" for name, sql in made if name not in shadows]
    lines += [
        f"INSERT INTO {name} ({name}, rank) VALUES ('{key}', '{value}');"  # noqa: S608 names of our own tables
        for name, found in settings_of.items()
        for key, value in found
    ]
    lines += [
        f"INSERT INTO django_migrations (app, name, applied) VALUES ('{app}', '{name}', CURRENT_TIMESTAMP);"  # noqa: S608
        for app, name in history
    ]
    return "\n".join(["BEGIN;", *lines, "COMMIT;", ""])
