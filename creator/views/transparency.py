"""What the moderators did: figures of a time, and the log that they can be counted from."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from creator.access import may, workspace_for
from creator.models import AuditEntry, User, Workspace
from creator.services import audit, transparency
from media_processing import spreadsheets
from moderation.services import active_policy, clauses

PERIODS = (("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("A year")))


def _figures(request: HttpRequest) -> tuple[Workspace, str, dict[str, Any]]:
    """The workspace, the days that were asked for, and the figures up to the end of today."""
    workspace = workspace_for(request.user, to="review")
    days = request.GET.get("days", "30")
    if days not in dict(PERIODS):
        days = "30"
    until = datetime.combine(timezone.now().date() + timedelta(days=1), datetime.min.time(), UTC)
    return workspace, days, transparency.figures(workspace, until - timedelta(days=int(days)), until)


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The transparency report."""
    workspace, days, figures = _figures(request)
    sentences = dict(clauses(active_policy(workspace.pk)))
    context = {
        "figures": figures, "days": days, "periods": PERIODS, "clauses": sentences, "lead": may(request.user, "manage"),
        "median": _span(figures["median_seconds"]),
    }  # fmt: skip
    return render(request, "review/figures.html", context)


def _span(seconds: float | None) -> str:
    """200 -> "3 min"; nothing for none."""
    if seconds is None:
        return ""
    for unit, size in (("days", 172_800), ("h", 7_200), ("min", 120)):
        if seconds >= size:
            return f"{seconds / (86_400 if unit == 'days' else size / 2):.0f} {unit}"
    return f"{seconds:.0f} s"


@login_required
@require_safe
def download(request: HttpRequest, form: str) -> HttpResponse:
    """The same as CSV or JSON."""
    workspace, days, figures = _figures(request)
    name = f"moderation-{workspace.slug}-{days}-days.{form}"
    response: HttpResponse
    if form == "json":
        response = JsonResponse(figures)
    else:
        lines = spreadsheets.lines(("figure", "of", "value"), transparency.rows(figures))
        response = HttpResponse("".join(lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@login_required
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """The audit log of the workspace, the latest first."""
    workspace = workspace_for(request.user, to="manage")
    entries = AuditEntry.objects.in_workspace(workspace.pk).order_by("-number")
    action = request.GET.get("action", "")[:60]
    if action:
        entries = entries.filter(action__startswith=action)
    shown = Paginator(entries, 100).get_page(request.GET.get("page"))
    people = User.objects.in_bulk({entry.actor_id for entry in shown if entry.actor_id})
    lines = []
    for entry in shown:
        detail = audit.detail_of(entry)
        said = {key: _plainly(value) for key, value in detail.items()}
        who = gettext("a reader") if entry.actor_id is None and "reporter" in detail else _who(entry.actor_id, people)
        lines.append({"entry": entry, "who": who, "detail": said})
    return render(request, "review/log.html", {"lines": lines, "page": shown, "action": action, "lead": True})


def _who(actor: int | None, people: dict[int, User]) -> str:
    if actor is None:
        return gettext("the program")
    return str(people[actor]) if actor in people else gettext("person %(number)s, who left") % {"number": actor}


def _plainly(value: Any) -> str:
    """What an entry says, without the marks of JSON where none are needed."""
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
