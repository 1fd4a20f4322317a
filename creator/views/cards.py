"""A story's cards as they are now: previews for the studio, and files to download, drawn when they are asked for."""

from __future__ import annotations

import io
import zipfile
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.http import require_safe

from creator.access import story_for
from creator.models import Story
from creator.services import composing
from creator.views.errors import as_json
from media_processing import cards
from media_processing.engine import EngineError
from media_processing.timeline import FORMATS

LONGEST = {"title": 300, "summary": 2000}
EXTENSIONS = {"jpg": "jpeg", **{kind: kind for kind in cards.TYPES}}


@login_required
@require_safe
def card(request: HttpRequest, story_id: UUID, form: str, kind: str) -> HttpResponse:
    """A card of a story: `1x1.webp` is a preview at half size, with `?download=name` any kind is the whole card.

    `layout` is another layout than its own, "" the one that fits; `page` that of a carousel; `title` and `summary`
    are texts that are typed and not saved yet. A zip holds all pages. 404 for what there isn't, 422 with a next step
    for a card that can't be drawn.
    """
    story = story_for(request.user, story_id)
    name = f"card:{form}"
    if name not in FORMATS or kind not in (*EXTENSIONS, "zip"):
        raise Http404("No such card.")
    asked = request.GET
    layout = asked.get("layout")
    said = {key: asked.get(key, "").replace("\x00", "")[:longest] for key, longest in LONGEST.items()}
    page = int(asked["page"]) if asked.get("page", "").isdecimal() and len(asked["page"]) < 4 else 1
    if layout and layout not in cards.layouts():
        raise Http404("No such layout.")
    try:
        if "download" in asked or kind != "webp":
            return _whole(story, name, kind, layout=layout, page=page)
        digest, content = composing.preview(story, name, layout=layout, page=page, **said)
    except EngineError as error:
        return as_json(error)
    if quote_etag(digest) in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponseNotModified(headers={"ETag": quote_etag(digest)})
    return HttpResponse(
        content, content_type="image/webp",
        headers={"ETag": quote_etag(digest), "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip


def _whole(story: Story, name: str, kind: str, *, layout: str | None, page: int) -> HttpResponse:
    """The card itself as a file to keep; of a carousel all in a zip of PNGs."""
    stem = name.replace(":", "-")
    if kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as folder:
            for number, composed in enumerate(composing.compose_all(story, name, layout=layout), 1):
                folder.writestr(f"{stem}-{number}.png", cards.encode(composed.image, "png"))
        content, content_type = buffer.getvalue(), "application/zip"
    else:
        image = composing.compose(story, name, layout=layout, page=page).image
        content = cards.encode(image, EXTENSIONS[kind])  # type: ignore[arg-type]
        content_type = cards.TYPES[EXTENSIONS[kind]]
    filename = f"{stem}.{kind}" if page == 1 else f"{stem}-{page}.{kind}"
    return HttpResponse(
        content, content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "private, no-cache",
                 "X-Content-Type-Options": "nosniff"},
    )  # fmt: skip
