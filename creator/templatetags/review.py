"""How a case's codes are said: categories of the policy, places in a story, decisions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from creator.forms import SURFACES
from creator.templatetags.storyloom import in_words
from moderation.cases import REASONS, REPORT_REASONS
from moderation.models import Sweep
from moderation.naming import category_name

register = template.Library()

PLACES = {
    "headline": _("Headline"),
    "summary": _("Summary"),
    "hashtags": _("Hashtags"),
    "poll": _("Poll"),
    "narration": _("Narration"),
    "on screen": _("On screen"),
    "alt text": _("Alt text"),
    "picture": _("Picture"),
    "text in the picture": _("Text in the picture"),
    "reported": _("Reported"),
    "spoken in the clip": _("Spoken in the clip"),
    "spoken in the recording": _("Spoken in the recording"),
}
OUTCOMES = {"pass": _("passes"), "review": _("needs a look"), "block": _("blocked")}
CAUSES = {"policy": _("Policy"), "judges": _("Other judges"), "bank": _("A ban"), "person": _("Somebody asked")}
DECISIONS = {
    "approve": _("Approved"),
    "reject": _("Sent back"),
    "keep": _("Kept online"),
    "remove": _("Taken off every channel"),
    "overturn": _("Decided for the author"),
    "uphold": _("The decision stands"),
}
_PLACE = re.compile(r"(?:scene (?P<scene>\d+): )?(?P<part>.*?)(?:, frame (?P<frame>\d+))?")


register.filter("category", category_name)


@register.filter
def place(where: str) -> str:
    """ "scene 2: picture, frame 3" -> "Scene 2: Picture, frame 3"."""
    match = _PLACE.fullmatch(where)
    if match is None:
        return in_words(where)
    said = str(PLACES.get(match["part"], in_words(match["part"])))
    if match["scene"]:
        said = gettext("Scene %(number)s: %(part)s") % {"number": match["scene"], "part": said}
    if match["frame"]:
        said = gettext("%(place)s, frame %(number)s") % {"place": said, "number": match["frame"]}
    return said


@register.filter
def surface(code: str) -> str:
    """ "ads" -> "Ads"; another policy's own by its code."""
    return str(dict(SURFACES).get(code, code))


@register.filter
def outcome(code: str) -> str:
    """ "review" -> "needs a look"."""
    return str(OUTCOMES.get(code, code))


@register.filter
def cause(sweep: Sweep) -> str:
    """Why past content was looked at: "Policy 3", "A ban"."""
    said = str(CAUSES.get(sweep.cause, sweep.cause))
    return f"{said} {sweep.policy.version}" if sweep.cause == "policy" and sweep.policy else said


@register.filter
def decided(verb: str) -> str:
    """ "reject" -> "Sent back"."""
    return str(DECISIONS.get(verb, in_words(verb)))


@register.filter
def review_reason(code: str) -> str:
    """ "false_alarm" -> "The machines were wrong"."""
    return str(dict(REASONS).get(code, in_words(code)))


@register.filter
def report_reason(code: str) -> str:
    """ "illegal" -> "Against the law"."""
    return str(REPORT_REASONS[code][0]) if code in REPORT_REASONS else in_words(code)


@register.filter
def by_category(reasons: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The gravest reason of each category, in their order."""
    found: dict[str, Mapping[str, Any]] = {}
    for reason in reasons:
        found.setdefault(reason["category"], reason)
    return list(found.values())
