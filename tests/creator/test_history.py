"""Edits as operations: merging, conflicts, undo and redo, versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from creator.models import Alternative, Operation, Scene, Story, StoryVersion
from creator.services import alternatives, history, reviews, snapshots, stories
from creator.services.stories import Conflict
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.factories import picture


def state(story: Story) -> dict[str, Any]:
    return snapshots.take(story).as_json()


def scene(story: Story, number: int) -> Scene:
    return story.scenes.all()[number]


def test_every_edit_is_an_operation_with_its_inverse(cast: Cast, story: Story) -> None:
    first = scene(story, 0)
    stories.edit_scene(story, first.pk, by=cast.alice, version=1, narration="New words.")
    operation = story.operations.get()
    assert (operation.person, operation.base, operation.number, operation.what) == (cast.alice, 1, 2, "scene")
    assert operation.changes == [
        {"at": str(first.pk), "field": "narration", "was": first.narration, "now": "New words."}
    ]
    assert snapshots.inverse(operation.changes)[0]["now"] == first.narration


def test_an_edit_that_changes_nothing_keeps_the_approval(cast: Cast, story: Story) -> None:
    reviews.submit(story, by=cast.alice)
    before = story.version
    stories.edit_scene(story, scene(story, 0).pk, by=cast.alice, narration=scene(story, 0).narration)
    assert story.version == before
    assert story.state == Story.State.IN_REVIEW
    assert not story.operations.exists()


def test_edits_of_different_scenes_merge(cast: Cast, story: Story) -> None:
    base = story.version
    stories.edit_scene(story, scene(story, 0).pk, by=cast.alice, version=base, narration="By Alice.")
    stories.edit_scene(story, scene(story, 1).pk, by=cast.bob, version=base, narration="By Bob.")
    stories.edit_scene(story, scene(story, 0).pk, by=cast.bob, version=base, on_screen="Bob's line")
    assert [each.narration for each in story.scenes.all()][:2] == ["By Alice.", "By Bob."]
    assert scene(story, 0).on_screen == "Bob's line"


def test_the_same_field_is_never_overwritten_unseen(cast: Cast, story: Story) -> None:
    base = story.version
    stories.edit_scene(story, scene(story, 0).pk, by=cast.alice, version=base, narration="By Alice.")
    with pytest.raises(Conflict, match="alice changed the same") as refused:
        stories.edit_scene(story, scene(story, 0).pk, by=cast.bob, version=base, narration="By Bob.")
    assert not refused.value.only_order
    assert scene(story, 0).narration == "By Alice."
    with pytest.raises(Conflict):
        stories.remove_scene(story, scene(story, 0).pk, by=cast.bob, version=base)
    stories.move_scene(story, scene(story, 0).pk, by=cast.alice, version=story.version, position=1)
    with pytest.raises(Conflict) as refused:
        stories.move_scene(story, scene(story, 0).pk, by=cast.bob, version=base, position=2)
    assert refused.value.only_order


def test_a_version_that_nobody_knows_is_a_conflict(cast: Cast, story: Story) -> None:
    Story.objects.filter(pk=story.pk).update(version=5)  # edits from before operations were written down
    for version in (3, 9):
        with pytest.raises(Conflict):
            stories.edit_scene(story, scene(story, 0).pk, by=cast.alice, version=version, narration="Late.")


def edits(story: Story, cast: Cast) -> list[Any]:
    """Every kind of edit, one after the other."""
    offer = Alternative.objects.create(scene=scene(story, 0), asset=picture(cast.workspace, "red", "Red"), score=0.5)
    Alternative.objects.create(scene=scene(story, 1), asset=picture(cast.workspace, "lime", "Lime"), score=0.4)
    first, second, third = (each.pk for each in story.scenes.all())
    by = cast.alice
    return [
        lambda: stories.edit_scene(story, first, by=by, narration="Other words."),
        lambda: stories.edit_story(story, by=by, title="Other headline", hashtags=["sea"], music="calm"),
        lambda: stories.move_scene(story, first, by=by, position=2),
        lambda: stories.edit_scene(story, second, by=by, motion="push", transition="fade", focus=[0.2, 0.3]),
        lambda: stories.add_scene(story, by=by, position=1, narration="A new line."),
        lambda: alternatives.choose_picture(story, first, by=by, alternative_id=offer.pk),
        lambda: stories.remove_scene(story, second, by=by),
        lambda: stories.edit_scene(story, third, by=by, on_screen="Third"),
    ]


@pytest.mark.slow
def test_fifty_steps_back_and_forth_give_the_same_document(cast: Cast, story: Story) -> None:
    states = [state(story)]
    for edit in edits(story, cast):
        edit()
        states.append(state(story))
    third = scene(story, 2).pk
    while len(states) < 51:
        stories.edit_scene(story, third, by=cast.alice, alt=f"Description {len(states)}")
        states.append(state(story))
    for wanted in reversed(states[:-1]):
        history.undo(story, by=cast.alice)
        assert state(story) == wanted
    with pytest.raises(EngineError, match="nothing of yours"):
        history.undo(story, by=cast.alice)
    for wanted in states[1:]:
        history.redo(story, by=cast.alice)
        assert state(story) == wanted
    with pytest.raises(EngineError, match="nothing of yours"):
        history.redo(story, by=cast.alice)


def test_a_removed_scene_comes_back_with_its_pictures_and_its_sound(cast: Cast, story: Story) -> None:
    gone = scene(story, 1)
    offer = Alternative.objects.create(scene=gone, asset=picture(cast.workspace, "lime", "Lime"), score=0.4)
    stories.remove_scene(story, gone.pk, by=cast.alice)
    assert not Alternative.objects.filter(pk=offer.pk).exists()
    history.undo(story, by=cast.alice)
    back = scene(story, 1)
    assert (back.pk, back.asset_id, back.sound_id, back.words) == (gone.pk, gone.asset_id, gone.sound_id, gone.words)
    assert back.alternatives.get().asset_id == offer.asset_id


def test_everybody_undoes_their_own(cast: Cast, story: Story) -> None:
    stories.edit_scene(story, scene(story, 0).pk, by=cast.alice, narration="By Alice.")
    stories.edit_scene(story, scene(story, 1).pk, by=cast.bob, narration="By Bob.")
    history.undo(story, by=cast.alice)
    assert [each.narration for each in story.scenes.all()][:2] != ["By Alice.", "By Bob."]
    assert scene(story, 1).narration == "By Bob."
    assert history.undoable(story, cast.alice) is None
    assert history.redoable(story, cast.bob) is None


def test_a_new_edit_ends_what_could_be_redone(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, title="One")
    stories.edit_story(story, by=cast.alice, title="Two")
    history.undo(story, by=cast.alice)
    stories.edit_story(story, by=cast.alice, title="Three")
    assert history.redoable(story, cast.alice) is None
    history.undo(story, by=cast.alice)
    assert story.title == "One"
    history.undo(story, by=cast.alice)
    assert story.title == "A lighthouse for the harbour"


def test_an_undo_of_what_somebody_changed_since_says_so_and_goes_on(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, title="By Alice")
    stories.edit_scene(story, scene(story, 0).pk, by=cast.alice, narration="By Alice.")
    stories.edit_scene(story, scene(story, 0).pk, by=cast.bob, narration="By Bob.")
    with pytest.raises(Conflict, match="bob changed the narration of a scene since"):
        history.undo(story, by=cast.alice)
    assert scene(story, 0).narration == "By Bob."
    history.undo(story, by=cast.alice)
    assert story.title == "A lighthouse for the harbour"
    assert scene(story, 0).narration == "By Bob."


def test_an_added_scene_that_others_wrote_into_is_not_undone(cast: Cast, story: Story) -> None:
    stories.add_scene(story, by=cast.alice, position=0, narration="A new line.")
    stories.edit_scene(story, scene(story, 0).pk, by=cast.bob, on_screen="Bob's")
    with pytest.raises(Conflict, match="bob changed a new scene"):
        history.undo(story, by=cast.alice)
    assert story.scenes.count() == 4


def test_an_order_is_undone_around_scenes_that_came_since(cast: Cast, story: Story) -> None:
    first, second, third = (each.pk for each in story.scenes.all())
    stories.move_scene(story, third, by=cast.alice, position=0)
    stories.add_scene(story, by=cast.bob, position=1, narration="Bob's line.")
    added = scene(story, 1).pk
    history.undo(story, by=cast.alice)
    assert [each.pk for each in story.scenes.all()] == [first, added, second, third]


def test_an_undo_after_a_new_script_says_so(cast: Cast, story: Story) -> None:
    stories.edit_scene(story, scene(story, 0).pk, by=cast.alice, narration="By Alice.")
    story.scenes.all().delete()
    Scene.objects.create(story=story, position=0, narration="Written anew.")
    with pytest.raises(Conflict, match="A new script changed"):
        history.undo(story, by=cast.alice)


def test_a_picture_that_is_gone_is_missing_after_an_undo(cast: Cast, story: Story) -> None:
    old = scene(story, 0).asset
    assert old
    alternatives.choose_picture(story, scene(story, 0).pk, by=cast.alice, asset=picture(cast.workspace, "red", "R"))
    old.delete()
    history.undo(story, by=cast.alice)
    assert scene(story, 0).asset is None


def test_versions_are_kept_by_themselves_and_by_name(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, title="One")
    stories.edit_story(story, by=cast.alice, title="Two")
    kept = list(story.versions.all())
    assert [(each.reason, each.document["story"]["title"]) for each in kept] == [
        (StoryVersion.Reason.SESSION, "A lighthouse for the harbour")
    ]
    named = history.name_version(story, " For the\x00 desk ", by=cast.bob)
    assert (named.name, named.number, named.person) == ("For the desk", 3, cast.bob)
    assert history.name_version(story, "Again", by=cast.bob).pk == named.pk
    with pytest.raises(EngineError, match="needs a name"):
        history.name_version(story, "  ", by=cast.bob)
    stories.remake(story, by=cast.alice, step="script")
    assert story.versions.count() == 2  # this one has its name already


def test_a_version_is_restored_as_a_new_one_and_undone(cast: Cast, story: Story) -> None:
    before = state(story)
    kept = history.name_version(story, "Before", by=cast.alice)
    for edit in edits(story, cast):
        edit()
    after = state(story)
    assert history.restore(story, kept, by=cast.bob) == 0
    assert state(story) == before
    assert story.version == len(edits(story, cast)) + 2
    newest, replaced = story.versions.all()[:2]
    assert (newest.reason, newest.name) == (StoryVersion.Reason.RESTORED, "Before")
    assert replaced.reason == StoryVersion.Reason.BEFORE_RESTORE
    assert replaced.document == after
    history.undo(story, by=cast.bob)
    assert state(story) == after


def test_what_differs_between_two_versions(cast: Cast, story: Story) -> None:
    was = snapshots.take(story)
    first, second, _third = (each.pk for each in story.scenes.all())
    stories.edit_scene(story, first, by=cast.alice, narration="The harbour got an old lighthouse on Friday.")
    stories.remove_scene(story, second, by=cast.alice)
    stories.add_scene(story, by=cast.alice, position=2, narration="And more.")
    stories.edit_story(story, by=cast.alice, title="A lighthouse")
    found = history.compare(was, snapshots.take(story))
    assert [(each.title, each.state) for each in found] == [
        ("The story", "changed"), ("Scene 1", "changed"), ("Scene 2", "went"), ("Scene 3", "came"),
    ]  # fmt: skip
    row = found[1].rows[0]
    assert row.label == "Narration"
    assert ("cut", "a new") in row.old or ("cut", "new") in row.old
    assert "".join(text for _verb, text in row.new) == "The harbour got an old lighthouse on Friday."
    assert not history.compare(was, was)


def test_a_moved_scene_is_said_to_have_moved(cast: Cast, story: Story) -> None:
    was = snapshots.take(story)
    stories.move_scene(story, scene(story, 2).pk, by=cast.alice, position=0)
    moved = [each for each in history.compare(was, snapshots.take(story)) if each.places]
    assert [each.places for each in moved] == [(3, 1)]


def test_a_scene_may_be_named_by_the_page_once(cast: Cast, story: Story) -> None:
    mine = uuid4()
    stories.add_scene(story, by=cast.alice, position=0, narration="Mine.", scene_id=mine)
    assert scene(story, 0).pk == mine
    with pytest.raises(EngineError, match="there already"):
        stories.add_scene(story, by=cast.alice, position=0, narration="Again.", scene_id=mine)


def test_operations_of_another_person_stay_when_they_leave(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.bob, title="By Bob")
    cast.bob.delete()
    assert Operation.objects.get(story=story).person is None
    with pytest.raises(EngineError, match="nothing of yours"):
        history.undo(story, by=cast.alice)


def test_what_was_sent_to_review_is_a_version_that_says_so(cast: Cast, story: Story) -> None:
    stories.keep_version(story, StoryVersion.Reason.RENDER, by=None)
    reviews.submit(story, by=cast.alice)
    kept = story.versions.get()
    assert (kept.reason, kept.person, kept.number) == (StoryVersion.Reason.REVIEW, cast.alice, story.version)
    history.name_version(story, "As sent to the desk", by=cast.bob)
    stories.keep_version(story, StoryVersion.Reason.REVIEW, by=cast.alice)
    assert story.versions.get().name == "As sent to the desk"


def test_old_edits_and_versions_go_but_never_what_somebody_kept(
    cast: Cast, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_OPERATIONS", 2)
    monkeypatch.setattr(history, "MOST_VERSIONS", 1)
    first = scene(story, 0).pk
    for number in range(5):
        stories.edit_scene(story, first, by=cast.alice, narration=f"Line {number}.")
        reason, name = [("session", ""), ("named", "Mine"), ("review", ""), ("render", ""), ("render", "")][number]
        stories.keep_version(story, reason, by=cast.alice, name=name)
    newest = story.version
    assert history.forget_old(timezone.now()) == 0
    later = timezone.now() + history.KEPT_FOR + timedelta(minutes=1)
    assert history.forget_old(later) == 3 + 3  # one version was kept before the first edit
    assert list(story.operations.values_list("number", flat=True)) == [newest - 1, newest]
    assert [each.reason for each in story.versions.order_by("number")] == ["named", "review", "render"]
    history.undo(story, by=cast.alice)
    history.undo(story, by=cast.alice)
    assert scene(story, 0).narration == "Line 2."
    with pytest.raises(EngineError, match="nothing of yours"):
        history.undo(story, by=cast.alice)
    history.redo(story, by=cast.alice)
    assert scene(story, 0).narration == "Line 3."
    assert history.forget_old(later) > 0
