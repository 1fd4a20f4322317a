"""A worker with one more kind of job, whose effect can be counted: `python -m tests.faults.counting [OPTIONS]`.

From the environment: COUNT_SECONDS, how long each of a job's steps takes; COUNT_VISIBILITY, after how many seconds
Redis gives a message to somebody else; COUNT_CLOCK, a file with the seconds by which this machine's clock is wrong.
"""

from __future__ import annotations

import os
import select
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

if "faketime" in os.environ.get("LD_PRELOAD", ""):
    # libfaketime 0.9.10 makes a negative time of the clock_nanosleep that time.sleep is since Python 3.11.
    time.sleep = lambda seconds: select.select([], [], [], seconds) and None  # type: ignore[assignment]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creator.settings")

import django

django.setup()

from celery import shared_task  # noqa: E402
from django.utils import timezone  # noqa: E402

from creator import jobs  # noqa: E402
from creator.celery import app  # noqa: E402

STEPS, SECONDS = 3, float(os.environ.get("COUNT_SECONDS", "0.04"))


@shared_task(name="count")
def count(job_id: int) -> None:
    """Three short steps, then one effect in the database, which is marked with it, as every job's effect is."""
    with jobs.working_on(job_id) as work:
        if work and "made" not in work.job.subject:  # by a worker that was lost just after
            for step in range(STEPS):
                work.begin(str(step))
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    work.check()
                    time.sleep(min(0.1, SECONDS))
            with work.effect():
                work.job.subject["made"] = True
                work.job.save(update_fields=["subject"])
                jobs.note(work.job, "counted")


def wrong_clock(file: Path) -> None:
    """Have everything in this process that asks Django for the time get a wrong one."""
    right = timezone.now

    def now() -> datetime:
        return right() + timedelta(seconds=float(file.read_text() or 0))

    timezone.now = now


if __name__ == "__main__":
    from django.core.management import call_command

    if visibility := os.environ.get("COUNT_VISIBILITY"):
        options = {**app.conf.broker_transport_options, "visibility_timeout": int(visibility)}
        app.conf.broker_transport_options = {**options, "unacked_restore_interval": 1}
    if clock := os.environ.get("COUNT_CLOCK"):
        wrong_clock(Path(clock))
    call_command("worker", *sys.argv[1:])
