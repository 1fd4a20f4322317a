"""Settings > Channels: the webhooks of each channel, how they went, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from creator.access import workspace_for
from creator.models import Channel, Delivery, Endpoint, Workspace
from creator.services import webhooks
from creator.views.people import person_of
from media_processing.engine import EngineError

SHOWN = 30
"""Deliveries of an endpoint on the page, the newest first."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Every endpoint with its log; a POST adds one. A new secret is on this one answer and nowhere else."""
    workspace = workspace_for(request.user, to="manage")
    said: dict[str, Any] = {"url": request.POST.get("url", ""), "types": request.POST.getlist("types")}
    made: dict[str, Any] = {}
    problem: EngineError | None = None
    if request.method == "POST":
        number = request.POST.get("channel", "")
        said["channel"] = int(number) if number.isdecimal() and len(number) < 19 else 0
        channel = Channel.objects.filter(workspace=workspace, pk=said["channel"]).first()
        try:
            if channel is None:
                raise EngineError("There is no such channel.", next_step="Choose one of the list.")
            endpoint, secret = webhooks.add_endpoint(channel, said["url"], said["types"], by=person_of(request))
        except EngineError as error:
            problem = error
        else:
            made, said = {"endpoint": endpoint, "secret": secret}, {}
    return _page(request, workspace, made, {"said": said, "problem": problem}, status=400 if problem else 200)


def _page(
    request: HttpRequest, workspace: Workspace, made: dict[str, Any], more: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    endpoints = [
        (endpoint, list(endpoint.deliveries.select_related("message")[:SHOWN]))
        for endpoint in Endpoint.objects.filter(workspace=workspace).select_related("channel")
    ]
    context = {
        "endpoints": endpoints, "made": made, "types": webhooks.TYPES.items(), "most_tries": len(webhooks.WAITS),
        "channels": Channel.objects.filter(workspace=workspace), "tab": "webhooks", **more,
    }  # fmt: skip
    return render(request, "settings/webhooks.html", context, status=status)


@login_required
@require_POST
@never_cache
def act(request: HttpRequest, endpoint_id: int) -> HttpResponse:
    """Do one thing with an endpoint, then back to the page with a sentence about it."""
    workspace = workspace_for(request.user, to="manage")
    endpoint = get_object_or_404(Endpoint.objects.select_related("channel"), workspace=workspace, pk=endpoint_id)
    do = request.POST.get("do", "")
    try:
        if do == "rotate":
            made = {"endpoint": endpoint, "secret": webhooks.rotate(endpoint, by=person_of(request)), "rotated": True}
            return _page(request, workspace, made, {"said": {}})
        if do not in ACTS:
            raise Http404("No such act.")
        messages.success(request, ACTS[do](endpoint, request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
    return redirect("webhooks")


def _ping(endpoint: Endpoint, _request: HttpRequest) -> str:
    webhooks.ping(endpoint)
    return "A test message is on its way: its answer stands in the log in a moment."


def _disable(endpoint: Endpoint, request: HttpRequest) -> str:
    webhooks.disable(endpoint, "Switched off by hand.", by=person_of(request))
    return "This endpoint is told nothing more."


def _enable(endpoint: Endpoint, request: HttpRequest) -> str:
    webhooks.enable(endpoint, by=person_of(request))
    return "This endpoint is told again. What it missed can be sent again below."


def _remove(endpoint: Endpoint, request: HttpRequest) -> str:
    webhooks.remove(endpoint, by=person_of(request))
    return "The endpoint and its log are gone."


def _replay(endpoint: Endpoint, request: HttpRequest) -> str:
    number = request.POST.get("delivery", "")
    wanted = int(number) if number.isdecimal() and len(number) < 19 else 0
    webhooks.replay(
        get_object_or_404(Delivery.objects.select_related("endpoint__channel"), endpoint=endpoint, pk=wanted)
    )
    return "It is sent again, under the same id."


def _replay_failed(endpoint: Endpoint, _request: HttpRequest) -> str:
    count = webhooks.replay_failed(endpoint)
    return f"{count} {'message is' if count == 1 else 'messages are'} sent again, under the same ids."


ACTS: dict[str, Callable[[Endpoint, HttpRequest], str]] = {
    "ping": _ping,
    "disable": _disable,
    "enable": _enable,
    "remove": _remove,
    "replay": _replay,
    "replay-failed": _replay_failed,
}
