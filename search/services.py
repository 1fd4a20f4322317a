"""The verbs of search: make assets findable, find, keep the index in step, tell how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from media_processing.engine import engines
from media_processing.models import Asset
from search import models_in_use, spaces
from search.counting import Counted
from search.engines.base import Embedder, Index, IndexDamaged, Vectors
from search.filters import FILTERS, Asked, Filter, QueryError, Values, formatted, parse
from search.finding import Found, Results, facets, find
from search.indexing import Findable, Stretch, index_asset, index_assets, indexed, refresh_words, unindex_asset
from search.models import Embedding, Moment
from search.query import SORTS, Query, checked
from search.ranking import Candidate, Chosen, Signal, choose_visuals
from search.spaces import Space

__all__ = [
    "FILTERS",
    "SORTS",
    "Asked",
    "Candidate",
    "Chosen",
    "Counted",
    "Filter",
    "Findable",
    "Found",
    "Query",
    "QueryError",
    "Results",
    "Signal",
    "Stretch",
    "Values",
    "checked",
    "choose_visuals",
    "describe",
    "embedding_of",
    "embeddings_of",
    "facets",
    "find",
    "formatted",
    "index_asset",
    "index_assets",
    "indexed",
    "mend",
    "parse",
    "rebuild",
    "refresh_words",
    "unindex_asset",
]


def spaces_of(model: str | None = None) -> Iterable[Space]:
    """Every space that has rows, of one model or of all."""
    rows = Embedding.objects.filter(model=model) if model else Embedding.objects.all()
    pairs = rows.order_by().values_list("moment__workspace_id", "model").distinct()
    return [Space(workspace_id, name) for workspace_id, name in sorted(pairs)]


def rebuild(model: str | None = None, *, index: Index | None = None) -> int:
    """Make the index anew from the database, of one model or of all. Returns how many vectors it holds."""
    used: Index = index or engines["index"]
    return sum(spaces.rebuild(used, space) for space in spaces_of(model))


def mend(*, index: Index | None = None) -> tuple[int, int]:
    """Bring the index in step with the database: what was missing, what was too much. For a periodic job."""
    used: Index = index or engines["index"]
    missing = extra = 0
    for space in spaces_of():
        try:
            lacked, surplus = spaces.mend(used, space)
        except IndexDamaged:
            lacked, surplus = spaces.rebuild(used, space), 0
        missing, extra = missing + lacked, extra + surplus
    return missing, extra


def embedding_of(asset: Asset, second: float = 0.0, *, embedder: Embedder | None = None) -> Vectors | None:
    """The vector of an asset's picture at a second: of the moment that holds it, else of the nearest one."""
    used: Embedder = embedder or models_in_use.embedder_for(asset.workspace_id)
    if used.problems():
        return None
    rows = Embedding.objects.filter(moment__asset=asset, model=used.card.digest).select_related("moment")
    if not rows:
        return None
    nearest = min(rows, key=lambda row: (max(row.moment.start - second, second - row.moment.end, 0.0), row.moment.pk))
    vector: Vectors = spaces.vectors_of([bytes(nearest.vector)])[0]
    return vector


def embeddings_of(
    workspace_id: int, asset_ids: Iterable[UUID], *, embedder: Embedder | None = None
) -> dict[UUID, Vectors]:
    """The vectors of assets' first moments, of those that the model in use has seen."""
    used: Embedder = embedder or models_in_use.embedder_for(workspace_id)
    if used.problems():
        return {}
    rows = Embedding.objects.of(used.card.digest, workspace_id).filter(moment__asset__in=list(asset_ids))
    # The first one of an asset comes last and stays.
    pairs = rows.order_by("-moment__start").values_list("moment__asset", "vector")
    found = {asset: bytes(blob) for asset, blob in pairs}
    return dict(zip(found, spaces.vectors_of(list(found.values())), strict=True)) if found else {}


def describe(workspace_id: int | None = None, *, embedder: Embedder | None = None) -> dict[str, Any]:
    """How search stands: the model and its card, how many moments there are and how many it has seen, the index.

    `lag` is how many vectors the index lacks or has too many; `damaged` that it can't be read and will be made anew.
    `coming` is the model that is about to take over and `coming_share` how much it has seen, 0 to 1; `note` says that
    the model in use is gone.
    """
    looked = models_in_use.InUse(embedder or engines["embedder"])
    if embedder is None and workspace_id is not None:
        looked = models_in_use.in_use(workspace_id)
    used = looked.embedder
    index: Index = engines["index"]
    moments = Moment.objects.all() if workspace_id is None else Moment.objects.in_workspace(workspace_id)
    told: dict[str, Any] = {
        "engine": used.name,
        "problems": [str(problem) for problem in used.problems()],
        "model": "",
        "card": None,
        "moments": moments.count(),
        "embedded": 0,
        "unseen": 0,
        "index": index.name,
        "generation": 0,
        "lag": 0,
        "damaged": False,
        "coming": "",
        "coming_share": 0.0,
        "note": looked.note,
    }
    if looked.coming and workspace_id is not None:
        left = models_in_use.lacking(workspace_id, looked.coming).count()
        shown = moments.showable().filter(asset__domain__in=looked.coming.card.domains).count()
        told |= {"coming": looked.coming.model, "coming_share": 1 - left / max(1, shown)}
    if told["problems"]:
        return told
    card = used.card
    told |= {"model": used.model, "card": card, "embedded": moments.filter(embeddings__model=card.digest).count()}
    told["unseen"] = (
        moments.without_embedding(card.digest).filter(asset__domain__in=card.domains).count()
    )
    for space in spaces_of(card.digest):
        if workspace_id in (None, space.workspace_id):
            try:
                told["generation"] = max(told["generation"], index.generation(space.name))
                told["lag"] += abs(space.rows().count() - index.count(space.name))
            except IndexDamaged:
                told["damaged"] = True
    return told
