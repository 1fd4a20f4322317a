"""A story for somebody without an account, who holds a review link: this story as it is now, and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import shared_story_for
from creator.models import ReviewLink
from creator.ranges import ranged
from creator.services import comments, review_links, variants
from creator.templatetags.storyloom import format_title
from media_processing.engine import EngineError
from media_processing.services import rendition_of


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    """The story and what its holder said about it; a POST comments under a name."""
    link = shared_story_for(token)
    refusal = None
    if request.method == "POST":
        try:
            _say(link, request)
        except EngineError as error:
            refusal = error
        else:
            response = redirect(reverse("shared", args=[token]) + "#comments")
            response.set_cookie(
                "reviewer", request.POST.get("name", "")[:80], path=reverse("shared", args=[token]), httponly=True,
                secure=request.is_secure(), samesite="Lax", max_age=30 * 86_400,
            )  # fmt: skip
            return _private(response)
    else:
        ReviewLink.objects.filter(pk=link.pk).update(opened=timezone.now())
    context = _context(link, token) | {"refusal": refusal, "typed": request.POST}
    context["name"] = request.POST.get("name") or request.COOKIES.get("reviewer", "")
    return _private(render(request, "studio/shared.html", context, status=422 if refusal else 200))


def _private(response: HttpResponse) -> HttpResponse:
    """The address is the key: no search engine keeps it, and (as on every page) no other site hears of it."""
    response["Referrer-Policy"] = "same-origin"  # none at all would hide the form's origin from the CSRF check
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


def _say(link: ReviewLink, request: HttpRequest) -> None:
    said = request.POST
    try:
        scene = UUID(said["scene"]) if said.get("scene") else None
        second = float(said["second"].replace(",", ".")) if said.get("second", "").strip() else None
        thread = int(said["thread"]) if said.get("thread") else None
    except (ValueError, OverflowError):
        raise EngineError("This second makes no sense.", next_step="Write it as a number: 12.5") from None
    comments.say_through(
        link, name=said.get("name", ""), text=said.get("text", ""), scene=scene, second=second, thread=thread
    )


def _context(link: ReviewLink, token: str) -> dict[str, Any]:
    story = link.story
    scenes = list(story.scenes.select_related("asset"))
    numbers = {scene.pk: number for number, scene in enumerate(scenes, 1)}
    made = []
    for variant in story.variants.select_related("rendition", "captions_vtt"):
        if variant.rendition:
            made.append({"variant": variant, "label": format_title(variant.format), "rendition": variant.rendition,
                         "old": not variants.is_fresh(story, variant)})  # fmt: skip
    threads = comments.threads(story, link=link)
    for each in threads:
        each.number = numbers.get(each.scene) if each.scene else None  # type: ignore[attr-defined]
    return {"link": link, "story": story, "scenes": scenes, "made": made, "threads": threads, "token": token}


@require_safe
def file(request: HttpRequest, token: str, rendition_id: UUID) -> HttpResponseBase:
    """A video, a card or captions of the story as it is now."""
    found = review_links.file_of(shared_story_for(token).story, rendition_id)
    if found is None:
        raise Http404("No such file.")
    return ranged(request, found.file, found.content_type, found.digest, cache="private, no-cache")


@require_safe
def picture(request: HttpRequest, token: str, asset_id: UUID) -> HttpResponseBase:
    """The small picture of a scene."""
    found = review_links.picture_of(shared_story_for(token).story, asset_id)
    try:
        small = rendition_of(found, "webp-480") if found else None
    except EngineError:
        small = None
    if small is None:
        raise Http404("No such picture.")
    return ranged(request, small.file, small.content_type, small.digest, cache="private, no-cache")
