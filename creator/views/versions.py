"""A story's versions: the list, two of them side by side, and going back to one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from creator.access import may, story_for
from creator.models import Story, StoryVersion
from creator.services import history, snapshots
from creator.views.people import person_of
from media_processing.engine import EngineError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """The versions and what differs between two, or between one and now; a POST names what is there or restores."""
    found = story_for(request.user, story_id, to="edit" if request.method == "POST" else "see")
    refusal = None
    if request.method == "POST":
        try:
            said = _do(found, request)
        except EngineError as error:
            refusal = error
        else:
            messages.success(request, said)
            return redirect("story-versions", found.pk)
    status = 422 if refusal else 200
    return render(request, "studio/versions.html", {**_context(request, found), "refusal": refusal}, status=status)


def _do(story: Story, request: HttpRequest) -> str:
    person = person_of(request)
    if "restore" not in request.POST:
        return f"Kept as “{history.name_version(story, request.POST.get('name', ''), by=person).name}”."
    kept = _version(story, request.POST["restore"])
    if kept is None:
        raise Http404("No such version.")
    gone = history.restore(story, kept, by=person)
    pictures = f" {gone} of its pictures left the library since; the next render chooses others." if gone else ""
    return f"Version {kept.number} is the story again, as a new version.{pictures} Undo takes it back."


def _version(story: Story, number: str) -> StoryVersion | None:
    return story.versions.filter(number=int(number)).first() if number.isdecimal() and len(number) < 10 else None


def _context(request: HttpRequest, story: Story) -> dict[str, Any]:
    kept = list(story.versions.select_related("person").defer("document")[: history.SHOWN_VERSIONS])
    old = _version(story, request.GET.get("old", "")) or (_version(story, str(kept[0].number)) if kept else None)
    new = _version(story, request.GET.get("new", ""))
    here = snapshots.from_json(new.document) if new else snapshots.take(story)
    compared = history.compare(snapshots.from_json(old.document), here) if old else []
    pictures = history.assets_in(story, [pk for each in compared for pk in each.pictures or ()])
    return {
        "story": story,
        "versions": kept,
        "old": old,
        "new": new,
        "compared": compared,
        "pictures": pictures,
        "can_edit": may(request.user, "edit"),
    }
