"""Words into the page while a writer writes them: events that carry what is new of a growing text."""

from __future__ import annotations

from creator import jobs
from creator.jobs import Work
from creator.models import Event
from generation.engines.writing import Tell

KIND = "words.told"


def tell(work: Work, **about: str) -> Tell:
    """A callback for a text that grows: each event says what is new and at which character it goes on."""
    shown = ""

    def more(text: str) -> None:
        nonlocal shown
        both = zip(shown, text, strict=False)
        same = next((at for at, (old, new) in enumerate(both) if old != new), min(len(shown), len(text)))
        if text != shown:
            jobs.note(work.job, KIND, at=same, text=text[same:], **about)
            shown = text

    return more


def forget(work: Work) -> None:
    """Drop the events of a finished text: the text itself is where it belongs by now."""
    Event.objects.filter(job=work.job, kind=KIND).delete()
