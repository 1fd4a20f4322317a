"""Making a written sentence fit to be said: dropping what the ear doesn't need, and never adding a claim."""

from __future__ import annotations

import re
from functools import lru_cache

from generation.languages import Language, is_spaceless, language_data
from generation.sentences import split_paragraph

_BRACKETS = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）)")
_DATELINE = re.compile(r"^[A-ZÀ-Þ][A-ZÀ-Þ .'’-]{2,}(?:,[^—–-]{2,40})?(?:\s*\([^)]{2,40}\))?\s+[—–-]{1,2}\s+(?=\S)")
_ASIDE = re.compile(r"\s+[—–]\s+[^—–.!?]{3,90}\s+[—–]\s+")
_WHICH = re.compile(
    r",\s+(?:which|whose|where|who|including|some of which|many of them|darunter|quien|dont)\s[^,;:“”\"]{8,120}"
    r"(?P<end>,\s|(?=[.!?]$))"
)
_QUOTED = re.compile(r"[“”\"«»„「」]")


def spoken_seconds(text: str, language: str, rate: float = 1.0) -> float:
    """How long a text takes to say: 150 English words a minute, other scripts by their characters."""
    if is_spaceless(language):
        return len(re.sub(r"\s", "", text)) / 5.0 / rate
    if language.startswith("en"):
        return len(text.split()) / 2.5 / rate
    if language.split("-")[0] == "ko":
        return len(text) / 6.5 / rate
    return len(text) / 14.7 / rate


def shorten(sentence: str, language: str, *, tight: bool = False) -> str:
    """The sentence as a narrator would say it: no brackets, datelines, "However," or ", he said on Tuesday".

    `tight` also drops relative clauses and asides, for sentences that are too long for a scene.
    """
    data = language_data(language)
    text = _BRACKETS.sub("", _DATELINE.sub("", sentence)).strip()
    text = _without_connective(text, data)
    if not _QUOTED.search(text):
        text = _without_attribution(text, data)
    if tight:
        text = _without_clauses(text, language)
    text = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(text.split()))
    text = text.lstrip(",;:–— ")
    return text[:1].upper() + text[1:] if len(text.split()) > 2 or is_spaceless(language) else sentence


def compress(text: str, language: str) -> str:
    """A narration with less in it, or "" where nothing can go by rule.

    In each sentence brackets, asides, relative clauses and "he said" go, as in `shorten`. Where that changes nothing,
    the last of several sentences goes: a story's line begins with what matters most (the inverted pyramid of news
    writing). Nothing else is cut: the end of a sentence often holds its "but only if".
    """
    said = split_paragraph(" ".join(text.split()), language)
    short = [shorten(sentence, language, tight=True) for sentence in said]
    if short == said:
        kept = said[:-1]
        # A figure is news: the sentence that holds the only one stays.
        if kept and re.search(r"\d", said[-1]) and not re.search(r"\d", " ".join(kept)):
            kept = [sentence for sentence in said[1:] if not dangles(sentence, language)]
        short = kept
    joined = ("" if is_spaceless(language) else " ").join(short)
    return joined if len(joined) < len(" ".join(text.split())) else ""


def _without_connective(text: str, data: Language) -> str:
    for opening in data.connectives:
        bare = opening.rstrip(",")
        if not text.lower().startswith(bare):
            continue
        rest = text[len(bare) :]
        # A connective of one short word ("But") needs no comma; a longer one without it may carry the sentence.
        if rest.startswith((", ", "，", "، ")):
            return rest.lstrip(",，، ")
        if rest.startswith(" ") and len(bare) <= 3 and bare in {"but", "and", "so", "yet", "y", "et", "und", "e", "ma"}:
            return rest.lstrip()
    return text


@lru_cache(maxsize=64)
def _attribution_patterns(code: str) -> tuple[re.Pattern[str], ...]:
    data = language_data(code)
    if not (data.attribution and data.subjects):
        return ()
    says, who = "|".join(sorted(data.attribution)), "|".join(sorted(data.subjects))
    days = "|".join(sorted(data.days)) or "today"
    when = rf"(?:\s+(?:on|am|el|le|this|late|early)?\s*(?:{days})(?:\s+(?:morning|afternoon|evening|night))?)?"
    where = r"(?:\s+in (?:a|an|the) (?:statement|interview|email|post|news release|press release))?"
    said = rf"(?:(?:{who})\s+(?:(?:has|have|also)\s+)?(?:{says})|(?:{says})\s+(?:{who}))"
    return (
        re.compile(rf",\s+{said}{when}{where}{when}(?=[.!?]$)", re.I),
        re.compile(rf",\s+{said}{when}{where}{when},(?=\s)", re.I),
    )


def _without_attribution(text: str, data: Language) -> str:
    """Drop who says it where that is only a pronoun: "he said" means nothing without the sentence before."""
    tail, middle = (*_attribution_patterns(data.code), None, None)[:2]
    if tail is not None:
        text = tail.sub("", text)
    if middle is not None:
        text = middle.sub(",", text)
    return text


def _without_clauses(text: str, language: str) -> str:
    shorter = _ASIDE.sub(" ", text)
    if "; " in shorter:
        first = shorter.split("; ")[0].rstrip(",")
        if len(first.split()) >= 8:
            shorter = first + "."
    for match in reversed(list(_WHICH.finditer(shorter))):
        candidate = shorter[: match.start()] + (" " if match["end"] else "") + shorter[match.end() :]
        # What comes after a closing comma may belong to a list; only cut where the rest still stands alone.
        if len(candidate.split()) >= 8 and not re.search(
            r",\s+(?:and|or|y|und|et)\s", match.group() + shorter[match.end() : match.end() + 6]
        ):
            shorter = candidate
    return shorter if spoken_seconds(shorter, language) >= 2.5 else text


def dangles(sentence: str, language: str) -> bool:
    """Whether it opens with a word that points back ("She", "These"), so that it can't stand alone."""
    data = language_data(language)
    if is_spaceless(language):
        return any(sentence.startswith(word) for word in data.pronouns)
    spelled = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", sentence)[:3]
    words = [word.lower().replace("’", "'") for word in spelled]
    if not words:
        return False
    if words[0] in data.pronouns:
        return words[:2] != ["es", "gibt"] and not (words[0] in {"there", "what"} and sentence.endswith("?"))
    # "Now they do", "To prevent this", "By then": a pronoun early on, and nobody named before it.
    opens = words[0] in data.stopwords or words[0].endswith("ing")
    for word, spelling in zip(words[1:], spelled[1:], strict=True) if opens else ():
        if word in data.subjects or word in {"this", "then", "these", "those"} & data.pronouns:
            return True
        if spelling[0].isupper() and data.code != "de":
            break
    # "The mayor rejected that, ...": what was rejected stands in the sentence before.
    return data.code == "en" and bool(re.match(r"(?:[\w'’-]+ ){2,6}(?:that|this|so|them)[,.]", sentence))
