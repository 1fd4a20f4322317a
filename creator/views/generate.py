"""The drawer that makes things from words, over any page: pictures, a story, a line that is heard, a transcript."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from creator.access import job_for, workspace_for
from creator.forms import BriefForm
from creator.models import Job
from creator.services import alternatives, charges, choices, voices
from creator.services.alternatives import DRAW, Wish
from creator.views.errors import as_json
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.models import Asset

SHAPES = {"9x16": (1080, 1920), "1x1": (1080, 1080), "16x9": (1920, 1080)}
KEPT = 8
"""Earlier wishes, and recordings without a transcript, that the drawer lists."""


@login_required
@require_safe
def drawer(request: HttpRequest) -> HttpResponse:
    """What stands in the drawer."""
    workspace = workspace_for(request.user, to="edit")
    painter, voice = choices.engine("painter", workspace), choices.engine("voice", workspace)
    earlier = Job.objects.filter(workspace=workspace, kind=DRAW, story=None, person=person_of(request))
    unheard = Asset.objects.in_workspace(workspace.pk).filter(archived=None, transcript=None).exclude(kind="image")
    context = {
        "painter": painter,
        "styles": painter.styles,
        "cost": charges.in_words(alternatives.estimate(workspace, "draw", count=4)),
        "shapes": [{"value": name, "label": name.replace("x", ":")} for name in SHAPES],
        "earlier": [job for job in earlier.order_by("-id")[:KEPT] if job.subject.get("wish")],
        "brief": BriefForm(auto_id="generate_%s"),
        "voice": voice,
        "speakers": [] if voice.leaves_the_machine else voices.offered(workspace, "en"),
        "languages": choices.LANGUAGES,
        "transcriber": choices.engine("transcriber", workspace),
        "unheard": unheard.filter(has_sound=True).order_by("-created")[:KEPT],
    }
    return render(request, "generate/_drawer.html", context)


@login_required
@require_POST
def draw(request: HttpRequest) -> JsonResponse:
    """Have pictures drawn for the library; 422 with a next step for what the painter can't do."""
    workspace = workspace_for(request.user, to="edit")
    said = request.POST
    try:
        count, seed = int(said.get("count", "4")), int(said.get("seed", "1"))
        wish = Wish(said.get("words", ""), seed=seed, style=said.get("style", ""), count=count)
        size = SHAPES.get(said.get("shape", ""), SHAPES["9x16"])
        job = alternatives.draw_for_library(workspace, wish, size, by=person_of(request))
    except EngineError as error:
        return as_json(error)
    except ValueError:
        return as_json(EngineError("A seed and a count are numbers.", next_step="Leave them empty."))
    return JsonResponse({"job": job.pk, "drawn": reverse("generate-drawn", args=[job.pk])})


@login_required
@require_safe
def drawn(request: HttpRequest, job_id: int) -> HttpResponse:
    """The pictures of one wish, as far as they are there."""
    job = job_for(request.user, job_id, to="edit")
    if job.kind != DRAW or job.story_id is not None:
        raise Http404("No such wish.")
    numbers = [UUID(number) for number in job.subject.get("made", ())]
    made = Asset.objects.in_workspace(job.workspace_id).in_bulk(numbers)
    pictures = [made[number] for number in numbers if number in made]
    return render(request, "generate/_drawn.html", {"job": job, "pictures": pictures})
