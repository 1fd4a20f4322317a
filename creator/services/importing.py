"""Bringing files into the library: uploads, folders, a watched folder; and filling in what older rows lack.

Files go through in batches. Each file of a batch is copied, decoded once and given its tile in one of a few threads,
while the batch before is embedded as a whole and written in one transaction. So memory is bounded by two batches,
whatever the number of files. What is there already is told by its bytes and left alone: an import that was cut off is
simply done again, and goes on at the first file that is missing.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from creator import jobs
from creator.jobs import Work
from creator.models import Collection, Job, User, Workspace
from creator.services import collections, library
from media_processing import services as media
from media_processing import storage
from media_processing.engine import EngineError, Progress, engines, no_progress
from media_processing.models import Asset, AssetQuerySet
from media_processing.services import Prepared
from search import services as search
from search.models import Moment

MAX_FILES = 500
"""Of one upload. A folder may hold any number."""
MAX_FILE_BYTES = 2 * 1024**3
TOGETHER = timedelta(seconds=1)
"""How long a file that came by itself waits for others to be imported with."""
BATCH = 16
"""Files that are embedded and written together."""
KEPT = MAX_FILES
"""Results that a job keeps: of an upload all, of a folder what went wrong."""


@dataclass(frozen=True)
class Given:
    """A file to bring in, and what the person called it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Said:
    """What the person says of all files of an import."""

    licence: str = ""
    credit: str = ""
    tags: tuple[str, ...] = ()
    collection: str = ""
    """The name of a collection that they go into; made where there is none."""


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    name: str
    asset_id: UUID | None = None
    created: bool = False
    error: str = ""
    next_step: str = ""

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name, "asset": str(self.asset_id) if self.asset_id else None, "created": self.created,
            "error": self.error, "next_step": self.next_step,
        }  # fmt: skip


Looked: TypeAlias = Prepared | Imported
"""A file that can be used, or why it can't."""


def bring_in(
    workspace: Workspace, files: Iterable[Given], said: Said = Said(), *, by: User | None = None,
    effect: Callable[[], AbstractContextManager[None]] = nullcontext, check: Progress = no_progress,
) -> Iterator[list[Imported]]:  # fmt: skip
    """Bring files in and make them searchable; yields what became of each, batch by batch, in order.

    A bad file gets its error; nothing is raised for it. `effect` makes the transactions in which assets are written,
    `check` is called with 0 while something takes long and may raise to stop the import.
    """
    collection = _collection(workspace, said.collection)
    # Two more than cores: one or another always waits for the disk.
    pool = ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0)) + 2, thread_name_prefix="import")
    under_way: deque[tuple[Sequence[Given], dict[Path, Asset], dict[Path, Future[Looked]]]] = deque()
    try:
        left = iter(files)
        while batch := list(islice(left, BATCH)):
            known = media.known_among(workspace.pk, [each.path for each in batch])
            begun = {each.path: pool.submit(_looked, each) for each in batch if each.path not in known}
            under_way.append((batch, known, begun))
            if len(under_way) > 1:
                yield _finished(workspace, *under_way.popleft(), said, collection, by, effect, check)
        while under_way:
            yield _finished(workspace, *under_way.popleft(), said, collection, by, effect, check)
    finally:
        pool.shutdown(cancel_futures=True)


def _collection(workspace: Workspace, name: str) -> Collection | None:
    if not name:
        return None
    there = Collection.objects.filter(workspace=workspace, name__iexact=" ".join(name.split())).first()
    return there or collections.create(workspace, name)


def _looked(given: Given) -> Looked:
    try:
        return media.prepare(given.path, name=given.name, max_bytes=MAX_FILE_BYTES)
    except EngineError as error:
        return Imported(given.name, error=error.message, next_step=error.next_step)


def _finished(
    workspace: Workspace, batch: Sequence[Given], known: dict[Path, Asset], begun: dict[Path, Future[Looked]],
    said: Said, collection: Collection | None, by: User | None,
    effect: Callable[[], AbstractContextManager[None]], check: Progress,
) -> list[Imported]:  # fmt: skip
    """Write a batch and make it searchable."""
    looked = {path: _awaited(future, check) for path, future in begun.items()}
    prepared = {path: look for path, look in looked.items() if isinstance(look, Prepared)}
    with effect():
        recorded = media.record(
            workspace.pk, list(prepared.values()), licence=said.licence, credit=said.credit, tags=said.tags,
            added_by_id=by.pk if by else None,
        )  # fmt: skip
        there = dict(zip(prepared, recorded, strict=True)) | {path: (asset, False) for path, asset in known.items()}
        if collection is not None:
            collections.add(collection, {asset.pk: asset for asset, _ in there.values()}.values())
    looks = {there[path][0].pk: look for path, look in prepared.items()}
    errors = _make_searchable({asset.pk: asset for asset, _ in there.values()}, looks, check)
    results = []
    for each in batch:
        look = looked.get(each.path)
        if isinstance(look, Imported):
            results.append(look)
            continue
        asset, created = there[each.path]
        error = errors.get(asset.pk)
        results.append(
            Imported(each.name, asset.pk, created, error.message if error else "", error.next_step if error else "")
        )
    return results


def _awaited(future: Future[Looked], check: Progress) -> Looked:
    while True:
        try:
            return future.result(timeout=1)
        except TimeoutError:
            check(0.0)


def _make_searchable(
    assets: dict[UUID, Asset], looks: dict[UUID, Prepared], check: Progress
) -> dict[UUID, EngineError]:
    """Index those that have no moments yet: pictures that were just decoded together, the others one by one."""
    done = set(search.indexed(assets))
    errors: dict[UUID, EngineError] = {}
    together: list[search.Findable] = []
    for number, asset in assets.items():
        look = looks.get(number)
        if number in done:
            continue
        if look is not None and asset.kind == Asset.Kind.IMAGE:
            together.append(search.Findable(asset, media.stretches(asset), [look.picture], [look.pdq]))
            continue
        try:
            library.make_searchable(asset, progress=lambda _share: check(0.0))
        except EngineError as error:
            errors[number] = error
    try:
        search.index_assets(together)
    except EngineError as error:
        errors |= {each.asset.pk: error for each in together}
    return errors


# Jobs ----------------------------------------------------------------------------------------------------------------


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
        waiting.append({"name": (file.name or f"file {number + 1}")[:200], "path": _share(path)})
    return _submit(workspace, by, Said(licence, credit, tuple(tags)), files=waiting)


def import_arrived(workspace: Workspace, given: Given, said: Said, *, by: User) -> Job:
    """Have a worker bring in a file that is here already: together with those that came just before it."""
    listed = {"name": given.name, "path": _share(given.path)}
    with transaction.atomic():
        waiting = Job.objects.select_for_update().filter(
            workspace=workspace, person=by, kind="import_assets", state=Job.State.WAITING, attempt=0
        )
        for job in waiting.order_by("-id")[:5]:
            subject = job.subject
            same = Said(subject["licence"], subject["credit"], tuple(subject["tags"]), subject["collection"]) == said
            if same and 0 < len(subject.get("files", ())) < MAX_FILES:
                subject["files"].append(listed)
                job.save(update_fields=["subject"])
                return job
        return _submit(workspace, by, said, due=timezone.now() + TOGETHER, files=[listed])


def import_folder(
    workspace: Workspace, folder: Path, said: Said = Said(), *, by: User | None = None, recursive: bool = True
) -> Job:  # fmt: skip
    """Have a worker bring in a folder of its machine. For commands: nobody may name such a folder over the web."""
    if not folder.is_dir():
        raise EngineError(f"{folder} is no folder.", next_step="Name one that this machine can read.")
    return _submit(workspace, by, said, folder=str(folder.resolve()), recursive=recursive)


def import_watched(workspace: Workspace, paths: Sequence[Path]) -> Job:
    """Have a worker bring in new files of the watched folder, behind what people wait for."""
    return _submit(workspace, None, Said(), priority=-5, watched=[str(path) for path in paths])


def _shared_place(path: Path) -> str:
    """Where other hosts find an upload, as long as it waits for its import: uploads/<id>/<name>."""
    return "/".join(path.parts[-3:])


def _brought(path: Path) -> Path:
    """An upload on this host, wherever another one took it in."""
    if not storage.is_shared():
        return path
    here = Path(settings.DATA, *path.parts[-3:])
    if not here.exists():
        storage.fetch(_shared_place(path), here)
    return here


def _share(path: Path) -> str:
    """The path of an upload, which workers on other hosts can now reach, too."""
    if storage.is_shared():
        storage.put(_shared_place(path), path)
    return str(path)


def _submit(
    workspace: Workspace, by: User | None, said: Said, *, priority: int = 0, due: datetime | None = None, **subject: Any
) -> Job:  # fmt: skip
    return jobs.submit(
        "import_assets", workspace=workspace, person=by, priority=priority, due=due, **subject,
        licence=said.licence[:100], credit=said.credit[:200], tags=media.clean_tags(said.tags)[:20],
        collection=said.collection,
    )  # fmt: skip


def files_in(folder: Path, *, recursive: bool = True) -> list[Path]:
    """The files of a folder in order, for an import: no hidden and no partial ones, no link out of the folder."""
    root = folder.resolve()
    found: list[Path] = []
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        found += [Path(place) / name for name in names if not _UNFINISHED(name)]
    return sorted(path for path in found if path.is_file() and path.resolve().is_relative_to(root))


_UNFINISHED = re.compile(
    r"[.~].*|.*(~|\.(part|partial|tmp|temp|crdownload|download|filepart|swp))", re.IGNORECASE
).fullmatch
"""What programs call a file while they write it, and what they hide."""


def import_waiting(work: Work) -> None:
    """Bring in the files of a job; counts, and as many results as a page can show, are kept in its subject.

    An upload goes on behind the files that are done, a folder behind the last path that was done.
    """
    subject = work.job.subject
    files = _files_of(subject)
    if "files" in subject:
        files = [Given(_brought(each.path), each.name) for each in files]
    counts = subject.setdefault("counts", {"new": 0, "known": 0, "bad": 0})
    results = subject.setdefault("results", [])
    done = already = sum(counts.values())
    total = subject["total"] = already + len(files)
    said = Said(subject["licence"], subject["credit"], tuple(subject["tags"]), subject.get("collection", ""))
    began = time.monotonic()
    work.begin("import", done / max(1, total))
    for batch in bring_in(
        work.job.workspace, files, said, by=work.job.person, effect=work.effect, check=lambda _share: work.check()
    ):
        for each in batch:
            counts["bad" if each.error else "new" if each.created else "known"] += 1
            if len(results) < KEPT and (each.error or "files" in subject):
                results.append(each.told())
        last, done = files[done - already + len(batch) - 1], done + len(batch)
        left = (time.monotonic() - began) / (done - already) * (total - done)
        subject |= {"after": str(last.path), "seconds_left": round(left)}
        with work.effect():
            Job.objects.filter(pk=work.job.pk).update(subject=subject)
            jobs.note(work.job, "import.files", done=done, total=total, seconds_left=round(left), **counts)
        if "files" in subject:  # copies of our own
            for given in files[done - already - len(batch) : done - already]:
                given.path.unlink(missing_ok=True)
                if storage.is_shared():
                    storage.remove(_shared_place(given.path))
                with suppress(OSError):  # not empty: the others of the same form are in it
                    given.path.with_name("lock").unlink(missing_ok=True)
                    given.path.parent.rmdir()
        work.report(done / total)
    if counts["new"]:
        submit_filling_in(work.job.workspace)


def _files_of(subject: dict[str, Any]) -> list[Given]:
    """The files of a job that aren't done yet."""
    if "folder" in subject:
        after = Path(subject.get("after", ""))
        paths = files_in(Path(subject["folder"]), recursive=subject["recursive"])
        return [Given(path, path.name) for path in paths if "after" not in subject or path > after]
    listed = [Given(Path(path), Path(path).name) for path in subject.get("watched", ())]
    listed += [Given(Path(each["path"]), each["name"]) for each in subject.get("files", ())]
    return listed[sum(subject.get("counts", {}).values()) :]


# What older rows lack -------------------------------------------------------------------------------------------------

UNREADABLE, READER = "unreadable", "reader"
"""Keys of an asset's metadata: why its file can't be read any more, and who looked for text in it."""
FILLED = ("title", "alt", "tags", "credit", "colours", "taken", "metadata", "seen_text", "looks", "quality")


def lacking(workspace: Workspace) -> AssetQuerySet:
    """The assets that an import of today would know more of: colours, hashes, looks, words inside it, text in it."""
    seen = Asset.objects.in_workspace(workspace.pk).exclude(kind=Asset.Kind.AUDIO).exclude(metadata__has_key=UNREADABLE)
    wanted = Q(colours=[]) | Q(quality=None)
    if not engines["reader"].problems():
        wanted |= ~Q(metadata__has_key=READER)
    return seen.filter(wanted).order_by("created", "id")


def fill_in(asset: Asset) -> None:
    """Fill in what `lacking` looks for, and only where it is empty: what a person wrote stays."""
    reader = engines["reader"]
    moments = list(Moment.objects.filter(asset=asset))
    key_times = [moment.key_time for moment in moments]
    old = not asset.colours or asset.quality is None
    try:
        if old:
            media.look_again(asset)
            for moment, picture in zip(moments, media.key_frames(asset, key_times), strict=True):
                moment.pdq = media.hash_of(picture) if picture is not None else ""
        if not reader.problems() and READER not in asset.metadata:
            asset.seen_text = media.text_seen_in(asset, key_times)
            asset.metadata[READER] = reader.model
    except EngineError as error:
        asset.metadata[UNREADABLE] = error.message
    with transaction.atomic():
        asset.save(update_fields=FILLED)
        if old:
            Moment.objects.bulk_update(moments, ["pdq"])
        search.refresh_words(asset)


def fill_in_all(workspace: Workspace) -> Iterator[tuple[int, int]]:
    """Fill in what a workspace's assets lack, yielding how many are done of how many after each; may be cut off."""
    total = lacking(workspace).count()
    done = 0
    while batch := list(lacking(workspace)[:BATCH]):
        for asset in batch:
            fill_in(asset)
            done += 1
            yield done, max(done, total)


def fill_in_waiting(work: Work) -> None:
    """The job that does so."""
    work.begin("looking")
    for done, total in fill_in_all(work.job.workspace):
        work.check()
        work.report(min(done / total, 0.99))


def submit_filling_in(workspace: Workspace) -> None:
    """Ask for it behind all other work, where there is something to fill in and nobody asked yet."""
    waiting = Job.objects.filter(workspace=workspace, kind="fill_in", state=Job.State.WAITING)
    if not waiting.exists() and lacking(workspace).exists():
        jobs.submit("fill_in", workspace=workspace, priority=-10)
