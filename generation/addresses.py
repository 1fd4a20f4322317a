"""Addresses in a text: a story is spoken and drawn, and what a machine writes must not lead its readers anywhere."""

from __future__ import annotations

import re
import unicodedata

_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")  # Markdown: its words stay
_TAG = re.compile(r"<(?:/?[a-z]|!)(?:[^<>]*>|[^<>\s]*)", re.I)  # one that was cut off as well
_REST = r"[^\s<>\"'”’»)\]]+"
_SCHEME = re.compile(
    rf"\b(?:[a-z][a-z0-9+.-]{{1,20}}:/{{2,}}|www\.|mailto:|javascript:|data:[a-z]+/)(?=[\w%\[]){_REST}", re.I
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ENDINGS = (
    "com|net|org|info|biz|io|ai|app|dev|xyz|top|site|shop|online|link|click|ly|co|me|tv|gg|test|example|onion|ru|cn"
)
_HOST = re.compile(rf"\b(?:[\w-]+\.)+(?:{_ENDINGS})\b(?P<path>[/:?#]{_REST})?", re.I)
_SPELLED = re.compile(r"[\w-]*\s*(?:\[\s*(?:dot|[.:])\s*\]|\(\s*dot\s*\))\s*\S*|\bhxxps?\S*", re.I)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\S*)?")


def without_addresses(text: str, source: str = "") -> tuple[str, int]:
    """The text without links, mail addresses and markup, and how many were taken out.

    A bare name like "Booking.com" stays where `source` has it, since it is how a company is called. Compatibility
    forms ("ｈｔｔｐ") are made plain first, so that none hides an address.
    """
    plain = unicodedata.normalize("NFKC", text)
    kept = _LINK.sub(r"\1", plain)
    removed = int(kept != plain)

    def take_out(found: re.Match[str]) -> str:
        nonlocal removed
        if _is_a_name(found, source):
            return found[0]
        removed += 1
        return ""

    for pattern in (_TAG, _SPELLED, _SCHEME, _MAIL, _HOST, _ADDRESS):
        kept = pattern.sub(take_out, kept)
    if not removed:
        return text, 0
    kept = re.sub(r"\s+([,.;:!?。])", r"\1", re.sub(r"\(\s*\)|\[\s*\]", "", kept))
    return " ".join(kept.split()), removed


def _is_a_name(found: re.Match[str], source: str) -> bool:
    """Whether a host without a path is only a name, which the source uses in the same way."""
    if found.re is not _HOST or found["path"]:
        return False
    used = re.search(rf"(?<![\w/@.-]){re.escape(found[0])}(?![\w/@-]|\.\w)", source, re.I)
    return used is not None
