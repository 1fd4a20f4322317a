"""The index for libraries that outgrow one machine: a Qdrant server, or a cluster of them.

A space is a collection; searches ask its alias, so that one request swaps a collection that was made anew for the old
one. Vectors lie on disk in half precision, 8-bit codes of them in memory find candidates, the vectors score these.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from media_processing.engine import EngineError
from search.engines.base import Hit, Index, IndexDamaged, Vectors

IN_PROCESS = ":memory:"
"""In the place of an address: qdrant-client's own store, for tests. It is exact, slow, and gone with the process."""
PREFIX = "storyloom_"
ALLOWED_AT_ONCE = 10_000
"""Allowed ids in one request (about 80 KB); these are scored exactly."""
DEEPEST = 16_384
"""Most hits of one request."""
SPARE = 64
"""Hits beside the limit: equals at its end are told apart by id."""
WRITTEN_AT_ONCE, READ_AT_ONCE = 1_000, 10_000
EF, OVERSAMPLING = 256, 3.0
"""How widely the graph is walked, and how many times the limit gets its score from the vectors. Text queries need it:
with 64, a graph like this one gave recall@10 0.89 for them (FAISS's HNSW on 100,000 vectors), with 256 it gave 0.98."""

P = ParamSpec("P")
R = TypeVar("R")


def _told(method: Callable[P, R]) -> Callable[P, R]:
    """What the client raises, as something that may be shown. A server that is away is an index that can't be read:
    the database answers meanwhile."""
    away = EngineError if method.__name__ == "replace" else IndexDamaged

    @wraps(method)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except EngineError as error:
            raise away(error.message, next_step=error.next_step) from error
        except Exception as error:
            if not type(error).__module__.startswith("qdrant_client."):
                raise
            if hasattr(error, "status_code"):
                raise EngineError(f"Qdrant refused: {str(error)[:300]}", next_step="Look into its log.") from error
            raise away("Qdrant can't be reached.", next_step="Start it, or set INDEX=faiss.") from error

    return called


class QdrantIndex(Index):
    """Vectors in a Qdrant server, all of them derived: drop its collections and the database makes them again.

    Changes are seen by every process at its next search. `shards` and `replicas` count for collections that are made
    from then on; `manage.py` makes them anew when the index is rebuilt.
    """

    title = "Qdrant"

    def __init__(
        self, name: str = "qdrant", *, url: str = "", api_key: str = "", shards: int = 1, replicas: int = 1,
        timeout: int = 30,
    ) -> None:  # fmt: skip
        super().__init__(name)
        self.url = url
        self.api_key = api_key
        self.shards, self.replicas = shards, replicas
        self.timeout = timeout
        self._client: Any = None
        self._models: Any = None
        self.leaves_the_machine = url != IN_PROCESS and not _is_loopback(self._host)  # type: ignore[misc]

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def model(self) -> str:
        return "HNSW over int8, scored from float16"

    def problems(self) -> list[EngineError]:
        if find_spec("qdrant_client") is None:
            return [EngineError("qdrant-client isn't installed.", next_step="Run: pip install -e '.[qdrant]'")]
        if self.url == IN_PROCESS:
            return []
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return [
                EngineError(
                    "No Qdrant server is named." if not self.url else "QDRANT_URL isn't an address.",
                    next_step="Set QDRANT_URL, for example to http://127.0.0.1:6333.",
                )
            ]
        if self.api_key and parts.scheme == "http" and not _is_loopback(parts.hostname):
            return [EngineError("The key for Qdrant would go over an open line.", next_step="Use an https address.")]
        try:
            with socket.create_connection((parts.hostname, parts.port or 6333), timeout=1):
                return []
        except OSError:
            return [
                EngineError(
                    f"No Qdrant server answers at {parts.hostname}:{parts.port or 6333}.",
                    next_step="Start it (docker run -p 127.0.0.1:6333:6333 qdrant/qdrant), or set INDEX=faiss.",
                )
            ]

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        import qdrant_client

        self._models = qdrant_client.models
        self._client = (
            qdrant_client.QdrantClient(location=IN_PROCESS)
            if self.url == IN_PROCESS
            else qdrant_client.QdrantClient(url=self.url, api_key=self.api_key or None, timeout=self.timeout)
        )

    def _alias(self, model: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,127}", model):
            raise ValueError(f"{model!r} can't name a space of vectors.")
        return PREFIX + model

    def _collection(self, model: str) -> str:
        """The collection that answers now; "" where there is none."""
        self.load()
        alias = self._alias(model)
        named = {each.alias_name: each.collection_name for each in self._client.get_aliases().aliases}
        return str(named.get(alias, ""))

    def _generations(self, model: str) -> dict[int, str]:
        """Number -> collection, of all that were made of a space, one that nobody asks yet among them."""
        start = f"{self._alias(model)}@"
        names = [each.name for each in self._client.get_collections().collections]
        return {int(name[len(start) :]): name for name in names if name.startswith(start)}

    def _make(self, model: str, dimensions: int) -> str:
        """A new, empty collection that nobody asks yet."""
        models = self._models
        # Dot products: the vectors are unit vectors already, and scaling them again would round them again.
        name = f"{self._alias(model)}@{max(self._generations(model), default=0) + 1}"
        self._client.create_collection(
            name,
            vectors_config=models.VectorParams(
                size=dimensions, distance=models.Distance.DOT, datatype=models.Datatype.FLOAT16, on_disk=True
            ),
            quantization_config=models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
            ),
            shard_number=self.shards,
            replication_factor=self.replicas,
        )
        return name

    def _ask(self, model: str, collection: str) -> None:
        """From now on, this collection answers: one request, so that no search finds none."""
        models, alias = self._models, self._alias(model)
        old = [models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))]
        new = models.CreateAliasOperation(
            create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)
        )
        self._client.update_collection_aliases([*(old if self._collection(model) else []), new])

    @_told
    def add(self, model: str, ids: Sequence[int], vectors: Vectors) -> None:
        vectors = np.asarray(vectors, np.float32)
        if vectors.ndim != 2 or not np.all(np.isfinite(vectors)):
            raise ValueError("Vectors come as an (n, dimensions) array of finite numbers.")
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors.")
        if not len(ids):
            return
        collection = self._collection(model)
        if not collection:
            collection = self._make(model, vectors.shape[1])
            self._ask(model, collection)
        if vectors.shape[1] != (size := self._dimensions(collection)):
            raise ValueError(f"{model} has {size} dimensions, not {vectors.shape[1]}.")
        self._put(self._alias(model), ids, vectors)

    def _dimensions(self, collection: str) -> int:
        return int(self._client.get_collection(collection).config.params.vectors.size)

    def _put(self, collection: str, ids: Sequence[int], vectors: Vectors) -> None:
        for start in range(0, len(ids), WRITTEN_AT_ONCE):
            part = slice(start, start + WRITTEN_AT_ONCE)
            numbers: list[Any] = [int(number) for number in ids[part]]
            batch = self._models.Batch(ids=numbers, vectors=vectors[part].tolist())
            self._client.upsert(collection, batch, wait=True)

    @_told
    def delete(self, model: str, ids: Iterable[int]) -> None:
        if self._collection(model):
            self._drop(self._alias(model), [int(number) for number in ids])

    def _drop(self, collection: str, ids: Sequence[int]) -> None:
        for start in range(0, len(ids), READ_AT_ONCE):
            points = self._models.PointIdsList(points=list(ids[start : start + READ_AT_ONCE]))
            self._client.delete(collection, points, wait=True)

    @_told
    def count(self, model: str) -> int:
        if not self._collection(model):
            return 0
        return int(self._client.count(self._alias(model), exact=True).count)

    @_told
    def ids(self, model: str) -> NDArray[np.int64]:
        if not self._collection(model):
            return np.empty(0, np.int64)
        return self._ids(self._alias(model))

    def _ids(self, collection: str) -> NDArray[np.int64]:
        return np.sort(np.fromiter((point.id for point in self._scroll(collection)), np.int64))

    def _scroll(self, collection: str) -> Iterator[Any]:
        after = None
        while True:
            points, after = self._client.scroll(
                collection, limit=READ_AT_ONCE, offset=after, with_payload=False, with_vectors=False
            )
            yield from points
            if after is None:
                return

    @_told
    def generation(self, model: str) -> int:
        return int(self._collection(model).rpartition("@")[2] or 0)

    @_told
    def search(
        self, model: str, vector: Vectors, *, limit: int, allowed: NDArray[np.int64] | None = None,
        least: float = -np.inf,
    ) -> list[Hit]:  # fmt: skip
        if limit < 1:
            raise ValueError("A search needs a limit of at least 1.")
        collection = self._collection(model)
        if not collection:
            return []
        query = np.asarray(vector, np.float32).reshape(-1)
        if len(query) != (size := self._dimensions(collection)):
            raise ValueError(f"{model} has {size} dimensions, not {len(query)}.")
        if allowed is None:
            hits = self._nearest(collection, query, limit)
        else:
            hits = self._allowed(collection, query, limit, np.unique(np.asarray(allowed, np.int64)))
        return [hit for hit in hits if hit.score >= least]

    def _nearest(self, collection: str, query: Vectors, limit: int) -> list[Hit]:
        """Asks for more while those at the limit score like the last: the lowest ids may be further on."""
        fetch = limit + SPARE
        while True:
            hits = self._asked(collection, query, fetch)
            if len(hits) < fetch or fetch >= DEEPEST or hits[limit - 1].score - hits[-1].score > 1e-6:
                return hits[:limit]
            fetch *= 8

    def _allowed(self, collection: str, query: Vectors, limit: int, allowed: NDArray[np.int64]) -> list[Hit]:
        """A loose filter is looked through from the nearest on, a strict one names its ids; so no slot stays empty.

        Ids are named in parts, each of which is scored exactly, and the best of all parts win.
        """
        total = int(self._client.count(collection, exact=False).count)
        if len(allowed) > ALLOWED_AT_ONCE:
            fetch = int(4 * limit * max(1.0, total / len(allowed))) + SPARE
            while fetch <= DEEPEST:
                hits = [hit for hit in self._asked(collection, query, fetch) if _among(hit.id, allowed)]
                if len(hits) >= limit:
                    return hits[:limit]
                fetch *= 4
        best: list[Hit] = []
        for start in range(0, len(allowed), ALLOWED_AT_ONCE):
            part = allowed[start : start + ALLOWED_AT_ONCE]
            best += self._asked(collection, query, min(limit + SPARE, len(part)), part)
            best = sorted(best, key=lambda hit: (-hit.score, hit.id))[: limit + SPARE]
        return best[:limit]

    def _asked(
        self, collection: str, query: Vectors, fetch: int, only: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        """One request: best first, equals by id. With `only`, every one of those is scored."""
        models = self._models
        points = self._client.query_points(
            collection,
            query=query.tolist(),
            limit=fetch,
            with_payload=False,
            query_filter=None
            if only is None
            else models.Filter(must=[models.HasIdCondition(has_id=[int(number) for number in only])]),
            search_params=models.SearchParams(
                hnsw_ef=max(EF, fetch),
                exact=only is not None,
                quantization=models.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING),
            ),
        ).points
        hits = [Hit(int(point.id), round(float(point.score), 6)) for point in points]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))

    @_told
    def replace(self, model: str, batches: Iterable[tuple[Sequence[int], Vectors]]) -> int:
        old = self._collection(model)
        before = self._ids(old) if old else np.empty(0, np.int64)
        made = ""
        for ids, vectors in batches:
            if len(ids):
                checked = np.asarray(vectors, np.float32)
                made = made or self._make(model, checked.shape[1])
                self._put(made, ids, checked)
        if not made and not old:
            return 0
        made = made or self._make(model, self._dimensions(old))
        count = int(self._client.count(made, exact=True).count)
        if old:
            self._carry(before, old, made)
        self._ask(model, made)
        if old:  # what was written between the last look and the switch
            self._carry(before, old, made)
        for number, name in self._generations(model).items():
            if number < int(made.rpartition("@")[2]):
                self._client.delete_collection(name)
        return count

    def _carry(self, before: NDArray[np.int64], old: str, made: str) -> None:
        """Do to the new collection what others did to the old one meanwhile."""
        now = self._ids(old)
        added = np.setdiff1d(now, before)
        for start in range(0, len(added), WRITTEN_AT_ONCE):
            part = added[start : start + WRITTEN_AT_ONCE].tolist()
            points = self._client.retrieve(old, part, with_payload=False, with_vectors=True)
            self._put(made, [point.id for point in points], np.array([point.vector for point in points], np.float32))
        self._drop(made, np.setdiff1d(before, now).tolist())


def _among(number: int, ascending: NDArray[np.int64]) -> bool:
    at = int(np.searchsorted(ascending, number))
    return at < len(ascending) and int(ascending[at]) == number


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
