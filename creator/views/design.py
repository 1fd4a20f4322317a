"""All components in every state, for whoever changes one of them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creator.models import Job, Story
from creator.views.people import person_of
from media_processing.engine import EngineError

TONES = ("", "ok", "warn", "danger", "ai", "accent")
COLOURS = (
    "bg", "surface", "sunken", "stage", "text", "muted", "line", "line-strong", "accent", "accent-soft", "on-soft",
    "ai", "ai-soft", "danger", "danger-soft", "ok", "ok-soft", "warn", "warn-soft", "focus",
)  # fmt: skip


@login_required
@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """The page, for staff; it shows nothing of anybody's workspace."""
    if not person_of(request).is_staff:
        raise Http404("For those who run this installation.")
    context = {
        "tones": TONES,
        "colours": COLOURS,
        "states": [*Story.State.choices, (Job.State.DONE, "Done"), (Job.State.PARKED, "Parked")],
        "error": EngineError("The voice can't read Thai.", next_step="Choose another voice."),
    }
    return render(request, "design/components.html", context)
