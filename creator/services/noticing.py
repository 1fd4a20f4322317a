"""Engines whose key or weights appeared: noticed within a minute and without a restart, offered, never taken.

Each process reads the engines' settings anew where the file of keys (keys.env in the data folder) or the folder of
models changed. A worker looks at what is ready every half minute and tells the workspaces what is new.
"""

from __future__ import annotations

import fcntl
import json
import logging
import runpy
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from creator.environment import KEYS, ROOT
from creator.models import Event, Workspace
from media_processing.engine import EngineError, InvalidEngineError, engines

log = logging.getLogger(__name__)

READY = "engine.ready"
"""The event that offers an engine: {"role", "engine", "title"}."""
EVERY = timedelta(seconds=30)
STILL = 5.0
"""Seconds for which a process doesn't look at the files again."""
NEW_FOR = timedelta(days=7)
ALL_RUN = ("text_judge", "picture_judge")
"""Of these roles every engine runs: a judge more is an opinion more, and nothing to choose."""

_seen: Any = None
_readings = 0
_next_look = 0.0
_refreshing = threading.Lock()


def refresh(*, at_once: bool = False) -> None:
    """Read ENGINES anew in this process if keys or weights came or went since the last look."""
    global _seen, _next_look, _readings
    if not at_once and time.monotonic() < _next_look:
        return
    with _refreshing:
        _next_look = time.monotonic() + STILL
        now = _stamp()
        if _seen is None or now == _seen:
            _seen = now
            return
        _seen = now
        _readings += 1
        try:
            fresh = runpy.run_path(str(ROOT / "creator" / "settings.py"))["ENGINES"]
        except (Exception, SystemExit):  # a file that is being written, or makes no sense: what was read stays
            log.exception("The engines' settings could not be read anew.")
            return
        before, settings.ENGINES = settings.ENGINES, fresh
        engines.forget(lambda role, name: before.get(role, {}).get(name) != fresh.get(role, {}).get(name))


def readings() -> int:
    """How often the settings were read anew in this process: what is remembered of them holds for one number."""
    return _readings


def _stamp() -> list[tuple[str, int, int]]:
    """Names, sizes and times of the file of keys and of what lies in the folders of models."""
    models = Path(settings.DATA) / "models"
    files = [KEYS, *(path for path in models.glob("*/*")), *(path for path in models.glob("*/*/*"))]
    stamp = []
    for path in sorted(files):
        try:
            found = path.stat()
        except OSError:  # not there, or gone meanwhile
            continue
        stamp.append((str(path), found.st_size, found.st_mtime_ns))
    return stamp


def ready() -> dict[str, str]:
    """role/name of the engines that need something and have it, with their titles."""
    found = {}
    for role in engines.roles():
        for name in engines.names(role) if role not in ALL_RUN else ():
            try:
                engine = engines[role, name]
                if not engine.starter and not engine.problems():
                    found[f"{role}/{name}"] = engine.title or name
            except (InvalidEngineError, EngineError):
                continue
    return found


def look(now: datetime | None = None) -> list[str]:
    """Offer what became ready since the last look; returns role/name of each. The first look only writes down."""
    now = now or timezone.now()
    refresh(at_once=True)
    found = ready()
    path = Path(settings.DATA) / "engines.json"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several workers look
        before = _kept(path)
        kept = {key: (before or {}).get(key, now.isoformat() if before is not None else "") for key in found}
        if kept == before:
            return []
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(kept))
        partial.replace(path)
    fresh = [key for key in found if before is not None and key not in before]
    for key in fresh:
        _offer(*key.split("/", 1), title=found[key])
    return fresh


def _kept(path: Path) -> dict[str, str] | None:
    try:
        kept: dict[str, str] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return kept


def _offer(role: str, name: str, *, title: str) -> None:
    from creator.services import choices  # which asks this module whether anything is new

    for workspace in Workspace.objects.all():
        if not choices.locked(role) and choices.chosen(role, workspace) != name:
            Event.objects.create(workspace=workspace, kind=READY, data={"role": role, "engine": name, "title": title})


def is_new(role: str, name: str, now: datetime | None = None) -> bool:
    """Whether an engine became ready within the last days."""
    since = (_kept(Path(settings.DATA) / "engines.json") or {}).get(f"{role}/{name}", "")
    return bool(since) and (now or timezone.now()) - datetime.fromisoformat(since) < NEW_FOR


_last = datetime.min
_looking = threading.Lock()


def look_soon(now: datetime) -> None:
    """Look if it is time; at once, in the background. For the dispatcher."""
    global _last
    if now.replace(tzinfo=None) - _last < EVERY or not _looking.acquire(blocking=False):
        return
    _last = now.replace(tzinfo=None)
    threading.Thread(target=_look, name="ready-engines", daemon=True).start()


def _look() -> None:
    try:
        look()
    except Exception:
        log.exception("What became ready could not be looked at; the next look is in %s.", EVERY)
    finally:
        close_old_connections()
        _looking.release()
