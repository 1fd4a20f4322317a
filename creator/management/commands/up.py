"""Start everything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from creator.management.commands._base import StoryloomCommand
from creator.services import setup, upgrading
from media_processing.processes import guarded

PATIENCE = 10
"""Seconds that web and worker get to stop by themselves."""


class Command(StoryloomCommand):
    help = "Start web and worker, make the database if there is none, and print a sign-in link. Ctrl-C stops all."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--port", type=int, default=settings.WEB_PORT)
        parser.add_argument("--bind", default=settings.WEB_BIND)

    def work(self, **options: Any) -> Any:
        _require_free(options["bind"], options["port"])
        os.environ["STORYLOOM_PORT"] = str(options["port"])
        if settings.BASE_URL.startswith("http://127.0.0.1:"):
            settings.BASE_URL = f"http://127.0.0.1:{options['port']}"
        upgrading.upgrade()
        installation = setup.ensure()
        stop = _Stop()
        processes = [
            self._start("web", "--bind", options["bind"], "--port", str(options["port"])),
            self._start("worker"),
        ]
        try:
            setup.start_samples(installation)
            _wait_until_it_answers(options["bind"], options["port"], processes, stop)
            self._greet(installation)
            while not stop.asked:
                ended = next((process for process in processes if process.poll() is not None), None)
                if ended is not None:
                    raise CommandError(f"A process ended with status {ended.returncode}; the lines above say why.")
                time.sleep(0.2)
        finally:
            _end(processes)
        return {"stopped": True}

    def _start(self, command: str, *args: str) -> subprocess.Popen[bytes]:
        # Sessions of their own: Ctrl-C reaches only us, and we stop them in order. Guarded: they die with us.
        whole = guarded([sys.executable, settings.MANAGE, command, *args], nice=0)
        return subprocess.Popen(whole, start_new_session=True)

    def _greet(self, installation: setup.Installation) -> None:
        link = setup.sign_in_link(installation.owner)
        if self.quiet:
            return
        self.stdout.write(f"\nStoryloom is up at {settings.BASE_URL}")
        self.stdout.write(f"Sign in with this link (it works once, within a day):\n\n    {link}\n")
        self.stdout.write("Everything runs on this machine: no keys, no downloads. Ctrl-C stops it.")
        self.stdout.flush()


class _Stop:
    """Remembers that somebody asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_args: Any) -> None:
        self.asked = True


def _require_free(bind: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken. Start with another one: STORYLOOM_PORT={port + 1} make run"
            ) from error


def _wait_until_it_answers(bind: str, port: int, processes: list[subprocess.Popen[bytes]], stop: _Stop) -> None:
    host = "127.0.0.1" if bind == "0.0.0.0" else bind  # noqa: S104 compared, not bound
    end = time.monotonic() + 60
    while time.monotonic() < end and not stop.asked:
        if any(process.poll() is not None for process in processes):
            return
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    end = time.monotonic() + PATIENCE
    for process in processes:
        try:
            process.wait(timeout=max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
