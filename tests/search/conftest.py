"""A small library for the tests of search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from creator.models import Workspace
from media_processing.engine import engines
from media_processing.models import Asset
from search.engines.base import Index
from search.services import Query, Results, find, index_asset
from tests.fakes import FakeEmbedder, picture_of


@dataclass(frozen=True)
class Part:
    start: float = 0.0
    end: float = 0.0
    key_time: float = 0.0
    text: str = ""


@dataclass
class Library:
    """Puts assets in and finds them, in one workspace. Runs what waits for a commit at once."""

    workspace: Workspace
    embedder: FakeEmbedder
    index: Index
    committed: Callable[..., Any]

    def asset(self, **fields: Any) -> Asset:
        plain = {
            "workspace": self.workspace, "kind": "image", "digest": uuid4().hex, "path": "x", "size": 1, "width": 100,
            "height": 100, "domain": "illustrations",
        }  # fmt: skip
        return Asset.objects.create(**{**plain, **fields})

    def put(self, shows: str, parts: list[Part] | None = None, **fields: Any) -> Asset:
        """An asset whose picture, or each of whose parts, shows these words; parts are told apart by |."""
        asset = self.asset(**fields)
        self.index_again(asset, shows, parts)
        return asset

    def index_again(self, asset: Asset, shows: str, parts: list[Part] | None = None) -> None:
        parts = parts or [Part()]
        pictures = [picture_of(words.strip()) if words.strip() else None for words in shows.split("|")]
        with self.committed(execute=True), transaction.atomic():
            index_asset(asset, parts, pictures, embedder=self.embedder, index=self.index)

    def find(self, words: str = "", **options: Any) -> Results:
        query = Query(workspace_id=options.pop("workspace_id", self.workspace.pk), words=words, **options)
        return find(query, embedder=self.embedder, index=self.index)

    def titles(self, words: str = "", **options: Any) -> list[str]:
        names = dict(Asset.objects.values_list("id", "title"))
        return [names[one.asset_id] for one in self.find(words, **options)]


@pytest.fixture
def library(db: None, own_folders: None, django_capture_on_commit_callbacks: Any) -> Library:
    workspace = Workspace.objects.create(slug="library", name="Library")
    return Library(workspace, FakeEmbedder(), engines["index"], django_capture_on_commit_callbacks)


@pytest.fixture
def other(library: Library) -> Library:
    """The same machine seen from another workspace."""
    workspace = Workspace.objects.create(slug="neighbour", name="Neighbour")
    return Library(workspace, library.embedder, library.index, library.committed)
