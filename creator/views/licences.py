"""What an asset's licence is, whose name must stand beside it, and until when it may be shown."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from creator.access import asset_for
from creator.services import assets
from creator.views.people import person_of
from media_processing.engine import EngineError


@login_required
@require_POST
def change(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """Keep what was said of an asset's licence; then back to its page."""
    asset = asset_for(request.user, asset_id, to="edit")
    said = {name: request.POST.get(name, "").strip() for name in ("licence", "credit", "ends")}
    try:
        ends = date.fromisoformat(said["ends"]) if said["ends"] else None
    except ValueError:
        messages.error(request, _("That is no day. Write it like 2026-12-31."))
    else:
        try:
            assets.license_as(asset, said["licence"], credit=said["credit"], ends=ends, by=person_of(request))
        except EngineError as error:
            messages.error(request, f"{error.message} {error.next_step}".strip())
        else:
            messages.success(request, _("The licence is kept."))
    return redirect("asset", asset.pk)
