"""How well words find pictures: recall@10 over a gallery of scenes that nobody trained on.

A hit is any picture whose scene description holds every facet of the query. Recall@10 is the share of queries that have
a hit among their first ten pictures; precision@10 is the share of those ten that are hits, of as many as there could
be. Every query has at least one hit in the gallery.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.training.captions import Lexicon, choose, held_out_combinations, write


@dataclass(frozen=True)
class Query:
    """A text with the facets that it names."""

    text: str
    facets: frozenset[str]


@dataclass(frozen=True)
class Report:
    """What was measured; shares from 0 to 1."""

    queries: int
    gallery: int
    recall_at_10: float
    recall_at_1: float
    precision_at_10: float
    by_facets: dict[int, float]
    """Recall@10 of queries that name one, two, three facets."""
    by_kind: dict[str, float]
    """Recall@10 of queries that name a colour, a count, a setting ..."""
    missed: list[tuple[str, str]]
    """Queries without a hit, and what the first picture shows instead."""
    missed_objects: list[tuple[str, float]]
    """The objects whose queries fail most, with their recall@10."""

    def as_dict(self) -> dict[str, Any]:
        """The figures, rounded, for a card."""
        return {
            "queries": self.queries, "gallery": self.gallery, "recall_at_10": round(self.recall_at_10, 4),
            "recall_at_1": round(self.recall_at_1, 4), "precision_at_10": round(self.precision_at_10, 4),
            "recall_at_10_by_facets": {str(count): round(share, 4) for count, share in self.by_facets.items()},
            "recall_at_10_by_kind": {kind: round(share, 4) for kind, share in self.by_kind.items()},
        }

    def lines(self) -> list[str]:
        """The report for a terminal."""
        return [
            f"recall@10 {self.recall_at_10:.3f}   recall@1 {self.recall_at_1:.3f}   "
            f"precision@10 {self.precision_at_10:.3f}   ({self.queries} queries, {self.gallery} pictures)",
            "by facets: " + "  ".join(f"{count}: {share:.3f}" for count, share in self.by_facets.items()),
            "by kind:   " + "  ".join(f"{kind}: {share:.3f}" for kind, share in self.by_kind.items()),
            "weakest objects: " + ", ".join(f"{name} {share:.2f}" for name, share in self.missed_objects),
            *(f"missed: {text!r}, first was {instead}" for text, instead in self.missed),
        ]


def make_queries(
    gallery: Sequence[frozenset[str]], lexicon: Lexicon, count: int, *, seed: int = 2, held_out: bool = True
) -> list[Query]:
    """Queries that name one, two and three facets of gallery pictures, as many of each.

    With `held_out`, all are written in held-out templates, and those of several facets name a held-out combination.
    """
    rng = random.Random(seed)
    queries: list[Query] = []
    tries = 0
    while len(queries) < count:
        tries += 1
        if tries > 1000 * count:
            raise ValueError("The gallery shows too few held-out combinations for that many queries.")
        wanted = len(queries) % 3 + 1
        facets = choose(rng, rng.choice(gallery), wanted, lexicon)
        combined = bool(held_out_combinations(facets, lexicon))
        if len(facets) != wanted or (held_out and wanted > 1 and not combined):
            continue
        queries.append(Query(write(rng, facets, lexicon, held_out=held_out), facets))
    return queries


def measure(
    queries: Sequence[Query], gallery: Sequence[frozenset[str]],
    texts: NDArray[np.float32], pictures: NDArray[np.float32], *, examples: int = 12,
) -> Report:
    """`texts` (queries, d) and `pictures` (gallery, d) are unit vectors."""
    order = np.argsort(-(texts @ pictures.T), axis=1, kind="stable")[:, :10]
    hits = np.array([
        [query.facets <= gallery[number] for number in row] for query, row in zip(queries, order, strict=True)
    ])
    there = np.array([sum(query.facets <= facets for facets in gallery) for query in queries])
    found = [bool(row.any()) for row in hits]
    kinds: dict[str, list[bool]] = {}
    objects: dict[str, list[bool]] = {}
    sizes: dict[int, list[bool]] = {}
    for query, hit in zip(queries, found, strict=True):
        sizes.setdefault(len(query.facets), []).append(hit)
        for kind in {facet.split(":")[0] for facet in query.facets}:
            kinds.setdefault(kind, []).append(hit)
        for facet in query.facets:
            if facet.startswith("object:"):
                objects.setdefault(facet.split(":")[1], []).append(hit)
    missed = [number for number in range(len(queries)) if not found[number]]
    return Report(
        queries=len(queries), gallery=len(gallery),
        recall_at_10=float(np.mean(found)), recall_at_1=float(hits[:, 0].mean()),
        precision_at_10=float((hits.sum(1) / np.minimum(there, 10)).mean()),
        by_facets={size: float(np.mean(sizes[size])) for size in sorted(sizes)},
        by_kind={kind: float(np.mean(kinds[kind])) for kind in sorted(kinds)},
        missed=[(queries[number].text, ", ".join(sorted(gallery[order[number, 0]]))) for number in missed[:examples]],
        missed_objects=sorted(
            ((name, float(np.mean(shares))) for name, shares in objects.items() if len(shares) > 2),
            key=lambda one: one[1],
        )[:12],
    )
