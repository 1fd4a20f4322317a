"""What ranking weighs of stories and variants: terms from what the program knows of them anyway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Sum
from django.utils import timezone

from creator.models import Alternative, Publication, PublishedTerms, Scene, Story, Tally, Variant
from creator.services import rankers
from media_processing import looks
from media_processing.models import Asset
from search import learning, ranking
from search.ranking import Fused

FIT = frozenset(("picture", "likeness", "words"))
"""The signals of a search that say how well a picture fits its line."""
FAULTS: Mapping[str, float] = {"blocking": 0.4, "warning": 0.08}
"""What each of the gate's findings takes from the quality, as a share of what is left."""


@dataclass(frozen=True)
class RankedVariant:
    """A variant in its place, and why."""

    variant: Variant
    rank: int
    """From 1, after likeness counted."""
    by_score: int
    """From 1, by the score alone."""
    score: float
    explain: tuple[ranking.Signal, ...]

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": self.variant.format, "language": self.variant.language, "rank": self.rank,
            "rank_by_score": self.by_score, "score": self.score, "explain": told(self.explain),
        }  # fmt: skip


def told(explain: Iterable[ranking.Signal]) -> list[dict[str, Any]]:
    """Reasons for JSON; their contributions sum to the score."""
    return [
        {"signal": each.name, "value": each.value, "weight": each.weight, "contribution": each.contribution,
         "note": each.note}
        for each in explain
    ]  # fmt: skip


def fit_of(explain: Iterable[Mapping[str, Any]]) -> float:
    """How well a picture fits its line, 0 to 1: what its ranks in the lists of a search are worth, as a share of first
    places in both."""
    gained = sum(float(each["contribution"]) for each in explain if each.get("name") in FIT)
    return min(1.0, gained * (ranking.RRF_K + 1) / 2)


def fits_of(scenes: Sequence[Scene]) -> list[float]:
    """Of each scene with a picture how well it fits: fully where a person chose it, or it was drawn for the line."""
    shown = {(scene.pk, scene.asset_id): scene for scene in scenes if scene.asset_id}
    rows = Alternative.objects.filter(scene__in=scenes, part=Alternative.Part.PICTURE).order_by("position")
    found = {(row.scene_id, row.asset_id): row.explain for row in rows if (row.scene_id, row.asset_id) in shown}
    return [
        1.0 if scene.chosen_by != "search" or key not in found else fit_of(found[key]) for key, scene in shown.items()
    ]


def quality_of(assets: Iterable[Asset | None], findings: Iterable[Mapping[str, Any]]) -> tuple[float, str]:
    """Of what shows these pictures, less what the gate found (text that can't be read among it); and a word on it."""
    known = [asset for asset in assets if asset is not None and asset.quality is not None]
    value = float(np.mean([asset.quality for asset in known])) if known else 0.5
    counts = dict.fromkeys(FAULTS, 0)
    for finding in findings:
        counts[finding["severity"]] += 1
    for severity, count in counts.items():
        value *= (1 - FAULTS[severity]) ** count
    notes = [f"{count} {severity}" for severity, count in counts.items() if count]
    worst = min(known, key=lambda asset: asset.quality or 0.0, default=None)
    poor = looks.in_words(worst.looks) if worst is not None else ""
    return value, "; ".join(filter(None, [", ".join(notes), poor]))


def of_publications(publications: Sequence[Publication]) -> dict[UUID, PublishedTerms]:
    """Publication -> its terms, looked up anew where it was published again since."""
    rows = {row.publication_id: row for row in PublishedTerms.objects.filter(publication__in=publications)}
    stale = [each for each in publications if each.pk not in rows or rows[each.pk].made_for != each.updated]
    if stale:
        made = [_published_terms(each) for each in stale]
        PublishedTerms.objects.bulk_create(
            made, update_conflicts=True, unique_fields=["publication"], update_fields=["made_for", "values", "cover"]
        )
        rows |= {row.publication_id: row for row in made}
    return rows


def _published_terms(publication: Publication) -> PublishedTerms:
    story = publication.story
    scenes = list(story.scenes.select_related("asset"))
    fits = fits_of(scenes)
    quality, _note = quality_of((scene.asset for scene in scenes), story.findings)
    return PublishedTerms(
        publication=publication, made_for=publication.updated, cover=next((each.asset for each in scenes), None),
        values={"relevance": round(float(np.mean(fits)), 4) if fits else 0.5, "quality": round(quality, 4)},
    )  # fmt: skip


def ranked_variants(story: Story) -> list[RankedVariant]:
    """A story's variants, the best first. Hard rule first: what has no rendition isn't ranked.

    Relevance is how well the pictures fit their lines, quality that of the pictures less what the gate found in this
    format, freshness the story's, engagement how the format is clicked in the workspace. A second one of a kind waits
    behind another kind (MMR).
    """
    surface = rankers.scheme(story.workspace_id)["variants"]
    made = [variant for variant in story.variants.select_related("rendition") if variant.rendition is not None]
    scenes = list(story.scenes.select_related("asset"))
    fits = fits_of(scenes)
    days = (timezone.now() - story.changed).total_seconds() / 86_400
    liked = engagement_of_formats(story.workspace_id)
    scored: list[Fused[int]] = []
    for at, variant in enumerate(made):
        shown = scenes[:1] if variant.kind == "card" else scenes
        found = [each for each in story.findings if each.get("format", "") in ("", variant.format)]
        quality, note = quality_of((scene.asset for scene in shown), found)
        values = {
            "relevance": float(np.mean(fits)) if fits else 0.5, "quality": quality,
            "freshness": surface.freshness(days), "engagement": liked.get(variant.format, 0.5),
        }  # fmt: skip
        scored.append(ranking.weighed(at, values, surface.weights, {"quality": note}))
    scored.sort(key=lambda one: (-one.score, one.key))
    kinds = sorted({variant.kind for variant in made})
    vectors = np.array([[made[one.key].kind == kind for kind in kinds] for one in scored], np.float32)
    order = ranking.mmr(vectors.reshape(len(scored), len(kinds)), [one.score for one in scored], len(scored),
                        surface.trade_off)  # fmt: skip
    return [
        RankedVariant(made[scored[at].key], rank, at + 1, scored[at].score, scored[at].explain)
        for rank, at in enumerate(order, 1)
    ]


def engagement_of_formats(workspace_id: int) -> dict[str, float]:
    """Format -> how it is clicked beside the others, 0 to 1; 0.5 is usual."""
    counts = Tally.objects.filter(workspace=workspace_id).exclude(format="").order_by().values_list("format")
    sums = counts.annotate(shown=Sum("impressions"), got=Sum("clicks"))
    rows = {form: (clicks, shown) for form, shown, clicks in sums}
    if not rows:
        return {}
    clicks, shown = (np.array([row[at] for row in rows.values()], np.float64) for at in (0, 1))
    usual = float((clicks.sum() + 0.5) / (shown.sum() + 10))
    means = learning.posterior(clicks, shown, usual=usual).mean
    return {form: float(mean / (mean + usual)) for form, mean in zip(rows, means, strict=True)}
