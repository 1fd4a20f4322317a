"""Two engines of a role side by side: a worker has each do the role's example, and a page shows what came of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from creator import jobs
from creator.jobs import Work
from creator.models import Job, User, Workspace
from creator.services import choices, trying
from media_processing.engine import EngineError, engines

KIND = "compare_engines"
SHOWN = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg", ".svg": "", ".wav": "audio/wav",
         ".mp4": "video/mp4", ".json": ""}  # fmt: skip
"""Endings of examples, and as what a page may show them; the others are told in one line."""


def ask(workspace: Workspace, role: str, name: str, *, by: User) -> Job:
    """Have a worker compare an engine with the one in use. Raises EngineError where there is nothing to compare."""
    used = choices.chosen(role, workspace) if role in engines.roles() else ""
    if not used or role not in trying.EXAMPLES or name not in engines.names(role):
        raise EngineError("There is no such engine.", next_step="Choose one on the page of engines.", permanent=True)
    if name == used:
        raise EngineError("That engine is the one in use.", next_step="Choose another to compare it with.")
    for problem in engines[role, name].problems():
        raise problem
    waiting = Job.objects.filter(workspace=workspace, kind=KIND, state__in=Job.OPEN, subject__name=name)
    return waiting.first() or jobs.submit(KIND, workspace=workspace, person=by, role=role, name=name, used=used)


def compare(work: Work) -> None:
    """Try both; what one can't do is its result."""
    subject = work.job.subject
    subject["tried"] = []
    for number, name in enumerate((subject["used"], subject["name"])):
        work.begin("trying", number / 2)
        subject["tried"].append(_tried(work.job.pk, subject["role"], name))
        with work.effect():
            Job.objects.filter(pk=work.job.pk).update(subject=subject)


def _tried(job_id: int, role: str, name: str) -> dict[str, Any]:
    engine = engines[role, name]
    told: dict[str, Any] = {"engine": name, "title": engine.title or name, "leaves": engine.leaves_the_machine}
    try:
        tried = trying.try_engine(role, name)
    except EngineError as error:
        return {**told, "error": error.message, "next_step": error.next_step}
    told |= {"model": tried.model, "asked": tried.example, "result": tried.result, "seconds": tried.seconds,
             "load_seconds": tried.load_seconds, "text": _text(role, tried.path)}  # fmt: skip
    if SHOWN.get(tried.path.suffix):
        kept = folder(job_id) / f"{name}{tried.path.suffix}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tried.path, kept)
        told |= {"file": kept.name, "type": SHOWN[tried.path.suffix]}
    return told


def _text(role: str, path: Path) -> list[str]:
    """What a writer wrote, line by line."""
    import json

    return [str(line) for line in json.loads(path.read_text())] if role == "writer" else []


def folder(job_id: int) -> Path:
    """Where the files of a comparison lie; sweeping takes them with the other caches."""
    return Path(settings.CACHE_ROOT) / "compared" / str(job_id)
