"""Finding moments: by words, by what pictures show, by likeness, within filters; fused, diversified, explained."""

from __future__ import annotations

import os
import threading
import unicodedata
import uuid
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from django.db.models import CharField, ExpressionWrapper, F, Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from numpy.typing import NDArray

from media_processing import pdq
from media_processing.engine import engines
from media_processing.models import Asset, Transcript
from search import fulltext, models_in_use, spaces
from search.counting import Counted, count
from search.engines.base import Embedder, Hit, Index, IndexDamaged, Vectors
from search.fulltext import WordRank
from search.models import Embedding, KeptApart, Moment
from search.passages import Finder, Piece, place
from search.prepared import Prepared, stored
from search.query import DEEPEST, Query, QueryError, allowed, assets_of, checked, narrowed, showable
from search.ranking import (
    A_LITTLE,
    LIKE,
    LIKELY,
    ORDINARY,
    SURE,
    TRADE_OFF,
    WORDS_ENOUGH,
    WORDS_SOME,
    Fused,
    Signal,
    Usual,
    added,
    against,
    look_alikes,
    mmr,
    rrf,
    sums,
)
from search.schemes import Surface
from search.spaces import Space
from search.words import LONGEST, Wanted, wanted, without_marks, words_of
from search.written import written_of

BLOCK = 120
"""Results that are folded and diversified together; an order that doesn't depend on the page's size."""
DEPTHS = (2 * BLOCK, 4_000, DEEPEST)
"""Candidates that each signal is asked for: at first, and when somebody reads on past what those gave."""
BACKGROUND = 256
"""Pictures of the library from which it is told what is usual."""
TWIN = 0.96
"""Cosine from which two pictures are shown as one; of 1,000 drawings, two of the very same description have it."""
USUAL = 0.5
"""Engagement of what nobody told of."""
TURNS = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""Searches of a process that are between the embedder and their answer: as many as there are cores for the database's
part of them. More only take the interpreter from each other and from the threads that bring it work."""
LATIN = frozenset("cs da de en es fi fr hu id it nl no pl pt ro sv sw tr vi".split())  # noqa: SIM905


@dataclass(frozen=True)
class Found:
    """One result: a moment, or the best moment of its asset."""

    moment_id: int | None
    """None for an asset that has none (a sound in which nobody speaks), which only filters find."""
    asset_id: uuid.UUID
    score: float
    start: float
    """Second of the asset at which it begins."""
    at: float | None = None
    """Second at which the first of the words is said, where they were found in what is said."""
    why: str = ""
    """Where the words stand: "said at 0:42", "in the title", "written in the picture"; empty where they don't."""
    snippet: tuple[Piece, ...] = ()
    """What stands there, in pieces: (text, whether it is one of the words). Plain text, never markup."""
    folded: tuple[uuid.UUID, ...] = ()
    """Assets that look the same and aren't shown, the best first."""
    explain: tuple[Signal, ...] = ()
    """What the score is made of; the contributions sum to it."""
    by_words_only: bool = False
    """The search model hasn't seen its picture (another domain, or a sound): the tile says so."""
    relevant: bool = True
    """It shows or says what was asked well enough to be looked at."""
    sure: bool = True
    """Well enough to be taken without somebody looking at it."""
    asset: Asset | None = field(default=None, compare=False, repr=False)
    """Where it was read already, to tell where the words stand."""


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


class Row(NamedTuple):
    """What a result needs of its moment."""

    asset: str | uuid.UUID
    """Its number as the database gives it: of some hundred rows, a page shows twenty."""
    start: float
    kind: str
    pdq: str
    quality: float | None
    created: str
    """As the database writes it, for the same reason."""

    @property
    def asset_id(self) -> uuid.UUID:
        return self.asset if isinstance(self.asset, uuid.UUID) else uuid.UUID(self.asset)

    def days(self, now: datetime) -> float:
        """How old it is."""
        made = datetime.fromisoformat(self.created)
        return (now - (made if made.tzinfo else made.replace(tzinfo=UTC))).total_seconds() / 86_400


COLUMNS = (
    ExpressionWrapper(F("asset_id"), CharField()), "start", "asset__kind", "pdq", "asset__quality",
    Cast("asset__created", TextField()),  # a cast, since Python's sqlite3 makes a time of any plain column of that kind
)  # fmt: skip
"""Of a Row."""
SHOWN_ROWS = Prepared(
    lambda: Moment.objects.in_workspace(0).filter(asset__archived__isnull=True).filter(pk__among=[]).order_by()
    .values_list("id", *COLUMNS)
)  # fmt: skip
STORED = Prepared(
    lambda: Embedding.objects.filter(model="", moment__pk__among=[]).order_by().values_list("moment_id", "vector")
)


def find(query: Query, *, embedder: Embedder | None = None, index: Index | None = None) -> Results:
    """Answer a query. Raises QueryError where it makes no sense, EngineError where a picture can't be looked at.

    Words count twice: by what pictures show (the embedder) and by what is written of them. Where the embedder doesn't
    know the words or their language, or can't work here, words are searched alone and a note says why.

    The whole order is decided by the query without its offset and limit, ties by number, so that pages fit together.
    """
    query = checked(query)
    used = models_in_use.InUse(embedder) if embedder else models_in_use.in_use(query.workspace_id)
    search = _Search(query, used.embedder, index or engines["index"])
    search.notes += [used.note] if used.note else []
    with TURNS:
        search.prepare()
        found = search.page()
        more = query.offset + query.limit if len(found) > query.limit else None
        shown = search.placed(found[: query.limit])
    return Results(tuple(shown), tuple(dict.fromkeys(search.notes)), search.model, more, search.cut)


def facets(query: Query, *, embedder: Embedder | None = None, index: Index | None = None) -> Counted:
    """How many assets a query finds, near-duplicates counted, by every value of every filter."""
    query = checked(query)
    open_query = replace(query, filters={}, without={})
    search = _Search(open_query, embedder or models_in_use.embedder_for(query.workspace_id), index or engines["index"])
    with TURNS:
        search.prepare()
        return count(query, search.found())


class _Search:
    """One query on its way: the signals that can answer it, and what they found."""

    def __init__(self, query: Query, embedder: Embedder, index: Index) -> None:
        self.query = query
        self.embedder = embedder
        self.index = index
        self.now = timezone.now()
        self.notes: list[str] = []
        self.model = ""
        self.cut = False
        self.moments = allowed(query)
        self.asked = wanted(query.words)
        self._hits: dict[str, tuple[int, float, list[Hit]]] = {}
        self._allowed_ids: NDArray[np.int64] | None = None
        self._usuals: dict[str, Usual | None] = {}
        self.space = Space(query.workspace_id, embedder.card.digest) if not embedder.problems() else None
        self.vectors = self._asked_vectors()
        self.unwanted = self._unwanted_vectors()
        self._rows: dict[int, Row] = {}
        self._held: dict[int, int] = {}
        self._looks = self._hinted = self._bad = frozenset[int]()

    def prepare(self) -> None:
        """What the embedder has no part in."""
        query = self.query
        if not self.asked and not self.vectors and query.like_moment is not None:
            self.asked = wanted(self._words_of_moment())
        meant = query.like is None and query.like_moment is None and (not query.words or bool(self.asked.none_of))
        self.compares = bool(self.asked or self.vectors) or not meant  # signs alone ("?!") ask for nothing
        self.enough = self.hint = fulltext.least(self.asked, WORDS_ENOUGH)
        if len(self.asked.any_of + self.asked.all_of) > 2:
            self.hint = fulltext.least(self.asked, WORDS_SOME)
        self.fit = self._fit() if query.relevant_only and self.compares else Q()
        self.every = self.enough == 1 and not self._bad and not query.literal  # whatever holds one of the words fits
        self.shown = self.moments.filter(self.fit)

    # What is asked, as vectors ---------------------------------------------------------------------------------------

    def _asked_vectors(self) -> dict[str, Vectors]:
        """Signal -> what pictures are compared with."""
        query, vectors = self.query, {}
        likeness = self._likeness()
        spoken = self._seen_in_words() if query.words else None
        if spoken is not None:
            vectors["picture"] = spoken
        if likeness is not None:
            # "Like this, but ...": what is between the picture and the words ranks better than either list alone.
            vectors["likeness"] = _middle([likeness] if spoken is None else [likeness, spoken])
        if vectors:
            self.model = self.embedder.model or self.embedder.card.name
        return vectors

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
            if self.space is not None:
                row = Embedding.objects.filter(moment__in=there, model=self.space.model).first()
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

    def _unwanted_vectors(self) -> dict[str, Vectors]:
        """Unwanted words that the embedder knows -> how it sees them."""
        texts = [" ".join(run) for run in self.asked.none_of]
        if self.space is None or not texts:
            return {}
        speaks, language = self.embedder.card.languages, self.query.language
        known = [text for text in texts if _speaks(speaks, language, text) and self.embedder.understood(text)]
        return dict(zip(known, self.embedder.embed_texts(known), strict=True)) if known else {}

    # What fits -------------------------------------------------------------------------------------------------------

    def _fit(self) -> Q:
        """The condition on moments of being a result where only what is relevant is one.

        Half of the words are enough, so is a picture that shows them well over what is usual; a third of the words and
        a picture that shows them a little are enough together.
        """
        for signal in self.vectors:
            usual = self._usual(signal)
            if usual and signal == "picture" and self.hint < self.enough:  # first, since it asks the index for more
                self._hinted = self._over(signal, usual.at(A_LITTLE), DEPTHS[1:])
            # Where there are too few pictures to know what is usual, all of them are.
            self._looks |= self._over(signal, usual.at(LIKE if signal == "likeness" else LIKELY) if usual else -1.0)
        self._bad = self._showing_unwanted()
        about = Q(pk__among=self._looks)
        if self.asked:
            beginnings, hinted = not self.query.literal, self._hinted
            about |= Q(pk__in=fulltext.holding(
                self.asked, self.enough, beginnings=beginnings, hint=self.hint, hinted=hinted
            ))  # fmt: skip
        return about & ~Q(pk__among=self._bad) if self._bad else about

    def _fitting(self, ids: Iterable[int]) -> Iterator[int]:
        """Those that fit, of moments whose words were looked at: `_fit` without asking the database once more."""
        for number in ids:
            held = self._held.get(number, 0)
            by_words = held >= self.enough or (held >= self.hint and number in self._hinted)
            if (by_words or number in self._looks) and number not in self._bad:
                yield number

    def _usual(self, signal: str) -> Usual | None:
        """What is usual for a signal in this library: with ordinary words, or with the picture to compare with."""
        if signal not in self._usuals and self.space is not None:
            self._usuals[signal] = (
                Usual.of(_background(self.index, self.space, len(self.vectors[signal])) @ self.vectors[signal])
                if signal == "likeness"
                else _usual_words(self.embedder, self.index, self.space)
            )
        return self._usuals.get(signal)

    def _over(self, signal: str, cosine: float, depths: Sequence[int] = DEPTHS) -> frozenset[int]:
        """The moments whose pictures have at least this cosine to what a signal compares with."""
        hits: list[Hit] = []
        for depth in depths:
            hits = self._nearest(signal, depth, cosine)
            if len(hits) < depth:
                break
        return frozenset(hit.id for hit in hits)

    def _showing_unwanted(self) -> frozenset[int]:
        """The moments whose pictures show an unwanted word."""
        usual = self._usual("picture") if self.unwanted else None
        if usual is None:
            return frozenset()
        return frozenset().union(*(self._over(f"-{text}", usual.at(LIKELY)) for text in self.unwanted))

    def _nearest(self, signal: str, limit: int, least: float = -np.inf) -> list[Hit]:
        """The nearest pictures to what a signal compares with, of those with at least a cosine; of those asked for, the
        filters may drop some yet."""
        depth, floor, hits = self._hits.get(signal, (0, np.inf, []))
        if len(hits) >= limit or (floor <= least and (limit <= depth or len(hits) < depth)):
            return [hit for hit in hits[:limit] if hit.score >= least]
        if self.space is None:
            return []
        if narrowed(self.query) and self._allowed_ids is None:
            self._allowed_ids = np.fromiter(self.moments.order_by().values_list("id", flat=True), np.int64)
        vector = self.unwanted[signal[1:]] if signal.startswith("-") else self.vectors[signal]
        hits, by_index = spaces.nearest(
            self.index, self.space, vector, limit=limit, allowed=self._allowed_ids, least=least
        )
        if not by_index:
            self.notes.append("The index is being made anew; the database answered meanwhile.")
        self._hits[signal] = (limit, least, hits)
        return hits

    def found(self) -> Q | None:
        """The condition on assets of being found, filters aside; None where nothing but filters is asked.

        Each count looks at it again: up to some thousand, the assets are told one by one.
        """
        if not self.compares:
            return self._without_unwanted()
        shown = self.shown
        if not self.query.relevant_only:
            everything = Q(pk__in=Moment.objects.matching(self.asked).order_by().values("pk"))
            if self.vectors and self.space is not None:
                everything |= Q(pk__in=self.space.rows().order_by().values("moment"))
            shown = shown.filter(everything)
        keys = shown.order_by().values_list(COLUMNS[0], flat=True)[: DEEPEST + 1]
        found = frozenset(keys)
        return Q(pk__among=found) if len(keys) <= DEEPEST else Q(pk__in=shown.order_by().values("asset"))

    # The order -------------------------------------------------------------------------------------------------------

    def ranked(self) -> Iterator[Found]:
        """Every result in order, as far as somebody reads on."""
        known: set[Hashable] = set()
        for depth in DEPTHS if self.query.sort == "relevance" else DEPTHS[-1:]:
            lists, full = self._lists(depth)
            ids = {number for ranked in lists.values() for number, _ in ranked}
            if self.asked:
                self._held = fulltext.held(self.asked, ids, beginnings=not self.query.literal)
            rows = {number: self._rows[number] for number in (self._fitting(ids) if self.query.relevant_only else ids)}
            self.cut = self.cut or len(rows) < len(ids)
            lists = {name: [pair for pair in ranked if pair[0] in rows] for name, ranked in lists.items()}
            fused = rrf(lists, group={number: row.asset for number, row in rows.items()})
            fused = self._penalised(fused)
            new = []
            for one in fused:
                key = one.key if self.query.every_moment else rows[one.key].asset
                if key not in known:
                    known.add(key)
                    new.append(one)
            if self.query.sort != "relevance":
                dates = self._dates([one.key for one in new])
                new.sort(key=lambda one: (str(rows[one.key].asset), one.key))
                new.sort(key=lambda one: dates[one.key], reverse=self.query.sort != "oldest")
            for first in range(0, len(new), BLOCK):
                yield from self._described(new[first : first + BLOCK], rows)
            if not full:
                return

    def _lists(self, depth: int) -> tuple[dict[str, list[tuple[int, float]]], bool]:
        """Signal -> (moment, value), best first; and whether there may be more below."""
        lists: dict[str, list[tuple[int, float]]] = {}
        full = False
        for signal in self.vectors:
            hits, fetch = self._nearest(signal, depth), depth
            kept = self._still_there(hits)
            while len(kept) < depth and len(hits) == fetch < DEEPEST:  # archived or filtered away: ask deeper
                fetch *= 4
                hits = self._nearest(signal, fetch)
                kept = self._still_there(hits)
            lists[signal] = [(hit.id, hit.score) for hit in kept[:depth]]
            full = full or (len(hits) >= depth and self._may_fit(signal, hits[depth - 1].score))
        if self.asked:
            rank = WordRank("words__document", query=self.asked)
            # Whatever the words match fits then: not to ask for it again saves SQLite a look at every moment.
            shown = self.moments if self.every else self.shown
            matching = shown.matching(self.asked).values_list("id", rank, *COLUMNS)[:depth]
            lists["words"] = []
            for number, value, *columns in stored(matching):
                lists["words"].append((number, round(float(value), 12)))
                self._rows[number] = Row(*columns)
            full = full or len(lists["words"]) == depth
        return lists, full

    def _may_fit(self, signal: str, cosine: float) -> bool:
        """Whether a picture that is less like what was asked than this can still be a result by its looks."""
        usual = self._usual(signal) if self.query.relevant_only else None
        return usual is None or cosine >= usual.at(A_LITTLE)

    def _still_there(self, hits: Sequence[Hit]) -> list[Hit]:
        """Checked against the rows: an index that lags can't show what is gone or belongs to somebody else."""
        # Filters are left aside: where they keep little for this, the index was given the rows that passed, and to
        # ask again makes SQLite try every pair of two lists.
        ids, query = [hit.id for hit in hits], self.query
        if query.exclude_assets or query.like_moment is not None:
            found = stored(showable(query).filter(pk__among=ids).order_by().values_list("id", *COLUMNS))
        else:
            found = SHOWN_ROWS.rows(query.workspace_id, fulltext.listed(ids))
        there = {number: Row(*columns) for number, *columns in found}
        self._rows |= there
        return [hit for hit in hits if hit.id in there]

    def _dates(self, ids: Sequence[int]) -> dict[int, datetime]:
        """What results are sorted by where it isn't relevance."""
        taken = Coalesce("asset__taken", "asset__created")
        date = F("asset__created") if self.query.sort == "added" else taken
        return dict(Moment.objects.filter(pk__among=frozenset(ids)).order_by().values_list("id", date))

    def _penalised(self, fused: list[Fused[int]]) -> list[Fused[int]]:
        """The same, with what unwanted words take from pictures that show them."""
        usual = self._usual("picture") if self.unwanted else None
        if usual is None:
            return fused
        seen = self._embedded([one.key for one in fused])
        penalised = []
        for one in fused:
            if one.key in seen:
                cosines = {text: float(seen[one.key] @ vector) for text, vector in self.unwanted.items()}
                worst = max(cosines, key=lambda text: cosines[text])
                one = against(one, cosines[worst], usual.over(cosines[worst]), worst)
            penalised.append(one)
        return sorted(penalised, key=lambda one: (-one.score, one.key))

    def _described(self, block: Sequence[Fused[int]], rows: Mapping[int, Row]) -> Iterator[Found]:
        """Results of what was fused, near-duplicates folded, in an order in which look-alikes wait; as many as the page
        and those before it need."""
        ids = [one.key for one in block]
        seen = self._embedded(ids)
        nothing = np.zeros(self.embedder.card.dimensions if seen else 1, np.float32)
        vectors = np.stack([seen.get(number, nothing) for number in ids])
        folded: dict[int, tuple[uuid.UUID, ...]] = dict.fromkeys(range(len(ids)), ())
        if self.query.fold:
            folded = _folded(vectors, [rows[number] for number in ids])
        scores, terms = [one.score for one in block], dict[str, NDArray[np.float64]]()
        if self.query.surface is not None and self.query.sort == "relevance":
            terms = self._terms([rows[number] for number in ids], self.query.surface)
            scores = sums(scores, terms, self.query.surface.weights).tolist()
            folded = {at: folded[at] for at in sorted(folded, key=lambda at: (-scores[at], ids[at]))}
        order, needed = list(folded), self.query.offset + self.query.limit + 1
        if self.query.diversify and seen and self.query.sort == "relevance":
            trade_off = self.query.surface.trade_off if self.query.surface else TRADE_OFF
            order = [order[at] for at in mmr(vectors[order], [scores[at] for at in order], needed, trade_off)]
        fits = self._fits(seen)
        for at in order[:needed]:
            one, row = block[at], rows[ids[at]]
            if terms and self.query.surface is not None:
                values = {term: float(some[at]) for term, some in terms.items() if not np.isnan(some[at])}
                one = added(one, values, self.query.surface.weights)
            yield Found(
                moment_id=one.key,
                asset_id=row.asset_id,
                score=scores[at],
                start=row.start,
                folded=folded[at],
                explain=one.explain,
                by_words_only=one.key not in seen,
                relevant=self.query.relevant_only or fits(one.key, LIKELY),
                sure=fits(one.key, SURE),
            )

    def _terms(self, rows: Sequence[Row], surface: Surface) -> dict[str, NDArray[np.float64]]:
        """What counts beside how well each fits: term -> (n,), NaN where it isn't known."""
        liked, fresh = self.query.engagement, surface.weights.get("freshness")
        return {
            "freshness": np.array([surface.freshness(row.days(self.now)) if fresh else 0.0 for row in rows]),
            "engagement": np.array([liked.get(row.asset_id, USUAL) if liked else USUAL for row in rows]),
            "quality": np.array([np.nan if row.quality is None else row.quality for row in rows], np.float64),
        }

    def _fits(self, seen: Mapping[int, Vectors]) -> Callable[[int, float], bool]:
        """Whether a moment is about what was asked, its picture by as many deviations."""
        usuals = {signal: self._usual(signal) for signal in self.vectors}

        def fits(number: int, deviations: float) -> bool:
            held = self._held.get(number, 0)
            if held >= self.enough:
                return True
            for signal, usual in usuals.items() if number in seen else ():
                needed = LIKE if signal == "likeness" else A_LITTLE if held >= self.hint else deviations
                if usual is None or float(seen[number] @ self.vectors[signal]) >= usual.at(needed):
                    return True
            return False

        return fits

    def _embedded(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """The vectors of moments, of those whose picture the embedder has seen."""
        if self.space is None:
            return {}
        # These moments are this workspace's: `_still_there` and the words' list looked.
        rows = dict(STORED.rows(self.space.model, fulltext.listed(ids)))
        return dict(zip(rows, spaces.vectors_of(rows.values()), strict=False))

    # Without anything to compare with --------------------------------------------------------------------------------

    def _without_unwanted(self) -> Q | None:
        """The condition on assets of having no moment that holds or shows an unwanted word; None where none is."""
        if not self.asked.none_of:
            return None
        bad = Q(pk__in=fulltext.holding(Wanted(self.asked.none_of), 1, beginnings=False))
        bad |= Q(pk__among=self._showing_unwanted())
        own = Moment.objects.in_workspace(self.query.workspace_id)
        return ~Q(pk__in=own.filter(bad).order_by().values("asset"))

    def listed(self) -> QuerySet[Asset]:
        """What filters alone find, by date. Nothing is folded: it is the library itself, in its order."""
        date = F("created") if self.query.sort in ("relevance", "added") else Coalesce("taken", "created")
        assets = assets_of(self.query).filter(self._without_unwanted() or Q())
        return assets.order_by(date.asc() if self.query.sort == "oldest" else date.desc(), "id")

    def page(self) -> list[Found]:
        """The results from the query's offset on, and one more where there is one."""
        query, some = self.query, slice(self.query.offset, self.query.offset + self.query.limit + 1)
        if self.compares:
            found = list(islice(self.ranked(), some.start, some.stop))
            if query.relevant_only and not self.cut and self.asked and not self.every:
                # Not `matching`: SQLite would look up each moment in the words instead of the few words in the moments.
                matching = self.moments.filter(pk__in=fulltext.holding(self.asked, 1))
                self.cut = matching.exclude(self.fit).exists()
            return found
        if query.every_moment:
            rows = self.moments.filter(asset__in=self.listed().order_by().values("pk"))
            pairs = rows.order_by("-asset__created", "asset_id", "start").values_list("id", "asset_id", "start")[some]
            return [Found(number, asset_id, 0.0, start) for number, asset_id, start in pairs]
        ids = list(self.listed().values_list("id", flat=True)[some])
        rows = Moment.objects.filter(asset__in=ids).order_by("asset_id", "-start")
        first = {asset_id: (number, start) for number, asset_id, start in rows.values_list("id", "asset_id", "start")}
        return [Found(number, each, 0.0, start) for each in ids for number, start in [first.get(each, (None, 0.0))]]

    # Why -------------------------------------------------------------------------------------------------------------

    def placed(self, found: Sequence[Found]) -> list[Found]:
        """The results with the place where the words stand in each."""
        if not self.asked:
            return list(found)
        finder = Finder(self.asked)
        ids = [one.moment_id or 0 for one in found]
        moments = Moment.objects.order_by().select_related("asset").in_bulk(ids)
        speaking = [moment.asset_id for moment in moments.values() if moment.text]
        passages = dict(Transcript.objects.filter(asset__in=speaking).values_list("asset", "passages"))
        return [self._placed(one, finder, moments.get(one.moment_id or 0), passages) for one in found]

    def _placed(self, one: Found, finder: Finder, moment: Moment | None, passages: Mapping[uuid.UUID, Any]) -> Found:
        if moment is None:
            return one
        one = replace(one, asset=moment.asset)
        if not any(signal.name == "words" for signal in one.explain):
            return one
        said = passages.get(moment.asset_id, ()) if moment.text else ()
        if moment.text and not said:  # known of no more than its moment
            said = [{"text": moment.text, "start": moment.start}]
        written = [(each.where, each.text) for each in written_of(moment.asset)]
        there = place(finder, written, said, moment.start, moment.end)
        if there is None:
            return one
        explain = tuple(
            signal._replace(note=", ".join(sorted(there.matched))) if signal.name == "words" else signal
            for signal in one.explain
        )
        return replace(one, at=there.at, why=there.why, snippet=there.pieces, explain=explain)


def _folded(vectors: Vectors, rows: Sequence[Row]) -> dict[int, tuple[uuid.UUID, ...]]:
    """Of pictures in order, the places of those that don't look the same as a better one -> the assets of those that
    look like it; pictures that a person keeps apart stay."""
    pictures = np.array([row.kind == Asset.Kind.IMAGE for row in rows])
    alike = look_alikes(vectors, [row.pdq for row in rows], cosine=TWIN, bits=pdq.NEAR)
    alike &= pictures[:, None] & pictures[None, :]
    np.fill_diagonal(alike, False)
    if not alike.any():
        return dict.fromkeys(range(len(rows)), ())
    assets = [row.asset_id for row in rows]
    pairs = KeptApart.objects.filter(one__in=assets, other__in=assets).values_list("one", "other")
    apart = {pair for one, other in pairs for pair in ((one, other), (other, one))}
    leader: dict[int, list[uuid.UUID]] = {}
    for at in range(len(rows)):
        near = (first for first in leader if alike[first, at] and (assets[first], assets[at]) not in apart)
        first = next(near, None)
        if first is None:
            leader[at] = []
        elif assets[first] != assets[at]:
            leader[first].append(assets[at])
    return {at: tuple(others) for at, others in leader.items()}


_ordinary_known: weakref.WeakKeyDictionary[Embedder, dict[str, Vectors]] = weakref.WeakKeyDictionary()
_usual_known: weakref.WeakKeyDictionary[Index, dict[str, tuple[int, Usual | None]]] = weakref.WeakKeyDictionary()


def _ordinary(embedder: Embedder) -> Vectors:
    """(n, d): ordinary words as the embedder sees them."""
    known = _ordinary_known.setdefault(embedder, {})
    digest = embedder.card.digest
    if digest not in known:
        known[digest] = embedder.embed_texts(ORDINARY)
    return known[digest]


def _usual_words(embedder: Embedder, index: Index, space: Space) -> Usual | None:
    """What ordinary words have in a library; told anew when it has grown or shrunk by a fiftieth."""
    known = _usual_known.setdefault(index, {})
    try:
        count = index.count(space.name)
    except IndexDamaged:  # `nearest` sees to it and notes it
        count = space.rows().count()
    before = known.get(space.name)
    if before is None or abs(before[0] - count) > count // 50:
        words = _ordinary(embedder)
        known[space.name] = before = count, Usual.of(words @ _background(index, space, words.shape[1]).T)
    return before[1]


def _background(index: Index, space: Space, dimensions: int) -> Vectors:
    """(n, d) vectors from all over a library, n up to 256; the newest where the index can't be asked."""
    rows = space.rows()
    try:
        ids = index.ids(space.name)
        rows = rows.filter(moment__pk__among=ids[:: max(1, len(ids) // BACKGROUND)][:BACKGROUND].tolist())
    except IndexDamaged:
        rows = rows.order_by("-id")
    blobs = [bytes(blob) for blob in rows.values_list("vector", flat=True)[:BACKGROUND]]
    return spaces.vectors_of(blobs) if blobs else np.empty((0, dimensions), np.float32)


def _middle(parts: Sequence[Vectors]) -> Vectors:
    middle: Vectors = np.sum(parts, axis=0, dtype=np.float32)
    return middle / np.float32(max(float(np.linalg.norm(middle)), 1e-12))


def _speaks(languages: Sequence[str], language: str, text: str) -> bool:
    """Whether a model of these languages may know a text: by its language where that is told, else by its script."""
    if language:
        return language.split("-")[0].lower() in languages
    letters = [char for char in text if char.isalpha()]
    if not letters or not set(languages) <= LATIN:
        return True
    latin = sum("LATIN" in unicodedata.name(char, "") for char in letters)
    return 2 * latin >= len(letters)
