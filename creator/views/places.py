"""The places of the program, by name: what the settings' tabs and the command palette lead to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from creator.access import membership_of, rights_of, runs_installation, workspace_for
from creator.models import Membership, Story, Workspace
from creator.services import finding
from media_processing.engine import EngineError

FOUND = 5
"""Of each kind that the palette shows."""


@dataclass(frozen=True)
class Place:
    """A page that can be gone to."""

    name: str
    """Of its address."""
    label: str | Promise
    right: str = "see"


PLACES = (
    Place("stories", _("Stories")),
    Place("library", _("Library")),
    Place("collections", _("Collections")),
    Place("copies", _("Copies in the library")),
    Place("calendar", _("Calendar")),
    Place("incoming", _("Bring many stories in"), "edit"),
    Place("jobs", _("Jobs")),
    Place("insights", _("Insights")),
    Place("admin:review-queue", _("Review"), "review"),
)
SETTINGS = (
    Place("engines", _("Engines")),
    Place("channels", _("Channels and keys")),
    Place("webhooks", _("Webhooks"), "manage"),
    Place("verify", _("Verify a file")),
    Place("pronunciations", _("Pronunciations")),
    Place("voices", _("Voices")),
    Place("illustrator", _("Illustrator")),
    Place("brands", _("Brands"), "manage"),
    Place("policies", _("Policy"), "review"),
    Place("banks", _("Banned pictures"), "review"),
    Place("costs", _("Costs"), "manage"),
    Place("people", _("People")),
    Place("account", _("Account")),
    Place("notice-choices", _("What you are told")),
    Place("mail-previews", _("E-mails"), "manage"),
    Place("appearance", _("Appearance and keys")),
    Place("status", _("Status"), "run"),
)
"""The tabs of the settings, in order. `tab` of a page's context is the name of its own."""


def open_to(rights: Collection[str], places: tuple[Place, ...] = SETTINGS) -> list[dict[str, str]]:
    """The places that somebody with these rights may see: name, label and address."""
    return [
        {"name": place.name, "label": str(place.label), "url": reverse(place.name)}
        for place in places
        if place.right in rights
    ]


@login_required
@require_safe
def appearance(request: HttpRequest) -> HttpResponse:
    """Theme, contrast, motion and single keys. They are kept in the browser: for this person, on this device."""
    workspace_for(request.user)
    return render(request, "settings/appearance.html", {"tab": "appearance"})


@login_required
@require_safe
def palette(request: HttpRequest) -> JsonResponse:
    """What the command palette shows: without words all places and the newest stories, with `q` what fits it."""
    membership = membership_of(request.user)
    words = request.GET.get("q", "")[:200].strip()
    if words:
        found = [*_stories(membership.workspace, words), *_assets(membership.workspace, words),
                 *_people(membership.workspace, words)]  # fmt: skip
        return JsonResponse({"found": found})
    rights = rights_of(membership.role) | ({"run"} if runs_installation(request.user) else set())
    in_settings = gettext("Settings")
    places: list[dict[str, Any]] = open_to(rights, PLACES)
    places += [{**place, "hint": in_settings} for place in open_to(rights)]
    return JsonResponse({"places": places, "found": _stories(membership.workspace, "")})


def _stories(workspace: Workspace, words: str) -> list[dict[str, str]]:
    found = Story.objects.in_workspace(workspace.pk)
    for word in words.split()[:8]:
        found = found.filter(title__icontains=word)
    return [
        {"group": gettext("Stories"), "label": story.title or gettext("Untitled story"),
         "hint": story.get_state_display(), "url": reverse("story", args=[story.pk])}
        for story in found.only("title", "state")[:FOUND]
    ]  # fmt: skip


def _assets(workspace: Workspace, words: str) -> list[dict[str, str]]:
    try:
        found = finding.find(workspace, words, limit=FOUND).shown
    except EngineError:  # a question that makes no sense is the library's to explain
        found = ()
    rows = [
        {"group": gettext("Library"), "label": each.asset.title or gettext("Untitled"),
         "hint": each.asset.get_kind_display(), "url": reverse("asset", args=[each.asset.pk]),
         "picture": "" if each.asset.kind == "audio" else reverse("thumbnail", args=[each.asset.pk])}
        for each in found
    ]  # fmt: skip
    everything = {"group": gettext("Library"), "label": gettext("Search the library for “%s”") % words,
                  "url": f"{reverse('library')}?{urlencode({'q': words})}"}  # fmt: skip
    return [*rows, everything]


def _people(workspace: Workspace, words: str) -> list[dict[str, str]]:
    members = Membership.objects.filter(workspace=workspace).select_related("user")
    wanted = words.casefold().split()
    return [
        {"group": gettext("People"), "label": gettext("Stories of %s") % member.user,
         "hint": member.get_role_display(), "url": f"{reverse('stories')}?by={member.user_id}"}
        for member in members
        if all(word in f"{member.user} {member.user.username}".casefold() for word in wanted)
    ][:FOUND]  # fmt: skip
