"""Verbs of what comes in: read a feed, offer its articles, and have stories made of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from creator import jobs
from creator.jobs import Work
from creator.models import Incoming, Job, Story, User, Workspace
from creator.services import charges, choices, stories
from generation import feeds
from generation import services as generation
from generation.prices import Estimate
from media_processing.engine import EngineError
from media_processing.fetching import Rules, fetch

BRING_IN = "bring_in"
"""The job that makes stories of what was chosen."""
MOST = 50
"""Stories that one act asks for."""
SHORT = 600
"""Characters below which a feed's text is taken for a teaser: then the page behind its link is read."""
KEPT = timedelta(days=180)
"""How long an article is remembered that nobody wanted."""
WISH = ("formats", "language", "seconds", "tone")
"""What is asked of all stories alike."""
State = Incoming.State


def offer(
    workspace: Workspace, *, by: User | None, url: str = "", content: bytes = b"", name: str = "",
    rules: Rules | None = None,
) -> list[Incoming]:  # fmt: skip
    """Read a feed at an address or in a file and keep what is new of it. Returns its articles as they are known now,
    in the feed's order: one that came before stands as it stood. Raises EngineError."""
    if url.strip():
        came = fetch(url.strip(), max_bytes=feeds.MAX_BYTES, content_types=feeds.TYPES, rules=rules)
        content, source = came.content, came.url
    elif content:
        source = name
    else:
        raise EngineError("There is no feed.", next_step="Give the address of a feed, or a file.")
    items = feeds.read_feed(content, url=url.strip())
    now = timezone.now()
    with transaction.atomic():
        Incoming.objects.bulk_create(
            (
                Incoming(
                    workspace=workspace, guid=item.guid, source=source[:2000], title=_plain(item.title)[:300],
                    text=_plain(item.text)[:400_000], url=item.url, by=by, offered=now,
                )
                for item in items
            ),
            ignore_conflicts=True,
        )  # fmt: skip
        known = Incoming.objects.filter(workspace=workspace, guid__in=[item.guid for item in items])
        known.filter(state=State.OFFERED).update(offered=now)
    rows = {row.guid: row for row in known.select_related("story")}
    return [rows[item.guid] for item in items if item.guid in rows]


def _plain(text: str) -> str:
    return text.replace("\x00", "").strip()


def is_teaser(row: Incoming) -> bool:
    """Whether the feed has too little of an article to make a story of, and says where the rest is."""
    return bool(row.url) and len(row.text) < SHORT


def estimate(workspace: Workspace, rows: Sequence[Incoming]) -> Estimate:
    """What the scripts of all these stories will cost together; an article that must be fetched counts as a page."""
    sizes = [4_000 if is_teaser(row) else len(row.text) for row in rows] or [0]
    writer = choices.chosen("writer", workspace)
    return generation.estimate("writer", "script", sum(sizes) // len(sizes), engine=writer, count=max(1, len(rows)))


def wanted(workspace: Workspace, ids: Sequence[str]) -> QuerySet[Incoming]:
    """Those of what was offered that have these numbers and no story yet."""
    numbers = [int(each) for each in ids if each.isdecimal() and len(each) < 19]
    return Incoming.objects.filter(workspace=workspace, pk__in=numbers, state__in=(State.OFFERED, State.FAILED))


def bring_in(workspace: Workspace, ids: Sequence[str], wish: dict[str, Any], *, by: User | None) -> Job:
    """Have a story made of each, in one job. `wish`: WISH, as `stories.create` takes them.

    Raises EngineError where nothing is chosen, it is too much at once, or all together don't fit into the budget.
    """
    with transaction.atomic():
        rows = list(wanted(workspace, ids))
        if not rows:
            raise EngineError("Nothing is chosen that has no story yet.", next_step="Tick one or more articles.")
        if len(rows) > MOST:
            raise EngineError(f"That is {len(rows)} at once; at most {MOST} go.", next_step="Choose fewer.")
        charges.refuse_over_budget(workspace, by, estimate(workspace, rows))
        numbers = [row.pk for row in rows]
        Incoming.objects.filter(pk__in=numbers).update(state=State.WANTED, error="", by=by)
        return jobs.submit(BRING_IN, workspace=workspace, person=by, priority=5, incoming=numbers, wish=wish)


def make(work: Work) -> None:
    """Create the stories of a job, one after the other; one that can't be made doesn't stop the others.

    A worker that is lost in between leaves the rest to the next one, and nothing is made twice.
    """
    numbers = work.job.subject["incoming"]
    work.begin("import")
    failed = 0
    for place, number in enumerate(numbers):
        work.report(place / len(numbers))
        row = Incoming.objects.filter(pk=number, state=State.WANTED).select_related("workspace").first()
        if row is None:
            continue
        try:
            _make(work, row)
        except EngineError as error:
            failed += 1
            said = f"{error.message} {error.next_step}".strip()[:500]
            Incoming.objects.filter(pk=row.pk).update(state=State.FAILED, error=said)
    if failed:
        raise EngineError(
            f"{failed} of {len(numbers)} articles could not be brought in.",
            next_step="Stories > Bring many in says why, article by article.",
        )


def _make(work: Work, row: Incoming) -> None:
    """Create one story, under a number that its row gives it: a second try finds the first one's."""
    number = uuid5(NAMESPACE_OID, f"storyloom incoming {row.pk}")
    story = Story.objects.filter(pk=number).first()
    if story is None:
        work.check()
        given: dict[str, Any] = {"url": row.url} if is_teaser(row) else {"article": _article(row)}
        wish = {name: work.job.subject["wish"][name] for name in WISH}
        story = stories.create(row.workspace, by=work.job.person, **given, **wish, priority=0, story_id=number)
    Incoming.objects.filter(pk=row.pk).update(state=State.MADE, story=story, error="")


def _article(row: Incoming) -> str:
    """The article as text or HTML, with its headline first."""
    if not row.title or row.text.startswith(row.title):
        return row.text or row.title
    return f"<h1>{row.title}</h1>{row.text}" if row.text.lstrip().startswith("<") else f"{row.title}\n\n{row.text}"


def forget_old() -> int:
    """Forget what nobody wanted. Returns how many articles that were."""
    old = Incoming.objects.filter(state=State.OFFERED, offered__lt=timezone.now() - KEPT)
    return old.delete()[0]
