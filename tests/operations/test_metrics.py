"""Figures for Prometheus, and what may be asked without them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from creator import jobs
from creator.models import Job, Worker
from media_processing.lookups import counts
from media_processing.services import find_rendition
from tests.conftest import Cast


def figures(client: Client, **headers: str) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples}


@pytest.mark.django_db
def test_the_ledger_in_figures(settings: LazySettings, cast: Cast) -> None:
    settings.METRICS_TOKEN = "a-token-of-the-test"
    late = timezone.now() - timedelta(seconds=90)
    waiting = jobs.submit("tidy", workspace=cast.workspace)
    Job.objects.filter(pk=waiting.pk).update(due=late)
    done = jobs.submit("make_story", workspace=cast.workspace)
    with jobs.working_on(done.pk) as work:
        assert work is not None
        work.begin("script")
        work.begin("narration")
    Job.objects.filter(pk=done.pk).update(started=timezone.now() - timedelta(seconds=7), finished=timezone.now())
    lookups = {"film": {"yes": 7, "no": 2}}
    for name, seen in (("w", timezone.now()), ("v", timezone.now()), ("gone", timezone.now() - timedelta(hours=1))):
        Worker.objects.create(name=name, threads=1, seen=seen, lookups=lookups)
    before = counts().get("renditions", {}).get("no", 0)
    assert find_rendition(cast.workspace.pk, "nothing") is None
    found = figures(Client(), Authorization="Bearer a-token-of-the-test")
    assert found["storyloom_jobs", ("tidy", "waiting")] == 1
    assert found["storyloom_queue_length", ()] == 1
    assert 90 <= found["storyloom_queue_age_seconds", ()] < 120
    assert found["storyloom_job_seconds_count", ("make_story", "done")] == 1
    assert 6.9 < found["storyloom_job_seconds_sum", ("make_story", "done")] < 8
    assert found["storyloom_step_seconds_count", ("make_story", "script")] == 1
    assert found["storyloom_step_seconds_count", ("make_story", "narration")] == 1
    assert found["storyloom_worker_threads", ()] == 2
    assert found["storyloom_worker_lookups", ("film", "yes")] == 14
    assert found["storyloom_worker_lookups", ("film", "no")] == 4
    assert found["storyloom_lookups_total", ("renditions", "no")] == before + 1
    assert found["storyloom_index_lag", (cast.workspace.slug,)] == 0
    again = figures(Client(), Authorization="Bearer a-token-of-the-test")
    assert again["storyloom_http_seconds_count", ("GET", "metrics", "200")] >= 1


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "a-token-of-the-test"])
@pytest.mark.parametrize("said", ["", "Bearer ", "Bearer wrong", "a-token"])
def test_to_others_there_is_no_such_page(token: str, said: str, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = token
    assert Client().get("/metrics", headers={"Authorization": said} if said else {}).status_code == 404


@pytest.mark.django_db
class TestHealth:
    def test_strangers_learn_no_numbers(self) -> None:
        assert Client().get("/healthz").json() == {"status": "degraded", "database": "ok", "worker": "none"}

    def test_who_runs_it_learns_how_much_waits(self, cast: Cast) -> None:
        cast.ada.is_superuser = True
        cast.ada.save()
        jobs.submit("tidy", workspace=cast.workspace)
        client = Client()
        client.force_login(cast.ada)
        assert client.get("/healthz").json()["waiting"] == 1

    def test_ready_means_that_the_tables_are_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert Client().get("/readyz").json() == {"status": "ready"}
        monkeypatch.setattr("django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *_: [1, 2])
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["migrations_missing"]) == (503, 2)
