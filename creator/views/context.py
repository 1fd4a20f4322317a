"""What every page gets: who is signed in, what they may do, what is being done."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.utils import timezone, translation

from creator.access import membership_of, rights_of, runs_installation
from creator.models import Event, Job
from creator.services import health, notices
from creator.views import places
from moderation.models import Review


def frame(request: HttpRequest) -> dict[str, Any]:
    """The rail, the tray and where the stream of events goes on. Numbers are read only where a template shows them."""
    user = getattr(request, "user", None)
    bare: dict[str, Any] = {
        "rights": frozenset(), "csp_nonce": getattr(request, "csp_nonce", ""),
        "language": translation.get_language(), "direction": "rtl" if translation.get_language_bidi() else "ltr",
    }  # fmt: skip
    if user is None or not user.is_authenticated:
        return bare
    try:
        membership = membership_of(user)
    except Http404:
        return bare
    workspace = membership.workspace
    rights = rights_of(membership.role) | ({"run"} if runs_installation(user) else set())

    def waiting_reviews() -> int:
        return Review.objects.in_workspace(workspace.pk).waiting().count() if "review" in rights else 0

    def open_jobs() -> list[Job]:
        # What waits behind all other work (the sample library) is on the jobs page, not in everybody's way.
        urgent = Q(state=Job.State.RUNNING) | Q(state=Job.State.WAITING, priority__gte=0, due__lte=timezone.now())
        ours = Job.objects.filter(urgent, workspace=workspace).exclude(kind="send_mail")
        return list(ours.select_related("story").order_by("-priority", "id")[:9])

    def last_event() -> int:
        return Event.objects.filter(workspace=workspace).order_by("-id").values_list("id", flat=True).first() or 0

    return {
        **bare,
        "section": _section(request),
        "workspace": workspace,
        "role": membership.get_role_display(),
        "rights": rights,
        "waiting_reviews": waiting_reviews,
        "open_jobs": open_jobs,
        "last_event": last_event,
        "slow": health.slowness,
        "unread_notices": lambda: notices.unread(user.pk, workspace.pk),
        "settings_tabs": lambda: places.open_to(rights),
    }


SECTIONS = {
    "stories": (
        "stories", "story", "story-versions", "story-share", "story-drafts", "story-exchange", "calendar", "incoming"
    ),
    "library": ("library", "library-import", "asset", "collections", "copies", "asset-tools", "transcript"),
    "jobs": ("jobs",),
    "review": ("review-queue", "review-case", "review-claim"),
    "insights": ("insights",),
    "settings": tuple(place.name for place in places.SETTINGS),
}  # fmt: skip


def _section(request: HttpRequest) -> str:
    """Which place of the rail a page belongs to."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    return next((section for section, names in SECTIONS.items() if name in names), "")
