"""Backups: one file with the database and the media, each part with its digest, read back in full before it counts.

A backup is a plain tar: `database` first, then the media as they lie under MEDIA_ROOT, and at the very end
`manifest.json`, so that one that was cut short is seen to be. What can be made again (indexes, caches, pieces of films)
is left out, and so are keys and secrets: whoever holds a backup can't sign as this installation.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.migrations.loader import MigrationLoader

from creator.models import Story, Worker
from creator.services import setup
from media_processing import storage
from media_processing.engine import EngineError
from media_processing.models import Asset, Rendition

DATABASE, MANIFEST, MEDIA = "database", "manifest.json", "media/"
KEPT = 14
"""Nightly backups that stay."""
NIGHTLY_HOUR = 2
"""UTC."""
_CHUNK = 1 << 20
_UNFINISHED = ("incoming/",)
_OURS = ("creator_", "search_", "generation_", "media_processing_", "moderation_")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """A backup that was read back and found whole."""

    file: Path
    size: int
    """Bytes."""
    files: int
    """Of the media."""


def write(folder: Path, *, say: Say = lambda _text: None, media: bool = True) -> Written:
    """Write `storyloom-<time>.tar` into `folder` and read it back. It appears whole or not at all. Raises EngineError.

    The database is copied first: what is stored while the media are copied is not missed by it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"storyloom-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
    partial = folder / f".{name}.{uuid.uuid4().hex[:8]}.partial"
    try:
        with _refusing_full_disks(folder):
            partial.touch(mode=0o600)
            say("Copying the database ...")
            files = _pack(partial, media=media, say=say)
            say("Reading it back ...")
            check(partial)
            partial.replace(folder / name)
    finally:
        partial.unlink(missing_ok=True)
    return Written(folder / name, (folder / name).stat().st_size, files)


def check(file: Path) -> dict[str, Any]:
    """The manifest of a backup whose every byte is as it says. Raises EngineError naming the first part that isn't."""
    digests: dict[str, str] = {}
    manifest: dict[str, Any] = {}
    with _explaining(file):
        for name, content in _members(file):
            if name == MANIFEST:
                manifest = json.load(content)
            else:
                digests[name] = _digest(content)
    if not manifest:
        raise _broken(file, "its end is missing")
    expected: dict[str, str] = manifest["digests"]
    for name in sorted(expected.keys() | digests.keys()):
        if expected.get(name) != digests.get(name):
            raise _broken(file, f"{name} is not what it was")
    return manifest


def restore(file: Path, *, replace: bool = False, say: Say = lambda _text: None) -> dict[str, Any]:
    """Put a backup in the place of what is here, bring it to this version, and verify it. Returns its manifest.

    With `replace`, the media that are here move aside to `before-restore-<time>` (as does SQLite's file); without it,
    only an empty installation is filled. Stop web and worker first. Raises EngineError before anything is touched where
    the backup is broken, newer than this version, or of another kind of database.
    """
    say("Checking the backup ...")
    manifest = check(file)
    _refuse_strangers(file, manifest)
    empty = _is_empty()
    if not replace and not empty:
        raise EngineError(
            "There is something here already.", next_step="Say --replace to move it aside first.", permanent=True
        )
    aside = settings.DATA / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    with tempfile.TemporaryDirectory(prefix="storyloom-restore-", dir=settings.DATA) as name, _refusing_full_disks(
        settings.DATA
    ):
        unpacked = Path(name)
        say("Unpacking ...")
        for member, content in _members(file):
            target = unpacked / member
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as to:
                shutil.copyfileobj(content, to, _CHUNK)
        say("Replacing the database ...")
        connections.close_all()
        _replace_media(unpacked / MEDIA, aside)
        if connection.vendor == "postgresql":
            _restore_postgres(unpacked / DATABASE)
        else:
            _restore_sqlite(unpacked / DATABASE, None if empty else aside)
    found, said = counts(), manifest["rows"]  # before the migrations, which may add some
    differing = [f"{name} ({found[name]} instead of {said[name]})" for name in said if found.get(name, 0) != said[name]]
    if differing:
        raise EngineError(f"After restoring, rows are missing: {', '.join(differing)}.", next_step="Restore again.")
    say("Migrating ...")
    call_command("migrate", verbosity=0, interactive=False)
    shutil.rmtree(settings.INDEX_ROOT, ignore_errors=True)  # derived: made anew from the database
    return manifest


def verify(*, say: Say = lambda _text: None) -> list[str]:
    """What is wrong with the files that the database knows, one line each: missing, or other bytes than they had."""
    wrong = []
    for model in (Asset, Rendition):
        for each in model.objects.only("pk", "path", "digest").order_by("path").iterator():
            what = f"{model.__name__.lower()} {each.pk}"
            try:
                if storage.digest_of(each.file) != each.digest:
                    wrong.append(f"{what}: {each.path} holds other bytes")
            except OSError as error:
                wrong.append(f"{what}: {each.path} can't be read ({error.strerror})")
        say(f"{model.__name__} ...")
    return wrong


def counts() -> dict[str, int]:
    """Rows of each of our tables."""
    with connection.cursor() as cursor:
        return _counted(cursor, connection.introspection.table_names(cursor))


def _counted(cursor: Any, tables: Iterable[str]) -> dict[str, int]:
    found = {}
    for table in sorted(table for table in tables if table.startswith(_OURS)):
        cursor.execute(f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608 a table's name, from the database itself
        found[table] = cursor.fetchone()[0]
    return found


def due(now: datetime) -> bool:
    """Whether tonight's backup is wanted and isn't there yet."""
    if settings.BACKUPS is None or now.astimezone(UTC).hour < NIGHTLY_HOUR:
        return False
    newest = max((path.name for path in settings.BACKUPS.glob("storyloom-*.tar")), default="")
    return newest < f"storyloom-{now.astimezone(UTC):%Y%m%d}-{NIGHTLY_HOUR:02}"


def nightly(now: datetime) -> None:
    """Write tonight's backup where it is due, and let those beyond the last fourteen go."""
    folder = settings.BACKUPS
    if folder is not None and due(now):
        write(folder, media=not storage.is_shared())  # a bucket is backed up by itself
        for old in sorted(folder.glob("storyloom-*.tar"))[:-KEPT]:
            old.unlink()


def _pack(partial: Path, *, media: bool, say: Say) -> int:
    digests: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="storyloom-backup-", dir=settings.DATA) as name:
        copy = Path(name) / DATABASE
        rows = (_copy_postgres if connection.vendor == "postgresql" else copy_sqlite)(copy)
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, copy, DATABASE, digests)
            if media:
                say("Copying the media ...")
                for path in sorted(settings.MEDIA_ROOT.rglob("*")):
                    place = path.relative_to(settings.MEDIA_ROOT).as_posix()
                    if path.is_file() and not place.startswith(_UNFINISHED):
                        _add(tar, path, MEDIA + place, digests)
            manifest = Path(name) / MANIFEST
            manifest.write_text(json.dumps(_manifest(digests, rows)), encoding="utf-8")
            tar.add(manifest, MANIFEST)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    return len(digests) - 1


def _add(tar: tarfile.TarFile, path: Path, name: str, digests: dict[str, str]) -> None:
    try:
        with path.open("rb") as file:
            digests[name] = _digest(file)
        tar.add(path, name, recursive=False)
    except FileNotFoundError:  # swept away since: nothing refers to it any more
        digests.pop(name, None)


def _manifest(digests: dict[str, str], rows: dict[str, int]) -> dict[str, Any]:
    leaves = MigrationLoader(connection).graph.leaf_nodes()
    return {
        "made": datetime.now(UTC).isoformat(), "database": connection.vendor, "migrations": dict(leaves),
        "rows": rows, "digests": digests,
    }  # fmt: skip


def _refuse_strangers(file: Path, manifest: dict[str, Any]) -> None:
    if manifest["database"] != connection.vendor:
        raise EngineError(
            f"{file.name} holds a {manifest['database']} database, and this installation uses {connection.vendor}.",
            next_step="Set DATABASE_URL to the same kind of database.", permanent=True,
        )  # fmt: skip
    known = MigrationLoader(None).disk_migrations
    for app, name in manifest["migrations"].items():
        if (app, name) not in known:
            raise EngineError(
                f"{file.name} was made by a newer version: it knows {app}.{name}.",
                next_step="Update Storyloom first, then restore.", permanent=True,
            )  # fmt: skip


def in_use() -> bool:
    """Whether a worker is up."""
    return Worker._meta.db_table in connection.introspection.table_names() and setup.worker_is_up()


def _is_empty() -> bool:
    there = Asset._meta.db_table in connection.introspection.table_names()
    return not there or not (Asset.objects.exists() or Story.objects.exists())


def _replace_media(unpacked: Path, aside: Path) -> None:
    if settings.MEDIA_ROOT.exists() and any(settings.MEDIA_ROOT.iterdir()):
        aside.mkdir(exist_ok=True)
        settings.MEDIA_ROOT.rename(aside / "media")
    unpacked.mkdir(exist_ok=True)
    settings.MEDIA_ROOT.parent.mkdir(parents=True, exist_ok=True)
    if settings.MEDIA_ROOT.exists():
        settings.MEDIA_ROOT.rmdir()
    unpacked.rename(settings.MEDIA_ROOT)


def copy_sqlite(copy: Path) -> dict[str, int]:
    """A consistent copy of the SQLite database, while others write to it. Returns the rows of each of our tables."""
    with closing(sqlite3.connect(_sqlite_file(), timeout=20)) as ours, closing(sqlite3.connect(copy)) as theirs:
        ours.backup(theirs)
        theirs.execute("PRAGMA journal_mode=DELETE")
        tables = [name for (name,) in theirs.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return _counted(theirs.cursor(), tables)


def _restore_sqlite(copy: Path, aside: Path | None) -> None:
    file = _sqlite_file()
    for part in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        if aside is None:
            part.unlink(missing_ok=True)
        elif part.exists():
            aside.mkdir(exist_ok=True)
            part.rename(aside / part.name)
    copy.rename(file)


def _sqlite_file() -> Path:
    return Path(connection.settings_dict["NAME"])


def _copy_postgres(copy: Path) -> dict[str, int]:
    with transaction.atomic(), connection.cursor() as cursor:  # what is counted is what is dumped
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        _postgres("pg_dump", "--format=custom", f"--snapshot={cursor.fetchone()[0]}", f"--file={copy}")
        return _counted(cursor, connection.introspection.table_names(cursor))


def _restore_postgres(copy: Path) -> None:
    _postgres("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", f"--dbname={_name()}", copy)


def _postgres(program: str, *args: str | Path) -> None:
    found = shutil.which(program)
    if not found:
        raise EngineError(
            f"{program} is missing.", next_step="Install it: apt install postgresql-client", permanent=True
        )
    told = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    wanted = {variable: str(told[name]) for variable, name in names.items() if told[name]}
    done = subprocess.run([found, *args], env={**os.environ, **wanted}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(f"{program} failed: {done.stderr.strip()[-500:]}", next_step="Check DATABASE_URL.")


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _members(file: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The regular files of a tar under names that stay inside. Raises EngineError for anything else."""
    with tarfile.open(file, "r:") as tar:
        for member in tar:
            ours = member.name in (DATABASE, MANIFEST) or member.name.startswith(MEDIA)
            content = tar.extractfile(member) if member.isreg() and ours else None
            if content is None or ".." in Path(member.name).parts:
                raise _broken(file, f"{member.name!r} has no place in a backup")
            yield member.name, content


@contextmanager
def _explaining(file: Path) -> Iterator[None]:
    """What goes wrong with reading a backup, as an EngineError."""
    try:
        yield
    except (tarfile.TarError, EOFError, json.JSONDecodeError) as error:
        raise _broken(file, str(error)) from error
    except OSError as error:
        raise EngineError(f"{file} can't be read: {error.strerror or error}.", next_step="Check the path.") from error


def _digest(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _broken(file: Path, why: str) -> EngineError:
    return EngineError(f"{file.name} is no whole backup: {why}.", next_step="Use another one.", permanent=True)


@contextmanager
def _refusing_full_disks(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineError(
            f"The backup can't be written: {error.strerror or error}.", next_step=f"Make room in {folder}."
        ) from error
