"""Settings: which engine does what, and the channels with the keys of the apps that read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creator.access import may, workspace_for
from creator.forms import ChannelForm, KeyForm
from creator.models import ApiKey, Channel, Job, Worker, Workspace
from creator.services import choices, keys, noticing, reindexing
from media_processing.engine import Engine, EngineError, InvalidEngineError, engines



@dataclass(frozen=True)
class Row:
    """One engine of a role."""

    name: str
    engine: Engine | None
    chosen: bool
    problems: list[EngineError]
    new: bool = False
    """Its key or its weights came lately."""


@login_required
@require_safe
def engines_page(request: HttpRequest) -> HttpResponse:
    """Every role with its engines: what works, what doesn't and why, and how to switch."""
    workspace = workspace_for(request.user)
    noticing.refresh(at_once=True)
    roles = [
        {
            "role": role,
            "rows": rows(role, workspace),
            "locked": choices.locked(role),
            "all_run": role in noticing.ALL_RUN,
            "variable": role.upper(),
        }
        for role in engines.roles()
    ]
    alive = timezone.now() - timedelta(seconds=60)
    context = {
        "roles": roles,
        "workers": Worker.objects.filter(seen__gte=alive),
        "pending": Job.objects.filter(state__in=Job.OPEN).count(),
        "can_manage": may(request.user, "manage"),
        "reindexing": reindexing.line(workspace),
        "tab": "engines",
    }
    return render(request, "settings/engines.html", context)


def rows(role: str, workspace: Workspace) -> list[Row]:
    """The engines of a role; one that can't even be made is a row with its reason."""
    chosen = choices.chosen(role, workspace)
    made = []
    for name in engines.names(role):
        try:
            engine = engines[role, name]
            new = name != chosen and not engine.starter and noticing.is_new(role, name)
            made.append(Row(name, engine, name == chosen, engine.problems(), new))
        except (InvalidEngineError, EngineError) as error:
            problem = EngineError(str(error), next_step="Look at ENGINES in the settings.")
            made.append(Row(name, None, name == chosen, [problem]))
    return made


@login_required
@require_POST
def choose_engine(request: HttpRequest) -> HttpResponse:
    """Let a workspace use another engine for a role, where the environment leaves the choice open."""
    workspace = workspace_for(request.user, to="manage")
    role, name = request.POST.get("role", ""), request.POST.get("name", "")
    if role not in engines.roles() or name not in engines.names(role) or choices.locked(role):
        raise Http404("No such engine.")
    workspace.choices = {**workspace.choices, role: name}
    workspace.save(update_fields=["choices"])
    messages.success(request, f"{engines[role, name].title or name} is used for new work.")
    return redirect("engines")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def channels(request: HttpRequest) -> HttpResponse:
    """Channels and keys; a POST adds one of either. A new key is on this one answer and nowhere else."""
    workspace = workspace_for(request.user, to="manage" if request.method == "POST" else "see")
    adding = request.POST.get("add", "")
    channel_form = ChannelForm(request.POST if adding == "channel" else None)
    key_form = KeyForm(request.POST if adding == "key" else None, workspace_id=workspace.pk)
    made: dict[str, Any] = {}
    if adding == "channel" and channel_form.is_valid() and _is_new(channel_form, workspace):
        channel = channel_form.save(commit=False)
        channel.workspace = workspace
        channel.save()
        messages.success(request, f"Channel {channel.name} is there.")
        return redirect("channels")
    if adding == "key" and key_form.is_valid():
        asked = key_form.cleaned_data
        scopes = ("stories:read", "search:read") if asked["search"] else ("stories:read",)
        key, secret = keys.make(asked["channel"], name=asked["name"], scopes=scopes)
        made = {"new_key": key, "secret": secret, "stories_url": request.build_absolute_uri("/api/v1/stories")}
        key_form = KeyForm(workspace_id=workspace.pk)
    context = {
        "channels": Channel.objects.filter(workspace=workspace).prefetch_related("keys", "publications"),
        "channel_form": channel_form,
        "key_form": key_form,
        "can_manage": may(request.user, "manage"),
        "tab": "channels",
        **made,
    }
    return render(request, "settings/channels.html", context, status=400 if adding and not made else 200)


def _is_new(form: ChannelForm, workspace: Workspace) -> bool:
    if Channel.objects.filter(workspace=workspace, slug=form.cleaned_data["slug"]).exists():
        form.add_error("slug", "There is a channel of that name already.")
        return False
    return True


@login_required
@require_POST
def revoke_key(request: HttpRequest, key_id: int) -> HttpResponse:
    workspace = workspace_for(request.user, to="manage")
    key = get_object_or_404(ApiKey, pk=key_id, channel__workspace=workspace)
    keys.revoke(key)
    messages.success(request, f"The key {key.prefix}… no longer opens anything.")
    return redirect("channels")
