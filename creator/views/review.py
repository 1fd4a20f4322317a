"""Review: the queue and a case, mounted inside the admin site. There is no second one."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creator.access import review_for, workspace_for
from creator.forms import DecisionForm
from creator.models import Story, User
from creator.services import reviews, variants
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.timeline import FORMATS
from moderation.models import Decision, Review
from moderation.services import Conflict


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Open cases, the most urgent first, and what was decided last."""
    workspace = workspace_for(request.user, to="review")
    cases = Review.objects.in_workspace(workspace.pk).select_related("story__author", "claimed_by", "submitted_by")
    waiting = cases.waiting().prefetch_related("story__scenes__asset")
    decided = (
        Decision.objects.filter(workspace=workspace).select_related("review__story", "person").order_by("-id")[:12]
    )
    return render(request, "review/queue.html", {"waiting": waiting, "decided": decided})


@login_required
@require_POST
def claim(request: HttpRequest, review_id: int) -> HttpResponse:
    """Take a case, so that nobody else works on it at the same time."""
    review = review_for(request.user, review_id)
    try:
        reviews.claim(review, by=person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
    return redirect("admin:review-case", review.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, review_id: int) -> HttpResponse:
    """Everything that a decision needs on one page; a POST decides."""
    review = review_for(request.user, review_id)
    person = person_of(request)
    form = DecisionForm(request.POST or None, initial={"version": review.version})
    refusal: EngineError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            reviews.decide(review, by=person, **form.cleaned_data)
        except EngineError as error:
            if isinstance(error, Conflict):
                review.refresh_from_db()
                return render(request, "review/conflict.html", {**_conflict(review, error), "typed": form}, status=409)
            refusal = error
        else:
            said = "Approved" if form.cleaned_data["verb"] == "approve" else "Sent back with your reason"
            messages.success(request, f"{said}: {review.story.title}")
            return redirect(_next_case(review) or "admin:review-queue")
    context = {"review": review, "form": form, "refusal": refusal, **shown(review, person)}
    return render(request, "review/case.html", context, status=400 if request.method == "POST" else 200)


def _conflict(review: Review, error: EngineError) -> dict[str, Any]:
    return {"review": review, "refusal": error, "last": review.decisions.select_related("person").last()}


def _next_case(review: Review) -> Any:
    following = Review.objects.in_workspace(review.workspace_id).waiting().exclude(pk=review.pk).first()
    return redirect("admin:review-case", following.pk).url if following else None


def shown(review: Review, person: User) -> dict[str, Any]:
    """What is decided about: texts as they were submitted, pictures, renditions, sources and the machines' opinions."""
    story = Story.objects.select_related("author", "brief").get(pk=review.story_id)
    revisions = list(story.revisions.filter(number=review.number).select_related("variant"))
    document = revisions[0].document if revisions else {}
    return {
        "story": story,
        "document": document,
        "texts": _texts(document, review.reasons),
        "scenes": _scenes(document, story, review.reasons),
        "players": _players([revision.document for revision in revisions]),
        "clauses": _clauses(review),
        "own": person.pk in (story.author_id, review.submitted_by_id),
        "past": story.reviews.exclude(pk=review.pk).prefetch_related("decisions__person"),
        "decisions": review.decisions.select_related("person"),
        "findings": variants.findings(story),
    }


def _texts(document: dict[str, Any], reasons: list[dict[str, Any]]) -> list[tuple[str, SafeString]]:
    texts = (("Headline", document.get("title", "")), ("Summary", document.get("summary", "")))
    shown = [(label, marked(text, reasons, label.lower())) for label, text in texts if text]
    if document.get("hashtags"):
        tags = " ".join(f"#{tag.lstrip('#')}" for tag in document["hashtags"])
        shown.append(("Hashtags", marked(tags, reasons, "hashtags")))
    return shown


def _scenes(document: dict[str, Any], story: Story, reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_digest = {scene.asset.digest: scene.asset for scene in story.scenes.select_related("asset") if scene.asset}
    scenes = []
    for number, scene in enumerate(document.get("scenes", ()), start=1):
        where = f"scene {number}"
        scenes.append(
            {
                "number": number,
                "asset": by_digest.get(scene.get("picture", "")),
                "narration": marked(scene["narration"], reasons, f"{where}: narration"),
                "on_screen": marked(scene["on_screen"], reasons, f"{where}: on screen"),
                "alt": marked(scene["alt"], reasons, f"{where}: alt text"),
                "licence": scene.get("licence", ""),
                "credit": scene.get("credit", ""),
                "flagged": any(str(reason.get("where", "")).startswith(where) for reason in reasons),
            }
        )
    return scenes


def _players(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What can be played or looked at: one entry a format, with its captions."""
    players = []
    for document in documents:
        files = {rendition["recipe"]: rendition for rendition in document.get("renditions", ())}
        main = files.get(document["format"])
        if main:
            width, height = FORMATS.get(document["format"], (9, 16))
            players.append(
                {
                    "format": document["format"], "main": main, "captions": files.get("vtt"),
                    "video": main["content_type"].startswith("video/"), "width": width, "height": height,
                    "language": document.get("language", "en"),
                }
            )  # fmt: skip
    return sorted(players, key=lambda player: not player["video"])


def _clauses(review: Review) -> list[tuple[str, str]]:
    """The clauses of the policy that the case was weighed under."""
    rules = review.policy.rules if review.policy else {}
    return sorted((str(name), str(text)) for name, text in rules.get("clauses", {}).items())


def marked(text: str, reasons: list[dict[str, Any]], where: str) -> SafeString:
    """A text with the words marked that a machine stumbled over there."""
    said = (str(reason.get("text", "")) for reason in reasons if str(reason.get("where", "")).lower() == where)
    words = {phrase for phrase in said if phrase and phrase in text and phrase != text}
    if not words:
        return escape(text)
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    parts = re.split(f"({pattern})", text)
    return mark_safe("".join(f"<mark>{escape(part)}</mark>" if part in words else escape(part) for part in parts))  # noqa: S308


