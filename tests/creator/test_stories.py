"""Verbs of a story: from the brief on, edits, conflicts, what is made again."""

from __future__ import annotations

import pytest

from creator import jobs
from creator.models import Job, Story
from creator.services import alternatives, reviews, samples, stories, variants
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.factories import finished_story, picture

SHORT = (
    "The harbour got a new lighthouse on Friday. Fishers had asked for it for ten years. "
    "The light can be seen from twenty miles away. It cost less than planned."
)


def brief(cast: Cast, **options: object) -> Story:
    return stories.create(
        cast.workspace, by=cast.alice, article=SHORT, formats=options.pop("formats", ["card:1x1"]), **options
    )  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_brief_becomes_a_story_with_pictures_voice_and_cards(cast: Cast) -> None:
    story = brief(cast)
    jobs.work_off()
    story.refresh_from_db()
    assert story.state == Story.State.DRAFT
    scenes = list(story.scenes.all())
    assert scenes
    for scene in scenes:
        assert scene.asset is not None
        assert scene.sound is not None
        assert [word["text"] for word in scene.words] == scene.narration.split()
    card = story.variants.get()
    assert card.rendition is not None
    assert (card.rendition.width, card.rendition.height) == (1080, 1080)
    assert story.engines["writer"] == "extractive"


@pytest.mark.slow
def test_no_picture_appears_twice(cast: Cast) -> None:
    made = stories.create(
        cast.workspace, by=cast.alice, article=samples.article(), name="a.md", formats=["card:1x1"]
    )
    jobs.work_off()
    assets = list(made.scenes.values_list("asset_id", flat=True))
    assert len(assets) >= 4
    assert len(set(assets)) == len(assets)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"formats": ["video:7x3"]}, "Unknown format"),
        ({"formats": []}, "at least one format"),
        ({"seconds": 2}, "between 10 and 300"),
        ({"language": "xx"}, "can't be in"),
        ({"language": "hi"}, "can't write in"),
    ],
)
def test_what_cannot_work_is_refused_before_work_starts(cast: Cast, changes: dict[str, object], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        brief(cast, **changes)
    assert not Job.objects.exists()


def test_an_empty_brief_says_what_to_do(cast: Cast) -> None:
    with pytest.raises(EngineError) as refused:
        stories.create(cast.workspace, by=cast.alice, formats=["card:1x1"])
    assert "Paste" in refused.value.next_step


def test_a_link_to_this_machine_is_refused(cast: Cast) -> None:
    with pytest.raises(EngineError):
        stories.create(cast.workspace, by=cast.alice, url="http://127.0.0.1:1/", formats=["card:1x1"])


def test_an_edit_of_an_older_version_is_a_conflict(cast: Cast, story: Story) -> None:
    scene = story.scenes.first()
    assert scene is not None
    stories.edit_scene(story, scene.pk, by=cast.alice, version=story.version, narration="One.")
    with pytest.raises(stories.Conflict):
        stories.edit_scene(story, scene.pk, by=cast.bob, version=story.version - 1, narration="Two.")
    scene.refresh_from_db()
    assert scene.narration == "One."


def test_a_render_makes_again_only_what_depends_on_the_edit(cast: Cast, story: Story) -> None:
    before = {scene.pk: scene.sound_id for scene in story.scenes.all()}
    second = story.scenes.all()[1]
    stories.edit_scene(story, second.pk, by=cast.alice, narration="A shorter sentence.")
    assert variants.is_fresh(story, story.variants.get())  # the card shows the first scene only
    stories.remake(story, by=cast.alice)
    jobs.work_off()
    after = {scene.pk: scene.sound_id for scene in story.scenes.all()}
    assert {pk for pk in before if before[pk] != after[pk]} == {second.pk}


def test_scenes_are_moved_added_and_removed(cast: Cast, story: Story) -> None:
    first, *_rest = story.scenes.all()
    stories.move_scene(story, first.pk, by=cast.alice, position=1)
    assert story.scenes.all()[1].pk == first.pk
    stories.add_scene(story, by=cast.alice, position=0, narration="Before all that.")
    assert story.scenes.all()[0].narration == "Before all that."
    stories.remove_scene(story, first.pk, by=cast.alice)
    assert first.pk not in {scene.pk for scene in story.scenes.all()}
    assert [scene.position for scene in story.scenes.all()] == list(range(story.scenes.count()))


def test_the_last_scene_stays(cast: Cast, story: Story) -> None:
    first, *rest = story.scenes.all()
    for scene in rest:
        stories.remove_scene(story, scene.pk, by=cast.alice)
    with pytest.raises(EngineError):
        stories.remove_scene(story, first.pk, by=cast.alice)


def test_a_picture_of_another_workspace_is_refused(cast: Cast, story: Story) -> None:
    foreign = picture(cast.other)
    mine = story.scenes.all()[0]
    with pytest.raises(EngineError):
        alternatives.choose_picture(story, mine.pk, by=cast.alice, asset=foreign)


@pytest.mark.slow
def test_a_picture_chosen_by_hand_survives_a_new_search(cast: Cast, story: Story) -> None:
    scene, other = story.scenes.all()[:2]
    alternatives.choose_picture(story, scene.pk, by=cast.alice, asset=other.asset)
    stories.remake(story, by=cast.alice, step="visuals")
    jobs.work_off()
    scene.refresh_from_db()
    assert scene.asset_id == other.asset_id


@pytest.mark.slow
def test_the_script_can_be_written_again(cast: Cast, story: Story) -> None:
    before = {scene.pk for scene in story.scenes.all()}
    stories.remake(story, by=cast.alice, step="script")
    jobs.work_off()
    after = {scene.pk for scene in story.scenes.all()}
    assert after
    assert not before & after


def test_text_without_a_font_is_refused(cast: Cast, story: Story) -> None:
    scene = story.scenes.all()[0]
    with pytest.raises(EngineError):
        stories.edit_scene(story, scene.pk, by=cast.alice, narration="\U00018b00\U00018b01")


def test_the_gate_asks_for_rights_and_the_wished_length(cast: Cast) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    own, credited, free = [scene.asset for scene in story.scenes.all()]
    assert own and credited and free
    for asset, licence in ((own, ""), (credited, "CC BY-SA 4.0"), (free, "CC0 1.0")):
        asset.licence = licence
        asset.save()
    blocking = {each["message"] for each in variants.findings(story) if each["severity"] == "blocking"}
    assert any("licence of its picture is not known" in message for message in blocking)
    assert any("asks for a credit" in message for message in blocking)
    with pytest.raises(EngineError, match="must be mended"):
        reviews.submit(story, by=cast.alice)
    own.licence, credited.credit = "Own work", "Ada"
    own.save()
    credited.save()
    assert not [each for each in variants.findings(story) if each["severity"] == "blocking"]
