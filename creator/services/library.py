"""Verbs of the library: bring files in, make them searchable, find them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from PIL import Image

from creator import jobs
from creator.jobs import Work
from creator.models import Job, User, Workspace
from media_processing import decoding
from media_processing import services as media
from media_processing.engine import EngineError, Progress, no_progress
from media_processing.models import Asset, Transcript
from search import services as search

MAX_FILES = 500
MAX_FILE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    name: str
    asset: Asset | None
    created: bool
    error: str = ""
    next_step: str = ""


@contextmanager
def scratch_file(content: bytes, suffix: str) -> Iterator[Path]:
    """Bytes as a file for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        yield path


def import_file(
    workspace: Workspace, source: Path, *, name: str = "", by: User | None = None, licence: str = "", credit: str = "",
    tags: Sequence[str] = (), progress: Progress = no_progress,
) -> Imported:  # fmt: skip
    """Bring one file into the library and make it searchable. A bad file gets its error; nothing is raised for it."""
    name = name or source.name
    result = media.import_file(
        workspace.pk, source, name=name, licence=licence, credit=credit, tags=tags, added_by_id=by.pk if by else None
    )
    if result.asset is None:
        return Imported(name, None, False, result.error, result.next_step)
    try:
        make_searchable(result.asset, progress=progress)
    except EngineError as error:
        return Imported(name, result.asset, result.created, error.message, error.next_step)
    return Imported(name, result.asset, result.created)


def make_searchable(asset: Asset, *, progress: Progress = no_progress) -> None:
    """Transcribe what is spoken in an asset, cut it into moments and embed each one's key frame."""
    if asset.moments.exists():
        return
    if asset.has_sound and not Transcript.objects.filter(asset=asset).exists():
        # A sound whose speech can't be read is still found by its title and tags.
        with suppress(EngineError):
            media.transcribe_asset(asset, progress=progress)
    stretches = media.stretches(asset)
    search.index_asset(asset, stretches, [key_frame(asset, stretch.key_time) for stretch in stretches])
    progress(1.0)


def key_frame(asset: Asset, second: float) -> Image.Image | None:
    """The picture of an asset at a second; None for a sound."""
    if asset.kind == Asset.Kind.AUDIO:
        return None
    if asset.kind == Asset.Kind.VIDEO:
        return decoding.frame_at(asset.file, second, max_side=512)
    return decoding.open_picture(asset.file, max_side=512)


def keep(
    workspace: Workspace, content: bytes, *, title: str, alt: str, tags: Sequence[str], made_by: dict[str, Any],
    domain: str = "illustrations", licence: str = "Made by Storyloom", by: User | None = None,
) -> Asset:  # fmt: skip
    """Keep something that an engine made as an asset, searchable like any other."""
    asset, _created = media.store_asset(
        workspace.pk, content, title=title[:300], alt=alt[:500], tags=list(tags), made_by=made_by, domain=domain,
        licence=licence, added_by_id=by.pk if by else None,
    )  # fmt: skip
    for recipe in media.recipes_for(asset):
        media.rendition_of(asset, recipe)
    make_searchable(asset)
    return asset


def import_files(
    workspace: Workspace, *, by: User | None, files: Iterable[UploadedFile[Any]], licence: str = "", credit: str = "",
    tags: Sequence[str] = (),
) -> Job:  # fmt: skip
    """Take uploaded files and have a worker bring them in; the job's subject says what became of each."""
    given = list(files)
    if not given:
        raise EngineError("There is no file.", next_step="Choose one or more files.")
    if len(given) > MAX_FILES:
        raise EngineError(f"At most {MAX_FILES} files at once.", next_step="Import the rest afterwards.")
    if large := next((file for file in given if (file.size or 0) > MAX_FILE_BYTES), None):
        raise EngineError(f"{large.name} is larger than 2 GB.", next_step="Cut or compress it first.")
    waiting = []
    folder = Path(settings.DATA) / "uploads" / uuid4().hex
    folder.mkdir(parents=True)
    for number, file in enumerate(given):
        path = folder / str(number)
        with path.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        waiting.append({"name": (file.name or f"file {number + 1}")[:200], "path": str(path)})
    return jobs.submit(
        "import_assets", workspace=workspace, person=by, files=waiting, licence=licence[:100], credit=credit[:200],
        tags=[tag.strip()[:50] for tag in tags if tag.strip()][:20],
    )  # fmt: skip


def import_waiting(work: Work) -> None:
    """Bring in the files of a job, one after the other; what became of each is kept in its subject."""
    subject = work.job.subject
    results = subject.setdefault("results", [])
    files = subject["files"]
    work.begin("import", len(results) / max(1, len(files)))
    for number, file in enumerate(files[len(results) :], start=len(results)):
        path = Path(file["path"])
        done = import_file(
            work.job.workspace, path, name=file["name"], by=work.job.person, licence=subject["licence"],
            credit=subject["credit"], tags=subject["tags"],
        )  # fmt: skip
        with work.effect():
            results.append(
                {"name": done.name, "asset": str(done.asset.pk) if done.asset else None, "created": done.created,
                 "error": done.error, "next_step": done.next_step}
            )  # fmt: skip
            work.job.save(update_fields=["subject"])
            jobs.note(work.job, "import.file", **results[-1])
        path.unlink(missing_ok=True)
        work.report((number + 1) / len(files))
    if files:
        with suppress(OSError):  # not empty: another try of this job still reads it
            Path(files[0]["path"]).parent.rmdir()
