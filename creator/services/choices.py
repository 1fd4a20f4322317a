"""Which engine does what in a workspace, and the languages of stories."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from django.conf import settings

from creator import jobs
from creator.environment import Environment
from creator.models import Workspace
from creator.services import noticing
from media_processing.engine import engines

LANGUAGES = {
    "en": "English", "ar": "العربية", "bn": "বাংলা", "de": "Deutsch", "es": "Español", "fr": "Français", "hi": "हिन्दी",
    "id": "Bahasa Indonesia", "it": "Italiano", "ja": "日本語", "ko": "한국어", "nl": "Nederlands", "pl": "Polski",
    "pt": "Português", "ru": "Русский", "ta": "தமிழ்", "th": "ไทย", "tr": "Türkçe", "uk": "Українська",
    "ur": "اردو", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""Languages of stories, each in its own words. Which of them works depends on the chosen engines."""


def locked(role: str) -> bool:
    """Whether the environment decides a role's engine, so that the page can't."""
    return _locked(role, os.environ.get(role.upper()), os.environ.get(role), noticing.readings())


@cache
def _locked(role: str, *_said: str | int | None) -> bool:
    """Kept for what the environment says now: a page asks dozens of times, and reading all variables takes a while."""
    return role in Environment().model_fields_set


def chosen(role: str, workspace: Workspace | None = None) -> str:
    """The name of a role's engine: of the job in hand, the environment, the workspace, or the starter.

    What appeared since the last look, a key or weights, can be chosen from here on.
    """
    noticing.refresh()
    instead = jobs.instead.get({}).get(role, "")
    if instead in settings.ENGINES.get(role, {}):
        return instead
    name = (workspace.choices if workspace else {}).get(role, "")
    if not locked(role) and name in settings.ENGINES.get(role, {}):
        return str(name)
    return engines.default(role)


def engine(role: str, workspace: Workspace | None = None) -> Any:
    """The engine that does a role in a workspace."""
    return engines[role, chosen(role, workspace)]
