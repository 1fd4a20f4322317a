"""Pages for what went wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader

from media_processing.engine import EngineError


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


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
    return JsonResponse({"message": error.message, "next_step": error.next_step, **more}, status=status)
