"""Every error is a problem document (RFC 9457)."""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from creator.services.published import Gone
from media_processing.engine import EngineError

MEDIA_TYPE = "application/problem+json"


class FieldProblem(Schema):
    """What is wrong with one field."""

    where: list[str | int] = Field(description='["body", "payload", "title"]')
    message: str


class Problem(Schema):
    """application/problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    next_step: str = Field("", description="What to do about it.")
    errors: list[FieldProblem] = Field(default_factory=list)


def problem(status: int, detail: str = "", *, headers: dict[str, str] | None = None, **more: Any) -> HttpResponse:
    """A response that says what went wrong and what to do next."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    response = HttpResponse(json.dumps(body), status=status, content_type=MEDIA_TYPE, headers=headers)
    response["Cache-Control"] = "no-store"
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


class Refused(Exception):
    """What a route found out by the way: `response` is the answer."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


class TooMany(Exception):
    """More requests than a key may send. `wait` is in seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = max(1, math.ceil(wait))


def handle_errors(api: NinjaAPI) -> None:
    """Turn everything that a route may raise into a problem document."""

    def not_found(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(404, "There is nothing here, or it isn't yours.")

    def http_error(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(error.status_code, str(error))

    def unauthenticated(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(401, "Send a valid key: Authorization: Bearer sl_...")

    def invalid(request: HttpRequest, error: Any) -> HttpResponse:
        errors = [{"where": list(each["loc"]), "message": each["msg"]} for each in error.errors[:50]]
        return problem(422, "The request isn't as the documentation asks.", errors=errors)

    def refused(request: HttpRequest, error: Any) -> HttpResponse:
        """What was asked for makes sense by its form: what a GET means is wrong, what others do can't be done now."""
        return problem(400 if request.method == "GET" else 409, error.message, next_step=error.next_step)

    def too_many(request: HttpRequest, error: Any) -> HttpResponse:
        detail = f"This key has sent too many requests. Go on in {error.wait} s."
        return problem(429, detail, headers={"Retry-After": str(error.wait)})

    def too_big(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(413, "The body is larger than 5 MB.")

    def gone(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(410, f"This story was withdrawn: {error.reason}".removesuffix(": "))

    def answered(request: HttpRequest, error: Any) -> HttpResponse:
        response: HttpResponse = error.response
        return response

    handlers = {
        Refused: answered, Http404: not_found, Gone: gone, HttpError: http_error, AuthenticationError: unauthenticated,
        ValidationError: invalid, EngineError: refused, TooMany: too_many, RequestDataTooBig: too_big,
        TooManyFieldsSent: too_big,
    }  # fmt: skip
    for error, handler in handlers.items():
        api.add_exception_handler(error, handler)


def anything_else(request: HttpRequest, path: str = "") -> HttpResponse:
    """What answers under /api/ where no route does."""
    return problem(404, "There is no such address. The routes are listed at /api/v1/docs.")
