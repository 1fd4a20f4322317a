"""The fonts that came with pip packages: pages and cards share the same files, so both break lines alike."""

from __future__ import annotations

from pathlib import Path

import font_roboto
import font_source_serif_pro
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from creator.ranges import ranged

FOLDERS = {
    "Roboto": Path(font_roboto.font_directory),
    "SourceSerifPro": Path(font_source_serif_pro.font_directory),
}
WEIGHTS = ("Regular", "Medium", "Semibold", "Bold")


@require_safe
def font(request: HttpRequest, family: str, weight: str) -> HttpResponseBase:
    """A font file, open to everyone: it holds nothing of anybody."""
    if family not in FOLDERS or weight not in WEIGHTS:
        raise Http404("No such font.")
    path = FOLDERS[family] / f"{family}-{weight}.ttf"
    return ranged(request, path, "font/ttf", f"{family}-{weight}", cache="public, max-age=31536000, immutable")
