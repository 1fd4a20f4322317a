"""What of a story is judged: every text, what stands in its pictures, what its clips say, a frame of every shot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from creator.models import Brand, Brief, Scene, Story
from creator.services import judging, reviews
from media_processing import services as media
from media_processing.engines.base import Reader
from media_processing.models import Asset, Transcript
from media_processing.sound import silence, write_wav
from moderation import services as moderation
from moderation.models import Part, PictureHash, Verdict
from search import models_in_use
from search.models import Moment
from search.services import index_asset
from tests.conftest import Cast
from tests.factories import finished_story, picture
from tests.media_processing.makers import colours, picture_bytes
from tests.media_processing.test_pdq import scene as drawn

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(cast: Cast) -> Story:
    return finished_story(cast.workspace, cast.alice, formats=("card:1x1",))


@pytest.fixture
def clip(cast: Cast, tmp_path: Any) -> Asset:
    """Ten seconds in four shots, in which somebody speaks."""
    path = colours(tmp_path / "c.mp4", ("red", 2.0), ("blue", 3.0), ("green", 2.0), ("white", 3.0))
    asset = media.store_asset(cast.workspace.pk, path, title="A clip", licence="CC0", domain="photographs")[0]
    for start, end in ((0.0, 2.0), (2.0, 5.0), (5.0, 7.0), (7.0, 10.0)):
        Moment.objects.create(workspace=cast.workspace, asset=asset, start=start, end=end, key_time=(start + end) / 2)
    said = (("hello", 1.0), ("idiots", 3.0), ("bye", 8.0))
    words = [{"text": text, "start": at, "end": at + 0.5} for text, at in said]
    Transcript.objects.create(asset=asset, language="en", passages=[
        {"text": "hello idiots bye", "start": 1.0, "end": 9.0, "words": words}
    ])  # fmt: skip
    return asset


def shows(cast: Cast, asset: Asset, **scene: Any) -> Story:
    brief = Brief.objects.create(workspace=cast.workspace, article="x")
    story = Story.objects.create(workspace=cast.workspace, brief=brief, author=cast.alice, title="A title")
    Scene.objects.create(story=story, position=0, narration="A line.", asset=asset, **scene)
    return story


def seen(story: Story) -> list[tuple[str, str, float]]:
    return [(part.kind, part.where, part.second) for part in judging.parts_of(story)]


def test_a_clip_is_looked_at_in_every_shot_that_is_shown(cast: Cast, clip: Asset) -> None:
    found = seen(shows(cast, clip, start=2.5, end=6.0))
    assert [each for each in found if each[0] == "picture"] == [
        ("picture", "scene 1: picture, frame 1", 2.5), ("picture", "scene 1: picture, frame 2", 3.5),
        ("picture", "scene 1: picture, frame 3", 6.0),
    ]  # fmt: skip


def test_only_what_is_said_in_the_stretch_is_judged(cast: Cast, clip: Asset) -> None:
    (spoken,) = [part for part in judging.parts_of(shows(cast, clip, start=2.5, end=6.0)) if "spoken" in part.where]
    assert (spoken.where, spoken.text) == ("scene 1: spoken in the clip", "idiots")
    pieces = judging.judge([spoken])
    outcome = moderation.weigh(moderation.active_policy(cast.workspace.pk), "site", pieces)
    assert [(reason["category"], reason["where"]) for reason in outcome.reasons] == [("harassment", spoken.where)]


def test_a_person_s_recording_is_judged_by_what_it_says_and_not_by_its_line(cast: Cast, story: Story) -> None:
    take = write_wav(None, silence(0.5, 22050), 22050)
    sound = media.store_asset(cast.workspace.pk, take, title="Take 1", licence="Own work", domain="recordings")[0]
    scene = story.scenes.all()[1]
    scene.recorded = sound
    scene.save()
    where = "scene 2: spoken in the recording"
    policy = moderation.active_policy(cast.workspace.pk)

    def reasons() -> list[tuple[str, str]]:
        (part,) = [part for part in judging.parts_of(story) if part.where == where]
        outcome = moderation.weigh(policy, "site", judging.judge([part]))
        return [(each["category"], each["why"]) for each in outcome.reasons]

    assert reasons() == [("unjudged", "missing")]
    Transcript.objects.create(asset=sound, language="en", passages=[{"text": "I will kill you.", "words": []}])
    assert reasons() == [("violence", "over")]


def test_what_the_brand_shows_is_judged_too(cast: Cast, story: Story) -> None:
    logo = picture(cast.workspace, "plum", "Logo")
    logo.seen_text = "I WILL KILL YOU"
    logo.save()
    Brand.objects.create(workspace=cast.workspace, name="House", logo=logo, is_default=True)
    parts = {part.where: part for part in judging.parts_of(story) if part.where.startswith("brand")}
    assert {where: part.kind for where, part in parts.items()} == {
        "brand: text in the picture": "text", "brand: picture": "picture"
    }  # fmt: skip


def test_many_shots_are_looked_at_spread_over_the_scene(cast: Cast, clip: Asset, monkeypatch: Any) -> None:
    monkeypatch.setattr(judging, "MOST_FRAMES", 3)
    pictures = [each for each in seen(shows(cast, clip, start=0.0, end=10.0)) if each[0] == "picture"]
    assert [second for _kind, _where, second in pictures] == [0.0, 1.0, 6.0]


def test_text_in_a_picture_goes_through_the_judges_of_text(cast: Cast) -> None:
    asset = picture(cast.workspace)
    asset.seen_text = "I WILL KILL YOU"
    asset.save()
    story = shows(cast, asset)
    (part,) = [part for part in judging.parts_of(story) if part.where == "scene 1: text in the picture"]
    outcome = moderation.weigh(moderation.active_policy(cast.workspace.pk), "site", judging.judge([part]))
    assert (outcome.outcome, outcome.reasons[0]["category"]) == ("block", "violence")


def test_a_picture_whose_text_nobody_could_read_goes_to_a_person(cast: Cast, settings: Any) -> None:
    nowhere = {"BACKEND": "media_processing.engines.tesseract.TesseractReader", "OPTIONS": {"program": "no-such-one"}}
    settings.ENGINES = {**settings.ENGINES, "reader": {"tesseract": nowhere}}
    read, drawn_here, unread = (picture(cast.workspace, colour) for colour in ("teal", "gold", "navy"))
    read.metadata, drawn_here.made_by = {"reader": "5.3 eng"}, {"engine": "illustrator"}
    unread.metadata, unread.made_by = {}, {}
    policy = moderation.active_policy(cast.workspace.pk)
    said = {}
    for asset in (read, drawn_here, unread):
        asset.save()
        parts = [part for part in judging.parts_of(shows(cast, asset)) if part.kind == "picture"]
        said[asset.pk] = moderation.weigh(policy, "site", judging.judge(parts))
    assert [said[asset.pk].outcome for asset in (read, drawn_here, unread)] == ["pass", "pass", "review"]
    (reason,) = said[unread.pk].reasons
    assert (reason["category"], reason["why"]) == ("text-in-picture", "missing")
    assert "Tesseract isn't installed" in reason["text"]


def test_a_picture_that_the_background_has_not_come_to_is_read_when_it_is_submitted(
    story: Story, cast: Cast, settings: Any
) -> None:
    settings.ENGINES = {**settings.ENGINES, "reader": {"fake": {"BACKEND": f"{__name__}.ThreateningReader"}}}
    scene = story.scenes.all()[0]
    assert scene.asset is not None
    scene.asset.metadata, scene.asset.made_by = {}, {}
    scene.asset.save()
    (part,) = [part for part in judging.parts_of(story) if part.where == "scene 1: picture"]
    unread = moderation.weigh(moderation.active_policy(cast.workspace.pk), "site", judging.judge([part]))
    assert [(reason["category"], reason["why"]) for reason in unread.reasons] == [("text-in-picture", "missing")]
    review = reviews.submit(story, by=cast.alice)
    found = {(reason["category"], reason["where"]) for reason in review.reasons}
    assert found == {("violence", "scene 1: text in the picture")}
    assert review.outcome == "block"


class ThreateningReader(Reader):
    """Sees the same on every picture."""

    def _read(self, picture: Image.Image) -> str:
        return "I WILL KILL YOU"


def test_what_is_submitted_is_remembered_by_its_parts(story: Story, cast: Cast) -> None:
    review = reviews.submit(story, by=cast.alice)
    parts = Part.objects.filter(story=story, number=review.number)
    assert parts.count() == len(judging.parts_of(story))
    for part in parts:
        verdicts = Verdict.objects.filter(workspace=cast.workspace, content=part.content)
        assert {verdict.kind for verdict in verdicts} == {part.kind}
    assert PictureHash.objects.filter(content__in=parts.values("content")).count() == 3


def test_a_picture_is_neither_decoded_nor_embedded_a_second_time(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """With all judges that run here; the embedding is the one that search keeps."""
    clip = {"clip": {"BACKEND": "moderation.engines.clip.ClipJudge"}}
    settings.ENGINES = {**settings.ENGINES, "picture_judge": {**settings.ENGINES["picture_judge"], **clip}}
    content = picture_bytes(drawn(7), "PNG")
    asset = media.store_asset(cast.workspace.pk, content, title="Drawn", licence="CC0", domain="illustrations")[0]
    asset.metadata["reader"] = "a test"
    asset.save()
    index_asset(asset, [media.Stretch(0.0, 0.0, 0.0)], [drawn(7)])
    (part,) = [part for part in judging.parts_of(shows(cast, asset)) if part.kind == "picture"]
    embedder = models_in_use.embedder_for(cast.workspace.pk)
    monkeypatch.setattr(embedder, "embed_pictures", lambda _pictures: pytest.fail("It was embedded again."))
    (first,) = judging.judge([part])
    assert {verdict.engine for verdict in first.verdicts} == {"hashes", "clip"}
    clip_said = next(verdict for verdict in first.verdicts if verdict.engine == "clip")
    assert clip_said.model.startswith("clip-1-")
    assert embedder.card.digest[:12] in clip_said.model
    monkeypatch.setattr(judging, "key_frame", lambda *_args: pytest.fail("It was decoded again."))
    (second,) = judging.judge([part])
    assert [verdict.pk for verdict in second.verdicts] == [verdict.pk for verdict in first.verdicts]
    # A new ban is compared by the kept hash: still nothing is decoded.
    moderation.ban(cast.workspace.pk, drawn(7), note="A hoax")
    (third,) = judging.judge([part])
    assert third.verdicts[0].scores == {"banned": 1.0}


def test_a_photograph_is_a_missing_signal_where_the_model_knows_drawings(cast: Cast, settings: Any) -> None:
    clip = {"clip": {"BACKEND": "moderation.engines.clip.ClipJudge"}}
    settings.ENGINES = {**settings.ENGINES, "picture_judge": {**settings.ENGINES["picture_judge"], **clip}}
    content = picture_bytes(Image.fromarray(np.asarray(drawn(8))), "PNG")
    asset = media.store_asset(cast.workspace.pk, content, title="Photo", licence="CC0", domain="photographs")[0]
    (part,) = [part for part in judging.parts_of(shows(cast, asset)) if part.kind == "picture"]
    outcome = moderation.weigh(moderation.active_policy(cast.workspace.pk), "site", judging.judge([part]))
    assert outcome.outcome == "review"
    assert {(reason["category"], reason["why"]) for reason in outcome.reasons} >= {("sexual", "missing")}


def test_a_picture_that_is_gone_never_passes(cast: Cast, story: Story) -> None:
    parts = judging.parts_of(story)
    gone = next(part for part in parts if part.kind == "picture")
    gone.asset = None
    outcome = moderation.weigh(moderation.active_policy(cast.workspace.pk), "site", judging.judge([gone]))
    assert outcome.outcome == "review"
