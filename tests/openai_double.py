"""A wire-level double of an endpoint that speaks OpenAI's protocol: it streams, stalls, breaks off, refuses on order.

It listens on the loopback interface and answers what a test has put into `replies`, in order, and then always `usual`.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """How one request is answered. `content` is the answer's text, JSON that becomes it, or the bytes of a sound."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""
    """Of an error: "insufficient_quota"."""
    finish: str = "stop"
    refusal: bool = False
    usage: bool = True
    pause: float = 0.0
    """Seconds of silence in the middle of the answer."""
    drop: bool = False
    """Hang up in the middle of the answer."""
    raw: bytes = b""
    """Sent as the whole body instead."""


@dataclass
class Double:
    """What the double was asked, and what it will answer."""

    address: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    usual: Callable[[dict[str, Any]], Any] = lambda _request: {}
    files: dict[str, bytes] = field(default_factory=dict)
    """What it serves to a GET: path -> a PNG."""

    def begin(self, usual: Callable[[dict[str, Any]], Any]) -> None:
        """Forget what was before, and answer with `usual`."""
        self.replies.clear()
        self.requests.clear()
        self.files.clear()
        self.usual = usual

    def next(self, request: dict[str, Any]) -> Reply:
        self.requests.append(request)
        return self.replies.pop(0) if self.replies else Reply(self.usual(request))


def form_of(request: dict[str, Any]) -> str:
    """The name of the schema that a request asks for: "Script", "Plan"."""
    return str(request["response_format"]["json_schema"]["name"])


def ids_in(request: dict[str, Any]) -> list[str]:
    """The ids of the scenes in a request."""
    return re.findall(r"^id: (.+)$", request["messages"][1]["content"], re.MULTILINE)


def form_fields(content_type: str, sent: bytes) -> dict[str, Any]:
    """What a form holds: texts as text, files as bytes."""
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + sent)
    fields: dict[str, Any] = {}
    for part in message.walk():
        name = part.get_param("name", header="Content-Disposition")
        if name:
            content = part.get_payload(decode=True)
            fields[str(name)] = content if part.get_filename() else bytes(content).decode()
    return fields


@contextmanager
def openai_double() -> Iterator[Double]:
    """The double, for as long as the block runs."""
    double = Double()

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = double.files.get(self.path)
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.headers["Content-Type"]
            body = form_fields(kind, sent) if kind.startswith("multipart/") else json.loads(sent)
            request = {
                "path": self.path, "key": self.headers["Authorization"],
                "idempotency_key": self.headers.get("Idempotency-Key", ""), **body,
            }  # fmt: skip
            reply = double.next(request)
            if reply.status != 200:
                self.fail(reply)
            elif isinstance(reply.content, bytes):
                self.play(reply, reply.content)
            elif self.path.startswith(("/v1/images/", "/v1/moderations")):
                self.play(reply, reply.raw or json.dumps(reply.content).encode(), "application/json")
            else:
                self.stream(reply, body["model"])

        def fail(self, reply: Reply) -> None:
            error = {"message": "no", "type": "error", "code": reply.code or None, "param": None}
            data = reply.raw or json.dumps({"error": error}).encode()
            self.send_response(reply.status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
            for name, value in {**headers, **(reply.headers or {"retry-after-ms": "1"})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def play(self, reply: Reply, content: bytes, content_type: str = "audio/wav") -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("x-request-id", f"req-{len(double.requests)}")
            self.end_headers()
            try:
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                time.sleep(reply.pause)
                if not reply.drop:
                    self.wfile.write(content[len(content) // 2 :])
            except (BrokenPipeError, ConnectionResetError):
                return

        def stream(self, reply: Reply, model: str) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.send_header("x-request-id", f"req-{len(double.requests)}")
            self.end_headers()
            try:
                if reply.raw:
                    self.wfile.write(reply.raw)
                else:
                    self.events(reply, model)
            except (BrokenPipeError, ConnectionResetError):
                return

        def events(self, reply: Reply, model: str) -> None:
            text = reply.content if isinstance(reply.content, str) else json.dumps(reply.content)
            pieces = [text[at : at + 24] for at in range(0, len(text), 24)]
            for number, piece in enumerate(pieces):
                if number == len(pieces) // 2:
                    self.wfile.flush()
                    time.sleep(reply.pause)
                    if reply.drop:
                        return
                self.event(model, [{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
            last = {"refusal": "I can't."} if reply.refusal else {}
            self.event(model, [{"index": 0, "delta": last, "finish_reason": reply.finish}])
            if reply.usage:
                self.event(model, [], {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120})
            self.wfile.write(b"data: [DONE]\n\n")

        def event(self, model: str, choices: list[Any], usage: Any = None) -> None:
            chunk = {
                "id": f"chatcmpl-{len(double.requests)}", "object": "chat.completion.chunk", "created": 1,
                "model": model, "choices": choices, "usage": usage,
            }  # fmt: skip
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    double.address = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
