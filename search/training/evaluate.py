"""How well an embedder's words find pictures: over a gallery of drawn scenes that nobody trained on.

A hit is any picture whose scene description holds every facet of the query. Recall@10 is the share of queries that have
a hit among their first ten pictures, recall@1 of those whose first picture is one; precision@10 is the share of those
ten that are hits, of as many as there could be. Every query has at least one hit in the gallery.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.engines.base import Embedder
from search.training.captions import Lexicon, choose, choose_pair, held_out_combinations, write


@dataclass(frozen=True)
class Gallery:
    """Pictures and what each of them shows."""

    pictures: Sequence[Image.Image]
    facets: Sequence[frozenset[str]]


@dataclass(frozen=True)
class Query:
    """A text with the facets that it names."""

    text: str
    facets: frozenset[str]


@dataclass(frozen=True)
class Figures:
    """Means over some queries; shares from 0 to 1."""

    queries: int
    recall_at_10: float
    recall_at_1: float
    precision_at_10: float

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Figures:
        def mean(values: Iterable[float]) -> float:
            return round(float(np.mean(list(values))), 4) if answers else 0.0

        return cls(
            len(answers), mean(any(one.hits) for one in answers), mean(one.hits[0] for one in answers),
            mean(sum(one.hits) / min(one.possible, len(one.hits)) for one in answers),
        )


@dataclass(frozen=True)
class Answer:
    """What a query found."""

    query: Query
    hits: tuple[bool, ...]
    """Of its first ten pictures."""
    first: frozenset[str]
    """What the first picture shows."""
    possible: int
    """How many hits the gallery holds."""


@dataclass(frozen=True)
class Confusion:
    """A facet that was asked for, what the first picture shows instead, and one such query."""

    asked: str
    instead: str
    times: int
    query: str


@dataclass(frozen=True)
class Quality:
    """What was measured. All but `seen` is about held-out templates and held-out combinations."""

    gallery: int
    all: Figures
    by_facets: dict[str, Figures]
    """Of queries that name one, two, three facets."""
    by_kind: dict[str, Figures]
    """Of queries that name a colour, a count, a setting ..."""
    two_coloured_objects: Figures
    """"A red car and a blue boat": both objects and both colours in one picture."""
    seen: Figures
    """On templates and combinations of the training."""
    weakest: list[tuple[str, float]]
    """The objects whose queries fail most, with their recall@10."""
    confusions: list[Confusion]
    """The most frequent ones among the queries whose first picture isn't a hit."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def card(self, *, confusions: int = 5) -> dict[str, Any]:
        """The short form for a model card."""
        return {
            **asdict(self.all), "gallery": self.gallery,
            "recall_at_10_by_facets": {size: one.recall_at_10 for size, one in self.by_facets.items()},
            "recall_at_10_by_kind": {kind: one.recall_at_10 for kind, one in self.by_kind.items()},
            "recall_at_10_two_coloured_objects": self.two_coloured_objects.recall_at_10,
            "recall_at_10_seen_combinations_and_templates": self.seen.recall_at_10,
            "confusions": [f"{one.asked} -> {one.instead}" for one in self.confusions[:confusions]],
        }

    def lines(self) -> list[str]:
        """The report for a terminal."""
        rows = {
            "all": self.all, **{f"{size} facet{'s' * (size != '1')}": one for size, one in self.by_facets.items()},
            **{f"names a {kind}": one for kind, one in self.by_kind.items()},
            "two coloured objects": self.two_coloured_objects, "as in training": self.seen,
        }
        return [
            f"{self.gallery} pictures{'':12} recall@10  recall@1  precision@10  queries",
            *(f"{name:26} {one.recall_at_10:9.3f} {one.recall_at_1:9.3f} {one.precision_at_10:13.3f} {one.queries:8}"
              for name, one in rows.items()),
            "", "weakest objects: " + ", ".join(f"{name} {share:.2f}" for name, share in self.weakest),
            "", f"{'asked':26} {'came first':26} times  for example",
            *(f"{one.asked:26} {one.instead:26} {one.times:5}  {one.query}" for one in self.confusions),
        ]


def judge(embedder: Embedder, gallery: Gallery, lexicon: Lexicon, *, queries: int = 3000, seed: int = 2) -> Quality:
    """Measure any embedder. Raises ValueError where the gallery shows too little for so many queries."""
    pictures = embedder.embed_pictures(list(gallery.pictures))

    def answers(asked: Sequence[Query]) -> list[Answer]:
        return search(asked, gallery.facets, embedder.embed_texts([query.text for query in asked]), pictures)

    found = answers(make_queries(gallery.facets, lexicon, queries, seed=seed))
    pairs = answers(make_pair_queries(gallery.facets, lexicon, max(1, queries // 3), seed=seed))
    seen = answers(make_queries(gallery.facets, lexicon, queries, seed=seed, held_out=False))
    return Quality(
        gallery=len(gallery.facets), all=Figures.of(found),
        by_facets=_grouped(found, lambda query: {str(len(query.facets))}),
        by_kind=_grouped(found, lambda query: {facet.split(":")[0] for facet in query.facets}),
        two_coloured_objects=Figures.of(pairs), seen=Figures.of(seen), weakest=_weakest(found),
        confusions=confusions([*found, *pairs]),
    )


def make_queries(
    gallery: Sequence[frozenset[str]], lexicon: Lexicon, count: int, *, seed: int = 2, held_out: bool = True
) -> list[Query]:
    """Queries that name one, two and three facets of gallery pictures, as many of each.

    With `held_out`, all are written in held-out templates, and those of several facets name a held-out combination.
    """
    return _made(gallery, lexicon, count, seed, held_out, lambda rng, facets, number: (
        chosen if len(chosen := choose(rng, facets, number % 3 + 1, lexicon)) == number % 3 + 1 else frozenset()
    ))


def make_pair_queries(
    gallery: Sequence[frozenset[str]], lexicon: Lexicon, count: int, *, seed: int = 2, held_out: bool = True
) -> list[Query]:
    """Queries that name two objects of a gallery picture with the colour of each; `held_out` as in `make_queries`."""
    return _made(gallery, lexicon, count, seed, held_out, lambda rng, facets, _number: choose_pair(rng, facets))


def _made(
    gallery: Sequence[frozenset[str]], lexicon: Lexicon, count: int, seed: int, held_out: bool,
    chooses: Callable[[random.Random, frozenset[str], int], frozenset[str]],
) -> list[Query]:
    rng = random.Random(seed)
    queries: list[Query] = []
    tries = 0
    while len(queries) < count:
        tries += 1
        if tries > 1000 * count:
            raise ValueError("The gallery shows too few held-out combinations for that many queries.")
        facets = chooses(rng, rng.choice(gallery), len(queries))
        if not facets or (held_out and len(facets) > 1 and not held_out_combinations(facets, lexicon)):
            continue
        queries.append(Query(write(rng, facets, lexicon, held_out=held_out), facets))
    return queries


def search(
    queries: Sequence[Query], gallery: Sequence[frozenset[str]],
    texts: NDArray[np.float32], pictures: NDArray[np.float32],
) -> list[Answer]:
    """The first ten pictures of each query. `texts` (queries, d) and `pictures` (gallery, d) are unit vectors."""
    order = np.argsort(-(texts @ pictures.T), axis=1, kind="stable")[:, :10]
    return [
        Answer(
            query, tuple(query.facets <= gallery[number] for number in row), gallery[row[0]],
            sum(query.facets <= facets for facets in gallery),
        )
        for query, row in zip(queries, order, strict=True)
    ]


def _grouped(answers: Sequence[Answer], groups: Callable[[Query], set[str]]) -> dict[str, Figures]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        for group in groups(answer.query):
            found.setdefault(group, []).append(answer)
    return {group: Figures.of(found[group]) for group in sorted(found)}


def _weakest(answers: Sequence[Answer], *, count: int = 12) -> list[tuple[str, float]]:
    shares = _grouped(answers, lambda query: {
        facet.split(":")[1] for facet in query.facets if facet.startswith("object:")
    })
    worst = sorted((one.recall_at_10, name) for name, one in shares.items() if one.queries > 2)
    return [(name, share) for share, name in worst[:count]]


def confusions(answers: Sequence[Answer], *, count: int = 15) -> list[Confusion]:
    """Which facets of queries the first picture lacks, and what of the same kind it shows instead, most frequent first.

    A colour or a number is set against that of the same object, or counts as the missing object where that isn't there.
    """
    times: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for answer in answers:
        if answer.hits[0]:
            continue
        for facet in sorted(answer.query.facets - answer.first):
            kind, name = facet.split(":")[:2]
            if kind in ("colour", "count"):
                others = [one for one in answer.first if one.startswith(f"{kind}:{name}:")]
            else:
                others = [one for one in answer.first - answer.query.facets if one.startswith(f"{kind}:")]
            for other in sorted(others):
                times[facet, other] += 1
                examples.setdefault((facet, other), answer.query.text)
    return [Confusion(*pair, number, examples[pair]) for pair, number in times.most_common(count)]
