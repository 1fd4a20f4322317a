"""Verbs of near-duplicates: groups of copies and look-alikes; merge them, undo that, keep them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils import timezone

from creator import jobs
from creator.jobs import Work
from creator.models import Collection, Event, Job, User, Workspace
from creator.services import library
from media_processing import pdq
from media_processing.engine import EngineError
from media_processing.models import Asset
from search import copies
from search import services as search
from search.models import CopyGroup, CopyMember, CopyScan, Moment

PAGE = 24
MOST = 200
"""Assets that one merge takes."""
HASHED_AT_ONCE = 32
MERGED, UNMERGED, APART = "asset.merged", "asset.unmerged", "asset.kept_apart"
FILLED = ("title", "alt", "licence", "source_url", "taken")
"""What the one that stays takes over where it says nothing itself."""


@dataclass(frozen=True)
class Member:
    """An asset of a group."""

    asset: Asset
    form: str
    """"same", "mirrored", "part" (shares shots) or "alike"."""
    likeness: float
    """To the group's leader, 0 to 1."""
    scenes: int
    """Scenes of stories that show it."""

    @property
    def said(self) -> str:
        """The form in words."""
        return str(CopyMember.Form(self.form).label)


@dataclass(frozen=True)
class Group:
    """Assets to merge or to keep apart, the one that should stay first."""

    id: int
    kind: str
    """"copies" or "look-alikes"."""
    members: tuple[Member, ...]

    @property
    def keep(self) -> Asset:
        """The largest: most pixels, then longest, then most bytes, then oldest."""
        return self.members[0].asset

    @property
    def bytes_freed(self) -> int:
        """What the others take on disk."""
        return sum(member.asset.size for member in self.members[1:])


@dataclass(frozen=True)
class Page:
    """Some of a workspace's groups."""

    groups: tuple[Group, ...]
    count: int
    """All groups of this kind."""
    number: int
    pages: int


@dataclass(frozen=True)
class Standing:
    """How far the library was looked through."""

    copies: int
    look_alikes: int
    finished: datetime | None
    """None: never yet."""
    job: Job | None
    """The scan that waits or runs."""


@dataclass(frozen=True)
class Plan:
    """What `keep_largest` does or would do."""

    merges: tuple[tuple[UUID, tuple[UUID, ...]], ...]
    """(who stays, the others) of each group."""
    bytes_freed: int
    """On disk, once the archived ones are deleted."""

    @property
    def archived(self) -> int:
        """How many assets it puts away."""
        return sum(len(others) for _keep, others in self.merges)


def groups(workspace: Workspace, *, kind: str = CopyGroup.Kind.COPIES, page: int = 1, size: int = PAGE) -> Page:
    """A page of groups that still have something to decide: two members or more that aren't archived."""
    rows = _open(workspace, kind)
    count = rows.count()
    pages = max(1, -(-count // size))
    number = min(max(1, page), pages)
    return Page(tuple(_shown(rows[(number - 1) * size : number * size])), count, number, pages)


def group_of(workspace: Workspace, number: int) -> Group | None:
    """One group; None where there is nothing (more) to decide."""
    return next(_shown(_open(workspace).filter(pk=number)), None)


def _open(workspace: Workspace, kind: str = "") -> QuerySet[CopyGroup]:
    rows = CopyGroup.objects.filter(workspace=workspace, **({"kind": kind} if kind else {}))
    active = Count("members", filter=Q(members__asset__archived__isnull=True))
    return rows.annotate(active=active).filter(active__gte=2).order_by("-active", "id")


def _shown(rows: Iterable[Any]) -> Iterator[Group]:
    active = (
        CopyMember.objects.filter(asset__archived__isnull=True)
        .select_related("asset").prefetch_related("asset__renditions").annotate(scenes=Count("asset__scenes"))
    )  # fmt: skip
    if isinstance(rows, QuerySet):
        rows = rows.prefetch_related(Prefetch("members", active))
    for row in rows:
        members = [Member(each.asset, each.form, each.likeness, each.scenes) for each in row.members.all()]
        yield Group(row.pk, row.kind, tuple(sorted(members, key=lambda each: _largest_first(each.asset))))


def _largest_first(asset: Asset) -> tuple[float | datetime | str, ...]:
    return -asset.width * asset.height, -asset.seconds, -asset.size, asset.created, str(asset.pk)


def standing(workspace: Workspace) -> Standing:
    """How many groups wait for somebody, and how old that knowledge is."""
    done = CopyScan.objects.filter(pk=workspace.pk).first()
    return Standing(
        copies=_open(workspace, CopyGroup.Kind.COPIES).count(),
        look_alikes=_open(workspace, CopyGroup.Kind.LOOK_ALIKES).count(),
        finished=done.finished if done else None,
        job=Job.objects.filter(workspace=workspace, kind="find_copies", state__in=Job.OPEN).first(),
    )


def refresh(workspace: Workspace, *, by: User | None = None, due: datetime | None = None) -> Job:
    """Have a worker look through what is new; the job that does so already, where there is one."""
    waiting = Job.objects.filter(workspace=workspace, kind="find_copies", state__in=Job.OPEN).first()
    return waiting or jobs.submit("find_copies", workspace=workspace, person=by, priority=-15, due=due)


def refresh_where_behind(now: datetime) -> None:
    """Ask for a scan in each workspace with pictures that weren't compared, a minute later: imports come in batches.

    Where the last scan failed, not before an hour has passed.
    """
    lately = Job.objects.filter(kind="find_copies").exclude(state=Job.State.DONE)
    tried = set(lately.filter(created__gt=now - timedelta(hours=1)).values_list("workspace_id", flat=True))
    for workspace in Workspace.objects.exclude(pk__in=tried):
        if copies.behind(workspace.pk):
            refresh(workspace, due=now + timedelta(minutes=1))


def find(work: Work) -> None:
    """Hash the pictures that have no hash yet (a library from before there were any), then bring the groups up to
    date."""
    workspace = work.job.workspace
    done = CopyScan.objects.filter(pk=workspace.pk).first()
    lacking = Moment.objects.in_workspace(workspace.pk).filter(pdq="", id__gt=done.newest if done else 0)
    lacking = lacking.exclude(asset__kind=Asset.Kind.AUDIO).select_related("asset").order_by("id")
    work.begin("hashing")
    total, last, made = lacking.count(), 0, 0
    while some := list(lacking.filter(id__gt=last)[:HASHED_AT_ONCE]):
        last, made = some[-1].pk, made + len(some)
        for moment in some:
            with suppress(EngineError, OSError):  # a file that can't be read has no copies to be told of
                moment.pdq = _hash(moment)
        with work.effect():
            Moment.objects.bulk_update([moment for moment in some if moment.pdq], ["pdq"])
        work.report(0.5 * made / total)
    work.begin("comparing", 0.5)
    copies.scan(workspace.pk, progress=work.part(0.5, 1.0))


def _hash(moment: Moment) -> str:
    picture = library.key_frame(moment.asset, moment.key_time)
    made = pdq.hashed(picture) if picture else None
    return made.hex if made and made.reliable else ""


def merge(workspace: Workspace, keep: Asset, others: Sequence[Asset], *, by: User | None) -> int:
    """Make one asset stand for others: they are archived and point to it, and it gets their tags, collections and
    credit, and what it lacks of title, alt text, licence, address and date. Returns how many were merged.

    Stories that show one of the others go on showing it: its file stays, and what was approved doesn't change.
    Raises EngineError where these can't be merged.
    """
    _check(workspace, keep, others)
    merged = 0
    with transaction.atomic():
        rows = Asset.objects.select_for_update().in_bulk([keep.pk, *(other.pk for other in others)])
        kept = rows.get(keep.pk)
        if kept is None or kept.archived:
            raise EngineError("The one to keep isn't in the library any more.", next_step="Choose another one to keep.")
        for asset in others:
            other = rows.get(asset.pk)
            if other is not None and other.archived is None:
                _note(MERGED, workspace, by, asset=str(other.pk), into=str(kept.pk), gave=_unite(kept, other))
                Asset.objects.filter(pk=other.pk).update(archived=timezone.now(), merged_into=kept)
                merged += 1
        kept.save(update_fields=["tags", "credit", *FILLED])
        search.refresh_words(kept)
    return merged


def _check(workspace: Workspace, keep: Asset, others: Sequence[Asset]) -> None:
    if not others or keep.pk in {other.pk for other in others}:
        raise EngineError("A merge needs one to keep and others.", next_step="Choose which one stays.", permanent=True)
    if len(others) > MOST:
        raise EngineError(f"That is {len(others)} at once; at most {MOST} go.", next_step="Choose fewer.")
    if any(asset.workspace_id != workspace.pk for asset in (keep, *others)):
        raise EngineError("These aren't all in this library.", permanent=True)
    if any(other.kind != keep.kind for other in others):
        raise EngineError(
            "A picture, a clip and a sound can't stand for one another.", next_step="Merge them by kind.",
            permanent=True,
        )  # fmt: skip


def _unite(kept: Asset, other: Asset) -> dict[str, Any]:
    """Give the one that stays what the other has. Returns what it gave, so that it can be taken back."""
    gave: dict[str, Any] = {"tags": [tag for tag in other.tags if tag not in kept.tags]}
    kept.tags = [*kept.tags, *gave["tags"]]
    joined = Collection.objects.filter(assets=other).exclude(assets=kept)
    gave["collections"] = list(joined.values_list("pk", flat=True))
    kept.collections.add(*gave["collections"])
    if other.credit and other.credit not in kept.credit.split("; "):
        if len(united := "; ".join(filter(None, (kept.credit, other.credit)))) > 200:
            raise EngineError(
                "The credits of these are too long to stand together.", next_step="Shorten the credit of one of them."
            )
        kept.credit, gave["credit"] = united, other.credit
    gave["filled"] = [name for name in FILLED if getattr(other, name) and not getattr(kept, name)]
    for name in gave["filled"]:
        setattr(kept, name, getattr(other, name))
    return gave


def unmerge(workspace: Workspace, asset: Asset, *, by: User | None) -> Asset:
    """Undo a merge of one asset: it is back in the library, and the one that stood for it loses what it got from it.
    Returns the asset as it is now. Raises EngineError where it isn't merged."""
    with transaction.atomic():
        other = Asset.objects.select_for_update().in_workspace(workspace.pk).filter(pk=asset.pk).first()
        if other is None or other.archived is None or other.merged_into_id is None:
            raise EngineError("This asset isn't merged into another one.", permanent=True)
        kept = Asset.objects.select_for_update().get(pk=other.merged_into_id)
        merges = Event.objects.filter(workspace=workspace, kind=MERGED, data__asset=str(other.pk))
        last = merges.filter(data__into=str(kept.pk)).order_by("-id").first()
        if last is not None:
            _take_back(kept, other, last.data["gave"])
        other.archived = other.merged_into = None
        other.save(update_fields=["archived", "merged_into"])
        _note(UNMERGED, workspace, by, asset=str(other.pk), into=str(kept.pk))
    return other


def _take_back(kept: Asset, other: Asset, gave: dict[str, Any]) -> None:
    kept.tags = [tag for tag in kept.tags if tag not in gave["tags"]]
    if credit := gave.get("credit"):
        kept.credit = "; ".join(each for each in kept.credit.split("; ") if each != credit)
    for name in gave["filled"]:
        if getattr(kept, name) == getattr(other, name):  # else somebody edited it since
            setattr(kept, name, None if name == "taken" else "")
    kept.save(update_fields=["tags", "credit", *FILLED])
    kept.collections.remove(*gave["collections"])
    search.refresh_words(kept)


def stands_in_for(asset: Asset) -> Asset | None:
    """The asset that stands for a merged one, at the end of all merges; None where it isn't merged."""
    found, seen = asset, {asset.pk}
    while found.merged_into is not None and found.merged_into_id not in seen:
        found = found.merged_into
        seen.add(found.pk)
    return found if found.pk != asset.pk else None


def keep_apart(workspace: Workspace, assets: Sequence[Asset], *, by: User | None) -> int:
    """Keep all of these: no two of them are shown as copies or look-alikes again. Returns how many pairs are new."""
    ids = {asset.pk for asset in assets if asset.workspace_id == workspace.pk}
    if not 2 <= len(ids) <= MOST:
        raise EngineError(f"Keeping apart takes 2 to {MOST} assets.", next_step="Choose them in the group.")
    pairs = copies.keep_apart(workspace.pk, list(ids), by_id=by.pk if by else None)
    if pairs:
        _note(APART, workspace, by, assets=sorted(map(str, ids)))
    return pairs


def keep_largest(workspace: Workspace, *, by: User | None, dry_run: bool = True) -> Plan:
    """Merge every group of copies into its largest; look-alikes and mirrored pictures are for a person to decide.

    With `dry_run` only say what would be merged. Groups whose credits are too long together are left out.
    """
    merges: list[tuple[UUID, tuple[UUID, ...]]] = []
    freed = 0
    for group in _shown(_open(workspace, CopyGroup.Kind.COPIES)):
        others = [member.asset for member in group.members[1:]]
        if not dry_run:
            try:
                merge(workspace, group.keep, others[:MOST], by=by)
            except EngineError:
                continue
        merges.append((group.keep.pk, tuple(other.pk for other in others[:MOST])))
        freed += sum(other.size for other in others[:MOST])
    return Plan(tuple(merges), freed)


def _note(kind: str, workspace: Workspace, by: User | None, **data: Any) -> None:
    Event.objects.create(workspace=workspace, person=by, kind=kind, data=data)
