"""Brands: what a workspace's stories wear, checked when it is kept so that its text can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from PIL import ImageColor

from creator.models import Brand, Story, User, Workspace
from media_processing import fonts
from media_processing import services as media
from media_processing.cards import CONTRAST
from media_processing.engine import EngineError
from media_processing.models import Asset
from media_processing.stills import contrast
from media_processing.timeline import CaptionMotion, CaptionStyle, Look

COLOURS: Mapping[str, str] = {
    "ground": "Dark ground", "ink": "Text on it", "accent": "Accent on it",
    "paper": "Light ground", "paper_ink": "Text on it", "paper_accent": "Accent on it",
}  # fmt: skip
"""Every colour of a look that a brand chooses, as people call it."""
PAIRS = (("ink", "ground"), ("accent", "ground"), ("paper_ink", "paper"), ("paper_accent", "paper"))
"""A colour of text and what it stands on."""
FONTS: Mapping[str, str] = {"headline": "serif", "text": "sans"}
"""What each font of a brand is where it chooses none."""
MOST_BYTES = 20_000_000


def brand_of(story: Story) -> Brand | None:
    """The brand that a story wears: its own, else its workspace's default."""
    brands = Brand.objects.select_related("logo", "intro", "outro").filter(workspace=story.workspace_id)
    chosen = {"pk": story.brand_id} if story.brand_id else {"is_default": True}
    return brands.filter(**chosen).first()


def files_of(story: Story) -> list[Asset]:
    """The files of the library that a story's brand shows: logo, intro and outro."""
    brand = brand_of(story)
    return [asset for asset in (brand.logo, brand.intro, brand.outro) if asset] if brand else []


def look_of(brand: Brand | None) -> Look:
    """A brand's look; what it doesn't say, and a font that has gone from this machine, are the program's own."""
    if brand is None:
        return Look()
    known = fonts.families()
    chosen = {name: colour for name, colour in brand.colours.items() if name in COLOURS}
    families = {f"{name}_family": brand.fonts[name] for name in FONTS if brand.fonts.get(name) in known}
    usual = CaptionStyle()
    box, text = chosen.get("ground", usual.box), chosen.get("ink", usual.text)
    captions = CaptionStyle(box=box, text=text, active=chosen.get("accent", usual.active))
    return Look(captions=captions, **families, **chosen)


def colours_and_fonts(brand: Brand | None) -> list[Any]:
    """What a rendition depends on of a brand's look; nothing where all is the program's own."""
    return [[brand.colours, brand.fonts]] if brand and (brand.colours or brand.fonts) else []


def contrasts(colours: Mapping[str, str]) -> dict[str, float]:
    """The WCAG contrast of every text colour against what it stands on."""
    usual = Look()
    value = {name: colours.get(name) or getattr(usual, name) for name in COLOURS}
    return {text: contrast(value[text], value[ground]) for text, ground in PAIRS}


def check_colours(colours: Mapping[str, str]) -> dict[str, str]:
    """Colours as they are kept: #RRGGBB. Raises EngineError for one that is none, and for text that can't be read."""
    kept: dict[str, str] = {}
    for name, colour in colours.items():
        if name not in COLOURS or not colour.strip():
            continue
        try:
            red, green, blue = ImageColor.getrgb(colour.strip()[:30])[:3]
        except ValueError:
            raise EngineError(
                f"{colour[:30]!r} is no colour.", next_step="Write it as #RRGGBB, like #0B6B66.", permanent=True
            ) from None
        kept[name] = f"#{red:02X}{green:02X}{blue:02X}"
    for name, reached in contrasts(kept).items():
        if reached < CONTRAST:
            ground = dict(PAIRS)[name]
            raise EngineError(
                f"{COLOURS[name]} ({COLOURS[ground].lower()}) has a contrast of {reached:.1f}: "
                f"text needs {CONTRAST} to be read.",
                next_step="Make one of the two darker, or the other lighter.",
                permanent=True,
            )
    return kept


def keep(
    workspace: Workspace, brand: Brand | None, *, by: User | None, name: str, colours: Mapping[str, str],
    font_families: Mapping[str, str], caption_style: str = "", logo: Asset | UploadedFile[Any] | None = None,
    intro: Asset | None = None, outro: Asset | None = None, is_default: bool = False,
) -> Brand:  # fmt: skip
    """Write a brand down, a new one where `brand` is None. Raises EngineError.

    Stories that wear it are older than it from now on; what is published stays as it was approved.
    """
    name = " ".join(name.replace("\x00", "").split())[:100]
    if not name:
        raise EngineError("A brand needs a name.", permanent=True)
    others = Brand.objects.filter(workspace=workspace)
    others = others.exclude(pk=brand.pk) if brand else others
    if others.filter(name=name).exists():
        raise EngineError(f"There is a brand “{name}” already.", next_step="Give it another name.")
    kept = check_colours(colours)
    known = fonts.families()
    chosen = {key: family for key, family in font_families.items() if key in FONTS and family}
    for family in chosen.values():
        if family not in known:
            raise EngineError(f"There is no font {family!r} here.", next_step=f"Choose from {', '.join(known)}.")
    if caption_style and caption_style not in get_args(CaptionMotion):
        step = f"Use {', '.join(get_args(CaptionMotion))}."
        raise EngineError(f"Captions can't move like {caption_style!r}.", next_step=step, permanent=True)
    picture = _logo(workspace, logo, name, by) if isinstance(logo, UploadedFile) else logo
    for asset, kinds in ((picture, (Asset.Kind.IMAGE,)), *((each, _SHOWN) for each in (intro, outro))):
        if asset is not None and (asset.workspace_id != workspace.pk or asset.kind not in kinds):
            raise EngineError("Choose a picture or a clip of your library.", permanent=True)
    brand = brand or Brand(workspace=workspace)
    brand.name, brand.colours, brand.fonts, brand.caption_style = name, kept, chosen, caption_style
    brand.logo, brand.intro, brand.outro, brand.is_default = picture, intro, outro, is_default
    with transaction.atomic():
        if is_default:
            others.filter(is_default=True).update(is_default=False)
        brand.save()
    return brand


_SHOWN = (Asset.Kind.IMAGE, Asset.Kind.VIDEO)


def _logo(workspace: Workspace, file: UploadedFile[Any], name: str, by: User | None) -> Asset:
    """An uploaded logo as an asset of the library."""
    if (file.size or 0) > MOST_BYTES:
        raise EngineError(f"A logo has at most {MOST_BYTES // 10**6} MB.", permanent=True)
    asset, _new = media.store_asset(
        workspace.pk, file.read(), name=file.name or "", max_bytes=MOST_BYTES, title=f"Logo of {name}",
        alt=f"Logo of {name}", licence="Own work", tags=["logo"], added_by_id=by.pk if by else None,
    )  # fmt: skip
    return asset
