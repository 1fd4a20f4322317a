"""A change of search models: the new one sees every picture in the background, while searches go on with the old."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from time import monotonic
from typing import Any

from django.db.models import Q
from django.utils import timezone
from PIL import Image

from creator import jobs
from creator.jobs import Cancelled, Work
from creator.models import Job, User, Workspace
from creator.services import choices, copies
from media_processing import services as media
from media_processing.engine import EngineError, InvalidEngineError, engines
from search import models_in_use, spaces
from search import services as search
from search.engines.base import BATCH, Embedder
from search.indexing import keep_vectors
from search.models import ModelInUse, Moment, MomentQuerySet
from search.spaces import Space

KIND = "reindex"
KEPT = timedelta(days=7)
"""How long the vectors of a model that went out of use stay: going back within that time costs nothing."""
READ_AT_ONCE = 2 * BATCH


def start(workspace: Workspace, *, by: User | None = None) -> Job:
    """Have a worker bring in the embedder that is configured for a workspace; the job that does, where there is one."""
    stamp = models_in_use.stamp(choices.engine("embedder", workspace))
    waiting = Job.objects.filter(workspace=workspace, kind=KIND, state__in=Job.OPEN).first()
    return waiting or jobs.submit(KIND, workspace=workspace, person=by, priority=-12, wanted=stamp)


def start_where_changed() -> None:
    """Ask for it in each workspace whose embedder was changed, and stop where the change was taken back.

    A change that failed or was cancelled waits for somebody to retry the job or to configure something else.
    """
    for workspace in Workspace.objects.all():
        with suppress(EngineError, InvalidEngineError):
            _look_at(workspace, choices.engine("embedder", workspace))


def _look_at(workspace: Workspace, wanted: Embedder) -> None:
    differs = models_in_use.differs(workspace.pk, wanted)
    last = Job.objects.filter(workspace=workspace, kind=KIND).order_by("-id").first()
    if last is not None and last.is_open:
        coming = ModelInUse.objects.filter(pk=workspace.pk, coming__isnull=False).exists()
        if (coming and not differs) or (differs and last.subject.get("wanted") != models_in_use.stamp(wanted)):
            jobs.ask_to_cancel(last)
            if not Job.objects.filter(pk=last.pk, state__in=Job.OPEN).exists():
                models_in_use.abandon(workspace.pk)
    elif differs:
        stamp = models_in_use.stamp(wanted)
        if last is None or last.state == Job.State.DONE or last.subject.get("wanted") != stamp:
            start(workspace)


def fill_in() -> None:
    """Ask for it where the model in use hasn't seen pictures that it knows: those that came while it couldn't work.

    Pictures that can't be read are asked for once.
    """
    for workspace in Workspace.objects.all():
        used = models_in_use.embedder_for(workspace.pk)
        unseen = 0 if used.problems() else models_in_use.lacking(workspace.pk, used).count()
        last = Job.objects.filter(workspace=workspace, kind=KIND).order_by("-id").first()
        if unseen and (last is None or (not last.is_open and last.subject.get("unseen") != unseen)):
            with suppress(InvalidEngineError):
                start(workspace)


def reindex(work: Work) -> None:
    """Embed what the configured embedder hasn't seen, make its index, and let it take over."""
    workspace = work.job.workspace
    embedder: Embedder = choices.engine("embedder", workspace)
    for problem in embedder.problems():
        raise problem
    model = models_in_use.prepare(workspace.pk, embedder)
    try:
        _embed(work, embedder)
        work.begin("indexing", 0.95)
        spaces.rebuild(engines["index"], Space(workspace.pk, model.digest))
        with work.effect():
            models_in_use.switch(workspace.pk, model)
            copies.refresh(workspace)
    except (Cancelled, EngineError):
        models_in_use.abandon(workspace.pk)
        raise


def _embed(work: Work, embedder: Embedder) -> None:
    """Key frames through the embedder, in batches over all files; what is written is kept whatever happens."""
    workspace = work.job.workspace
    space = Space(workspace.pk, embedder.card.digest)
    lacking = models_in_use.lacking(workspace.pk, embedder)
    left = lacking.count()
    seen = space.rows().count()
    whole, began, done = left + seen, monotonic(), 0
    work.begin("embedding", 0.95 * seen / max(1, whole))
    last: tuple[Any, int] | None = None
    while some := _after(lacking, last):
        last = some[-1].asset_id, some[-1].pk
        shown = list(_key_frames(some))
        vectors = embedder.embed_pictures([picture for _, picture in shown]).astype("<f2")
        done += len(some)
        rate = done / (monotonic() - began)
        work.job.subject |= {"seconds_left": round(max(0, left - done) / rate)}
        with work.effect():
            there = set(Moment.objects.filter(pk__in=[number for number, _ in shown]).values_list("pk", flat=True))
            made = {number: vector for (number, _), vector in zip(shown, vectors, strict=True) if number in there}
            keep_vectors(space, made)
            work.job.save(update_fields=["subject"])
        work.report(0.95 * (seen + done) / max(1, whole))
    work.job.subject |= {"seconds_left": 0, "unseen": lacking.count()}
    work.job.save(update_fields=["subject"])


def _after(lacking: MomentQuerySet, last: tuple[Any, int] | None) -> list[Moment]:
    """The next moments in the order of `lacking`; those that can't be read don't come again."""
    if last is not None:
        asset, number = last
        lacking = lacking.filter(Q(asset__gt=asset) | Q(asset=asset, pk__gt=number))
    return list(lacking.select_related("asset")[:READ_AT_ONCE])


def _key_frames(moments: Sequence[Moment]) -> Iterator[tuple[int, Image.Image]]:
    """(moment, picture) of those whose file can be read, one decoder a file."""
    for _asset, those in groupby(moments, key=lambda moment: moment.asset_id):
        some = list(those)
        with suppress(EngineError, OSError):
            frames = media.key_frames(some[0].asset, [moment.key_time for moment in some])
            for moment, picture in zip(some, frames, strict=True):
                if picture is not None:
                    yield moment.pk, picture.convert("RGB")


def line(workspace: Workspace, told: Mapping[str, Any] | None = None) -> str:
    """How a change of models stands, in one line; empty where there is none. `told` is what `search.describe` says.

    "Re-indexing with ViT-B-32: 43 %, 12 min left; searching with Starter CLIP meanwhile."
    """
    told = told or search.describe(workspace.pk)
    if not told["coming"]:
        return str(told["note"])
    job = Job.objects.filter(workspace=workspace, kind=KIND, state__in=Job.OPEN).order_by("-id").first()
    seconds = job.subject.get("seconds_left") if job and job.state == Job.State.RUNNING else None
    left = f", {_time(seconds)} left" if seconds else ""
    meanwhile = told["note"] or f"searching with {told['model']} meanwhile."
    return f"Re-indexing with {told['coming']}: {int(100 * told['coming_share'])} %{left}; {meanwhile}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def forget_old(now: datetime | None = None) -> int:
    """Remove the vectors of models that went out of use long enough ago. Returns how many."""
    return models_in_use.forget((now or timezone.now()) - KEPT)
