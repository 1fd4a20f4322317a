"""Settings: how names and other words are said."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import may, workspace_for
from creator.services import choices, pronunciations
from generation import services as generation
from media_processing.engine import EngineError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The list, one a line; a POST replaces it. What was typed stays where it can't be kept."""
    workspace = workspace_for(request.user, to="edit" if request.method == "POST" else "see")
    lines, error = pronunciations.formatted(workspace.pronunciations), None
    if request.method == "POST":
        lines = request.POST.get("lines", "")
        try:
            count = pronunciations.keep(workspace, lines)
        except EngineError as raised:
            error = raised
        else:
            kept = f"{count} pronunciation{'' if count == 1 else 's'} kept."
            messages.success(
                request,
                gettext("%(kept)s Narrations that hold one of them are spoken anew by the next render.")
                % {"kept": kept},
            )
            return redirect("pronunciations")
    context = {"lines": lines, "error": error, "can_edit": may(request.user, "edit"), "tab": "pronunciations"}
    return render(request, "settings/pronunciations.html", context, status=422 if error else 200)


@login_required
@require_safe
def heard(request: HttpRequest) -> HttpResponse:
    """`said` as the workspace's voice says it: a WAV. 404 for nothing, too much, or a voice that costs money."""
    workspace = workspace_for(request.user)
    said = request.GET.get("said", "").replace("\x00", "").strip()
    voice = choices.engine("voice", workspace)
    if not said or len(said) > pronunciations.LONGEST or voice.leaves_the_machine:
        raise Http404
    try:
        speech = generation.speak(said, language=request.GET.get("language", "en")[:12], engine=voice.name)
    except EngineError as error:
        raise Http404(error.message) from error
    return HttpResponse(speech.sound, content_type="audio/wav", headers={"Cache-Control": "private, max-age=3600"})
