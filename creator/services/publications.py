"""Verbs of publication: release what was approved, and withdraw it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from creator.jobs import Work
from creator.models import Channel, Event, Publication, Revision, Story, User, Workspace
from creator.services import audit, brands, judging, marking, notices, variants, webhooks, wording
from creator.services.links import base_url
from media_processing.engine import EngineError
from moderation import cases
from moderation import services as moderation
from moderation.models import Review
from moderation.naming import category_name


def default_channel(workspace: Workspace) -> Channel:
    """The channel that every workspace starts with."""
    return Channel.objects.get_or_create(workspace=workspace, slug="lockscreen", defaults={"name": "Lock screen"})[0]


def approved_revisions(story: Story) -> list[Revision]:
    """The revisions of the story as it is now, if a review approved exactly these. Raises EngineError otherwise."""
    review = cases.standing(story.pk)
    if review is None:
        raise EngineError("This story was not reviewed.", next_step="Send it to review first.")
    if review.state != Review.State.APPROVED:
        raise EngineError(f"Its review is {review.state}.", next_step="Wait for a moderator, or submit it again.")
    revisions = list(story.revisions.filter(number=review.number).select_related("variant"))
    now = sorted(variants.document_digest(story, variant) for variant in story.variants.all())
    if now != sorted(review.digests) or now != sorted(revision.digest for revision in revisions):
        raise EngineError(
            "The story was changed after it was approved, which voids the approval.",
            next_step="Send it to review again.",
        )
    return revisions


def require_weighed(story: Story, channel: Channel, number: int) -> None:
    """Raise EngineError where the policy weighs an approved submission heavier on a channel than those who approved it
    were shown: the channel, or its surface, came after their decision."""
    if channel.surface == judging.SURFACE:  # weighed for each submission
        return
    policy = moderation.active_policy(story.workspace_id)
    outcome = moderation.weigh(policy, channel.surface, judging.judge_story(story))
    approved = story.reviews.filter(number=number, state=Review.State.APPROVED).values_list("reasons", flat=True)
    unseen = moderation.heavier(outcome.reasons, (reason for reasons in approved for reason in reasons))
    if unseen:
        found = ", ".join(sorted({category_name(reason["category"]) for reason in unseen}))
        raise EngineError(
            f"The policy is stricter for {channel.name} ({channel.surface}) than what was approved: {found}.",
            next_step="Send the story to review again: it is then weighed for that channel too.",
        )


def releasable(story: Story, channel: Channel) -> list[Revision]:
    """The approved revisions of a story, if they may appear on a channel now. Raises EngineError otherwise."""
    if channel.workspace_id != story.workspace_id:
        raise EngineError("This channel belongs to another workspace.", permanent=True)
    story.refresh_from_db(fields=["embargo"])
    if story.embargo and timezone.now() < story.embargo:
        raise EngineError(
            f"It is under embargo until {story.embargo:%Y-%m-%d %H:%M} UTC.", next_step="Publish it then, or plan it."
        )
    approved = approved_revisions(story)
    require_weighed(story, channel, approved[0].number)
    return approved


def publish(
    story: Story, channel: Channel, *, by: User | None, expires: datetime | None = None, note: str = "",
    work: Work | None = None, then: Callable[[], object] | None = None,
) -> Publication:  # fmt: skip
    """Release the approved revisions of a story to a channel; an earlier publication there is replaced.

    From `expires` on it is gone again. `note` tells readers what was corrected, where it is published already.
    `work` is the job that does it, where videos have to be encoded for it (marking.takes_long), and `then` is done in
    the transaction that releases it.
    """
    # Marking takes seconds: before the transaction, which then looks whether this still is what was approved.
    files = marking.marked(story, releasable(story, channel), channel, work=work)
    with work.effect() if work else transaction.atomic():
        story = Story.objects.select_for_update().get(pk=story.pk)
        revisions = approved_revisions(story)
        now = timezone.now()
        publication, created = Publication.objects.get_or_create(
            channel=channel, story=story,
            defaults={
                "workspace_id": story.workspace_id, "published": now, "updated": now, "original": wording.origin(story)
            },
        )  # fmt: skip
        new = created or publication.withdrawn is not None
        publication.updated, publication.withdrawn, publication.reason = now, None, ""
        if {each["marks"]["approved"] for each in files if each.get("marks", {}).get("approved")} - _digests(revisions):
            raise EngineError("It was approved anew just now.", next_step="Publish it again.")
        corrections = [] if new else list(publication.document.get("corrections", []))
        if note.strip() and not new:
            corrections.append({"at": now.isoformat(), "note": note.strip()[:500]})
        publication.expires = expires
        publication.document = _document(story, revisions, publication.published, now)
        worn = [asset.digest for asset in brands.files_of(story)]
        publication.document |= {"renditions": files, "corrections": corrections, "brand_files": worn}
        publication.language = publication.document["language"][:12]
        publication.save()
        publication.revisions.set(revisions)
        publication.renditions.set([each["id"] for each in publication.document["renditions"]])
        cases.void_replaced(story.pk, revisions[0].number)
        Story.objects.filter(pk=story.pk).update(state=Story.State.PUBLISHED)
        webhooks.tell(
            channel, "content.published" if new else "content.updated", story=story, data=_said(publication)
        )
        Event.objects.create(
            workspace_id=story.workspace_id, story=story, person=by, kind="story.published",
            data={"channel": channel.slug, "publication": str(publication.pk), "again": not created},
        )  # fmt: skip
        notices.published(publication, by=by)
        said = {"story": story.pk, "channel": channel.slug, "number": revisions[0].number}
        audit.record("publication.publish", publication, by=by, workspace=story.workspace_id, detail=said)
        if then is not None:
            then()
    return publication


def withdraw(publication: Publication, *, by: User | None, reason: str) -> None:
    """Take a publication back: the API answers 410 from now on."""
    if not reason.strip():
        raise EngineError("Say why it is withdrawn.", permanent=True)
    with transaction.atomic():
        now = timezone.now()
        live = Publication.objects.filter(pk=publication.pk, withdrawn__isnull=True)
        if not live.update(withdrawn=now, updated=now, reason=reason.strip()[:300]):
            return
        publication.refresh_from_db()
        removed = {"removed_at": now.isoformat(), "reason": publication.reason}
        webhooks.tell(
            publication.channel, "content.removed", story=publication.story, data={**_said(publication), **removed}
        )
        Event.objects.create(
            workspace_id=publication.workspace_id, story_id=publication.story_id, person=by, kind="story.withdrawn",
            data={"publication": str(publication.pk), "reason": reason.strip()[:300]},
        )  # fmt: skip
        said = {"story": publication.story_id, "channel": publication.channel.slug, "reason": publication.reason}
        audit.record("publication.withdraw", publication, by=by, workspace=publication.workspace_id, detail=said)


def _said(publication: Publication) -> dict[str, Any]:
    """What a webhook says of a publication: where to fetch it, not what is in it."""
    told = ("title", "language", "published_at", "updated_at", "ai_disclosure", "corrections")
    return {
        "story": str(publication.story_id),
        "channel": publication.channel.slug,
        "url": f"{base_url()}/api/v1/stories/{publication.story_id}",
        **{name: publication.document[name] for name in told if name in publication.document},
    }


def _digests(revisions: list[Revision]) -> set[str]:
    """Of all files that were approved."""
    return {each["digest"] for revision in revisions for each in revision.document["renditions"]}


def _document(story: Story, revisions: list[Revision], published: datetime, updated: datetime) -> dict[str, Any]:
    """What downstream apps get: made once, from what was approved."""
    first = revisions[0].document
    return {
        "id": str(story.pk),
        "title": first["title"],
        "summary": first["summary"],
        "language": first["language"],
        "hashtags": first["hashtags"],
        "scenes": first["scenes"],
        "sources": first["sources"],
        "ai_disclosure": first["ai_disclosure"],
        "published_at": published.isoformat(),
        "updated_at": updated.isoformat(),
    }
