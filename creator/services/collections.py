"""Verbs of collections: assets that belong together, under a name."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import IntegrityError, transaction

from creator.models import Collection, Workspace
from media_processing.engine import EngineError
from media_processing.models import Asset

LONGEST_NAME = 100


def create(workspace: Workspace, name: str) -> Collection:
    """A new, empty collection. Raises EngineError for a name that is empty, too long or taken."""
    try:
        with transaction.atomic():
            return Collection.objects.create(workspace=workspace, name=_checked(name))
    except IntegrityError:
        raise _taken(name) from None


def rename(collection: Collection, name: str) -> None:
    """Give it another name. Raises EngineError as `create` does."""
    collection.name = _checked(name)
    try:
        with transaction.atomic():
            collection.save(update_fields=["name"])
    except IntegrityError:
        raise _taken(name) from None


def delete(collection: Collection) -> None:
    """Remove the collection; its assets stay in the library."""
    collection.delete()


def add(collection: Collection, assets: Iterable[Asset]) -> list[UUID]:
    """Put assets of the same workspace into it; returns those that weren't there before."""
    return _changed(collection, assets, there=False)


def remove(collection: Collection, assets: Iterable[Asset]) -> list[UUID]:
    """Take assets out of it; returns those that were there."""
    return _changed(collection, assets, there=True)


def _changed(collection: Collection, assets: Iterable[Asset], *, there: bool) -> list[UUID]:
    ours = [asset for asset in assets if asset.workspace_id == collection.workspace_id]
    with transaction.atomic():
        inside = set(collection.assets.filter(pk__in=[asset.pk for asset in ours]).values_list("pk", flat=True))
        changed = [asset for asset in ours if (asset.pk in inside) == there]
        if there:
            collection.assets.remove(*changed)
        else:
            collection.assets.add(*changed)
    return [asset.pk for asset in changed]


def _checked(name: str) -> str:
    name = " ".join("".join(mark for mark in name if mark.isprintable()).split())
    if not name:
        raise EngineError("The collection has no name yet.", next_step="Type a name.")
    if len(name) > LONGEST_NAME:
        raise EngineError("That name is too long.", next_step=f"Use at most {LONGEST_NAME} characters.")
    return name


def _taken(name: str) -> EngineError:
    return EngineError(f"There is a collection called {name.strip()} already.", next_step="Choose another name.")
