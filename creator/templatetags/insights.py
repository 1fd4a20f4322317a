"""Shares and coordinates on the page of insights."""

from __future__ import annotations

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext

register = template.Library()


@register.filter
def share(value: float | None) -> str:
    """0.0347 as "3.5 %": two digits that count, none behind the point from 10 % on."""
    if value is None:
        return "–"
    return f"{number_format(100 * value, 0 if abs(value) >= 0.0995 or not value else 1)} %"


@register.filter
def span(hours: float) -> str:
    """0.25 -> "15 min", 5.23 -> "5.2 h", 72 -> "3 days"."""
    if hours < 1:
        return gettext("%(number)s min") % {"number": round(60 * hours)}
    if hours < 48:
        return gettext("%(number)s h") % {"number": number_format(hours, 1)}
    return gettext("%(number)s days") % {"number": number_format(hours / 24, 0)}


@register.filter
def size(value: float) -> str:
    """A share without its sign."""
    return share(abs(value))


@register.filter
def coordinate(value: float) -> str:
    """A number of an SVG, in whatever language the page is."""
    return f"{value:g}"
