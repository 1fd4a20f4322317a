"""How things are said on pages: durations, sizes, the names of formats, jobs, steps and engines."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from creator.models import Job
from creator.services import refusals
from generation import charges
from media_processing.engine import InvalidEngineError, engines

register = template.Library()

KINDS = {
    "make_story": _("Make the story"),
    "find_pictures": _("Find pictures"),
    "draw_pictures": _("Draw pictures"),
    "speak_reading": _("Read a line"),
    "take_narration": _("Take a recording"),
    "offer_words": _("Find other words"),
    "write_drafts": _("Write drafts"),
    "import_assets": _("Import files"),
    "fill_in": _("Read what pictures say"),
    "transcribe_asset": _("Write down what is said"),
    "cut_asset": _("Cut a recording"),
    "use_tool": _("Make a copy with a tool"),
    "compare_engines": _("Compare two engines"),
    "back_up": _("Back up"),
    "retain": _("Let old drafts and files go"),
    "deliver_webhooks": _("Deliver webhooks"),
    "publish_scheduled": _("Publish"),
    "bring_in": _("Bring many stories in"),
    "draw_sample": _("Draw the sample library"),
    "send_mail": _("Send an e-mail"),
}
STEPS = {
    "script": _("Writing the script"),
    "visuals": _("Choosing pictures"),
    "narration": _("Recording the narration"),
    "renditions": _("Rendering"),
    "verdicts": _("Checking"),
    "import": _("Bringing files in"),
    "trying": _("Trying"),
    "pictures": _("Finding pictures"),
    "words": _("Writing other words"),
    "reading": _("Reading"),
    "looking": _("Looking at pictures"),
    "transcribe": _("Listening"),
    "recording": _("Evening the recording"),
    "aligning": _("Timing the words"),
    "cut": _("Cutting"),
    "use_tool": _("Making the copy"),
    "drawing": _("Drawing"),
    "library": _("Drawing the first pictures"),
    "publishing": _("Publishing"),
}
ROLES = {
    "writer": _("Words"),
    "painter": _("Pictures"),
    "voice": _("Voice"),
    "transcriber": _("Transcripts"),
    "aligner": _("Word times"),
    "reader": _("Text in pictures"),
    "embedder": _("Picture search"),
    "index": _("Search index"),
    "renderer": _("Video"),
    "segmenter": _("Cut-outs"),
    "upscaler": _("Upscaling"),
    "denoiser": _("Denoising"),
    "text_judge": _("Text checks"),
    "picture_judge": _("Picture checks"),
}
# In this order: most name the browsers that they take after, too.
BROWSERS = {
    r"Edg\w*/(\d+)": "Edge", r"OPR/(\d+)": "Opera", r"SamsungBrowser/(\d+)": "Samsung Internet",
    r"(?:Firefox|FxiOS)/(\d+)": "Firefox", r"(?:Chrome|Chromium|CriOS)/(\d+)": "Chrome",
    r"Version/(\d+).* Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS",
    "Mac OS X": "macOS", "Linux": "Linux",
}  # fmt: skip
FORMATS = {"video": _("Video"), "card": _("Card")}
SHAPES = {"9:16": "rectangle-vertical", "4:5": "rectangle-vertical", "1:1": "square", "16:9": "rectangle-horizontal"}
RATIOS = (0.5, 0.56, 0.67, 0.75, 0.8, 1.0, 1.25, 1.33, 1.5, 1.78, 2.0, 2.33)


@register.filter
def clock(seconds: float | None) -> str:
    """75.3 -> "1:15"."""
    whole = round(seconds or 0)
    return f"{whole // 60}:{whole % 60:02d}"


@register.filter
def time_left(seconds: float | None) -> str:
    """40 -> "40 s left", 200 -> "3 min left"."""
    whole = round(seconds or 0)
    if whole > 90:
        return gettext("%(number)s min left") % {"number": round(whole / 60)}
    return gettext("%(number)s s left") % {"number": max(1, whole)}


@register.filter
def money(amount: Decimal | None) -> str:
    """0.00125 -> "0.0013"."""
    return charges.money(amount or Decimal(0))


@register.filter
def percent(share: float | None) -> int:
    return round(100 * (share or 0))


@register.filter
def in_words(name: str) -> str:
    """What is kept as a code, said as words: "too_graphic" -> "Too graphic"."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


@register.filter
def told(refusal: Any) -> str:
    """What a tool or a job refused with, in the language of the page."""
    return refusals.told(str(refusal))


@register.filter
def device(user_agent: str) -> str:
    """The browser and the system that a User-Agent names: "Firefox 151, Windows"; else as much of it as is readable."""
    found = ((title, re.search(form, user_agent)) for form, title in BROWSERS.items())
    browser = next((f"{title} {match[1]}" for title, match in found if match), "")
    system = next((title for mark, title in SYSTEMS.items() if mark in user_agent), "")
    return ", ".join(filter(None, (browser, system))) or user_agent[:60] or gettext("Unknown program")


@register.filter
def kind_title(kind: str) -> str:
    return str(KINDS.get(kind, in_words(kind)))


@register.filter
def job_title(job: Job) -> str:
    return kind_title(job.kind.rsplit(".", 1)[-1])


@register.filter
def step_title(step: str) -> str:
    return str(STEPS.get(step, in_words(step))) if step else ""


@register.filter
def role_title(role: str) -> str:
    return str(ROLES.get(role, in_words(role)))


@register.filter
def format_title(value: str) -> str:
    """ "video:9x16" -> "Video 9:16"."""
    kind, _, shape = value.partition(":")
    return f"{FORMATS.get(kind, kind.capitalize())} {shape.replace('x', ':')}".strip()


@register.filter
def format_icon(value: str) -> str:
    return SHAPES.get(value.partition(":")[2].replace("x", ":"), "square")


@register.filter
def engine_title(name: str, role: str, *, short: bool = False) -> str:
    """ "espeak" -> "eSpeak NG (built in)"."""
    try:
        engine = engines[role, name]
    except InvalidEngineError:
        return name
    title = str(engine.title or name)
    return gettext("%(engine)s (built in)") % {"engine": title} if engine.starter and not short else title


@register.filter
def speaking(names: str) -> str:
    """ "espeak, recorded" -> "eSpeak NG (built in), people's own recordings"."""
    people = gettext("people's own recordings")
    return ", ".join(people if name == "recorded" else engine_title(name, "voice") for name in names.split(", "))


def is_built_in(name: str, role: str) -> bool:
    try:
        return bool(engines[role, name].starter)
    except InvalidEngineError:
        return False


@register.filter
def ratio_class(thing: Any) -> str:
    """The class of the nearest aspect ratio: pages may carry no style attribute."""
    sides = thing if isinstance(thing, dict) else {name: getattr(thing, name, 0) for name in ("width", "height")}
    width, height = sides["width"], sides["height"]
    if not width or not height:
        return "ratio-100"
    return f"ratio-{round(100 * min(RATIOS, key=lambda ratio: abs(ratio - width / height)))}"


@register.filter
def ago(when: datetime | None) -> str:
    """ "just now", "5 min ago", "3 h ago", "2 Nov"."""
    if when is None:
        return ""
    minutes = int((timezone.now() - when).total_seconds() // 60)
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return gettext("%(number)s min ago") % {"number": minutes}
    if minutes < 24 * 60:
        return gettext("%(number)s h ago") % {"number": minutes // 60}
    return date_format(when, "j M" if when.year == timezone.now().year else "j M Y")


@register.filter
def item(mapping: Any, key: str) -> Any:
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.filter
def cut_kind(label: str) -> str:
    """ "Video 9:16" -> "9:16", where an icon says the rest."""
    return label.rpartition(" ")[2]


SIGNALS = {
    "picture": _("Looks like the words"), "likeness": _("Looks alike"), "words": _("Words in title, tags or speech"),
    "freshness": _("Fresh"), "engagement": _("Clicked"),
}  # fmt: skip


@register.filter
def signal_title(name: str) -> str:
    """A signal of the search, as people call it."""
    return str(SIGNALS.get(name, in_words(name)))


@register.filter
def share_of(part: float, whole: float) -> str:
    """A part of a sum, 0 to 1, for a meter."""
    return f"{min(1.0, max(0.0, part / whole)) if whole else 0.0:.3f}"


@register.filter
def reasons(found: Any) -> SafeString:
    """The rows of the table that says what a result's score is made of. A page has hundreds of them: as a template,
    they took a fifth of its time."""
    return format_html_join(
        "",
        '<tr><th scope="row">{0}</th><td><meter min="0" max="1" value="{1}" aria-label="{0}"></meter></td>'
        '<td class="num">{2}</td></tr>',
        (
            (signal_title(each.name), share_of(each.contribution, found.score), floatformat(each.value, 2))
            for each in found.explain
        ),
    )


@register.filter
def took(job: Job) -> str:
    """How long a job ran."""
    if job.started is None or job.finished is None:
        return ""
    seconds = (job.finished - job.started).total_seconds()
    return gettext("in %(time)s") % {"time": f"{seconds:.1f} s" if seconds < 10 else clock(seconds)}
