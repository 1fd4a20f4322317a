"""What tests share: the cast, a library folder of their own, no network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from creator.models import Membership, User, Workspace
from media_processing.engine import engines
from tests.append_only import decisions_may_go  # noqa: F401 a fixture that empties what refuses to be emptied
from tests.openai_double import Double, openai_double

hypothesis_settings.register_profile("untimed", deadline=None)  # a busy machine breaks no test
hypothesis_settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def own_folders(settings: LazySettings, tmp_path: Path) -> None:
    """Files of one test never meet those of another."""
    settings.DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.INDEX_ROOT = tmp_path / "index"
    settings.CACHE_ROOT = tmp_path / "cache"
    for role, name in (("index", "faiss"),):
        given = {**settings.ENGINES[role][name], "OPTIONS": {"folder": tmp_path / "index"}}
        settings.ENGINES = {**settings.ENGINES, role: {**settings.ENGINES[role], name: given}}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """The language that a page of one test was shown in isn't that of the next test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another machine fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"A test tried to reach {address[0]}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Double]:
    """An endpoint that speaks OpenAI's protocol, as its last test left it: `begin` makes it new."""
    with openai_double() as double:
        yield double


@dataclass
class Cast:
    """Alice and Bob are editors, Mo the moderator of one workspace; Charlie is of another and must see nothing."""

    workspace: Workspace
    other: Workspace
    alice: User
    bob: User
    mo: User
    ada: User
    charlie: User


@pytest.fixture
def cast(db: None) -> Cast:
    workspace = Workspace.objects.create(slug="river", name="River desk")
    other = Workspace.objects.create(slug="hill", name="Hill desk")

    def person(name: str, where: Workspace, role: str) -> User:
        user = User.objects.create_user(name, password=f"{name}-has-a-long-password", is_staff=role != "editor")
        Membership.objects.create(workspace=where, user=user, role=role)
        return user

    return Cast(
        workspace=workspace, other=other, alice=person("alice", workspace, "editor"),
        bob=person("bob", workspace, "editor"), mo=person("mo", workspace, "moderator"),
        ada=person("ada", workspace, "admin"), charlie=person("charlie", other, "admin"),
    )  # fmt: skip


@pytest.fixture
def fresh_engines() -> Iterator[None]:
    """Engines made anew, for a test that changes ENGINES by hand."""
    engines.forget()
    yield
    engines.forget()
