"""The Celery application: threads, broker and wake-ups. What must not be lost is in the ledger (jobs.py)."""

from __future__ import annotations

import logging
import math
import os
import socket
import threading
import time
from datetime import timedelta
from typing import Any

from celery import Celery, bootsteps
from celery.signals import worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creator.settings")

log = logging.getLogger("creator.worker")

RESEND_SECONDS = 10
"""After so many seconds the dispatcher takes a message for lost, as after a wiped Redis."""

BEAT_SECONDS = 5
"""How often a worker says that it is there, and asks for what is due as time goes by."""

app = Celery("storyloom")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["creator"])


class Dispatcher(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread in every worker that sends due rows of the ledger and takes back those whose worker is gone.

    On the in-memory broker it is the only sender: a message from another process would stay in that process.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **_kwargs: Any) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(worker,), name="dispatcher", daemon=True)

    def start(self, worker: Any) -> None:
        self._thread.start()

    def stop(self, worker: Any) -> None:
        self._over.set()

    terminate = stop

    def _run(self, worker: Any) -> None:
        from django.conf import settings
        from django.db import close_old_connections
        from django.utils import timezone

        from creator import jobs, tasks  # they import this module
        from creator.models import Worker
        from media_processing import lookups

        name = f"{socket.gethostname()}:{os.getpid()}"
        sent: dict[int, float] = {}
        beat = -math.inf
        while not self._over.wait(settings.DISPATCH_SECONDS):
            # What is paced here goes by a clock that nobody sets: one put back by an hour must not stop it for one.
            now, passed = timezone.now(), time.monotonic()
            try:
                # First, and at every look: nothing that is slow or broken below may keep a lost job waiting.
                jobs.take_back_expired(now)
                if passed - beat > BEAT_SECONDS:
                    beat = passed
                    told = {"seen": now, "threads": worker.concurrency, "lookups": lookups.counts()}
                    Worker.objects.update_or_create(name=name, defaults=told)
                    Worker.objects.filter(seen__lt=now - timedelta(minutes=10)).delete()
                    tasks.submit_periodic(now)
                # A message that nobody took in time is sent again: a claim makes the second one harmless.
                sent = {pk: at for pk, at in sent.items() if passed - at < RESEND_SECONDS}
                room = 2 * worker.concurrency
                waiting = jobs.due_jobs(room + len(sent), now, queues=settings.WORKER_QUEUES)
                sent = {job.pk: sent[job.pk] for job in waiting if job.pk in sent}
                for job in waiting[:room]:
                    if job.pk not in sent:
                        app.tasks[job.kind].apply_async((job.pk,))
                        sent[job.pk] = passed
            except Exception:  # database or broker away, a disk full: without this thread nothing is ever done again
                log.exception("The dispatcher was interrupted; it goes on trying.")
                close_old_connections()
        Worker.objects.filter(name=name).delete()
        close_old_connections()


app.steps["worker"].add(Dispatcher)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _hand_back(**_kwargs: Any) -> None:
    """A worker that is told to stop hands its jobs back at their next report, so that it drains in seconds."""
    from creator import jobs

    jobs.stopping.set()
