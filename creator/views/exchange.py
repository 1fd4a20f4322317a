"""A story in other people's editing programs: its timeline with the media as a zip, and the way back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import may, story_for
from creator.models import Story
from creator.services import exchange
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.interchange import MOST_BYTES


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """What can be taken out, and the form that brings a timeline back."""
    found = story_for(request.user, story_id, to="edit" if request.method == "POST" else "see")
    if request.method != "POST":
        return _page(request, found)
    version = request.POST.get("version", "")
    try:
        file = request.FILES.get("timeline")
        if file is None or not file.size:
            raise EngineError("No file was chosen.", next_step="Choose the timeline.otio that you changed.")
        content = file.read(MOST_BYTES + 1)
        scenes = exchange.bring_back(
            found, content, by=person_of(request), version=int(version) if version.isdecimal() else None
        )
    except EngineError as error:
        return _page(request, found, error)
    messages.success(request, f"Taken over: {scenes} scene{'s' if scenes > 1 else ''}. The video is rendered anew.")
    return redirect("story", found.pk)


@login_required
@require_safe
def download(request: HttpRequest, story_id: UUID, variant_id: int) -> HttpResponseBase:
    """The zip of one video."""
    found = story_for(request.user, story_id)
    variant = get_object_or_404(found.variants, pk=variant_id)
    with tempfile.TemporaryDirectory(dir=settings.DATA, prefix="storyloom-") as folder:
        made = Path(folder) / "story.zip"
        try:
            exchange.export(found, variant, made)
        except EngineError as error:
            return _page(request, found, error)
        target = made.open("rb")  # its name goes with the folder; the bytes stay for as long as somebody reads them
    name = f"{slugify(found.title)[:60] or 'story'}-{variant.format.replace(':', '-')}.zip"
    return FileResponse(target, as_attachment=True, filename=name)


def _page(request: HttpRequest, story: Story, refusal: EngineError | None = None) -> HttpResponse:
    context = {
        "story": story,
        "videos": [variant for variant in story.variants.all() if variant.kind == "video"],
        "can_edit": may(request.user, "edit"),
        "refusal": refusal,
    }
    return render(request, "studio/exchange.html", context, status=422 if refusal else 200)
