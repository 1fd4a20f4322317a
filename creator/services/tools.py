"""Verbs of the library's tools: ask for a copy that a tool makes of an asset, and make it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from creator import jobs
from creator.jobs import Work
from creator.models import Event, Job, User, Workspace
from creator.services import choices, library
from media_processing import services as media
from media_processing import tools
from media_processing.decoding import inspect
from media_processing.engine import Engine, EngineError
from media_processing.models import Asset

USE = "use_tool"
MADE = "asset.made"


def ask_to_use(asset: Asset, *, by: User, tool: str, said: Mapping[str, Any]) -> Job:
    """Have a tool make a copy. Raises EngineError where what is said of it can't be."""
    values = tools.checked(tool, inspect(asset.file, name=asset.title), said, engine_of(tool, asset))
    _others(asset, tool, values)
    return jobs.submit(USE, workspace=asset.workspace, person=by, asset=str(asset.pk), tool=tool, parameters=values)


def engine_of(tool: str, asset: Asset) -> Engine | None:
    """The engine that a tool uses on an asset; None where it needs none."""
    role = tools.TOOLS[tool].role_for(asset.kind) if tool in tools.TOOLS else ""
    if not role:
        return None
    engine: Engine = choices.engine(role, Workspace.objects.get(pk=asset.workspace_id))
    return engine


def use(work: Work) -> None:
    """The job that does so. The same tool with the same values on the same asset is the copy that is there already."""
    subject = work.job.subject
    asset = Asset.objects.in_workspace(work.job.workspace_id).filter(pk=UUID(subject["asset"])).first()
    if asset is None:
        raise EngineError("The file isn't there any more.", next_step="Bring it in again.", permanent=True)
    name, values = subject["tool"], subject["parameters"]
    others = _others(asset, name, values)
    engine = engine_of(name, asset)
    key = _key(asset, name, values, others, engine)
    work.begin("use_tool")
    made = asset.children.filter(made_by__key=key).first()
    if made is None:
        with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
            files = {slot: each.file for slot, each in others.items()}
            file = tools.use(
                name, asset.file, Path(folder), inspect(asset.file, name=asset.title), values, others=files,
                engine=engine, progress=work.part(0.0, 0.85),
            )  # fmt: skip
            prepared = media.prepare(file)
        with work.effect():
            made = _record(work.job, asset, prepared, name, values, others, key, engine)
    library.make_searchable(made, progress=work.part(0.85, 1.0))
    with work.effect():
        jobs.note(work.job, MADE, asset=str(made.pk))


def _record(
    job: Job, asset: Asset, prepared: media.Prepared, name: str, values: Mapping[str, Any],
    others: Mapping[str, Asset], key: str, engine: Engine | None,
) -> Asset:  # fmt: skip
    """The row of a copy, with what its parents are owed: a licence that asks for the same again goes on with it."""
    parents = [asset, *others.values()]
    credit = "; ".join(dict.fromkeys(each.credit for each in _shown(asset, name, others) if each.credit))
    ((made, new),) = media.record(
        asset.workspace_id, [prepared], title=f"{asset.title or 'Untitled'} ({tools.TOOLS[name].done})"[:300],
        alt=asset.alt, licence=asset.licence, credit=credit[:200], tags=asset.tags, domain=asset.domain,
        added_by_id=job.person_id, source_url=asset.source_url,
        # No engine of its own: what a machine drew stays so however it is cropped, and a photograph doesn't become it.
        made_by=asset.made_by | {
            "tool": name, "parameters": dict(values), "key": key, "parents": [each.digest for each in parents],
            **({"tool_engine": engine.made_by()} if engine else {}),
        },
    )  # fmt: skip
    if new:
        made.parents.set(parents)
    return made


def _shown(asset: Asset, name: str, others: Mapping[str, Asset]) -> list[Asset]:
    """Those whose picture stands in the copy: a logo does, a picture that only lends its colours doesn't."""
    return [asset, *(others.values() if name == "watermark" else ())]


def _others(asset: Asset, name: str, values: Mapping[str, Any]) -> dict[str, Asset]:
    """The pictures of the same workspace that a tool needs besides, by parameter."""
    found: dict[str, Asset] = {}
    for each in tools.TOOLS[name].parameters:
        if each.kind != "picture" or not values[each.name]:
            continue
        try:
            number = UUID(values[each.name])
        except ValueError:
            number = UUID(int=0)
        pictures = Asset.objects.in_workspace(asset.workspace_id).filter(kind=Asset.Kind.IMAGE)
        other = pictures.filter(pk=number).first()
        if other is None:
            raise EngineError(f"{each.title}: there is no such picture.", next_step="Choose one of the library.")
        found[each.name] = other
    return found


def _key(
    asset: Asset, name: str, values: Mapping[str, Any], others: Mapping[str, Asset], engine: Engine | None
) -> str:
    """sha256 over all that decides what comes out."""
    consumed = [tools.VERSION, asset.digest, name, dict(values), {slot: each.digest for slot, each in others.items()}]
    if engine and not engine.starter:
        engine.load()  # a model says which it is once it is there
        consumed.append([engine.name, engine.model])
    return hashlib.sha256(json.dumps(consumed, sort_keys=True).encode()).hexdigest()


def made_by_job(job: Job) -> Asset | None:
    """The copy that a job made, where it is there."""
    told = Event.objects.filter(job=job, kind=MADE).order_by("-id").first()
    return Asset.objects.in_workspace(job.workspace_id).filter(pk=told.data["asset"]).first() if told else None
