"""What is seen in a scene: chosen from the library by search, or drawn where nothing fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from creator.jobs import Work
from creator.models import Alternative, Scene, Story, Workspace
from creator.services import charges, choices, engagement, library, rankers
from generation import services as generation
from generation.engines.base import Picture
from generation.engines.painting import MAX_SEED
from media_processing.models import Asset
from media_processing.timeline import FORMATS
from search import ranking
from search import services as search

OFFERED = 8
"""Alternatives that an editor sees beside a scene's picture."""
KEPT = 24
"""Pictures that stay beside a scene's own; of more, the oldest that were never shown go."""
DRAWN = "drawn for this scene"
"""The signal of what no search found."""


@dataclass(frozen=True)
class Offer:
    """A picture that a scene could show."""

    asset_id: UUID
    start: float
    score: float
    explain: tuple[ranking.Signal, ...] = ()
    made_by: Mapping[str, Any] = field(default_factory=dict)
    """Where it was drawn for the scene: how, and what that came to."""


@dataclass(frozen=True)
class Drawn:
    """A picture that an engine made, kept in the library."""

    asset: Asset
    made_by: Mapping[str, Any]


@dataclass(frozen=True)
class Offers:
    """A scene's offers, the chosen one first."""

    offers: tuple[Offer, ...]
    fits: bool
    """Whether the first one shows what the line is about."""
    made_by: str = "search"

    def with_drawn(self, drawn: Drawn) -> Offers:
        """The same with a picture that was drawn for the scene in front."""
        best = max((offer.score for offer in self.offers), default=0.0)
        rest = tuple(offer for offer in self.offers if offer.asset_id != drawn.asset.pk)
        return replace(self, offers=(offer_of(drawn, best), *rest), fits=True, made_by="painter")


def offer_of(drawn: Drawn, score: float = 0.0) -> Offer:
    """A picture that was drawn for a scene, as it stands among those that were found."""
    signal = ranking.Signal(DRAWN, 1.0, score, score)
    return Offer(drawn.asset.pk, 0.0, score, (signal,), dict(drawn.made_by))


def choose(workspace: Workspace, scenes: Sequence[Scene], *, exclude: set[UUID]) -> list[Offers]:
    """For each scene what the library offers, so that no asset is chosen for two scenes of a story."""
    found = [_candidates(workspace, scene.visual or scene.narration) for scene in scenes]
    fitting = [[ranking.Candidate(each.asset_id, each.score) for each in offers if each.sure] for offers in found]
    chosen = ranking.choose_visuals(fitting, taken=tuple(exclude))
    result = []
    for hits, pick, fits in zip(found, chosen, fitting, strict=True):
        free = [hit for hit in hits if hit.asset_id not in exclude]
        if pick.candidate is not None:
            key = fits[pick.candidate].key
            free.sort(key=lambda hit: hit.asset_id != key)
        result.append(Offers(tuple(_offer(hit) for hit in free), fits=pick.candidate is not None))
    return result


def choose_for_words(workspace: Workspace, words: str) -> Offers:
    """What the library offers for some words."""
    hits = _candidates(workspace, words)
    return Offers(tuple(_offer(hit) for hit in hits), fits=any(hit.sure for hit in hits))


def _candidates(workspace: Workspace, words: str) -> Sequence[search.Found]:
    query = search.Query(
        workspace_id=workspace.pk, words=words[:300], filters={"kind": ("image", "video")}, limit=OFFERED * 3,
        literal=True, surface=rankers.scheme(workspace.pk)["alternatives"],
        engagement=engagement.of_pictures(workspace),
    )  # fmt: skip
    return search.find(query).found


def _offer(hit: search.Found) -> Offer:
    return Offer(hit.asset_id, hit.start, hit.score, tuple(hit.explain))


def drawn_size(story: Story | None) -> tuple[int, int]:
    """Width and height of pictures drawn for a story: those of its tallest format; a crop serves the others."""
    formats = [FORMATS[variant.format] for variant in story.variants.all()] if story else []
    return min(formats, key=lambda size: size[0] / size[1], default=FORMATS["video:9x16"])


def draw(work: Work, story: Story, scene: Scene, *, seed: int, words: str = "") -> Drawn:
    """Draw a picture for a scene and keep it in the library."""
    words = (words or scene.visual or scene.narration)[:300]
    width, height = drawn_size(story)
    painter = choices.chosen("painter", story.workspace)
    with charges.charged(work, "painter", "draw", characters=len(words), part=f"{scene.pk}:{seed}") as call:
        picture = generation.painter(painter).draw(
            words, width=width, height=height, seed=seed, style=story.style,
            progress=lambda _share: work.check(), meter=call.meter,
        )
    made_by = {**picture.made_by, "prompt": words, "style": story.style}
    return keep_drawn(work, picture, made_by, cost=call.cost())  # fmt: skip


def keep_drawn(
    work: Work, picture: Picture, made_by: Mapping[str, Any], *, cost: Mapping[str, str], ground: Asset | None = None
) -> Drawn:
    """Keep a picture in the library; with `ground`, the picture that shines through it, under that one's rights."""
    rights = {"licence": ground.licence, "credit": ground.credit, "domain": ground.domain} if ground else {}
    alt = ", ".join(filter(None, (ground.alt if ground else "", picture.alt)))[:500]
    asset = library.keep(
        work.job.workspace, picture.content, title=picture.alt[:300], alt=alt, tags=picture.tags,
        made_by=dict(made_by), by=work.job.person, **rights,
    )  # fmt: skip
    # The illustrator's whole drawing stays with the asset.
    told = {name: value for name, value in made_by.items() if name != "scene"}
    return Drawn(asset, {**told, "cost": dict(cost)})


def keep(scene: Scene, offers: Offers) -> None:
    """Show the first offer in a scene and keep the others beside it."""
    if not offers.offers:
        return
    first = offers.offers[0]
    asset = Asset.objects.get(pk=first.asset_id)
    scene.asset, scene.start, scene.alt = asset, first.start, (asset.alt or scene.alt)[:500]
    scene.made_by = offers.made_by
    scene.save(update_fields=["asset", "start", "alt", "made_by"])
    keep_alternatives(scene, offers.offers, found_anew=True)


def keep_alternatives(scene: Scene, offers: Sequence[Offer], *, found_anew: bool = False) -> int:
    """Put offers in front of the pictures beside a scene's own; returns how many are new.

    With `found_anew` what an earlier search found goes. What was drawn for the scene, or was shown in it, stays.
    """
    there = pictures_of(scene)
    if found_anew:
        gone = {row.pk for row in there if not (row.replaced or is_drawn(row) or is_shown(scene, row))}
        Alternative.objects.filter(pk__in=gone).delete()
        there = [row for row in there if row.pk not in gone]
    known = {row.asset_id for row in there}
    new = [offer for offer in offers if offer.asset_id not in known][:OFFERED]
    for position, row in enumerate(there, len(new)):
        row.position = position
    Alternative.objects.bulk_update(there, ["position"])
    Alternative.objects.bulk_create(
        Alternative(
            scene=scene, part=Alternative.Part.PICTURE, asset_id=offer.asset_id, start=offer.start, score=offer.score,
            explain=[signal._asdict() for signal in offer.explain], position=position, made_by=dict(offer.made_by),
        )
        for position, offer in enumerate(new)
    )  # fmt: skip
    trim([row for row in pictures_of(scene) if not is_shown(scene, row)], KEPT)
    return len(new)


def trim(rows: Sequence[Alternative], kept: int) -> None:
    """Let the oldest of too many alternatives go: first those that were never taken, last the one before this."""
    by_worth = sorted(rows, key=lambda row: (row.replaced.timestamp() if row.replaced else 0.0, row.pk))
    Alternative.objects.filter(pk__in=[row.pk for row in by_worth[: max(0, len(rows) - kept)]]).delete()


def pictures_of(scene: Scene) -> list[Alternative]:
    """The pictures beside a scene's own, in their order."""
    return list(scene.alternatives.filter(part=Alternative.Part.PICTURE).order_by("position", "pk"))


def next_seed(scene: Scene) -> int:
    """A seed that nothing was drawn with for this scene yet."""
    used = [row.made_by.get("seed") for row in pictures_of(scene)]
    if scene.asset is not None:
        used.append(scene.asset.made_by.get("seed"))
    return (max((seed for seed in used if isinstance(seed, int)), default=scene.position) + 1) % MAX_SEED


def is_shown(scene: Scene, picture: Alternative) -> bool:
    """Whether a scene shows this picture now."""
    return scene.asset_id == picture.asset_id and abs(scene.start - picture.start) < 0.05


def is_drawn(picture: Alternative) -> bool:
    """Whether it was drawn for its scene, and not found."""
    return bool(picture.made_by) or any(signal.get("name") == DRAWN for signal in picture.explain)
