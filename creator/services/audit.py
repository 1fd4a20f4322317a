"""Verbs of the audit log: record an act, verify the chain, write down its head.

One chain runs through all workspaces: each entry's digest covers the digest before it, as in Haber and Stornetta, "How
to time-stamp a digital document" (1991). A changed entry breaks its own digest, a missing one the next. Somebody who
writes the whole chain anew is caught by the heads that were written down day by day; keep a copy of those elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from creator.models import AuditEntry, User, Workspace
from creator.services.digests import digest_of
from media_processing.engine import EngineError

START = "0" * 64
"""What the first entry follows."""
LOCK = 0x53746F7279  # any number that nobody else locks
"""PostgreSQL's advisory lock under which entries are appended."""


def record(
    action: str, subject: models.Model | str, *, by: User | None, workspace: Workspace | int | None,
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:  # fmt: skip
    """Append an act to the log, in the caller's transaction: it stands if and only if the act does.

    `action` is "noun.verb"; `subject` a row, or a name such as "sign-in"; `by` is None where the program acted by
    itself; `workspace` None for what belongs to the installation; `detail` JSON, with numbers of people instead of
    their names or addresses, since nothing here can be forgotten.

    Other writers wait from here to the end of the transaction, so make it the last thing that the transaction does:
    one that locks further rows afterwards can end in a deadlock on PostgreSQL.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        # On SQLite, a transaction holds the one writer's lock from its beginning.
        last = AuditEntry.objects.order_by("-number").values_list("number", "digest").first()
        entry = AuditEntry(
            number=last[0] + 1 if last else 1,
            workspace_id=workspace.pk if isinstance(workspace, Workspace) else workspace,
            actor_id=by.pk if by else None,
            action=action,
            subject=subject_of(subject),
            text=json.dumps(dict(detail or {}), sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str),
            created=timezone.now(),
            previous=last[1] if last else START,
        )
        entry.digest = _digest(entry)
        entry.save()
    return entry


def subject_of(subject: models.Model | str) -> str:
    """How a row is named in the log: "review:12"."""
    return f"{subject._meta.model_name}:{subject.pk}" if isinstance(subject, models.Model) else subject[:100]


def detail_of(entry: AuditEntry) -> dict[str, Any]:
    """What an entry says beside its action and subject."""
    detail: dict[str, Any] = json.loads(entry.text)
    return detail


def _digest(entry: AuditEntry) -> str:
    return digest_of(
        entry.previous, entry.number, entry.workspace_id, entry.actor_id, entry.action, entry.subject, entry.text,
        entry.created.astimezone(UTC).isoformat(),
    )  # fmt: skip


@dataclass(frozen=True)
class Verification:
    """What was looked at, and the first thing that is wrong."""

    entries: int
    heads: int
    broken: int | None = None
    """The number of the first entry that is not as it was written; None where all is well."""
    why: str = ""


def verify() -> Verification:
    """Go through the whole chain, and hold it against the heads that were written down."""
    heads = {head["number"]: head for head in _heads()}
    previous, number = START, 0
    for entry in AuditEntry.objects.order_by("number").iterator(chunk_size=2000):
        number += 1
        why = ""
        if entry.number != number:
            why = f"Entry {number} is missing: {entry.number} comes instead."
        elif entry.previous != previous:
            why = f"Entry {number} does not follow the entry before it."
        elif entry.digest != _digest(entry):
            why = f"Entry {number} ({entry.action} {entry.subject}) was changed."
        elif number in heads and heads[number]["digest"] != entry.digest:
            why = f"Entry {number} is not the one whose digest was written down on {heads[number]['date']}."
        if why:
            return Verification(number, len(heads), number, why)
        previous = entry.digest
    beyond = [head for head in heads.values() if head["number"] > number]
    if beyond:
        first = min(beyond, key=lambda head: head["number"])
        why = f"The log ends at {number}, but entry {first['number']} was written down on {first['date']}."
        return Verification(number, len(heads), number + 1, why)
    return Verification(number, len(heads))


def export_head(now: datetime) -> Path | None:
    """Write the day's head of the chain beside the database, once a day: {"date", "number", "digest"}.

    Returns the new file, or None where the day has one or nothing was recorded yet.
    """
    target = _folder() / f"head-{now:%Y-%m-%d}.json"
    if target.exists():
        return None
    head = AuditEntry.objects.order_by("-number").values("number", "digest").first()
    if head is None:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    with part.open("w", encoding="utf-8") as file:
        json.dump({"date": f"{now:%Y-%m-%d}", **head}, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, target)  # unlike a rename, this never replaces the head that another worker wrote
    except FileExistsError:
        return None
    finally:
        part.unlink()
    return target


def _folder() -> Path:
    return Path(settings.DATA) / "audit"


def _heads() -> list[dict[str, Any]]:
    heads = []
    for path in sorted(_folder().glob("head-*.json")):
        try:
            head = json.loads(path.read_text(encoding="utf-8"))
            heads.append({"date": str(head["date"]), "number": int(head["number"]), "digest": str(head["digest"])})
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(
                f"{path} is not a head of the audit log.", next_step="Put the file back from its copy."
            ) from error
    return heads
