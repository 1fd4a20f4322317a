"""Start the web server."""

from __future__ import annotations

from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Start the web server (uvicorn)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default=settings.WEB_BIND, help="address to listen on")
        parser.add_argument("--port", type=int, default=settings.WEB_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        uvicorn.run(
            "creator.asgi:application",
            host=options["bind"],
            port=options["port"],
            log_level="warning",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=3,  # progress streams are long; browsers open them again
        )
