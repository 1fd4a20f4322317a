"""Ask the running web server how it is."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

from django.conf import settings
from django.core.management.base import CommandError

from creator.management.commands._base import StoryloomCommand


class Command(StoryloomCommand):
    help = "Ask the web server on this machine how it is (for container health checks)."

    def work(self, **options: Any) -> dict[str, Any]:
        try:
            with urlopen(f"http://127.0.0.1:{settings.WEB_PORT}/healthz", timeout=5) as response:
                pulse: dict[str, Any] = json.load(response)
        except OSError as error:
            raise CommandError(f"The web server does not answer: {error}") from error
        return pulse

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(", ".join(f"{name}: {value}" for name, value in result.items()))
