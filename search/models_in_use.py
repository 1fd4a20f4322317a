"""Which model searches a workspace, and which one is about to: a change of models never leaves a search empty.

The engine by which a workspace's vectors were made is remembered with its options. So when another one is configured,
queries go on with the old one until the new one has seen everything; then one UPDATE moves the pointer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from media_processing.engine import EngineError, engines
from search import spaces
from search.engines.base import Embedder, Index
from search.models import Embedding, ModelInUse, Moment, MomentQuerySet, SearchModel
from search.spaces import Space

FORGOTTEN_AT_ONCE = 2_000


@dataclass(frozen=True)
class InUse:
    """Who searches a workspace."""

    embedder: Embedder
    """Queries and pictures go to this one."""
    coming: Embedder | None = None
    """It sees every new picture too, since it is about to take over."""
    note: str = ""
    """What a person should know: that the model in use is gone."""


def in_use(workspace_id: int) -> InUse:
    """The model in use; where its files are gone, the coming one with what it has seen so far, else the configured."""
    row = ModelInUse.objects.select_related("model", "coming").filter(pk=workspace_id).first()
    if row is None:
        return InUse(engines["embedder"])
    coming = _working(row.coming) if row.coming else None
    if found := _working(row.model):
        return InUse(found, coming)
    stand_in: Embedder = coming or engines["embedder"]
    note = f"{row.model.title} can't work any more: {stand_in.title} searches with what it has seen so far."
    return InUse(stand_in, note=note)


def embedder_for(workspace_id: int) -> Embedder:
    """The engine that searches a workspace."""
    return in_use(workspace_id).embedder


def writers(workspace_id: int) -> list[Embedder]:
    """The engines that have to see a new picture: the one in use, and the one that is about to take over."""
    found = in_use(workspace_id)
    return [found.embedder, *([found.coming] if found.coming else [])]


def settings_of(embedder: Embedder) -> tuple[str, dict[str, Any]]:
    """BACKEND and OPTIONS of a configured engine, as they are remembered; ("", {}) for one that isn't configured."""
    said = settings.ENGINES["embedder"].get(embedder.name)
    if said is None or engines["embedder", embedder.name] is not embedder:
        return "", {}
    return str(said["BACKEND"]), json.loads(json.dumps(said.get("OPTIONS", {}), default=str))


def stamp(embedder: Embedder) -> str:
    """Changes when other options, or another model under the same ones, are configured; told without loading it."""
    digest = embedder.card.digest if embedder.light_card else ""
    return hashlib.sha256(json.dumps([*settings_of(embedder), digest], sort_keys=True).encode()).hexdigest()[:16]


def remember(workspace_id: int, embedder: Embedder) -> None:
    """Write down that a workspace's first vectors are this engine's."""
    if not ModelInUse.objects.filter(pk=workspace_id).exists() and settings_of(embedder)[0]:
        ModelInUse.objects.get_or_create(workspace_id=workspace_id, defaults={"model": _row(workspace_id, embedder)})


def differs(workspace_id: int, wanted: Embedder) -> bool:
    """Whether a workspace has pictures and isn't searched by this engine. Where that can't be told without loading it,
    its options decide."""
    if wanted.problems():
        return False
    row = ModelInUse.objects.select_related("model").filter(pk=workspace_id).first()
    if row is None:
        return Moment.objects.in_workspace(workspace_id).showable().exists()
    if wanted.light_card or wanted.loaded:
        return bool(row.model.digest != wanted.card.digest)
    return (row.model.backend, row.model.options) != settings_of(wanted)


def prepare(workspace_id: int, wanted: Embedder) -> SearchModel:
    """Make an engine the coming one, or the one in use where there is none yet; its row."""
    with transaction.atomic():
        model = _row(workspace_id, wanted)
        pointer, created = ModelInUse.objects.get_or_create(workspace_id=workspace_id, defaults={"model": model})
        if created:  # vectors from before models were remembered go with the others that are out of use
            known = SearchModel.objects.filter(workspace_id=workspace_id).values("digest")
            others = Embedding.objects.filter(moment__workspace_id=workspace_id).exclude(model__in=known).order_by()
            for digest in others.values_list("model", flat=True).distinct():
                SearchModel.objects.create(workspace_id=workspace_id, digest=digest, left=timezone.now())
        ModelInUse.objects.filter(pk=workspace_id).update(coming=None if pointer.model_id == model.pk else model)
    return model


def _row(workspace_id: int, embedder: Embedder) -> SearchModel:
    backend, options = settings_of(embedder)
    said = {"backend": backend, "options": options, "title": embedder.model or embedder.card.name, "left": None}
    return SearchModel.objects.update_or_create(
        workspace_id=workspace_id, digest=embedder.card.digest, defaults=said
    )[0]  # fmt: skip


def lacking(workspace_id: int, embedder: Embedder) -> MomentQuerySet:
    """Moments that an engine hasn't seen and whose pictures it knows, those of one asset together."""
    card = embedder.card
    moments = Moment.objects.in_workspace(workspace_id).without_embedding(card.digest)
    return moments.filter(asset__domain__in=card.domains).order_by("asset_id", "id")


def switch(workspace_id: int, model: SearchModel) -> bool:
    """Let the coming model take over. False where it isn't the coming one (any more)."""
    now = timezone.now()
    switched = ModelInUse.objects.filter(pk=workspace_id, coming=model).update(model=model, coming=None, since=now)
    if switched:
        SearchModel.objects.filter(workspace_id=workspace_id, left=None).exclude(pk=model.pk).update(left=now)
    return bool(switched)


def abandon(workspace_id: int) -> None:
    """Nobody is about to take over (any more); what was embedded is kept for another try."""
    pointer = ModelInUse.objects.filter(pk=workspace_id, coming__isnull=False)
    SearchModel.objects.filter(pk__in=pointer.values("coming")).update(left=timezone.now())
    pointer.update(coming=None)


def forget(before: datetime, *, index: Index | None = None) -> int:
    """Remove the vectors of models that went out of use before a time. Returns how many."""
    used: Index = index or engines["index"]
    gone = 0
    busy = ModelInUse.objects.values_list("model", "coming")
    for model in SearchModel.objects.filter(left__lt=before).exclude(pk__in={pk for pair in busy for pk in pair if pk}):
        space = Space(model.workspace_id, model.digest)
        while ids := list(space.rows().values_list("id", flat=True)[:FORGOTTEN_AT_ONCE]):
            gone += Embedding.objects.filter(pk__in=ids).delete()[0]
        spaces.rebuild(used, space)
        model.delete()
    return gone


def _working(model: SearchModel) -> Embedder | None:
    """The engine of a remembered model, where it can still work and is still that model."""
    try:
        engine = _configured(model) or _built(model.backend, json.dumps(model.options, sort_keys=True))
        if engine is None or engine.problems() or engine.card.digest != model.digest:
            return None
    except EngineError:
        return None
    return engine


def _configured(model: SearchModel) -> Embedder | None:
    for name in engines.names("embedder"):
        engine: Embedder = engines["embedder", name]
        if settings_of(engine) == (model.backend, model.options):
            return engine
    return None


@lru_cache(maxsize=4)
def _built(backend: str, options: str) -> Embedder | None:
    # A row of the database may choose among the engines that the settings name, and nothing else.
    if backend not in {said["BACKEND"] for said in settings.ENGINES["embedder"].values()}:
        return None
    built: Embedder = import_string(backend)(**json.loads(options))
    return built
