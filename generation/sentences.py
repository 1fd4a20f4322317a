"""Splitting a text into its sentences, in any script."""

from __future__ import annotations

import re

from generation.languages import Language, language_data

# What may stand between the end of a sentence and the space after it.
_CLOSERS = "\"'”’»)\\]」』）》】"
_END = re.compile(
    rf"(?P<mark>[.!?…]+)(?P<close>[{_CLOSERS}]*)(?=\s|$)"
    rf"|(?P<wide>[。！？｡]+)(?P<wclose>[{_CLOSERS}]*)"
    rf"|(?P<other>[।॥؟۔።]+)(?P<oclose>[{_CLOSERS}]*)(?=\s|$)"
)
_PARAGRAPH = re.compile(r"\n\s*\n")
_LAST_TOKEN = re.compile(r"\S+$")
_LIST_NUMBER = re.compile(r"^\(?\d{1,2}$")
# After a closed quote: Japanese and Chinese "... he said".
_SPEAKS_ON = re.compile(r"と|って|[、，]|[^。！？，]{0,6}[说說道问問]")
_QUOTE_LIMIT = 400  # characters: a quote left open for longer than this was never closed


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text (divided by empty lines), each on one line."""
    return [" ".join(part.split()) for part in _PARAGRAPH.split(text) if part.strip()]


def sentences(text: str, language: str = "en") -> list[str]:
    """The sentences of a text in order. A paragraph, and so a heading, never runs into the next one."""
    return [sentence for paragraph in paragraphs(text) for sentence in split_paragraph(paragraph, language)]


def split_paragraph(paragraph: str, language: str = "en") -> list[str]:
    """The sentences of one paragraph."""
    data = language_data(language)
    found: list[str] = []
    start = 0
    for match in _END.finditer(paragraph):
        if match.end() <= start:
            continue
        if _ends_sentence(paragraph, start, match, data):
            found.append(paragraph[start : match.end()].strip())
            start = match.end()
    rest = paragraph[start:].strip()
    if rest:
        found.append(rest)
    return _join_attributions([sentence for sentence in found if sentence], data)


def _ends_sentence(paragraph: str, start: int, match: re.Match[str], data: Language) -> bool:
    before, after = paragraph[start : match.start()], paragraph[match.end() :].lstrip()
    if not after:
        return True
    closed = match["close"] or match["wclose"] or match["oclose"] or ""
    if _inside_quote(before + closed):
        return False
    if match["wide"] and closed and _SPEAKS_ON.match(after):
        return False
    if match["wide"] or match["other"]:
        return True
    following = after.lstrip("\"'“‘«([")
    if following[:1].islower() or following[:1] in ",;:":
        return False
    if match["mark"] == "." and not closed:
        return not _is_abbreviation(before, following, data)
    return True


def _is_abbreviation(before: str, following: str, data: Language) -> bool:
    """Whether the full stop after `before` belongs to an abbreviation, an initial or an ordinal."""
    last = _LAST_TOKEN.search(before)
    if last is None:
        return True
    token = last.group().lstrip("\"'“‘«([").lower()
    next_word = (re.match(r"[^\W\d_]+", following) or [""])[0].lower()
    if _LIST_NUMBER.match(token) and not before[: last.start()].strip():
        return True  # "1. Wash the leaves."
    if token.isdigit() and len(token) <= 2 and (next_word in data.days or data.code in {"de", "da", "no", "cs", "fi"}):
        return True  # "am 3. Mai"
    if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", token):  # u.s, e.g, z.b, ph.d
        return next_word not in data.starters
    if len(token) == 1 and token.isalpha():
        return data.code != "en" or token not in {"i"}  # an initial; but "So did I."
    return token in data.abbreviations and (
        next_word not in data.starters or token in {"mr", "mrs", "ms", "dr", "prof", "st", "e.g", "i.e"}
    )


def _inside_quote(text: str) -> bool:
    tail = text[-_QUOTE_LIMIT:]
    pairs = (("“", "”"), ("«", "»"), ("「", "」"), ("„", "“"), ("（", "）"))
    for opening, closing in pairs:
        if opening == "“" and "„" in tail:
            continue  # German: “ closes
        if tail.count(opening) > tail.count(closing):
            return len(text) - text.rfind(opening) < _QUOTE_LIMIT
    if tail.count('"') % 2:
        return len(text) - text.rfind('"') < _QUOTE_LIMIT
    return False


def _join_attributions(found: list[str], data: Language) -> list[str]:
    """Put "Maria said." back behind the quote that it belongs to."""
    joined: list[str] = []
    for sentence in found:
        words = sentence.rstrip(".").split()
        is_tail = len(words) <= 4 and any(word.lower() in data.attribution for word in words[-2:])
        if joined and is_tail and joined[-1][-1] in '"”»':
            joined[-1] = f"{joined[-1]} {sentence}"
        else:
            joined.append(sentence)
    return joined
