"""Start the web server."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import suppress
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from uvicorn.supervisors import Multiprocess

APPLICATION = "creator.asgi:application"


class Shared(uvicorn.Config):
    """For several processes on one socket."""

    def bind_socket(self) -> socket.socket:
        """asyncio switches off Nagle's algorithm only on sockets that name their protocol, and uvicorn's shared one
        doesn't: each further answer of a connection would wait 40 ms for the other side's acknowledgement."""
        shared = super().bind_socket()
        shared.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return shared


class Command(BaseCommand):
    help = "Start the web server (uvicorn), in one process or several; one that dies is started anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default=settings.WEB_BIND, help="address to listen on")
        parser.add_argument("--port", type=int, default=settings.WEB_PORT)
        parser.add_argument("--processes", type=int, default=settings.WEB_PROCESSES, help="one for each core, say")

    def handle(self, *args: Any, **options: Any) -> None:
        with tempfile.TemporaryDirectory(prefix="storyloom-figures-") as figures:
            if options["processes"] > 1:
                os.environ["STORYLOOM_WEB_PARENT"] = str(os.getpid())
                # Where the processes keep what they counted, so that any of them can tell the sum.
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures
            served: dict[str, Any] = {
                "host": options["bind"],
                "port": options["port"],
                "workers": options["processes"],
                "timeout_worker_healthcheck": 60,  # a machine under load is no reason to end a process
                "log_level": "warning",
                "lifespan": "off",
                "server_header": False,
                "timeout_graceful_shutdown": 3,  # progress streams are long; browsers open them again
            }
            if options["processes"] > 1:
                config = Shared(APPLICATION, **served)
                with suppress(KeyboardInterrupt):
                    Multiprocess(config, sockets=[config.bind_socket()]).run()
            else:
                uvicorn.run(APPLICATION, **served)
