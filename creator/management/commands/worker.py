"""Start a worker."""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery.platforms import SecurityWarning
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from creator.celery import app


class Command(BaseCommand):
    help = "Start a worker: it does the jobs of the ledger, with or without Redis."
    # A worker serves no pages: checking their addresses, as all checks do, loads every page before the first job.
    requires_system_checks = ("engines", "models")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=settings.WORKER_THREADS, help="jobs at a time")
        parser.add_argument(
            "--queues", default=",".join(settings.WORKER_QUEUES),
            help=f"what it does, with commas: {', '.join(settings.QUEUES)}; without it everything",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        # Running as root in a container is the container's business; messages never carry code (JSON only).
        warnings.simplefilter("ignore", SecurityWarning)
        os.environ["CELERY_SKIP_CHECKS"] = "1"  # what concerns it was checked above
        settings.WORKER_QUEUES = queues = tuple(options["queues"].split(","))
        if strangers := set(queues) - set(settings.QUEUES):
            raise CommandError(
                f"There is no queue {', '.join(sorted(strangers))}. Choose of: {', '.join(settings.QUEUES)}."
            )
        app.worker_main(
            ["--quiet", "worker", "--pool=threads", f"--concurrency={options['threads']}", "--loglevel=WARNING",
             f"--queues={','.join(queues)}", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        )  # fmt: skip
