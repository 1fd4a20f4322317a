"""Lets tests that commit end: they empty all tables, which the triggers of append-only ones forbid on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import connection

HELD = {
    "moderation_decision": import_module("moderation.migrations.0002_append_only"),
    "creator_auditentry": import_module("creator.migrations.0010_audit"),
}


@pytest.fixture(autouse=True)
def decisions_may_go(request: pytest.FixtureRequest) -> Iterator[None]:
    marker = request.node.get_closest_marker("django_db")
    commits = bool(marker and marker.kwargs.get("transaction")) or "transactional_db" in request.fixturenames
    if not commits:
        yield
        return
    # Asked for here, so that this fixture ends before the tables are emptied.
    request.getfixturevalue("transactional_db")
    yield
    if connection.vendor != "sqlite":
        return
    with connection.schema_editor() as editor:
        for table, triggers in HELD.items():
            triggers.let_go(None, editor)
            editor.execute(f"DELETE FROM {table}")
            triggers.hold(None, editor)
