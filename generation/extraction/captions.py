"""Short lines out of a sentence: the words on the picture, the headline, the hashtags."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from generation.extraction.ranking import terms_of
from generation.extraction.visuals import concrete_words
from generation.languages import Language, is_spaceless, language_data, words_of

ON_SCREEN = 60
HEADLINE = 90

_QUOTE = re.compile(r"[“\"«„「]([^”\"»“」]{8,58}?)[,.]?[”\"»“」]")
_MONEY_OR_NUMBER = re.compile(r"^[($€£¥₹]*\d[\d.,]*(?:%|[-–]\w+|st|nd|rd|th|m|bn|k)?$")
_SCALE_WORDS = """
percent per cent million billion thousand hundred dozen prozent million millionen milliarden por ciento millones mil
miles millions milliards mille pour percento milioni प्रतिशत लाख करोड़ हजार हज़ार
"""
_SCALES = frozenset(_SCALE_WORDS.split())
_NAME_RUN = re.compile(
    r"(?<![.!?] )(?:[A-ZÀ-Þ][\w’'-]+)(?:\s+(?:(?:of|de|la|del|der|von|and|the)\s+)?[A-ZÀ-Þ][\w’'-]+)+"
)
_ARTICLE_WORDS = "the a an el la los las un una der die das ein eine le les une il lo o os as"
_ARTICLES = frozenset(_ARTICLE_WORDS.split())
_ABOUT = frozenset({"about", "around", "over"})
_PASSIVE = frozenset({"be", "been", "being", "is", "are", "was", "were"})
_THAT = frozenset({"that", "dass", "que"})
_CLAUSE_END = re.compile(r"[,;:–—](?=\s)|[.!?](?=\s|$)|\s(?:and|but|while)\s")
_AND = frozenset({"and", "but", "y", "und", "et", "e"})
_EDGES = " ,;:.!?–—-…\"“”«»„「」()[]'‘’।。"


def on_screen(sentence: str, language: str, taken: Collection[str] = ()) -> str:
    """A line of at most 60 characters for the picture: numbers and names first, and never a cut word."""
    for line in _candidates(sentence, language):
        if 4 <= len(line) <= ON_SCREEN and line.casefold() not in {other.casefold() for other in taken}:
            return line
    return fit(sentence, ON_SCREEN, language)


def short_lines(sentence: str, language: str, longest: int) -> list[str]:
    """What a sentence comes to in a short line: each way of cutting it once, the best first, no cut words."""
    lines = dict.fromkeys(line for line in _candidates(sentence, language) if 4 <= len(line) <= longest)
    return list(lines)


def _candidates(sentence: str, language: str) -> list[str]:
    data = language_data(language)
    whole = sentence.strip(" .。।")
    if is_spaceless(language):
        return [whole, *(part.strip(_EDGES) for part in re.split(r"[，、。！？；：,]", sentence))]
    found = [whole] if len(whole) <= 42 else []
    quote = _QUOTE.search(sentence)
    if quote:
        found.append(f"“{quote[1].strip(_EDGES)}”")
    start = opening(sentence, data, 52)
    phrase = number_phrase(sentence, data)
    if phrase and phrase not in start:
        found += [clause_of(sentence, phrase, data), phrase]
    found += [start, phrase, *_NAME_RUN.findall(sentence)]
    return [_capital(line.strip(_EDGES) if line[:1] != "“" else line) for line in found if line]


def number_phrase(sentence: str, data: Language) -> str:
    """The first number with what it counts: "300 new trees", "$2.4 million", "40 percent of households"."""
    tokens = sentence.split()
    for at, token in enumerate(tokens):
        if not _MONEY_OR_NUMBER.match(token.strip(_EDGES)) or _is_date(tokens, at, data):
            continue
        phrase = [token.lstrip('(“"')]
        for following in tokens[at + 1 : at + 6]:
            if phrase[-1][-1] in ",;:.!?)”":
                break
            bare = following.strip(_EDGES).lower()
            # "40 percent of households": the preposition belongs to the number only straight after a scale word.
            joins = bare in {"of", "de", "der"} and phrase[-1].lower() in _SCALES
            counts_on = bare in {"new", "more"}  # "300 new trees"
            if (bare in data.stopwords or bare in data.prepositions) and not joins and not counts_on:
                break
            if (
                not bare
                or bare[0].isdigit()
                or (len(phrase) > 1 and (bare in data.verbs or (bare.endswith(("ed", "ing")) and data.code == "en")))
            ):
                break
            phrase.append(following)
            if len(phrase) >= 4 and not joins:
                break
        line = _trim_end(" ".join(phrase).strip(_EDGES), data)
        if len(line.split()) >= 2:
            return line
    return ""


def _is_date(tokens: Sequence[str], at: int, data: Language) -> bool:
    """Whether the number is a year or a day of the month."""
    bare = tokens[at].strip(_EDGES)
    around = [tokens[i].strip(_EDGES).lower() for i in (at - 1, at + 1) if 0 <= i < len(tokens)]
    return bool(re.fullmatch(r"(?:1[5-9]|20)\d\d", bare)) or any(word in data.days for word in around)


def opening(sentence: str, data: Language, limit: int) -> str:
    """The beginning of a sentence up to the last place within `limit` where a phrase ends."""
    text = sentence.strip(_EDGES)
    if len(text) <= limit:
        return text
    tokens = text.split()
    counts = tokens[0].lower() in _ABOUT and tokens[1][:1].isdigit()
    if tokens[0].lower() in data.prepositions and not counts and len(tokens) > 8:
        # "In May, the bridge opens ...": the news comes after the comma. Without one there is no good place to cut.
        first, comma, rest = text.partition(", ")
        return opening(_capital(rest), data, limit) if comma and len(first) <= 40 and len(rest) >= 12 else ""
    best, length, clause = "", 0, 0
    for at, token in enumerate(tokens):
        length += len(token) + (1 if at else 0)
        if length > limit:
            break
        bare = token.strip(_EDGES).lower()
        following = tokens[at + 1].strip(_EDGES).lower() if at + 1 < len(tokens) else ""
        clause = at if bare in _THAT else clause
        # A verb without what it is about, or "that the budget" without its verb, says nothing.
        dangling = bare in data.verbs and tokens[at - 1].lower() not in _PASSIVE
        if at < 2 or bare in data.never_last or dangling or (clause and at - clause < 3):
            continue
        if following in _THAT and bare.endswith("ed") and data.code == "en":
            continue
        if token[-1] in ",;:" and length >= 12:
            best = " ".join(tokens[: at + 1])
            break  # what comes after a comma is another clause
        if following in _AND and length >= 20:
            best = " ".join(tokens[: at + 1])
            break
        if following in data.prepositions and length >= 20:
            best = " ".join(tokens[: at + 1])
    return _trim_end(best.strip(_EDGES), data)


def clause_of(sentence: str, phrase: str, data: Language) -> str:
    """The clause that a number stands in, else as far as the number: "A repair could cost 60,000 euros".

    "" where both are too long, or lean on what stands before.
    """
    at = sentence.find(phrase)
    end = at + len(phrase)
    after = _CLAUSE_END.search(sentence, end)
    starts = [
        m.end()
        for m in re.finditer(
            r"[,;:–—]\s+(?:and |but |or |y |und |et |als )?|\s(?:and|but|that|while|dass|que)\s", sentence[:at]
        )
    ]
    start = starts[-1] if starts else 0
    return _alone(sentence[start : after.start() if after else None], data) or _alone(sentence[start:end], data)


def _alone(clause: str, data: Language) -> str:
    """A clause that can stand alone in a short line, else ""."""
    clause = clause.strip(_EDGES)
    words = clause.split()
    good = 3 <= len(words) <= 9 and len(clause) <= 56 and words[0].lower() not in data.prepositions
    leans = bool(words) and (
        (data.code == "en" and words[0].endswith(("ing", "ed")))
        or words[0].lower() in data.pronouns
        or words[0].lower() in data.never_last - _ARTICLES
    )
    return clause if good and not leans else ""


def fit(text: str, limit: int, language: str) -> str:
    """`text` in at most `limit` characters: cut at a clause, else at a word, with an ellipsis where it breaks off."""
    text = text.strip().rstrip(".。।")
    if len(text) <= limit:
        return text
    data = language_data(language)
    if is_spaceless(language):
        clause = re.split(r"[，、；：。]", text[:limit])
        head = "，".join(clause[:-1]) if len(clause) > 1 and len(clause[0]) > 4 else text[: limit - 1]
        return head if len(clause) > 1 and len(clause[0]) > 4 else head + "…"
    clauses = [m.start() for m in re.finditer(r"[,;:–—]\s", text) if limit * 0.45 <= m.start() <= limit]
    if clauses:
        return _trim_end(text[: clauses[-1]].strip(_EDGES), data)
    start = opening(text, data, limit)
    if len(start) >= limit * 0.45:
        return start
    cut = _trim_end(text[: limit - 1].rsplit(" ", 1)[0].rstrip(_EDGES), data)
    return f"{cut or text[: limit - 1].strip()}…"


def _trim_end(line: str, data: Language) -> str:
    words = line.split()
    while len(words) > 1 and words[-1].lower().strip(_EDGES) in data.never_last:
        words.pop()
    return " ".join(words).rstrip(",;:")


def _capital(line: str) -> str:
    return line[:1].upper() + line[1:]


def headline(title: str, best: str, language: str) -> str:
    """The article's own title, else its best sentence, cut well."""
    return _capital(fit(title or best, HEADLINE, language))


def hashtags(sentences: Sequence[str], title: str, language: str, most: int = 4) -> tuple[str, ...]:
    """The article's key phrases as hashtags: names that come back, then its commonest words."""
    text, data = " ".join(sentences), language_data(language)
    runs = [run for run in _NAME_RUN.findall(text) if run.split()[0].lower() not in data.stopwords | data.days]
    # A person is named in full once and by the surname after that.
    names = Counter({run: text.count(run) + text.count(run.split()[-1]) - 1 for run in runs})
    tags = [
        _tag(name) for name, count in names.most_common(2) if count > 2 and len(name.split()) <= 3 and data.code != "de"
    ]
    nouns = set(concrete_words(f"{text}. {title}")) if data.code == "en" else set()
    weights: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    about = set(terms_of(title, language))
    for sentence in sentences:
        terms = {term for term in terms_of(sentence, language) if not term[0].isdigit()}
        for term in terms:
            weights[term] += 3 if term in about else 1
    forms: Counter[str] = Counter(words_of(f"{text} {title}"))
    for word, _count in forms.most_common():
        for term in terms_of(word, language):
            spelled.setdefault(term, word)
    for term, word in spelled.items():
        # A tag names a thing: nouns that can be seen come before verbs.
        if nouns and not {word.lower(), term} & nouns and not word[0].isupper():
            weights[term] -= 3
        if word.lower() in data.days:
            weights[term] = 0
    joined = " ".join(tags).casefold()
    for term, weight in weights.most_common(20):
        word = spelled.get(term, term)
        if (weight > 1 or (weight > 0 and len(sentences) < 4)) and len(word) >= (2 if is_spaceless(language) else 4):
            tag = _tag(word)
            if tag.casefold()[1:] not in joined and tag not in tags:
                tags.append(tag)
    return tuple(tag for tag in tags if len(tag) > 2)[:most]


def _tag(phrase: str) -> str:
    words = [re.sub(r"[^\w\u0900-\u0dff\u200c\u200d]", "", re.sub(r"['’]s$", "", word)) for word in phrase.split()]
    return "#" + "".join(word[:1].upper() + word[1:] for word in words)
