"""Reading texts and word queries: one way to cut words for both databases, and for every script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 1_000
"""Most characters of a query."""
MOST_TERMS = 32
PREFIX_FROM = 4
"""Letters from which a word also finds longer words that begin with it ("moon": moonlight, but not "car": carpet)."""
_PARTS = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')
# What most lines hold and no picture is about: without them, any English line would match any English title.
_SMALL_WORDS = (
    "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it "
    "its just like may more most no not of on one or our out over she so some than that the their them then there "
    "these they this those to under up was we were what when where which while who why will with would you your"
)
SMALL_WORDS = frozenset(_SMALL_WORDS.split())


@dataclass(frozen=True)
class Wanted:
    """What a word query asks for. Each entry is a run of words: one word, or a phrase in which all must follow."""

    any_of: tuple[tuple[str, ...], ...] = ()
    """Words of which one is enough; the more, the better."""
    all_of: tuple[tuple[str, ...], ...] = ()
    """Quoted: must be there."""
    none_of: tuple[tuple[str, ...], ...] = ()
    """After a minus sign: must not be there."""

    def __bool__(self) -> bool:
        return bool(self.any_of or self.all_of)


def words_of(text: str) -> list[str]:
    """The words of a text as they are stored: lower case, without accents on Latin, Greek and Cyrillic letters.

    Scripts that put no spaces between words become overlapping pairs of letters, each letter beginning one.
    """
    return [word for run in _runs(text) for word in (_pairs(run, tail=True) if _unspaced(run[0]) else [run[:100]])]


def wanted(query: str) -> Wanted:
    """Read a query: words, "quoted words", -unwanted words. Any character may come in; none means anything else."""
    any_of: list[tuple[str, ...]] = []
    all_of: list[tuple[str, ...]] = []
    none_of: list[tuple[str, ...]] = []
    for part in _PARTS.finditer(query):
        if part["plain"] is None:
            run = tuple(word for piece in _runs(part["quoted"]) for word in _asked(piece))
            if run:
                (none_of if part["minus"] else all_of).append(run)
            continue
        for piece in _runs(part["plain"]):
            (none_of if part["minus"] else any_of).append(_asked(piece))
    telling = [run for run in any_of if run[0] not in SMALL_WORDS] or any_of
    unique = tuple(dict.fromkeys(telling))
    return Wanted(unique[:MOST_TERMS], tuple(all_of[:MOST_TERMS]), tuple(none_of[:MOST_TERMS]))


def without_marks(query: str) -> str:
    """A query as a plain text for an embedder: unwanted words left out, quotation marks too."""
    parts = (part for part in _PARTS.finditer(query) if not part["minus"])
    return " ".join((part["plain"] if part["plain"] is not None else part["quoted"]).strip() for part in parts).strip()


def forms(word: str) -> list[str]:
    """A word, and what may be its singular or plural: cheap, and harmless in a language without a plural in s."""
    found = [word, f"{word}s"]
    if word.endswith("ies") and len(word) > 4:
        found.append(f"{word[:-3]}y")
    elif word.endswith("y") and len(word) > 3:
        found.append(f"{word[:-1]}ies")
    if word.endswith("es") and len(word) > 4:
        found.append(word[:-2])
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        found.append(word[:-1])
    elif word.endswith(("s", "x", "ch", "sh")):
        found.append(f"{word}es")
    return found


def for_fts5(asked: Wanted, *, beginnings: bool = True) -> str:
    """The query in the syntax of SQLite's FTS5; without `beginnings`, only whole words.

    Words hold letters and digits only, so quoting them is enough.
    """
    any_of = " OR ".join(_fts5_any(run, beginnings) for run in asked.any_of)
    required = [_fts5_phrase(run) for run in asked.all_of]
    query = " AND ".join(required) if required else f"({any_of})"
    if required and any_of:
        # Optional words can't be said beside required ones except as an alternative that holds anyway.
        query = f"({query}) AND ({any_of} OR {required[0]})"
    for run in asked.none_of:
        query = f"({query}) NOT {_fts5_phrase(run)}"
    return query


def for_tsquery(asked: Wanted, *, beginnings: bool = True) -> str:
    """The query in the syntax of PostgreSQL's tsquery; without `beginnings`, only whole words."""
    any_of = " | ".join(_tsquery_any(run, beginnings) for run in asked.any_of)
    required = [_tsquery_phrase(run) for run in asked.all_of]
    query = " & ".join(required) if required else f"({any_of})"
    if required and any_of:
        query = f"({query}) & ({any_of} | {required[0]})"
    for run in asked.none_of:
        query = f"({query}) & !{_tsquery_phrase(run)}"
    return query


def tsvector(columns: list[tuple[str, str]], *, most: int = 16_000) -> str:
    """(text, weight "A" to "D") pairs as the text form of a tsvector, cut at the positions that PostgreSQL counts."""
    places: dict[str, list[str]] = {}
    position = 0
    for text, weight in columns:
        for word in words_of(text):
            position += 1
            if position > most:
                break
            known = places.setdefault(word, [])
            if len(known) < 255:  # PostgreSQL keeps no more of one word
                known.append(f"{position}{weight}")
        position += 1  # a phrase doesn't reach from one column into the next
    return " ".join(f"'{word}':{','.join(at)}" for word, at in places.items())


def matched_share(query: Wanted, document: set[str]) -> float:
    """The share of the query's words that a document (the set of its words) holds, 0 to 1."""
    runs = query.any_of + query.all_of
    if not runs:
        return 0.0
    return sum(all(any(form in document for form in forms(word)) for word in run) for run in runs) / len(runs)


def _fts5_phrase(run: tuple[str, ...]) -> str:
    return '"' + " ".join(run) + '"'


def _fts5_any(run: tuple[str, ...], beginnings: bool) -> str:
    if len(run) > 1:
        return _fts5_phrase(run)
    alternatives = [f'"{form}"' for form in forms(run[0])]
    if beginnings and _prefixed(run[0]):
        alternatives.append(f'"{run[0]}"*')  # beside the whole words, which therefore score higher
    return " OR ".join(alternatives)


def _tsquery_phrase(run: tuple[str, ...]) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in run) + ")"


def _tsquery_any(run: tuple[str, ...], beginnings: bool) -> str:
    if len(run) > 1:
        return _tsquery_phrase(run)
    alternatives = [f"'{form}'" for form in forms(run[0])]
    if beginnings and _prefixed(run[0]):
        alternatives.append(f"'{run[0]}':*")
    return " | ".join(alternatives)


def _prefixed(word: str) -> bool:
    return len(word) >= PREFIX_FROM or _unspaced(word[0])


def _asked(run: str) -> tuple[str, ...]:
    return tuple(_pairs(run, tail=False)) if _unspaced(run[0]) else (run[:100],)


def _runs(text: str) -> Iterator[str]:
    """Runs of letters and digits, split where a script with spaces meets one without."""
    plain = _folded(text)
    spaced = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in plain)
    for run in spaced.split():
        start = 0
        for at in range(1, len(run)):
            if _unspaced(run[at]) != _unspaced(run[start]) and unicodedata.category(run[at])[0] != "M":
                yield run[start:at]
                start = at
        yield run[start:]


def _folded(text: str) -> str:
    """Compatibility forms made one, case folded, combining accents of European letters dropped."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f"))


def _unspaced(char: str) -> bool:
    """Whether a letter is of a script without spaces: Han, kana, Thai, Lao, Khmer, Burmese."""
    code = ord(char)
    return (
        0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF or 0x3040 <= code <= 0x30FF
        or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
    )  # fmt: skip


def _pairs(run: str, *, tail: bool) -> list[str]:
    if len(run) == 1:
        return [run]
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    return [*pairs, run[-1]] if tail else pairs
