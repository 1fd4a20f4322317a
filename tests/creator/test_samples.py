"""The sample library: enough of everything, and found by a newcomer's words."""

from __future__ import annotations

from collections import Counter

import pytest

from creator import jobs
from creator.models import Job
from creator.services import finding, samples
from media_processing.models import Asset
from tests.conftest import Cast


def test_there_are_enough_samples_of_each_kind() -> None:
    kinds = Counter(sample["kind"] for sample in samples.plan())
    assert sum(kinds.values()) >= 150
    assert kinds["video"] >= 20
    assert kinds["audio"] >= 12


def test_the_rest_is_asked_for_in_batches_behind_other_work(cast: Cast) -> None:
    samples.submit_rest(cast.workspace)
    asked = [(job.subject["start"], job.subject["end"]) for job in Job.objects.order_by("id")]
    numbers = [number for start, end in asked for number in range(start, end)]
    assert numbers == list(range(samples.story_count(), len(samples.plan())))
    assert all(job.priority < 0 for job in Job.objects.all())


@pytest.mark.slow
def test_spoken_samples_are_long_enough_and_found_by_what_is_said(cast: Cast) -> None:
    spoken = [number for number, sample in enumerate(samples.plan()) if sample["kind"] == "audio"]
    job = jobs.submit("draw_sample", workspace=cast.workspace, start=spoken[0], end=spoken[-1] + 1)
    jobs.work_off()
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    sounds = Asset.objects.filter(kind="audio")
    assert sounds.count() == len(spoken)
    assert min(sounds.values_list("seconds", flat=True)) >= 10
    found = finding.find(cast.workspace, "yeast kind:audio").shown
    assert found[0].asset.title == "How bread rises"
    assert 0 <= found[0].found.start < found[0].asset.seconds


@pytest.mark.slow
def test_drawing_again_changes_nothing(cast: Cast) -> None:
    for _ in range(2):
        jobs.submit("draw_sample", workspace=cast.workspace, start=20, end=22)
        jobs.work_off()
    assert Asset.objects.count() == 2
