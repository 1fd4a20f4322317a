"""What authors and colleagues say against a decision or a publication: an objection, a report."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from creator.access import story_for
from creator.services import reports, reviews
from creator.views.people import person_of
from media_processing.engine import EngineError
from moderation.cases import REPORT_REASONS, NotYours


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """What was decided against a story, by which rule and by whom; a POST objects."""
    story = story_for(request.user, story_id)
    person = person_of(request)
    found = reviews.last_against(story)
    if found is None:
        raise Http404("Nothing was decided against this story.")
    refusal: EngineError | None = None
    text = request.POST.get("text", "")
    if request.method == "POST":
        try:
            reviews.appeal(found, by=person, text=text)
        except EngineError as error:
            refusal = error
        else:
            messages.success(request, gettext("Your objection was noted. Somebody else decides on it."))
            return redirect("story-decision", story.pk)
    context = {
        "story": story, "decision": found, "statement": reviews.statement(found).split("\n"), "refusal": refusal,
        "text": text, "own": person.pk in (story.author_id, found.review.submitted_by_id),
        "appeal": getattr(found, "appeal", None),
    }  # fmt: skip
    status = 200 if refusal is None else 403 if isinstance(refusal, NotYours) else 409
    return render(request, "appeals/decision.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """Report a published story of one's own team to its moderators."""
    story = story_for(request.user, story_id)
    publication = story.publications.live().first()
    if publication is None:
        raise Http404("It isn't published.")
    refusal: EngineError | None = None
    reason, text = request.POST.get("reason", ""), request.POST.get("text", "")
    if request.method == "POST":
        try:
            reports.by_person(publication, by=person_of(request), reason=reason, text=text)
        except EngineError as error:
            refusal = error
        else:
            messages.success(request, gettext("Reported. A moderator looks at it."))
            return redirect("story", story.pk)
    reasons = [(code, label) for code, (label, *_) in REPORT_REASONS.items()]
    context = {"story": story, "reasons": reasons, "reason": reason, "text": text, "refusal": refusal}
    return render(request, "appeals/report.html", context, status=400 if refusal else 200)
