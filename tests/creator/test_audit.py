"""The audit log: nobody changes it unnoticed, and all who write at once end up in one chain."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from creator.models import AuditEntry
from creator.services import audit
from media_processing.engine import EngineError
from moderation.models import AppendOnlyError
from tests.conftest import Cast

triggers = import_module("creator.migrations.0010_audit")
TODAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def chain(cast: Cast) -> list[AuditEntry]:
    return [
        audit.record("key.make", f"key:{number}", by=cast.ada, workspace=cast.workspace, detail={"scope": number / 7})
        for number in range(5)
    ]


def tampered(statement: str) -> None:
    """Change the table as somebody would who owns the database."""
    with connection.cursor() as cursor:
        for undone in triggers.UNDO[connection.vendor]:
            cursor.execute(undone)
        cursor.execute(statement)


def test_an_act_stands_with_all_that_was_said(cast: Cast) -> None:
    audit.record("policy.activate", cast.workspace, by=cast.ada, workspace=cast.workspace, detail={"version": 3})
    entry = AuditEntry.objects.get()
    assert (entry.number, entry.subject, entry.actor, entry.workspace) == (
        1, f"workspace:{cast.workspace.pk}", cast.ada, cast.workspace,
    )  # fmt: skip
    assert audit.detail_of(entry) == {"version": 3}
    assert audit.verify() == audit.Verification(entries=1, heads=0)


def test_it_goes_with_the_transaction_of_the_act(cast: Cast, chain: list[AuditEntry]) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record("key.revoke", "key:1", by=cast.ada, workspace=None)
        raise RuntimeError("the act failed")
    assert AuditEntry.objects.count() == 5
    assert audit.record("key.revoke", "key:1", by=None, workspace=None).number == 6
    assert audit.verify().broken is None


def test_who_leaves_stays_as_a_number(cast: Cast, chain: list[AuditEntry]) -> None:
    number = cast.ada.pk
    cast.ada.delete()
    assert {entry.actor_id for entry in AuditEntry.objects.all()} == {number}
    assert audit.verify().broken is None


def test_django_refuses_to_change_it(chain: list[AuditEntry]) -> None:
    for act in (chain[0].save, chain[0].delete, AuditEntry.objects.all().delete, AuditEntry.objects.update):
        with pytest.raises(AppendOnlyError):
            act()


@pytest.mark.parametrize("statement", [
    "UPDATE creator_auditentry SET action = 'nothing'",
    "UPDATE creator_auditentry SET actor_id = NULL",
    "DELETE FROM creator_auditentry WHERE number = 5",
])  # fmt: skip
def test_the_database_refuses_too(chain: list[AuditEntry], statement: str) -> None:
    """Also after all later migrations: SQLite drops the triggers of a table that a migration rebuilds."""
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.count() == 5


def test_a_row_cannot_be_replaced(chain: list[AuditEntry]) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's own")
    columns = "number, workspace_id, actor_id, action, subject, text, created, previous, digest"
    changed = columns.replace("action", "'nothing'")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT OR REPLACE INTO {triggers.TABLE} ({columns}) SELECT {changed} FROM {triggers.TABLE}")


@pytest.mark.parametrize(("statement", "broken"), [
    ("UPDATE creator_auditentry SET text = '{}' WHERE number = 3", 3),
    ("UPDATE creator_auditentry SET actor_id = NULL WHERE number = 2", 2),
    ("UPDATE creator_auditentry SET created = '2001-01-01' WHERE number = 1", 1),
    ("DELETE FROM creator_auditentry WHERE number = 4", 4),
])  # fmt: skip
def test_the_first_broken_row_is_named(
    chain: list[AuditEntry], statement: str, broken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tampered(statement)
    assert audit.verify().broken == broken
    with pytest.raises(CommandError, match=f"Entry {broken} "):
        call_command("audit_verify", "--json")
    assert json.loads(capsys.readouterr().out)["broken"] == broken


def test_a_log_that_was_cut_or_written_anew_is_caught_by_the_heads(cast: Cast, chain: list[AuditEntry]) -> None:
    assert audit.export_head(TODAY) is not None
    tampered("DELETE FROM creator_auditentry WHERE number = 5")
    assert audit.verify().broken == 5  # nothing in the chain itself shows that
    audit.record("key.make", "key:4", by=cast.mo, workspace=cast.workspace)
    found = audit.verify()
    assert found.broken == 5
    assert "written down on 2026-11-23" in found.why


def test_the_head_is_written_once_a_day(chain: list[AuditEntry], settings: LazySettings) -> None:
    path = audit.export_head(TODAY)
    assert path == Path(settings.DATA, "audit", "head-2026-11-23.json")
    assert json.loads(path.read_text()) == {"date": "2026-11-23", "number": 5, "digest": chain[4].digest}
    audit.record("key.make", "key:9", by=None, workspace=None)
    assert audit.export_head(TODAY) is None
    assert json.loads(path.read_text())["number"] == 5
    assert audit.verify() == audit.Verification(entries=6, heads=1)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_spoilt_head_says_where(chain: list[AuditEntry]) -> None:
    path = audit.export_head(TODAY)
    assert path is not None
    path.write_text("{}")
    with pytest.raises(EngineError, match="head-2026-11-23"):
        audit.verify()


def test_nothing_recorded_has_no_head(db: None) -> None:
    assert audit.export_head(TODAY) is None
    call_command("audit_verify")


@pytest.mark.django_db(transaction=True)
def test_many_who_write_at_once_make_one_chain(cast: Cast) -> None:
    def write(writer: int) -> None:
        for number in range(25):
            with transaction.atomic():
                audit.record("test.write", f"{writer}:{number}", by=cast.mo, workspace=cast.workspace)
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert audit.verify() == audit.Verification(entries=100, heads=0)
