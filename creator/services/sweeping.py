"""Clearing away what a crash left, partial files that nobody will finish, and what caches hold too much of."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from django.conf import settings

from creator.models import Job
from creator.services import keys, query_pictures, uploading
from generation import services as generation
from media_processing import storage

OLD = 24 * 3600
"""Seconds after which a partial file is nobody's."""
UNUSED = 14 * 24 * 3600
"""Seconds for which a cache keeps what nobody asks for: rendered pieces, heard parts, found crops. All is made anew."""
CACHES = ("scenes", "heard", "framing", "compared")


def sweep(now: float | None = None) -> int:
    """Remove partial files that are older than a day, and of the caches what wasn't used for long. Returns how many."""
    now = now or time.time()
    leftovers = [
        *Path(settings.MEDIA_ROOT, "incoming").glob("*"),
        *Path(settings.CACHE_ROOT).glob("*/.making-*"),
        *Path(settings.DATA).glob("storyloom-*"),
        *(set(Path(settings.DATA, "uploads").glob("*")) - _awaited()),
    ]
    unused = [path for name in CACHES for path in Path(settings.CACHE_ROOT, name).rglob("*") if path.is_file()]
    if storage.is_shared():  # copies of what lies in the shared storage, too
        unused += [path for path in Path(settings.MEDIA_ROOT).glob("*/*/*") if path.is_file()]
    aged = [*((path, OLD) for path in leftovers), *((path, UNUSED) for path in unused)]
    swept = 0
    for path, age in aged:
        try:
            if path.stat().st_mtime > now - age:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            swept += 1
        except FileNotFoundError:  # somebody else sweeps too
            continue
    caches = query_pictures.sweep(now) + generation.spoken_sentences().sweep()
    return swept + caches + uploading.forget_old() + keys.sweep_calls()


def _awaited() -> set[Path]:
    """Folders of files that an import will take as soon as a worker has time, however old they are."""
    jobs = Job.objects.filter(kind="import_assets", state__in=Job.OPEN)
    return {Path(each["path"]).parent for job in jobs for each in job.subject.get("files", ())}
