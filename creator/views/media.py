"""Files of the library and of stories, to those who may see them."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from PIL import Image, ImageFilter

from creator.access import asset_for, workspace_for
from creator.ranges import ranged
from creator.services import frames
from media_processing.decoding import open_picture
from media_processing.engine import EngineError
from media_processing.models import Asset, Rendition
from media_processing.services import rendition_of, shown


@login_required
@require_safe
def rendition(request: HttpRequest, rendition_id: UUID) -> HttpResponseBase:
    """A derived file: a video, a card, captions, narration. `?download=name` saves it under that name."""
    workspace = workspace_for(request.user)
    found = Rendition.objects.filter(workspace=workspace, pk=rendition_id).first()
    if found is None:
        raise Http404("No such file.")
    return ranged(request, found.file, found.content_type, found.digest, download_as=request.GET.get("download", ""))


@login_required
@require_safe
def asset(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """An asset as it is shown, which is of our making. With `?download=name`, the file that came in, to be saved."""
    found = asset_for(request.user, asset_id)
    if name := request.GET.get("download", ""):
        return ranged(request, found.file, found.content_type, found.digest, download_as=name)
    try:
        seen = shown(found)
    except EngineError:
        raise Http404("It can't be shown.") from None
    return ranged(request, seen.file, seen.content_type, seen.digest)


@login_required
@require_safe
def thumbnail(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """The small picture of an asset."""
    small = _small(asset_for(request.user, asset_id))
    return ranged(request, small.file, small.content_type, small.digest, cache="private, max-age=3600")


@login_required
@require_safe
def sprite(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """Frames of a clip's shots side by side, for scrubbing."""
    try:
        found = frames.sheet_of(asset_for(request.user, asset_id))
    except EngineError:
        raise Http404("Only clips have frames.") from None
    return ranged(request, found.file, found.content_type, found.digest, cache="private, max-age=3600")


@login_required
@require_safe
def blurred(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """So little of a picture that it can't hurt: 24 pixels wide, then blurred. The sharp bytes never leave first."""
    small = _opened(asset_for(request.user, asset_id, to="review"), max_side=24)
    return _made(small.convert("RGB").filter(ImageFilter.GaussianBlur(1.2)), quality=50)


@login_required
@require_safe
def grey(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """A picture without its colours, which is easier to bear (Karunakaran and Ramakrishan, HCOMP 2019)."""
    return _made(_opened(asset_for(request.user, asset_id, to="review"), max_side=480).convert("L"), quality=70)


def _opened(asset: Asset, *, max_side: int) -> Image.Image:
    try:
        return open_picture(_small(asset).file, max_side=max_side)
    except EngineError:
        raise Http404("The picture is gone.") from None


def _made(picture: Image.Image, *, quality: int) -> HttpResponse:
    target = BytesIO()
    picture.save(target, "WEBP", quality=quality)
    return HttpResponse(
        target.getvalue(),
        content_type="image/webp",
        headers={"Cache-Control": "private, max-age=3600", "Content-Security-Policy": "sandbox"},
    )


def _small(asset: Asset) -> Rendition:
    """Its small picture, made now if an import was cut off before it was."""
    try:
        return rendition_of(asset, "webp-480")
    except EngineError:
        raise Http404("It has no picture.") from None
