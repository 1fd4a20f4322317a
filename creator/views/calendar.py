"""The calendar: what was published, what is planned and what will expire, a month or a week at a time."""

from __future__ import annotations

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from creator.access import may, workspace_for
from creator.models import Schedule
from creator.services import schedules
from creator.views.people import person_of
from media_processing.engine import EngineError


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """`?month=2026-11` or `?week=2026-W48`; the month that it is, without either. Days are those of one's own zone."""
    workspace, person = workspace_for(request.user), person_of(request)
    today = timezone.now().astimezone(ZoneInfo(person.time_zone)).date()
    week = _week(request.GET.get("week", ""))
    if week:
        first, days, shown = week, 7, week
        before, after = (f"?week={_name(week + timedelta(days=step))}" for step in (-7, 7))
    else:
        shown = _month(request.GET.get("month", "")) or today.replace(day=1)
        following = (shown + timedelta(days=32)).replace(day=1)
        first = shown - timedelta(days=shown.weekday())
        days = -(-(following - first).days // 7) * 7
        before = f"?month={shown - timedelta(days=1):%Y-%m}"
        after = f"?month={following:%Y-%m}"
    context = {
        "days": schedules.calendar(workspace, first, days, person.time_zone),
        "weekdays": [first + timedelta(days=number) for number in range(7)],
        "shown": shown, "is_week": bool(week), "before": before, "after": after, "today": today,
        "as_week": f"?week={_name(today if not week and shown.month == today.month else shown)}",
        "as_month": f"?month={shown:%Y-%m}", "zone": person.time_zone, "can_publish": may(request.user, "publish"),
    }  # fmt: skip
    return render(request, "stories/calendar.html", context)


def _name(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def _week(said: str) -> date | None:
    found = re.fullmatch(r"(\d{4})-W(\d{2})", said)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found and _sane(int(found[1])) else None
    except ValueError:
        return None


def _month(said: str) -> date | None:
    found = re.fullmatch(r"(\d{4})-(\d{2})", said)
    try:
        return date(int(found[1]), int(found[2]), 1) if found and _sane(int(found[1])) else None
    except ValueError:
        return None


def _sane(year: int) -> bool:
    return 1971 <= year <= 8999


@login_required
@require_POST
def cancel(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Leave a plan."""
    workspace = workspace_for(request.user, to="publish")
    schedule = get_object_or_404(Schedule.objects.select_related("story"), workspace=workspace, pk=schedule_id)
    try:
        schedules.cancel(schedule, by=person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
    else:
        messages.success(
            request,
            gettext("“%(title)s” is no longer planned for %(channel)s.")
            % {"title": schedule.story.title, "channel": schedule.channel},
        )
    return redirect("calendar")
