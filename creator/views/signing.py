"""Signing in with a one-time link, and out. Passwords and second factors are allauth's: see views/accounts.py."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from sesame.views import LoginView


@method_decorator(never_cache, name="dispatch")
class Link(LoginView):  # type: ignore[misc]  # sesame has no types
    """A one-time link: gone after its first use or a day."""

    def login_failed(self) -> HttpResponse:
        context: dict[str, Any] = {"form": LoginForm(request=self.request), "link_failed": True}
        return render(self.request, "account/login.html", context, status=403)


link = Link.as_view()


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("account_login")
