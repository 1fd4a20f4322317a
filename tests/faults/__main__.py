"""`make faults`: breaks real processes at random moments and prints what it cost.

python -m tests.faults [--jobs 500] [--kills 20] [--seconds 60] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.operations.servers import redis
from tests.processes import ROOT, alive_with, environment, manage, start, until

SUBMIT = """
from creator import jobs
from creator.models import Workspace
workspace = Workspace.objects.get()
for number in range({count}):
    jobs.submit("count", workspace=workspace, number=number)
"""
WRITE = """
import json, sys, time
from django.db import transaction
from creator.models import Workspace
workspace, took, errors = Workspace.objects.get(), [], 0
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    begun = time.monotonic()
    try:
        with transaction.atomic():
            row = Workspace.objects.get(pk=workspace.pk)
            row.name = f"{{int(row.name or 0) + 1}}"
            row.save(update_fields=["name"])
    except Exception:
        errors += 1
    took.append(time.monotonic() - begun)
    time.sleep(0.005)
print(json.dumps([took, errors]))
"""
RETRY = """
from creator import jobs
from creator.models import Job
for job in Job.objects.filter(kind="make_story", state="failed"):
    jobs.retry(job)
"""
PATIENCE = 600
"""Seconds until jobs that nothing disturbs any more count as lost."""


@dataclass(frozen=True)
class Outcome:
    """One line of the table."""

    jobs: int
    lost: int
    doubled: int
    recovered: float
    """Seconds until what was in hand at a break was in hand again, the longest; or what `told` says."""
    told: str = ""

    @property
    def good(self) -> bool:
        return not self.lost and not self.doubled


def rows(data: Path, query: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(data / "db.sqlite3", timeout=20)) as connection:
        return list(connection.execute(query, values))


@contextmanager
def installation() -> Iterator[Path]:
    """A data folder with a database; what still lives for it at the end is ended."""
    data = Path(tempfile.mkdtemp(prefix="storyloom-faults-"))
    try:
        manage(data, "set_up", "--no-samples", timeout=600)
        yield data
    finally:
        for pid in alive_with(data):
            subprocess.run(["kill", "-9", str(pid)], check=False)
        shutil.rmtree(data, ignore_errors=True)


def worker(data: Path, **env: str) -> subprocess.Popen[bytes]:
    log = (data / "worker.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.counting"], cwd=ROOT, env=environment(data, **env), stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip


def in_hand(data: Path) -> dict[int, int]:
    """Running jobs and their fencing tokens."""
    return dict(rows(data, "select id, token from creator_job where kind = 'count' and state = 'running'"))


def broken(
    args: argparse.Namespace, break_it: Callable[[subprocess.Popen[bytes]], None] | None = None, **env: str
) -> Outcome:
    """Jobs of which each leaves one mark, while their worker is killed again and again."""
    moments, slowest = random.Random(args.seed), 0.0
    with installation() as data:
        manage(data, "shell", "-c", SUBMIT.format(count=args.jobs), **env)
        process = worker(data, **env)
        for _kill in range(args.kills):
            if not until(lambda: in_hand(data), seconds=60, every=0.01):
                break  # all is done
            time.sleep(moments.uniform(0, 1.5))
            held = in_hand(data)
            process.kill()
            process.wait()
            if break_it:
                break_it(process)
            begun = time.monotonic()
            process = worker(data, **env)
            # Done, or in somebody's hand again: its token changed.
            until(lambda held=held: not held.items() & in_hand(data).items(), seconds=60, every=0.05)  # type: ignore[misc]
            slowest = max(slowest, time.monotonic() - begun)
        closed = "select count(*) from creator_job where kind = 'count' and state = 'done'"
        until(lambda: rows(data, closed)[0][0] == args.jobs, seconds=PATIENCE, every=0.5)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)
        marks = dict(rows(data, "select job_id, count(*) from creator_event where kind = 'counted' group by job_id"))
        kills = sum(crashes for (crashes,) in rows(data, "select attempt - 1 from creator_job where kind = 'count'"))
        return Outcome(
            args.jobs, args.jobs - len(marks), sum(count - 1 for count in marks.values()), slowest,
            f"{kills} were begun again",
        )  # fmt: skip


def kill_worker(args: argparse.Namespace) -> Outcome:
    """kill -9 of the worker, SQLite, no broker."""
    return broken(args)


def kill_worker_redis(args: argparse.Namespace) -> Outcome:
    """kill -9 of the worker, jobs woken by Redis."""
    with ExitStack() as stack:
        port = stack.enter_context(redis(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        return broken(args, CELERY_BROKER_URL=f"redis://127.0.0.1:{port}/0")


def wipe_redis(args: argparse.Namespace) -> Outcome:
    """kill -9 of the worker and FLUSHALL of Redis at once."""
    with ExitStack() as stack:
        port = stack.enter_context(redis(Path(stack.enter_context(tempfile.TemporaryDirectory()))))

        def wipe(_process: subprocess.Popen[bytes]) -> None:
            subprocess.run(["redis-cli", "-p", str(port), "flushall"], check=True, capture_output=True)

        return broken(args, wipe, CELERY_BROKER_URL=f"redis://127.0.0.1:{port}/0")


def full_disk(args: argparse.Namespace) -> Outcome:
    """No file may grow beyond 40 KB while a story is made; then it may."""
    article = ROOT / "creator" / "samples" / "article.md"
    with installation() as data:
        log = (data / "full.log").open("ab")
        limited = subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment(data), stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        until(lambda: rows(data, "select name from creator_worker"), seconds=60)
        # The database keeps growing: only what is written anew from here on meets the limit in this process.
        resource.prlimit(limited.pid, resource.RLIMIT_FSIZE, (40_000 + (data / "db.sqlite3").stat().st_size,) * 2)
        asked = start(data, "create_story", str(article), "--formats", "card:1x1", "--seconds", "12")
        asked.wait(timeout=PATIENCE)
        told = rows(data, "select state, error, next_step from creator_job where kind = 'make_story'")
        until(lambda: limited.poll() is not None, seconds=1)
        if limited.poll() is None:
            limited.kill()
        limited.wait()
        halves = list((data / "media").rglob("*.partial"))
        free = subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment(data), stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        manage(data, "shell", "-c", RETRY)
        made = until(lambda: rows(data, "select 1 from creator_story where state = 'draft'"), seconds=PATIENCE)
        free.terminate()
        free.wait(timeout=40)
        wrong = json.loads(manage(data, "verify", "--json").stdout)
        said = f"{told[0][1]} {told[0][2]}" if told and told[0][1] else "the worker died and its job waited"
        return Outcome(1, int(not made) + len(wrong) + len(halves), 0, 0.0, said)


def writers(args: argparse.Namespace) -> Outcome:
    """Eight processes that read and write one row of SQLite."""
    with installation() as data:
        manage(data, "shell", "-c", "from creator.models import Workspace; Workspace.objects.update(name='0')")
        script = WRITE.format(seconds=args.seconds)
        running = [
            subprocess.Popen(
                [sys.executable, "manage.py", "shell", "-c", script], cwd=ROOT, env=environment(data),
                stdout=subprocess.PIPE,
            )
            for _ in range(8)
        ]  # fmt: skip
        told = [json.loads(each.communicate(timeout=args.seconds + 120)[0].splitlines()[-1]) for each in running]
        took, errors = sorted(second for times, _ in told for second in times), sum(count for _, count in told)
        written = int(rows(data, "select name from creator_workspace")[0][0])
        slow = statistics.quantiles(took, n=100)[98]
        return Outcome(
            len(took), len(took) - errors - written, errors, slow, f"p99 {slow:.2f} s, longest {took[-1]:.2f} s"
        )


SCENARIOS = (kill_worker, kill_worker_redis, wipe_redis, full_disk, writers)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60, help="of eight writers")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    parser.add_argument("--only", nargs="+", choices=[each.__name__ for each in SCENARIOS])
    args = parser.parse_args()
    print(f"seed {args.seed}\n{'':20} {'jobs':>7} {'lost':>5} {'doubled':>8} {'recovered':>10}")
    good = True
    for scenario in SCENARIOS:
        if args.only and scenario.__name__ not in args.only:
            continue
        found = scenario(args)
        good &= found.good
        print(
            f"{scenario.__name__:20} {found.jobs:7} {found.lost:5} {found.doubled:8} {found.recovered:8.1f} s  "
            f"{found.told}", flush=True,
        )  # fmt: skip
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
