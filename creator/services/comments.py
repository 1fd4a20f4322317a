"""What people say about a story, a scene or a second of its video, with answers and mentions; and whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from creator.models import Comment, Event, ReviewLink, Story, User
from creator.services import notices
from media_processing.engine import EngineError

LONGEST = 2000
MENTION = re.compile(r"(?<![\w.+-])@([\w.+-]*\w)")
KIND = "story.comment"
THROUGH_A_LINK = ((timedelta(minutes=10), 10), (timedelta(days=1), 60))
"""How many comments a link takes in how long."""


def members(story: Story) -> list[User]:
    """Those who may be mentioned, and whom a story may be given to."""
    found = User.objects.filter(memberships__workspace=story.workspace_id, is_active=True)
    return list(found.order_by("username").distinct())


def say(
    story: Story, *, by: User, text: str, scene: UUID | None = None, second: float | None = None,
    thread: int | None = None,
) -> Comment:  # fmt: skip
    """Comment on a story, a scene or a second of its video, or answer in a thread. Whoever is mentioned is told."""
    with transaction.atomic():
        comment = _keep(
            story, text, scene=scene, second=second, thread=_thread(story.comments.all(), thread), author=by
        )
        named = {name.casefold() for name in MENTION.findall(comment.text)}
        mentioned = [person for person in members(story) if person.username.casefold() in named]
        comment.mentions.set(mentioned)
        where = f"#scene-{comment.scene}" if comment.scene else ""
        notices.mentioned(mentioned, story=story, by=by, words=comment.text, once=str(comment.pk), where=where)
    return comment


def say_through(
    link: ReviewLink, *, name: str, text: str, scene: UUID | None = None, second: float | None = None,
    thread: int | None = None,
) -> Comment:  # fmt: skip
    """Comment as somebody without an account. Raises EngineError where there were too many lately."""
    name = " ".join(name.replace("\x00", "").split())[:80]
    if not name:
        raise EngineError("Say who you are.", next_step="Your name stands beside your comment.")
    with transaction.atomic():
        locked = ReviewLink.objects.select_for_update().get(pk=link.pk)
        for span, most in THROUGH_A_LINK:
            if locked.comments.filter(created__gt=timezone.now() - span).count() >= most:
                raise EngineError(
                    "There were many comments through this link lately.",
                    next_step=f"Try again in {int(span.total_seconds() // 60)} minutes; your words are still here.",
                )
        own = _thread(Comment.objects.filter(link=link, thread=None), thread)
        return _keep(link.story, text, scene=scene, second=second, thread=own, link=link, name=name)


def _thread(of: Iterable[Comment], pk: int | None) -> Comment | None:
    """The comment that a thread began with."""
    if pk is None:
        return None
    found = next((each for each in of if each.pk == pk), None)
    if found is None:
        raise EngineError("This comment is gone.", next_step="Reload the page.")
    return found.thread or found


def _keep(
    story: Story, text: str, *, scene: UUID | None, second: float | None, thread: Comment | None,
    author: User | None = None, link: ReviewLink | None = None, name: str = "",
) -> Comment:  # fmt: skip
    text = text.replace("\x00", "").strip()
    if not text:
        raise EngineError("The comment is empty.", next_step="Write what you want to say.")
    if len(text) > LONGEST:
        raise EngineError(f"The comment is longer than {LONGEST:,} characters.", next_step="Say it in two.")
    if second is not None and not 0 <= second < 24 * 3600:
        raise EngineError("The video has no such second.", next_step="Leave the second out, or choose another.")
    if thread is not None:
        scene, second = thread.scene, thread.second
    elif scene is not None and not story.scenes.filter(pk=scene).exists():
        raise EngineError("This scene is gone.", next_step="Say it about the whole story instead.")
    comment = Comment.objects.create(
        workspace_id=story.workspace_id, story=story, scene=scene, second=second, thread=thread, author=author,
        link=link, name=name, text=text,
    )  # fmt: skip
    if thread is not None and thread.resolved:
        Comment.objects.filter(pk=thread.pk).update(resolved=None, resolved_by=None)
    Event.objects.create(workspace_id=story.workspace_id, story=story, person=author, kind=KIND)
    return comment


def resolve(story: Story, comment_id: int, *, by: User, resolved: bool = True) -> Comment:
    """Mark a thread as settled, or open it again."""
    with transaction.atomic():
        comment = _thread(story.comments.select_related("thread"), comment_id)
        assert comment is not None  # noqa: S101 - else it raised
        comment.resolved, comment.resolved_by = (timezone.now(), by) if resolved else (None, None)
        comment.save(update_fields=["resolved", "resolved_by"])
        Event.objects.create(workspace_id=story.workspace_id, story=story, person=by, kind=KIND)
    return comment


def remove(story: Story, comment_id: int, *, by: User) -> None:
    """Take back one's own comment. Raises EngineError for somebody else's, and for one that others answered."""
    with transaction.atomic():
        comment = story.comments.select_for_update().filter(pk=comment_id, author=by).first()
        if comment is None:
            raise EngineError("There is no such comment of yours.", next_step="Reload the page.", permanent=True)
        if comment.answers.exclude(author=by).exists():
            raise EngineError(
                "Others answered this comment, so it stays.", permanent=True,
                next_step="Resolve it, or answer that it no longer holds.",
            )  # fmt: skip
        comment.delete()
        Event.objects.create(workspace_id=story.workspace_id, story=story, person=by, kind=KIND)


def threads(story: Story, *, link: ReviewLink | None = None) -> list[Comment]:
    """The threads of a story, the oldest first; for somebody with a link those that began through it, and no others."""
    found = story.comments.filter(thread=None).select_related("author", "resolved_by", "link")
    if link is not None:
        found = found.filter(link=link)
    return list(found.prefetch_related("answers__author"))


def assign(story: Story, person_id: int | None, *, by: User) -> User | None:
    """Give a story to a member of its workspace, or to nobody."""
    person = next((each for each in members(story) if each.pk == person_id), None)
    if person_id is not None and person is None:
        raise EngineError("This person isn't in the workspace.", next_step="Choose one of the list.")
    with transaction.atomic():
        fresh = Story.objects.select_for_update().get(pk=story.pk)
        if fresh.assignee_id == person_id:
            return person
        Story.objects.filter(pk=story.pk).update(assignee=person)
        Event.objects.create(
            workspace_id=story.workspace_id, story=story, person=by, kind="story.assigned", data={"to": person_id}
        )
        if person is not None:
            notices.assigned(person, story=story, by=by, once=f"{story.pk}:{timezone.now():%Y-%m-%dT%H:%M:%S.%f}")
    story.refresh_from_db()
    return person
