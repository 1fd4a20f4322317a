"""Words to things: tokens, singular forms and phrase look-up, small enough to need no library."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORD = re.compile(r"[a-z]+|\d[\d,]*(?:\.\d+)?")
IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "oxen": "ox",
    "leaves": "leaf",
    "wolves": "wolf",
    "knives": "knife",
    "loaves": "loaf",
    "shelves": "shelf",
    "calves": "calf",
    "wives": "wife",
    "lives": "life",
    "thieves": "thief",
    "policemen": "policeman",
    "policewomen": "policewoman",
    "firemen": "fireman",
    "fishermen": "fisherman",
    "businessmen": "businessman",
    "businesswomen": "businesswoman",
    "sportsmen": "sportsman",
    "potatoes": "potato",
    "tomatoes": "tomato",
    "mosquitoes": "mosquito",
    "volcanoes": "volcano",
    "bookshelves": "bookshelf",
    "buses": "bus",
    "lenses": "lens",
    "viruses": "virus",
}
SINGULAR_ENDINGS = ("ss", "us", "is", "ous", "news")


def tokens(text: str) -> list[str]:
    """Lower-case words and numbers; hyphens divide, possessives fall away: "farmers'" is farmers, "dog's" is dog."""
    plain = text.lower().replace("\u2019", "'").replace("\u2018", "'")
    plain = re.sub(r"'s\b", "", plain).replace("n't", " not").replace("'", " ")
    return [word.replace(",", "").rstrip(".") for word in WORD.findall(plain)]


def singulars(word: str) -> tuple[str, ...]:
    """What `word` may be the plural of, likeliest first; empty where it looks singular."""
    if word in IRREGULAR:
        return (IRREGULAR[word],)
    for ending, single in (("men", "man"), ("women", "woman")):
        if word.endswith(ending) and len(word) > 5:
            return (word.removesuffix(ending) + single,)
    if len(word) < 3 or not word.endswith("s") or word.endswith(SINGULAR_ENDINGS):
        return ()
    if word.endswith("ies") and len(word) > 4:
        return (word[:-3] + "y", word[:-1])
    if word.endswith("ves"):
        return (word[:-3] + "f", word[:-3] + "fe", word[:-1])
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        return (word[:-2], word[:-1])
    return (word[:-1],)


@dataclass(frozen=True)
class Match:
    """A thing that was named: tokens `start` to `end` (exclusive)."""

    name: str
    start: int
    end: int
    plural: bool

    @property
    def length(self) -> int:
        return self.end - self.start


class Index:
    """Phrases to names. The first to claim a phrase keeps it; longest phrases win."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._names: dict[tuple[str, ...], list[str]] = {}
        for phrase, name in pairs:
            names = self._names.setdefault(tuple(tokens(phrase)), [])
            if name not in names:
                names.append(name)
        self._longest: dict[str, int] = {}
        """For each first word of phrases, the length of the longest."""
        for key in self._names:
            if len(key) > 1:
                self._longest[key[0]] = max(len(key), self._longest.get(key[0], 0))

    def at(self, words: Sequence[str], start: int) -> Match | None:
        """The longest phrase that begins at `start`, its last word in singular or plural."""
        found = self.all_at(words, start)
        return found[0] if found else None

    def all_at(self, words: Sequence[str], start: int) -> list[Match]:
        """As `at`, with every name that claims that phrase (related words belong to several)."""
        longest = self._longest.get(words[start], 1) if start < len(words) else 0
        for end in range(min(len(words), start + longest), start, -1):
            phrase = tuple(words[start:end])
            for form, plural in self._forms(phrase):
                if form in self._names:
                    return [Match(name, start, end, plural) for name in self._names[form]]
        return []

    @staticmethod
    def _forms(phrase: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], bool]]:
        yield phrase, False
        for single in singulars(phrase[-1]):
            yield (*phrase[:-1], single), True


def stems(word: str) -> tuple[str, ...]:
    """What a verb form may come from: "voted" from vote, "shipping" from ship."""
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            bare = word.removesuffix(ending)
            doubled = (bare[:-1],) if len(bare) > 3 and bare[-1] == bare[-2] else ()
            return (bare, bare + "e", *doubled)
    return ()


NUMBERS = ("no", "one", "two", "three", "four", "five")
PLURALS = {single: many for many, single in IRREGULAR.items()}
UNCHANGED = frozenset(
    {"sheep", "fish", "deer", "jellyfish", "wheat", "bread", "coins", "scales", "scissors", "crutches"}
    | {"binoculars", "headphones", "fireworks"}
)


def plural(label: str) -> str:
    """The plural of a plain name: "fire engine" to "fire engines", "pair of skis" to "pairs of skis"."""
    head, of, rest = label.partition(" of ")
    if of:
        return plural(head) + of + rest
    *front, last = label.split(" ")
    if last in PLURALS:
        many = PLURALS[last]
    elif last.endswith("man") and len(last) > 4:
        many = last[:-3] + "men"
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        many = last + "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return " ".join((*front, many)) if last not in UNCHANGED else label


def article(words: str) -> str:
    """ "a" or "an", as the next word sounds."""
    return "an" if words[:1] in "aeiou" and not words.startswith(("uni", "one", "euro", "use")) else "a"


def listed(parts: Sequence[str]) -> str:
    """ "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
