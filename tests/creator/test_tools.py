"""Copies that tools make: their parents, their rights, and that nothing is there twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creator import jobs
from creator.models import Event, Job
from creator.services import tools
from media_processing import services as media
from media_processing.engine import EngineError
from media_processing.models import Asset
from tests.conftest import Cast
from tests.factories import picture
from tests.media_processing.makers import clip


def made_by(job: Job) -> Asset:
    jobs.work_off()
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    made = tools.made_by_job(job)
    assert made is not None
    return made


def ask(cast: Cast, asset: Asset, tool: str, **said: Any) -> Job:
    return tools.ask_to_use(asset, by=cast.alice, tool=tool, said=said)


@pytest.fixture
def still(cast: Cast) -> Asset:
    asset = picture(cast.workspace, "teal", "A harbour")
    asset.licence, asset.credit, asset.tags, asset.alt = "CC BY-SA 4.0", "Rita River", ["harbour"], "Boats"
    asset.save()
    return asset


def test_a_copy_knows_its_parent_and_keeps_its_rights(cast: Cast, still: Asset) -> None:
    made = made_by(ask(cast, still, "crop", left=10, width=40))
    assert (made.width, made.height, made.title) == (40, 96, "A harbour (cropped)")
    assert (made.licence, made.credit, made.tags, made.alt) == ("CC BY-SA 4.0", "Rita River", ["harbour"], "Boats")
    assert (made.added_by, made.domain) == (cast.alice, still.domain)
    assert list(made.parents.all()) == [still]
    assert list(still.children.all()) == [made]
    assert made.made_by["tool"] == "crop"
    assert made.made_by["parameters"] == {"left": 10, "top": 0, "width": 40, "height": 96}
    assert made.made_by["parents"] == [still.digest]
    assert made.moments.exists()
    still.refresh_from_db()
    assert still.width == 64


def test_the_same_again_is_the_copy_that_is_there(cast: Cast, still: Asset) -> None:
    one = ask(cast, still, "rotate", turn="90")
    other = ask(cast, still, "rotate", turn="90")
    assert made_by(one) == made_by(other)
    assert Asset.objects.count() == 2
    assert made_by(ask(cast, still, "rotate", turn="180")).pk != made_by(one).pk
    assert Asset.objects.count() == 3


def test_a_worker_that_dies_before_it_said_so_leaves_nothing_twice(
    cast: Cast, still: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask(cast, still, "crop", width=40)
    with monkeypatch.context() as broken:
        broken.setattr(tools.library, "make_searchable", lambda *_args, **_more: 1 / 0)
        jobs.work_off()
    job.refresh_from_db()
    assert (job.state, Asset.objects.count()) == (Job.State.FAILED, 2)
    monkeypatch.setattr(tools.tools, "use", lambda *_args, **_more: pytest.fail("It was there already."))
    assert jobs.retry(job)
    assert made_by(job).moments.exists()
    assert Asset.objects.count() == 2


def test_a_logo_is_a_parent_and_named_in_the_credit(cast: Cast, still: Asset) -> None:
    logo = picture(cast.workspace, "gold", "Logo")
    Asset.objects.filter(pk=logo.pk).update(credit="River desk")
    made = made_by(ask(cast, still, "watermark", logo=str(logo.pk)))
    assert set(made.parents.all()) == {still, logo}
    assert made.credit == "Rita River; River desk"
    lent = made_by(ask(cast, still, "match_colours", like=str(logo.pk)))
    assert (set(lent.parents.all()), lent.credit) == ({still, logo}, "Rita River")


def test_pictures_of_others_are_none(cast: Cast, still: Asset) -> None:
    theirs = picture(cast.other, "gold", "Theirs")
    for number in (str(theirs.pk), "x", "1" * 32):
        with pytest.raises(EngineError, match="no such picture"):
            ask(cast, still, "match_colours", like=number)
    assert not Job.objects.exists()


def test_what_a_machine_drew_still_says_so(cast: Cast, still: Asset) -> None:
    still.made_by = {"role": "painter", "engine": "illustrator", "model": "scenes", "prompt": "a harbour", "seed": 3}
    still.save()
    made = made_by(ask(cast, still, "crop", width=40))
    assert (made.made_by["engine"], made.made_by["prompt"], made.made_by["tool"]) == (
        "illustrator",
        "a harbour",
        "crop",
    )


def test_a_video_is_muted_and_a_cancelled_job_leaves_nothing(cast: Cast, tmp_path: Path) -> None:
    film, _ = media.store_asset(cast.workspace.pk, clip(tmp_path / "clip.mp4"), title="Clip", licence="CC0")
    stopped = ask(cast, film, "mute")
    jobs.ask_to_cancel(stopped)
    jobs.work_off()
    assert (Asset.objects.count(), Event.objects.filter(kind="asset.made").count()) == (1, 0)
    made = made_by(ask(cast, film, "mute"))
    assert (made.kind, made.has_sound, made.title) == ("video", False, "Clip (muted)")
