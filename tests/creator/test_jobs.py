"""The ledger: claim, lease, fencing token, cancel, retry, parking."""

from __future__ import annotations

import errno
import itertools
import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from creator import jobs, tasks
from creator.celery import BEAT_SECONDS, Dispatcher
from creator.models import Event, Job
from media_processing.engine import EngineError
from tests.conftest import Cast


@pytest.fixture
def job(cast: Cast) -> Job:
    return jobs.submit("make_story", workspace=cast.workspace, person=cast.alice, number=7)


def test_submit_writes_the_row_in_the_callers_transaction(cast: Cast) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        jobs.submit("make_story", workspace=cast.workspace)
        raise RuntimeError
    assert not Job.objects.exists()


def test_work_is_done_once(job: Job) -> None:
    with jobs.working_on(job.pk) as work:
        assert work is not None
        assert work.job.subject == {"number": 7}
        with jobs.working_on(job.pk) as second:
            assert second is None
    job.refresh_from_db()
    assert (job.state, job.progress, job.attempt) == (Job.State.DONE, 1.0, 1)


def test_a_job_that_is_not_due_stays(cast: Cast) -> None:
    later = jobs.submit("make_story", workspace=cast.workspace, due=timezone.now() + timedelta(hours=1))
    assert jobs.claim(later.pk) is None
    assert jobs.due_jobs(10) == []


def test_urgent_jobs_go_first_and_background_work_waits_for_them(cast: Cast) -> None:
    low = jobs.submit("draw_sample", workspace=cast.workspace, priority=-10)
    high = jobs.submit("make_story", workspace=cast.workspace, priority=5)
    higher = jobs.submit("make_story", workspace=cast.workspace, priority=6)
    assert [each.pk for each in jobs.due_jobs(10)] == [higher.pk, high.pk]
    Job.objects.exclude(pk=low.pk).update(state=Job.State.RUNNING)
    assert jobs.due_jobs(10) == []
    Job.objects.exclude(pk=low.pk).update(state=Job.State.DONE)
    assert [each.pk for each in jobs.due_jobs(10)] == [low.pk]


def test_background_work_leaves_a_thread_free(cast: Cast) -> None:
    first, _second = (jobs.submit("draw_sample", workspace=cast.workspace, priority=-10) for _ in range(2))
    assert [each.pk for each in jobs.due_jobs(10)] == [first.pk]
    assert jobs.claim(first.pk)
    assert jobs.due_jobs(10) == []


def test_an_engine_error_is_shown_with_its_next_step(job: Job) -> None:
    with jobs.working_on(job.pk):
        raise EngineError("No key.", next_step="Set OPENAI_API_KEY.")
    job.refresh_from_db()
    assert (job.state, job.error, job.next_step) == (Job.State.FAILED, "No key.", "Set OPENAI_API_KEY.")


def test_any_other_error_is_logged_and_not_shown(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    with jobs.working_on(job.pk):
        raise ZeroDivisionError("secret detail")
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "secret" not in job.error
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_is_called_so(job: Job, number: int) -> None:
    with jobs.working_on(job.pk):
        raise OSError(number, "no")
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.FAILED, "The disk is full.")
    assert "Make room" in job.next_step


def test_a_waiting_job_is_cancelled_at_once(job: Job) -> None:
    jobs.ask_to_cancel(job)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert jobs.claim(job.pk) is None


def test_a_running_job_is_cancelled_at_its_next_report(job: Job) -> None:
    with jobs.working_on(job.pk) as work:
        assert work is not None
        jobs.ask_to_cancel(job)
        work.report(0.5)
        raise AssertionError("not reached")
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


def test_a_worker_that_stops_hands_its_job_back(job: Job) -> None:
    try:
        with jobs.working_on(job.pk) as work:
            assert work is not None
            jobs.stopping.set()
            work.report(0.5)
    finally:
        jobs.stopping.clear()
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.WAITING, 0)


def test_a_lost_worker_can_write_nothing_more(job: Job) -> None:
    with jobs.working_on(job.pk) as first:
        assert first is not None
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert jobs.take_back_expired() == 1
        with jobs.working_on(job.pk) as second:
            assert second is not None
            with pytest.raises(jobs.LeaseLost), first.effect():
                raise AssertionError("not reached")
            with pytest.raises(jobs.LeaseLost):
                first.report(1.0)
            assert not jobs.finish(first, Job.State.FAILED, error="too late")
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error) == (Job.State.DONE, 2, "")


def test_workers_lost_without_a_finished_step_park_a_job_and_a_retry_frees_it(job: Job) -> None:
    for _ in range(jobs.MAX_CRASHES):
        assert jobs.claim(job.pk) is not None
        jobs.take_back_expired(timezone.now() + timedelta(hours=1))
    job.refresh_from_db()
    assert job.state == Job.State.PARKED
    assert "6 times" in job.error
    assert jobs.retry(job)
    assert jobs.claim(job.pk) is not None


def test_a_finished_step_forgives_lost_workers(job: Job) -> None:
    for _ in range(jobs.MAX_CRASHES - 1):
        assert jobs.claim(job.pk) is not None
        jobs.take_back_expired(timezone.now() + timedelta(hours=1))
    claimed = jobs.claim(job.pk)
    assert claimed is not None
    with jobs.Work(claimed).effect():
        pass
    jobs.take_back_expired(timezone.now() + timedelta(hours=1))
    job.refresh_from_db()
    assert (job.state, job.crashes) == (Job.State.WAITING, 1)


def test_a_done_job_is_not_retried(job: Job) -> None:
    with jobs.working_on(job.pk):
        pass
    assert not jobs.retry(job)


def test_progress_is_written_as_events_in_order(job: Job) -> None:
    with jobs.working_on(job.pk) as work:
        assert work is not None
        work.begin("script", 0.0)
        work.report(1.0)
    kinds = list(Event.objects.filter(job=job).values_list("kind", flat=True))
    assert kinds == ["job.waiting", "job.progress", "job.progress", "job.done"]


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_wins(cast: Cast) -> None:
    rows = [jobs.submit("make_story", workspace=cast.workspace).pk for _ in range(20)]
    won: list[int] = []

    def race() -> None:
        for pk in rows:
            if jobs.claim(pk):
                won.append(pk)
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == rows


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_kept_while_the_body_works(cast: Cast, settings: object) -> None:
    settings.LEASE_SECONDS = 0.6  # type: ignore[attr-defined]
    job = jobs.submit("make_story", workspace=cast.workspace)
    with jobs.working_on(job.pk):
        threading.Event().wait(1.5)
        assert jobs.take_back_expired() == 0
    job.refresh_from_db()
    assert job.state == Job.State.DONE


def test_a_worker_asks_for_tidying_once_an_hour(cast: Cast) -> None:
    now = timezone.now()
    tasks.submit_periodic(now)
    tasks.submit_periodic(now)
    (job,) = Job.objects.filter(kind="tidy")
    Job.objects.filter(pk=job.pk).update(due=now)
    jobs.work_off()
    job.refresh_from_db()
    assert job.state == Job.State.DONE


def test_a_clock_that_is_put_back_stops_no_dispatcher(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does periodic work that breaks: a lost worker's job is taken back before it."""
    jobs.claim(job.pk)  # by a worker that is lost
    start, looks, beats = timezone.now(), itertools.count(1), []
    look = 0

    def waited(_seconds: float) -> bool:
        nonlocal look
        look = next(looks)
        return look > 3

    def broken(now: datetime) -> None:
        beats.append(now)
        raise RuntimeError("no")

    monkeypatch.setattr(timezone, "now", lambda: start + (timedelta(hours=1) if look == 1 else timedelta(minutes=look)))
    monkeypatch.setattr("creator.celery.time", SimpleNamespace(monotonic=lambda: look * (BEAT_SECONDS + 1)))
    monkeypatch.setattr(tasks, "submit_periodic", broken)
    monkeypatch.setattr("django.db.close_old_connections", lambda: None)  # the test's own
    dispatcher = Dispatcher(SimpleNamespace(concurrency=2))
    monkeypatch.setattr(dispatcher, "_over", SimpleNamespace(wait=waited))
    dispatcher._run(SimpleNamespace(concurrency=2))
    job.refresh_from_db()
    assert (job.state, job.crashes) == (Job.State.WAITING, 1)
    assert [beat - start for beat in beats] == [timedelta(hours=1), timedelta(minutes=2), timedelta(minutes=3)]
