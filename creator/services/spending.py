"""What was spent, by story, person, engine or day, and the caps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from creator.models import Story, User, Workspace
from generation import charges, prices
from generation.models import Charge
from generation.prices import MICRO
from media_processing import spreadsheets

PERIODS = {"today": "Today", "week": "7 days", "month": "This month", "last": "Last month", "all": "All"}
GROUPS = {"story": "Story", "person": "Person", "engine": "Engine", "day": "Day"}
_KEYS = {"story": ("subject",), "person": ("person_id",), "engine": ("role", "engine", "model"), "day": ("day",)}


@dataclass(frozen=True)
class Line:
    """A sum of charges."""

    label: str
    amount: Decimal
    reserved: Decimal
    calls: int
    tokens: int
    seconds: float
    unpriced: int
    """Charges of models that no price is known for."""
    story: str = ""


def charges_of(workspace: Workspace, period: str, now: datetime | None = None) -> QuerySet[Charge]:
    """The charges of a period, by the days of the budget's time zone; what was released is left out."""
    found = Charge.objects.in_workspace(workspace.pk).exclude(state=Charge.State.RELEASED)
    today, month = charges.day_of(charges.budget_of(workspace.pk), now)
    if period == "last":
        return found.filter(created__gte=(month - timedelta(days=1)).replace(day=1), created__lt=month)
    since = {"today": today, "week": today - timedelta(days=6), "month": month}.get(period)
    return found.filter(created__gte=since) if since else found


def lines(workspace: Workspace, found: QuerySet[Charge], group: str) -> list[Line]:
    """Charges summed up, the dearest first; days in their order."""
    zone = ZoneInfo(charges.budget_of(workspace.pk).time_zone)
    keys = _KEYS[group]
    rows = list(
        found.annotate(day=TruncDate("created", tzinfo=zone)).values(*keys).annotate(
            settled=Sum("amount"), taken=Sum(charges.counted()), count=Count("pk"), seconds=Sum("machine_seconds"),
            tokens=Sum(F("prompt_tokens") + F("completion_tokens")),
            unpriced=Count("pk", filter=Q(basis=Charge.Basis.UNKNOWN)),
        ).order_by(*keys)
    )  # fmt: skip
    titles = _titles(workspace, [str(row["subject"]) for row in rows] if group == "story" else [])
    ids = [row["person_id"] for row in rows] if group == "person" else []
    people = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
    made = [
        Line(
            label=_label(group, row, titles, people), amount=_exact(row["settled"]),
            reserved=_exact(row["taken"]) - _exact(row["settled"]), calls=row["count"], tokens=row["tokens"],
            seconds=row["seconds"], unpriced=row["unpriced"],
            story=_story_id(str(row["subject"])) if group == "story" and str(row["subject"]) in titles else "",
        )
        for row in rows
    ]  # fmt: skip
    return made if group == "day" else sorted(made, key=lambda line: (-line.amount, -line.seconds))


def _exact(amount: object) -> Decimal:
    return Decimal(str(amount or 0)).quantize(MICRO)


def _story_id(subject: str) -> str:
    return subject.removeprefix("story:")


def _titles(workspace: Workspace, subjects: Iterable[str]) -> dict[str, str]:
    """Subject -> title of the stories that are still there."""
    ids = []
    for subject in subjects:
        try:
            ids.append(UUID(_story_id(subject)))
        except ValueError:
            continue
    stories = Story.objects.in_workspace(workspace.pk).filter(pk__in=ids)
    return {f"story:{story.pk}": story.title or "Untitled story" for story in stories}


def _label(group: str, row: dict[str, Any], titles: dict[str, str], people: dict[int, str]) -> str:
    if group == "story":
        subject = str(row["subject"])
        return titles.get(subject) or ("A story that is gone" if subject.startswith("story:") else "No story")
    if group == "person":
        return people.get(row["person_id"], "Nobody")
    if group == "engine":
        return " · ".join(part for part in (row["role"], row["engine"], row["model"]) if part)
    return str(row["day"])


COLUMNS = (
    "when", "story", "subject", "person", "role", "verb", "engine", "model", "provider", "state", "basis", "currency",
    "reserved", "amount", "calls", "prompt tokens", "completion tokens", "machine seconds", "provider id",
)  # fmt: skip


def as_csv(workspace: Workspace, found: QuerySet[Charge]) -> Iterable[str]:
    """Every charge as a line of CSV, the oldest first. No cell can become a formula in a spreadsheet."""
    titles = _titles(workspace, found.values_list("subject", flat=True).distinct())
    rows = (
        (
            each.created.isoformat(timespec="seconds"), titles.get(each.subject, ""), each.subject,
            each.person.username if each.person else "", each.role, each.verb, each.engine, each.model, each.provider,
            each.state, each.basis, each.currency, each.estimated, each.amount, each.calls, each.prompt_tokens,
            each.completion_tokens, round(each.machine_seconds, 3), each.provider_id,
        )
        for each in found.select_related("person").order_by("pk").iterator(500)
    )  # fmt: skip
    return spreadsheets.lines(COLUMNS, rows)


def caps(workspace: Workspace, person: User) -> list[dict[str, Any]]:
    """Each cap with what is taken of it: {"name", "label", "limit", "used", "share"}."""
    budget = charges.budget_of(workspace.pk)
    used = charges.spent(budget, person.pk)
    labels = {"person_day": "You, today", "day": "The workspace, today", "month": "The workspace, this month"}
    return [
        {"name": name, "label": label, "limit": getattr(budget, name), "used": used[name],
         "share": min(100, round(100 * used[name] / (getattr(budget, name) or 1)))}
        for name, label in labels.items()
    ]  # fmt: skip


def price_list() -> prices.Table:
    """The prices in force."""
    return prices.table()
