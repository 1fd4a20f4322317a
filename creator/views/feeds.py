"""Feeds of a channel, and pages of its stories: for feed readers, embedders, crawlers and people without an account.

Who isn't signed in sees what is live on public channels; feeds of the others open with a key of theirs, as a bearer
token or as the password of HTTP Basic, which is what feed readers know.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from creator.models import Channel, Publication
from creator.services import feeds, keys

NAMES = {name: kind for kind, name in feeds.KINDS.items()}


def _key(request: HttpRequest) -> str:
    """The key that came with a request; "" for none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return given if scheme.lower() == "bearer" else ""


@require_safe
def feed(request: HttpRequest, workspace: str, channel: str, feed_name: str) -> HttpResponse:
    """A feed of a channel, with an ETag: 304 where nothing is new."""
    found = Channel.objects.select_related("workspace").filter(workspace__slug=workspace, slug=channel).first()
    if feed_name not in NAMES:
        raise Http404("No such feed.")
    if found is None or not found.public:
        key = keys.find(_key(request))
        if key is None or found is None or key.channel_id != found.pk or "stories:read" not in key.scopes:
            response = HttpResponse("This feed needs a key of its channel.", status=401, content_type="text/plain")
            response["WWW-Authenticate"] = 'Basic realm="feeds", charset="UTF-8"'
            return response
    tag = feeds.tag(found, NAMES[feed_name])
    same = get_conditional_response(request, etag=tag)
    if same is not None:
        return same
    text, content_type = feeds.written(found, NAMES[feed_name])
    answer = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
    answer["ETag"] = tag
    patch_cache_control(answer, public=found.public, private=not found.public, max_age=60)
    return answer


def _public(publication_id: UUID) -> Publication:
    """A story of a public channel, live or not. Raises Http404."""
    rows = Publication.objects.filter(channel__public=True, pk=publication_id).select_related("channel")
    found = rows.first()
    if found is None:
        raise Http404("No such story.")
    return found


@require_safe
def watch(request: HttpRequest, publication_id: UUID) -> HttpResponse:
    """The page of a story; 410 once it is withdrawn."""
    row = _public(publication_id)
    if not row.is_live:
        return render(request, "watch/gone.html", {"channel": row.channel}, status=410)
    context = {"story": feeds.shown(row), "channel": row.channel, "page": feeds.page(row)}
    return render(request, "watch/story.html", context)


@require_safe
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]
def embed(request: HttpRequest, publication_id: UUID) -> HttpResponse:
    """The player alone, for a frame on another site."""
    row = _public(publication_id)
    if not row.is_live:
        return render(request, "watch/gone.html", {"channel": row.channel}, status=410)
    return render(request, "watch/embed.html", {"story": feeds.shown(row), "channel": row.channel})


@require_safe
def oembed(request: HttpRequest) -> JsonResponse:
    """How to embed the story at `url`: oembed.com's JSON form."""
    if request.GET.get("format", "json") != "json":
        return JsonResponse({"detail": "Only JSON is offered."}, status=501)
    try:
        match = resolve(urlsplit(request.GET.get("url", "")[:2000]).path)
    except (Resolver404, ValueError):
        raise Http404("No story has this address.") from None
    if match.url_name != "watch":
        raise Http404("No story has this address.")
    row = _public(match.kwargs["publication_id"])
    if not row.is_live:
        raise Http404("It was withdrawn.")
    most: dict[str, Any] = {
        name: int(given) if (given := request.GET.get(asked, "")).isdecimal() and len(given) < 6 else 0
        for name, asked in (("widest", "maxwidth"), ("tallest", "maxheight"))
    }
    answer = JsonResponse(feeds.oembed(row, **most))
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
