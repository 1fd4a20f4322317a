"""A story's text as a whole: headline, summary and hashtags, and drafts of it in several tones side by side."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import may, story_for
from creator.models import Job, Story
from creator.services import charges, drafting, stories, wording
from creator.views.people import person_of
from creator.views.wording import by, flags_of
from media_processing.engine import EngineError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """The page; a POST does what its button says and comes back."""
    found = story_for(request.user, story_id, to="edit" if request.method == "POST" else "see")
    if request.method != "POST":
        return render(request, "studio/drafts.html", _context(request, found))
    try:
        said = _do(found, request)
    except EngineError as error:
        context = {**_context(request, found), "refusal": error, "typed": request.POST}
        return render(request, "studio/drafts.html", context, status=422)
    if said:
        messages.success(request, said)
    return redirect("story" if request.POST.get("do") == "take" else "story-drafts", found.pk)


@login_required
@require_safe
def offered(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """The drafts alone, while they are written."""
    return render(request, "studio/_drafts.html", _context(request, story_for(request.user, story_id)))


def _do(story: Story, request: HttpRequest) -> str:
    said, person = request.POST, person_of(request)
    match said.get("do"):
        case "drafts":
            drafting.ask(story, said.getlist("tone"), by=person)
            return ""
        case "hashtags":
            wording.ask(story, "hashtags", by=person)
            return "The writer looks for hashtags; they appear here."
        case "take":
            drafting.take(story, said.get("tone", ""), by=person, version=_version(said.get("version", "")))
            return "Taken. The scenes get their pictures and voice now; what was there before stays under Drafts."
        case _:
            tags = [*said.get("hashtags", "").replace(",", " ").split(), *said.getlist("tag")]
            stories.edit_story(
                story, by=person, version=_version(said.get("version", "")), title=said.get("title"),
                summary=said.get("summary"),
                hashtags=list(dict.fromkeys(tag.lstrip("#") for tag in tags)) if "hashtags" in said else None,
            )  # fmt: skip
            return "Kept."


def _version(said: str) -> int | None:
    return int(said) if said.isdecimal() and len(said) < 10 else None


def _context(request: HttpRequest, story: Story) -> dict[str, Any]:
    job = drafting.newest(story)
    refusal = wording.can(story, "drafts")
    asked = story.jobs.filter(kind=wording.OFFER, state__in=Job.OPEN)
    return {
        "story": story,
        "can_edit": may(request.user, "edit"),
        "tones": drafting.TONES.items(),
        "refusal_drafts": refusal,
        "refusal_hashtags": wording.can(story, "hashtags"),
        "asking_hashtags": any(each.subject.get("what") == "hashtags" for each in asked),
        "hashtags": drafting.hashtags_offered(story),
        "cost": charges.in_words(drafting.estimate(story, 2)) if refusal is None else "",
        "flags_title": flags_of(story, story.title),
        "flags_summary": flags_of(story, story.summary),
        "job": job,
        "writing": job is not None and job.is_open,
        "drafts": [_draft(story, draft) for draft in (job.subject.get("drafts", []) if job else [])],
    }


def _draft(story: Story, draft: dict[str, Any]) -> dict[str, Any]:
    words = sum(len(scene["narration"].split()) for scene in draft["scenes"])
    return {
        **draft,
        "label": gettext(drafting.TONES.get(draft["tone"], "As it was before")),
        "by": by(draft["made_by"]),
        "words": words,
        "flags": flags_of(story, f"{draft['headline']}\n\n{draft['summary']}"),
        "lines": [
            {**scene, "flags": [*flags_of(story, scene["narration"]), *flags_of(story, scene["on_screen"])]}
            for scene in draft["scenes"]
        ],
    }
