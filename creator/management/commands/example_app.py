"""A downstream app in small: a lock screen of cards, with its own server that holds the key."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

PAGE = Path(settings.ROOT) / "creator" / "samples" / "lockscreen.html"
LIST = "/api/v1/stories?limit=20&aspect=9x16&fields=title,ai_disclosure,renditions"
PASSED = ("ETag", "Content-Type", "Retry-After")


class Command(BaseCommand):
    help = "Show a channel's stories as a lock screen would: an example of an app on the content API."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--key", required=True, help="of the channel, with the scope stories:read")
        parser.add_argument("--api", default=settings.BASE_URL, help="where Storyloom is")
        parser.add_argument("--port", type=int, default=8100)

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["api"].startswith(("http://", "https://")):
            raise CommandError("--api is an address: http://127.0.0.1:8000")
        server = ThreadingHTTPServer(("127.0.0.1", options["port"]), app(options["api"].rstrip("/"), options["key"]))
        self.stdout.write(f"Open http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it).")
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()


def app(api: str, key: str) -> type[BaseHTTPRequestHandler]:
    """The app's request handler: the page, and the list of its cards, fetched with the key."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(200, {"Content-Type": "text/html; charset=utf-8"}, PAGE.read_bytes())
            elif self.path == "/cards":
                self._answer(*fetched(api, key, self.headers.get("If-None-Match", "")))
            else:
                self._answer(404, {"Content-Type": "text/plain"}, b"Not here.")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Nothing on the terminal for each request."""

    return Handler


def fetched(api: str, key: str, seen: str) -> tuple[int, dict[str, str], bytes]:
    """The list of cards as the API answers it: 304 where the phone has it already, a problem where there is one."""
    headers = {"Authorization": f"Bearer {key}", **({"If-None-Match": seen} if seen else {})}
    request = urllib.request.Request(f"{api}{LIST}", headers=headers)  # noqa: S310 the operator's own address
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            status, told, body = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, told, body = error.code, error.headers, error.read()
    except OSError:
        return 502, {"Content-Type": "text/plain"}, b"Storyloom doesn't answer."
    return status, {name: told[name] for name in PASSED if name in told}, body
