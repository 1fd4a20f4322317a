"""The fonts that came with pip packages: pages and cards share the same files, so both break lines alike."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path

import font_roboto
import font_source_serif_pro
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from fontTools import subset

from creator.ranges import ranged

FOLDERS = {
    "Roboto": Path(font_roboto.font_directory),
    "SourceSerifPro": Path(font_source_serif_pro.font_directory),
}
WEIGHTS = ("Regular", "Medium", "Semibold", "Bold")
LATIN = (range(0x20, 0x180), range(0x2000, 0x2070), range(0x20A0, 0x20C0), range(0x2100, 0x2150), range(0x2190, 0x2270))
"""What most pages need; static/css/tokens.css names the same ranges, and gets the whole font for other letters."""
KEEP = "public, max-age=31536000, immutable"


@require_safe
def font(request: HttpRequest, family: str, weight: str, form: str) -> HttpResponseBase:
    """A font file, open to everyone: it holds nothing of anybody. Whole as ttf, the Latin part of it as woff."""
    path = FOLDERS.get(family, Path()) / f"{family}-{weight}.ttf"
    if family not in FOLDERS or weight not in WEIGHTS or form not in ("ttf", "woff") or not path.is_file():
        raise Http404("No such font.")
    if form == "ttf":
        return ranged(request, path, "font/ttf", f"{family}-{weight}", cache=KEEP)
    headers = {"Cache-Control": KEEP, "Cross-Origin-Resource-Policy": "same-origin"}
    return HttpResponse(latin_part(path), content_type="font/woff", headers=headers)


@lru_cache
def latin_part(path: Path) -> bytes:
    """The glyphs of LATIN, compressed: an eighth of the file. The widths are the same, and so are the line breaks."""
    options = subset.Options(flavor="woff", layout_features=["*"], notdef_outline=True)
    with subset.load_font(str(path), options) as whole:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[code for part in LATIN for code in part])
        subsetter.subset(whole)
        written = BytesIO()
        subset.save_font(whole, written, options)
    return written.getvalue()
