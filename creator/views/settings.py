"""Settings: which engine does what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from creator.access import may, workspace_for
from creator.models import Job, Worker, Workspace
from creator.services import choices, noticing, reindexing
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
    messages.success(
        request,
        gettext("%(engine)s is used for new work.")
        % {"engine": engines[role, name].title or name},
    )
    return redirect("engines")
