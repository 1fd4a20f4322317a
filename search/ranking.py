"""Ranking: pure functions on plain values. What a score is made of is data, so that a page can show it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
Key = TypeVar("Key", bound=Hashable)

WEIGHTS: Mapping[str, float] = {"picture": 1.0, "likeness": 1.0, "words": 1.0}
"""How much each signal counts: what a picture shows of the words, how like it is to another, what is written of it."""
RRF_K = 60.0
"""From the paper of reciprocal rank fusion; what it does is to keep the first few ranks from deciding alone."""
TRADE_OFF = 0.8
"""Of MMR: 1 is relevance alone, 0 difference alone."""
LIKELY, SURE = 2.25, 2.75
"""How far over what the library usually has to ordinary words a picture's cosine must be: to be worth showing, and to
be taken without somebody looking. In usual deviations.

Measured with the starter CLIP on 1,024 drawings that it wasn't trained on and 600 questions of one to three things
(more than half of them with no more than two pictures that fit), over all pairs: LIKELY keeps 97 % of what fits, and
81 % of what it keeps fits; SURE 93 % and 93 %. Over a question's own cosines to the library instead, 3.5 deviations
kept 34 % and 74 %, and left 21 % of the questions without a result: where much fits, much looks usual.
"""
LIKE = 3.5
"""The same for being like another picture, over what the library usually has to that one."""
A_LITTLE = 1.0
"""Enough for a picture whose text holds WORDS_SOME of the words."""
WORDS_ENOUGH = 0.5
"""Share of a query's words from which a text counts as being about it."""
WORDS_SOME = 0.33
"""Share from which a text is a hint, and then A_LITTLE is enough for the picture."""
UNWANTED_FROM, UNWANTED_FULL = 1.0, 3.5
"""How far over the usual a picture's cosine to an unwanted word begins to count against it, and counts fully."""
ORDINARY = tuple(
    "ball bird boat book bridge car cat child city computer dog flower food garden horse house kitchen moon mountain "  # noqa: SIM905
    "night person phone rain river road school sea snow street sun table tree".split()
)
"""Words that any library may be asked for; its pictures' cosines to them tell what is usual."""


@dataclass(frozen=True)
class Usual:
    """What cosines a library's pictures usually have.

    Median and median deviation (times 1.4826, which makes it a standard deviation where values are normal): the
    pictures that do fit, up to half of the library, don't raise the bar for themselves as with mean and deviation.
    """

    middle: float
    spread: float

    @classmethod
    def of(cls, cosines: NDArray[np.floating]) -> Usual | None:
        """From the cosines of a sample of pairs, in any shape; None where fewer than 8 tell nothing."""
        if cosines.size < 8:
            return None
        middle = float(np.median(cosines))
        return cls(middle, max(1.4826 * float(np.median(np.abs(cosines - middle))), 1e-6))

    def at(self, deviations: float) -> float:
        """The cosine that is so far over the usual."""
        return self.middle + deviations * self.spread

    def over(self, cosine: float) -> float:
        """How far a cosine is over the usual, in deviations."""
        return (cosine - self.middle) / self.spread


class Signal(NamedTuple):
    """One reason for a score. Some hundred are made for every search, which a tuple makes cheap."""

    name: str
    value: float
    """In the signal's own unit: a cosine, a text rank."""
    weight: float
    contribution: float
    """What it adds to the score."""
    note: str = ""
    """The words that it is about, where they aren't the whole query."""


class Fused(NamedTuple, Generic[Key]):
    """A thing, its score, and the reasons, which sum to it."""

    key: Key
    score: float
    explain: tuple[Signal, ...]


def rrf(
    lists: Mapping[str, Sequence[tuple[Key, float]]],
    *,
    weights: Mapping[str, float] = WEIGHTS,
    k: float = RRF_K,
    group: Mapping[Key, Hashable] | None = None,
) -> list[Fused[Key]]:
    """Fuse ranked lists: each adds weight / (k + rank).

    Reciprocal rank fusion: Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual
    rank learning methods", SIGIR 2009. Two changes: equal values share a rank, so that the order of equals decides
    nothing; and with `group` a rank counts groups, so that many moments of one video don't push other assets down.

    lists: signal -> (key, value), best first. Returns all keys, best first, equals by key.
    """
    reasons: dict[Key, list[Signal]] = {}
    for name, ranked in lists.items():
        weight = weights.get(name, 1.0)
        for (key, value), rank in zip(ranked, _ranks(ranked, group), strict=True):
            reasons.setdefault(key, []).append(Signal(name, value, weight, weight / (k + rank)))
    fused = [Fused(key, sum(signal.contribution for signal in found), tuple(found)) for key, found in reasons.items()]
    return sorted(fused, key=lambda item: (-item.score, item.key))


def _ranks(ranked: Sequence[tuple[Key, float]], group: Mapping[Key, Hashable] | None) -> list[float]:
    """1, 2, 3 ... by group; within a group, each better moment of its own costs less than a rank."""
    ranks: list[float] = []
    better: dict[Hashable, int] = {}
    equal: list[Hashable] = []
    for position, (key, value) in enumerate(ranked):
        if position and value != ranked[position - 1][1]:
            for one in equal:
                better[one] = better.get(one, 0) + 1
            equal.clear()
        own = group[key] if group is not None else key
        equal.append(own)
        ahead = better.get(own, 0)
        ranks.append(1 + len(better) - (ahead > 0) + ahead / (1 + ahead))
    return ranks


def mmr(vectors: Vectors, scores: Sequence[float], limit: int, trade_off: float = TRADE_OFF) -> list[int]:
    """Choose things that score high and differ from those already chosen.

    Maximal marginal relevance: Carbonell and Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998.

    vectors: (n, d) unit rows; a row of zeros is like nothing. scores: (n,), taken as shares of the highest.
    Returns up to `limit` rows in order of choice; equals by row.
    """
    count = len(scores)
    if not count or limit < 1:
        return []
    relevance = np.asarray(scores, np.float64)
    relevance = relevance / max(float(relevance.max()), 1e-12)
    likeness = np.zeros(count)
    alike = np.asarray(vectors, np.float64) @ np.asarray(vectors, np.float64).T
    left = np.ones(count, bool)
    chosen: list[int] = []
    while len(chosen) < min(limit, count):
        gain = np.where(left, trade_off * relevance - (1 - trade_off) * likeness, -np.inf)
        row = int(np.argmax(np.round(gain, 9)))
        chosen.append(row)
        left[row] = False
        likeness = np.maximum(likeness, alike[row])
    return chosen


def against(fused: Fused[Key], unwanted: float, over: float, note: str = "") -> Fused[Key]:
    """The same with what speaks against it: the more a picture shows of an unwanted word, the less its showing counts.

    unwanted: its cosine to the word; over: how far that is over the usual. What pictures add to the score is taken back
    in the share (over - UNWANTED_FROM) / (UNWANTED_FULL - UNWANTED_FROM), within 0 and 1.

    Measured with the starter CLIP over 600 pairs of things in 1,024 drawings ("sailboat -dusk"): of the first ten, 19 %
    showed the unwanted thing where it was ignored, 1 % with half of its vector subtracted, 0.7 % so; 70 %, 76 % and
    77 % showed the wanted thing without it.
    """
    share = min(max((over - UNWANTED_FROM) / (UNWANTED_FULL - UNWANTED_FROM), 0.0), 1.0)
    seen = sum(signal.contribution for signal in fused.explain if signal.name in ("picture", "likeness"))
    if not share or not seen:
        return fused
    signal = Signal("unwanted", unwanted, share, -share * seen, note)
    return Fused(fused.key, fused.score + signal.contribution, (*fused.explain, signal))


def weighed(
    key: Key, values: Mapping[str, float], weights: Mapping[str, float], notes: Mapping[str, str] = MappingProxyType({})
) -> Fused[Key]:
    """A thing and its score: the sum of weight x value over the terms that its surface weighs.

    values: term -> value, 0 to 1; a term that lacks isn't counted, and its absence stands in no reason. notes: term ->
    what its reason should say.
    """
    reasons = tuple(
        Signal(term, values[term], weight, weight * values[term], notes.get(term, ""))
        for term, weight in weights.items()
        if weight and term in values
    )
    return Fused(key, sum(reason.contribution for reason in reasons), reasons)


def added(fused: Fused[Key], values: Mapping[str, float], weights: Mapping[str, float], k: float = RRF_K) -> Fused[Key]:
    """What was fused by rank, with further terms: a weight of 1 is worth the first place of one list, 1 / (k + 1).

    The weight of "relevance" is that of all that it stands on already.
    """
    relevance = weights.get("relevance", 1.0)
    reasons = [
        Signal(each.name, each.value, each.weight * relevance, each.contribution * relevance, each.note)
        for each in fused.explain
    ] if relevance != 1.0 else list(fused.explain)  # fmt: skip
    for term, value in values.items():
        weight = weights.get(term, 0.0)
        if weight:
            reasons.append(Signal(term, value, weight, weight * value / (k + 1)))
    return Fused(fused.key, sum(reason.contribution for reason in reasons), tuple(reasons))


def sums(
    scores: Sequence[float],
    terms: Mapping[str, NDArray[np.float64]],
    weights: Mapping[str, float],
    k: float = RRF_K,
) -> NDArray[np.float64]:
    """(n,) the scores that `added` gives, without their reasons: to put many in order and explain the few that are
    shown.

    scores: (n,), of what was fused by rank. terms: term -> (n,) values, NaN where a thing lacks it.
    """
    total: NDArray[np.float64] = np.asarray(scores, np.float64) * weights.get("relevance", 1.0)
    for term, values in terms.items():
        total += np.nan_to_num(weights.get(term, 0.0) * values / (k + 1))
    return total


def look_alikes(vectors: Vectors, hashes: Sequence[str], *, cosine: float, bits: int) -> NDArray[np.bool_]:
    """Which of n pictures are nearly the same: (n, n), symmetric.

    vectors: (n, d) unit rows, zeros for a picture that no model has seen. hashes: PDQ in hexadecimal, or "". The same
    are those with at least this cosine, or whose hashes differ in at most so many bits.
    """
    alike: NDArray[np.bool_] = np.asarray(vectors @ vectors.T >= cosine)
    known = [at for at, one in enumerate(hashes) if len(one) == 64]
    words = np.frombuffer(b"".join(bytes.fromhex(hashes[at]) for at in known), "<u8").reshape(-1, 4)
    differing = np.bitwise_count(words[:, None, :] ^ words[None, :, :]).sum(axis=2)
    alike[np.ix_(known, known)] |= differing <= bits
    return alike


@dataclass(frozen=True)
class Candidate:
    """A visual that a scene could have. `key` is what may not appear twice: an asset, a shot, a set of look-alikes."""

    key: Hashable
    score: float


@dataclass(frozen=True)
class Chosen:
    """What a scene gets, and why it isn't its first choice where it isn't."""

    candidate: int | None
    """Position among the scene's candidates; None where nothing is left for it."""
    score: float = 0.0
    rank: int = 0
    """1 is the scene's own best."""
    reason: str = ""


def choose_visuals(scenes: Sequence[Sequence[Candidate]], *, taken: Sequence[Hashable] = ()) -> list[Chosen]:
    """Give each scene a visual so that none appears twice and the sum of the scores is the highest there is.

    The assignment problem, solved by shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987, as in
    Crouse, IEEE Trans. AES 52, 2016), which is exact. A scene without candidates, or whose every candidate serves
    other scenes better, gets none. `taken`: keys in use already. Equal sums: the earlier scene gets its better choice.
    """
    used = set(taken)
    best: list[dict[Hashable, int]] = []
    for candidates in scenes:
        own: dict[Hashable, int] = {}
        for position, candidate in enumerate(candidates):
            if candidate.key not in used and candidate.score > 0:
                known = own.get(candidate.key)
                if known is None or candidates[known].score < candidate.score:
                    own[candidate.key] = position
        best.append(own)
    keys = list(dict.fromkeys(key for own in best for key in own))
    column = {key: at for at, key in enumerate(keys)}
    # One column of nothing for each scene, so that every scene can be assigned.
    gain = np.zeros((len(scenes), len(keys) + len(scenes)))
    gain[:, : len(keys)] = -1.0  # what a scene can't have is worse than nothing
    for row, own in enumerate(best):
        for key, position in own.items():
            gain[row, column[key]] = scenes[row][position].score * (1 - 1e-9 * row)
    assigned = assign(-gain)
    owner = {keys[at]: row for row, at in enumerate(assigned) if at < len(keys)}
    return [
        _explained(row, scenes[row], best[row], keys[at] if at < len(keys) else None, owner)
        for row, at in enumerate(assigned)
    ]


def _explained(
    row: int,
    candidates: Sequence[Candidate],
    own: Mapping[Hashable, int],
    key: Hashable,
    owner: Mapping[Hashable, int],
) -> Chosen:
    order = sorted(own.values(), key=lambda position: (-candidates[position].score, position))
    if not order:
        return Chosen(None, reason="Nothing was found for this scene that the story doesn't show already.")
    first = owner.get(candidates[order[0]].key)
    served = f"Its first choice serves scene {first + 1} better." if first is not None and first != row else ""
    if key is None:
        return Chosen(None, reason=served or "All that was found for it serves other scenes better.")
    position = own[key]
    return Chosen(position, candidates[position].score, 1 + order.index(position), served)


def assign(cost: NDArray[np.float64]) -> list[int]:
    """The cheapest column for each row, no column twice. cost: (rows, columns), at least as many columns as rows."""
    rows, columns = cost.shape
    if columns < rows:
        raise ValueError(f"{rows} rows can't have {columns} columns without sharing.")
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for start in range(rows):
        shortest = np.full(columns, np.inf)
        before = np.full(columns, -1)  # the row from which a column is reached cheapest
        done = np.zeros(columns, bool)
        row, distance, end = start, 0.0, -1
        reached = [start]
        while end < 0:
            reduced = distance + cost[row] - row_price[row] - column_price
            better = ~done & (reduced < shortest)
            shortest[better], before[better] = reduced[better], row
            nearest = int(np.argmin(np.where(done, np.inf, shortest)))
            distance = float(shortest[nearest])
            done[nearest] = True
            if row_of[nearest] < 0:
                end = nearest
            else:
                row = int(row_of[nearest])
                reached.append(row)
        row_price[start] += distance
        column_of = {int(row_of[at]): int(at) for at in np.flatnonzero(done) if row_of[at] >= 0}
        for other in reached[1:]:
            row_price[other] += distance - shortest[column_of[other]]
        column_price[done] -= distance - shortest[done]
        while end >= 0:  # turn the path over
            row = int(before[end])
            row_of[end] = row
            end = column_of.get(row, -1) if row != start else -1
    result = [-1] * rows
    for at in np.flatnonzero(row_of >= 0):
        result[int(row_of[at])] = int(at)
    return result
