"""Pages for what went wrong."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader

from creator.services.refusals import told
from media_processing.engine import EngineError

REFUSED = {
    RequestDataTooBig: EngineError(
        "That is more than 5 MB of text.", next_step="Go back: what you typed is still there. Save it in parts."
    ),
    TooManyFilesSent: EngineError(
        "Those are more than 500 files at once.",
        next_step="Go back and choose fewer; with JavaScript the library takes any number.",
    ),
    TooManyFieldsSent: EngineError("That form has too many fields.", next_step="Go back and choose fewer."),
}
UNREADABLE = EngineError("The server couldn't read that.", next_step="Go back, load the page again and try once more.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What came in couldn't even be read: too much of it, or nothing that a browser sends."""
    error = next((error for kind, error in REFUSED.items() if isinstance(exception, kind)), UNREADABLE)
    if request.headers.get("Accept", "").startswith("application/json"):
        return as_json(error, status=400)
    return render(request, "400.html", {"error": error}, status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403.html", {"csrf": True}, status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """Without context processors: the database may be what broke."""
    return HttpResponse(loader.get_template("500.html").template.render(_bare(request)), status=500)  # type: ignore[attr-defined]


def _bare(request: HttpRequest) -> Any:
    from django.template import Context

    return Context({"request": request})


def as_json(error: EngineError, *, status: int = 422, **more: Any) -> JsonResponse:
    """What an editor's act ended in, for a script to show."""
    return JsonResponse({"message": told(error.message), "next_step": told(error.next_step), **more}, status=status)
