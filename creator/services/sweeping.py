"""Clearing away what a crash left, partial files that nobody will finish, and what caches hold too much of."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from django.conf import settings

from creator.services import query_pictures
from generation import services as generation

OLD = 24 * 3600
"""Seconds after which a partial file is nobody's."""


def sweep(now: float | None = None) -> int:
    """Remove partial files and folders that are older than a day, and the least used sentences. Returns how many."""
    limit = (now or time.time()) - OLD
    leftovers = [
        *Path(settings.MEDIA_ROOT, "incoming").glob("*"),
        *Path(settings.CACHE_ROOT).glob("*/.making-*"),
        *Path(settings.DATA).glob("storyloom-*"),
        *Path(settings.DATA, "uploads").glob("*"),
    ]
    swept = 0
    for path in leftovers:
        try:
            if path.stat().st_mtime > limit:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            swept += 1
        except FileNotFoundError:  # somebody else sweeps too
            continue
    return swept + query_pictures.sweep(now) + generation.spoken_sentences().sweep()
