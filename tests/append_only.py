"""Lets tests that commit end: they empty all tables, which the triggers of decisions forbid on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import connection

triggers = import_module("moderation.migrations.0002_append_only")


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
        triggers.let_go(None, editor)
        editor.execute("DELETE FROM moderation_decision")
        triggers.hold(None, editor)
