"""Spaces of vectors, and keeping the index in step with the rows that it is made from.

A space holds the vectors of one model in one workspace. So a search can't reach another workspace's pictures even if
somebody forgot a filter, and a search without filters needs none.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from media_processing.engine import EngineError, engines
from media_processing.models import Asset
from search.engines.base import Embedder, Hit, Index, IndexDamaged, Vectors
from search.models import Embedding, EmbeddingQuerySet
from search.prepared import Prepared

BATCH = 4096
REBUILT_AT_ONCE = 20_000
"""Rows up to which a damaged index is made anew before the search returns (well under a second)."""
PROBES = 300
"""Texts by which a large index measures its recall."""
NEWEST = Prepared(lambda: Embedding.objects.filter(model="").order_by("-id").values_list("id")[:1])
log = logging.getLogger(__name__)
_seen: weakref.WeakKeyDictionary[Index, dict[str, int]] = weakref.WeakKeyDictionary()
"""For each index of this process: space -> the number of the newest embedding row when they were last in step."""


@dataclass(frozen=True)
class Space:
    """The vectors of one model in one workspace."""

    workspace_id: int
    model: str
    """The digest on the embedder's card."""

    @property
    def name(self) -> str:
        return f"{re.sub('[^A-Za-z0-9]', '-', self.model)[:64] or '-'}.w{self.workspace_id}"

    def rows(self) -> EmbeddingQuerySet:
        return Embedding.objects.of(self.model, self.workspace_id)


def vectors_of(blobs: Iterable[bytes]) -> Vectors:
    """(n, d) from the rows' bytes."""
    parts = [np.frombuffer(blob, dtype="<f2") for blob in blobs]
    return np.stack(parts).astype(np.float32) if parts else np.empty((0, 1), np.float32)


def batches(rows: EmbeddingQuerySet) -> Iterator[tuple[list[int], Vectors]]:
    """(moment ids, vectors) of embedding rows, a few thousand at a time."""
    pairs = rows.order_by("id").values_list("moment_id", "vector").iterator(chunk_size=BATCH)
    ids: list[int] = []
    blobs: list[bytes] = []
    for number, blob in pairs:
        ids.append(number)
        blobs.append(bytes(blob))
        if len(ids) == BATCH:
            yield ids, vectors_of(blobs)
            ids, blobs = [], []
    if ids:
        yield ids, vectors_of(blobs)


def keep_in_step(index: Index, space: Space) -> None:
    """Bring in what a killed process left out: cheap where nothing was, one look at the newest row's number."""
    newest = next(iter(NEWEST.rows(space.model)), (0,))[0]
    known = _seen.setdefault(index, {})
    seen = known.get(space.name)
    if seen == newest and (index.count(space.name) or not space.rows().exists()):
        return
    if seen is None or seen >= newest:
        if space.rows().count() != index.count(space.name):
            _level(index, space)
    else:
        _add_missing(index, space, space.rows().filter(id__gt=seen))
    known[space.name] = newest


def mend(index: Index, space: Space) -> tuple[int, int]:
    """What a periodic job does: check what is stored, hold exactly what the rows say, fold in what piled up.

    Returns how many vectors the index lacked, how many it had too many. Raises IndexDamaged.
    """
    _give_probes(index, space)
    index.maintain(space.name)
    return _level(index, space)


def _level(index: Index, space: Space) -> tuple[int, int]:
    held = index.ids(space.name)
    there = np.fromiter(space.rows().values_list("moment_id", flat=True), np.int64)
    missing, extra = np.setdiff1d(there, held), np.setdiff1d(held, there)
    if len(missing) > max(1000, len(held)):
        _give_probes(index, space)
        index.replace(space.name, batches(space.rows()))
        return len(missing), len(extra)
    if len(missing):
        _add_missing(index, space, space.rows())
    if len(extra):
        index.delete(space.name, extra.tolist())
    return len(missing), len(extra)


def _add_missing(index: Index, space: Space, rows: EmbeddingQuerySet) -> None:
    held = index.ids(space.name)
    for ids, vectors in batches(rows):
        lacking = ~np.isin(ids, held)
        if lacking.any():
            index.add(space.name, np.asarray(ids)[lacking].tolist(), vectors[lacking])


def rebuild(index: Index, space: Space) -> int:
    """Make the index anew from the rows, in one step. Returns how many vectors it holds."""
    _give_probes(index, space)
    count = index.replace(space.name, batches(space.rows()))
    log.warning("Rebuilt the index %s from the database: %d vectors.", space.name, count)
    return count


def nearest(
    index: Index, space: Space, vector: Vectors, *, limit: int, allowed: NDArray[np.int64] | None,
    least: float = -np.inf,
) -> tuple[list[Hit], bool]:  # fmt: skip
    """The nearest moments with at least this cosine, and whether the index answered. Where it is damaged, the rows
    answer and it is made anew."""
    try:
        keep_in_step(index, space)
        return index.search(space.name, vector, limit=limit, allowed=allowed, least=least), True
    except IndexDamaged as error:
        log.warning("%s The database answers meanwhile.", error)
    hits = [hit for hit in nearest_row(space.rows(), vector, limit=limit, allowed=allowed) if hit.score >= least]
    if space.rows().count() <= REBUILT_AT_ONCE:
        try:
            rebuild(index, space)
        except EngineError as error:  # a full disk: the next search tries again
            log.warning("%s", error)
    else:
        _rebuild_beside(index, space)
    return hits, False


def _give_probes(index: Index, space: Space) -> None:
    """Let a large index measure itself by texts like those that people ask: this library's own titles and tags.

    Where the model of the space isn't the one in use, the index makes do with stand-ins.
    """
    if not index.wants_probes(space.name, space.rows().count()):
        return
    embedder: Embedder = engines["embedder"]
    if embedder.problems() or embedder.card.digest != space.model:
        return
    texts = [text for text in _titles(space) if embedder.understood(text)][:PROBES]
    try:
        if texts:  # a few at a time, since searches wait for a run of the model to end
            vectors = [embedder.embed_texts(texts[at : at + 8]) for at in range(0, len(texts), 8)]
            index.keep_probes(space.name, np.concatenate(vectors))
    except EngineError as error:
        log.warning("The index %s measures its recall without texts: %s", space.name, error)


def _titles(space: Space) -> list[str]:
    """Titles and tags of assets chosen by chance, each once."""
    assets = Asset.objects.filter(workspace_id=space.workspace_id)
    keys = list(assets.order_by("pk").values_list("pk", flat=True))
    some = random.Random(len(keys)).sample(keys, min(PROBES, len(keys)))
    texts: dict[str, None] = {}
    for title, tags in assets.filter(pk__in=some).values_list("title", "tags"):
        texts |= dict.fromkeys(text for text in (title, " ".join(tags)) if text.strip())
    return list(texts)


def nearest_row(
    rows: EmbeddingQuerySet, vector: Vectors, *, limit: int, allowed: NDArray[np.int64] | None = None
) -> list[Hit]:
    """The same answer from the rows themselves: exact and slow."""
    best_ids, best_scores = np.empty(0, np.int64), np.empty(0, np.float64)
    query = np.asarray(vector, np.float64)
    for numbers, vectors in batches(rows):
        ids = np.asarray(numbers, np.int64)
        keep = np.ones(len(ids), bool) if allowed is None else np.isin(ids, allowed)
        best_ids = np.concatenate([best_ids, ids[keep]])
        best_scores = np.concatenate([best_scores, np.round(vectors[keep].astype(np.float64) @ query, 7)])
        order = np.lexsort((best_ids, -best_scores))[:limit]
        best_ids, best_scores = best_ids[order], best_scores[order]
    return list(map(Hit, best_ids.tolist(), best_scores.tolist()))


_rebuilding: set[str] = set()
_rebuilding_lock = threading.Lock()


def _rebuild_beside(index: Index, space: Space) -> None:
    """Rebuild in a thread, one a space; searches go on over the rows."""
    with _rebuilding_lock:
        if space.name in _rebuilding:
            return
        _rebuilding.add(space.name)

    def work() -> None:
        try:
            rebuild(index, space)
        except EngineError as error:
            log.warning("%s", error)
        finally:
            with _rebuilding_lock:
                _rebuilding.discard(space.name)
            connection.close()

    threading.Thread(target=work, name=f"rebuild {space.name}", daemon=True).start()
