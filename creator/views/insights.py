"""Insights: which stories, formats, titles, pictures, hours and engines work, and how sure that is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creator.access import workspace_for
from creator.models import Channel
from creator.services import insights, spending
from creator.services.insights import Column, Figure, Group, Insights
from creator.services.links import base_url

WIDE = 1000.0
"""Units across a chart; its height follows from the page."""
TALL = 100.0


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Numbers, charts and tables of a channel, or of all, over a period."""
    asked, period = _asked(request)
    groups = asked.groups() if asked.has_events() else []
    context = {
        "channels": Channel.objects.filter(workspace=asked.workspace),
        "channel": asked.channel,
        "period": period,
        "periods": insights.PERIODS.items(),
        "figures": [(each, _change(each)) for each in asked.figures()],
        "output": _bars(asked.output()),
        "places": [(channel, clicks, _bars(columns, most=1.0)) for channel, clicks, columns in asked.places()],
        "groups": [(group, _whiskers(group)) for group in groups],
        "costs": asked.costs(),
        "currency": spending.price_list().currency,
        "rankers": asked.rankers(),
        "too_few": insights.TOO_FEW,
        "api": f"{base_url()}/api/v1",
    }
    return render(request, "insights/index.html", context)


@login_required
@require_safe
def as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Everything that the page compares, and what it left out."""
    asked, period = _asked(request)
    answer = StreamingHttpResponse(insights.as_csv(asked), content_type="text/csv; charset=utf-8")
    name = f"insights-{asked.channel.slug}-{period}" if asked.channel else f"insights-{period}"
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


def _asked(request: HttpRequest) -> tuple[Insights, str]:
    workspace = workspace_for(request.user)
    period = request.GET.get("period", "30")
    period = period if period in insights.PERIODS else "30"
    slug, channel = request.GET.get("channel", ""), None
    if slug:
        channel = Channel.objects.filter(workspace=workspace, slug=slug[:50].replace("\x00", "")).first()
        if channel is None:
            raise Http404("No such channel.")
    return Insights(workspace, channel=channel, days=int(period)), period


def _change(figure: Figure) -> float | None:
    """Against the period before, as a share of it; None where there is nothing to compare with."""
    if figure.value is None or not figure.before:
        return None
    return figure.value / figure.before - 1


def _bars(columns: list[Column], *, most: float = 0.0) -> dict[str, Any]:
    """A column chart: rectangles in WIDE x TALL."""
    highest = max([most, *(each.value for each in columns)], default=0.0) or 1.0
    step = WIDE / max(len(columns), 1)
    bars = [
        {"x": round(at * step + step * 0.1, 2), "width": round(step * 0.8, 2),
         "y": round(TALL * (1 - each.value / highest), 2), "height": round(TALL * each.value / highest, 2),
         "column": each}
        for at, each in enumerate(columns)
    ]  # fmt: skip
    return {"bars": bars, "most": highest, "first": columns[0] if columns else None,
            "last": columns[-1] if columns else None}  # fmt: skip


def _whiskers(group: Group) -> list[tuple[Any, dict[str, float]]]:
    """Lines with their interval and rate across WIDE."""
    scale = WIDE / group.most
    return [
        (line, {"low": round(line.rate.low * scale, 1), "at": round(min(line.rate.value * scale, WIDE), 1),
                "width": round((min(line.rate.high, group.most) - line.rate.low) * scale, 1)})
        for line in group.shown
    ]  # fmt: skip
