"""Every error is a problem document (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from media_processing.engine import EngineError


class Problem(Schema):
    """application/problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    next_step: str = ""
    errors: list[dict[str, Any]] = Field(default_factory=list)


def problem(status: int, detail: str = "", **more: Any) -> HttpResponse:
    """A response that says what went wrong and what to do next."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    response = HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def handle_errors(api: NinjaAPI) -> None:
    """Turn everything that a route may raise into a problem document."""

    def not_found(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(404, "There is nothing here, or it isn't yours.")

    def http_error(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(error.status_code, str(error))

    def unauthenticated(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(401, "Send a valid key: Authorization: Bearer sl_...")

    def invalid(request: HttpRequest, error: Any) -> HttpResponse:
        errors = [{"where": list(each["loc"]), "message": each["msg"]} for each in error.errors]
        return problem(422, "The request isn't as the documentation asks.", errors=errors)

    def refused(request: HttpRequest, error: Any) -> HttpResponse:
        return problem(400, error.message, next_step=error.next_step)

    api.add_exception_handler(Http404, not_found)
    api.add_exception_handler(HttpError, http_error)
    api.add_exception_handler(AuthenticationError, unauthenticated)
    api.add_exception_handler(ValidationError, invalid)
    api.add_exception_handler(EngineError, refused)


def anything_else(request: HttpRequest, path: str = "") -> HttpResponse:
    """What answers under /api/ where no route does."""
    return problem(404, "There is no such address. The routes are listed at /api/v1/docs.")
