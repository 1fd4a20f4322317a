"""What apps tell of the stories that they were offered: seen, clicked, seen to the end. Checked, counted, and forgotten
whose it was."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from creator.models import Channel, CoinTally, DailySalt, Interaction, OfferedList, Publication, Tally

MOST = 500
"""Events of a batch."""
AHEAD = timedelta(minutes=5)
"""How far an app's clock may be ahead."""
BEHIND = timedelta(days=7)
"""How old an event may be: apps are offline for a while."""
A_DAY = {"impression": 2000, "click": 100, "completion": 100}
"""What one visitor's events count for in a day."""
Kind: TypeAlias = Literal["impression", "click", "completion"]
State: TypeAlias = Literal["counted", "duplicate", "discounted", "refused"]


@dataclass(frozen=True)
class Told:
    """An event as an app tells it."""

    id: UUID
    kind: Kind
    list: UUID
    story: UUID
    at: datetime
    position: int | None = None
    """From 1, where the app says it: it must be where the story stood."""
    format: str = ""
    visitor: str = ""
    """The app's own word for the person; hashed at once."""


@dataclass(frozen=True)
class Taken:
    """What became of an event."""

    id: UUID
    state: State
    reason: str = ""


def take(channel: Channel, events: Sequence[Told], *, now: datetime | None = None) -> list[Taken]:
    """Count what happened on a channel's lists; what became of each event, in their order.

    An event counts once however often it is sent, and one of a kind for each story of a list. What can't be true
    (unknown lists and stories, wrong places, the future) is refused; what one visitor does too often is discounted. A
    click says that the story was seen, so an impression that wasn't told is counted with it. All or nothing is written.
    """
    now = now or timezone.now()
    with transaction.atomic():
        Channel.objects.select_for_update().get(pk=channel.pk)  # one batch at a time: counts are read, then written
        batch = _Batch(channel, events, now)
        taken = [batch.judge(event) for event in events]
        batch.write()
    return taken


class _Batch:
    """Some events on their way, and what is known already of their lists and visitors."""

    def __init__(self, channel: Channel, events: Sequence[Told], now: datetime) -> None:
        self.channel, self.now = channel, now
        ids = {event.list for event in events}
        self.lists = {row.pk: row for row in OfferedList.objects.filter(channel=channel, pk__in=ids)}
        self.places = {
            (row.pk, UUID(item["story"])): place
            for row in self.lists.values() for place, item in enumerate(row.items)
        }  # fmt: skip
        self.formats = _formats(channel, {event.story for event in events if event.format})
        told = Interaction.objects.filter(channel=channel, event__in={event.id for event in events})
        self.before = {row.event: (row.list_id, row.story, row.kind, row.counted) for row in told}
        done = Interaction.objects.filter(list__in=list(self.lists)).values_list("list", "story", "kind", "format")
        self.done = {(number, story, kind) for number, story, kind, _form in done}
        self.shown_as = {(number, story): form for number, story, _kind, form in done if form}
        self.salt = _salt(now)
        self.visitors = {event.visitor: self._hashed(event.visitor) for event in events}
        today = Interaction.objects.filter(visitor__in=set(self.visitors.values()), counted=True)
        rows = list(today.values_list("visitor", "kind", "story"))
        self.count = Counter((visitor, kind) for visitor, kind, _story in rows)
        self.clicked = {(visitor, story) for visitor, kind, story in rows if kind == Interaction.Kind.CLICK}
        self.new: list[Interaction] = []

    def _hashed(self, visitor: str) -> str:
        return hashlib.blake2b(visitor.encode("utf-8", "surrogatepass"), key=self.salt, digest_size=16).hexdigest()

    def judge(self, event: Told) -> Taken:
        """What becomes of an event; what is written of it waits in `new`."""
        said = (event.list, event.story, str(event.kind))
        before = self.before.get(event.id)
        if before is not None:
            if before[:3] != said:
                return Taken(event.id, "refused", "This id was used for another event.")
            return Taken(event.id, "duplicate", "It was told before.")
        problem = self._problem(event)
        if problem:
            return Taken(event.id, "refused", problem)
        if said in self.done:
            return Taken(event.id, "duplicate", f"This list has {_article(event.kind)} of this story already.")
        reason = self._too_much(event)
        self._add(event, counted=not reason)
        if reason:
            return Taken(event.id, "discounted", reason)
        if event.kind != "impression" and (event.list, event.story, "impression") not in self.done:
            self._add(event, kind="impression")
        return Taken(event.id, "counted")

    def _problem(self, event: Told) -> str:
        offered = self.lists.get(event.list)
        if offered is None:
            return "This channel was offered no such list."
        place = self.places.get((event.list, event.story))
        if place is None:
            return "This story wasn't on the list."
        if event.position is not None and event.position != place + 1:
            return f"It stood at position {place + 1}."
        if event.format and event.format not in self.formats.get(event.story, ()):
            return "This story isn't published in that format."
        if event.at > self.now + AHEAD:
            return "It lies in the future."
        if event.at < offered.offered - AHEAD:
            return "It is older than its list."
        if event.at < self.now - BEHIND:
            return f"It is older than {BEHIND.days} days."
        return ""

    def _too_much(self, event: Told) -> str:
        visitor = self.visitors[event.visitor]
        if event.kind == "click" and (visitor, event.story) in self.clicked:
            return "This visitor clicked this story today already."
        if self.count[visitor, event.kind] >= A_DAY[event.kind]:
            return f"More than {A_DAY[event.kind]} of a visitor's events of a kind don't count in a day."
        return ""

    def _add(self, event: Told, *, kind: Kind | None = None, counted: bool = True) -> None:
        visitor, made = self.visitors[event.visitor], kind or event.kind
        # What a click says of seeing has a number of its own that follows from the click's.
        number = event.id if kind is None else UUID(bytes=hashlib.sha256(event.id.bytes + kind.encode()).digest()[:16])
        # What doesn't say its format was clicked in the one that was seen.
        form = event.format or self.shown_as.get((event.list, event.story), "")
        self.shown_as[event.list, event.story] = form
        self.new.append(Interaction(
            workspace_id=self.channel.workspace_id, channel=self.channel, event=number, list_id=event.list,
            story=event.story, kind=made, place=self.places[event.list, event.story], format=form,
            at=event.at, visitor=visitor, counted=counted,
        ))  # fmt: skip
        self.before[number] = (event.list, event.story, made, counted)
        self.done.add((event.list, event.story, made))
        if counted:
            self.count[visitor, made] += 1
            if made == "click":
                self.clicked.add((visitor, event.story))

    def write(self) -> None:
        Interaction.objects.bulk_create(self.new)
        counts = [row for row in self.new if row.counted]
        _add_up(self.channel, counts)
        _add_coins(self.channel, [(row, self.lists[row.list_id].pair) for row in counts if row.kind == "click"])


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _formats(channel: Channel, stories: set[UUID]) -> dict[UUID, set[str]]:
    rows = Publication.objects.filter(channel=channel, story__in=stories).values_list("story", "document")
    return {story: {str(each.get("format")) for each in document.get("renditions", ())} for story, document in rows}


def _add_up(channel: Channel, rows: Sequence[Interaction]) -> None:
    """Into the tallies, of which only this batch writes now."""
    wanted: dict[tuple[UUID, datetime, int, str], Counter[str]] = {}
    for row in rows:
        hour = row.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        wanted.setdefault((row.story, hour, row.place, row.format), Counter())[f"{row.kind}s"] += 1
    if not wanted:
        return
    there = Tally.objects.filter(
        channel=channel, story__in={key[0] for key in wanted}, hour__in={key[1] for key in wanted}
    )
    known = {(each.story_id, each.hour, each.place, each.format): each for each in there}
    new = []
    for key, counts in wanted.items():
        tally = known.get(key)
        if tally is None:
            story, hour, place, form = key
            tally = Tally(
                workspace_id=channel.workspace_id, channel=channel, story_id=story, hour=hour, place=place, format=form
            )
            new.append(tally)
        for name, count in counts.items():
            setattr(tally, name, getattr(tally, name) + count)
    Tally.objects.bulk_update([known[key] for key in wanted if key in known], ["impressions", "clicks", "completions"])
    Tally.objects.bulk_create(new)


def _add_coins(channel: Channel, clicks: Sequence[tuple[Interaction, Sequence[int]]]) -> None:
    """Clicks at places that a coin ordered, into what examination is estimated from."""
    won = Counter(
        (row.place, pair[1] if row.place == pair[0] else pair[0]) for row, pair in clicks if row.place in pair
    )
    known = {(each.clicked, each.other): each for each in CoinTally.objects.filter(channel=channel)} if won else {}
    for (place, other), count in won.items():
        known.setdefault((place, other), CoinTally(channel=channel, clicked=place, other=other)).clicks += count
    if won:
        CoinTally.objects.bulk_create(
            [known[key] for key in won], update_conflicts=True, unique_fields=["channel", "clicked", "other"],
            update_fields=["clicks"],
        )  # fmt: skip


def forget_salts(now: datetime | None = None) -> None:
    """Throw the salts of other days away, and with them the way from a hash to anything."""
    DailySalt.objects.exclude(day=(now or timezone.now()).astimezone(UTC).date()).delete()


def _salt(now: datetime) -> bytes:
    """Today's."""
    forget_salts(now)
    today = now.astimezone(UTC).date()
    row, _made = DailySalt.objects.get_or_create(day=today, defaults={"salt": secrets.token_bytes(32)})
    return bytes(row.salt)
