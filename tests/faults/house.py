"""An installation to be broken: its folder, its database and broker, and the processes that run for it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.operations import servers
from tests.processes import ROOT, alive_with, environment, free_port, manage, start, until

PATIENCE = 600
"""Seconds until work that nothing disturbs any more counts as lost."""
SUBMIT = """
from creator import jobs
from creator.models import Workspace
workspace = Workspace.objects.get()
for number in range({count}):
    jobs.submit("count", workspace=workspace, number=number)
"""


@dataclass(frozen=True)
class Outcome:
    """One line of the table."""

    jobs: int
    lost: int
    doubled: int
    recovered: float
    """Seconds until what a fault stopped went on, the longest; or what `told` says."""
    told: str = ""
    within: float = 20
    """Seconds that `recovered` should keep to."""

    @property
    def good(self) -> bool:
        return not self.lost and not self.doubled and self.recovered <= self.within


@dataclass
class House:
    """What a scenario breaks."""

    data: Path
    env: dict[str, str] = field(default_factory=dict)
    worker_env: dict[str, str] = field(default_factory=dict)
    """What workers of counted jobs get besides."""
    redis_port: int = 0
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def rows(self, query: str) -> list[Any]:
        if url := self.env.get("DATABASE_URL"):
            import psycopg

            with psycopg.connect(url) as connection:
                return connection.execute(query).fetchall()  # type: ignore[arg-type]
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=20)) as connection:
            return list(connection.execute(query))

    def one(self, query: str) -> Any:
        found = self.rows(query)
        return found[0][0] if found else None

    def shell(self, code: str) -> str:
        """What a script prints that runs in the product."""
        return manage(self.data, "shell", "-v", "0", "-c", code, timeout=PATIENCE, **self.env).stdout

    def start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        return start(self.data, *command, **{**self.env, **env})

    # Counted jobs

    def submit(self, count: int) -> None:
        self.shell(SUBMIT.format(count=count))

    def work(self, **env: str) -> subprocess.Popen[bytes]:
        """One more worker that knows counted jobs."""
        with (self.data / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.counting"], cwd=ROOT, stdout=log, stderr=log,
                env=environment(self.data, **{**self.env, **self.worker_env, **env}), start_new_session=True,
            )  # fmt: skip
        self.workers.append(process)
        return process

    def kill(self, number: int = 0) -> None:
        """kill -9 of a worker."""
        process = self.workers.pop(number)
        process.kill()
        process.wait()

    def in_hand(self) -> dict[int, int]:
        """Running counted jobs and their fencing tokens."""
        return dict(self.rows("select id, token from creator_job where kind = 'count' and state = 'running'"))

    def marks(self) -> int:
        return int(self.one("select count(*) from creator_event where kind = 'counted'"))

    def done(self) -> int:
        return int(self.one("select count(*) from creator_job where kind = 'count' and state = 'done'"))

    def went_on(self, held: dict[int, int]) -> float:
        """Seconds until nothing of `held` is in the same hands any more: it is done, or its token changed."""
        begun = time.monotonic()
        until(lambda: not held.items() & self.in_hand().items(), seconds=120, every=0.1)
        return time.monotonic() - begun

    def next_mark(self) -> float:
        """Seconds until one more job is done, or none is left."""
        begun, seen = time.monotonic(), self.marks()
        left = "select 1 from creator_job where kind = 'count' and state in ('waiting', 'running') limit 1"
        until(lambda: self.marks() > seen or not self.rows(left), seconds=120, every=0.1)
        return time.monotonic() - begun

    def outcome(self, jobs: int, slowest: float, told: str = "") -> Outcome:
        """Let the rest be done undisturbed, stop, and count the marks."""
        until(lambda: self.done() == jobs, seconds=PATIENCE, every=0.5)
        for process in self.workers:
            process.send_signal(signal.SIGTERM)
        for process in self.workers:
            process.wait(timeout=60)
        marks = dict(self.rows("select job_id, count(*) from creator_event where kind = 'counted' group by job_id"))
        again = self.one("select sum(attempt - 1) from creator_job where kind = 'count'")
        said = f"{told}, {again} begun again" if told else f"{again} begun again"
        return Outcome(jobs, jobs - len(marks), sum(count - 1 for count in marks.values()), slowest, said)

    def end(self) -> None:
        for pid in alive_with(self.data):
            subprocess.run(["kill", "-9", str(pid)], check=False)
        for process in self.workers:
            process.wait()


@contextmanager
def house(*, broker: bool = False, database: bool = False, folder: Path | None = None) -> Iterator[House]:
    """An installation on SQLite or (`database`) PostgreSQL, with Redis or without; what lives for it ends with it."""
    with ExitStack() as stack:
        data = folder or Path(tempfile.mkdtemp(prefix="storyloom-faults-"))
        beside = Path(tempfile.mkdtemp(prefix="storyloom-faults-servers-"))
        for each in (data, beside):
            stack.callback(shutil.rmtree, each, ignore_errors=True)
        made = House(data)
        if broker:
            made.redis_port = free_port()
            stack.enter_context(servers.redis(beside / "redis", port=made.redis_port))
            made.env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{made.redis_port}/0"
        if database:
            port = stack.enter_context(servers.postgres(beside / "postgres"))
            made.env["DATABASE_URL"] = f"postgresql://storyloom:river@127.0.0.1:{port}/storyloom"
        stack.callback(made.end)
        manage(data, "set_up", "--no-samples", timeout=PATIENCE, **made.env)
        yield made


def ended(process: subprocess.Popen[bytes]) -> None:
    """Stop a process that may be gone already."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
