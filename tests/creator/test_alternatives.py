"""Other pictures and readings of a scene: drawn, spoken, kept side by side, taken, gone back to."""

from __future__ import annotations

import base64
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from creator import jobs
from creator.models import Alternative, Job, Scene, Story, Variant
from creator.services import alternatives, making, visuals, voices
from generation.models import Budget, Charge
from media_processing.engine import engines
from media_processing.models import Asset
from search import ranking
from tests.conftest import Cast
from tests.factories import finished_story, picture
from tests.views.test_studio import document, edit

pytestmark = pytest.mark.slow  # each draws or speaks


BLANK: dict[str, Any] = {
    "words": "", "negative": "", "seed": 0, "style": "", "strength": 0.0, "steps": "", "guidance": "", "scheduler": ""
}  # fmt: skip
"""Where the form "again with changes" begins for a picture of which nothing is known."""


@pytest.fixture
def painted(settings: Settings) -> None:
    """A painter that can everything."""
    painters = {"fake": {"BACKEND": "tests.fakes.FakePainter"}, **settings.ENGINES["painter"]}
    settings.ENGINES = {**settings.ENGINES, "painter": painters}


@pytest.fixture
def paid(settings: Settings, tmp_path: Path) -> None:
    """One whose pictures cost four cents each."""
    table = tmp_path / "prices.toml"
    table.write_text(
        'date = 2026-01-01\ncurrency = "USD"\n[[model]]\nprovider = "fake.example"\nname = "fake-1"\npicture = 0.04\n'
    )
    settings.PRICES = table
    given = {"BACKEND": "tests.fakes.FakePainter", "OPTIONS": {"provider": "fake.example"}}
    settings.ENGINES = {**settings.ENGINES, "painter": {"fake": given}}


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice)


@pytest.fixture
def scene(story: Story) -> Scene:
    return story.scenes.all()[0]


def shown(client: Client, story: Story) -> dict[str, Any]:
    story.refresh_from_db()
    return document(client, story)


def done(client: Client, story: Story, **said: Any) -> dict[str, Any]:
    """The first scene after an operation whose job is done."""
    answer = edit(client, story, **said)
    assert answer.status_code == 200, answer.content
    jobs.work_off()
    doc = shown(client, story)
    assert doc["failed"] is None, doc["failed"]
    scene: dict[str, Any] = doc["scenes"][0]
    return scene


def mask(size: tuple[int, int] = (64, 96), box: tuple[int, int, int, int] = (0, 0, 32, 96), form: str = "PNG") -> str:
    """What the page sends: white where something was painted over, else transparent."""
    image = Image.new("RGBA", size)
    image.paste((255, 255, 255, 255), box)
    buffer = io.BytesIO()
    image.convert("RGBA" if form == "PNG" else "RGB").save(buffer, form)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


class TestPictures:
    def test_more_are_drawn_with_seeds_in_a_row(self, author: Client, story: Story, scene: Scene) -> None:
        before = shown(author, story)["scenes"][0]["picture"]
        first = done(author, story, do="draw_pictures", scene=scene.pk, count=2, words="a red boat")
        assert [each["seed"] for each in first["alternatives"]] == ["1", "2"]
        assert all(each["drawn"] and each["engine"] == "Illustrator" for each in first["alternatives"])
        assert all(each["model"] and each["cost"] == "built in, free" for each in first["alternatives"])
        assert all(each["prompt"] == "a red boat" for each in first["alternatives"])
        assert first["picture"] == before, "nothing changes until somebody takes one"
        more = done(author, story, do="draw_pictures", scene=scene.pk, count=1, words="a red boat")
        assert [each["seed"] for each in more["alternatives"]] == ["3", "1", "2"]

    @pytest.mark.parametrize(
        ("formats", "size"), [(["card:16x9"], (1920, 1080)), (["card:16x9", "card:1x1", "card:4x5"], (1080, 1350))]
    )
    def test_they_have_the_shape_of_the_storys_tallest_format(
        self, author: Client, story: Story, scene: Scene, painted: None, formats: list[str], size: tuple[int, int]
    ) -> None:
        story.variants.all().delete()
        story.variants.bulk_create(Variant(story=story, format=each, language="en") for each in formats)
        newest = done(author, story, do="draw_pictures", scene=scene.pk, count=1)["alternatives"][0]
        assert (newest["width"], newest["height"]) == size

    def test_a_second_click_asks_once(self, author: Client, story: Story, scene: Scene) -> None:
        for _click in range(2):
            edit(author, story, do="draw_pictures", scene=scene.pk, count=2)
        assert story.jobs.filter(kind="draw_pictures").count() == 1
        assert shown(author, story)["pictures"]["asking"] == [{"kind": "draw_pictures", "scene": str(scene.pk)}]

    def test_choosing_keeps_the_one_before_with_its_crop_and_text(
        self, author: Client, story: Story, scene: Scene, cast: Cast
    ) -> None:
        Scene.objects.filter(pk=scene.pk).update(alt="By hand", focus=[0.2, 0.3])
        drawn = done(author, story, do="draw_pictures", scene=scene.pk, count=1)["alternatives"][0]
        doc = edit(author, story, do="choose_picture", scene=scene.pk, alternative=drawn["id"]).json()["scenes"][0]
        assert doc["picture"]["asset"] == drawn["asset"] and doc["focus"] == []
        back = next(each for each in doc["alternatives"] if each["id"] == doc["back"])
        assert back["asset"] == str(scene.asset_id) and back["before"]
        story.refresh_from_db()
        doc = edit(author, story, do="choose_picture", scene=scene.pk, alternative=doc["back"]).json()["scenes"][0]
        assert (doc["picture"]["asset"], doc["alt"], doc["focus"]) == (str(scene.asset_id), "By hand", [0.2, 0.3])
        assert next(each for each in doc["alternatives"] if each["id"] == doc["back"])["asset"] == drawn["asset"]

    def test_one_of_the_library_can_be_gone_back_from(
        self, author: Client, story: Story, scene: Scene, cast: Cast
    ) -> None:
        own = picture(cast.workspace, "white", "White")
        doc = edit(author, story, do="choose_picture", scene=scene.pk, asset=own.pk).json()["scenes"][0]
        assert {each["asset"] for each in doc["alternatives"]} == {str(own.pk), str(scene.asset_id)}
        story.refresh_from_db()
        doc = edit(author, story, do="choose_picture", scene=scene.pk, alternative=doc["back"]).json()["scenes"][0]
        assert doc["picture"]["asset"] == str(scene.asset_id)

    def test_taking_the_one_that_is_shown_changes_nothing_of_it(
        self, author: Client, story: Story, scene: Scene
    ) -> None:
        Scene.objects.filter(pk=scene.pk).update(alt="By hand", focus=[0.2, 0.3])
        doc = edit(author, story, do="choose_picture", scene=scene.pk, asset=scene.asset_id).json()["scenes"][0]
        assert (doc["alt"], doc["focus"], doc["back"]) == ("By hand", [0.2, 0.3], None)

    def test_an_older_version_is_refused_and_nothing_is_kept(
        self, author: Client, story: Story, scene: Scene, cast: Cast
    ) -> None:
        own = picture(cast.workspace, "white", "White")
        answer = edit(author, story, do="choose_picture", scene=scene.pk, asset=own.pk, version=story.version - 1)
        assert answer.status_code == 409
        assert not scene.alternatives.exists()

    def test_a_new_search_loses_nothing_that_was_drawn_or_shown(self, scene: Scene, cast: Cast) -> None:
        found, seen, drawn, newer = (picture(cast.workspace, colour) for colour in ("red", "green", "blue", "white"))
        Alternative.objects.create(scene=scene, asset=found, score=0.5)
        Alternative.objects.create(scene=scene, asset=seen, score=0.5, replaced=scene.story.created)
        Alternative.objects.create(scene=scene, asset=drawn, made_by={"engine": "illustrator"})
        fresh = visuals.Offers((visuals.Offer(newer.pk, 0.0, 0.4, (ranking.Signal("picture", 0.4, 1, 0.4),)),), True)
        visuals.keep_alternatives(scene, fresh.offers, found_anew=True)
        assert [row.asset for row in visuals.pictures_of(scene)] == [newer, seen, drawn]

    def test_of_too_many_the_oldest_that_were_never_shown_go(self, scene: Scene, cast: Cast) -> None:
        before = Alternative.objects.create(scene=scene, asset=picture(cast.workspace, "#fff"),
                                            replaced=scene.story.created)  # fmt: skip
        for number in range(30):
            drawn = visuals.Drawn(picture(cast.workspace, f"#0000{number:02x}"), {"engine": "fake", "seed": number})
            visuals.keep_alternatives(scene, [visuals.offer_of(drawn)])
        rows = visuals.pictures_of(scene)
        assert len(rows) == visuals.KEPT
        assert before in rows
        assert [row.made_by["seed"] for row in rows if row != before] == list(range(29, 6, -1))

    def test_again_with_changes_names_its_parent(self, author: Client, story: Story, scene: Scene) -> None:
        drawn = done(author, story, do="draw_pictures", scene=scene.pk, count=1, words="a red boat")["alternatives"][0]
        assert drawn["again"] == {**BLANK, "words": "a red boat", "seed": 1}
        said = {"do": "draw_again", "scene": scene.pk, "asset": drawn["asset"], "words": "a blue boat", "seed": 7}
        newest = done(author, story, **said, style="line")["alternatives"][0]
        assert (newest["prompt"], newest["seed"], newest["again"]["style"]) == ("a blue boat", "7", "line")
        assert newest["parent"]["page"] == drawn["page"]
        made_by = Asset.objects.get(pk=newest["asset"]).made_by
        assert made_by["parents"] == [Asset.objects.get(pk=drawn["asset"]).digest]
        assert {"engine", "model", "prompt", "seed", "style", "scene"} <= set(made_by)

    def test_the_same_again_says_so(self, author: Client, story: Story, scene: Scene) -> None:
        drawn = done(author, story, do="draw_pictures", scene=scene.pk, count=1)["alternatives"][0]
        edit(author, story, do="draw_again", scene=scene.pk, asset=drawn["asset"], **drawn["again"])
        jobs.work_off()
        doc = shown(author, story)
        assert "there already" in doc["failed"]["error"] and "seed" in doc["failed"]["next_step"]
        assert len(doc["scenes"][0]["alternatives"]) == 1

    def test_a_picture_is_drawn_on_the_ground_of_another_under_its_rights(
        self, author: Client, story: Story, scene: Scene, painted: None
    ) -> None:
        Asset.objects.filter(scenes=scene).update(licence="CC BY 4.0", credit="Rita River")
        said = {"do": "draw_again", "scene": scene.pk, "asset": scene.asset_id, "words": "at night", "strength": 0.5}
        newest = done(author, story, **said, negative="people", steps="30", scheduler="euler")["alternatives"][0]
        assert (newest["licence"], newest["credit"]) == ("CC BY 4.0", "Rita River")
        assert newest["again"] == {
            **BLANK, "words": "at night", "negative": "people", "strength": 0.5, "steps": 30, "scheduler": "euler"
        }  # fmt: skip
        assert newest["alt"] == "The harbour got a new lighthouse on Friday., at night"

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"words": " "}, "Say what"), ({"words": "x" * 1_001}, "1,000 characters"), ({"seed": -1}, "seed"),
            ({"seed": 2**32}, "seed"), ({"negative": "people"}, "not to show"), ({"style": "nonsense"}, "no style"),
            ({"strength": 0.5}, "ground of another"), ({"strength": 7}, "between 0 and 1"),
            ({"steps": 30}, "takes no steps"), ({"guidance": "0"}, "takes no guidance"),
        ],
    )  # fmt: skip
    def test_what_the_painter_cannot_do_is_said(
        self, author: Client, story: Story, scene: Scene, said: dict[str, Any], words: str
    ) -> None:
        Asset.objects.filter(scenes=scene).update(made_by={"engine": "illustrator"})
        said = {"words": "a boat", **said}
        answer = edit(author, story, do="draw_again", scene=scene.pk, asset=scene.asset_id, **said)
        assert answer.status_code == 422 and words in answer.json()["message"]
        assert not Job.objects.exists()

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"steps": 151}, "1 to 150 steps"), ({"steps": -1}, "1 to 150 steps"), ({"guidance": 31}, "0 and 30"),
            ({"guidance": "nan"}, "0 and 30"), ({"scheduler": "nonsense"}, "no scheduler"),
        ],
    )  # fmt: skip
    def test_senseless_sampling_is_refused_before_any_work(
        self, author: Client, story: Story, scene: Scene, painted: None, said: dict[str, Any], words: str
    ) -> None:
        said = {"words": "a boat", **said}
        answer = edit(author, story, do="draw_again", scene=scene.pk, asset=scene.asset_id, **said)
        assert answer.status_code == 422 and words in answer.json()["message"]
        assert not Job.objects.exists()

    def test_photographs_are_not_drawn_again_by_who_cannot(self, author: Client, story: Story, scene: Scene) -> None:
        assert shown(author, story)["scenes"][0]["again"] is None
        answer = edit(author, story, do="draw_again", scene=scene.pk, asset=scene.asset_id, words="a boat")
        assert answer.status_code == 422 and answer.json()["next_step"]

    def test_a_paid_painter_is_estimated_charged_and_told(
        self, author: Client, story: Story, scene: Scene, paid: None
    ) -> None:
        assert shown(author, story)["pictures"]["estimates"]["draw"]["4"] == "about 0.16 USD"
        first = done(author, story, do="draw_pictures", scene=scene.pk, count=4)
        assert [each["cost"] for each in first["alternatives"]] == ["0.040 USD"] * 4
        charge = Charge.objects.get()
        assert (charge.verb, charge.pictures, str(charge.amount)) == ("draw", 4, "0.160000")

    def test_what_no_budget_is_left_for_is_refused_before(
        self, author: Client, story: Story, scene: Scene, paid: None, cast: Cast
    ) -> None:
        Budget.objects.create(workspace=cast.workspace, person_day=Decimal("0.10"))
        answer = edit(author, story, do="draw_pictures", scene=scene.pk, count=4)
        assert answer.status_code == 422 and "0.10" in answer.json()["message"]
        assert not Job.objects.exists()


class TestFilling:
    def test_only_the_marked_part_changes(self, author: Client, story: Story, scene: Scene, painted: None) -> None:
        said = {"do": "fill_picture", "scene": scene.pk, "asset": scene.asset_id, "words": "a red boat"}
        newest = done(author, story, **said, mask=mask())["alternatives"][0]
        made = Asset.objects.get(pk=newest["asset"])
        before, after = (np.asarray(Image.open(each.file).convert("RGB")) for each in (scene.asset, made))  # type: ignore[union-attr]
        assert (before[:, 32:] == after[:, 32:]).all()
        assert (before[:, :32] != after[:, :32]).any(axis=-1).all()
        assert made.made_by["parents"] == [scene.asset.digest]  # type: ignore[union-attr]
        assert made.made_by["mask"] and made.made_by["verb"] == "fill"

    @pytest.mark.parametrize(
        ("drawn", "words"),
        [
            ("", "can't be read"), ("data:image/png;base64,!!!", "can't be read"),
            ("data:image/png;base64,aGVsbG8=", "drawn mask"), (mask((96, 64)), "another shape"),
            (mask(box=(0, 0, 0, 0)), "Nothing is marked"), (mask(form="JPEG"), "no PNG"),
            ("data:image/png;base64," + "A" * 1_400_000, "can't be read"), (mask()[:-200], "drawn mask"),
        ],
    )  # fmt: skip
    def test_masks_are_checked_like_any_upload(
        self, author: Client, story: Story, scene: Scene, painted: None, drawn: str, words: str
    ) -> None:
        said = {"do": "fill_picture", "scene": scene.pk, "asset": scene.asset_id, "words": "a boat"}
        answer = edit(author, story, **said, mask=drawn)
        assert answer.status_code == 422 and words in answer.json()["message"], answer.content
        assert answer.json()["next_step"]
        assert not Job.objects.exists()

    def test_who_cannot_fill_says_who_could(self, author: Client, story: Story, scene: Scene) -> None:
        said = {"do": "fill_picture", "scene": scene.pk, "asset": scene.asset_id, "words": "a boat", "mask": mask()}
        answer = edit(author, story, **said)
        assert answer.status_code == 422 and "Illustrator can't" in answer.json()["message"]
        assert not shown(author, story)["pictures"]["can_fill"]

    def test_nobody_changes_another_workspaces_picture(
        self, author: Client, story: Story, scene: Scene, painted: None, cast: Cast
    ) -> None:
        foreign = picture(cast.other, "red")
        for said in ({"do": "fill_picture", "mask": mask()}, {"do": "draw_again"}):
            answer = edit(author, story, **said, scene=scene.pk, asset=foreign.pk, words="a boat")
            assert answer.status_code == 404


class TestReadings:
    def test_another_speed_stands_beside_is_taken_and_gone_back_from(
        self, author: Client, story: Story, scene: Scene
    ) -> None:
        first = done(author, story, do="read_line", scene=scene.pk, rate=1.3)
        own, other = first["readings"]
        assert (own["id"], first["reading"], first["reading_back"]) == (0, 0, None)
        assert (other["engine"], other["rate"], other["cost"]) == ("eSpeak NG", 1.3, "built in, free")
        assert other["sound"] != own["sound"]
        doc = edit(author, story, do="use_reading", scene=scene.pk, reading=other["id"]).json()["scenes"][0]
        assert doc["sound"] == other["sound"] and doc["exact"] and doc["reading"] == other["id"]
        scene.refresh_from_db()
        assert [word["text"] for word in scene.words] == scene.narration.split()
        assert scene.sentences and scene.timing == "word"
        assert voices.is_spoken(story, scene), "the next render doesn't speak it again"
        story.refresh_from_db()
        doc = edit(author, story, do="use_reading", scene=scene.pk, reading=doc["reading_back"]).json()["scenes"][0]
        assert doc["sound"] == own["sound"]
        assert len(doc["readings"]) == 2

    def test_it_stays_as_long_as_the_words_and_no_longer(self, author: Client, story: Story, scene: Scene) -> None:
        (_own, other) = done(author, story, do="read_line", scene=scene.pk, rate=0.8)["readings"]
        edit(author, story, do="use_reading", scene=scene.pk, reading=other["id"])
        story.refresh_from_db()
        story.voice = "another"
        story.save()
        scene.refresh_from_db()
        assert voices.is_spoken(story, scene)
        doc = edit(author, story, do="edit_scene", scene=scene.pk, narration="Other words.").json()["scenes"][0]
        assert (doc["exact"], doc["readings"], doc["reading"]) == (False, [], None)
        story.refresh_from_db()
        answer = edit(author, story, do="use_reading", scene=scene.pk, reading=other["id"])
        assert answer.status_code == 422 and "older words" in answer.json()["message"]
        doc = edit(author, story, do="edit_scene", scene=scene.pk, narration=scene.narration).json()["scenes"][0]
        assert doc["exact"] and len(doc["readings"]) == 2

    def test_a_render_speaks_what_nobody_chose(self, author: Client, story: Story, scene: Scene) -> None:
        (_own, other) = done(author, story, do="read_line", scene=scene.pk, rate=0.8)["readings"]
        edit(author, story, do="use_reading", scene=scene.pk, reading=other["id"])
        story.refresh_from_db()
        story.scenes.exclude(pk=scene.pk).update(spoken_key="")
        job = jobs.claim(jobs.submit("make_story", workspace=story.workspace, story=story).pk)
        assert job is not None
        making.narrate(jobs.Work(job), story, lambda _share: None)
        sounds = {each.pk: each.sound for each in story.scenes.all()}
        assert sounds[scene.pk].made_by["rate"] == 0.8  # type: ignore[union-attr]
        assert {each.made_by["rate"] for pk, each in sounds.items() if pk != scene.pk and each} == {1.0}
        assert all(each.made_by["cost"] == {} for pk, each in sounds.items() if pk != scene.pk and each), "free"

    def test_the_same_again_says_so(self, author: Client, story: Story, scene: Scene) -> None:
        done(author, story, do="read_line", scene=scene.pk, rate=1.3)
        edit(author, story, do="read_line", scene=scene.pk, rate=1.3)
        jobs.work_off()
        doc = shown(author, story)
        assert "there already" in doc["failed"]["error"]
        assert len(doc["scenes"][0]["readings"]) == 2

    def test_readings_are_charged_to_the_story(self, author: Client, story: Story, scene: Scene) -> None:
        done(author, story, do="read_line", scene=scene.pk, rate=1.3)
        charge = Charge.objects.get()
        assert (charge.verb, charge.subject, charge.engine) == ("speak", f"story:{story.pk}", "espeak")

    def test_another_engine_reads_and_is_charged(
        self, author: Client, story: Story, scene: Scene, settings: Settings
    ) -> None:
        voices = {**settings.ENGINES["voice"], "second": settings.ENGINES["voice"]["espeak"]}
        settings.ENGINES = {**settings.ENGINES, "voice": voices}
        assert {engine.name for engine, _speakers in alternatives.readers(story)} == {"espeak", "second"}
        (_own, other) = done(author, story, do="read_line", scene=scene.pk, engine="second")["readings"]
        assert Alternative.objects.get(pk=other["id"]).made_by["engine"] == "second"
        assert Charge.objects.get().engine == "second"

    @pytest.mark.parametrize(
        "said", [{"rate": 0.1}, {"rate": 9}, {"rate": 1e999}, {"engine": "nobody"}, {"voice": "nobody"}]
    )
    def test_nonsense_is_refused(self, author: Client, story: Story, scene: Scene, said: dict[str, Any]) -> None:
        assert edit(author, story, do="read_line", scene=scene.pk, **said).status_code in (400, 422)
        assert not Job.objects.exists()

    def test_readings_of_another_scene_are_not_taken(self, author: Client, story: Story, cast: Cast) -> None:
        foreign = finished_story(cast.other, cast.charlie).scenes.all()[0]
        theirs = Alternative.objects.create(scene=foreign, part="voice", sound=foreign.sound)
        answer = edit(author, story, do="use_reading", scene=story.scenes.all()[0].pk, reading=theirs.pk)
        assert answer.status_code == 422 and "no longer there" in answer.json()["message"]

    def test_only_so_many_stay(self, story: Story, scene: Scene) -> None:
        assert scene.sound is not None
        others = [each.sound for each in story.scenes.all()[1:]]
        for number in range(alternatives.READINGS + 5):
            alternatives.add_reading(scene, others[number % 2], {"number": number}, {})  # type: ignore[arg-type]
        kept = [row.timing["number"] for row in scene.alternatives.filter(part="voice")]
        assert kept == list(range(5, alternatives.READINGS + 5))


def test_every_painter_says_what_a_form_needs() -> None:
    for painter in engines.all("painter"):
        assert isinstance(painter.can_fill, bool) and isinstance(painter.can_redraw, bool)
