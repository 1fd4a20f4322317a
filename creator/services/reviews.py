"""Verbs of a review: have machines judge a story, submit it, let a person decide."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from creator.models import Event, Revision, Story, User, Variant
from creator.services import notices, variants
from creator.services.digests import digest_of
from creator.services.library import key_frame
from media_processing.engine import EngineError, Progress, no_progress
from moderation import services as moderation
from moderation.models import Decision, Review
from search.services import embedding_of

SURFACE = "site"
"""The surface whose thresholds hold before a channel is known: the strictest public one."""


def judge_story(story: Story, progress: Progress = no_progress) -> list[moderation.Piece]:
    """Have every text and picture of a story judged; content that was judged before is not judged again."""
    pieces = [
        moderation.Piece(where, text, moderation.judge_text(story.workspace_id, text, language=story.language))
        for where, text in _texts(story)
    ]
    scenes = [scene for scene in story.scenes.select_related("asset") if scene.asset]
    for number, scene in enumerate(scenes):
        if scene.asset is None:
            continue
        where = f"scene {scene.position + 1}: picture"
        frame = key_frame(scene.asset, scene.start)
        if frame is None:  # nothing could be looked at, which never passes
            pieces.append(moderation.Piece(where, scene.asset.title))
        else:
            content = moderation.frame_digest(scene.asset.digest, scene.start)
            verdicts = moderation.judge_picture(
                story.workspace_id, content, frame, embedding=embedding_of(scene.asset, scene.start)
            )
            pieces.append(moderation.Piece(where, scene.asset.title, verdicts))
        progress((number + 1) / len(scenes))
    return pieces


def _texts(story: Story) -> list[tuple[str, str]]:
    texts = [("headline", story.title), ("summary", story.summary), ("hashtags", " ".join(story.hashtags))]
    for scene in story.scenes.all():
        name = f"scene {scene.position + 1}"
        texts += [(f"{name}: narration", scene.narration), (f"{name}: on screen", scene.on_screen)]
        texts.append((f"{name}: alt text", scene.alt))
    return [(where, text) for where, text in texts if text.strip()]


def submit(story: Story, *, by: User | None) -> Review:
    """Freeze the story's variants as revisions and open a case for them. Raises EngineError for a blocking finding."""
    if story.state == Story.State.MAKING:
        raise EngineError("This story is still being made.", next_step="Send it when it is finished.")
    variants.require_fresh(story)
    blocking = [finding for finding in variants.findings(story) if finding["severity"] == "blocking"]
    if blocking:
        raise EngineError(
            f"The check found {len(blocking)} thing(s) that must be mended: {blocking[0]['message']}",
            next_step="Open the checks at the foot of the studio.",
        )
    pieces = judge_story(story)
    policy = moderation.active_policy(story.workspace_id)
    outcome = moderation.weigh(policy, SURFACE, pieces)
    with transaction.atomic():
        fresh = Story.objects.select_for_update().get(pk=story.pk)
        if fresh.version != story.version:
            raise EngineError("The story was changed in the meantime.", next_step="Reload the page and send it again.")
        number = (fresh.revisions.aggregate(last=Max("number"))["last"] or 0) + 1
        revisions = [_revision(fresh, variant, number, by) for variant in fresh.variants.all()]
        review = moderation.open_case(
            workspace_id=fresh.workspace_id, story_id=fresh.pk, number=number,
            digests=sorted(revision.digest for revision in revisions), outcome=outcome, policy=policy,
            submitted_by_id=by.pk if by else None,
        )  # fmt: skip
        Story.objects.filter(pk=fresh.pk).update(state=Story.State.IN_REVIEW)
        _note(fresh, by, "story.submitted", review)
        notices.review_asked(fresh, review, by=by)
    story.refresh_from_db()
    return review


def _revision(story: Story, variant: Variant, number: int, by: User | None) -> Revision:
    document = variants.document(story, variant)
    return Revision.objects.create(
        workspace_id=story.workspace_id, story=story, variant=variant, number=number,
        digest=digest_of(document), document=document, created_by=by,
    )  # fmt: skip


def claim(review: Review, *, by: User) -> Review:
    """Take a case for ten minutes, so that no two people work on it."""
    return moderation.claim(review, by)


def decide(
    review: Review, *, by: User, verb: str, version: int, reason: str = "", clause: str = "", note: str = ""
) -> Decision | None:
    """Approve or reject a case. Never one's own content; the second of two decisions gets a Conflict. None where a
    second person must agree first."""
    with transaction.atomic():
        story = Story.objects.select_for_update().get(pk=review.story_id)
        decision = moderation.decide(
            review, person=by, verb=verb, version=version, reason=reason, clause=clause, note=note,
            author_id=story.author_id,
        )  # fmt: skip
        if decision is None:
            _note(story, by, "review.first", review)
            return None
        state = Story.State.APPROVED if verb == "approve" else Story.State.REJECTED
        Story.objects.filter(pk=story.pk, state=Story.State.IN_REVIEW).update(state=state)
        _note(story, by, f"review.{verb}", review)
        notices.decided(story, review, decision, by=by)
    return decision


def _note(story: Story, by: User | None, kind: str, review: Review) -> None:
    Event.objects.create(
        workspace_id=story.workspace_id, story=story, person=by, kind=kind, data={"review": review.pk}
    )
