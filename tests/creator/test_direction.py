"""How scenes are shown: motion, transitions, focus, brands; videos by further recipes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from creator.models import Brand, Story
from creator.services import alternatives, choices, stories, variants
from media_processing import effects
from media_processing.engine import EngineError, Progress
from media_processing.engines.base import Renderer
from media_processing.models import Rendition
from media_processing.recipes import Recipe
from media_processing.timeline import Timeline
from tests.conftest import Cast
from tests.factories import finished_story, picture


class Writes(Renderer):
    """A renderer that writes down what it was asked for."""

    title = "Writes"

    def _render(self, timeline: Timeline, target: Path, *, cache: Path, progress: Progress, recipe: Recipe) -> Path:
        target.write_bytes(json.dumps([recipe.name, timeline.as_dict()]).encode())
        return target


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice, formats=("video:9x16",))


def line(story: Story) -> Timeline:
    return variants.timeline(story, story.variants.get())


def test_a_scene_is_shown_as_the_editor_says(story: Story, cast: Cast) -> None:
    scene = story.scenes.all()[1]
    assert variants.is_fresh(story, story.variants.get())
    said = {"motion": "pan-up", "transition": "cross-fade", "focus": [0.2, 0.9]}
    stories.edit_scene(story, scene.pk, by=cast.alice, **said)  # type: ignore[arg-type]
    shown = line(story).scenes[1]
    assert (shown.visual.motion, shown.transition, shown.visual.focus) == ("pan-up", "cross-fade", (0.2, 0.9))
    assert line(story).overlaps()[1].frames > 0
    assert not variants.is_fresh(story, story.variants.get())
    stories.edit_scene(story, scene.pk, by=cast.alice, motion="", transition="", focus=[])
    assert variants.is_fresh(story, story.variants.get())
    assert line(story).scenes[1].visual.motion in variants.MOTIONS


@pytest.mark.parametrize(
    "said",
    [
        {"motion": "jump"}, {"transition": "explode"}, {"focus": [0.5]}, {"focus": [0.5, 1.5]}, {"end": -3.0},
        {"focus": [float("nan"), 0.5]}, {"end": float("inf")}, {"end": 99.0},
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(story: Story, cast: Cast, said: dict[str, object]) -> None:
    with pytest.raises(EngineError) as caught:
        stories.edit_scene(story, story.scenes.all()[0].pk, by=cast.alice, **said)  # type: ignore[arg-type]
    assert caught.value.next_step


def test_another_picture_has_a_focus_of_its_own(story: Story, cast: Cast) -> None:
    scene = story.scenes.all()[0]
    stories.edit_scene(story, scene.pk, by=cast.alice, focus=[0.1, 0.1])
    alternatives.choose_picture(story, scene.pk, by=cast.alice, asset=picture(cast.workspace, "red", "new"))
    assert line(story).scenes[0].visual.focus == (0.5, 0.5)


def test_a_brand_puts_its_logo_over_the_scenes_and_its_intro_before_them(story: Story, cast: Cast) -> None:
    logo, intro = picture(cast.workspace, "red"), picture(cast.workspace, "blue")
    brand = Brand.objects.create(workspace=cast.workspace, name="Ours", is_default=True, logo=logo, intro=intro)
    shown = line(story)
    assert [overlay.path for overlay in shown.overlays] == [logo.file]
    assert [scene.id for scene in shown.scenes] == ["intro", *(str(scene.pk) for scene in story.scenes.all())]
    assert [scene.branded for scene in shown.scenes][:2] == [False, True]
    assert not variants.is_fresh(story, story.variants.get())
    story.brand = Brand.objects.create(workspace=cast.workspace, name="Plain")
    assert not line(story).overlays and line(story).scenes[0].id != "intro"
    brand.delete()
    assert variants.is_fresh(story, story.variants.get())


def test_a_video_is_made_by_further_recipes_once_and_reviewed_with_them(
    story: Story, cast: Cast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(choices, "engine", lambda role, workspace: Writes("writes"))
    variant = story.variants.get()
    variant.made_from = variants.made_from(story, variant)
    variant.save()
    before = variants.document_digest(story, variant)
    call_command("render", str(story.pk), "--recipe", "hls", "--out", str(tmp_path), "--json")
    call_command("render", str(story.pk), "--recipe", "hls", "--json")
    made = Rendition.objects.get(recipe="video:9x16 hls")
    assert json.loads(made.file.read_text())[0] == "hls"
    assert made.content_type == "application/zip"
    assert (tmp_path / "video-9x16-hls.zip").read_bytes() == made.file.read_bytes()
    assert str(made.pk) in [each["id"] for each in variants.document(story, variant)["renditions"]]
    assert variants.document_digest(story, variant) != before


def test_a_recipe_needs_a_video_that_is_rendered(story: Story, cast: Cast) -> None:
    stories.edit_scene(story, story.scenes.all()[0].pk, by=cast.alice, on_screen="Other words")
    with pytest.raises(CommandError, match="Render it first"):
        call_command("render", str(story.pk), "--recipe", "av1")
    with pytest.raises(CommandError, match="Its videos are: video:9x16"):
        call_command("render", str(story.pk), "--recipe", "av1", "--format", "card:1x1")


def test_captions_move_as_the_story_says_else_as_its_brand_does(story: Story, cast: Cast) -> None:
    assert line(story).look.captions.motion == "word"
    Brand.objects.create(workspace=cast.workspace, name="Ours", is_default=True, caption_style="karaoke")
    assert line(story).look.captions.motion == "karaoke"
    assert not variants.is_fresh(story, story.variants.get())
    stories.edit_story(story, by=cast.alice, caption_style="pop")
    assert line(story).look.captions.motion == "pop"
    stories.edit_story(story, by=cast.alice, caption_style="word")
    assert variants.is_fresh(story, story.variants.get())
    with pytest.raises(EngineError, match="move like 'dance'") as caught:
        stories.edit_story(story, by=cast.alice, caption_style="dance")
    assert "karaoke" in caught.value.next_step


def test_an_effect_is_one_that_is_installed(story: Story, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "problem", lambda: None)
    scene = story.scenes.all()[1]
    stories.edit_scene(story, scene.pk, by=cast.alice, effect="split")
    assert [each.effect for each in line(story).scenes[:2]] == ["", "split"]
    assert not variants.is_fresh(story, story.variants.get())
    stories.edit_scene(story, scene.pk, by=cast.alice, effect="")
    assert variants.is_fresh(story, story.variants.get())
    with pytest.raises(EngineError, match="no effect 'sparkle'"):
        stories.edit_scene(story, scene.pk, by=cast.alice, effect="sparkle")
    lacking = EngineError("moviepy isn't installed.", next_step="Run: pip install it")
    monkeypatch.setattr(effects, "problem", lambda: lacking)
    with pytest.raises(EngineError, match="moviepy isn't installed") as caught:
        stories.edit_scene(story, scene.pk, by=cast.alice, effect="split")
    assert caught.value.next_step == lacking.next_step
