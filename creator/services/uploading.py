"""Files that come in pieces: each is checked before its first byte, goes on where it was cut off, and is imported when
it is whole. What is counted in `Upload.offset` lies on the disk; what lies behind it is thrown away at the next piece.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import mimetypes
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.http import UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext as _

from creator.models import Upload, User, Workspace
from creator.services import importing, refusals
from creator.services.importing import MAX_FILE_BYTES, Given, Said
from media_processing import services as media
from media_processing.engine import EngineError
from media_processing.sniffing import ACCEPTED, looks_like, sniff

MAX_OPEN = 2000
"""Unfinished uploads of one person."""
SPARE_DISK = 512 * 2**20
"""Bytes that an upload leaves free."""
KEPT = timedelta(hours=24)
"""How long an unfinished upload waits for its next byte; sweeping takes its file then, too."""
HEAD = 64
"""Bytes that tell what a file is."""
CHUNK = 256 * 2**10
WRITTEN_EVERY = 4 * 2**20
"""Bytes after which what came without a checksum is written down."""
DIGESTS = ("sha1", "sha256", "md5")


class UploadError(EngineError):
    """Why bytes aren't taken; `status` is the HTTP status that says so."""

    def __init__(self, message: str, *, status: int, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step, permanent=True)
        self.status = status


def begin(
    workspace: Workspace, person: User, *, name: str, size: int, said: Mapping[str, str], kind: str = ""
) -> Upload:
    """Open an upload of `size` bytes. `kind` is the content type that the sender supposes.

    Raises UploadError for what could never be imported: too large, no picture, video or sound, no room.
    """
    name = PurePosixPath(name.replace("\\", "/")).name.strip()[:200] or "A file"
    if size > MAX_FILE_BYTES:
        raise UploadError(f"{name} is larger than 2 GB.", status=413, next_step="Cut or compress it first.")
    if size < 1:
        raise UploadError(f"{name} is empty.", status=400, next_step="Export it again.")
    told = mimetypes.guess_type(name)[0] or kind
    if told and told.partition("/")[0] not in ("image", "video", "audio") and told != "application/ogg":
        raise UploadError(f"{name} is no picture, video or sound.", status=415, next_step=f"Use {ACCEPTED}.")
    fresh = Upload.objects.filter(person=person, job=None, changed__gte=timezone.now() - KEPT)
    if fresh.count() >= MAX_OPEN:
        raise UploadError(
            f"{MAX_OPEN} files are on their way already.", status=429, next_step="Let some arrive, then add the rest."
        )
    if shutil.disk_usage(settings.DATA).free < size + SPARE_DISK:
        raise UploadError(
            "There is no room for it on the server's disk.", status=507, next_step="Ask whoever runs it to free some."
        )
    tags = media.clean_tags(said.get("tags", "").split(","))[:20]
    kept = {"licence": said.get("licence", "")[:100], "credit": said.get("credit", "")[:200], "tags": tags}
    upload = Upload.objects.create(workspace=workspace, person=person, name=name, size=size, said=kept)
    upload.path.parent.mkdir(parents=True)
    upload.path.touch()
    return upload


def append(upload: Upload, offset: int, read: Callable[[int], bytes], *, checksum: str = "") -> Upload:
    """Add what `read(most)` gives, until it gives nothing, behind the first `offset` bytes; import the file when it is
    whole. `checksum` is "sha256 <base64>" of what is added (sha1 and md5 work, too).

    Raises UploadError: 409 where the upload stands elsewhere, 413 for more bytes than were announced, 415 for a file of
    another kind, 460 where the checksum doesn't fit. Without a checksum, what came before the connection broke is kept.
    """
    digest, wanted = _digest(checksum)
    with _alone(upload):
        upload.refresh_from_db()
        if upload.job_id or offset != upload.offset:
            raise UploadError(f"{upload.name} stands at {upload.offset}.", status=409, next_step="Go on from there.")
        at = offset
        with upload.path.open("r+b") as file:
            file.truncate(offset)
            file.seek(offset)
            try:
                while piece := read(CHUNK):
                    at += len(piece)
                    if at > upload.size:
                        raise UploadError(f"{upload.name} has more bytes than it said.", status=413)
                    file.write(piece)
                    if digest:
                        digest.update(piece)
                    elif at - upload.offset >= WRITTEN_EVERY:
                        _write_down(upload, file, at)
            except UnreadablePostError:  # the connection broke
                if digest is None:
                    _write_down(upload, file, at)
                raise
            if digest and digest.digest() != wanted:
                raise UploadError("The bytes changed on their way.", status=460, next_step="Send them again.")
            _check_kind(upload, file, at)
            _write_down(upload, file, at)
        if upload.offset == upload.size:
            said = Said(upload.said["licence"], upload.said["credit"], tuple(upload.said["tags"]))
            given = Given(upload.path, upload.name)
            upload.job = importing.import_arrived(upload.workspace, given, said, by=upload.person)
            upload.save(update_fields=["job", "changed"])
    return upload


def _digest(checksum: str) -> tuple[Any, bytes]:
    if not checksum:
        return None, b""
    name, _, value = checksum.strip().partition(" ")
    try:
        if name not in DIGESTS:
            raise ValueError(name)
        return hashlib.new(name, usedforsecurity=False), base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        raise UploadError(f"Checksums are of {', '.join(DIGESTS)}, in Base64.", status=400) from None


def _check_kind(upload: Upload, file: Any, at: int) -> None:
    """Look at the first bytes as soon as they are there."""
    if upload.offset >= HEAD or (at < HEAD and at < upload.size):
        return
    file.flush()
    file.seek(0)
    head = file.read(1024)
    file.seek(at)
    if sniff(head) is None:
        discard(upload)
        raise UploadError(f"{upload.name} is {looks_like(head)}.", status=415, next_step=f"Use {ACCEPTED}.")


def _write_down(upload: Upload, file: Any, at: int) -> None:
    file.flush()
    os.fsync(file.fileno())
    os.utime(upload.path.parent)  # sweeping goes by it
    upload.offset = at
    upload.save(update_fields=["offset", "changed"])


@contextmanager
def _alone(upload: Upload) -> Iterator[None]:
    """One sender at a time: a second one, say the same page in another tab, is told to ask again."""
    try:
        lock = upload.path.with_name("lock").open("w")
    except FileNotFoundError:
        raise UploadError(
            f"{upload.name} isn't kept any more.", status=410, next_step="Send it from the start."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UploadError(f"{upload.name} is being sent already.", status=423, next_step="Wait a moment.") from None
        yield


def discard(upload: Upload) -> None:
    """Forget an upload and its bytes. One that was handed to an import is only forgotten."""
    if upload.job_id is None:
        shutil.rmtree(upload.path.parent, ignore_errors=True)
    upload.delete()


def told(upload: Upload) -> dict[str, Any]:
    """How far it is, for JSON: {"id", "name", "size", "offset", "job", and of an import that is done "result"}."""
    row: dict[str, Any] = {
        "id": str(upload.pk), "name": upload.name, "size": upload.size, "offset": upload.offset, "job": upload.job_id
    }  # fmt: skip
    if upload.job is not None:
        subject = upload.job.subject
        paths = [each["path"] for each in subject.get("files", ())]
        place = paths.index(str(upload.path)) if str(upload.path) in paths else -1
        results = subject.get("results", [])
        if 0 <= place < len(results):
            row["result"] = results[place]
        elif not upload.job.is_open:
            row["result"] = {"error": upload.job.error or _("It wasn't added."), "next_step": upload.job.next_step}
        said = row.get("result", {})
        for part in {"error", "next_step"} & said.keys():
            row["result"] = {**row["result"], part: refusals.told(said[part])}
    return row


def forget_old() -> int:
    """Drop the rows of uploads that nobody goes on with and of those that were imported. Returns how many."""
    count: int = Upload.objects.filter(changed__lt=timezone.now() - KEPT).delete()[0]
    return count
