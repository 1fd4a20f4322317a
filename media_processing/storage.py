"""Content-addressed files under MEDIA_ROOT: they appear whole or not at all, and never change.

With `STORAGES["media"]` (a bucket that all hosts share), that storage is where they are kept, and MEDIA_ROOT holds
copies of those that this host had to do with. Since a file never changes, a copy can't be out of date.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from media_processing.decoding import MediaError
from media_processing.engine import EngineError

_CHUNK = 1 << 20
_DAY = 24 * 3600


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
        put(place, self.path)  # first: what lies in MEDIA_ROOT is in the shared storage, too
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
    copy = folder / uuid.uuid4().hex
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
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


def is_shared() -> bool:
    """Whether files are kept in a storage that several hosts share."""
    return "media" in settings.STORAGES


def put(place: str, source: Path) -> None:
    """Copy a file to `place` of the shared storage, if there is one. Raises EngineError where it doesn't take it."""
    if is_shared():
        with _asking(), source.open("rb") as file:
            shared = storages["media"]
            if shared.exists(place) and shared.size(place) != source.stat().st_size:
                shared.delete(place)  # half of it: its disk was full, or its writer was killed
            if not shared.exists(place):
                shared.save(place, File(file))


def local(place: str) -> Path:
    """Where a kept file is on this host; fetched from the shared storage, if there is one and it isn't here yet.

    Raises EngineError where the storage doesn't answer or holds other bytes. A file that is nowhere is just not there.
    """
    target = Path(settings.MEDIA_ROOT) / place
    if is_shared():
        try:
            if target.stat().st_mtime < time.time() - _DAY:
                os.utime(target)  # sweeping goes by it
        except FileNotFoundError:
            fetch(place, target, digest=target.name.partition(".")[0])
    return target


def fetch(place: str, target: Path, *, digest: str = "") -> bool:
    """Bring a file of the shared storage to `target`, whole or not at all; false where it has none.

    Raises EngineError where the storage doesn't answer, or where the bytes haven't the sha256 `digest`.
    """
    if not is_shared():
        return False
    folder = Path(settings.MEDIA_ROOT) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / uuid.uuid4().hex
    try:
        with _asking():
            try:
                with storages["media"].open(place) as file, copy.open("xb") as to:
                    shutil.copyfileobj(file, to, _CHUNK)
                    to.flush()
                    os.fsync(to.fileno())
            except FileNotFoundError:
                return False
        if digest and digest_of(copy) != digest:
            raise EngineError(
                f"The shared storage holds other bytes for {place}.", next_step="Put the file back from its copy."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        copy.replace(target)
        _sync(target.parent)
    finally:
        copy.unlink(missing_ok=True)
    return True


def remove(place: str) -> None:
    """Delete a kept file, here and in the shared storage. Raises EngineError where that doesn't answer."""
    if is_shared():
        with _asking():
            storages["media"].delete(place)
    (Path(settings.MEDIA_ROOT) / place).unlink(missing_ok=True)


@contextmanager
def _asking() -> Iterator[None]:
    """Says what any storage's library raises in words of ours: each has exceptions of its own."""
    try:
        yield
    except (FileNotFoundError, EngineError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EngineError("The shared storage is full.", next_step="Make room in it, then try again.") from error
        raise EngineError(
            f"The shared storage doesn't answer: {error}", next_step="Check S3_BUCKET, its keys, and that it is up."
        ) from error


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
