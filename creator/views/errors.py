"""Pages for what went wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template import loader
from django.urls import Resolver404, resolve
from django.utils.decorators import sync_and_async_middleware

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


@sync_and_async_middleware
def form_only(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """A person who opens an address that only takes forms (back from signing in, say) reads so, with the way back."""
    if iscoroutinefunction(get_response):

        async def ask(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            return await sync_to_async(_form_only)(request, response) if response.status_code == 405 else response

        return ask

    def answer(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        return _form_only(request, response) if response.status_code == 405 else response

    return answer


def _form_only(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    asks = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    if not asks or request.path.startswith("/api/"):
        return response
    headers = {"Allow": response["Allow"]}
    page = loader.render_to_string("405.html", {"above": _above(request.path)}, request)
    return HttpResponse(page, status=405, headers=headers)


def _above(path: str) -> str:
    """The nearest address above: of /library/import/ it is /library/."""
    while path := path.rstrip("/").rpartition("/")[0]:
        try:
            resolve(f"{path}/")
        except Resolver404:
            continue
        return f"{path}/"
    return "/"


def broken(request: HttpRequest) -> HttpResponse:
    """Without context processors: the database may be what broke."""
    return HttpResponse(loader.get_template("500.html").template.render(_bare(request)), status=500)  # type: ignore[attr-defined]


def _bare(request: HttpRequest) -> Any:
    from django.template import Context

    return Context({"request": request})


def as_json(error: EngineError, *, status: int = 422, **more: Any) -> JsonResponse:
    """What an editor's act ended in, for a script to show."""
    return JsonResponse({"message": told(error.message), "next_step": told(error.next_step), **more}, status=status)
