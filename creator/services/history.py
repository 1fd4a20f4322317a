"""What was done to a story and can be undone; its versions, what differs between two, and going back to one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _

from creator.models import Operation, Story, StoryVersion, User
from creator.services import audit, snapshots, stories
from creator.services.snapshots import Snapshot
from creator.services.wording import difference
from media_processing.engine import EngineError
from media_processing.models import Asset

Verb = Operation.Verb
Reason = StoryVersion.Reason

SHOWN_VERSIONS = 200
KEPT_FOR = timedelta(days=90)
MOST_OPERATIONS, MOST_VERSIONS = 500, 50
"""Of a story, the newest of each stay however old they are."""


# Undo and redo: each person's own -------------------------------------------------------------------------------------


def undoable(story: Story, person: User) -> Operation | None:
    """A person's newest operation that is in force."""
    return _theirs(story, person).filter(verb__in=(Verb.DO, Verb.REDO)).first()


def redoable(story: Story, person: User) -> Operation | None:
    """A person's newest undo, unless they did something else since."""
    newest = _theirs(story, person).filter(verb=Verb.UNDO).first()
    if newest is None:
        return None
    since = story.operations.filter(person=person, verb=Verb.DO, number__gt=newest.number)
    return None if since.exists() else newest


def _theirs(story: Story, person: User) -> QuerySet[Operation]:
    return story.operations.filter(person=person, reversed_by__isnull=True, set_aside=False).order_by("-number")


def undo(story: Story, *, by: User, key: UUID | None = None) -> Operation:
    """Take back a person's newest edit, or the one with a key.

    Raises EngineError where there is none, and Conflict where the same was changed since.
    """
    one = _theirs(story, by).filter(key=key).first() if key else undoable(story, by)
    return _reverse(story, one, by=by, verb=Verb.UNDO)


def redo(story: Story, *, by: User) -> Operation:
    """Do again what a person undid last."""
    return _reverse(story, redoable(story, by), by=by, verb=Verb.REDO)


def _reverse(story: Story, operation: Operation | None, *, by: User, verb: str) -> Operation:
    if operation is None:
        raise EngineError(f"There is nothing of yours to {verb}.", permanent=True)
    try:
        with stories.editing(story, by=by, version=None, what=operation.what, verb=verb, reverses=operation) as fresh:
            _refuse_where_changed(fresh, operation, verb)
            snapshots.put(fresh, snapshots.inverse(operation.changes))
    except stories.Conflict:
        # Told once: the next undo goes on to the edit before it.
        Operation.objects.filter(pk=operation.pk).update(set_aside=True)
        raise
    return operation


def _refuse_where_changed(story: Story, operation: Operation, verb: str) -> None:
    """Raise Conflict where what an operation left behind isn't there any more."""
    overtaken = snapshots.touched(snapshots.overtaken(story, operation.changes))
    came = {change["at"] for change in operation.changes if not change["field"] and change["now"] is not None}
    later = story.operations.filter(number__gt=operation.number).select_related("person").order_by("-number")
    for each in later:
        theirs = snapshots.touched(each.changes)
        # A scene that would go takes with it what others wrote into it.
        lost = {(at, part) for at, part in theirs if at in came} if each.person_id != operation.person_id else set()
        if lost or snapshots.overlap(overtaken, theirs):
            raise _overtaken(str(each.person or _("Somebody")), operation, verb)
    if overtaken:
        raise _overtaken(_("A new script"), operation, verb)


def _overtaken(who: str, operation: Operation, verb: str) -> stories.Conflict:
    return stories.Conflict(
        f"Not {'undone' if verb == Verb.UNDO else 'done again'}: {who} changed {in_words(operation)} since.",
        next_step="It stays as it is now. What it was before stands under Versions.",
        who=who,
    )


def in_words(operation: Operation) -> str:
    """What an operation changed: "the narration of a scene"."""
    changed = snapshots.touched(operation.changes)
    if len({at for at, _part in changed}) > 1 and operation.what in ("draft", "timeline", "restore"):
        return {"draft": "the draft", "timeline": "the time line", "restore": "the version"}[operation.what]
    wholes = [change for change in operation.changes if change["at"] not in ("story", "order") and not change["field"]]
    if wholes:
        return "a new scene" if wholes[0]["now"] is not None else "a removed scene"
    if any(at == "order" for at, _part in changed):
        return "the order"
    parts = sorted(part for _at, part in changed)
    name = PARTS.get(parts[0], parts[0]) if parts else "the story"
    return name if any(at == "story" for at, _part in changed) else f"{name} of a scene"


PARTS = {
    "title": "the headline", "summary": "the summary", "hashtags": "the hashtags", "music": "the music",
    "style": "the drawings", "voice": "the voice", "brand_id": "the brand", "caption_style": "the captions",
    "layout": "the layout", "poll": "the poll", "narration": "the narration", "on_screen": "the on-screen text",
    "visual": "the words for the picture", "alt": "the alternative text", "motion": "the motion",
    "transition": "the transition", "effect": "the effect", "picture": "the picture", "reading": "the reading",
    "tail": "the length",
}  # fmt: skip
"""Parts of a document in words, in the order of a page that compares them."""


# Versions -------------------------------------------------------------------------------------------------------------


def name_version(story: Story, name: str, *, by: User) -> StoryVersion:
    """Keep the story as it is now under a name. Raises EngineError for none."""
    name = " ".join(name.replace("\x00", "").split())[:100]
    if not name:
        raise EngineError("The version needs a name.", next_step="Say what it is: “As sent to the desk”.")
    with transaction.atomic():
        fresh = Story.objects.select_for_update().get(pk=story.pk)
        return stories.keep_version(fresh, Reason.NAMED, by=by, name=name)


def restore(story: Story, kept: StoryVersion, *, by: User) -> int:
    """Make a version the story again, as a new version. Returns how many pictures it had that are gone since."""
    wanted = snapshots.from_json(kept.document)
    with stories.editing(story, by=by, version=None, what="restore") as fresh:
        stories.keep_version(fresh, Reason.BEFORE_RESTORE, by=by)
        snapshots.put(fresh, snapshots.differences(snapshots.take(fresh), wanted))
    with transaction.atomic():
        now = Story.objects.select_for_update().get(pk=story.pk)
        stories.keep_version(now, Reason.RESTORED, by=by, name=kept.name)
        audit.record("story.restore", now, by=by, workspace=now.workspace_id, detail={"version": kept.number})
    here = snapshots.take(story)
    return sum(1 for pk, row in wanted.scenes.items() if row["asset_id"] and not here.scenes[pk]["asset_id"])


def forget_old(now: datetime) -> int:
    """Let go of edits that nobody will undo and of versions that nobody asked to keep. Returns how many.

    What is younger than KEPT_FOR stays, and so do a story's newest edits and versions, those with a name and those that
    were sent to review.
    """
    by_themselves = Q(name="") & ~Q(reason__in=(Reason.NAMED, Reason.REVIEW))
    gone = 0
    for rows, most in (
        (Operation.objects.order_by("-number"), MOST_OPERATIONS),
        (StoryVersion.objects.filter(by_themselves).order_by("-number"), MOST_VERSIONS),
    ):
        old = {"created__lt": now - KEPT_FOR}
        full = rows.order_by().values("story").annotate(rows=Count("pk"), oldest=Min("created"))
        for story in full.filter(rows__gt=most, oldest__lt=old["created__lt"]).values_list("story", flat=True):
            first = rows.filter(story=story).values_list("number", flat=True)[most - 1]
            gone += rows.filter(story=story, number__lt=first, **old).delete()[0]
    return gone


@dataclass(frozen=True)
class Row:
    """One part of a document in two versions: ("same", "cut" or "new", text) of each side."""

    label: str
    old: Sequence[tuple[str, str]]
    new: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Compared:
    """A scene (or what stands around the scenes) in two versions."""

    title: str
    state: str
    """"changed", "came", "went" or "same"."""
    rows: Sequence[Row]
    pictures: tuple[str, str] | None = None
    """Assets before and after, where the picture changed; "" for none."""
    places: tuple[int, int] | None = None
    """Its numbers before and after, where it moved."""


TEXTS = ("narration", "on_screen", "visual", "alt", "motion", "transition", "effect")
AROUND = (
    "title", "summary", "hashtags", "music", "style", "voice", "brand_id", "caption_style", "layout", "poll"
)  # fmt: skip


def compare(was: Snapshot, now: Snapshot) -> list[Compared]:
    """What differs, in the order of `now`; scenes that went stand where they were."""
    around = [_row(name, was.story.get(name), now.story.get(name)) for name in AROUND]
    changed = [row for row in around if row]
    found = [Compared(_("The story"), "changed", changed)] if changed else []
    moved = _moved(was.order, now.order)
    order = list(now.order)
    for at, pk in enumerate(was.order):
        if pk not in now.scenes:
            before = [each for each in was.order[:at] if each in order]
            order.insert(order.index(before[-1]) + 1 if before else 0, pk)
    for pk in order:
        old, new = was.scenes.get(pk), now.scenes.get(pk)
        rows = [row for name in TEXTS if (row := _row(name, (old or {}).get(name), (new or {}).get(name)))]
        assets = tuple(str((each or {}).get("asset_id") or "") for each in (old, new))
        state = "came" if old is None else "went" if new is None else "changed"
        number = (now.order if new else was.order).index(pk) + 1
        compared = Compared(
            title=_("Scene %(number)s") % {"number": number},
            state=state,
            rows=rows,
            pictures=(assets[0], assets[1]) if assets[0] != assets[1] else None,
            places=(was.order.index(pk) + 1, now.order.index(pk) + 1) if pk in moved else None,
        )
        if rows or compared.pictures or compared.places or state != "changed":
            found.append(compared)
    return found


def _moved(was: Sequence[str], now: Sequence[str]) -> set[str]:
    """Scenes that others didn't only make room for: those outside the longest run that kept its order."""
    before = [pk for pk in was if pk in now]
    after = [pk for pk in now if pk in was]
    kept = {
        before[block.a + at]
        for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
        for at in range(block.size)
    }
    return set(before) - kept


def _row(name: str, old: Any, new: Any) -> Row | None:
    before, after = _said(old), _said(new)
    if before == after:
        return None
    pieces = difference(before, after)
    old_side = [piece for piece in pieces if piece[0] != "new"]
    return Row(_(heading(name)), old_side, [piece for piece in pieces if piece[0] != "cut"])


def heading(name: str) -> str:
    """A part of a document where it stands alone: "Alternative text"."""
    return PARTS[name].removeprefix("the ").capitalize()


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def assets_in(story: Story, ids: Iterable[str]) -> dict[str, Asset]:
    """Those of a comparison's pictures that are still in the library."""
    found = Asset.objects.in_workspace(story.workspace_id).filter(pk__in={each for each in ids if each})
    return {str(asset.pk): asset for asset in found}
