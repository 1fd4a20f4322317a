"""The studio: one story, its scenes, its stage, and what can be done with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from creator.access import Right, story_for
from creator.models import Channel, Job, Publication, Story, User
from creator.services import choices, history, publications, reviews, schedules, stories, voices
from creator.services.stories import Conflict
from creator.views import alternatives, recording, wording
from creator.views.document import document
from creator.views.errors import as_json
from creator.views.people import person_of
from generation.engines.base import Speaker
from generation.music import MOODS
from generation.sentences import sentences
from media_processing import effects
from media_processing.engine import EngineError


@gzip_page
@login_required
@require_safe
def story(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """The page. What it shows comes as one JSON document, which static/js/studio/ turns into the editor."""
    found = story_for(request.user, story_id)
    context = {**_acts(request, found), "article": sentences(found.brief.article, found.brief.article_language)}
    context |= {"moods": MOODS.items(), "styles": choices.engine("painter", found.workspace).styles.items()}
    context |= {"effects": effects.titles().items(), "no_effects": effects.problem()}
    context |= {"brands": found.workspace.brands.all()}
    context |= {"voices": _voices(found), **alternatives.page(found)}
    return render(request, "studio/story.html", {**context, "lined": True})


def _voices(found: Story) -> list[Speaker]:
    """The voices to choose from, and the chosen one even where it is offered no more."""
    try:
        offered = voices.offered(found.workspace, found.language)
    except EngineError:  # the page comes without them; the render says what is wrong
        offered = []
    if found.voice and found.voice not in [speaker.id for speaker in offered]:
        offered.append(Speaker(found.voice, f"{voices.title_of(found.workspace, found.voice)} (not offered now)", ""))
    return offered


@login_required
@require_safe
def acts(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """The primary act alone, for a page whose story went on."""
    return render(request, "studio/_acts.html", _acts(request, story_for(request.user, story_id)))


def _acts(request: HttpRequest, found: Story) -> dict[str, Any]:
    live = found.publications.live().select_related("channel")
    return {
        "story": found,
        "document": document(found, request.user),
        "live": [(each, request.build_absolute_uri(f"/api/v1/stories/{found.pk}")) for each in live],
        "channels": Channel.objects.filter(workspace=found.workspace),
        "translating": wording.languages(found),
        "review": found.reviews.order_by("-number").prefetch_related("decisions__person").first(),
    }


@login_required
@require_safe
def data(request: HttpRequest, story_id: UUID) -> JsonResponse:
    """The document alone, for a page that saw something happen."""
    return JsonResponse(document(story_for(request.user, story_id), request.user))


# Edits: one operation at a time, each naming the version that it was made on -----------------------------------------


STORY_TEXTS = ("title", "summary", "music", "style", "voice", "caption_style", "layout", "brand", "poll")
SCENE_TEXTS = ("narration", "on_screen", "visual", "alt", "motion", "transition", "effect")


def _edit_scene(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    texts: dict[str, Any] = {name: str(said[name]) for name in SCENE_TEXTS if name in said}
    if "focus" in said:
        texts["focus"] = [float(share) for share in said["focus"]]
    if "end" in said:
        texts["end"] = float(said["end"])
    stories.edit_scene(story, said["scene"], **common, **texts)


def _edit_story(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    texts: dict[str, Any] = {name: str(said[name]) for name in STORY_TEXTS if name in said}
    if "hashtags" in said:
        texts["hashtags"] = [str(tag) for tag in said["hashtags"]]
    stories.edit_story(story, **common, **texts)


def _move_scene(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    stories.move_scene(story, said["scene"], **common, position=int(said["position"]))


def _add_scene(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    named = UUID(str(said["id"])) if said.get("id") else None
    stories.add_scene(
        story, **common, position=int(said["position"]), narration=str(said["narration"]), scene_id=named
    )


def _remove_scene(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    stories.remove_scene(story, said["scene"], **common)


def _find_pictures(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    stories.find_pictures(story, said["scene"], by=common["by"], words=str(said["words"])[:300])


def _remake(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    stories.remake(story, by=common["by"], step=str(said["step"]))


def _undo(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    history.undo(story, by=common["by"], key=UUID(str(said["undoes"])) if said.get("undoes") else None)


def _redo(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    history.redo(story, by=common["by"])


OPERATIONS: dict[str, Callable[[Story, dict[str, Any], dict[str, Any]], None]] = {
    "edit_scene": _edit_scene,
    "edit_story": _edit_story,
    "move_scene": _move_scene,
    "add_scene": _add_scene,
    "remove_scene": _remove_scene,
    "choose_picture": alternatives.choose_picture,
    "find_pictures": _find_pictures,
    "remake": _remake,
    "ask_words": wording.ask,
    "use_words": wording.use,
    "dismiss_words": wording.dismiss,
    "draw_pictures": alternatives.draw,
    "draw_again": alternatives.again,
    "fill_picture": alternatives.fill,
    "read_line": alternatives.read,
    "use_reading": alternatives.use_reading,
    "use_recorded_words": recording.use_words,
    "back_to_voice": recording.back_to_voice,
    "undo": _undo,
    "redo": _redo,
}


@login_required
@require_POST
def edit(request: HttpRequest, story_id: UUID) -> JsonResponse:
    """Do one operation. 409 with the newest document where somebody else was faster, 422 with a next step otherwise.

    An operation with a key is done once, however often it is sent: an answer that got lost costs nothing.
    """
    found = story_for(request.user, story_id, to="edit")
    try:
        said = json.loads(request.body)
        operation = OPERATIONS[said["do"]]
        if said.get("scene"):
            UUID(str(said["scene"]))
        base = said.get("version")
        common = {"by": person_of(request), "version": None if base is None else int(base)}
        if said.get("key"):
            _once(found, UUID(str(said["key"])), lambda: operation(found, said, common))
        else:
            operation(found, said, common)
    except Conflict as conflict:
        found.refresh_from_db()
        newest = document(found, request.user)
        return as_json(conflict, status=409, who=conflict.who, only_order=conflict.only_order, document=newest)
    except EngineError as error:
        return as_json(error)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError, ValidationError):
        return JsonResponse({"message": "This request makes no sense.", "next_step": "Reload the page."}, status=400)
    found.refresh_from_db()
    return JsonResponse(document(found, request.user))


def _once(story: Story, key: UUID, operation: Callable[[], None]) -> None:
    """Do an operation unless one with this key was done."""
    try:
        with transaction.atomic():
            if not story.operations.filter(key=key).exists():
                operation()
                story.operations.filter(number=story.version, key=None).update(key=key)
    except IntegrityError:  # the same one came twice at the same moment
        story.refresh_from_db()


# Acts: plain forms, which work without a script ----------------------------------------------------------------------


@login_required
@require_POST
def act(request: HttpRequest, story_id: UUID, verb: str) -> HttpResponse:
    """Render, send to review, publish or withdraw; then back to the page with a sentence about it."""
    needed: Right = "publish" if verb in ("publish", "withdraw") else "edit"
    found = story_for(request.user, story_id, to=needed)
    try:
        said = ACTS[verb](found, request, person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
    else:
        if said:
            messages.success(request, said)
    onward = request.POST.get("next", "")
    here = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return redirect(onward if onward and here else reverse("story", args=[found.pk]))


def _render(story: Story, request: HttpRequest, person: User) -> str:
    step = request.POST.get("step", "renditions")
    stories.remake(story, by=person, step=step)
    return ""


def _review(story: Story, request: HttpRequest, person: User) -> str:
    reviews.submit(story, by=person)
    story.refresh_from_db()
    if story.state == Story.State.APPROVED:
        return "Approved: nothing in it needs a person's decision."
    return "Sent to review. A moderator decides; you will see it here."


def _publish(story: Story, request: HttpRequest, person: User) -> str:
    chosen = [pk for pk in request.POST.getlist("channel") if pk.isdecimal() and len(pk) < 19]
    channels = Channel.objects.filter(workspace=story.workspace, pk__in=chosen)
    if not channels:
        raise EngineError("Choose where to publish it.", next_step="Tick at least one channel.")
    names = ", ".join(channel.name for channel in channels)
    said = {name: request.POST.get(name, "").strip() for name in ("at", "expires", "embargo", "note")}
    zone = request.POST.get("zone", "").strip() or person.time_zone
    expires = schedules.moment(said["expires"], zone) if said["expires"] else None
    if said["embargo"]:
        schedules.put_under_embargo(story, schedules.moment(said["embargo"], zone), by=person)
    if said["at"]:
        at = schedules.moment(said["at"], zone)
        for channel in channels:
            schedules.plan(story, channel, at=at, expires=expires, zone=zone, note=said["note"], by=person)
        return f"Planned for {names}: it stands in the calendar."
    released = {
        channel.name: schedules.release(story, channel, by=person, expires=expires, note=said["note"])
        for channel in channels
    }
    under_way = [name for name, each in released.items() if isinstance(each, Job)]
    live = [name for name in released if name not in under_way]
    return " ".join([
        *([f"Live on {', '.join(live)}."] if live else []),
        *([f"On its way to {', '.join(under_way)}: its videos are written for it first."] if under_way else []),
    ])  # fmt: skip


def _withdraw(story: Story, request: HttpRequest, person: User) -> str:
    try:
        wanted = UUID(request.POST.get("publication", ""))
    except ValueError:
        raise Http404("No such publication.") from None
    publication = get_object_or_404(Publication.objects.live(), story=story, pk=wanted)
    publications.withdraw(publication, by=person, reason=request.POST.get("reason", ""))
    return f"Withdrawn from {publication.channel}. The API answers 410 from now on."


ACTS: dict[str, Callable[[Story, HttpRequest, User], str]] = {
    "render": _render,
    "review": _review,
    "publish": _publish,
    "withdraw": _withdraw,
}
