"""Charges around the work of jobs: with a writer that costs money, on a double of its endpoint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from creator import jobs
from creator.jobs import HandedBack, LeaseLost, Work
from creator.models import (
    Brief,
    Channel,
    Event,
    Job,
    Membership,
    Publication,
    Story,
    User,
    Variant,
    Workspace,
)
from creator.services import charges, making, stories
from generation.charges import BudgetSpent
from generation.models import Budget, Charge
from media_processing.engine import EngineError
from moderation.models import Policy, Review
from tests.conftest import Cast
from tests.contracts.writer import STORY
from tests.factories import finished_story
from tests.generation.test_injections import ORDERS, obey
from tests.generation.test_openai_writer import answer, script
from tests.openai_double import Double, Reply
from tests.views.test_studio import document


@pytest.fixture
def double(endpoint: Double, settings: Settings) -> Double:
    """The workspace writes with the double, and the double's machine costs money."""
    own = settings.DATA / "prices.toml"
    own.write_text(
        'date = 2026-11-01\ncurrency = "USD"\n'
        '[[model]]\nprovider = "127.0.0.1"\nname = "tiny"\ninput = "1.00"\noutput = "10.00"\n'
    )
    settings.PRICES = str(own)
    endpoint.begin(answer)
    options = {"base_url": endpoint.address, "api_key": "k", "model": "tiny", "max_retries": 0, "max_tokens": 1000}
    writer = {"BACKEND": "generation.engines.openai.OpenAIWriter", "OPTIONS": options}
    settings.ENGINES = {
        **settings.ENGINES, "writer": {"openai": writer, "extractive": settings.ENGINES["writer"]["extractive"]},
    }  # fmt: skip
    return endpoint


@pytest.fixture
def work(cast: Cast, double: Double) -> Work:
    story = stories.create(
        cast.workspace, by=cast.alice, article=STORY.text, formats=["card:1x1"], language="en", seconds=20
    )
    job = jobs.claim(story.jobs.get().pk)
    assert job is not None
    return Work(job)


def write(work: Work) -> Charge:
    assert work.job.story is not None
    making.write(work, work.job.story, work.report)
    return Charge.objects.get()


def test_a_script_is_charged_to_its_story_and_person(work: Work, cast: Cast) -> None:
    charge = write(work)
    assert (charge.state, charge.basis, charge.role, charge.verb) == ("settled", "reported", "writer", "script")
    assert (charge.person, charge.subject) == (cast.alice, f"story:{work.job.story_id}")
    assert charge.amount == Decimal("0.0006")  # two requests of 100 and 20 tokens
    assert charge.estimated > charge.amount
    assert charge.provider_id == "chatcmpl-2"


def test_a_worker_that_dies_after_the_answer_is_not_asked_for_again(
    work: Work, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_args: object) -> None:
        raise LeaseLost

    with monkeypatch.context() as patched:
        patched.setattr(making, "_keep_script", dies)
        with pytest.raises(LeaseLost):
            write(work)
    assert Charge.objects.get().state == "reserved"
    assert len(double.requests) == 2
    charge = write(work)
    assert len(double.requests) == 2, "both answers were paid for and kept"
    assert (charge.state, charge.amount) == ("settled", Decimal("0.0006"))
    assert work.job.story is not None and work.job.story.scenes.count() == 2


def test_a_worker_that_dies_between_the_passes_asks_for_the_second_only(work: Work, double: Double) -> None:
    double.replies[:] = [Reply(script()), Reply(status=500)]
    story = work.job.story
    assert story is not None
    with pytest.raises(HandedBack), charges.charged(work, "writer", "script", characters=500) as call:
        with pytest.raises(EngineError):
            making.generation.write(
                making.Article(STORY.text), making.Wish(), engine="openai", watch=making.Watch(meter=call.meter)
            )
        raise HandedBack
    assert Charge.objects.get().state == "reserved"
    with charges.charged(work, "writer", "script", characters=500) as call:
        made = making.generation.write(
            making.Article(STORY.text), making.Wish(), engine="openai", watch=making.Watch(meter=call.meter)
        )
    assert made.scenes
    keys = [sent["idempotency_key"] for sent in double.requests]
    assert len(keys) == 3 and keys[1] == keys[2] != keys[0]
    assert Charge.objects.get().amount == Decimal("0.0006")


def test_what_failed_is_charged_at_what_it_used_and_the_story_keeps_what_it_had(work: Work, double: Double) -> None:
    double.replies[:] = [Reply("nonsense"), Reply("nonsense")]
    with pytest.raises(EngineError, match="twice"):
        write(work)
    charge = Charge.objects.get()
    assert (charge.state, charge.calls, charge.amount) == ("settled", 2, Decimal("0.0006"))
    assert work.job.story is not None and not work.job.story.scenes.exists()
    second = [charge for charge in [write_again(work)] if charge.state == "settled"]
    assert len(second) == 1 and Charge.objects.count() == 2


def write_again(work: Work) -> Charge:
    assert work.job.story is not None
    making.write(work, work.job.story, work.report)
    newest = Charge.objects.order_by("id").last()
    assert newest is not None
    return newest


def test_an_endpoint_that_refuses_costs_nothing(work: Work, double: Double) -> None:
    double.replies[:] = [Reply(status=401)]
    with pytest.raises(EngineError, match="refused the key"):
        write(work)
    charge = Charge.objects.get()
    assert (charge.state, charge.amount) == ("released", 0)


def test_a_story_beyond_the_budget_is_refused_before_any_work(cast: Cast, double: Double) -> None:
    Budget.objects.create(workspace=cast.workspace, day=Decimal("0.01"))
    with pytest.raises(BudgetSpent, match="the budget for a day"):
        stories.create(cast.workspace, by=cast.alice, article=STORY.text, formats=["card:1x1"], seconds=20)
    assert not Story.objects.exists() and not double.requests


def test_a_budget_that_runs_out_meanwhile_stops_the_job_with_a_next_step(work: Work, double: Double) -> None:
    Budget.objects.create(workspace=work.job.workspace, person_day=Decimal("0.001"))
    with pytest.raises(BudgetSpent) as refused:
        write(work)
    assert "Costs" in refused.value.next_step
    assert not double.requests and not Charge.objects.exists()


def test_the_words_reach_the_page_while_they_are_written(work: Work, double: Double) -> None:
    double.replies[:] = [Reply(script(), pause=0.6), Reply(status=500)]
    with pytest.raises(EngineError):
        write(work)
    told = ""
    for event in Event.objects.filter(kind="words.told"):
        told = told[: event.data["at"]] + event.data["text"]
    assert told.startswith("A ferry without diesel\nScene 0 says")
    double.replies.clear()
    write_again(work)
    assert not Event.objects.filter(kind="words.told").exists()


def test_charges_of_jobs_that_are_over_are_closed(work: Work) -> None:
    with pytest.raises(LeaseLost), charges.charged(work, "writer", "script", characters=10):
        raise LeaseLost
    Charge.objects.update(created=datetime.now(UTC) - timedelta(hours=1))
    assert charges.close_lost() == 0, "its job is still open"
    jobs.finish(work, "failed")
    assert charges.close_lost() == 1
    assert Charge.objects.get().state == "released"


def test_built_in_engines_are_charged_their_seconds_at_no_price(cast: Cast) -> None:
    story = stories.create(cast.workspace, by=cast.alice, article=STORY.text, formats=["card:1x1"], seconds=20)
    job = jobs.claim(story.jobs.get().pk)
    assert job is not None
    making.write(Work(job), story, lambda _share: None)
    charge = Charge.objects.get()
    assert (charge.engine, charge.state, charge.amount, charge.basis) == ("extractive", "settled", 0, "measured")
    assert charge.machine_seconds > 0
    assert charges.of_a_brief(cast.workspace, 20) is None


def test_the_estimate_of_a_brief_grows_with_its_article(cast: Cast, double: Double) -> None:
    shown = charges.of_a_brief(cast.workspace, 40)
    assert shown is not None and shown["known"] and shown["words"].startswith("about 0.")
    assert shown["each"] > 0 == shown["second"]


def test_the_estimate_of_a_brief_counts_a_paid_voice(cast: Cast, double: Double, settings: Settings) -> None:
    silent = charges.of_a_brief(cast.workspace, 40)
    own = settings.DATA / "speaking.toml"
    own.write_text(
        (settings.DATA / "prices.toml").read_text()
        + '[[model]]\nprovider = "127.0.0.1"\nname = "speaker"\ncharacters = "100.00"\n'
    )
    options = {"base_url": double.address, "api_key": "k", "model": "speaker"}
    voice = {"BACKEND": "generation.engines.openai_speech.OpenAIVoice", "OPTIONS": options}
    settings.PRICES, settings.ENGINES = str(own), {**settings.ENGINES, "voice": {"openai": voice}}
    shown = charges.of_a_brief(cast.workspace, 40)
    assert silent is not None and shown is not None
    assert (shown["fixed"], shown["each"]) == (silent["fixed"], silent["each"])
    assert shown["second"] == Decimal(charges.SAID * 100) / 1_000_000
    assert shown["words"] != silent["words"]


def test_a_paid_painter_stands_in_the_estimate_of_a_brief_and_of_a_render(
    cast: Cast, author: Client, settings: Settings
) -> None:
    assert charges.of_a_brief(cast.workspace, 40) is None
    own = settings.DATA / "painting.toml"
    own.write_text(
        'date = 2026-01-01\ncurrency = "USD"\n[[model]]\nprovider = "fake.example"\nname = "fake-1"\npicture = 0.04\n'
    )
    painter = {"BACKEND": "tests.fakes.FakePainter", "OPTIONS": {"provider": "fake.example"}}
    settings.PRICES, settings.ENGINES = str(own), {**settings.ENGINES, "painter": {"fake": painter}}
    shown = charges.of_a_brief(cast.workspace, 40)
    assert shown is not None and (shown["words"], shown["picture"]) == ("", "about 0.040 USD")
    assert "about 0.040 USD for each picture that the library lacks" in author.get("/").content.decode()
    story = finished_story(cast.workspace, cast.alice)
    assert document(author, story)["costs"] == {"renditions": "", "narration": "", "visuals": "about 0.12 USD"}
    story.scenes.filter(position=0).update(asset=None)
    assert document(author, story)["costs"]["renditions"] == "about 0.040 USD"
    assert "about 0.040 USD" in author.get(f"/stories/{story.pk}/acts/").content.decode()


@pytest.mark.slow
def test_fifty_articles_that_give_orders_change_nothing_but_the_story(work: Work, double: Double) -> None:
    assert work.job.story is not None

    def state() -> list[list[dict[str, Any]]]:
        models = (User, Workspace, Membership, Channel, Publication, Job, Brief, Variant, Policy, Review, Budget)
        rows = [list(model._default_manager.order_by("pk").values()) for model in models]
        return [[{**row, "progress": 0} for row in table] for table in rows]

    work.begin("script")
    Budget.objects.create(workspace=work.job.workspace)
    for order in ORDERS:
        with transaction.atomic():
            story = Story.objects.get(pk=work.job.story.pk)
            story.brief.article = f"{STORY.text}\n\n{order}"
            story.brief.save()
            double.usual = obey(order)
            before = state()
            making.write(work, story, work.report)
            assert state() == before, order
            assert Story.objects.count() == 1
            story.refresh_from_db()
            assert story.title, "its words are new"
            assert story.state == Story.State.MAKING
            transaction.set_rollback(True)
