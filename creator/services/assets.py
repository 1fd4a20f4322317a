"""Verbs of assets that are in the library already: tag them, put them away, bring them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from creator.models import User
from creator.services import audit
from media_processing.engine import EngineError
from media_processing.models import Asset, AssetQuerySet
from search import services as search

MOST = 500
"""Assets that one act takes."""
MOST_TAGS = 40
"""Tags of one asset."""


def chosen(assets: AssetQuerySet, ids: Iterable[str]) -> list[Asset]:
    """Those of `assets` with these ids; others are ignored. Raises EngineError for none and for too many."""
    wanted: list[UUID] = []
    for number in ids:
        try:
            wanted.append(UUID(number))
        except ValueError:
            continue
    if len(wanted) > MOST:
        raise EngineError(f"That is {len(wanted)} at once; at most {MOST} go.", next_step="Choose fewer.")
    found = list(assets.filter(pk__in=wanted))
    if not found:
        raise EngineError("Nothing is chosen.", next_step="Tick one or more tiles first.")
    return found


def archive(assets: Sequence[Asset]) -> list[UUID]:
    """Put assets away: no search and no story finds them, what shows them already keeps them. Returns whose state it
    changed."""
    return _put([asset for asset in assets if asset.archived is None], away=True)


def restore(assets: Sequence[Asset]) -> list[UUID]:
    """Bring archived assets back. Returns whose state it changed."""
    return _put([asset for asset in assets if asset.archived is not None and asset.merged_into_id is None], away=False)


def license_as(asset: Asset, licence: str, *, credit: str = "", ends: date | None = None, by: User | None) -> None:
    """Say under which licence an asset is, whose name must stand beside it, and the last day on which it may be shown.

    What shows it is withdrawn after that day. Raises EngineError for a licence that isn't named.
    """
    licence, credit = (" ".join(text.replace("\x00", "").split()) for text in (licence, credit))
    if not licence:
        raise EngineError("Name the licence.", next_step="Write Own work, CC0, CC BY 4.0, Licensed ...")
    with transaction.atomic():
        asset.licence, asset.credit, asset.licence_ends = licence[:100], credit[:200], ends
        asset.save(update_fields=["licence", "credit", "licence_ends"])
        detail = {"licence": asset.licence, "ends": ends}
        audit.record("asset.licence", asset, by=by, workspace=asset.workspace_id, detail=detail)


def _put(assets: Sequence[Asset], *, away: bool) -> list[UUID]:
    ids = [asset.pk for asset in assets]
    Asset.objects.filter(pk__in=ids).update(archived=timezone.now() if away else None)
    return ids


def tag(assets: Sequence[Asset], tags: Iterable[str]) -> list[UUID]:
    """Add tags; they are found by them at once. Returns the assets that lacked one. Raises EngineError for no tag."""
    new = cleaned(tags)
    return _retag([(asset, [*asset.tags, *(tag for tag in new if tag not in asset.tags)]) for asset in assets])


def untag(assets: Sequence[Asset], tags: Iterable[str]) -> list[UUID]:
    """Take tags off. Returns the assets that had one."""
    gone = set(cleaned(tags))
    return _retag([(asset, [tag for tag in asset.tags if tag not in gone]) for asset in assets])


def cleaned(tags: Iterable[str]) -> list[str]:
    """Tags as they are kept. Raises EngineError where none is left."""
    words = (" ".join("".join(mark for mark in tag if mark.isprintable()).split()).lstrip("#")[:60] for tag in tags)
    kept = list(dict.fromkeys(word for word in words if word))
    if not kept:
        raise EngineError("There is no tag.", next_step="Type one or more, with commas between them.")
    return kept


def _retag(wanted: Sequence[tuple[Asset, list[str]]]) -> list[UUID]:
    changed = []
    with transaction.atomic():
        for asset, tags in wanted:
            if tags != asset.tags:
                asset.tags = tags[:MOST_TAGS]
                asset.save(update_fields=["tags"])
                search.refresh_words(asset)
                changed.append(asset.pk)
    return changed
