"""The language of pages: the person's own choice, else what the browser asks for. Programs are answered in English."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.decorators import sync_and_async_middleware

Answer = HttpResponseBase | Awaitable[HttpResponseBase]


@sync_and_async_middleware
def chosen_language(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Answer]:
    """After LocaleMiddleware, which decided by the browser, and AuthenticationMiddleware, which knows the person."""
    if iscoroutinefunction(get_response):

        async def ask(request: HttpRequest) -> HttpResponseBase:
            if settings.SESSION_COOKIE_NAME in request.COOKIES:
                _activate(request, await request.auser())
            else:
                _activate(request, None)
            response: HttpResponseBase = await get_response(request)
            return response

        return ask

    def answer(request: HttpRequest) -> HttpResponseBase:
        _activate(request, request.user if settings.SESSION_COOKIE_NAME in request.COOKIES else None)
        response: HttpResponseBase = get_response(request)
        return response

    return answer


def _activate(request: HttpRequest, user: Any) -> None:
    chosen = settings.LANGUAGE_CODE if request.path.startswith("/api/") else getattr(user, "language", "")
    if chosen in dict(settings.LANGUAGES):
        translation.activate(chosen)
        request.LANGUAGE_CODE = chosen
