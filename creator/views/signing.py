"""Signing in with a password or a one-time link, and out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login as sign_in_person
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from sesame.views import LoginView


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """The password form, and what a one-time link is."""
    goal = request.POST.get("next") or request.GET.get("next") or ""
    if not url_has_allowed_host_and_scheme(goal, {request.get_host()}, request.is_secure()):
        goal = "/"
    if request.user.is_authenticated:
        return redirect(goal)
    form = AuthenticationForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        sign_in_person(request, form.get_user())
        return redirect(goal)
    status = 400 if request.method == "POST" else 200
    return render(request, "signing/sign_in.html", {"form": form, "next": goal}, status=status)


@method_decorator(never_cache, name="dispatch")
class Link(LoginView):  # type: ignore[misc]  # sesame has no types
    """A one-time link: gone after its first use or a day."""

    def login_failed(self) -> HttpResponse:
        context: dict[str, Any] = {"form": AuthenticationForm(self.request), "next": "/", "link_failed": True}
        return render(self.request, "signing/sign_in.html", context, status=403)


link = Link.as_view()


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")
