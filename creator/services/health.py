"""How this installation is: engines, fonts, disk, database, workers. The engines page and `doctor` print the same."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from creator.models import Job, Worker, Workspace
from creator.services import choices, reindexing, retention, setup
from media_processing import fonts, storage
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


def engine_problems() -> list[dict[str, Any]]:
    """Default engines that can't work here, as rows of `engine_table`."""
    return [row for row in engine_table() if row["default"] and row["problem"]]


def checkup() -> list[dict[str, Any]]:
    """Lines of {"what", "ok", "state", "fix"}."""
    lines = [
        _line(f"{row['role']}: {row['title']}", not row["problem"], row["problem"] or "ready", row["next_step"])
        for row in engine_table()
        if row["default"]
    ]
    lines += [
        _line(
            f"font: {each['script']}",
            each["ok"],
            each["font"] or "none",
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


SLOW = 120
"""Seconds that a job which a person asked for waits before they are told that it takes longer."""
LATE = timedelta(hours=26)
"""After which tonight's backup is missed."""


def slowness() -> str:
    """One line for everybody, where work takes longer than people are used to; "" where all is well."""
    waits = _longest_wait()
    if waits < SLOW:
        return ""
    if not setup.worker_is_up():
        return _("Nothing is being made at the moment: what you ask for waits, and nothing is lost.")
    return _("There is a lot to do: what you ask for now begins in about %d minutes.") % max(2, round(waits / 60))


def _longest_wait() -> float:
    """Seconds for which the oldest job that a person asked for waits. What works in the background may."""
    now = timezone.now()
    asked = Job.objects.filter(state=Job.State.WAITING, due__lte=now, priority__gte=0).exclude(kind="send_mail")
    oldest = asked.aggregate(oldest=Min("due"))["oldest"]
    return (now - oldest).total_seconds() if oldest else 0.0


def status() -> list[dict[str, Any]]:
    """How the installation is, for whoever runs it: lines of {"what", "ok", "state", "fix"}, with no secret in them."""
    now = timezone.now()
    told, free = pulse(), shutil.disk_usage(settings.DATA).free
    workers = Worker.objects.filter(seen__gte=now - timedelta(seconds=60))
    threads = workers.aggregate(sum=Sum("threads"))["sum"] or 0
    broken = Job.objects.filter(state__in=(Job.State.FAILED, Job.State.PARKED), finished__gte=now - timedelta(days=1))
    waits = _longest_wait()
    lines = [
        _line(_("Database"), True, connection.vendor, ""),
        _line(
            _("Workers"), bool(threads), _("%(workers)d, %(threads)d jobs at a time") % {
                "workers": workers.count(), "threads": threads}, "" if threads else "manage.py worker",
        ),
        _line(
            _("Queue"), waits < SLOW, _("%(jobs)d wait; what a person asked for, up to %(seconds)d s") % {
                "jobs": told["waiting"], "seconds": waits},
            "" if waits < SLOW else _("Start another worker, or raise STORYLOOM_THREADS."),
        ),
        _line(
            _("Failed since yesterday"), not broken.filter(state=Job.State.PARKED).exists(), str(broken.count()),
            _("The log has the details.") if broken.exists() else "",
        ),
        _line(
            _("Disk"), free > ENOUGH_DISK, _("%.1f GB free") % (free / 1e9),
            "" if free > ENOUGH_DISK else _("Free some space."),
        ),
        _line(_("Media"), True, _("shared storage") if storage.is_shared() else _("this machine's disk"), ""),
        _backup_line(now),
    ]  # fmt: skip
    for workspace in Workspace.objects.order_by("id"):
        lag = search.describe(workspace.pk)["lag"]
        lines.append(
            _line(
                _("Search index of %s") % workspace,
                lag < 100,
                _("%d behind") % lag,
                "" if lag < 100 else _("It catches up within the hour; the log says why if it doesn't."),
            )
        )
    if settings.KEEP_DRAFTS or settings.KEEP_RENDITIONS:
        old = retention.count()
        state = _("%(drafts)d drafts, %(files)d files (%(mb).0f MB) go next") % {
            "drafts": old.drafts, "files": old.renditions, "mb": old.bytes / 1e6,
        }  # fmt: skip
        lines.append(_line(_("Too old to be kept"), True, state, ""))
    return lines


def _backup_line(now: datetime) -> dict[str, Any]:
    if settings.BACKUPS is None:
        return _line(_("Backups"), False, _("none"), _("Name a folder in STORYLOOM_BACKUPS."))
    newest = max((path.stat().st_mtime for path in settings.BACKUPS.glob("storyloom-*.tar")), default=0.0)
    if not newest:
        return _line(_("Backups"), False, _("none yet"), "manage.py backup")
    made = datetime.fromtimestamp(newest, UTC)
    return _line(
        _("Backups"), now - made < LATE, f"{made:%Y-%m-%d %H:%M} UTC", "" if now - made < LATE else "manage.py backup"
    )


def _line(what: str, ok: bool, state: str, fix: str) -> dict[str, Any]:
    return {"what": what, "ok": ok, "state": state, "fix": fix}
