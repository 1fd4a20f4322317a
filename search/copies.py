"""Copies and look-alikes of a whole library, found by the hashes and vectors of its moments.

Groups are made by the leader algorithm (Hartigan, "Clustering Algorithms", 1975): the largest picture first, each joins
the nearest leader or leads those near it that have none. So every member is near one picture, and no chain of small
differences brings strangers together; nor does a picture that is there ten thousand times cost a hundred million pairs.
What was compared before isn't compared again: a scan asks only for what is new.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Count, Max
from numpy.typing import NDArray

from media_processing import pdq
from media_processing.engine import Progress, no_progress
from media_processing.models import Asset
from search.engines.base import Embedder
from search.models import CopyGroup, CopyMember, CopyScan, Embedding, KeptApart, Moment
from search.models_in_use import embedder_for

Form = CopyMember.Form
Kind = CopyGroup.Kind
ALIKE = 0.98
"""Cosine from which two pictures look alike. Of 300 pairs of drawings of the same words with another seed, one in four
is over it (median 0.966); pictures of other words stay below 0.93; a copy cut by 2.5 % at each edge has 0.987."""
MOST_SHOTS, SOME_SHOTS = 0.8, 0.5
"""Share of both videos' shots that match in a copy; share of either's in a cut of it."""
SAME_LENGTH = 0.9
"""A copy of a video is at least so long, measured by the longer one."""
BATCH, BLOCK = 256, 16_384


@dataclass(frozen=True)
class Near:
    """An asset near another one, by its position among all that are compared."""

    at: int
    form: str
    likeness: float


Neighbours: TypeAlias = Callable[[Sequence[int]], Iterable[Iterable[Near]]]
"""Positions -> for each, all that are near it, itself left out."""


@dataclass
class Leading:
    """Groups in the making: who leads whom."""

    leader_of: dict[int, int] = field(default_factory=dict)
    """Position -> its leader's; a leader's is its own."""
    members: dict[int, list[Near]] = field(default_factory=lambda: defaultdict(list))
    """Leader -> the others of its group."""
    joined: dict[int, list[Near]] = field(default_factory=lambda: defaultdict(list))
    """Leader -> those that came by `group`, for the database."""

    def put(self, leader: int, near: Near) -> None:
        self.leader_of[leader] = self.leader_of[near.at] = leader
        self.members[leader].append(near)


def group(new: Sequence[int], near: Neighbours, apart: Mapping[int, set[int]], groups: Leading) -> None:
    """Bring each new position, in the order given, into a group where it is near one.

    `apart` holds those that a person keeps apart: they never meet in a group, near as they may be.
    """

    def fits(leader: int, at: int) -> bool:
        those = apart.get(at, ())
        return not those or (leader not in those and all(one.at not in those for one in groups.members[leader]))

    for start in range(0, len(new), BATCH):
        asked = [at for at in new[start : start + BATCH] if at not in groups.leader_of]
        for at, found in zip(asked, near(asked), strict=True):
            if at in groups.leader_of:  # one before it in this batch took it
                continue
            ranked = sorted(found, key=lambda one: (-one.likeness, one.at))
            leaders = [one for one in ranked if groups.leader_of.get(one.at) == one.at and fits(one.at, at)]
            if leaders:
                taken = [(leaders[0].at, Near(at, leaders[0].form, leaders[0].likeness))]
            else:
                taken = [(at, one) for one in ranked if one.at not in groups.leader_of]
            for leader, one in taken:
                if fits(leader, one.at):
                    groups.put(leader, one)
                    groups.joined[leader].append(one)


@dataclass
class Compared:
    """All assets of a workspace with a picture, in one order, and what is known of each."""

    assets: list[UUID]
    video: NDArray[np.bool_]
    seconds: NDArray[np.float64]
    drawn: list[str]
    """What an engine drew it from, and with which seed; empty for what it didn't draw."""
    owner: NDArray[np.int64]
    """Position of the asset of each moment that has a hash."""
    bits: NDArray[np.uint8]
    """(moments, 32): their hashes."""
    number: NDArray[np.int64]
    """Their newest moment, for each asset."""

    @property
    def place(self) -> dict[UUID, int]:
        return {asset: at for at, asset in enumerate(self.assets)}

    def other_drawing(self, one: int, other: int) -> bool:
        """Two drawings from other words or another seed are known to be no copies, whatever their hashes say."""
        return bool(self.drawn[one] and self.drawn[other] and self.drawn[one] != self.drawn[other])


def compared(workspace_id: int) -> Compared:
    """What is to be compared, the largest pictures first: they lead. Archived assets count, so that nothing has to be
    compared anew when one comes back."""
    rows = (
        Asset.objects.in_workspace(workspace_id)
        .filter(kind__in=(Asset.Kind.IMAGE, Asset.Kind.VIDEO), moments__isnull=False)
        .annotate(newest=Max("moments__id"))
        .order_by()
        .values_list("id", "kind", "seconds", "made_by", "width", "height", "size", "newest")
    )
    ordered = sorted(rows.iterator(), key=lambda row: (-row[4] * row[5], -row[2], -row[6], str(row[0])))
    place = {row[0]: at for at, row in enumerate(ordered)}
    moments = Moment.objects.in_workspace(workspace_id).exclude(pdq="").order_by("id").values_list("asset", "pdq")
    hashed = [(place[asset], text) for asset, text in moments.iterator() if asset in place]
    return Compared(
        assets=[row[0] for row in ordered],
        video=np.array([row[1] == Asset.Kind.VIDEO for row in ordered], bool),
        seconds=np.array([row[2] for row in ordered], np.float64),
        drawn=[_drawn(row[3]) for row in ordered],
        owner=np.array([at for at, _text in hashed], np.int64),
        bits=np.frombuffer(bytes.fromhex("".join(text for _at, text in hashed)), np.uint8).reshape(-1, pdq.BITS // 8),
        number=np.array([row[7] for row in ordered], np.int64),
    )


def _drawn(made_by: Mapping[str, Any]) -> str:
    if "seed" not in made_by:
        return ""
    return json.dumps([made_by.get(name) for name in ("engine", "model", "seed", "prompt", "scene")], sort_keys=True)


class Pictures:
    """Copies of pictures, and mirrored ones: one hash each."""

    def __init__(self, all_: Compared, *, mirrored: bool) -> None:
        import faiss

        self.all, self.mirrored = all_, mirrored
        self.moments = np.flatnonzero(~all_.video[all_.owner]) if len(all_.owner) else np.empty(0, np.int64)
        self.row_of = {int(all_.owner[row]): int(row) for row in self.moments}
        # A scan of all beats multi-index hashing at these sizes: 7 s for 100,000 against all, on two cores.
        self.index = faiss.IndexBinaryFlat(pdq.BITS)
        self.index.add(np.ascontiguousarray(all_.bits[self.moments]))

    def __call__(self, asked: Sequence[int]) -> Iterable[Iterable[Near]]:
        there = [at for at in asked if at in self.row_of]
        bits = self.all.bits[[self.row_of[at] for at in there]].reshape(-1, pdq.BITS // 8)
        if self.mirrored:
            bits = pdq.mirrored(bits)
        starts, distances, found = self.index.range_search(np.ascontiguousarray(bits), pdq.NEAR + 1)
        part = {at: slice(int(starts[row]), int(starts[row + 1])) for row, at in enumerate(there)}
        for at in asked:
            yield self._near(at, distances[part[at]], found[part[at]]) if at in part else ()

    def _near(self, at: int, distances: NDArray[Any], found: NDArray[np.int64]) -> Iterable[Near]:
        form = Form.MIRRORED if self.mirrored else Form.SAME
        for distance, owner in zip(distances.tolist(), self.all.owner[self.moments[found]].tolist(), strict=True):
            if owner != at and (self.mirrored or not self.all.other_drawing(at, owner)):
                yield Near(owner, form, 1 - distance / pdq.BITS)


class Videos:
    """Copies and cuts of videos: by the share of their shots that match."""

    def __init__(self, all_: Compared, *, cuts: bool) -> None:
        import faiss

        self.all, self.cuts = all_, cuts
        self.moments = np.flatnonzero(all_.video[all_.owner]) if len(all_.owner) else np.empty(0, np.int64)
        self.owner = all_.owner[self.moments]
        self.shots = np.bincount(self.owner, minlength=len(all_.assets))
        self.index = faiss.IndexBinaryFlat(pdq.BITS)
        self.index.add(np.ascontiguousarray(all_.bits[self.moments]))

    def __call__(self, asked: Sequence[int]) -> Iterable[Iterable[Near]]:
        return (self._near(at) if self.shots[at] else () for at in asked)

    def _near(self, at: int) -> Iterable[Near]:
        mine = self.moments[self.owner == at]
        starts, _distances, found = self.index.range_search(np.ascontiguousarray(self.all.bits[mine]), pdq.NEAR + 1)
        shot = np.repeat(np.arange(len(mine)), np.diff(starts).astype(np.int64))
        owner = self.owner[found]
        for other in np.unique(owner).tolist():
            if other == at or self.all.other_drawing(at, other):
                continue
            hits = owner == other
            shares = (
                len(np.unique(shot[hits])) / self.shots[at],
                len(np.unique(found[hits])) / self.shots[other],
            )
            lengths = sorted((self.all.seconds[at], self.all.seconds[other]))
            copy = min(shares) >= MOST_SHOTS and lengths[0] >= SAME_LENGTH * lengths[1]
            if copy and not self.cuts:
                yield Near(other, Form.SAME, float(min(shares)))
            elif self.cuts and not copy and max(shares) >= SOME_SHOTS:
                yield Near(other, Form.PART, float(max(shares)))


class LookAlikes:
    """Pictures whose vectors are close, all against all in blocks.

    At 100,000 of 512 dimensions that takes a minute or two on two cores, once; asking the index for the neighbours of
    each would take longer.
    """

    def __init__(self, all_: Compared, owner: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        self.all, self.owner, self.vectors = all_, owner, vectors
        self.row_of = {int(at): row for row, at in enumerate(owner)}

    def __call__(self, asked: Sequence[int]) -> Iterable[Iterable[Near]]:
        there = [at for at in asked if at in self.row_of]
        found: dict[int, list[Near]] = {at: [] for at in asked}
        queries = self.vectors[[self.row_of[at] for at in there]].astype(np.float32)
        for start in range(0, len(self.vectors) if there else 0, BLOCK):
            cosines = queries @ self.vectors[start : start + BLOCK].astype(np.float32).T
            for row, column in zip(*(each.tolist() for each in np.nonzero(cosines >= ALIKE)), strict=True):
                at, other = there[row], int(self.owner[start + column])
                if at != other:
                    found[at].append(Near(other, Form.ALIKE, min(1.0, float(cosines[row, column]))))
        return [found[at] for at in asked]


def scan(
    workspace_id: int, *, embedder: Embedder | None = None, anew: bool = False, progress: Progress = no_progress
) -> CopyScan:
    """Bring a workspace's groups up to date: what is new is compared with everything. `anew` forgets all groups first.

    Look-alikes are told by the given embedder's vectors (those of the one in use). Where another scan was quicker, this
    one's work is thrown away.
    """
    used: Embedder = embedder or embedder_for(workspace_id)
    model = "" if used.problems() else used.card.digest
    before, _created = CopyScan.objects.get_or_create(workspace_id=workspace_id)
    orphans = _dissolved(workspace_id, anew=anew, look_alikes=before.model != model)
    all_ = compared(workspace_id)
    after = CopyScan(
        workspace_id=workspace_id, model=model, newest=int(all_.number.max(initial=0)),
        seen=Embedding.objects.of(model, workspace_id).aggregate(newest=Max("id"))["newest"] or 0,
    )  # fmt: skip
    place, apart = all_.place, _apart(workspace_id, all_.place)
    fresh = all_.number > (0 if anew else before.newest)
    fresh[[place[asset] for asset in orphans if asset in place]] = True
    copies = _held(workspace_id, Kind.COPIES, place)
    new = np.flatnonzero(fresh).tolist()
    for part, near in ((~all_.video, Pictures(all_, mirrored=False)), (all_.video, Videos(all_, cuts=False))):
        group([at for at in new if part[at]], near, apart, copies)
    progress(0.4)

    alike = _held(workspace_id, Kind.LOOK_ALIKES, place)
    owner, vectors, embedded = _embedded(workspace_id, model, place, after=before.seen if model == before.model else 0)
    if anew or model != before.model:
        fresh[:] = True
    fresh[embedded] = True
    # Of copies, only the leader is compared: the others look like it as it is.
    fresh[[at for at, leader in copies.leader_of.items() if leader != at]] = False
    new = np.flatnonzero(fresh).tolist()
    pictures = [at for at in new if not all_.video[at]]
    group([at for at in new if all_.video[at]], _led_only(Videos(all_, cuts=True), copies), apart, alike)
    group(pictures, _led_only(Pictures(all_, mirrored=True), copies), apart, alike)
    group(pictures, _led_only(LookAlikes(all_, owner, vectors), copies), apart, alike)
    progress(0.9)
    return _store(before, after, {Kind.COPIES: copies, Kind.LOOK_ALIKES: alike}, all_.assets)


def _led_only(near: Neighbours, copies: Leading) -> Neighbours:
    """The same without those whom a group of copies stands for already."""

    def only(asked: Sequence[int]) -> Iterable[Iterable[Near]]:
        return ([one for one in found if copies.leader_of.get(one.at, one.at) == one.at] for found in near(asked))

    return only


def _dissolved(workspace_id: int, *, anew: bool, look_alikes: bool) -> list[UUID]:
    """Groups that can't stay: without a leader or without a second member. Returns who has to be compared again."""
    groups = CopyGroup.objects.filter(workspace_id=workspace_id)
    if anew:
        groups.delete()
    elif look_alikes:
        groups.filter(kind=Kind.LOOK_ALIKES).delete()
    gone = groups.annotate(size=Count("members")).filter(leader=None) | groups.annotate(size=Count("members")).filter(
        size__lt=2
    )
    ids = list(gone.values_list("id", flat=True))
    orphans = list(CopyMember.objects.filter(group__in=ids).values_list("asset_id", flat=True))
    CopyGroup.objects.filter(pk__in=ids).delete()
    return orphans


def _apart(workspace_id: int, place: Mapping[UUID, int]) -> dict[int, set[int]]:
    apart: dict[int, set[int]] = defaultdict(set)
    for one, other in KeptApart.objects.filter(workspace_id=workspace_id).values_list("one_id", "other_id"):
        if one in place and other in place:
            apart[place[one]].add(place[other])
            apart[place[other]].add(place[one])
    return apart


def _held(workspace_id: int, kind: str, place: Mapping[UUID, int]) -> Leading:
    """The groups as the database has them."""
    held = Leading()
    rows = CopyMember.objects.filter(group__workspace_id=workspace_id, group__kind=kind)
    for leader, asset, form, likeness in rows.values_list("group__leader_id", "asset_id", "form", "likeness"):
        if leader in place and asset in place and leader != asset:
            held.put(place[leader], Near(place[asset], form, likeness))
    return held


def _embedded(
    workspace_id: int, model: str, place: Mapping[UUID, int], *, after: int
) -> tuple[NDArray[np.int64], NDArray[np.float16], NDArray[np.int64]]:
    """(owner, vectors, owners of the vectors with a number over `after`) of a model's pictures, videos left out."""
    rows = (
        Embedding.objects.of(model, workspace_id).filter(moment__asset__kind=Asset.Kind.IMAGE).order_by("id")
        .values_list("moment__asset_id", "vector", "id")
    )  # fmt: skip
    owners: list[int] = []
    numbers: list[int] = []
    content = bytearray()
    for asset, vector, number in rows.iterator(chunk_size=4096):
        if asset in place:
            owners.append(place[asset])
            numbers.append(number)
            content += vector
    owner = np.array(owners, np.int64)
    vectors = np.frombuffer(content, np.dtype("<f2")).reshape(len(owners), -1) if owners else np.empty((0, 1), "<f2")
    return owner, vectors, owner[np.array(numbers, np.int64) > after]


def _store(before: CopyScan, after: CopyScan, made: Mapping[str, Leading], assets: Sequence[UUID]) -> CopyScan:
    with transaction.atomic():
        now = CopyScan.objects.select_for_update().get(pk=before.pk)
        if (now.newest, now.seen, now.model, now.finished) != (
            before.newest, before.seen, before.model, before.finished
        ):  # fmt: skip
            return now
        there = set(Asset.objects.in_workspace(before.pk).values_list("id", flat=True))
        for kind, groups in made.items():
            _write(before.pk, kind, groups, assets, there)
        after.save()
    return after


def _write(workspace_id: int, kind: str, groups: Leading, assets: Sequence[UUID], there: set[UUID]) -> None:
    held = CopyGroup.objects.filter(workspace_id=workspace_id, kind=kind).order_by("-id")
    known = {leader: number for leader, number in held.values_list("leader_id", "id") if leader}
    new = [at for at in groups.joined if assets[at] not in known and assets[at] in there]
    rows = CopyGroup.objects.bulk_create(
        [CopyGroup(workspace_id=workspace_id, kind=kind, leader_id=assets[at]) for at in new], batch_size=500
    )
    known |= {row.leader_id: row.pk for row in rows if row.leader_id}
    members = [CopyMember(group_id=row.pk, asset_id=row.leader_id) for row in rows if row.leader_id]
    members += [
        CopyMember(group_id=known[assets[leader]], asset_id=assets[one.at], form=one.form, likeness=one.likeness)
        for leader, joined in groups.joined.items()
        for one in joined
        if assets[one.at] in there and assets[leader] in known
    ]
    CopyMember.objects.bulk_create(members, batch_size=500, ignore_conflicts=True)


def behind(workspace_id: int) -> bool:
    """Whether a workspace has pictures that weren't compared yet."""
    newest = Moment.objects.in_workspace(workspace_id).exclude(asset__kind=Asset.Kind.AUDIO).order_by("-id")
    number = newest.values_list("id", flat=True).first()
    done = CopyScan.objects.filter(pk=workspace_id).values_list("newest", flat=True).first()
    return number is not None and number > (done or 0)


def keep_apart(workspace_id: int, assets: Sequence[UUID], *, by_id: int | None = None) -> int:
    """Never show any two of these as copies or look-alikes of one another again. Returns how many pairs are new.

    Groups lose those that may no longer stand beside the ones that stay.
    """
    ordered = sorted(set(assets), key=lambda asset: asset.hex)
    pairs = [(one, other) for at, one in enumerate(ordered) for other in ordered[at + 1 :]]
    with transaction.atomic():
        rows = KeptApart.objects.filter(one__in=ordered, other__in=ordered)
        count = rows.count()
        KeptApart.objects.bulk_create(
            [KeptApart(workspace_id=workspace_id, one_id=one, other_id=other, by_id=by_id) for one, other in pairs],
            ignore_conflicts=True,
        )
        held = CopyGroup.objects.filter(workspace_id=workspace_id, members__asset__in=ordered).distinct()
        for each in held.prefetch_related("members"):
            _part(each)
        return rows.count() - count


def _part(group_: CopyGroup) -> None:
    """Let those go who are kept apart from the leader, or from a likelier member."""
    members = sorted(group_.members.all(), key=lambda each: (each.asset_id != group_.leader_id, -each.likeness))
    ids = [each.asset_id for each in members]
    pairs = set(KeptApart.objects.filter(one__in=ids, other__in=ids).values_list("one_id", "other_id"))
    stay: list[CopyMember] = []
    for each in members:
        if not any((one.asset_id, each.asset_id) in pairs or (each.asset_id, one.asset_id) in pairs for one in stay):
            stay.append(each)
    if len(stay) < 2:
        group_.delete()
    else:
        group_.members.exclude(pk__in=[each.pk for each in stay]).delete()
