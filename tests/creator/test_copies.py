"""Near-duplicates of a library: told by a job, merged, undone, kept apart."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from creator import jobs
from creator.models import Collection, Event, Job
from creator.services import copies, library
from media_processing.engine import EngineError
from media_processing.models import Asset
from search import services as search
from search.models import CopyGroup, CopyMember, Moment
from tests.conftest import Cast
from tests.factories import finished_story
from tests.media_processing.test_pdq import scene

pytestmark = pytest.mark.slow


@pytest.fixture
def three(cast: Cast, django_capture_on_commit_callbacks, tmp_path) -> list[Asset]:  # type: ignore[no-untyped-def]
    """A picture in two sizes and another picture, imported as files; the groups are told."""
    names = (("large", scene(1, (800, 600))), ("small", scene(1, (800, 600)).resize((400, 300))), ("other", scene(2)))
    assets = []
    with django_capture_on_commit_callbacks(execute=True):
        for name, picture in names:
            path = tmp_path / f"{name}.png"
            picture.save(path)
            with path.open("rb") as file:
                content = file.read()
            assets.append(library.keep(cast.workspace, content, title=name, alt="", tags=[name, "river"], made_by={}))
    copies.refresh(cast.workspace, by=cast.alice)
    assert jobs.work_off() == 1
    return assets


def names(group: copies.Group) -> list[str]:
    return [member.asset.title for member in group.members]


def test_a_job_tells_the_groups(cast: Cast, three: list[Asset]) -> None:
    (group,) = copies.groups(cast.workspace).groups
    assert names(group) == ["large", "small"]
    assert (group.kind, group.keep, group.bytes_freed) == ("copies", three[0], three[1].size)
    assert [member.said for member in group.members] == ["The same picture"] * 2
    standing = copies.standing(cast.workspace)
    assert (standing.copies, standing.look_alikes, standing.job) == (1, 0, None)
    assert standing.finished is not None
    assert copies.groups(cast.other).count == 0
    assert copies.group_of(cast.other, group.id) is None


def test_a_scan_waits_for_pictures_that_are_new(cast: Cast, three: list[Asset]) -> None:
    Job.objects.all().delete()
    copies.refresh_where_behind(timezone.now())
    assert not Job.objects.exists()
    Moment.objects.create(workspace=cast.workspace, asset=three[2], start=1, end=2)
    for _ in range(2):
        copies.refresh_where_behind(timezone.now())
    (job,) = Job.objects.all()
    assert (job.kind, job.workspace) == ("find_copies", cast.workspace)
    assert job.due > timezone.now()


def test_a_library_from_before_there_were_hashes_gets_them(cast: Cast, three: list[Asset]) -> None:
    CopyGroup.objects.all().delete()
    cast.workspace.copy_scan.delete()
    Moment.objects.update(pdq="")
    three[2].file.unlink()
    copies.refresh(cast.workspace)
    jobs.work_off()
    assert copies.groups(cast.workspace).count == 1
    assert [bool(each.moments.get().pdq) for each in three] == [True, True, False]


class TestMerging:
    def test_the_one_that_stays_gets_what_the_other_has(self, cast: Cast, three: list[Asset]) -> None:
        large, small, _other = three
        Asset.objects.filter(pk=small.pk).update(credit="Ada", alt="A river", licence="CC0")
        Asset.objects.filter(pk=large.pk).update(credit="Ben", licence="CC-BY-4.0")
        spring = Collection.objects.create(workspace=cast.workspace, name="Spring")
        spring.assets.add(small)
        large.refresh_from_db(), small.refresh_from_db()
        assert copies.merge(cast.workspace, large, [small], by=cast.alice) == 1
        large.refresh_from_db(), small.refresh_from_db()
        assert (large.tags, large.credit, large.alt, large.licence) == (
            ["large", "river", "small"], "Ben; Ada", "A river", "CC-BY-4.0"
        )  # fmt: skip
        assert list(spring.assets.order_by("title")) == [large, small]
        assert small.archived and small.merged_into == large
        assert copies.stands_in_for(small) == large
        assert copies.groups(cast.workspace).count == 0
        found = [one.asset_id for one in search.find(search.Query(workspace_id=cast.workspace.pk, words="small"))]
        assert large.pk in found and small.pk not in found
        event = Event.objects.get(kind="asset.merged")
        assert (event.person, event.data["asset"], event.data["into"]) == (cast.alice, str(small.pk), str(large.pk))

    def test_undoing_gives_everything_back(self, cast: Cast, three: list[Asset]) -> None:
        large, small, _other = three
        Asset.objects.filter(pk=small.pk).update(credit="Ada", alt="A river", taken=timezone.now())
        spring = Collection.objects.create(workspace=cast.workspace, name="Spring")
        spring.assets.add(small)
        small.refresh_from_db()
        before = Asset.objects.filter(pk=large.pk).values().get()
        copies.merge(cast.workspace, large, [small], by=cast.alice)
        Asset.objects.filter(pk=large.pk).update(tags=["large", "river", "small", "mine"])
        back = copies.unmerge(cast.workspace, small, by=cast.bob)
        assert (back.archived, back.merged_into) == (None, None)
        after = Asset.objects.filter(pk=large.pk).values().get()
        assert after == {**before, "tags": ["large", "river", "mine"]}
        assert list(spring.assets.all()) == [small]
        assert copies.groups(cast.workspace).count == 1
        with pytest.raises(EngineError, match="isn't merged"):
            copies.unmerge(cast.workspace, small, by=cast.bob)

    def test_stories_keep_the_picture_that_they_show(self, cast: Cast, three: list[Asset]) -> None:
        large, small, _other = three
        story = finished_story(cast.workspace, cast.alice)
        shown = story.scenes.first()
        shown.asset = small
        shown.save()
        (group,) = copies.groups(cast.workspace).groups
        assert [member.scenes for member in group.members] == [0, 1]
        copies.merge(cast.workspace, large, [small], by=cast.alice)
        shown.refresh_from_db()
        assert shown.asset == small
        assert small.file.exists()

    def test_merges_of_merges_end_at_the_last(self, cast: Cast, three: list[Asset]) -> None:
        large, small, other = three
        copies.merge(cast.workspace, small, [other], by=None)
        copies.merge(cast.workspace, large, [small], by=None)
        other.refresh_from_db()
        assert copies.stands_in_for(other) == large
        assert copies.stands_in_for(large) is None

    def test_what_makes_no_sense_is_refused(self, cast: Cast, three: list[Asset]) -> None:
        large, small, _other = three
        film = Asset.objects.create(workspace=cast.workspace, kind="video", digest="f", path="f", size=1)
        strange = Asset.objects.create(workspace=cast.other, kind="image", digest="s", path="s", size=1)
        for others in ([], [large], [film], [strange], [small] * (copies.MOST + 1)):
            with pytest.raises(EngineError):
                copies.merge(cast.workspace, large, others, by=cast.alice)
        with pytest.raises(EngineError):
            copies.merge(cast.other, large, [small], by=cast.charlie)
        Asset.objects.filter(pk=small.pk).update(credit="x" * 150)
        Asset.objects.filter(pk=large.pk).update(credit="y" * 150)
        small.refresh_from_db(), large.refresh_from_db()
        with pytest.raises(EngineError, match="credits"):
            copies.merge(cast.workspace, large, [small], by=cast.alice)
        assert not Asset.objects.exclude(archived=None).exists()
        assert not Event.objects.filter(kind="asset.merged").exists()


def test_kept_apart_is_never_shown_again(cast: Cast, three: list[Asset]) -> None:
    assert copies.keep_apart(cast.workspace, three[:2], by=cast.bob) == 1
    assert copies.groups(cast.workspace).count == 0
    assert Event.objects.get(kind="asset.kept_apart").person == cast.bob
    for wrong in (three[:1], [], [three[0], three[0]]):
        with pytest.raises(EngineError):
            copies.keep_apart(cast.workspace, wrong, by=cast.bob)
    with pytest.raises(EngineError):
        copies.keep_apart(cast.other, three[:2], by=cast.charlie)


def test_keeping_the_largest_of_every_group(cast: Cast, three: list[Asset]) -> None:
    large, small, _other = three
    plan = copies.keep_largest(cast.workspace, by=cast.alice)
    assert (plan.merges, plan.archived, plan.bytes_freed) == (((large.pk, (small.pk,)),), 1, small.size)
    small.refresh_from_db()
    assert small.archived is None
    assert copies.keep_largest(cast.workspace, by=cast.alice, dry_run=False) == plan
    small.refresh_from_db()
    assert small.merged_into == large
    assert copies.keep_largest(cast.workspace, by=cast.alice, dry_run=False).archived == 0


@pytest.mark.slow
def test_a_page_of_a_large_library_is_quick(cast: Cast) -> None:
    """10,000 assets in 2,500 groups of copies."""
    rows = Asset.objects.bulk_create(
        Asset(workspace=cast.workspace, kind="image", digest=uuid4().hex, path="x", size=at, width=9, height=9)
        for at in range(10_000)
    )
    made = CopyGroup.objects.bulk_create(
        CopyGroup(workspace=cast.workspace, kind="copies", leader=rows[4 * at]) for at in range(2500)
    )
    CopyMember.objects.bulk_create(CopyMember(group=made[at // 4], asset=row) for at, row in enumerate(rows))
    taken = []
    for number in (1, 2, 50, 104):
        began = time.perf_counter()
        page = copies.groups(cast.workspace, page=number)
        standing = copies.standing(cast.workspace)
        taken.append(time.perf_counter() - began)
    print([round(1000 * each) for each in taken], "ms")
    assert (page.count, page.pages, standing.copies) == (2500, 105, 2500)
    assert min(taken) < 0.15
    with CaptureQueriesContext(connection) as queries:
        copies.groups(cast.workspace)
    assert len(queries) <= 4
