"""Content-addressed files under MEDIA_ROOT: they appear whole or not at all, and never change."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from media_processing.decoding import MediaError
from media_processing.engine import EngineError

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Incoming:
    """A complete copy under a name of its own, not yet in its place."""

    path: Path
    digest: str
    size: int

    def keep(self, folder: str, suffix: str) -> str:
        """Move it to where its content says, and return that place relative to MEDIA_ROOT."""
        place = f"{folder}/{self.digest[:2]}/{self.digest}{suffix}"
        target = Path(settings.MEDIA_ROOT) / place
        if target.exists() and target.stat().st_size == self.size:
            return place
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(target)
        _sync(target.parent)
        return place


@contextmanager
def incoming(source: Path | bytes, *, max_bytes: int = 0) -> Iterator[Incoming]:
    """Copy `source` next to where it will be kept, hashing it on the way; afterwards it is gone, unless kept.

    The copy is what is then inspected and kept, so that a file that changes meanwhile can't slip through.
    Raises EngineError where the disk is full or the source can't be read, MediaError past `max_bytes`.
    """
    folder = Path(settings.MEDIA_ROOT) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / uuid.uuid4().hex
    try:
        try:
            digest, size = _copied(source, copy, max_bytes)
        except OSError as error:
            name = "The file" if isinstance(source, bytes) else source.name
            raise EngineError(
                f"{name} can't be stored: {error.strerror or error}.",
                next_step="Check that it can be read and that the disk has room.",
            ) from error
        yield Incoming(copy, digest, size)
    finally:
        copy.unlink(missing_ok=True)


def digest_of(source: Path) -> str:
    """sha256 of a file. Raises OSError."""
    digest = hashlib.sha256()
    for chunk in _chunks(source):
        digest.update(chunk)
    return digest.hexdigest()


def _copied(source: Path | bytes, copy: Path, max_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with copy.open("xb") as target:
        for chunk in _chunks(source):
            digest.update(chunk)
            size += len(chunk)
            if max_bytes and size > max_bytes:
                name = "The file" if isinstance(source, bytes) else source.name
                raise MediaError(
                    f"{name} is larger than {max_bytes / 1e6:,.0f} MB.", reason="huge", next_step="Make it smaller."
                )
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest(), size


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _sync(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
