"""Making assets findable: their moments, words and vectors, first as rows, then in the index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

import numpy as np
from django.db import transaction
from PIL import Image

from media_processing.engine import engines
from media_processing.models import Asset, Transcript
from search import fulltext, spaces
from search.engines.base import Embedder, Index, IndexDamaged, Vectors
from search.models import Embedding, Moment
from search.spaces import Space


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


def index_asset(
    asset: Asset,
    stretches: Sequence[Stretch],
    pictures: Sequence[Image.Image | None],
    *,
    embedder: Embedder | None = None,
    index: Index | None = None,
) -> list[Moment]:
    """Make an asset's moments exactly these, findable by words and, where the embedder knows its domain, by picture.

    `pictures` holds the key frame of each stretch, None where there is none (sounds). Doing it again changes nothing.
    The rows are written in one transaction; the index follows on commit. Raises EngineError, before anything is
    written, where the embedder fails; one that can't work here (`problems()`) is left out: words still find the asset.
    """
    if len(stretches) != len(pictures):
        raise ValueError(f"{len(stretches)} stretches with {len(pictures)} pictures.")
    embedder = embedder or engines["embedder"]
    vectors = _vectors(asset, pictures, embedder)
    with transaction.atomic():
        # The asset's row is what two workers that index the same asset wait for.
        Asset.objects.select_for_update().filter(pk=asset.pk).first()
        bounds = {(float(stretch.start), float(stretch.end)) for stretch in stretches}
        old = Moment.objects.filter(asset=asset)
        _forget(asset.workspace_id, [one.pk for one in old if (one.start, one.end) not in bounds], index)
        moments = _write_moments(asset, stretches)
        fulltext.store(_texts(asset, moments))
        if vectors:
            space = Space(asset.workspace_id, embedder.card.digest)
            _write_embeddings(space, {moments[at].pk: vector for at, vector in vectors.items()})
            ids = [moments[at].pk for at in vectors]
            stacked = np.stack(list(vectors.values()))
            transaction.on_commit(lambda: _add(index or engines["index"], space, ids, stacked))
    return moments


def _vectors(asset: Asset, pictures: Sequence[Image.Image | None], embedder: Embedder) -> dict[int, Vectors]:
    """Position -> vector, as it will be stored, of the pictures that the embedder understands."""
    there = [(at, picture) for at, picture in enumerate(pictures) if picture is not None]
    if not there or embedder.problems() or asset.domain not in embedder.card.domains:
        return {}
    found = embedder.embed_pictures([picture.convert("RGB") for _, picture in there])
    return {at: vector for (at, _), vector in zip(there, found.astype("<f2"), strict=True)}


def _write_moments(asset: Asset, stretches: Sequence[Stretch]) -> list[Moment]:
    """The asset's moments in the order of the stretches."""
    bounds = [(float(stretch.start), float(stretch.end)) for stretch in stretches]
    said = _said(asset, stretches)
    Moment.objects.bulk_create(
        [
            Moment(
                workspace_id=asset.workspace_id, asset=asset, start=start, end=end, key_time=stretch.key_time, text=text
            )
            for (start, end), stretch, text in zip(bounds, stretches, said, strict=True)
        ],
        update_conflicts=True,
        unique_fields=["asset", "start", "end"],
        update_fields=["key_time", "text"],
    )
    rows = {(moment.start, moment.end): moment for moment in Moment.objects.filter(asset=asset)}
    return [rows[bound] for bound in bounds]


def _said(asset: Asset, stretches: Sequence[Stretch]) -> list[str]:
    """What is said in each stretch: its own text, else the passages of the transcript that overlap it."""
    if any(stretch.text for stretch in stretches):
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
    name = PurePosixPath(unquote(urlsplit(asset.source_url).path)).stem if asset.source_url else ""
    other = " ".join([re.sub(r"[-_.]+", " ", name), str(asset.made_by.get("prompt", "")), asset.credit])
    return [
        fulltext.Texts(
            moment.pk,
            title=asset.title,
            tags=" ".join(str(tag) for tag in asset.tags),
            alt=asset.alt,
            said=moment.text,
            other=other,
        )
        for moment in moments
    ]


def _write_embeddings(space: Space, vectors: dict[int, Vectors]) -> None:
    Embedding.objects.bulk_create(
        [
            Embedding(moment_id=number, model=space.model, vector=vector.astype("<f2").tobytes())
            for number, vector in vectors.items()
        ],
        update_conflicts=True,
        unique_fields=["moment", "model"],
        update_fields=["vector"],
    )


def _add(index: Index, space: Space, ids: Sequence[int], vectors: Vectors) -> None:
    try:
        index.add(space.name, ids, vectors.astype(np.float32))
    except IndexDamaged:
        spaces.rebuild(index, space)


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
                used.delete(space.name, ids)
            except IndexDamaged:
                spaces.rebuild(used, space)

    transaction.on_commit(now)


def refresh_words(asset: Asset) -> None:
    """Take in an asset's title, tags and alt text after they were edited."""
    with transaction.atomic():
        fulltext.store(_texts(asset, list(Moment.objects.filter(asset=asset))))
