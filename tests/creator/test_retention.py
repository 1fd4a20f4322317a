"""What is too old to be kept goes; what was published, reviewed, planned or is being worked on stays."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.utils import timezone

from creator import jobs, tasks
from creator.models import Brief, Channel, Job, Publication, Revision, Story
from creator.services import retention
from media_processing.models import Rendition
from moderation import cases, services
from tests.conftest import Cast
from tests.factories import drawn, finished_story, rendition

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)
LONG_AGO = timezone.now() - timedelta(days=40)


def aged(story: Story) -> Story:
    Story.objects.filter(pk=story.pk).update(changed=LONG_AGO)
    return story


def publication_of(story: Story) -> Publication:
    channel = Channel.objects.create(workspace=story.workspace, slug=f"c{story.pk}"[:50], name="C")
    return Publication.objects.create(
        workspace=story.workspace, story=story, channel=channel, published=LONG_AGO, updated=LONG_AGO,
        original=story.pk, withdrawn=LONG_AGO,
    )  # fmt: skip


def test_only_drafts_that_nobody_needs_are_too_old(cast: Cast) -> None:
    old, young, live, case, busy = (finished_story(cast.workspace, cast.alice) for _ in range(5))
    for story in (old, live, case, busy):
        aged(story)
    publication_of(live)  # withdrawn, even
    cases.open_case(
        workspace_id=cast.workspace.pk, story_id=case.pk, number=1, digests=["x"],
        policy=services.active_policy(cast.workspace.pk), outcome=services.Outcome("review"), submitted_by_id=None,
    )  # fmt: skip
    jobs.submit("make_story", workspace=cast.workspace, story=busy)
    assert list(retention.old_drafts(MONTH)) == [old]
    assert retention.count(drafts=MONTH).drafts == 1
    assert retention.apply(drafts=MONTH).drafts == 1
    assert set(Story.objects.all()) == {young, live, case, busy}
    assert Brief.objects.count() == 4


def test_without_a_setting_everything_stays(cast: Cast, settings: LazySettings) -> None:
    aged(finished_story(cast.workspace, cast.alice))
    Rendition.objects.update(created=LONG_AGO)
    assert retention.apply() == retention.Old()
    tasks.submit_periodic(timezone.now())
    assert not Job.objects.filter(kind="retain").exists()
    settings.KEEP_DRAFTS = MONTH
    tasks.submit_periodic(timezone.now())
    tasks.submit_periodic(timezone.now())
    assert Job.objects.filter(kind="retain").count() == 1


def test_only_files_that_nothing_names_go(cast: Cast) -> None:
    story = finished_story(cast.workspace, cast.alice)
    used = set(Rendition.objects.filter(asset=None))
    loose, kept_twice, reviewed, live = (
        rendition(cast.workspace, name, drawn(name)) for name in ("loose", "twice", "reviewed", "live")
    )
    same = rendition(cast.other, "elsewhere", drawn("twice"))
    Revision.objects.create(
        workspace=cast.workspace, story=story, number=1, digest="x", document={"renditions": [reviewed.digest]}
    )
    publication_of(story).renditions.add(live)
    Rendition.objects.exclude(pk=same.pk).update(created=LONG_AGO)
    told = retention.count(renditions=MONTH)
    assert (told.renditions, told.bytes) == (2, loose.size + kept_twice.size)
    assert retention.apply(renditions=MONTH) == told
    assert set(Rendition.objects.filter(asset=None)) == used | {reviewed, live, same}
    assert not loose.file.exists()
    assert all(each.file.exists() for each in (same, reviewed, live, *used))


def test_a_deleted_drafts_files_go_with_the_next_look(cast: Cast) -> None:
    aged(finished_story(cast.workspace, cast.alice))
    Rendition.objects.update(created=LONG_AGO)
    assert retention.apply(drafts=MONTH, renditions=MONTH).renditions == 5  # three sounds, two cards
    assert Rendition.objects.filter(asset=None).count() == 0


def test_the_command_counts_first(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    aged(finished_story(cast.workspace, cast.alice))
    call_command("retention", "--drafts", "30", "--json")
    assert json.loads(capsys.readouterr().out) == {"applied": False, "drafts": 1, "renditions": 0, "bytes": 0}
    assert Story.objects.count() == 1
    call_command("retention", "--drafts", "30", "--apply")
    assert "drafts: 1 gone" in capsys.readouterr().out
    assert Story.objects.count() == 0
