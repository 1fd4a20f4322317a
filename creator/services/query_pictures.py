"""Pictures that people ask with: kept small, for a day, for the one who asked and nobody else.

A question with a picture lives in the page's address as a token, so that chips, further results and Back keep it.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path

from django.conf import settings
from PIL import Image

from creator.models import User, Workspace
from media_processing import pictures
from media_processing.decoding import open_picture
from media_processing.engine import EngineError
from media_processing.fetching import FetchError, Rules, fetch

MAX_BYTES = 25_000_000
SIDE = 512
"""Pixels of the longer side that are kept: more than any embedder looks at."""
EACH = 12
"""Pictures kept for one person; the oldest goes."""
KEPT = 24 * 3600
"""Seconds."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def keep(workspace: Workspace, person: User, content: bytes, *, name: str = "") -> str:
    """Keep a picture to ask with; returns its token. Raises EngineError (MediaError) for what is no usable picture."""
    if len(content) > MAX_BYTES:
        raise too_large(name)
    picture = open_picture(content, max_side=SIDE, name=name or "The picture")
    if picture.mode != "RGB":
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    folder = _folder(workspace, person)
    folder.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(16)
    part = folder / f".making-{token}"
    part.write_bytes(pictures.webp(picture, quality=90))
    part.replace(folder / f"{token}.webp")
    for old in sorted(folder.glob("*.webp"), key=_age)[EACH:]:
        old.unlink(missing_ok=True)
    return token


def too_large(name: str) -> EngineError:
    """What is said of a file over `MAX_BYTES`."""
    return EngineError(
        f"{name or 'The picture'} is larger than {MAX_BYTES // 10**6} MB.",
        next_step="Ask with a smaller version: 500 pixels are enough.", permanent=True,
    )  # fmt: skip


def keep_from(workspace: Workspace, person: User, url: str, *, rules: Rules | None = None) -> str:
    """Fetch the picture at a public address and keep it. Raises EngineError."""
    try:
        fetched = fetch(url, max_bytes=MAX_BYTES, content_types=("image/",), rules=rules)
    except FetchError as error:
        step = (
            "Open the picture itself (right click: copy image address), or save it and drop the file here."
            if error.reason in ("wrong_type", "status")
            else "Save the picture and drop the file here."
        )
        raise EngineError(error.message, next_step=step, permanent=error.permanent) from error
    return keep(workspace, person, fetched.content, name=fetched.url.rpartition("/")[2].partition("?")[0][:80])


def path_of(workspace: Workspace, person: User, token: str) -> Path | None:
    """Where a person's picture lies; None for a token that isn't theirs, or that has run out."""
    if not _TOKEN.fullmatch(token):
        return None
    path = _folder(workspace, person) / f"{token}.webp"
    try:
        return path if time.time() - path.stat().st_mtime < KEPT else None
    except FileNotFoundError:
        return None


def picture_of(workspace: Workspace, person: User, token: str) -> Image.Image | None:
    """A kept picture, RGB; None where `path_of` is."""
    path = path_of(workspace, person, token)
    if path is None:
        return None
    os.utime(path)  # what is still asked with doesn't run out
    return open_picture(path, name="The picture")


def sweep(now: float | None = None) -> int:
    """Remove what has run out. Returns how many."""
    gone = 0
    for path in Path(settings.CACHE_ROOT, "queries").glob("*/*"):
        try:
            if (now or time.time()) - path.stat().st_mtime > KEPT:
                path.unlink()
                gone += 1
        except FileNotFoundError:  # somebody else sweeps too
            continue
    return gone


def _folder(workspace: Workspace, person: User) -> Path:
    return Path(settings.CACHE_ROOT) / "queries" / f"{workspace.pk}-{person.pk}"


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
