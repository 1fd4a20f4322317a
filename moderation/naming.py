"""What the categories of the shipped policy are called."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

CATEGORIES = {
    "violence": _("Violence"),
    "hate": _("Hate"),
    "sexual": _("Sexual"),
    "self-harm": _("Self-harm"),
    "harassment": _("Harassment"),
    "illicit": _("Help with crimes"),
    "profanity": _("Strong language"),
    "spam": _("Spam"),
    "medical-claims": _("Medical claims"),
    "financial-claims": _("Financial claims"),
    "personal-data": _("Personal data"),
    "banned": _("Banned picture"),
    "accuracy": _("Accuracy"),
    "rights": _("Rights"),
    "minors": _("Children in danger"),
    "other": _("Something else"),
    "unjudged": _("Not judged"),
    "text-in-picture": _("Text in the picture"),
}
"""Those that ship; a policy may name others."""


def category_name(code: str) -> str:
    """ "self-harm" -> "Self-harm", in the language in force; another policy's own categories by their code."""
    words = code.replace("_", " ").replace("-", " ").strip()
    return str(CATEGORIES.get(code, words[:1].upper() + words[1:]))
