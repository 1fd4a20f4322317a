"""How things are said on pages: durations, sizes, the names of formats, jobs, steps and engines."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone

from creator.models import Job
from generation import charges
from media_processing.engine import InvalidEngineError, engines

register = template.Library()

KINDS = {
    "make_story": "Make the story",
    "find_pictures": "Find pictures",
    "draw_pictures": "Draw pictures",
    "speak_reading": "Read a line",
    "take_narration": "Take a recording",
    "offer_words": "Find other words",
    "write_drafts": "Write drafts",
    "import_assets": "Import files",
    "fill_in": "Read what pictures say",
    "transcribe_asset": "Write down what is said",
    "cut_asset": "Cut a recording",
    "use_tool": "Make a copy with a tool",
    "compare_engines": "Compare two engines",
    "back_up": "Back up",
    "deliver_webhooks": "Deliver webhooks",
    "publish_scheduled": "Publish as planned",
    "draw_sample": "Draw the sample library",
    "send_mail": "Send an e-mail",
}
STEPS = {
    "script": "Writing the script",
    "visuals": "Choosing pictures",
    "narration": "Recording the narration",
    "renditions": "Rendering",
    "verdicts": "Checking",
    "import": "Bringing files in",
    "trying": "Trying",
    "pictures": "Finding pictures",
    "words": "Writing other words",
    "reading": "Reading",
    "looking": "Looking at pictures",
    "transcribe": "Listening",
    "recording": "Evening the recording",
    "aligning": "Timing the words",
    "cut": "Cutting",
    "use_tool": "Making the copy",
    "drawing": "Drawing",
    "library": "Drawing the first pictures",
    "publishing": "Publishing",
}
ROLES = {
    "writer": "Words",
    "painter": "Pictures",
    "voice": "Voice",
    "transcriber": "Transcripts",
    "aligner": "Word times",
    "reader": "Text in pictures",
    "embedder": "Picture search",
    "index": "Search index",
    "renderer": "Video",
    "text_judge": "Text checks",
    "picture_judge": "Picture checks",
}
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
    return f"{round(whole / 60)} min left" if whole > 90 else f"{max(1, whole)} s left"


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
def kind_title(kind: str) -> str:
    return KINDS.get(kind, in_words(kind))


@register.filter
def job_title(job: Job) -> str:
    return kind_title(job.kind.rsplit(".", 1)[-1])


@register.filter
def step_title(step: str) -> str:
    return STEPS.get(step, in_words(step)) if step else ""


@register.filter
def role_title(role: str) -> str:
    return ROLES.get(role, in_words(role))


@register.filter
def format_title(value: str) -> str:
    """ "video:9x16" -> "Video 9:16"."""
    kind, _, shape = value.partition(":")
    return f"{kind.capitalize()} {shape.replace('x', ':')}".strip()


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
    return f"{title} (built in)" if engine.starter and not short else title


@register.filter
def speaking(names: str) -> str:
    """ "espeak, recorded" -> "eSpeak NG (built in), people's own recordings"."""
    people = "people's own recordings"
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
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    return f"{when.day} {when:%b}" if when.year == timezone.now().year else f"{when.day} {when:%b %Y}"


@register.filter
def item(mapping: Any, key: str) -> Any:
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.filter
def cut_kind(label: str) -> str:
    """ "Video 9:16" -> "9:16", where an icon says the rest."""
    return label.rpartition(" ")[2]


@register.filter
def cut_words(words: str) -> list[str]:
    return words.split()


SIGNALS = {
    "picture": "Looks like the words", "likeness": "Looks alike", "words": "Words in title, tags or speech",
    "freshness": "Fresh", "engagement": "Clicked",
}  # fmt: skip


@register.filter
def signal_title(name: str) -> str:
    """A signal of the search, as people call it."""
    return SIGNALS.get(name, in_words(name))


@register.filter
def share_of(part: float, whole: float) -> str:
    """A part of a sum, 0 to 1, for a meter."""
    return f"{min(1.0, max(0.0, part / whole)) if whole else 0.0:.3f}"


@register.filter
def took(job: Job) -> str:
    """How long a job ran."""
    if job.started is None or job.finished is None:
        return ""
    seconds = (job.finished - job.started).total_seconds()
    return f"in {seconds:.1f} s" if seconds < 10 else f"in {clock(seconds)}"
