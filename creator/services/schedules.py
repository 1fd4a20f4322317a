"""Verbs of a schedule: plan when a story appears and disappears, do it when the time has come, and show a calendar.

The rows are the truth: what is due is looked for every few seconds and handed to the ledger, so a restart of anything
delays a publication by seconds and loses none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.db import transaction
from django.utils import timezone

from creator import jobs
from creator.jobs import Work
from creator.models import Channel, Job, Publication, Schedule, Story, User, Workspace
from creator.services import audit, brands, marking, publications
from media_processing.engine import EngineError
from media_processing.models import Asset

PUBLISH = "publish_scheduled"
"""The job that publishes what is due, and what takes long."""
FURTHEST = timedelta(days=5 * 366)
EXPIRED = "It has expired."
State = Schedule.State


# Times as people write them -------------------------------------------------------------------------------------------
def zones() -> list[str]:
    """The names of all time zones."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


def moment(written: str, zone: str) -> datetime:
    """What a clock in a time zone shows ("2026-03-29T14:30") as a time in UTC. Raises EngineError.

    A time that the clock shows twice is the first of the two; one that it skips is refused.
    """
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EngineError(f"There is no time zone {zone[:60]!r}.", next_step="Choose one of the list.") from None
    try:
        shown = datetime.fromisoformat(written).replace(tzinfo=None)
        if not 1971 <= shown.year <= 8999:
            raise ValueError
        found = shown.replace(tzinfo=place).astimezone(UTC)
    except (ValueError, OverflowError):
        step = "Write it like 2026-03-29 14:30."
        raise EngineError(f"{written[:40]!r} is no date and time.", next_step=step) from None
    if found.astimezone(place).replace(tzinfo=None) != shown:
        raise EngineError(
            f"On that day clocks in {zone} skip {shown:%H:%M}.", next_step="Choose an hour later or earlier."
        )
    return found


# Planning -------------------------------------------------------------------------------------------------------------
def plan(
    story: Story, channel: Channel, *, at: datetime, expires: datetime | None = None, zone: str = "UTC",
    note: str = "", by: User | None,
) -> Schedule:  # fmt: skip
    """Have a story published to a channel at a time; an earlier plan for this channel is replaced.

    What counts is whether it is approved when the time comes. Raises EngineError for times that make no sense.
    """
    now = timezone.now()
    if channel.workspace_id != story.workspace_id:
        raise EngineError("This channel belongs to another workspace.", permanent=True)
    if not now < at < now + FURTHEST:
        raise EngineError("That time is in the past, or years away.", next_step="Choose a later time.")
    _check_expiry(at, expires)
    if story.embargo and at < story.embargo:
        raise EngineError(
            f"It is under embargo until {story.embargo:%Y-%m-%d %H:%M} UTC.", next_step="Choose a later time."
        )
    with transaction.atomic():
        Schedule.objects.filter(story=story, channel=channel, state__in=Schedule.OPEN).update(state=State.CANCELLED)
        made = Schedule.objects.create(
            workspace_id=story.workspace_id, story=story, channel=channel, at=at, expires=expires, zone=zone,
            note=note.strip()[:500], by=by,
        )  # fmt: skip
        detail = {"channel": channel.slug, "at": at, "expires": expires}
        audit.record("schedule.plan", made, by=by, workspace=story.workspace_id, detail=detail)
    return made


def _check_expiry(begins: datetime, expires: datetime | None) -> None:
    if expires is not None and not begins < expires < begins + FURTHEST:
        raise EngineError("It would expire before it appears.", next_step="Choose a later time to expire.")


def cancel(schedule: Schedule, *, by: User | None) -> None:
    """Leave a plan. Raises EngineError where it is too late."""
    with transaction.atomic():
        if not Schedule.objects.filter(pk=schedule.pk, state=State.WAITING).update(state=State.CANCELLED):
            raise EngineError("It is being published, or was already.", next_step="Withdraw it instead.")
        audit.record("schedule.cancel", schedule, by=by, workspace=schedule.workspace_id)


def put_under_embargo(story: Story, until: datetime | None, *, by: User | None) -> None:
    """Let a story appear nowhere before a time; None lifts it. Plans for an earlier time will fail, and say so."""
    if until is not None and until > timezone.now() + FURTHEST:
        raise EngineError("That is years away.", next_step="Choose an earlier time.")
    if story.publications.live().exists():
        raise EngineError("It is published already.", next_step="Withdraw it first.")
    with transaction.atomic():
        Story.objects.filter(pk=story.pk).update(embargo=until)
        audit.record("story.embargo", story, by=by, workspace=story.workspace_id, detail={"until": until})
    story.embargo = until


def release(
    story: Story, channel: Channel, *, expires: datetime | None = None, note: str = "", by: User | None
) -> Publication | Job:
    """Publish a story now: at once, or by the job that is returned where videos have to be encoded for the channel.

    An earlier plan for this channel is replaced then. Raises EngineError where it may not appear there.
    """
    _check_expiry(timezone.now(), expires)
    if not marking.takes_long(publications.releasable(story, channel), channel):
        return publications.publish(story, channel, by=by, expires=expires, note=note)
    with transaction.atomic():
        open_ones = Schedule.objects.select_for_update().filter(story=story, channel=channel, state__in=Schedule.OPEN)
        under_way = Job.objects.filter(kind=PUBLISH, story=story, state__in=Job.OPEN)
        if {each.pk for each in open_ones} & {job.subject.get("schedule") for job in under_way}:
            raise EngineError(f"It is being published to {channel.name}.", next_step="Wait until it is there.")
        open_ones.update(state=State.CANCELLED)
        made = Schedule.objects.create(
            workspace_id=story.workspace_id, story=story, channel=channel, at=timezone.now(), expires=expires,
            note=note.strip()[:500], by=by, state=State.SUBMITTED,
        )  # fmt: skip
        return _submit(made)


# When the time has come -----------------------------------------------------------------------------------------------
def submit_due(now: datetime) -> int:
    """Hand what is due to the ledger, and take down what has expired. Returns how many that were."""
    count = 0
    for schedule in Schedule.objects.filter(state=State.WAITING, at__lte=now).select_related("story__workspace", "by"):
        with transaction.atomic():
            mine = Schedule.objects.filter(pk=schedule.pk, state=State.WAITING)
            if mine.update(state=State.SUBMITTED):
                _submit(schedule)
                count += 1
    for publication in Publication.objects.filter(withdrawn__isnull=True, expires__lte=now):
        publications.withdraw(publication, by=None, reason=EXPIRED)
        count += 1
    return count


def _submit(schedule: Schedule) -> Job:
    story = schedule.story
    return jobs.submit(
        PUBLISH, workspace=story.workspace, person=schedule.by, story=story, priority=6, schedule=schedule.pk
    )


def publish_due(work: Work) -> None:
    """Publish what a schedule says. Raises EngineError where it can't be: who planned it is told."""
    schedule = Schedule.objects.select_related("story", "channel", "by").get(pk=work.job.subject["schedule"])
    if schedule.state not in (State.SUBMITTED, State.FAILED):
        return
    work.begin("publishing")
    row = Schedule.objects.filter(pk=schedule.pk)
    try:
        publications.publish(
            schedule.story, schedule.channel, by=schedule.by, expires=schedule.expires, note=schedule.note, work=work,
            then=lambda: row.update(state=State.DONE, error=""),
        )  # fmt: skip
    except EngineError as error:
        row.update(state=State.FAILED, error=error.message[:500])
        raise
    except jobs.Cancelled:
        row.update(state=State.CANCELLED)
        raise


def withdraw_unlicensed(today: date) -> int:
    """Withdraw what shows an asset whose licence has ended: a scene's picture, or its brand's logo, intro or outro.

    Returns how many publications that were.
    """
    ended = Asset.objects.filter(licence_ends__lt=today)
    count = 0
    for workspace in Workspace.objects.filter(pk__in=ended.order_by().values("workspace").distinct()):
        assets = {asset.digest: asset for asset in ended.filter(workspace=workspace)}
        for publication in Publication.objects.live().filter(workspace=workspace).iterator(chunk_size=200):
            asset = next((assets[digest] for digest in _shown(publication) if digest in assets), None)
            if asset is not None:
                reason = f"The licence of a file in it ended on {asset.licence_ends:%Y-%m-%d}: {asset.title}"
                publications.withdraw(publication, by=None, reason=reason[:300])
                count += 1
    return count


def _shown(publication: Publication) -> list[str]:
    """Digests of the library's files that a publication shows; of what was published before they were written down,
    its brand's as they are now."""
    document = publication.document
    pictures = [scene.get("picture", "") for scene in document.get("scenes", ())]
    if "brand_files" in document:
        return [*pictures, *document["brand_files"]]
    return [*pictures, *(asset.digest for asset in brands.files_of(publication.story))]


# The calendar ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Entry:
    """Something on a day of the calendar. `kind`: planned, failed, published, expires."""

    at: datetime
    kind: str
    story: Story
    channel: str
    schedule: Schedule | None = None


def calendar(workspace: Workspace, first: date, days: int, zone: str) -> list[tuple[date, list[Entry]]]:
    """What happens on each of so many days, as clocks in a time zone count them."""
    place = ZoneInfo(zone)
    start = datetime(first.year, first.month, first.day, tzinfo=place)
    end_day = first + timedelta(days=days)
    end = datetime(end_day.year, end_day.month, end_day.day, tzinfo=place)
    span = (start.astimezone(UTC), end.astimezone(UTC))
    entries = [*_planned(workspace, span), *_published(workspace, span)]
    by_day: dict[date, list[Entry]] = {first + timedelta(days=number): [] for number in range(days)}
    for entry in sorted(entries, key=lambda entry: entry.at):
        by_day[entry.at.astimezone(place).date()].append(entry)
    return list(by_day.items())


def _planned(workspace: Workspace, span: Sequence[datetime]) -> list[Entry]:
    kinds = {State.WAITING: "planned", State.SUBMITTED: "planned", State.FAILED: "failed"}
    rows = Schedule.objects.filter(workspace=workspace, at__gte=span[0], at__lt=span[1], state__in=kinds)
    return [
        Entry(row.at, kinds[State(row.state)], row.story, row.channel.name, row)
        for row in rows.select_related("story", "channel")
    ]


def _published(workspace: Workspace, span: Sequence[datetime]) -> list[Entry]:
    rows = Publication.objects.filter(workspace=workspace).select_related("story", "channel").defer("document")
    went = rows.live().filter(published__gte=span[0], published__lt=span[1])
    ends = rows.filter(withdrawn__isnull=True, expires__gte=span[0], expires__lt=span[1])
    return [
        *(Entry(row.published, "published", row.story, row.channel.name) for row in went),
        *(Entry(row.expires, "expires", row.story, row.channel.name) for row in ends if row.expires),
    ]
