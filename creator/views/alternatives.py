"""Other pictures and readings of scenes: what the studio's document says of them, its operations, and a form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from creator.access import asset_for
from creator.models import Alternative, Job, Scene, Story, Workspace
from creator.services import alternatives, charges, choices, visuals
from creator.services.alternatives import COUNTS, DRAW, SPEAK, Wish
from creator.templatetags.storyloom import engine_title, is_built_in, money
from creator.views.people import person_of
from media_processing.engine import EngineError, engines
from media_processing.models import Asset


def offered(story: Story) -> dict[str, Any]:
    """What the painter can, what it asks, and what is being drawn and read."""
    workspace = story.workspace
    jobs = story.jobs.filter(kind__in=(DRAW, SPEAK), state__in=Job.OPEN)
    return {
        **painter_of(workspace),
        "estimates": {
            "draw": {str(count): _price(workspace, "draw", count) for count in COUNTS},
            "redraw": _price(workspace, "redraw"), "fill": _price(workspace, "fill"),
        },
        "asking": [{"kind": job.kind, "scene": job.subject.get("scene", "")} for job in jobs],
    }  # fmt: skip


def painter_of(workspace: Workspace) -> dict[str, Any]:
    """What a form for a picture needs of the painter."""
    painter = choices.engine("painter", workspace)
    return {
        "painter": painter.title, "can_redraw": painter.can_redraw, "can_fill": painter.can_fill,
        "heeds_strength": painter.heeds_strength, "repeats": painter.repeats, "takes": sorted(painter.takes),
        "schedulers": dict(painter.schedulers) if "scheduler" in painter.takes else {},
    }  # fmt: skip


def _price(workspace: Workspace, verb: str, count: int = 1) -> str:
    return charges.in_words(alternatives.estimate(workspace, verb, count=count))


def page(story: Story) -> dict[str, Any]:
    """What the page's templates need besides the document."""
    try:
        readers = alternatives.readers(story)
    except EngineError:  # the page comes without them; the render says what is wrong
        readers = []
    return {"readers": readers, "fillers": alternatives.fillers(), "counts": COUNTS}


def of_scene(story: Story, scene: Scene, *, spoken: bool) -> dict[str, Any]:
    """The pictures and the readings beside a scene's own, and the ones to go back to."""
    pictures = [each for each in scene.alternatives.all() if each.part == Alternative.Part.PICTURE and each.asset]
    shown = next((each.pk for each in pictures if visuals.is_shown(scene, each)), None)
    parents = _parents(story.workspace_id, pictures)
    return {
        "alternatives": [_picture(story.workspace, each, parents) for each in pictures],
        "again": _again(story.workspace, scene.asset) if scene.asset else None,
        "back": alternatives.before_of(pictures, shown),
        **_readings(story, scene, spoken=spoken),
        "reading_costs": {
            name: cost for name in engines.names("voice")
            if (cost := charges.in_words(alternatives.reading_estimate(story, scene.narration, name)))
        },
    }  # fmt: skip


def picture(asset: Asset, start: float = 0.0) -> dict[str, Any]:
    """What the stage and the strip need of an asset."""
    return {
        "asset": str(asset.pk),
        "kind": asset.kind,
        "thumbnail": reverse("thumbnail", args=[asset.pk]),
        "file": reverse("asset-file", args=[asset.pk]),
        "page": reverse("asset", args=[asset.pk]),
        "start": start,
        "width": asset.width,
        "height": asset.height,
        "colour": asset.colour,
        "title": asset.title,
        "alt": asset.alt,
        "licence": asset.licence,
        "credit": asset.credit,
        "made_by": asset.made_by.get("engine", ""),
    }


def _picture(workspace: Workspace, row: Alternative, parents: dict[str, Asset]) -> dict[str, Any]:
    assert row.asset is not None  # noqa: S101
    made = row.made_by or row.asset.made_by
    parent = next((parents[each] for each in made.get("parents", ()) if each in parents), None)
    return {
        "id": row.pk,
        "score": round(row.score, 3),
        "explain": row.explain,
        **picture(row.asset, row.start),
        "drawn": visuals.is_drawn(row),
        "before": row.replaced is not None,
        **_made(made, "painter"),
        "again": _again(workspace, row.asset),
        "parent": {"title": parent.title, "page": reverse("asset", args=[parent.pk])} if parent else None,
    }


def _made(made: dict[str, Any], role: str) -> dict[str, str]:
    """Who made something, in words."""
    name = str(made.get("engine", ""))
    return {
        "engine": engine_title(name, role, short=True) if name else "",
        "model": str(made.get("model", "")),
        "seed": str(made.get("seed", "")),
        "prompt": str(made.get("prompt") or made.get("words") or ""),
        "cost": cost_in_words(made, role) if name else "",
    }


def cost_in_words(made: dict[str, Any], role: str) -> str:
    """What it cost to make something; "" where nobody wrote it down."""
    cost = made.get("cost")
    if cost and cost.get("amount"):
        return f"{money(Decimal(cost['amount']))} {cost['currency']}"
    if cost:
        return "no price is known for this model"
    if is_built_in(str(made.get("engine", "")), role):
        return "built in, free"
    return "free" if cost is not None else ""


def _parents(workspace_id: int, rows: list[Alternative]) -> dict[str, Asset]:
    """The assets of this workspace that pictures came from, by digest."""
    digests = {each for row in rows for each in row.made_by.get("parents", ()) if isinstance(each, str)}
    if not digests:
        return {}
    return {asset.digest: asset for asset in Asset.objects.in_workspace(workspace_id).filter(digest__in=digests)}


def _again(workspace: Workspace, asset: Asset) -> dict[str, Any] | None:
    """Where the form "again with changes" begins; None where a picture can't be drawn again."""
    if not alternatives.can_repeat(workspace, asset):
        return None
    wish = alternatives.wish_of(asset)
    return {
        "words": wish.words, "negative": wish.negative, "seed": wish.seed, "style": wish.style,
        "strength": wish.strength, "steps": wish.steps or "", "scheduler": wish.scheduler,
        "guidance": "" if wish.guidance is None else wish.guidance,
    }  # fmt: skip


def _readings(story: Story, scene: Scene, *, spoken: bool) -> dict[str, Any]:
    rows = alternatives.readings_of(story, scene)
    rows.sort(key=lambda row: str(row.sound and row.sound.created))  # so that none moves when another is taken
    shown = next((row.pk for row in rows if row.sound_id == scene.sound_id), None) if spoken else None
    told = [_reading(row.pk, row.sound_id, row.made_by, row) for row in rows]
    if spoken and shown is None and scene.sound:
        told.insert(0, _reading(0, scene.sound_id, scene.sound.made_by, None))
    return {
        "readings": told,
        "reading": (shown or 0) if spoken else None,
        "reading_back": alternatives.before_of(rows, shown),
    }


def _reading(pk: int, sound_id: UUID | None, made: dict[str, Any], row: Alternative | None) -> dict[str, Any]:
    return {
        "id": pk,
        "sound": reverse("rendition", args=[sound_id]),
        "voice": str(made.get("title") or made.get("speaker") or made.get("voice") or ""),
        "rate": made.get("rate", 1.0),
        "before": bool(row and row.replaced),
        **_made(made, "voice"),
    }


# Operations ----------------------------------------------------------------------------------------------------------


def choose_picture(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "choose_picture": an alternative, or any asset of the library."""
    if "asset" in said:
        asset = asset_for(common["by"], str(said["asset"]))
        start = float(said.get("start", 0))
        alternatives.choose_picture(story, said["scene"], **common, asset=asset, start=start)
    else:
        alternatives.choose_picture(story, said["scene"], **common, alternative_id=int(said["alternative"]))


def draw(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "draw_pictures"."""
    words, count = str(said.get("words", "")), int(said["count"])
    alternatives.draw_more(story, said["scene"], by=common["by"], count=count, words=words)


def again(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "draw_again"."""
    asset = asset_for(common["by"], str(said["asset"]))
    alternatives.again(story.workspace, asset, _wish(said), by=common["by"], story=story, scene_id=said["scene"])


def fill(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "fill_picture"."""
    asset = asset_for(common["by"], str(said["asset"]))
    alternatives.fill(story, said["scene"], asset, _wish(said), str(said["mask"]), by=common["by"])


def read(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "read_line"."""
    alternatives.ask_reading(
        story, said["scene"], by=common["by"], engine=str(said.get("engine", "")), voice=str(said.get("voice", "")),
        rate=float(said.get("rate", 1)),
    )  # fmt: skip


def use_reading(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "use_reading"."""
    alternatives.use_reading(story, said["scene"], int(said["reading"]), **common)


_FIELDS = ("words", "negative", "seed", "style", "strength", "steps", "guidance", "scheduler")


def _wish(said: dict[str, Any] | QueryDict) -> Wish:
    return Wish(
        words=str(said.get("words", "")), negative=str(said.get("negative", "")), seed=int(said.get("seed") or 0),
        style=str(said.get("style", "")), strength=float(said.get("strength") or 0), steps=int(said.get("steps") or 0),
        guidance=None if said.get("guidance") in (None, "") else float(str(said["guidance"])),
        scheduler=str(said.get("scheduler", "")),
    )  # fmt: skip


# The library ---------------------------------------------------------------------------------------------------------


def form_of(request: HttpRequest, asset: Asset) -> dict[str, Any]:
    """The form "again with changes" on an asset's page, with what was typed before, and what came of it so far."""
    workspace = asset.workspace
    wish = _again(workspace, asset) if asset.made_by.get("engine") and not asset.archived else None
    if wish is None:
        return {}
    typed = {name: request.GET[f"again_{name}"] for name in wish if f"again_{name}" in request.GET}
    done = Job.objects.filter(workspace=workspace, kind=DRAW, subject__parent=str(asset.pk), subject__scene="")
    made = [each for job in done.order_by("-pk")[:6] for each in job.subject.get("made", ())]
    return {
        "again": {**wish, **typed}, "again_open": bool(typed), "painter": painter_of(workspace),
        "styles": choices.engine("painter", workspace).styles.items(), "again_cost": _price(workspace, "draw"),
        "made_again": Asset.objects.in_workspace(workspace.pk).filter(pk__in=made),
    }  # fmt: skip


@login_required
@require_POST
def again_in_library(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """Have a picture of the library drawn again with changes; back to its page, with what was typed where it can't."""
    asset = asset_for(request.user, asset_id, to="edit")
    back = reverse("asset", args=[asset.pk])
    try:
        alternatives.again(asset.workspace, asset, _wish(request.POST), by=person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
    except (ValueError, OverflowError):
        messages.error(request, gettext("A seed, steps and guidance are numbers. Correct them, then draw again."))
    else:
        messages.success(request, gettext("It is being drawn, and will stand in the library and below."))
        return redirect(back)
    typed = {f"again_{name}": request.POST[name][:1000] for name in _FIELDS if name in request.POST}  # fmt: skip
    return redirect(f"{back}?{urlencode(typed)}")
