"""Files in a storage that hosts share: kept there first, fetched where they are needed, never wrong ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.conf import LazySettings
from django.core.files.storage import FileSystemStorage

from creator.services import sweeping
from media_processing import storage
from media_processing.engine import EngineError

CONTENT = b"afloat"


class Broken(FileSystemStorage):
    """A storage that is away."""

    def exists(self, name: str) -> NoReturn:
        raise ConnectionError("no route")

    def _open(self, name: str, mode: str = "rb") -> NoReturn:
        raise ConnectionError("no route")


@pytest.fixture
def shared(settings: LazySettings, tmp_path: Path) -> Path:
    """Where the shared storage keeps its files: any of Django's will do."""
    folder = tmp_path / "shared"
    use(settings, FileSystemStorage, location=folder)
    return folder


def use(settings: LazySettings, kind: type, **options: Any) -> None:
    backend = f"{kind.__module__}.{kind.__qualname__}"
    settings.STORAGES = {**settings.STORAGES, "media": {"BACKEND": backend, "OPTIONS": options}}


def kept() -> str:
    with storage.incoming(CONTENT) as copy:
        return copy.keep("renditions", ".bin")


def test_without_one_files_are_here_only(settings: LazySettings) -> None:
    assert not storage.is_shared()
    assert storage.local(kept()).read_bytes() == CONTENT
    assert storage.local("renditions/no/such.bin").exists() is False


def test_a_host_gets_what_another_one_kept(shared: Path) -> None:
    place = kept()
    assert (shared / place).read_bytes() == CONTENT
    here = storage.local(place)
    here.unlink()  # another host
    assert storage.local(place).read_bytes() == CONTENT
    storage.remove(place)
    assert not (shared / place).exists()
    assert not storage.local(place).exists()
    assert not list((here.parents[2] / "incoming").iterdir())


def test_other_bytes_are_refused(shared: Path) -> None:
    place = kept()
    storage.local(place).unlink()
    (shared / place).write_bytes(b"sunk")
    with pytest.raises(EngineError, match="holds other bytes"):
        storage.local(place)


def test_a_storage_that_is_away_keeps_nothing_and_says_so(settings: LazySettings, tmp_path: Path) -> None:
    use(settings, Broken, location=tmp_path / "shared")
    with pytest.raises(EngineError, match="doesn't answer: no route"):
        kept()
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.bin"))
    with pytest.raises(EngineError, match="doesn't answer"):
        storage.local("renditions/ab/abc.bin")


@pytest.mark.django_db
def test_copies_that_nobody_uses_go_and_come_back(shared: Path) -> None:
    place = kept()
    here = storage.local(place)
    sweeping.sweep(time.time() + sweeping.UNUSED + 60)
    assert not here.exists()
    assert storage.local(place).read_bytes() == CONTENT


@pytest.mark.django_db
def test_without_a_shared_storage_nothing_of_the_media_is_swept(settings: LazySettings) -> None:
    here = storage.local(kept())
    sweeping.sweep(time.time() + sweeping.UNUSED + 60)
    assert here.exists()
