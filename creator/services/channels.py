"""Verbs of a channel: who reads it, how what it gets is labelled and heard, and whose pages may ask for it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from creator.models import Channel, User
from creator.services import audit, keys
from creator.services.marking import PRIVATE
from media_processing.engine import EngineError

MOST_ORIGINS = 20

_check = URLValidator(schemes=["http", "https"])


def adjust(
    channel: Channel, *, labelled: bool | None = None, sound: str | None = None, origins: str | None = None,
    by: User | None,
) -> None:  # fmt: skip
    """Change what is given: whether cards and videos show that they were made with AI, whether videos are offered as
    sound alone ("before" or "after": when a voice says so; "": they aren't), both from the next publication on, and
    the origins of web pages that may ask the API, separated by white space. Raises EngineError."""
    if labelled is not None:
        channel.labelled = labelled
    if sound is not None:
        if sound not in ("", *Channel.Sound.values):
            raise EngineError(f"{sound[:20]!r} isn't offered.", next_step="Choose one of the list.", permanent=True)
        channel.sound = sound
    if origins is not None:
        channel.origins = _origins(origins)
    with transaction.atomic():
        channel.save(update_fields=["labelled", "sound", "origins"])
        said = {"labelled": channel.labelled, "sound": channel.sound, "origins": channel.origins}
        audit.record("channel.adjust", channel, by=by, workspace=channel.workspace_id, detail=said)
    keys.forget()


def open_to_all(channel: Channel, public: bool, *, by: User | None) -> None:
    """Let anybody read a channel's feeds and look at its stories, or nobody without a key any more.

    An internal one stays closed: what could not be marked as made with AI may stand there. Raises EngineError.
    """
    if public and channel.surface == PRIVATE:
        raise EngineError(
            f"{channel.name} is internal: it may hold what isn't marked as made with AI.",
            next_step="Add another channel, and publish there.", permanent=True,
        )  # fmt: skip
    with transaction.atomic():
        channel.public = public
        channel.save(update_fields=["public"])
        audit.record("channel.open", channel, by=by, workspace=channel.workspace_id, detail={"public": public})
    keys.forget()


def _origins(written: str) -> list[str]:
    found = list(dict.fromkeys(each.lower().removesuffix("/") for each in written.split()))
    if len(found) > MOST_ORIGINS:
        raise EngineError(
            f"A channel names {MOST_ORIGINS} origins at most.", next_step="Leave some out.", permanent=True
        )
    for each in found:
        try:
            _check(each)
            parts = urlsplit(each)
            sound = each == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc and parts.port != 0
        except (ValidationError, ValueError):
            sound = False
        if not sound:
            raise EngineError(
                f"{each[:80]!r} is no origin of web pages.",
                next_step="Write scheme, host and port alone, like https://news.example.org.", permanent=True,
            )  # fmt: skip
    return found
