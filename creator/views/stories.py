"""Home: the brief box, and the stories of the workspace."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import may, story_for, workspace_for
from creator.forms import BriefForm
from creator.models import Job, Story, Workspace
from creator.services import charges, choices, stories
from creator.views.examples import EXAMPLES
from creator.views.people import person_of
from media_processing.engine import EngineError

State = Story.State
FILTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("All", ()),
    "draft": ("Draft", (State.MAKING, State.FAILED, State.DRAFT, State.REJECTED)),
    "review": ("In review", (State.IN_REVIEW,)),
    "approved": ("Approved", (State.APPROVED,)),
    "live": ("Live", (State.PUBLISHED,)),
}
PAGE = 24
OPEN_MAKE = Q(state__in=Job.OPEN, kind=stories.MAKE)
"""The job whose progress a tile shows; looking for one more picture is none."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The list with the brief box; a POST makes a story."""
    workspace = workspace_for(request.user, to="edit" if request.method == "POST" else "see")
    example = EXAMPLES.get(request.GET.get("example", ""))
    begun = {"article": example.text} if example else None
    form = BriefForm(request.POST or None, request.FILES or None, initial=begun)
    refusal: EngineError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            story = stories.create(workspace, by=person_of(request), **form.wish())
        except EngineError as error:
            refusal = error
        else:
            return redirect("story", story.pk)
    writer = choices.engine("writer", workspace)
    context = {
        "form": form,
        "refusal": refusal,
        "examples": EXAMPLES,
        "cost": charges.of_a_brief(workspace),
        "leaves": writer.title if writer.leaves_the_machine else "",
        **listed(request, workspace),
    }
    return render(request, "stories/index.html", context, status=400 if request.method == "POST" else 200)


def listed(request: HttpRequest, workspace: Workspace) -> dict[str, Any]:
    """The chosen page of stories, and how many there are of each sort."""
    everything = Story.objects.in_workspace(workspace.pk)
    by_state = dict(everything.order_by().values_list("state").annotate(Count("pk")))
    chosen = request.GET.get("show", "")
    chosen = chosen if chosen in FILTERS else ""
    tabs = [
        {"key": key, "label": label, "count": sum(by_state.get(state, 0) for state in states or by_state)}
        for key, (label, states) in FILTERS.items()
    ]
    shown = everything.filter(state__in=FILTERS[chosen][1]) if chosen else everything
    open_jobs = Prefetch("jobs", Job.objects.filter(OPEN_MAKE).order_by("-id"), to_attr="open_jobs")
    page = Paginator(shown.for_pages().prefetch_related(open_jobs), PAGE).get_page(request.GET.get("page"))
    return {"tabs": tabs, "show": chosen, "page": page, "can_edit": may(request.user, "edit")}


@login_required
@require_safe
def tile(request: HttpRequest, story_id: str) -> HttpResponse:
    """One tile, for a page that saw something happen to it."""
    story = story_for(request.user, story_id)
    story.open_jobs = list(story.jobs.filter(OPEN_MAKE).order_by("-id"))  # type: ignore[attr-defined]
    return render(request, "stories/_tile.html", {"story": story})
