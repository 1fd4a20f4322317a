"""Keys and weights that appear: noticed without a restart, offered, compared, never taken; a stopped job goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from creator import jobs
from creator.environment import KEYS
from creator.models import Event, Job
from creator.services import choices, comparing, noticing
from media_processing.engine import Engine, EngineError, engines
from tests.conftest import Cast


@pytest.fixture
def quiet(settings: Any) -> Iterator[None]:
    """No key, nothing written down by an earlier look, and the settings of before when it is over."""
    before = settings.ENGINES
    told = Path(settings.DATA) / "engines.json"
    for path in (KEYS, told):
        path.unlink(missing_ok=True)
    noticing.refresh(at_once=True)
    yield
    for path in (KEYS, told):
        path.unlink(missing_ok=True)
    noticing.refresh(at_once=True)
    settings.ENGINES = before
    engines.forget()


def test_a_key_is_noticed_offered_and_not_taken(cast: Cast, quiet: None) -> None:
    assert noticing.look() == []  # what is ready from the start is no news
    assert engines["writer", "openai"].problems()
    KEYS.write_text("OPENAI_API_KEY=sk-test\nOPENAI_BASE_URL=http://127.0.0.1:9/v1\n")
    assert "writer/openai" in noticing.look()
    assert not engines["writer", "openai"].problems()
    assert choices.chosen("writer", cast.workspace) == "extractive"
    offers = Event.objects.filter(kind=noticing.READY, workspace=cast.workspace)
    assert {"role": "writer", "engine": "openai", "title": engines["writer", "openai"].title} in [
        each.data for each in offers
    ]
    assert noticing.is_new("writer", "openai")
    assert noticing.look() == []  # once
    KEYS.unlink()
    noticing.look()
    assert engines["writer", "openai"].problems()
    assert not noticing.is_new("writer", "openai")


def test_weights_that_are_copied_in_are_used_by_their_engine(
    cast: Cast, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORYLOOM_DATA", str(settings.DATA))  # each test has a folder of its own
    folder = Path(settings.DATA) / "models" / "painter"
    folder.mkdir(parents=True)
    noticing.refresh(at_once=True)
    (folder / "small.safetensors").write_bytes(b"weights")
    noticing.refresh(at_once=True)
    assert settings.ENGINES["painter"]["diffusers"]["OPTIONS"]["folder"] == str(folder / "small.safetensors")


def test_engines_that_did_not_change_stay_loaded(cast: Cast, quiet: None) -> None:
    before = engines["voice", "espeak"], engines["writer", "openai"]
    KEYS.write_text("OPENAI_API_KEY=sk-other\n")
    noticing.refresh(at_once=True)
    assert engines["voice", "espeak"] is before[0]
    assert engines["writer", "openai"] is not before[1]


def test_a_file_that_makes_no_sense_changes_nothing(cast: Cast, quiet: None) -> None:
    before = settings.ENGINES
    KEYS.write_text("OPENAI_API_KEY=x\nSTORYLOOM_PORT=eighty\n")
    noticing.refresh(at_once=True)
    assert settings.ENGINES is before


def test_the_engines_page_marks_what_is_new_and_leads_to_a_comparison(admin_client_of: Client, quiet: None) -> None:
    noticing.look()
    KEYS.write_text("OPENAI_API_KEY=sk-test\nOPENAI_BASE_URL=http://127.0.0.1:9/v1\n")
    noticing.look()
    page = admin_client_of.get("/settings/engines/").content.decode()
    assert "ready since lately" in page
    assert "/settings/engines/compare/?role=writer&amp;name=openai" in page


@pytest.fixture
def admin_client_of(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.ada)
    return client


def test_a_comparison_has_both_do_the_same_and_shows_what_came_of_it(cast: Cast, admin_client_of: Client) -> None:
    with pytest.raises(EngineError, match="in use"):
        comparing.ask(cast.workspace, "writer", "extractive", by=cast.ada)
    with pytest.raises(EngineError):
        comparing.ask(cast.workspace, "cook", "pan", by=cast.ada)
    job = jobs.submit(
        comparing.KIND, workspace=cast.workspace, person=cast.ada, role="voice", used="espeak", name="openai"
    )
    with jobs.working_on(job.pk) as work:
        assert work is not None
        comparing.compare(work)
    job.refresh_from_db()
    ours, other = job.subject["tried"]
    assert (ours["engine"], ours["type"]) == ("espeak", "audio/wav")
    assert "error" in other  # it has no key: that is its result
    page = admin_client_of.get("/settings/engines/compare/?role=voice&name=openai").content.decode()
    assert f"/settings/engines/compare/{job.pk}/{ours['file']}" in page
    heard = admin_client_of.get(f"/settings/engines/compare/{job.pk}/{ours['file']}")
    assert heard["Content-Type"] == "audio/wav"
    assert admin_client_of.get(f"/settings/engines/compare/{job.pk}/..%2F..%2Fdb.sqlite3").status_code == 404


class Broken(Engine):
    """A service that is down."""

    role = "voice"

    def speak(self) -> None:
        raise EngineError("The service is down.", next_step="Wait.")


def test_a_job_that_a_service_stopped_goes_on_with_the_built_in_engine(cast: Cast) -> None:
    job = jobs.submit("make_story", workspace=cast.workspace, person=cast.alice)
    with jobs.working_on(job.pk) as work:
        assert work is not None
        Broken("openai").speak()
    job.refresh_from_db()
    assert (job.state, job.subject["stopped"]) == (Job.State.FAILED, {"role": "voice", "engine": "openai"})
    client = Client()
    client.force_login(cast.alice)
    assert "Use the built-in one" in client.get("/jobs/").content.decode()
    client.post(f"/jobs/{job.pk}/built-in/")
    job.refresh_from_db()
    assert (job.state, job.subject["instead"]) == (Job.State.WAITING, {"voice": "espeak"})
    cast.workspace.choices = {"voice": "openai"}
    cast.workspace.save()
    assert choices.chosen("voice", cast.workspace) == "openai"
    with jobs.working_on(job.pk) as work:
        assert work is not None
        assert choices.chosen("voice", work.job.workspace) == "espeak"
    assert choices.chosen("voice", cast.workspace) == "openai"
    assert jobs.use_built_in(job) is False


def test_what_our_own_code_breaks_offers_no_engine(cast: Cast) -> None:
    job = jobs.submit("make_story", workspace=cast.workspace, person=cast.alice)
    with jobs.working_on(job.pk):
        raise EngineError("No font.")
    job.refresh_from_db()
    assert "stopped" not in job.subject
