"""Who is here, what is said about a story, whose it is, and links for those without an account."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from creator.models import AuditEntry, Comment, Event, Notice, Presence, ReviewLink, Story
from creator.services import comments, presence, review_links, stories
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.factories import finished_story, picture, rendition


def test_people_see_who_else_is_here_and_where(cast: Cast, story: Story) -> None:
    scene = story.scenes.all()[1].pk
    presence.here(story, cast.alice)
    presence.here(story, cast.bob, scene)
    assert presence.others(story, cast.alice) == [
        {"id": cast.bob.pk, "name": "bob", "initials": "BO", "scene": str(scene)}
    ]
    Presence.objects.filter(person=cast.bob).update(seen=timezone.now() - presence.GONE_AFTER)
    assert not presence.others(story, cast.alice)
    presence.here(story, cast.bob)
    presence.leave(story, cast.bob)
    assert not presence.others(story, cast.alice)


def test_only_news_of_somebody_are_told_and_old_ones_forgotten(cast: Cast, story: Story) -> None:
    told = Event.objects.filter(kind=presence.KIND, person=cast.bob)
    presence.here(story, cast.bob)
    first = told.get().pk
    presence.here(story, cast.bob)
    assert told.get().pk == first
    presence.here(story, cast.bob, story.scenes.all()[0].pk)
    assert told.get().pk > first
    presence.leave(story, cast.bob)
    assert told.get().data["gone"]


def test_who_is_mentioned_is_told_once_and_only_members_are(cast: Cast, story: Story) -> None:
    scene = story.scenes.all()[0].pk
    said = comments.say(story, by=cast.alice, text="@Bob, @charlie and @alice: look, mail@mo", scene=scene)
    assert set(said.mentions.all()) == {cast.bob, cast.alice}
    told = Notice.objects.filter(kind=Notice.Kind.MENTION)
    assert [notice.person for notice in told] == [cast.bob]
    assert told[0].link.endswith(f"#scene-{scene}")


def test_a_thread_is_answered_resolved_and_opened_again(cast: Cast, story: Story) -> None:
    first = comments.say(story, by=cast.alice, text="Too long?", second=12.5)
    answer = comments.say(story, by=cast.mo, text="Yes.", thread=first.pk)
    assert (answer.thread, answer.second) == (first, 12.5)
    nested = comments.say(story, by=cast.bob, text="Agreed.", thread=answer.pk)
    assert nested.thread == first
    comments.resolve(story, answer.pk, by=cast.bob)
    (thread,) = comments.threads(story)
    assert (thread.resolved_by, len(thread.answers.all())) == (cast.bob, 2)
    comments.say(story, by=cast.alice, text="Not quite.", thread=first.pk)
    assert comments.threads(story)[0].resolved is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"text": " \x00 "}, "empty"),
        ({"text": "x" * 2001}, "longer than 2,000"),
        ({"text": "x", "second": -1.0}, "no such second"),
        ({"text": "x", "second": float("nan")}, "no such second"),
        ({"text": "x", "scene": uuid4()}, "scene is gone"),
        ({"text": "x", "thread": 987_654}, "comment is gone"),
    ],
)
def test_what_makes_no_comment_is_refused(cast: Cast, story: Story, said: dict[str, object], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        comments.say(story, by=cast.alice, **said)  # type: ignore[arg-type]


def test_a_scene_that_comes_back_has_its_comments(cast: Cast, story: Story) -> None:
    from creator.services import history

    scene = story.scenes.all()[1]
    comments.say(story, by=cast.bob, text="Nice.", scene=scene.pk)
    stories.remove_scene(story, scene.pk, by=cast.alice)
    history.undo(story, by=cast.alice)
    assert comments.threads(story)[0].scene == story.scenes.all()[1].pk


def test_a_story_is_given_to_a_member_who_is_told(cast: Cast, story: Story) -> None:
    comments.assign(story, cast.bob.pk, by=cast.alice)
    assert story.assignee == cast.bob
    assert Notice.objects.get(kind=Notice.Kind.ASSIGNMENT).person == cast.bob
    comments.assign(story, cast.bob.pk, by=cast.alice)
    assert Notice.objects.filter(kind=Notice.Kind.ASSIGNMENT).count() == 1
    with pytest.raises(EngineError, match="isn't in the workspace"):
        comments.assign(story, cast.charlie.pk, by=cast.alice)
    comments.assign(story, None, by=cast.alice)
    assert story.assignee is None


def test_a_links_token_is_nowhere_and_its_use_is_audited(cast: Cast, story: Story) -> None:
    link, token = review_links.make(story, by=cast.alice, days=3, note="Dana")
    row = ReviewLink.objects.values().get(pk=link.pk)
    assert token not in str(row)
    assert len(token) >= 43
    assert ReviewLink.objects.valid().with_token(token).get() == link
    review_links.revoke(story, link.pk, by=cast.bob)
    assert not ReviewLink.objects.valid().with_token(token).exists()
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["review_link.make", "review_link.revoke"]
    assert token not in str(list(AuditEntry.objects.values()))


def test_a_link_ends(cast: Cast, story: Story) -> None:
    link, token = review_links.make(story, by=cast.alice)
    ReviewLink.objects.filter(pk=link.pk).update(expires=timezone.now() - timedelta(seconds=1))
    assert not ReviewLink.objects.valid().with_token(token).exists()
    with pytest.raises(EngineError, match="can't be valid for 400 days"):
        review_links.make(story, by=cast.alice, days=400)


def test_links_of_another_story_are_not_taken_back(cast: Cast, story: Story) -> None:
    other = finished_story(cast.workspace, cast.alice, formats=())
    link, _token = review_links.make(other, by=cast.alice)
    with pytest.raises(EngineError, match="gone"):
        review_links.revoke(story, link.pk, by=cast.alice)


def test_guests_comment_by_name_and_not_without_end(cast: Cast, story: Story) -> None:
    link, _token = review_links.make(story, by=cast.alice)
    with pytest.raises(EngineError, match="who you are"):
        review_links_say(link, name=" ")
    for _ in range(10):
        review_links_say(link)
    with pytest.raises(EngineError, match="many comments"):
        review_links_say(link)
    Comment.objects.update(created=timezone.now() - timedelta(minutes=11))
    review_links_say(link)


def review_links_say(link: ReviewLink, name: str = "Dana") -> Comment:
    return comments.say_through(link, name=name, text="@bob: shorter, please.")


def test_guests_see_their_own_threads_only_and_name_nobody(cast: Cast, story: Story) -> None:
    link, _token = review_links.make(story, by=cast.alice)
    other, _other = review_links.make(story, by=cast.alice)
    inside = comments.say(story, by=cast.bob, text="Between us.")
    mine = review_links_say(link)
    assert not mine.mentions.exists()
    assert comments.threads(story, link=link) == [mine]
    assert not comments.threads(story, link=other)
    for foreign in (inside.pk, review_links_say(other).pk):
        with pytest.raises(EngineError, match="gone"):
            comments.say_through(link, name="Dana", text="?", thread=foreign)


def test_a_link_opens_the_files_of_its_story_and_no_others(cast: Cast, story: Story) -> None:
    other = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    made, foreign = story.variants.get().rendition_id, rendition(cast.workspace, "other", b"1").pk
    assert made
    assert review_links.file_of(story, made) is not None
    assert review_links.file_of(story, foreign) is None
    sound = story.scenes.all()[0].sound_id
    assert sound
    assert review_links.file_of(story, sound) is None
    shown = story.scenes.all()[0].asset_id
    assert shown
    assert review_links.picture_of(story, shown) is not None
    assert review_links.picture_of(story, picture(cast.workspace, "red", "Private").pk) is None
    assert other.scenes.exists()


def test_a_comment_is_taken_back_by_its_author_until_somebody_answers(cast: Cast, story: Story) -> None:
    first = comments.say(story, by=cast.alice, text="Too long?")
    with pytest.raises(EngineError, match="no such comment of yours"):
        comments.remove(story, first.pk, by=cast.bob)
    own = comments.say(story, by=cast.alice, text="I mean the second line.", thread=first.pk)
    answer = comments.say(story, by=cast.bob, text="No.", thread=first.pk)
    with pytest.raises(EngineError, match="Others answered"):
        comments.remove(story, first.pk, by=cast.alice)
    comments.remove(story, own.pk, by=cast.alice)
    comments.remove(story, answer.pk, by=cast.bob)
    comments.remove(story, first.pk, by=cast.alice)
    assert not story.comments.exists()
