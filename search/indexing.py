"""Making assets findable: their moments, words and vectors, first as rows, then in the index."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import numpy as np
from django.db import transaction
from PIL import Image

from media_processing.engine import EngineError, engines
from media_processing.models import Asset, Transcript
from media_processing.services import hash_of
from search import fulltext, models_in_use, spaces
from search.engines.base import Embedder, Index, IndexDamaged, Vectors
from search.models import Embedding, Moment
from search.spaces import Space
from search.written import written_of

log = logging.getLogger(__name__)
BATCH = 32
"""Pictures that an embedder gets at a time."""


class Stretch(Protocol):
    """A part of an asset that becomes a moment. Seconds; all 0 for an image."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def key_time(self) -> float: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Findable:
    """An asset with what can be found in it."""

    asset: Asset
    stretches: Sequence[Stretch]
    pictures: Iterable[Image.Image | None]
    """The key frame of each stretch, None where there is none (sounds). Taken one by one, so they may be decoded so."""
    hashes: Sequence[str] | None = None
    """The PDQ hash of each key frame where the caller has them."""


def index_asset(
    asset: Asset,
    stretches: Sequence[Stretch],
    pictures: Iterable[Image.Image | None],
    *,
    hashes: Sequence[str] | None = None,
    embedder: Embedder | None = None,
    index: Index | None = None,
) -> list[Moment]:
    """Make an asset's moments exactly these: `index_assets` for one."""
    return index_assets([Findable(asset, stretches, pictures, hashes)], embedder=embedder, index=index)[0]


def index_assets(
    batch: Sequence[Findable], *, embedder: Embedder | None = None, index: Index | None = None
) -> list[list[Moment]]:
    """Make the moments of assets of one workspace exactly these, findable by words and, where the embedder knows their
    domain, by picture.

    Pictures go through the embedder together, BATCH at a time, whatever asset they are of. Doing it again changes
    nothing. The rows are written in one transaction; the index follows on commit. Raises EngineError, before anything
    is written, where the embedder fails; one that can't work here (`problems()`) is left out: words still find assets.
    While another model is about to take over, it sees them too.
    """
    if not batch:
        return []
    assets = [each.asset for each in batch]
    embedders = [embedder] if embedder else models_in_use.writers(assets[0].workspace_id)
    seen = _seen(batch, embedders)
    with transaction.atomic():
        # The assets' rows are what two workers that index the same asset wait for; in one order, or they would wait
        # for each other.
        list(Asset.objects.select_for_update().filter(pk__in=[asset.pk for asset in assets]).order_by("pk").only("pk"))
        bounds = {each.asset.pk: set(_bounds(each.stretches)) for each in batch}
        old = Moment.objects.filter(asset__in=assets).only("asset_id", "start", "end")
        gone = [one.pk for one in old if (one.start, one.end) not in bounds[one.asset_id]]
        _forget(assets[0].workspace_id, gone, index)
        moments = _write_moments(batch, seen)
        fulltext.store([text for each, made in zip(batch, moments, strict=True) for text in _texts(each.asset, made)])
        for each in dict.fromkeys(digest for looks in seen for look in looks for digest in look.vectors):
            vectors = {
                made[at].pk: look.vectors[each]
                for made, looks in zip(moments, seen, strict=True)
                for at, look in enumerate(looks)
                if each in look.vectors
            }
            keep_vectors(Space(assets[0].workspace_id, each), vectors, index)
        if not embedder and not embedders[0].problems():
            models_in_use.remember(assets[0].workspace_id, embedders[0])
    return moments


def indexed(asset_ids: Iterable[UUID]) -> set[UUID]:
    """Those of some assets that have moments."""
    held = Moment.objects.filter(asset__in=list(asset_ids)).order_by()
    return set(held.values_list("asset_id", flat=True).distinct())


@dataclass
class _Look:
    """What was made of one key frame."""

    pdq: str = ""
    vectors: dict[str, Vectors] = field(default_factory=dict)
    """Model -> as it will be stored."""


def _seen(batch: Sequence[Findable], embedders: Sequence[Embedder]) -> list[list[_Look]]:
    able = [each for each in embedders if not each.problems()]
    waiting: dict[str, list[tuple[_Look, Image.Image]]] = {each.card.digest: [] for each in able}
    seen: list[list[_Look]] = []

    def embed(embedder: Embedder) -> None:
        there = waiting[embedder.card.digest]
        if not there:
            return
        try:
            found = embedder.embed_pictures([picture.convert("RGB") for _, picture in there]).astype("<f2")
        except EngineError:
            if embedder is embedders[0]:
                raise
            there.clear()  # the job that brings this model in meets the same error, and says so
            return
        for (look, _), vector in zip(there, found, strict=True):
            look.vectors[embedder.card.digest] = vector
        there.clear()

    for each in batch:
        looks: list[_Look] = []
        for at, picture in enumerate(each.pictures):
            look = _Look()
            looks.append(look)
            if picture is not None:
                look.pdq = each.hashes[at] if each.hashes is not None else hash_of(picture)
                for one in able:
                    if each.asset.domain in one.card.domains:
                        waiting[one.card.digest].append((look, picture))
                        if len(waiting[one.card.digest]) == BATCH:
                            embed(one)
        if len(looks) != len(each.stretches):
            raise ValueError(f"{len(each.stretches)} stretches with {len(looks)} pictures.")
        seen.append(looks)
    for one in able:
        embed(one)
    return seen


def _bounds(stretches: Sequence[Stretch]) -> list[tuple[float, float]]:
    return [(float(stretch.start), float(stretch.end)) for stretch in stretches]


def _write_moments(batch: Sequence[Findable], seen: Sequence[Sequence[_Look]]) -> list[list[Moment]]:
    """The assets' moments in the order of the stretches."""
    Moment.objects.bulk_create(
        [
            Moment(
                workspace_id=each.asset.workspace_id, asset=each.asset, start=start, end=end, key_time=stretch.key_time,
                text=text, pdq=look.pdq,
            )
            for each, looks in zip(batch, seen, strict=True)
            for (start, end), stretch, text, look in zip(
                _bounds(each.stretches), each.stretches, _said(each.asset, each.stretches), looks, strict=True
            )
        ],
        update_conflicts=True,
        unique_fields=["asset", "start", "end"],
        update_fields=["key_time", "text", "pdq"],
    )  # fmt: skip
    there = Moment.objects.filter(asset__in=[each.asset for each in batch])
    rows = {(row.asset_id, row.start, row.end): row for row in there}
    return [[rows[each.asset.pk, start, end] for start, end in _bounds(each.stretches)] for each in batch]


def _said(asset: Asset, stretches: Sequence[Stretch]) -> list[str]:
    """What is said in each stretch: its own text, else the passages of the transcript that overlap it."""
    if asset.kind == Asset.Kind.IMAGE or any(stretch.text for stretch in stretches):
        return [stretch.text for stretch in stretches]
    transcript = Transcript.objects.filter(asset=asset).first()
    passages = transcript.passages if transcript else []
    return [
        " ".join(
            passage["text"]
            for passage in passages
            if len(stretches) == 1 or (passage["start"] < stretch.end and passage["end"] > stretch.start)
        )
        for stretch in stretches
    ]


def _texts(asset: Asset, moments: Sequence[Moment]) -> list[fulltext.Texts]:
    texts = written_of(asset)
    columns = {
        name: " ".join(each.text for each in texts if each.column == name) for name in ("title", "tags", "alt", "other")
    }
    return [fulltext.Texts(moment.pk, said=moment.text, **columns) for moment in moments]


def keep_vectors(space: Space, vectors: Mapping[int, Vectors], index: Index | None = None) -> None:
    """Write what a model saw, by moment; the index follows on commit."""
    Embedding.objects.bulk_create(
        [
            Embedding(moment_id=number, model=space.model, vector=vector.astype("<f2").tobytes())
            for number, vector in vectors.items()
        ],
        update_conflicts=True,
        unique_fields=["moment", "model"],
        update_fields=["vector"],
    )
    if vectors:
        stacked = np.stack(list(vectors.values()))
        transaction.on_commit(lambda: _add(index or engines["index"], space, list(vectors), stacked))


def _add(index: Index, space: Space, ids: Sequence[int], vectors: Vectors) -> None:
    try:
        try:
            index.add(space.name, ids, vectors.astype(np.float32))
        except IndexDamaged:
            spaces.rebuild(index, space)
    except EngineError as error:  # the rows are there: the next search or tidying brings them in
        log.warning("%s", error)


def unindex_asset(asset: Asset, *, index: Index | None = None) -> int:
    """Make an asset unfindable: its moments, words and vectors go. Returns how many moments there were."""
    with transaction.atomic():
        gone = list(Moment.objects.filter(asset=asset).values_list("pk", flat=True))
        _forget(asset.workspace_id, gone, index)
    return len(gone)


def _forget(workspace_id: int, ids: Sequence[int], index: Index | None) -> None:
    """Delete moments with their words and vectors; the indexes follow on commit."""
    if not ids:
        return
    models = list(Embedding.objects.filter(moment__in=ids).order_by().values_list("model", flat=True).distinct())
    fulltext.forget(ids)
    Moment.objects.filter(pk__in=ids).delete()

    def now() -> None:
        used: Index = index or engines["index"]
        for model in models:
            space = Space(workspace_id, model)
            try:
                try:
                    used.delete(space.name, ids)
                except IndexDamaged:
                    spaces.rebuild(used, space)
            except EngineError as error:  # results are checked against the rows; tidying takes them out
                log.warning("%s", error)

    transaction.on_commit(now)


def refresh_words(asset: Asset) -> None:
    """Take in an asset's title, tags and alt text after they were edited."""
    with transaction.atomic():
        fulltext.store(_texts(asset, list(Moment.objects.filter(asset=asset))))
