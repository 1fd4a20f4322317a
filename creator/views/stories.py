"""Home: the brief box, and the stories of the workspace as tiles, a list or a board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import may, story_for, workspace_for
from creator.forms import BriefForm
from creator.models import Channel, Job, Membership, Story, Workspace
from creator.models.story import StoryQuerySet
from creator.services import charges, choices, stories
from creator.views.examples import EXAMPLES
from creator.views.people import person_of
from media_processing.engine import EngineError

State = Story.State
FILTERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "": (_("All"), ()),
    "draft": (_("Draft"), (State.MAKING, State.FAILED, State.DRAFT, State.REJECTED)),
    "review": (_("In review"), (State.IN_REVIEW,)),
    "approved": (_("Approved"), (State.APPROVED,)),
    "live": (_("Live"), (State.PUBLISHED,)),
}
LOOKS = {"": (_("Tiles"), "layout-grid"), "list": (_("List"), "list"), "board": (_("Board"), "columns-3")}
ASSIGNED = "assigned"
"""Instead of an author: what is given to whoever looks."""
SORTS: dict[str, tuple[Any, tuple[str | Combinable, ...]]] = {
    "": (_("Newest first"), ("-created",)),
    "changed": (_("Changed last first"), ("-changed",)),
    "title": (_("By headline"), (Lower("title"),)),
    "oldest": (_("Oldest first"), ("created",)),
}
PAGE, LINES, COLUMN = 24, 50, 20
"""Tiles of a page, lines of a list, cards of a board's column."""
OPEN_MAKE = Q(state__in=Job.OPEN, kind=stories.MAKE)
"""The job whose progress a tile shows; looking for one more picture is none."""


@gzip_page
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The list with the brief box; a POST makes a story."""
    workspace = workspace_for(request.user, to="edit" if request.method == "POST" else "see")
    example = EXAMPLES.get(request.GET.get("example", ""))
    begun: dict[str, Any] = {"article": example.text} if example else _like(request)
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
        "cost": charges.of_a_brief(workspace, form.fields["seconds"].initial),
        "leaves": writer.title if writer.leaves_the_machine else "",
        **listed(request, workspace),
    }
    return render(request, "stories/index.html", context, status=400 if request.method == "POST" else 200)


def _like(request: HttpRequest) -> dict[str, Any]:
    """What a further story like another one would be asked for, without what it is about."""
    try:
        brief = story_for(request.user, UUID(request.GET.get("like", ""))).brief
    except (ValueError, Http404):
        return {}
    return {name: getattr(brief, name) for name in ("formats", "language", "seconds", "tone", "audience")}


@dataclass(frozen=True)
class Asked:
    """What the address of the page asks: a look (tiles, a list or a board), filters, an order, a page."""

    look: str
    show: str
    sort: str
    by: str
    words: str

    def address(self, **changed: str) -> str:
        """The page with something changed; paging begins anew."""
        pairs = {"as": self.look, "show": self.show, "sort": self.sort, "by": self.by, "q": self.words, **changed}
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{reverse('stories')}?{query}" if query else reverse("stories")


def ask(request: HttpRequest) -> Asked:
    """Read the address; what isn't known isn't asked."""
    said = request.GET
    look, show, sort, by = said.get("as", ""), said.get("show", ""), said.get("sort", ""), said.get("by", "")
    return Asked(
        look if look in LOOKS else "",
        show if show in FILTERS and look != "board" else "",
        sort if sort in SORTS else "",
        by if by == ASSIGNED or (by.isdecimal() and len(by) < 12) else "",
        said.get("q", "").replace("\x00", "")[:200].strip(),
    )


def listed(request: HttpRequest, workspace: Workspace) -> dict[str, Any]:
    """The chosen stories in the chosen look, and how many there are of each sort."""
    asked = ask(request)
    fitting = Story.objects.in_workspace(workspace.pk)
    if asked.by == ASSIGNED:
        fitting = fitting.filter(assignee=person_of(request))
    elif asked.by:
        fitting = fitting.filter(author_id=int(asked.by))
    for word in asked.words.split()[:8]:
        fitting = fitting.filter(title__icontains=word)
    by_state = dict(fitting.order_by().values_list("state").annotate(Count("pk")))
    counts = {key: sum(by_state.get(state, 0) for state in states or by_state) for key, (_, states) in FILTERS.items()}
    people = Membership.objects.filter(workspace=workspace).select_related("user").order_by("user__username")
    context: dict[str, Any] = {
        "asked": asked,
        "tabs": [
            {"key": key, "label": label, "count": counts[key], "url": asked.address(show=key)}
            for key, (label, _states) in FILTERS.items()
        ],
        "looks": [{"name": name, "label": label, "icon": icon, "url": asked.address(**{"as": name})}
                  for name, (label, icon) in LOOKS.items()],
        "sorts": [
            {"name": name, "label": label, "url": asked.address(sort=name)} for name, (label, _order) in SORTS.items()
        ],
        "sorted_by": SORTS[asked.sort][0],
        "people": [member.user for member in people],
        "narrowed": bool(asked.by or asked.words),
        "can_edit": may(request.user, "edit"),
    }  # fmt: skip
    if asked.look == "board":
        return {**context, **_board(fitting, counts, asked, workspace)}
    shown = fitting.filter(state__in=FILTERS[asked.show][1]) if asked.show else fitting
    pages = Paginator(_with_all(shown.order_by(*SORTS[asked.sort][1], "id")), LINES if asked.look else PAGE)
    pages.count = counts[asked.show]  # known by now
    page = pages.get_page(request.GET.get("page"))
    return {
        **context, "page": page,
        "newer": f"{asked.address(page=str(page.number - 1))}" if page.has_previous() else "",
        "older": f"{asked.address(page=str(page.number + 1))}" if page.has_next() else "",
    }  # fmt: skip


def _with_all(found: StoryQuerySet) -> StoryQuerySet:
    open_jobs = Prefetch("jobs", Job.objects.filter(OPEN_MAKE).order_by("-id"), to_attr="open_jobs")
    return found.for_pages().prefetch_related(open_jobs)


def _board(fitting: StoryQuerySet, counts: dict[str, int], asked: Asked, workspace: Workspace) -> dict[str, Any]:
    """A column for each sort with its newest, and what a story of it may be moved to."""
    ordered = fitting.order_by(*SORTS[asked.sort][1], "id").values_list("pk", flat=True)
    of = {key: list(ordered.filter(state__in=states)[:COLUMN]) for key, (_label, states) in FILTERS.items() if key}
    there = {story.pk: story for story in _with_all(fitting.filter(pk__in=[pk for pks in of.values() for pk in pks]))}
    columns = [
        {"key": key, "label": FILTERS[key][0], "count": counts[key],
         "stories": [there[pk] for pk in pks if pk in there],
         "url": asked.address(**{"as": "list", "show": key})}
        for key, pks in of.items()
    ]  # fmt: skip
    return {"columns": columns, "channels": list(Channel.objects.filter(workspace=workspace).order_by("id")[:1])}


@login_required
@require_safe
def tile(request: HttpRequest, story_id: str) -> HttpResponse:
    """One tile, for a page that saw something happen to it."""
    found = story_for(request.user, story_id)
    look = request.GET.get("as", "")
    story = _with_all(Story.objects.filter(pk=found.pk)).get()
    template = {"list": "stories/_line.html", "board": "stories/_card.html"}.get(look, "stories/_tile.html")
    channels = Channel.objects.filter(workspace=found.workspace_id).order_by("id")[:1] if look == "board" else ()
    return render(request, template, {"story": story, "channels": channels, "can_edit": may(request.user, "edit")})
