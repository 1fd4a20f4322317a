"""People around a story: who is here, comments, whose it is, and links for those without an account."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from creator.access import may, story_for
from creator.models import Comment, Story, User
from creator.services import comments, presence, review_links
from creator.services.links import base_url
from creator.views.errors import as_json
from creator.views.people import person_of
from media_processing.engine import EngineError


@login_required
@require_POST
def here(request: HttpRequest, story_id: UUID) -> JsonResponse:
    """A page says that it is still open, in which scene, or that it closes. Answers who else is here."""
    found, person = story_for(request.user, story_id), person_of(request)
    if request.POST.get("leaving"):
        presence.leave(found, person)
    else:
        presence.here(found, person, _scene(request.POST.get("scene", "")))
    return JsonResponse({"others": presence.others(found, person)})


def _scene(said: str) -> UUID | None:
    try:
        return UUID(said) if said else None
    except ValueError:
        return None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def talk(request: HttpRequest, story_id: UUID) -> JsonResponse:
    """The comments of a story; a POST says, settles, reopens or takes one back. Whoever may see a story may comment."""
    found = story_for(request.user, story_id)
    if request.method == "POST":
        try:
            _talk(found, json.loads(request.body), request)
        except EngineError as error:
            return as_json(error)
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            return JsonResponse(
                {"message": "This request makes no sense.", "next_step": "Reload the page."}, status=400
            )
    people = [{**presence.as_dict(each), "username": each.username} for each in comments.members(found)]
    threads = [_thread(each, person_of(request)) for each in comments.threads(found)]
    return JsonResponse({"threads": threads, "people": people})


def _talk(story: Story, said: dict[str, Any], request: HttpRequest) -> None:
    person = person_of(request)
    if said["do"] == "say":
        second = said.get("second")
        comments.say(
            story, by=person, text=str(said["text"]), scene=UUID(str(said["scene"])) if said.get("scene") else None,
            second=None if second is None else float(second),
            thread=int(said["thread"]) if said.get("thread") else None,
        )  # fmt: skip
    elif said["do"] == "remove":
        comments.remove(story, int(said["comment"]), by=person)
    else:
        comments.resolve(
            story, int(said["comment"]), by=person, resolved={"resolve": True, "reopen": False}[said["do"]]
        )


def _thread(comment: Comment, reader: User) -> dict[str, Any]:
    return {
        **_comment(comment, reader),
        "scene": str(comment.scene or ""),
        "second": comment.second,
        "resolved": str(comment.resolved_by or "somebody") if comment.resolved else "",
        "answers": [_comment(each, reader) for each in comment.answers.all()],
        "guest_sees": comment.link_id is not None,
    }


def _comment(comment: Comment, reader: User) -> dict[str, Any]:
    return {
        "id": comment.pk,
        "by": str(comment.author) if comment.author else comment.name or gettext("Somebody who left"),
        "mine": comment.author_id == reader.pk,
        "guest": not comment.author and bool(comment.name),
        "text": comment.text,
        "created": comment.created.isoformat(),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """Whose a story is, and its review links. A new link is shown once."""
    found = story_for(request.user, story_id, to="edit" if request.method == "POST" else "see")
    shown: dict[str, Any] = {}
    if request.method == "POST":
        try:
            shown = _share(found, request)
        except EngineError as error:
            shown = {"refusal": error}
        if not shown:
            return redirect("story-share", found.pk)
    context = {
        "story": found,
        "people": comments.members(found),
        "links": found.review_links.select_related("created_by"),
        "days": review_links.DAYS,
        "can_edit": may(request.user, "edit"),
        **shown,
    }
    response = render(request, "studio/share.html", context, status=422 if "refusal" in shown else 200)
    response["Cache-Control"] = "no-store"
    return response


def _share(story: Story, request: HttpRequest) -> dict[str, Any]:
    said, person = request.POST, person_of(request)
    if "revoke" in said:
        review_links.revoke(story, _number(said["revoke"]) or 0, by=person)
        messages.success(request, gettext("The link is taken back: it opens nothing any more."))
        return {}
    if "assignee" in said:
        given = comments.assign(story, _number(said["assignee"]), by=person)
        messages.success(request, gettext("It is given to %s.") % given if given else gettext("It is nobody's now."))
        return {}
    link, token = review_links.make(
        story, by=person, days=_number(said.get("days", "")) or 7, note=said.get("note", "")
    )
    return {"made": link, "address": base_url() + reverse("shared", args=[token])}


def _number(said: str) -> int | None:
    return int(said) if said.isdecimal() and len(said) < 19 else None
