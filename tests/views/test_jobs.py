"""The ledger as a page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from creator.models import Job
from tests.conftest import Cast


@pytest.fixture
def job(cast: Cast) -> Job:
    return Job.objects.create(workspace=cast.workspace, person=cast.alice, kind="import_assets", due=timezone.now())


def test_states_errors_and_next_steps(author: Client, job: Job, cast: Cast) -> None:
    Job.objects.create(
        workspace=cast.workspace, kind="make_story", due=timezone.now(), state="failed", error="No voice for it.",
        next_step="Choose another voice.",
    )  # fmt: skip
    page = author.get("/jobs/").content.decode()
    expected = ("Import files", "No voice for it.", "Choose another voice.", "Retry", "Cancel", "No worker is running")
    for said in expected:
        assert said in page


def test_cancel_and_retry(colleague: Client, job: Job) -> None:
    colleague.post(f"/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    colleague.post(f"/jobs/{job.pk}/retry/")
    job.refresh_from_db()
    assert job.state == Job.State.WAITING


def test_cancelling_leads_back_only_within_the_site(author: Client, job: Job) -> None:
    assert author.post(f"/jobs/{job.pk}/cancel/", {"next": "/library/"})["Location"] == "/library/"
    assert author.post(f"/jobs/{job.pk}/cancel/", {"next": "https://evil.example/"})["Location"] == "/jobs/"


def test_moderators_cancel_nothing(moderator: Client, job: Job) -> None:
    assert moderator.post(f"/jobs/{job.pk}/cancel/").status_code == 404
    assert "Cancel" not in moderator.get("/jobs/").content.decode()


def test_the_tray_names_what_is_in_work(author: Client, stranger: Client, job: Job) -> None:
    assert "1<span" in author.get("/jobs/tray/").content.decode()
    assert "in work" not in stranger.get("/jobs/tray/").content.decode()
