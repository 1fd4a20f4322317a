"""The tools of the library: choose one, set it, and compare the copy with what it was made of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from creator.access import asset_for, job_for, may
from creator.models import Job
from creator.services import tools as copies
from creator.views.people import person_of
from media_processing import tools
from media_processing.decoding import Probe, inspect
from media_processing.engine import EngineError
from media_processing.models import Asset

PICTURES = 60
"""Pictures of the library that stand in a list to choose from."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """GET: a tool's form beside the file; with `job` how far the copy is, and then both side by side. POST: make it."""
    posted = request.method == "POST"
    asset = asset_for(request.user, asset_id, to="edit" if posted else "see")
    offered = tools.for_kind(asset.kind)
    wanted = (request.POST if posted else request.GET).get("tool", "")
    tool = next((each for each in offered if each.name == wanted), offered[0])
    said = (request.POST if posted else request.GET).dict()
    problem: EngineError | None = None
    if posted:
        try:
            asked = copies.ask_to_use(asset, by=person_of(request), tool=wanted, said=said)
        except EngineError as error:
            problem = error
        else:
            return redirect(f"{reverse('asset-tools', args=[asset.pk])}?tool={tool.name}&job={asked.pk}")
    engine = copies.engine_of(tool.name, asset)
    job = _job(request, asset)
    if job is not None and not posted:
        said = job.subject["parameters"] | said
    context = {
        "asset": asset, "tools": offered, "tool": tool, "problem": problem, "can_edit": may(request.user, "edit"),
        "fields": _fields(asset, tool, said), "job": job, "made": copies.made_by_job(job) if job else None,
        "by": engine.title if engine else tool.else_by,
    }  # fmt: skip
    return render(request, "library/tools.html", context, status=422 if problem else 200)


def _job(request: HttpRequest, asset: Asset) -> Job | None:
    number = request.GET.get("job", "")
    if not number.isascii() or not number.isdecimal() or len(number) > 15:
        return None
    try:
        job = job_for(request.user, int(number))
    except Http404:
        return None
    return job if job.kind == copies.USE and job.subject.get("asset") == str(asset.pk) else None


def _fields(asset: Asset, tool: tools.Tool, said: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters as a form shows them: with what was typed before, else with the defaults."""
    try:
        probe = inspect(asset.file, name=asset.title)
    except EngineError:
        probe = Probe(asset.kind, asset.content_type, "", asset.width, asset.height, seconds=asset.seconds)
    values = tools.defaults(tool, probe)
    fields = []
    for each in tool.parameters:
        low, high = tools.bounds(each, probe) if each.kind == "number" else (0, 0)
        value = said.get(each.name, values[each.name])
        fields.append(
            {"parameter": each, "value": value if isinstance(value, str) else _written(each.kind, value),
             "low": f"{low:g}", "high": _written("number", high), "step": f"{each.step:g}"}
        )  # fmt: skip
        if each.kind == "picture":
            pictures = Asset.objects.in_workspace(asset.workspace_id).active().filter(kind=Asset.Kind.IMAGE)
            fields[-1]["pictures"] = pictures.exclude(pk=asset.pk)[:PICTURES]
    return fields


def _written(kind: str, value: Any) -> str:
    if kind == "number":
        return f"{float(value):.3f}".rstrip("0").rstrip(".")
    return tools.json_of(value) if kind == "strokes" else str(value)
