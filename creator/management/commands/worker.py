"""Start a worker."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from creator.celery import app
from creator.processes import die_with_parent


class Command(BaseCommand):
    help = "Start a worker: it does the jobs of the ledger, with or without Redis."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=settings.WORKER_THREADS, help="jobs at a time")
        parser.add_argument("--parent", type=int, default=0, help="end with this process (used by `up`)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["parent"]:
            die_with_parent(options["parent"])
        app.worker_main(
            ["worker", "--pool=threads", f"--concurrency={options['threads']}", "--loglevel=WARNING",
             "--without-gossip", "--without-mingle", "--without-heartbeat"]
        )  # fmt: skip
