"""Settings > Status for who runs the installation; one line for everybody where work takes long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from creator import jobs
from creator.celery import app
from creator.models import Job, Worker
from creator.services import health
from tests.conftest import Cast
from tests.views.conftest import browser_of

pytestmark = pytest.mark.django_db


def late(cast: Cast, seconds: int, **more: int) -> Job:
    job = jobs.submit("make_story", workspace=cast.workspace, **more)
    Job.objects.filter(pk=job.pk).update(due=timezone.now() - timedelta(seconds=seconds))
    return job


def test_people_are_told_only_where_they_wait(cast: Cast) -> None:
    assert health.slowness() == ""
    late(cast, 600, priority=-20)  # work that nobody waits for
    late(cast, 20)
    assert health.slowness() == ""
    late(cast, 600)
    assert "nothing is lost" in health.slowness()
    Worker.objects.create(name="w", threads=2, seen=timezone.now())
    assert "about 10 minutes" in health.slowness()
    page = browser_of(cast.alice).get("/jobs/").content.decode()
    assert "about 10 minutes" in page


def test_the_page_tells_what_is_wrong_and_no_secret(cast: Cast, settings: LazySettings) -> None:
    cast.ada.is_superuser = True
    cast.ada.save()
    page = browser_of(cast.ada).get("/settings/status/").content.decode()
    assert "manage.py worker" in page
    assert "STORYLOOM_BACKUPS" in page
    assert settings.SECRET_KEY not in page
    lines = {line["what"]: line for line in health.status()}
    assert not lines["Workers"]["ok"]
    assert lines["Queue"]["ok"]


def test_others_find_no_such_page(cast: Cast) -> None:
    assert browser_of(cast.mo).get("/settings/status/").status_code == 404
    assert "/settings/status/" not in browser_of(cast.ada).get("/settings/people/").content.decode()


def test_every_task_has_one_queue(settings: LazySettings) -> None:
    app.loader.import_default_modules()
    routed = [kind for kinds in settings.QUEUES.values() for kind in kinds]
    ours = [name for name, task in app.tasks.items() if task.__module__ == "creator.tasks"]
    assert sorted(routed) == sorted(ours)


def test_a_worker_of_one_queue_leaves_the_others(cast: Cast) -> None:
    render, mail = late(cast, 1), jobs.submit("send_mail", workspace=cast.workspace)
    assert jobs.due_jobs(9, queues=["render"]) == [render]
    assert jobs.due_jobs(9, queues=["io", "cpu"]) == [mail]
    assert len(jobs.due_jobs(9)) == 2
