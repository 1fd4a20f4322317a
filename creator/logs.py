"""What is logged: lines for people or JSON for machines, of which request or job they tell, and never a secret."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase

request_id: ContextVar[str] = ContextVar("request_id", default="")
job_id: ContextVar[int | None] = ContextVar("job_id", default=None)

HEADER = "X-Request-ID"
HIDDEN = "[hidden]"
SHORTEST = 8
"""Characters: a shorter value of a setting would hide ordinary words."""
_GIVEN = re.compile(r"[\w.-]{8,64}")
_SECRETS = re.compile(
    r"\b(?:sk-|sl_|whsec_)[\w\-/+=]{12,}"  # keys of OpenAI, of ours, of webhooks
    r"|(?<=Bearer )\S{8,}|(?<=Basic )\S{8,}"
    r"|(?<=[?&]sesame=)[\w\-:=]+|(?<=/reset/key/)[\w\-]+"  # links that sign in or set a password
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",  # user:password@
)


class WithoutSecrets:
    """Takes secrets out of text: the values that are given, and whatever looks like one."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = sorted({value for value in values if len(value) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return _SECRETS.sub(HIDDEN, text)


class Line(logging.Formatter):
    """One line for people; what it belongs to in brackets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("{asctime} {levelname} {name}{where} {message}", style="{")
        self._mask = WithoutSecrets(secrets)

    def format(self, record: logging.LogRecord) -> str:
        where = [f"request {request_id.get()[:8]}"] if request_id.get() else []
        where += [f"job {job_id.get()}"] if job_id.get() is not None else []
        record.where = f" [{', '.join(where)}]" if where else ""
        return self._mask(super().format(record))


class Json(logging.Formatter):
    """One JSON object a line, with the names that log collectors know."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._mask = WithoutSecrets(secrets)

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage(),
            "request": request_id.get(), "job": job_id.get(),
            "error": self.formatException(record.exc_info) if record.exc_info else "",
        }  # fmt: skip
        kept = {name: value for name, value in told.items() if value not in ("", None)}
        return self._mask(json.dumps(kept, ensure_ascii=False))


class RequestIds:
    """Gives every request a number, or takes a proxy's; the answer and all its log lines carry it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        identity = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        before = request_id.set(identity)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(before)
        response[HEADER] = identity
        return response
