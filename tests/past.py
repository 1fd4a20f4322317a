"""Past content in bulk: stories that were judged, approved and published, as rows, without making or rendering them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from creator.models import Brief, Channel, Publication, Revision, Story, User, Workspace
from media_processing import pdq
from media_processing.models import Asset
from moderation import services as moderation
from moderation.engines import hashes
from moderation.models import Part, PictureHash, Review, Verdict
from moderation.verdicts import METHOD


@dataclass(frozen=True)
class Past:
    """One story to have been published."""

    title: str
    forms: pdq.Forms | None = None
    """Hashes of its picture; none for a story without one."""
    channel: Channel | None = None
    """None: approved and not published."""


def published(
    workspace: Workspace, author: User, stories: Sequence[Past], *, asset: Asset | None = None
) -> list[Story]:
    """All of them, judged by the judges of text that are configured and approved under the policy that counts."""
    policy = moderation.active_policy(workspace.pk)
    briefs = Brief.objects.bulk_create(Brief(workspace=workspace, article=each.title) for each in stories)
    rows = Story.objects.bulk_create(
        Story(workspace=workspace, brief=brief, author=author, title=each.title, state=Story.State.PUBLISHED)
        for brief, each in zip(briefs, stories, strict=True)
    )
    parts, kept, verdicts = [], {}, []
    for row, each in zip(rows, stories, strict=True):
        content = moderation.content_of(each.title)
        moderation.judge_text(workspace.pk, each.title)
        parts.append(Part(workspace=workspace, story=row, number=1, where="headline", kind="text", content=content,
                          text=each.title, language="en"))  # fmt: skip
        if each.forms is not None:
            content = hashlib.sha256(each.forms.bits.tobytes()).hexdigest()
            parts.append(Part(workspace=workspace, story=row, number=1, where="scene 1: picture", kind="picture",
                              content=content, text="A picture", asset=asset))  # fmt: skip
            if content not in kept:
                kept[content] = PictureHash(workspace=workspace, content=content, method=METHOD,
                                            forms=each.forms.bits.tobytes(), quality=each.forms.quality)  # fmt: skip
                verdicts.append(Verdict(workspace=workspace, content=content, kind="picture", engine="hashes",
                                        model=f"pdq-{hashes.VERSION}-", scores={"banned": 0.0}))  # fmt: skip
    Part.objects.bulk_create(parts, batch_size=2000)
    PictureHash.objects.bulk_create(kept.values(), batch_size=2000)
    Verdict.objects.bulk_create(verdicts, batch_size=2000)
    now = timezone.now()
    digests = [hashlib.sha256(str(row.pk).encode()).hexdigest() for row in rows]
    revisions = Revision.objects.bulk_create(
        Revision(workspace=workspace, story=row, number=1, digest=digest, document={"title": row.title, "scenes": []})
        for row, digest in zip(rows, digests, strict=True)
    )
    Review.objects.bulk_create(
        Review(workspace=workspace, story=row, number=1, digests=[digest], policy=policy, outcome="pass",
               state=Review.State.APPROVED, decided=now)
        for row, digest in zip(rows, digests, strict=True)
    )  # fmt: skip
    live = [(row, each.channel, revision) for row, each, revision in zip(rows, stories, revisions, strict=True)
            if each.channel is not None]  # fmt: skip
    made = Publication.objects.bulk_create(
        Publication(workspace=workspace, channel=channel, story=row, original=row.pk, published=now, updated=now,
                    document={"title": row.title, "language": "en", "renditions": []})
        for row, channel, _revision in live
    )  # fmt: skip
    through = Publication.revisions.through
    through.objects.bulk_create(
        through(publication_id=publication.pk, revision_id=revision.pk)
        for publication, (_row, _channel, revision) in zip(made, live, strict=True)
    )
    return rows

