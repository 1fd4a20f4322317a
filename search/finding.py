"""Finding moments: by words, by what pictures show, by likeness, within filters; fused, diversified, explained."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_processing.engine import engines
from search import spaces
from search.counting import Counted, count
from search.engines.base import Embedder, Hit, Index, IndexDamaged, Vectors
from search.fulltext import WordRank
from search.models import Embedding, Moment, MomentQuerySet
from search.query import DEEPEST, MOST, Query, QueryError, allowed, checked, narrowed
from search.ranking import Fused, Signal, is_about, mmr, rrf
from search.spaces import Space
from search.words import LONGEST, matched_share, wanted, without_marks, words_of

BACKGROUND = 256
"""Pictures of the library from which the usual cosine to a query is told."""
LATIN = frozenset("cs da de en es fi fr hu id it nl no pl pt ro sv sw tr vi".split())  # noqa: SIM905


@dataclass(frozen=True)
class Found:
    """One result: a moment, or the best moment of its asset."""

    moment_id: int
    asset_id: uuid.UUID
    score: float
    start: float
    """Second of the asset at which it begins."""
    at: float | None = None
    """Second at which the first of the words is said, where they were found in what is said."""
    why: str = ""
    """Where the words stand: "said at 0:42", "in the title", "written in the picture"; empty where they don't."""
    snippet: tuple[tuple[str, bool], ...] = ()
    """What stands there, in pieces: (text, whether it is one of the words). Plain text, never markup."""
    folded: tuple[uuid.UUID, ...] = ()
    """Assets that look the same and aren't shown, the best first."""
    explain: tuple[Signal, ...] = ()
    """What the score is made of; the contributions sum to it."""
    by_words_only: bool = False
    """The search model hasn't seen its picture (another domain, or a sound): the tile says so."""
    relevant: bool = True
    """It shows what was asked, well over what the library usually does, or at least half of the words are in its."""


@dataclass(frozen=True)
class Results:
    """The answer to a query, best first (with `diversify`, in the order in which different things were chosen)."""

    found: tuple[Found, ...]
    notes: tuple[str, ...] = ()
    """What a person should know of how it was found: "Found by words only: ..."."""
    model: str = ""
    """The embedder that looked at pictures; empty where none did."""
    more: int | None = None
    """Offset at which the results go on; None where these were the last."""
    cut: bool = False
    """Whether `relevant_only` left something out."""

    def __iter__(self) -> Iterator[Found]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


@dataclass(frozen=True)
class Row:
    """What a result needs of its moment."""

    asset_id: uuid.UUID
    start: float


def find(query: Query, *, embedder: Embedder | None = None, index: Index | None = None) -> Results:
    """Answer a query. Raises QueryError where it makes no sense, EngineError where a picture can't be looked at.

    Words count twice: by what pictures show (the embedder) and by what is written of them. Where the embedder doesn't
    know the words or their language, or can't work here, words are searched alone and a note says why.
    """
    query = checked(query)
    moments = allowed(query)
    search = _Search(query, moments, embedder or engines["embedder"], index or engines["index"])
    lists = search.lists()
    if not lists:
        meant = not query.words or wanted(query.words).none_of  # signs alone ("?!") ask for nothing
        return Results(_newest(query, moments) if meant else (), tuple(search.notes))
    ids = {number for ranked in lists.values() for number, _ in ranked}
    rows = {
        number: Row(asset_id, start)
        for number, asset_id, start in moments.filter(pk__in=ids).values_list("id", "asset_id", "start")
    }
    lists = {name: [pair for pair in ranked if pair[0] in rows] for name, ranked in lists.items()}
    fused = rrf(lists, group={number: row.asset_id for number, row in rows.items()})
    if not query.every_moment:
        fused = _one_each(fused, rows)
    found = search.described(fused[: 4 * query.limit], rows)
    if query.relevant_only:
        found = [one for one in found if one.relevant]
    if query.diversify:
        found = search.diversified(found)
    return Results(tuple(found[: query.limit]), tuple(search.notes), search.model)


def facets(query: Query) -> Counted:
    """How many assets a query finds, by every value of every filter."""
    return count(checked(query))


def _newest(query: Query, moments: MomentQuerySet) -> tuple[Found, ...]:
    """What filters alone find: the newest first."""
    rows = moments.order_by("-asset__created", "asset_id", "start").values_list("id", "asset_id", "start")
    found: dict[object, Found] = {}
    for number, asset_id, start in rows[: DEEPEST if not query.every_moment else query.limit].iterator():
        found.setdefault(number if query.every_moment else asset_id, Found(number, asset_id, 0.0, start))
        if len(found) == query.limit:
            break
    return tuple(found.values())


def _one_each(fused: Sequence[Fused[int]], rows: dict[int, Row]) -> list[Fused[int]]:
    seen: set[uuid.UUID] = set()
    best = []
    for one in fused:
        if rows[one.key].asset_id not in seen:
            seen.add(rows[one.key].asset_id)
            best.append(one)
    return best


class _Search:
    """One query on its way: the signals that can answer it, and what they found."""

    def __init__(self, query: Query, moments: MomentQuerySet, embedder: Embedder, index: Index) -> None:
        self.query = query
        self.moments = moments
        self.embedder = embedder
        self.index = index
        self.notes: list[str] = []
        self.model = ""
        self.depth = max(MOST, 4 * query.limit)
        self._vectors: dict[str, Vectors] = {}
        self._allowed_ids: NDArray[np.int64] | None = None

    def lists(self) -> dict[str, list[tuple[int, float]]]:
        """Signal -> (moment, value), best first. Empty where the query has filters only."""
        query, lists = self.query, {}
        likeness = self._likeness()
        spoken = self._seen_in_words() if query.words else None
        if spoken is not None:
            lists["picture"] = self._nearest("picture", spoken)
        if likeness is not None:
            # "Like this, but ...": what is between the picture and the words ranks better than either list alone.
            lists["likeness"] = self._nearest("likeness", _middle([likeness] if spoken is None else [likeness, spoken]))
        words = query.words or ("" if likeness is not None else self._words_of_moment())
        if wanted(words):
            matching = self.moments.matching(words).values_list("id", WordRank("words__document", query=words))
            lists["words"] = [(number, round(float(rank), 12)) for number, rank in matching[: self.depth]]
        return lists

    def _space(self) -> Space:
        return Space(self.query.workspace_id, self.embedder.card.digest)

    def _seen_in_words(self) -> Vectors | None:
        """The words as the embedder sees them; None where it can't, with a note."""
        for problem in self.embedder.problems():
            self.notes.append(f"Found by words only: {problem.message}")
            return None
        card, text = self.embedder.card, without_marks(self.query.words)
        if not text:
            return None
        if not _speaks(card.languages, self.query.language, text):
            self.notes.append(f"Found by words only: {card.name} understands {', '.join(card.languages)}.")
            return None
        if not self.embedder.understood(text):
            self.notes.append(f"Found by words only: {card.name} knows none of these words.")
            return None
        vector: Vectors = self.embedder.embed_texts([text])[0]
        return vector

    def _likeness(self) -> Vectors | None:
        """What the results should look like: the picture, the moment, or the middle of both."""
        parts = []
        if self.query.like is not None:
            for problem in self.embedder.problems():
                raise problem
            parts.append(self.embedder.embed_pictures([self.query.like.convert("RGB")])[0])
        if self.query.like_moment is not None:
            there = Moment.objects.in_workspace(self.query.workspace_id).filter(pk=self.query.like_moment)
            if not there.exists():
                raise QueryError("The picture to compare with isn't in this library any more.")
            if not self.embedder.problems():
                row = Embedding.objects.filter(moment__in=there, model=self.embedder.card.digest).first()
                if row is not None:
                    parts.append(spaces.vectors_of([bytes(row.vector)])[0])
        return _middle(parts) if parts else None

    def _words_of_moment(self) -> str:
        """Title and tags of the moment to compare with, where no model has seen its picture."""
        moment = Moment.objects.select_related("asset").filter(pk=self.query.like_moment or 0).first()
        if moment is None:
            return ""
        self.notes.append("Found by words only: the search model hasn't seen this picture.")
        return " ".join(words_of(" ".join([moment.asset.title, *map(str, moment.asset.tags)])))[:LONGEST]

    def _nearest(self, signal: str, vector: Vectors) -> list[tuple[int, float]]:
        """Moments by cosine. Asks deeper where what it got was archived or excluded."""
        self._vectors[signal] = vector
        self.model = self.embedder.model or self.embedder.card.name
        if narrowed(self.query) and self._allowed_ids is None:
            self._allowed_ids = np.fromiter(self.moments.values_list("id", flat=True), np.int64)
        fetch = self.depth
        while True:
            hits, by_index = spaces.nearest(
                self.index, self._space(), vector, limit=fetch, allowed=self._allowed_ids
            )
            if not by_index:
                self.notes.append("The index is being made anew; the database answered meanwhile.")
            kept = self._still_there(hits)
            if len(kept) >= self.depth or len(hits) < fetch or fetch >= DEEPEST:
                return [(hit.id, hit.score) for hit in kept[: self.depth]]
            fetch *= 4

    def _still_there(self, hits: Sequence[Hit]) -> list[Hit]:
        """Checked against the rows: an index that lags can't show what is gone or belongs to somebody else."""
        there = set(self.moments.filter(pk__in=[hit.id for hit in hits]).values_list("id", flat=True))
        return [hit for hit in hits if hit.id in there]

    def described(self, fused: Sequence[Fused[int]], rows: dict[int, Row]) -> list[Found]:
        """Results from what was fused: whether the model has seen each, whether it is about what was asked."""
        ids = [one.key for one in fused]
        seen = self._embedded(ids)
        usual = {signal: self._background() @ vector for signal, vector in self._vectors.items()}
        shares = self._shares(ids)
        return [
            Found(
                moment_id=one.key,
                asset_id=rows[one.key].asset_id,
                score=one.score,
                start=rows[one.key].start,
                explain=one.explain,
                by_words_only=one.key not in seen,
                relevant=is_about(
                    shares.get(one.key, 0.0),
                    [(signal.value, usual[signal.name]) for signal in one.explain if signal.name in usual],
                ),
            )
            for one in fused
        ]

    def _embedded(self, ids: Sequence[int]) -> dict[int, Vectors]:
        if self.embedder.problems():
            return {}
        rows = self._space().rows().filter(moment__in=ids).values_list("moment_id", "vector")
        return {number: spaces.vectors_of([bytes(blob)])[0] for number, blob in rows}

    def _background(self) -> Vectors:
        """(n, d) vectors from all over the library, n up to 256; the newest where the index can't be asked."""
        rows = self._space().rows()
        try:
            ids = self.index.ids(self._space().name)
            rows = rows.filter(moment__in=ids[:: max(1, len(ids) // BACKGROUND)][:BACKGROUND].tolist())
        except IndexDamaged:  # `_nearest` has seen to it and noted it
            rows = rows.order_by("-id")
        blobs = [bytes(blob) for blob in rows.values_list("vector", flat=True)[:BACKGROUND]]
        return spaces.vectors_of(blobs) if blobs else np.empty((0, self.embedder.card.dimensions), np.float32)

    def _shares(self, ids: Sequence[int]) -> dict[int, float]:
        """The share of the query's words that each moment's own hold."""
        asked = wanted(self.query.words)
        if not asked:
            return {}
        rows = Moment.objects.filter(pk__in=ids).select_related("asset")
        return {
            moment.pk: matched_share(asked, set(words_of(" ".join(_told(moment)))))
            for moment in rows
        }

    def diversified(self, found: Sequence[Found]) -> list[Found]:
        """The results in an order in which look-alikes wait."""
        seen = self._embedded([one.moment_id for one in found])
        if not seen:
            return list(found)
        nothing = np.zeros(len(next(iter(seen.values()))), np.float32)
        vectors = np.stack([seen.get(one.moment_id, nothing) for one in found])
        return [found[at] for at in mmr(vectors, [one.score for one in found], self.query.limit)]


def _middle(parts: Sequence[Vectors]) -> Vectors:
    middle: Vectors = np.sum(parts, axis=0, dtype=np.float32)
    return middle / np.float32(max(float(np.linalg.norm(middle)), 1e-12))


def _told(moment: Moment) -> list[str]:
    asset = moment.asset
    return [asset.title, asset.alt, moment.text, str(asset.made_by.get("prompt", "")), *map(str, asset.tags)]


def _speaks(languages: Sequence[str], language: str, text: str) -> bool:
    """Whether a model of these languages may know a text: by its language where that is told, else by its script."""
    if language:
        return language.split("-")[0].lower() in languages
    letters = [char for char in text if char.isalpha()]
    if not letters or not set(languages) <= LATIN:
        return True
    latin = sum("LATIN" in unicodedata.name(char, "") for char in letters)
    return 2 * latin >= len(letters)
