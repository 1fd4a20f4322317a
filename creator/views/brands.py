"""Settings: the brands that a workspace's stories wear, with a card that shows each as it is chosen."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creator.access import workspace_for
from creator.forms import BrandForm
from creator.models import Brand, Workspace
from creator.services import brands
from creator.services.composing import PREVIEW
from creator.views.errors import as_json
from creator.views.people import person_of
from media_processing import cards
from media_processing.engine import EngineError
from media_processing.models import Asset
from media_processing.timeline import parse_format

TRIED = ("full-bleed", "split", "stat")
"""Layouts on each of the three grounds."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, brand_id: int | None = None) -> HttpResponse:
    """The brands, and a form for a new one or for `brand_id`; a POST keeps it. For admins of the workspace."""
    workspace = workspace_for(request.user, to="manage")
    brand = get_object_or_404(Brand, pk=brand_id, workspace=workspace) if brand_id else None
    sent = request.method == "POST"
    initial = _said(brand) if brand else {"is_default": not workspace.brands.exists()}
    form = BrandForm(
        request.POST if sent else None, request.FILES if sent else None, workspace_id=workspace.pk, initial=initial
    )
    if sent and form.is_valid():
        try:
            kept = brands.keep(workspace, brand, by=person_of(request), **form.brand())
        except EngineError as error:
            form.add_error(None, f"{error.message} {error.next_step}".strip())
        else:
            messages.success(
                request,
                gettext("“%(name)s” is kept. Stories that wear it are older than it: render them.")
                % {"name": kept.name},
            )
            return redirect("brand", kept.pk)
    context = {
        "form": form, "brand": brand, "brands": workspace.brands.all(), "tab": "brands",
        "plain": [form[name] for name in ("name", "is_default", "logo", "file")],
        "grounds": [
            ("Dark ground", [form[name] for name in ("ground", "ink", "accent")]),
            ("Light ground", [form[name] for name in ("paper", "paper_ink", "paper_accent")]),
        ],
        "rest": [form[name] for name in ("headline", "text", "caption_style", "intro", "outro")],
        "pairs": brands.PAIRS, "least": cards.CONTRAST, "layouts": [(name, cards.layouts()[name]) for name in TRIED],
    }  # fmt: skip
    return render(request, "settings/brands.html", context, status=422 if sent else 200)


def _said(brand: Brand) -> dict[str, Any]:
    """A brand as its form shows it."""
    return {
        "name": brand.name, "is_default": brand.is_default, "logo": brand.logo_id, "intro": brand.intro_id,
        "outro": brand.outro_id, "caption_style": brand.caption_style, **brand.fonts, **brand.colours,
    }  # fmt: skip


@login_required
@require_POST
def remove(request: HttpRequest, brand_id: int) -> HttpResponse:
    """Take a brand away; its stories wear the default one, or none."""
    workspace = workspace_for(request.user, to="manage")
    brand = get_object_or_404(Brand, pk=brand_id, workspace=workspace)
    brand.delete()
    messages.success(request, gettext("“%(name)s” is gone.") % {"name": brand.name})
    return redirect("brands")


@login_required
@require_safe
def tried(request: HttpRequest) -> HttpResponse:
    """A card in a brand that isn't kept yet, as WebP: what the form says, in the query. 422 where it can't be read."""
    workspace = workspace_for(request.user, to="manage")
    asked = request.GET
    layout = asked.get("layout", TRIED[0])
    if layout not in TRIED:
        raise Http404("No such layout.")
    try:
        colours = brands.check_colours({name: asked.get(name, "") for name in brands.COLOURS})
        brand = Brand(workspace=workspace, colours=colours, fonts={name: asked.get(name, "") for name in brands.FONTS})
        image = _drawn(workspace, brand, layout, asked.get("name", "")[:100], _asset(workspace, asked.get("logo", "")))
    except EngineError as error:
        return as_json(error)
    return HttpResponse(
        cards.encode(image, "webp"), content_type="image/webp", headers={"Cache-Control": "private, max-age=60"}
    )


def _drawn(workspace: Workspace, brand: Brand, layout: str, name: str, logo: Asset | None) -> Any:
    pictures = Asset.objects.in_workspace(workspace.pk).filter(kind=Asset.Kind.IMAGE).order_by("id")
    picture = (pictures.exclude(pk=logo.pk) if logo else pictures).first()
    card = cards.Card(
        "Forty boats go electric in the harbour", layout, picture.file if picture else None,
        kicker="" if logo else name.replace("\x00", ""), text="The council voted on Monday.", figure="40 %",
        claim="of the boats sail on batteries from spring on", logo=logo.file if logo else None,
    )  # fmt: skip
    form = parse_format("card:4x5")
    return cards.compose(card, (form.width, form.height), brands.look_of(brand), scale=PREVIEW).image


def _asset(workspace: Workspace, said: str) -> Asset | None:
    try:
        return Asset.objects.in_workspace(workspace.pk).filter(pk=said, kind=Asset.Kind.IMAGE).first() if said else None
    except (ValueError, TypeError, ValidationError):
        return None
