"""How this installation is: engines, fonts, disk, database, workers. The engines page and `doctor` print the same."""

from __future__ import annotations

import shutil
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from creator.models import Job, Worker, Workspace
from creator.services import choices, reindexing, setup
from media_processing import fonts
from media_processing.engine import engines
from search import services as search

ENOUGH_DISK = 2 * 1024**3


def engine_table(workspace: Workspace | None = None) -> list[dict[str, Any]]:
    """One row for each engine of each role, the default first."""
    rows = []
    for role in engines.roles():
        chosen = choices.chosen(role, workspace)
        for name in engines.names(role):
            engine = engines[role, name]
            problems = engine.problems()
            rows.append(
                {
                    "role": role,
                    "engine": name,
                    "title": engine.title or name,
                    "model": "" if problems else engine.model,
                    "default": name == chosen,
                    "locked": choices.locked(role),
                    "variable": role.upper(),
                    "starter": engine.starter,
                    "leaves_the_machine": engine.leaves_the_machine,
                    "loaded": engine.loaded,
                    "problem": problems[0].message if problems else "",
                    "next_step": problems[0].next_step if problems else "",
                }
            )
    return rows


def checkup() -> list[dict[str, Any]]:
    """Lines of {"what", "ok", "state", "fix"}."""
    lines = [
        _line(f"{row['role']}: {row['title']}", not row["problem"], row["problem"] or "ready", row["next_step"])
        for row in engine_table()
        if row["default"]
    ]
    lines += [
        _line(
            f"font: {each['script']}", each["ok"], each["font"] or "none",
            "" if each["ok"] else fonts.apt_line([each["package"]]),
        )
        for each in fonts.report()
    ]
    free = shutil.disk_usage(settings.DATA).free
    lines.append(
        _line("disk", free > ENOUGH_DISK, f"{free / 1e9:.0f} GB free", "" if free > ENOUGH_DISK else "Free some space.")
    )
    up = setup.worker_is_up()
    lines.append(_line("worker", up, f"{Worker.objects.count()} known", "" if up else "Start one: manage.py up"))
    lines.append(_line("database", True, connection.vendor, ""))
    lines += [
        _line(f"search model of {workspace}", not told["note"], line, "Wait until the new one has seen everything.")
        for workspace in Workspace.objects.order_by("id")
        if (line := reindexing.line(workspace, told := search.describe(workspace.pk)))
    ]
    return lines


def pulse() -> dict[str, Any]:
    """What /healthz says: whether work is being done."""
    waiting = Job.objects.filter(state=Job.State.WAITING, due__lte=timezone.now())
    oldest = waiting.order_by("due").values_list("due", flat=True).first()
    return {
        "database": "ok",
        "worker": "ok" if setup.worker_is_up() else "none",
        "waiting": waiting.count(),
        "oldest_seconds": round((timezone.now() - oldest).total_seconds(), 1) if oldest else 0,
    }


def _line(what: str, ok: bool, state: str, fix: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "state": state, "fix": fix}
