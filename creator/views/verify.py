"""Settings > Verify: what a file says of where it comes from, and who signs what is published here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from creator.access import workspace_for
from creator.services import marking
from media_processing.engine import EngineError

VERDICTS = {
    "none": _("It carries no Content Credentials. They may have been stripped, or were never there."),
    "invalid": _("It was changed after it was signed: don't rely on what it says."),
    "untrusted": _("Unchanged since it was signed, by somebody whom nobody here vouches for."),
    "trusted": _("Unchanged since this installation signed it."),
}
ACTIONS = {
    "c2pa.created": _("made"),
    "c2pa.opened": _("opened"),
    "c2pa.placed": _("put together from other files"),
    "c2pa.edited": _("edited"),
    "c2pa.converted": _("converted"),
    "c2pa.watermarked": _("watermarked"),
    "c2pa.watermarked.unbound": _("watermarked"),
}
KINDS = {
    "trainedAlgorithmicMedia": _("Made by a machine that learned from data"),
    "compositeWithTrainedAlgorithmicMedia": _("Put together, partly made by a machine that learned from data"),
    "algorithmicMedia": _("Made by a machine"),
    "digitalCreation": _("Made by people with digital tools"),
    "digitalCapture": _("Recorded by a camera"),
    "humanEdits": _("Edited by people"),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Drop a file: what it says, whether that holds, and whether the watermark is there. Nothing of it is kept."""
    workspace_for(request.user)
    context: dict[str, Any] = {"tab": "verify"}
    status = 200
    try:
        context["identity"] = marking.identity()
    except EngineError as error:
        context["identity_problem"] = error
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if file is None:
                raise EngineError("No file came.", next_step="Choose one.")
            if (file.size or 0) > marking.MOST_BYTES:
                raise EngineError("That file is larger than 200 MB.", next_step="Choose a smaller one.")
            context |= {"name": file.name, **marking.examine(file.read(), name=file.name or "")}
        except EngineError as error:
            context["problem"], status = error, 422
        else:
            finding = context["finding"]
            context["said"] = VERDICTS[finding.verdict]
            context["kind"] = KINDS.get(finding.source_type, finding.source_type)
            context["acts"] = list(dict.fromkeys(str(ACTIONS.get(act, act)) for act in finding.actions))
    return render(request, "settings/verify.html", context, status=status)
