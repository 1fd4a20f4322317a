"""The transcript of an asset: read along, correct, find, and cut by sentences."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from creator.access import asset_for, may
from creator.services import transcripts
from creator.views.errors import as_json
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.models import Asset, Transcript


@login_required
@require_safe
def page(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """The words beside the player; without a transcript, how to get one."""
    found = asset_for(request.user, asset_id)
    transcript = Transcript.objects.filter(asset=found).first()
    context = {
        "asset": found,
        "transcript": transcript,
        "document": _document(found, transcript) if transcript else None,
        "can_edit": may(request.user, "edit"),
        "corrected": transcript is not None and transcripts.is_corrected(transcript),
    }
    return render(request, "library/transcript.html", context)


def _document(asset: Asset, transcript: Transcript) -> dict[str, Any]:
    return {
        "id": str(asset.pk),
        "version": transcripts.version_of(transcript),
        "passages": transcript.passages,
        "seconds": asset.seconds,
    }


@login_required
@require_POST
def act(request: HttpRequest, asset_id: UUID) -> JsonResponse:
    """Correct, cut, or have it heard again. 409 with the whole transcript where somebody else was faster."""
    found, person = asset_for(request.user, asset_id, to="edit"), person_of(request)
    try:
        said = json.loads(request.body)
        if said["do"] == "correct":
            kinds = {"word": int, "text": str, "start": float, "end": float}
            chosen: dict[str, Any] = {
                name: kind(said[name]) for name, kind in kinds.items() if said.get(name) is not None
            }
            transcript, passage = transcripts.correct(
                found, by=person, version=str(said["version"]), passage=int(said["passage"]), **chosen
            )
            return JsonResponse({"version": transcripts.version_of(transcript), "passage": passage})
        if said["do"] == "cut":
            leave_out = {int(number) for number in said["leave_out"]}
            job = transcripts.ask_to_cut(found, by=person, version=str(said["version"]), leave_out=leave_out)
        elif said["do"] == "transcribe":
            job = transcripts.ask_to_transcribe(found, by=person)
        else:
            raise KeyError(said["do"])
    except transcripts.Stale as stale:
        return as_json(stale, status=409, document=_document(found, found.transcript))
    except EngineError as error:
        return as_json(error)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return JsonResponse({"message": "This request makes no sense.", "next_step": "Reload the page."}, status=400)
    return JsonResponse({"job": job.pk, "library": reverse("library")})
