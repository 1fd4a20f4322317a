"""Verbs of a channel: how what it gets is labelled, and whose pages may ask for it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from creator.models import Channel, User
from creator.services import audit, keys
from media_processing.engine import EngineError

MOST_ORIGINS = 20

_check = URLValidator(schemes=["http", "https"])


def adjust(channel: Channel, *, labelled: bool | None = None, origins: str | None = None, by: User | None) -> None:
    """Change what is given: whether cards and videos show that they were made with AI (from the next publication on),
    and the origins of web pages that may ask the API, separated by white space. Raises EngineError."""
    if labelled is not None:
        channel.labelled = labelled
    if origins is not None:
        channel.origins = _origins(origins)
    with transaction.atomic():
        channel.save(update_fields=["labelled", "origins"])
        said = {"labelled": channel.labelled, "origins": channel.origins}
        audit.record("channel.adjust", channel, by=by, workspace=channel.workspace_id, detail=said)
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
