"""A picture as the question: dropped, pasted, chosen, or named by its address."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from creator.access import workspace_for
from creator.ranges import ranged
from creator.services import query_pictures
from creator.views.people import person_of
from media_processing.engine import EngineError


@login_required
@require_POST
def take_picture(request: HttpRequest) -> HttpResponse:
    """Keep a picture (`picture`, a file, or `url`) and show what is like it; `asked` is the question beside it."""
    workspace, person = workspace_for(request.user), person_of(request)
    question = QueryDict(request.POST.get("asked", "")[:4000], mutable=True)
    for name in ("offset", "part", "import", "like", "sort"):
        question.pop(name, None)
    file, url = request.FILES.get("picture"), request.POST.get("url", "").strip()
    try:
        if file is not None:
            if (file.size or 0) > query_pictures.MAX_BYTES:
                raise query_pictures.too_large(file.name or "")
            question["picture"] = query_pictures.keep(workspace, person, file.read(), name=(file.name or "")[:80])
        elif url:
            question["picture"] = query_pictures.keep_from(workspace, person, url)
            if question.get("q", "").strip() == url:  # it was typed into the box
                del question["q"]
        else:
            raise EngineError("There is no picture.", next_step="Choose a file, or give the address of a picture.")
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
    return redirect(f"{reverse('library')}?{question.urlencode()}" if question else "library")


@login_required
@require_safe
def kept_picture(request: HttpRequest, token: str) -> HttpResponseBase:
    """The picture that a person asks with, small, to this person only."""
    path = query_pictures.path_of(workspace_for(request.user), person_of(request), token)
    if path is None:
        raise Http404("No such picture.")
    return ranged(request, path, "image/webp", token, cache="private, max-age=3600")
