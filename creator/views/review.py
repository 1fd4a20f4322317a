"""Review: the queue and a case, mounted inside the admin site. There is no second one."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creator.access import may, proposal_for, review_for, workspace_for
from creator.forms import DecisionForm
from creator.models import Story, User
from creator.services import differences, proposals, reviews, variants
from creator.templatetags.review import DECISIONS, PLACES
from creator.views.errors import as_json
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.models import Asset
from media_processing.timeline import FORMATS
from moderation import cases, verdicts
from moderation.models import Decision, Part, Proposal, Review
from moderation.services import Conflict, active_policy, clauses

SHOWN = 100
"""Cases on the queue's page."""
MUCH = 60
"""Pictures in full colour on one day after which the page suggests a break."""
LABELS = {
    "submission": (_("Approve"), _("Send back")), "report": (_("Keep online"), _("Remove")),
    "recheck": (_("Keep online"), _("Remove")), "appeal": (_("Let it through"), _("Uphold")),
}  # fmt: skip
HELD = (_("Let it through"), _("Remove"))
DONE = {**DECISIONS, "reject": _("Sent back with your reason")}

BULK_FIELDS = ("verb", "reason", "clause", "note")


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Open cases, the most urgent first, what waits for a second person, and what was decided last."""
    workspace = workspace_for(request.user, to="review")
    person = person_of(request)
    now = timezone.now()
    reviews_ = Review.objects.in_workspace(workspace.pk).select_related("story__author", "claimed_by", "submitted_by")
    waiting = list(
        reviews_.waiting()
        .select_related("first_by", "policy")
        .annotate(skips=Count("looks", filter=Q(looks__skipped__isnull=False)))
        .prefetch_related("story__scenes__asset")[:SHOWN]
    )
    decided = (
        Decision.objects.filter(workspace=workspace).select_related("review__story", "person").order_by("-id")[:12]
    )
    return render(
        request, "review/queue.html",
        {
            "waiting": [(review, cases.explain(review, now)) for review in waiting],
            "more": reviews_.waiting().count() - len(waiting), "decided": decided, "now": now,
            "proposals": Proposal.objects.filter(workspace=workspace, state="open").select_related("proposed_by"),
            "exposure": cases.exposure_of(person, now), "much": MUCH, "limit": proposals.BULK,
            "lead": may(request.user, "manage"),
            "late": sum(1 for _ in cases.overdue(waiting, now)),
        },
    )  # fmt: skip


@login_required
@require_safe
def following(request: HttpRequest) -> HttpResponse:
    """Go to the case that this person should take next."""
    workspace = workspace_for(request.user, to="review")
    return redirect(_next_case(request, workspace.pk))


@login_required
@require_POST
def claim(request: HttpRequest, review_id: int) -> HttpResponse:
    """Take a case, so that nobody else works on it at the same time; a lead may take it from somebody."""
    review = review_for(request.user, review_id)
    steal = "steal" in request.POST and may(request.user, "manage")
    try:
        reviews.claim(review, by=person_of(request), steal=steal)
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
    return redirect("admin:review-case", review.pk)


@login_required
@require_POST
def release(request: HttpRequest, review_id: int) -> HttpResponse:
    """Give a case back."""
    reviews.release(review_for(request.user, review_id), by=person_of(request))
    return redirect("admin:review-queue")


@login_required
@require_POST
def skip(request: HttpRequest, review_id: int) -> HttpResponse:
    """Pass a case on to others, without a reason and without any count against anybody."""
    review = review_for(request.user, review_id)
    cases.skip(review, person_of(request))
    return redirect(_next_case(request, review.workspace_id, after=review.pk))


@login_required
@require_POST
def here(request: HttpRequest, review_id: int) -> JsonResponse:
    """A sign of life of an open page: renews the claim, counts what was shown, tells who else is looking."""
    review = review_for(request.user, review_id)
    person = person_of(request)
    others = cases.looking(review, person)
    for level in request.POST.getlist("shown")[:50]:
        try:
            cases.exposed(review, person, level)
        except EngineError as error:
            return as_json(error, status=400)
    held = reviews.renew(review, by=person)
    review.refresh_from_db()
    holder = review.claimed_by if review.claimed_until and review.claimed_until > timezone.now() else None
    return JsonResponse(
        {
            "others": others, "mine": held, "holder": str(holder) if holder and not held else "",
            "state": review.state, "version": review.version,
            "exposure": cases.exposure_of(person, timezone.now()), "much": MUCH,
        }
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, review_id: int) -> HttpResponse:
    """Everything that a decision needs on one page; a POST decides."""
    review = review_for(request.user, review_id)
    person = person_of(request)
    form = DecisionForm(request.POST or None, review=review)
    refusal: EngineError | None = None
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                decision = reviews.decide(review, by=person, **form.cleaned_data)
            except EngineError as error:
                if isinstance(error, Conflict):
                    review.refresh_from_db()
                    conflict = {**_conflict(review, error), "typed": form}
                    return render(request, "review/conflict.html", conflict, status=409)
                refusal, status = error, 403 if isinstance(error, cases.NotYours) else 400
            else:
                said = DONE[decision.verb] if decision else gettext("Noted: a second person must agree")
                if decision and decision.verb == "keep" and _is_held(review):
                    said = gettext("Let through")
                messages.success(request, f"{said}: {review.story.title}")
                return redirect(_next_case(request, review.workspace_id, after=review.pk))
    else:
        cases.looking(review, person)
    context = {"review": review, "form": form, "refusal": refusal, **shown(review, person)}
    context["lead"] = may(request.user, "manage")
    return render(request, "review/case.html", context, status=status)


def _conflict(review: Review, error: EngineError) -> dict[str, Any]:
    return {"review": review, "refusal": error, "last": review.decisions.select_related("person").last()}


def _next_case(request: HttpRequest, workspace_id: int, *, after: int | None = None) -> str:
    found = cases.next_for(person_of(request), workspace_id, timezone.now(), after=after)
    return reverse("admin:review-case", args=[found.pk]) if found else reverse("admin:review-queue")


@login_required
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Several cases at once: first exactly what would be decided, then a proposal that another person carries out."""
    workspace = workspace_for(request.user, to="review")
    person = person_of(request)
    ids = [int(each) for each in request.POST.getlist("review") if each.isdecimal() and len(each) < 19]
    verb = request.POST.get("verb", "")
    said = {name: request.POST.get(name, "") for name in BULK_FIELDS}
    context: dict[str, Any] = {"verb": verb, "said": said, "reasons": cases.REASONS}
    status = 200
    try:
        listed = proposals.preview(workspace, ids, verb=verb, by=person)
        context |= {"listed": listed, "clauses": clauses(active_policy(workspace.pk))}
        if "propose" in request.POST:
            made = proposals.propose_bulk(workspace, listed, by=person, **said)
            messages.success(request, gettext("Proposed. Somebody else must agree before anything is decided."))
            return redirect("admin:review-proposal", made.pk)
    except EngineError as error:
        context["refusal"], status = error, 400
    return render(request, "review/bulk.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """An act that takes two people: what exactly, and the second person's word on it."""
    found = proposal_for(request.user, proposal_id)
    person = person_of(request)
    refusal: EngineError | None = None
    if request.method == "POST":
        try:
            if request.POST.get("act") == "agree":
                proposals.carry_out(found, by=person)
                messages.success(request, gettext("Agreed and done."))
            else:
                proposals.refuse(found, by=person)
                messages.success(request, gettext("Turned down. Nothing was decided."))
            return redirect("admin:review-proposal", found.pk)
        except EngineError as error:
            refusal = error
    found.refresh_from_db()
    status = 200 if refusal is None else 409 if isinstance(refusal, Conflict) else 403
    context = {"proposal": found, "own": person.pk == found.proposed_by_id, "refusal": refusal}
    return render(request, "review/proposal.html", context, status=status)


def shown(review: Review, person: User) -> dict[str, Any]:
    """What is decided about: texts as they were submitted, pictures, renditions, sources and the machines' opinions."""
    story = Story.objects.select_related("author", "brief").get(pk=review.story_id)
    revisions = list(story.revisions.filter(number=review.number).select_related("variant"))
    document = revisions[0].document if revisions else {}
    before = _approved_before(story, review)
    return {
        "story": story,
        "document": document,
        "since": _since(before, document, story.workspace_id) if before and document else None,
        "labels": HELD if _is_held(review) else LABELS[review.kind],
        "two": cases.needs_two(review),
        "explained": cases.explain(review, timezone.now()),
        "reports": review.reports.all(),
        "exposure": cases.exposure_of(person, timezone.now()),
        "much": MUCH,
        "now": timezone.now(),
        "barred": _barred(review, person, story),
        "texts": _texts(document, review.reasons),
        "scenes": _scenes(document, story, review.reasons),
        "players": _players([revision.document for revision in revisions]),
        "clauses": _clauses(review),
        "own": person.pk in (story.author_id, review.submitted_by_id),
        "past": story.reviews.exclude(pk=review.pk).prefetch_related("decisions__person"),
        "decisions": review.decisions.select_related("person"),
        "findings": variants.findings(story),
        "opinions": _opinions(review),
    }


def _is_held(review: Review) -> bool:
    """Whether the program took down what it found, or held it back: then nothing is online that could be kept."""
    return review.kind == Review.Kind.RECHECK and not review.story.publications.live().exists()


def _barred(review: Review, person: User, story: Story) -> EngineError | None:
    """Why this person doesn't decide here."""
    try:
        cases.require_other(review, person, story.author_id)
    except cases.NotYours as error:
        return error
    return None


def _approved_before(story: Story, review: Review) -> Review | None:
    """The last submission before this one that people let through."""
    earlier = story.reviews.filter(number__lt=review.number, decisions__verb__in=cases.LETS_THROUGH)
    return earlier.order_by("-number", "-pk").first()


def _since(before: Review, document: dict[str, Any], workspace_id: int) -> dict[str, Any]:
    """What changed since then, with the pictures by their assets."""
    revision = before.story.revisions.filter(number=before.number).first()
    changes = differences.between(revision.document, document) if revision else []
    digests = {each for change in changes for each in (change.picture_before, change.picture_after) if each}
    assets = {each.digest: each for each in Asset.objects.filter(workspace=workspace_id, digest__in=digests)}
    shown = []
    for change in changes:
        named = ((_("the old picture"), change.picture_before), (_("the new picture"), change.picture_after))
        pictures = [{"label": label, "asset": assets.get(digest)} for label, digest in named]
        shown.append({**vars(change), "pictures": pictures})
    return {"number": before.number, "changes": shown}


def _texts(document: dict[str, Any], reasons: list[dict[str, Any]]) -> list[tuple[str, SafeString]]:
    texts = (("headline", document.get("title", "")), ("summary", document.get("summary", "")))
    shown = [(str(PLACES[where]), marked(text, reasons, where)) for where, text in texts if text]
    if document.get("hashtags"):
        tags = " ".join(f"#{tag.lstrip('#')}" for tag in document["hashtags"])
        shown.append((str(PLACES["hashtags"]), marked(tags, reasons, "hashtags")))
    return shown


def _scenes(document: dict[str, Any], story: Story, reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    digests = {scene.get("picture", "") for scene in document.get("scenes", ())}
    assets = Asset.objects.in_workspace(story.workspace_id).filter(digest__in=digests)
    by_digest = {each.digest: each for each in assets}
    scenes = []
    for number, scene in enumerate(document.get("scenes", ()), start=1):
        where = f"scene {number}"
        scenes.append(
            {
                "number": number,
                "label": str(number),
                "asset": by_digest.get(scene.get("picture", "")),
                "narration": marked(scene["narration"], reasons, f"{where}: narration"),
                "on_screen": marked(scene["on_screen"], reasons, f"{where}: on screen"),
                "alt": marked(scene["alt"], reasons, f"{where}: alt text"),
                "licence": scene.get("licence", ""),
                "credit": scene.get("credit", ""),
                "flagged": any(str(reason.get("where", "")).startswith(f"{where}:") for reason in reasons),
            }
        )
    return scenes


def _opinions(review: Review) -> list[dict[str, Any]]:
    """All that machines think of what was submitted: place, judge, version, scores, and the hash that it is kept by."""
    parts = Part.objects.filter(story=review.story_id, number=review.number).exclude(content="")
    stored = verdicts.stored_verdicts(review.workspace_id, {part.content for part in parts})
    return [
        {"where": part.where, "role": f"{verdict.kind}_judge", "verdict": verdict,
         "scores": sorted((each for each in verdict.scores.items() if each[1]), key=lambda each: -each[1])}
        for part in parts
        for verdict in verdicts.as_of(stored, part.content, part.language, timezone.now())
    ]  # fmt: skip


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


