"""Which sentences of an article matter, and which of them to say.

Sentences are ranked by TextRank (Mihalcea and Tarau, 2004, "TextRank: Bringing Order into Texts"), helped by their
position, and chosen by maximal marginal relevance (Carbonell and Goldstein, 1998), so that no two say the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from generation.languages import is_spaceless, language_data, words_of

Floats = npt.NDArray[np.float64]

_NUMBER = re.compile(r"\d[\d.,]*")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
_DAMPING = 0.85
_SAME = 0.75  # similarity from which two sentences say the same
_MAX_SENTENCES = 1200  # a 20,000-word article; more only costs memory (n x n)


def terms_of(sentence: str, language: str) -> list[str]:
    """What a sentence is about: its words without stop words, lightly stemmed, and its numbers.

    Scripts without spaces give pairs of characters, which do nearly as well as words for comparing sentences.
    """
    stop = language_data(language).stopwords
    terms = [_stem(word, language) for word in map(str.lower, words_of(sentence)) if word not in stop]
    if is_spaceless(language):
        terms = [term for term in terms if not _WIDE.search(term)]
        for run in _WIDE.findall(sentence):
            terms += [run[i : i + 2] for i in range(len(run) - 1)]
    return [term for term in terms if len(term) > 1] + _NUMBER.findall(sentence)


def _stem(word: str, language: str) -> str:
    word = word.removesuffix("'s").removesuffix("’s")
    if language.startswith("en"):
        for ending, put in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
            if word.endswith(ending) and len(word) - len(ending) > 3 and not word.endswith("ss"):
                return word[: -len(ending)] + put
        return word
    # Endings carry the grammar in most other languages: the first letters compare well enough.
    return word[:6] if len(word) > 7 else word


def similarities(terms: Sequence[Sequence[str]]) -> Floats:
    """The n x n cosine similarities of sentences, rarer terms counting more; zero diagonal."""
    vocabulary = {term: column for column, term in enumerate(dict.fromkeys(t for row in terms for t in row))}
    matrix = np.zeros((len(terms), max(1, len(vocabulary))))
    for row, sentence in enumerate(terms):
        for term, count in Counter(sentence).items():
            matrix[row, vocabulary[term]] = 1.0 + np.log(count)
    seen_in = np.maximum(1.0, (matrix > 0).sum(axis=0))
    matrix *= np.log(1.0 + len(terms) / seen_in)
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(length > 0, length, 1.0)
    alike: Floats = matrix @ matrix.T
    np.fill_diagonal(alike, 0.0)
    return alike


def textrank(alike: Floats, rounds: int = 60) -> Floats:
    """The stationary weights of a random walk over similar sentences, scaled so that the largest is 1."""
    count = len(alike)
    totals = alike.sum(axis=0)
    walk = np.where(totals > 0, alike / np.where(totals > 0, totals, 1.0), 1.0 / count)
    rank = np.full(count, 1.0 / count)
    for _ in range(rounds):
        moved = (1 - _DAMPING) / count + _DAMPING * (walk @ rank)
        if np.abs(moved - rank).sum() < 1e-8:
            break
        rank = moved
    scaled: Floats = rank / rank.max()
    return scaled


def scores(sentences: Sequence[str], *, title: str, language: str, features: Floats) -> tuple[Floats, Floats]:
    """The score of each sentence (about 0 to 2) and the similarities between them.

    `features` is added as it is: what the caller knows of each sentence (a quote, a dangling start, its length).
    """
    terms = [terms_of(sentence, language) for sentence in sentences[:_MAX_SENTENCES]]
    alike = similarities(terms)
    about = set(terms_of(title, language))
    shared = np.array([len(about & set(row)) / max(1, len(about)) for row in terms])
    place = np.exp(-np.arange(len(terms)) / max(3.0, len(terms) / 4))
    found = textrank(alike) * 0.8 + place * 0.5 + shared * 0.5 + features[: len(terms)]
    return found, alike


def choose(
    points: Floats,
    alike: Floats,
    costs: Floats,
    *,
    budget: float,
    most: int,
    chosen: Sequence[int] = (),
    trade: float = 0.7,
) -> list[int]:
    """Pick up to `most` sentences within `budget` (seconds) by maximal marginal relevance, starting from `chosen`."""
    taken = list(chosen)
    spent = float(sum(costs[i] for i in taken))
    nearest = alike[:, taken].max(axis=1) if taken else np.zeros(len(points))
    closed = points <= -1
    closed[taken] = True
    while not closed.all() and len(taken) < most:
        gains = np.where(closed, -np.inf, trade * points - (1 - trade) * 2.0 * nearest)
        best = int(gains.argmax())
        closed[best] = True
        if nearest[best] > _SAME or (taken and spent + costs[best] > budget):
            continue
        taken.append(best)
        spent += float(costs[best])
        nearest = np.maximum(nearest, alike[:, best])
    return sorted(taken)
