"""Whole scripts in several tones, side by side; one is taken in place of the story's, which stays beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction

from creator import jobs
from creator.jobs import Work
from creator.models import Job, Scene, Story, User
from creator.services import charges, choices, stories, wording
from generation import services as generation
from generation.engines.base import Script, Watch, Wish
from generation.prices import Estimate
from media_processing.engine import EngineError

DRAFTS = "write_drafts"
"""The job; its subject holds {"tones", "drafts": [a draft]}, which is all that there is of them."""
BEFORE = "before"
"""The tone of the draft that keeps what a story had before another was taken."""
TONES = {"calm": "Calm", "lively": "Lively", "plain": "Plain facts", "warm": "Warm"}


def estimate(story: Story, tones: int) -> Estimate:
    """What so many drafts will cost."""
    one = wording.estimate(story, "script")
    return Estimate(one.likely * tones, one.most * tones, one.currency, one.known)


def ask(story: Story, tones: Sequence[str], *, by: User | None) -> Job:
    """Have the writer draft the story in two to four tones. Raises EngineError."""
    wanted = list(dict.fromkeys(tone for tone in tones if tone in TONES))
    if not 2 <= len(wanted) <= 4:
        raise EngineError("Choose two to four tones.", permanent=True)
    refusal = wording.can(story, "drafts")
    for problem in [*([refusal] if refusal else []), *choices.engine("writer", story.workspace).problems()]:
        raise problem
    charges.refuse_over_budget(story.workspace, by, estimate(story, len(wanted)))
    with transaction.atomic():
        Story.objects.select_for_update().get(pk=story.pk)
        running = story.jobs.filter(kind=DRAFTS, state__in=Job.OPEN).first()
        if running is not None:
            return running  # a second click
        return jobs.submit(DRAFTS, workspace=story.workspace, person=by, story=story, priority=6, tones=wanted)


def write(work: Work) -> None:
    """Write the drafts that a job asks for. One that is finished stays, whatever becomes of the next."""
    story, subject = work.job.story, work.job.subject
    if story is None:
        return
    brief, name = story.brief, choices.chosen("writer", story.workspace)
    work.begin("script")
    for number, tone in enumerate(subject["tones"]):
        if any(draft["tone"] == tone for draft in subject.get("drafts", [])):
            continue
        wish = Wish(seconds=brief.seconds, tone=tone, audience=brief.audience, language=story.language)
        with charges.charged(work, "writer", "script", characters=len(brief.article), part=f"draft:{tone}") as call:
            watch = Watch(
                progress=lambda share, done=number: work.report((done + share) / len(subject["tones"])),  # type: ignore[misc]
                meter=call.meter,
            )
            script = generation.write(wording.source_of(story), wish, engine=name, watch=watch)
            with work.effect():
                call.settle()
                subject["drafts"] = [*subject.get("drafts", []), _as_draft(tone, script, call.cost())]
                work.job.save(update_fields=["subject"])
                jobs.note(work.job, "words.offered", what="drafts")


def _as_draft(tone: str, script: Script, cost: dict[str, str]) -> dict[str, Any]:
    return {
        "tone": tone, "headline": script.headline[:300], "summary": script.summary,
        "hashtags": [tag.lstrip("#") for tag in script.hashtags], "made_by": {**script.made_by, "cost": cost},
        "scenes": [{**asdict(scene), "sources": list(scene.sources)} for scene in script.scenes],
    }  # fmt: skip


def newest(story: Story) -> Job | None:
    """The job whose drafts a page shows."""
    return story.jobs.filter(kind=DRAFTS).order_by("-id").first()


def take(story: Story, tone: str, *, by: User | None, version: int | None) -> None:
    """Put a draft in place of the story's scenes; what it had is kept as a draft. Raises EngineError."""
    with transaction.atomic():
        job = newest(story)
        drafts: list[dict[str, Any]] = job.subject.get("drafts", []) if job else []
        chosen = next((draft for draft in drafts if draft["tone"] == tone), None)
        if job is None or chosen is None:
            raise EngineError("This draft is no longer offered.", next_step="Ask for drafts again.")
        with stories.editing(story, by=by, version=version, what="draft") as fresh:
            before = _as_it_is(fresh)
            fresh.title, fresh.summary = chosen["headline"], chosen["summary"]
            fresh.hashtags = chosen["hashtags"]
            fresh.save(update_fields=["title", "summary", "hashtags"])
            fresh.scenes.all().delete()
            Scene.objects.bulk_create(
                Scene(
                    story=fresh, position=position, narration=scene["narration"], on_screen=scene["on_screen"][:200],
                    visual=scene["visual"][:300], alt=scene["alt"][:500], sources=scene["sources"],
                    asset_id=_still_there(fresh, scene.get("asset")), start=scene.get("start", 0.0),
                    chosen_by_hand=bool(scene.get("by_hand")), made_by=scene.get("made_by", ""),
                )
                for position, scene in enumerate(chosen["scenes"])
            )  # fmt: skip
            # The first words that the editor had are kept, whichever drafts they try on.
            kept = drafts if any(draft["tone"] == BEFORE for draft in drafts) else [*drafts, before]
            job.subject["drafts"] = kept
            job.save(update_fields=["subject"])
    stories.remake(story, by=by, step="renditions")


def _as_it_is(story: Story) -> dict[str, Any]:
    return {
        "tone": BEFORE, "headline": story.title, "summary": story.summary, "hashtags": list(story.hashtags),
        "made_by": {"role": "writer", "engine": story.engines.get("writer", "")},
        "scenes": [
            {
                "narration": scene.narration, "on_screen": scene.on_screen, "visual": scene.visual, "alt": scene.alt,
                "sources": scene.sources, "asset": str(scene.asset_id or ""), "start": scene.start,
                "by_hand": scene.chosen_by_hand, "made_by": scene.made_by,
            }
            for scene in story.scenes.all()
        ],
    }  # fmt: skip


def _still_there(story: Story, asset_id: str | None) -> str | None:
    """The picture of a scene that is put back, unless the library lost it meanwhile."""
    there = story.workspace.assets.filter(pk=asset_id).exists() if asset_id else False
    return asset_id if there else None


def hashtags_offered(story: Story) -> list[str]:
    """The newest hashtags on offer, without those that the story has."""
    for job in story.jobs.filter(kind=wording.OFFER, state=Job.State.DONE).order_by("-id")[:20]:
        if job.subject.get("what") == "hashtags":
            tags = [tag.lstrip("#") for tag in job.subject.get("offered", [])]
            return [tag for tag in tags if tag not in story.hashtags]
    return []
