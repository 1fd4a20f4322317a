"""Sentences of fifty words, for speech that a small recogniser is taught and judged on."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

_WORDS = {
    "article": "the a my every",
    "quality": "red blue old small happy quiet",
    "noun": "car dog house river child woman doctor teacher bird garden city train",
    "verb": "sees finds follows likes opens paints watches leaves",
    "alone": "sleeps waits",
    "place": "near under behind with before",
    "when": "today often slowly again never",
    "joins": "and but",
    "person": "she he nobody",
    "is": "is",
    "degree": "very not",
}
_KINDS = {kind: words.split() for kind, words in _WORDS.items()}
WORDS: tuple[str, ...] = tuple(word for words in _KINDS.values() for word in words)
"""The fifty words. Each is one token of Whisper's, with the space before it."""


def write(rng: random.Random) -> str:
    """A sentence of 3 to 15 words without punctuation: "the old dog follows my child near the river"."""
    text = _clause(rng)
    if len(text) < 7 and rng.random() < 0.2:
        text += [rng.choice(_KINDS["joins"]), *_clause(rng)]
    return " ".join(text[:15])


def written(count: int, rng: random.Random) -> list[str]:
    """`count` sentences, some of them alike."""
    return [write(rng) for _number in range(count)]


def unseen(count: int, seed: int, seen: Collection[str]) -> list[str]:
    """`count` different sentences, none of them in `seen`."""
    rng, found = random.Random(seed), dict[str, None]()
    while len(found) < count:
        sentence = write(rng)
        if sentence not in seen:
            found[sentence] = None
    return list(found)


def _clause(rng: random.Random) -> list[str]:
    def one(kind: str, share: float = 1.0) -> list[str]:
        return [rng.choice(_KINDS[kind])] if rng.random() < share else []

    def thing() -> list[str]:
        return [*one("article"), *one("quality", 0.5), *one("noun")]

    subject: Sequence[str] = one("person") if rng.random() < 0.25 else thing()
    shape = rng.random()
    if shape < 0.2:
        rest = [*one("is"), *one("degree", 0.6), *one("quality"), *one("when", 0.3)]
    elif shape < 0.4:
        rest = [*one("alone"), *(one("place") + thing() if rng.random() < 0.7 else []), *one("when", 0.4)]
    else:
        rest = [*one("verb"), *thing(), *(one("place") + thing() if rng.random() < 0.4 else []), *one("when", 0.3)]
    return [*subject, *rest]
