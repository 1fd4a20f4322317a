"""Start a worker."""

from __future__ import annotations

import warnings
from typing import Any

from celery.platforms import SecurityWarning
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from creator.celery import app


class Command(BaseCommand):
    help = "Start a worker: it does the jobs of the ledger, with or without Redis."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=settings.WORKER_THREADS, help="jobs at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        # Running as root in a container is the container's business; messages never carry code (JSON only).
        warnings.simplefilter("ignore", SecurityWarning)
        app.worker_main(
            ["--quiet", "worker", "--pool=threads", f"--concurrency={options['threads']}", "--loglevel=WARNING",
             "--without-gossip", "--without-mingle", "--without-heartbeat"]
        )  # fmt: skip
