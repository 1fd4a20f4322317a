"""A person's own narration: the upload, what the studio's document says of it, and its operations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from creator.access import story_for
from creator.models import Job, Scene, Story
from creator.services import recording
from creator.services.recording import TAKE
from creator.views.errors import as_json
from creator.views.people import person_of
from media_processing.engine import EngineError


def offered(story: Story) -> dict[str, Any]:
    """Where recordings go, how long they may be, and whose are being listened to."""
    open_jobs = story.jobs.filter(kind=TAKE, state__in=Job.OPEN)
    return {
        "address": reverse("story-recording", args=[story.pk]),
        "longest": recording.LONGEST,
        "most_bytes": recording.MOST_BYTES,
        "asking": [job.subject.get("scene", "") for job in open_jobs],
    }


def of_scene(story: Story, scene: Scene, *, spoken: bool) -> dict[str, Any]:
    """Whether a person speaks, whether they say what the line says, and what waits for a decision."""
    row = recording.waiting(story, scene)
    taken = scene.sound if scene.is_recorded else None
    own = next((each for each in scene.alternatives.all() if taken and each.sound_id == taken.pk), None)
    return {
        "recording": {
            "state": "differs" if row else ("used" if spoken else "stale") if taken else "",
            "recorded": taken is not None,
            "sound": reverse("rendition", args=[row.sound_id if row else scene.sound_id]) if row or taken else "",
            "reading": row.pk if row else 0,
            "heard": row.made_by.get("heard", "") if row else "",
            "note": (row or own).made_by.get("note", "") if row or own else "",  # type: ignore[union-attr]
            "by_sentence": bool(taken) and spoken and scene.timing == "sentence",
        }
    }


@login_required
@require_POST
def upload(request: HttpRequest, story_id: UUID) -> JsonResponse:
    """Take a recording of a scene. 202 with its job, 422 with a next step."""
    found = story_for(request.user, story_id, to="edit")
    try:
        scene_id, file = UUID(request.POST.get("scene", "")), request.FILES.get("sound")
        if file is None:
            raise EngineError("There is no recording.", next_step="Record the line, or choose a sound file.")
        job = recording.record(found, scene_id, file, by=person_of(request))
    except EngineError as error:
        return as_json(error)
    except ValueError:
        return JsonResponse({"message": "This scene is gone.", "next_step": "Reload the page."}, status=422)
    return JsonResponse({"job": job.pk}, status=202)


def use_words(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "use_recorded_words"."""
    recording.use_words(story, said["scene"], int(said["reading"]), **common)


def back_to_voice(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "back_to_voice"."""
    recording.back_to_voice(story, said["scene"], **common)
