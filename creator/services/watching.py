"""The watched folder: whatever is put into it comes into the library by itself. Nothing in it is moved or deleted.

A worker looks at it every half minute, in a thread of its own: a folder on a network may hang. A file is taken when its
size and time stood still between two looks. What was taken is written down with size and time, so that a file that
can't be used is told once, and again only when somebody changed it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from django.conf import settings
from django.db import close_old_connections

from creator.models import Workspace
from creator.services import importing

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
AT_ONCE = importing.MAX_FILES
"""Files of one job."""

Stamp: TypeAlias = tuple[int, int]
"""Bytes, and the time of the last change in nanoseconds."""


class Watch:
    """One process's looks at a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._before: dict[str, Stamp] = {}
        self._missing = False

    def look(self) -> int:
        """Ask for the import of files that are new and complete. Returns how many."""
        if not self.folder.is_dir():
            if not self._missing:
                log.warning("The watched folder %s isn't there.", self.folder)
            self._missing = True
            return 0
        self._missing = False
        workspace = Workspace.objects.order_by("id").first()
        now = dict(_stamps(self.folder))
        still = {path: stamp for path, stamp in now.items() if self._before.get(path) == stamp}
        self._before = now
        if workspace is None or not still:
            return 0
        with _taken() as taken:
            new = [path for path, stamp in still.items() if taken.get(path) != list(stamp)]
            for start in range(0, len(new), AT_ONCE):
                part = new[start : start + AT_ONCE]
                importing.import_watched(workspace, [Path(path) for path in part])
                taken.update({path: list(still[path]) for path in part})
            for gone in taken.keys() - now.keys():
                del taken[gone]
        return len(new)


def _stamps(folder: Path) -> Iterator[tuple[str, Stamp]]:
    for path in importing.files_in(folder):
        try:
            found = path.stat()
        except OSError:  # gone meanwhile
            continue
        yield str(path), (found.st_size, found.st_mtime_ns)


@contextmanager
def _taken() -> Iterator[dict[str, list[int]]]:
    """Path -> stamp of what was asked for, under a lock: several workers may look at one folder."""
    path = Path(settings.DATA) / "watched.json"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            taken: dict[str, list[int]] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):  # the worst that a lost list does is another look at each file
            taken = {}
        before = dict(taken)
        yield taken
        if taken != before:
            partial = path.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(taken))
            partial.replace(path)


_watch: Watch | None = None
_last = datetime.min
_looking = threading.Lock()


def look_soon(now: datetime) -> None:
    """Look at the watched folder, if there is one and it is time; at once, in the background. For the dispatcher."""
    global _watch, _last
    if not settings.WATCH or now.replace(tzinfo=None) - _last < EVERY or not _looking.acquire(blocking=False):
        return
    _last = now.replace(tzinfo=None)
    folder = Path(settings.WATCH)
    if _watch is None or _watch.folder != folder:
        _watch = Watch(folder)
    threading.Thread(target=_look, args=(_watch,), name="watched-folder", daemon=True).start()


def _look(watch: Watch) -> None:
    try:
        watch.look()
    except Exception:
        log.exception("The watched folder could not be looked at; the next look is in %s.", EVERY)
    finally:
        close_old_connections()
        _looking.release()
