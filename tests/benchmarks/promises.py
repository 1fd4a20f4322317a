"""The ledger's pace, and four processes that write to one SQLite file at once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.harness import Clock, Figure, at_least, at_most, team

JOBS, WRITERS, SECONDS = 400, 4, 3.0


def figures() -> Iterator[Figure]:
    from creator import jobs
    from creator.models import Job

    workspace, _user = team("promises-bench")
    with Clock() as submitting:
        made = [jobs.submit("make_story", workspace=workspace).pk for _ in range(JOBS)]
    with Clock() as claiming:
        won = [job for pk in made if (job := jobs.claim(pk))]
    again = [pk for pk in made if jobs.claim(pk)]
    against = f"submits: {JOBS / submitting.seconds:.0f}/s; taken a second time: {len(again)}"
    rate = JOBS / claiming.seconds
    yield at_least("promises: claims of jobs a second", rate if len(won) == JOBS and not again else 0.0, "/s", 100.0,
                   against)  # fmt: skip
    Job.objects.all().delete()
    ours = contest(workspace.pk, defaults=False)
    theirs = contest(workspace.pk, defaults=True)
    said = (
        f"Django's default settings for SQLite, same run: {theirs['locked']} locked in {theirs['written']} writes; "
        f"ours wrote {ours['written']}, slowest {ours['slowest']:.2f} s"
    )
    name = f"promises: locked errors, {WRITERS} processes writing for {SECONDS:g} s"
    yield at_most(name, ours["locked"], "errors", 0, said)


def contest(workspace_id: int, *, defaults: bool) -> dict[str, Any]:
    """Let processes read and then write in one transaction each, as fast as they can."""
    from django.db import connections

    connections.close_all()
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    writers = [
        context.Process(target=_write, args=(workspace_id, defaults, results), daemon=True) for _ in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    found = [results.get(timeout=60) for _ in writers]
    for writer in writers:
        writer.join(timeout=30)
    return {
        "written": sum(each[0] for each in found), "locked": sum(each[1] for each in found),
        "slowest": max(each[2] for each in found),
    }  # fmt: skip


def _write(workspace_id: int, defaults: bool, results: Any) -> None:
    from django.db import OperationalError, connection, transaction

    from creator.models import Event, Workspace

    if defaults:
        connection.settings_dict["OPTIONS"] = {}
    written = locked = 0
    slowest = 0.0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with Clock() as clock:
            try:
                with transaction.atomic():
                    Workspace.objects.get(pk=workspace_id)
                    Event.objects.create(workspace_id=workspace_id, kind="bench", data={"n": written})
                written += 1
            except OperationalError:
                locked += 1
        slowest = max(slowest, clock.seconds)
    results.put((written, locked, slowest))
    connection.close()
