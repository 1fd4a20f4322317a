"""A worker with one more kind of job, whose effect can be counted: `python -m tests.faults.counting [OPTIONS]`."""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creator.settings")

import django

django.setup()

from celery import shared_task  # noqa: E402

from creator import jobs  # noqa: E402

STEPS, SECONDS = 3, 0.04


@shared_task(name="count")
def count(job_id: int) -> None:
    """Three short steps, then one effect in the database."""
    with jobs.working_on(job_id) as work:
        if work:
            for step in range(STEPS):
                work.begin(str(step))
                time.sleep(SECONDS)
            with work.effect():
                jobs.note(work.job, "counted")


if __name__ == "__main__":
    from django.core.management import call_command

    call_command("worker", *sys.argv[1:])
