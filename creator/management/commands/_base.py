"""What Storyloom's own commands share: --json, errors with a next step, a worker where none is up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from creator.models import Job
from creator.services import setup
from media_processing.engine import EngineError
from media_processing.processes import guarded


class StoryloomCommand(BaseCommand):
    """`work` does the command and returns what --json prints; `show` prints the same for people."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        self.quiet: bool = options["json"]
        try:
            result = self.work(**options)
        except EngineError as error:
            raise CommandError(f"{error.message} {error.next_step}".strip()) from error
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False, default=str))
        else:
            self.show(result)

    def work(self, **options: Any) -> Any:
        raise NotImplementedError

    def show(self, result: Any) -> None:
        """Print for people."""

    def say(self, text: str) -> None:
        """Progress for people; programs read standard output and get none."""
        if not self.quiet:
            self.stderr.write(text)


@contextmanager
def some_worker() -> Iterator[None]:
    """Make sure that a worker is up while the block runs: the one that is, or one of our own."""
    if setup.worker_is_up():
        yield
        return
    process = subprocess.Popen(guarded([sys.executable, settings.MANAGE, "worker"], nice=0), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(job: Job, say: Any, *, timeout: float = 3600) -> Job:
    """Wait until a job ends, telling its steps. Raises EngineError with its error where it failed."""
    told = ""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        job.refresh_from_db()
        line = f"{job.step} {job.progress // 0.1 / 10:4.0%}"
        if job.step and line != told and job.is_open:
            say(f"  {line}")
            told = line
        if not job.is_open:
            break
        time.sleep(0.3)
    if job.state != Job.State.DONE:
        raise EngineError(job.error or f"The job ended as {job.state}.", next_step=job.next_step)
    return job
