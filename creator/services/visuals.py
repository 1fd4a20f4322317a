"""What is seen in a scene: chosen from the library by search, or drawn where nothing fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from creator.jobs import Work
from creator.models import Alternative, Scene, Story, Workspace
from creator.services import charges, choices, library
from generation import services as generation
from media_processing.models import Asset
from search import ranking
from search import services as search

OFFERED = 8
"""Alternatives that an editor sees beside a scene's picture."""
DRAWN_SIDE = (1080, 1920)
"""Pictures drawn for a scene are as tall as the tallest format; a crop serves the others."""


@dataclass(frozen=True)
class Offer:
    """A picture that a scene could show."""

    asset_id: UUID
    start: float
    score: float
    explain: tuple[ranking.Signal, ...] = ()


@dataclass(frozen=True)
class Offers:
    """A scene's offers, the chosen one first."""

    offers: tuple[Offer, ...]
    fits: bool
    """Whether the first one shows what the line is about."""
    made_by: str = "search"

    def with_drawn(self, asset: Asset) -> Offers:
        """The same with a picture that was drawn for the scene in front."""
        best = max((offer.score for offer in self.offers), default=0.0)
        drawn = Offer(asset.pk, 0.0, best, (ranking.Signal("drawn for this scene", 1.0, best, best),))
        rest = tuple(offer for offer in self.offers if offer.asset_id != asset.pk)
        return replace(self, offers=(drawn, *rest), fits=True, made_by="painter")


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
        literal=True,
    )  # fmt: skip
    return search.find(query).found


def _offer(hit: search.Found) -> Offer:
    return Offer(hit.asset_id, hit.start, hit.score, tuple(hit.explain))


def draw(work: Work, story: Story, scene: Scene, *, seed: int, words: str = "") -> Asset:
    """Draw a picture for a scene and keep it in the library."""
    words = words or scene.visual or scene.narration
    width, height = DRAWN_SIDE
    painter = choices.chosen("painter", story.workspace)
    with charges.charged(work, "painter", "draw", characters=len(words), part=f"{scene.pk}:{seed}") as call:
        picture = generation.draw(
            words[:300], width=width, height=height, seed=seed, style=story.style, engine=painter,
            progress=lambda _share: work.check(), meter=call.meter,
        )
    return library.keep(
        story.workspace, picture.content, title=picture.alt, alt=picture.alt, tags=picture.tags,
        made_by=dict(picture.made_by), by=work.job.person,
    )  # fmt: skip


def keep(scene: Scene, offers: Offers) -> None:
    """Show the first offer in a scene and keep the others beside it."""
    if not offers.offers:
        return
    first = offers.offers[0]
    asset = Asset.objects.get(pk=first.asset_id)
    scene.asset, scene.start, scene.alt = asset, first.start, (asset.alt or scene.alt)[:500]
    scene.made_by = offers.made_by
    scene.save(update_fields=["asset", "start", "alt", "made_by"])
    scene.alternatives.filter(part=Alternative.Part.PICTURE).delete()
    keep_alternatives(scene, offers)


def keep_alternatives(scene: Scene, offers: Offers) -> None:
    """Add offers beside a scene's picture, in their order."""
    there = set(scene.alternatives.filter(part=Alternative.Part.PICTURE).values_list("asset_id", flat=True))
    new = [offer for offer in offers.offers if offer.asset_id not in there][:OFFERED]
    Alternative.objects.bulk_create(
        Alternative(
            scene=scene, part=Alternative.Part.PICTURE, asset_id=offer.asset_id, start=offer.start, score=offer.score,
            explain=[asdict(signal) for signal in offer.explain], position=len(there) + position,
        )
        for position, offer in enumerate(new)
    )  # fmt: skip
