"""Start the web server."""

from __future__ import annotations

from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from creator.processes import die_with_parent


class Command(BaseCommand):
    help = "Start the web server (uvicorn)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default=settings.WEB_BIND, help="address to listen on")
        parser.add_argument("--port", type=int, default=settings.WEB_PORT)
        parser.add_argument("--parent", type=int, default=0, help="end with this process (used by `up`)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["parent"]:
            die_with_parent(options["parent"])
        uvicorn.run(
            "creator.asgi:application",
            host=options["bind"],
            port=options["port"],
            log_level="warning",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=3,  # progress streams are long; browsers open them again
        )
