"""Backups hold everything, are checked before they count, and come back, in a newer version too."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import subprocess
import tarfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from creator.services import backups
from media_processing.engine import EngineError
from tests.operations.servers import postgres
from tests.operations.test_canaries import ACT, PASSWORD, PROVIDER
from tests.processes import free_port, manage

STORY = """
from creator.models import User, Workspace
from tests.factories import finished_story
finished_story(Workspace.objects.get(), User.objects.get(username="owner"))
"""
COUNTS = "import json; from creator.services import backups; print(json.dumps(backups.counts()))"


def printed(data: Path, *args: str, **env: str) -> Any:
    return json.loads(manage(data, *args, **env).stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a finished story."""
    data = tmp_path_factory.mktemp("origin")
    manage(data, "set_up", "--no-samples")
    manage(data, "shell", "-c", STORY)
    return data


@pytest.fixture(scope="module")
def backup(origin: Path) -> Path:
    return Path(printed(origin, "backup", "--json")["file"])


def rewritten(backup: Path, target: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """A copy of a backup with each part changed, or left out where `change` says None."""
    with tarfile.open(backup) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            kept = change(member.name, content.read())
            if kept:
                info = tarfile.TarInfo(kept[0])
                info.size = len(kept[1])
                new.addfile(info, io.BytesIO(kept[1]))
    return target


@pytest.mark.slow
def test_what_was_backed_up_comes_back_elsewhere(origin: Path, backup: Path, tmp_path: Path) -> None:
    told = printed(tmp_path, "restore", str(backup), "--json")
    assert told["wrong"] == []
    assert printed(tmp_path, "shell", "-c", COUNTS) == printed(origin, "shell", "-c", COUNTS)
    files = sorted(path.relative_to(tmp_path) for path in (tmp_path / "media").rglob("*.*") if path.is_file())
    assert len(files) >= 6  # the same silence is one file
    assert all((origin / path).read_bytes() == (tmp_path / path).read_bytes() for path in files)
    assert "0 differences" in manage(tmp_path, "verify").stdout
    assert not list(tmp_path.glob("storyloom-restore-*"))


@pytest.mark.slow
def test_nothing_is_overwritten_unless_that_is_said(backup: Path, tmp_path: Path) -> None:
    printed(tmp_path, "restore", str(backup), "--json")
    with pytest.raises(AssertionError, match="Say --replace"):
        manage(tmp_path, "restore", str(backup))
    printed(tmp_path, "restore", str(backup), "--replace", "--json")
    (aside,) = tmp_path.glob("before-restore-*")
    assert (aside / "db.sqlite3").is_file()
    assert any((aside / "media").rglob("*.png"))


@pytest.mark.slow
def test_what_is_written_meanwhile_does_not_tear_it(origin: Path, tmp_path: Path) -> None:
    data = tmp_path / "busy"
    shutil.copytree(origin, data, ignore=shutil.ignore_patterns("backups"))
    over, rows = threading.Event(), 0

    def write() -> None:
        nonlocal rows
        with sqlite3.connect(data / "db.sqlite3", timeout=20) as connection:
            while not over.is_set():
                with connection:
                    for table in ("a", "b"):  # both or neither
                        connection.execute(f"create table if not exists {table} (n)")
                        connection.execute(f"insert into {table} values (?)", (rows,))
                rows += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = Path(printed(data, "backup", "--json")["file"])
    finally:
        over.set()
        writer.join()
    with tarfile.open(made) as tar:
        tar.extract(backups.DATABASE, tmp_path, filter="data")
    with sqlite3.connect(tmp_path / backups.DATABASE) as copy:
        assert copy.execute("pragma integrity_check").fetchone() == ("ok",)
        counted = [copy.execute(f"select count(*) from {table}").fetchone()[0] for table in ("a", "b")]
    assert rows > counted[0] > 0
    assert counted[0] == counted[1]


class TestWhatIsNoBackup:
    def test_a_changed_byte_is_named(self, backup: Path, tmp_path: Path) -> None:
        def change(name: str, content: bytes) -> tuple[str, bytes]:
            return name, bytes([content[0] ^ 1]) + content[1:] if name.endswith(".png") else content

        with pytest.raises(EngineError, match=r"media/.*\.png is not what it was"):
            backups.check(rewritten(backup, tmp_path / "b.tar", change))

    def test_a_missing_file_is_named(self, backup: Path, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match=r"media/.*\.wav is not what it was"):
            backups.check(
                rewritten(backup, tmp_path / "b.tar", lambda name, was: None if name.endswith("wav") else (name, was))
            )

    @pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
    def test_a_part_of_one(self, share: float, backup: Path, tmp_path: Path) -> None:
        cut = tmp_path / "b.tar"
        cut.write_bytes(backup.read_bytes()[: int(share * backup.stat().st_size)])
        with pytest.raises(EngineError, match="no whole backup"):
            backups.check(cut)

    @pytest.mark.parametrize("name", ["../evil", "/etc/evil", "media/../../evil", "secret_key"])
    def test_a_name_that_leads_out(self, name: str, backup: Path, tmp_path: Path) -> None:
        def change(was: str, content: bytes) -> tuple[str, bytes]:
            return (name, content) if was.endswith(".png") else (was, content)

        with pytest.raises(EngineError, match="has no place in a backup"):
            backups.check(rewritten(backup, tmp_path / "b.tar", change))

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("key", "value", "match"),
        [
            ("migrations", {"creator": "9999_from_the_future"}, "newer version"),
            ("database", "oracle", "holds a oracle database"),
        ],
    )
    def test_one_of_another_version_or_database(
        self, key: str, value: Any, match: str, backup: Path, tmp_path: Path
    ) -> None:
        def change(name: str, content: bytes) -> tuple[str, bytes]:
            if name == backups.MANIFEST:
                content = json.dumps(json.loads(content) | {key: value}).encode()
            return name, content

        with pytest.raises(EngineError, match=match):
            backups.restore(rewritten(backup, tmp_path / "b.tar", change))


def test_no_secret_is_in_it(origin: Path, backup: Path) -> None:
    secret = (origin / "secret_key").read_bytes().strip()
    assert len(secret) > 40
    assert secret not in backup.read_bytes()
    assert backup.stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_a_backup_each_night_and_fourteen_stay(settings: LazySettings, tmp_path: Path) -> None:
    settings.BACKUPS = tmp_path / "nights"
    settings.BACKUPS.mkdir()
    today = datetime.now(UTC).replace(hour=12)
    for days in range(1, 20):
        (settings.BACKUPS / f"storyloom-{today - timedelta(days=days):%Y%m%d}-020500.tar").touch()
    assert not backups.due(today.replace(hour=1))
    assert backups.due(today)
    (settings.BACKUPS / f"storyloom-{today:%Y%m%d}-020501.tar").touch()
    assert not backups.due(today)
    settings.BACKUPS = None
    assert not backups.due(today)


@pytest.mark.django_db
def test_verify_names_what_is_missing_and_what_is_changed(settings: LazySettings) -> None:
    from creator.models import User, Workspace
    from media_processing.models import Asset
    from tests.factories import finished_story

    workspace = Workspace.objects.create(slug="w", name="W")
    finished_story(workspace, User.objects.create(username="u"))
    assert backups.verify() == []
    gone, changed = Asset.objects.all()[:2]
    gone.file.unlink()
    changed.file.write_bytes(b"other")
    assert sorted(backups.verify()) == sorted(
        [f"asset {gone.pk}: {gone.path} can't be read (No such file or directory)",
         f"asset {changed.pk}: {changed.path} holds other bytes"]
    )  # fmt: skip


@pytest.mark.servers
@pytest.mark.slow
def test_postgres_comes_back_too_and_its_dump_holds_no_secret(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with postgres(tmp_path / "pg1") as one, postgres(tmp_path / "pg2") as two:
        urls = [f"postgresql://storyloom:river@127.0.0.1:{port}/storyloom" for port in (one, two)]
        env = {
            "DATABASE_URL": urls[0], "WRITER": "openai", "WRITER_MODEL": "tiny", "OPENAI_API_KEY": PROVIDER,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1",
        }  # fmt: skip
        acted = manage(first, "shell", "-v", "0", "-c", ACT.format(password=PASSWORD), timeout=290, **env)
        secrets = json.loads(acted.stdout.strip().splitlines()[-1])
        manage(first, "shell", "-c", STORY, DATABASE_URL=urls[0])
        made = printed(first, "backup", "--json", DATABASE_URL=urls[0])["file"]
        told = printed(second, "restore", made, "--json", DATABASE_URL=urls[1])
        assert told["wrong"] == []
        counted = [
            printed(data, "shell", "-c", COUNTS, DATABASE_URL=url)
            for data, url in zip((first, second), urls, strict=True)
        ]
        assert counted[0] == counted[1]
    with tarfile.open(made) as tar:
        dump = tar.extractfile(backups.DATABASE)
        assert dump is not None
        rows = subprocess.run(["pg_restore", "--file=-"], input=dump.read(), capture_output=True, check=True).stdout
    assert secrets["secret"][:10].encode() in rows, "what may be known of a key would be found"
    token = secrets["link"].partition("sesame=")[2]
    for canary in (PROVIDER, PASSWORD, secrets["secret"], secrets["signing"], token):
        assert canary.encode() not in rows
