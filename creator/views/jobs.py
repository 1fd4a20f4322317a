"""What is being done, what waits, and what failed."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from creator import jobs
from creator.access import job_for, workspace_for
from creator.models import Job, Worker
from creator.views.health import WORKER_IS_LOST_AFTER

BROKEN = (Job.State.FAILED, Job.State.PARKED)


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The ledger of the workspace."""
    workspace = workspace_for(request.user)
    ledger = Job.objects.filter(workspace=workspace).select_related("story", "person")
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    counts = dict(ledger.order_by().filter(state__in=(*Job.OPEN, *BROKEN)).values_list("state").annotate(Count("pk")))
    done_today = ledger.filter(state=Job.State.DONE, finished__gte=today).count()
    context = {
        "running": ledger.filter(state=Job.State.RUNNING).order_by("id"),
        "waiting": _grouped(ledger.filter(state=Job.State.WAITING).order_by("-priority", "id")[:200]),
        "broken": ledger.filter(state__in=BROKEN)[:50],
        "ended": ledger.filter(state__in=(Job.State.DONE, Job.State.CANCELLED))[:30],
        "counts": [
            (gettext("Running"), counts.get(Job.State.RUNNING, 0)),
            (gettext("Waiting"), counts.get(Job.State.WAITING, 0)),
            (gettext("Failed"), sum(counts.get(state, 0) for state in BROKEN)),
            (gettext("Done today"), done_today),
        ],
        "worker_is_alive": Worker.objects.filter(seen__gte=timezone.now() - WORKER_IS_LOST_AFTER).exists(),
    }
    return render(request, "jobs/index.html", context)


def _grouped(waiting: Iterable[Job]) -> list[tuple[Job, list[Job]]]:
    """Jobs of a story one by one; of the others the first of each kind, with those that wait behind it."""
    groups: dict[object, list[Job]] = {}
    for job in waiting:
        groups.setdefault((job.kind, job.story_id or (job.pk if job.person_id else 0)), []).append(job)
    return [(first, behind) for first, *behind in groups.values()]


@login_required
@require_safe
def tray(request: HttpRequest) -> HttpResponse:
    """The compact list that follows people from page to page."""
    workspace_for(request.user)
    return render(request, "jobs/_tray.html")


@login_required
@require_POST
def cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    job = job_for(request.user, job_id, to="edit")
    jobs.ask_to_cancel(job)
    return _back(request)


@login_required
@require_POST
def retry(request: HttpRequest, job_id: int) -> HttpResponse:
    job = job_for(request.user, job_id, to="edit")
    if not jobs.retry(job):
        messages.info(request, gettext("That job is running already, or done."))
    return _back(request)


@login_required
@require_POST
def built_in(request: HttpRequest, job_id: int) -> HttpResponse:
    """Go on with the built-in engine where another one stopped it."""
    if not jobs.use_built_in(job_for(request.user, job_id, to="edit")):
        messages.info(request, gettext("That job is running already, or no other engine can do it."))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponseRedirect:
    goal = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(goal, {request.get_host()}, request.is_secure()):
        return redirect(goal)
    return redirect("jobs")
