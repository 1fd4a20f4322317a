"""An engine beside the one in use, on the same example: for who chooses engines."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import job_for, workspace_for
from creator.models import Job
from creator.ranges import ranged
from creator.services import choices, comparing
from creator.views.people import person_of
from media_processing.engine import EngineError, engines


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What came of the last comparison; a POST has a worker make one."""
    workspace = workspace_for(request.user, to="manage")
    said = request.POST if request.method == "POST" else request.GET
    role, name = said.get("role", ""), said.get("name", "")
    refusal: EngineError | None = None
    if request.method == "POST":
        try:
            comparing.ask(workspace, role, name, by=person_of(request))
        except EngineError as error:
            refusal = error
        else:
            return redirect(f"{reverse('engine-compare')}?{urlencode({'role': role, 'name': name})}")
    known = role in engines.roles() and name in engines.names(role)
    last = Job.objects.filter(workspace=workspace, kind=comparing.KIND, subject__role=role, subject__name=name).first()
    context = {
        "tab": "engines", "role": role, "name": name, "last": last, "refusal": refusal, "locked": choices.locked(role),
        "engine": engines[role, name] if known else None,
        "used": choices.engine(role, workspace) if known else None,
    }  # fmt: skip
    return render(request, "settings/compare.html", context, status=422 if refusal else 200)


@login_required
@require_safe
def file(request: HttpRequest, job_id: int, name: str) -> HttpResponseBase:
    """A picture, a sound or a video of a comparison."""
    job = job_for(request.user, job_id, to="manage")
    tried = next((each for each in job.subject.get("tried", ()) if each.get("file") == name), None)
    path = comparing.folder(job.pk) / name
    if job.kind != comparing.KIND or tried is None or not path.is_file():
        raise Http404("No such file.")
    return ranged(request, path, tried["type"], f"{job.pk}-{name}")
