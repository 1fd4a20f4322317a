"""A downstream app that takes webhooks, on loopback: it behaves well or badly by the path that it is posted to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """Keeps what it got as (path, headers in lower case, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        """What /planned answers next; 204 where nothing is left."""
        self.over = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """As STORYLOOM_WEBHOOK_ADDRESSES names it."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/planned") -> str:
        return f"http://{self.address}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Senders hang up on purpose here."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.got.append((self.path, {}, b"GET"))
        self._answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        getattr(self, f"_{self.path.strip('/').partition('/')[0]}")()

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _planned(self) -> None:
        status, headers = self.server.answers.pop(0) if self.server.answers else (204, {})
        self._answer(status, **headers)

    def _moved(self) -> None:
        self._answer(302, Location=self.server.url("/inside"))

    def _inside(self) -> None:
        self._answer(200)

    def _hang(self) -> None:
        self.server.over.wait(30)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.over.is_set():
            self.wfile.write(bytes(100_000))

    def _headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.over.wait(0.05):
            self.wfile.write(b"X-More: and more\r\n")
            self.wfile.flush()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for as long as the block runs."""
    made = Receiver()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        made.shutdown()
        made.server_close()
