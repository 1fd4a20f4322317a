"""A story's document as plain data: taken, compared, and put back.

A change is {"at", "field", "was", "now"}. `at` is "story", "order" or a scene's id. A scene that came or went has no
field; it is then None or {"fields", "after", "alternatives"}, `after` being the scene in front of it. Swapping was and
now gives the inverse.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

from creator.models import Alternative, Scene, Story
from media_processing.engine import EngineError
from media_processing.models import Asset, Rendition

Change = dict[str, Any]

STORY_FIELDS = (
    "title", "summary", "hashtags", "music", "style", "voice", "brand_id", "caption_style", "layout", "poll"
)  # fmt: skip
SCENE_FIELDS = tuple(
    each.attname for each in Scene._meta.concrete_fields if each.name not in ("id", "story", "position")
)
ALTERNATIVE_FIELDS = tuple(each.attname for each in Alternative._meta.concrete_fields if each.name != "scene")
TOGETHER: dict[str, str] = {
    **dict.fromkeys(("asset_id", "start", "end", "focus", "chosen_by_hand", "made_by"), "picture"),
    **dict.fromkeys(("sound_id", "recorded_id", "words", "sentences", "timing", "spoken_key"), "reading"),
}
"""Fields that make sense together only: two changes of one such part are changes of the same thing."""


@dataclass
class Snapshot:
    """What an editor can change of a story."""

    story: dict[str, Any]
    order: list[str]
    scenes: dict[str, dict[str, Any]]
    alternatives: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of the scenes; only in snapshots that were taken with them."""

    def as_json(self) -> dict[str, Any]:
        """Without the alternatives."""
        plain: dict[str, Any] = _plain({"story": self.story, "order": self.order, "scenes": self.scenes})
        return plain


def take(story: Story, *, alternatives: bool = False) -> Snapshot:
    """The document as the database has it."""
    values = Story.objects.filter(pk=story.pk).values(*STORY_FIELDS).get()
    scenes = {
        str(row.pop("id")): row
        for row in Scene.objects.filter(story=story.pk).order_by("position").values("id", *SCENE_FIELDS)
    }
    beside: dict[str, list[dict[str, Any]]] = {}
    if alternatives:
        for row in Alternative.objects.filter(scene__story=story.pk).values("scene_id", *ALTERNATIVE_FIELDS):
            beside.setdefault(str(row.pop("scene_id")), []).append(row)
    return Snapshot(values, list(scenes), scenes, beside)


def from_json(document: dict[str, Any]) -> Snapshot:
    """A snapshot that was stored; fields that came since are left alone by what is made of it."""
    scenes = {
        pk: {name: value for name, value in row.items() if name in SCENE_FIELDS}
        for pk, row in document["scenes"].items()
    }
    story = {name: value for name, value in document["story"].items() if name in STORY_FIELDS}
    return Snapshot(story, list(document["order"]), scenes)


def differences(was: Snapshot, now: Snapshot) -> list[Change]:
    """What turns `was` into `now`, as JSON: story fields, scenes gone, scenes new, order, fields of scenes."""
    changes = [
        {"at": "story", "field": name, "was": _plain(was.story.get(name)), "now": _plain(value)}
        for name, value in now.story.items()
        if _plain(was.story.get(name)) != _plain(value)
    ]
    changes += [
        {"at": pk, "field": "", "was": _whole(was, pk), "now": None} for pk in was.order if pk not in now.scenes
    ]
    changes += [
        {"at": pk, "field": "", "was": None, "now": _whole(now, pk)} for pk in now.order if pk not in was.scenes
    ]
    before = [pk for pk in was.order if pk in now.scenes]
    after = [pk for pk in now.order if pk in was.scenes]
    if before != after:
        changes.append({"at": "order", "field": "", "was": before, "now": after})
    for pk in after:
        old, new = was.scenes[pk], now.scenes[pk]
        changes += [
            {"at": pk, "field": name, "was": _plain(old.get(name)), "now": _plain(value)}
            for name, value in new.items()
            if old.get(name) != value and _plain(old.get(name)) != _plain(value)
        ]
    return changes


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, type(None))) else json.loads(_text(value))


def _text(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder)


def _whole(of: Snapshot, pk: str) -> dict[str, Any]:
    at = of.order.index(pk)
    whole = {
        "fields": of.scenes[pk], "after": of.order[at - 1] if at else "", "alternatives": of.alternatives.get(pk, [])
    }  # fmt: skip
    plain: dict[str, Any] = _plain(whole)
    return plain


def inverse(changes: Iterable[Change]) -> list[Change]:
    """What takes them back."""
    return [{**change, "was": change["now"], "now": change["was"]} for change in changes]


def touched(changes: Iterable[Change]) -> set[tuple[str, str]]:
    """(at, part) of each: a scene that came or went has no part and stands for all of them."""
    return {(change["at"], TOGETHER.get(str(change["field"]), str(change["field"]))) for change in changes}


def overlap(one: set[tuple[str, str]], other: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What two edits both touch; a scene that went has everything in it touched."""
    wholes = {at for at, part in one | other if not part}
    both = {at for at, _ in one} & {at for at, _ in other} & wholes
    return (one & other) | {(at, part) for at, part in one | other if at in both and at not in ("order", "story")}


def overtaken(story: Story, changes: Sequence[Change]) -> list[Change]:
    """Those of `changes` whose result isn't what the story has now."""
    here = take(story)
    return [change for change in changes if not _stands(here, change)]


def _stands(here: Snapshot, change: Change) -> bool:
    at, name, now = change["at"], change["field"], change["now"]
    if at == "story":
        return bool(_plain(here.story[name]) == now)
    if at == "order":
        return [pk for pk in here.order if pk in now] == [pk for pk in now if pk in here.scenes]
    if not name:
        return (at in here.scenes) == (now is not None)
    return at in here.scenes and bool(_plain(here.scenes[at][name]) == now)


def put(story: Story, changes: Sequence[Change]) -> None:
    """Write the `now` of every change, inside an edit. Raises EngineError where no story would be left of it."""
    living = _Living(story)
    own = {change["field"]: change["now"] for change in changes if change["at"] == "story"}
    if own:
        for name, value in living.of(own).items():
            setattr(story, name, value)
        story.save(update_fields=[name.removesuffix("_id") for name in own])
    order = [str(pk) for pk in story.scenes.order_by("position").values_list("pk", flat=True)]
    wholes = [change for change in changes if change["at"] not in ("story", "order") and not change["field"]]
    gone = {change["at"] for change in wholes if change["now"] is None}
    Scene.objects.filter(story=story.pk, pk__in=gone).delete()
    order = [pk for pk in order if pk not in gone]
    for change in changes:
        if change["at"] == "order":
            order = _ordered(order, change["now"])
    for change in wholes:
        if (whole := change["now"]) is not None and change["at"] not in order:
            _bring_back(story, change["at"], whole, living)
            order.insert(order.index(whole["after"]) + 1 if whole["after"] in order else 0, change["at"])
    if not order:
        raise EngineError("A story needs at least one scene.", permanent=True)
    fields: dict[str, dict[str, Any]] = {}
    for change in changes:
        if change["at"] != "story" and change["field"]:
            fields.setdefault(change["at"], {})[change["field"]] = change["now"]
    for pk, values in fields.items():
        Scene.objects.filter(story=story.pk, pk=pk).update(**living.of(values))
    for position, pk in enumerate(order):
        Scene.objects.filter(story=story.pk, pk=pk).exclude(position=position).update(position=position)


def _ordered(order: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """`order` with the scenes of `wanted` in that order, in the places that they take up together."""
    there = iter([pk for pk in wanted if pk in order])
    return [next(there) if pk in wanted else pk for pk in order]


def _bring_back(story: Story, pk: str, whole: dict[str, Any], living: _Living) -> None:
    scene = Scene.objects.create(pk=UUID(pk), story=story, position=0, **living.of(whole["fields"]))
    rows = [(row, living.of(row)) for row in whole["alternatives"]]
    there = [now for was, now in rows if all(now[name] == was[name] for name in ("asset_id", "sound_id"))]
    Alternative.objects.bulk_create([Alternative(scene=scene, **row) for row in there], ignore_conflicts=True)


class _Living:
    """Takes away references to what is gone since."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def of(self, values: dict[str, Any]) -> dict[str, Any]:
        workspace = self.story.workspace_id
        there = {
            "asset_id": Asset.objects.in_workspace(workspace),
            "recorded_id": Asset.objects.in_workspace(workspace),
            "sound_id": Rendition.objects.filter(workspace_id=workspace),
            "brand_id": self.story.workspace.brands.all(),
        }
        return {
            name: None if value and name in there and not there[name].filter(pk=value).exists() else value
            for name, value in values.items()
        }
