"""Log lines say which request or job they belong to, and hold no secret."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from creator import jobs, logs
from creator.environment import Environment
from creator.models import Job
from tests.conftest import Cast

CANARIES = (
    "sk-canary0123456789abcdef", "sl_canaryCanaryCanaryCanary", "whsec_Y2FuYXJ5Y2FuYXJ5", "correct-horse-battery",
    "a:b$c/very secret.key",
)  # fmt: skip


def record(message: str, *args: object, error: bool = False) -> logging.LogRecord:
    return logging.LogRecord("creator", logging.INFO, __file__, 1, message, args, sys.exc_info() if error else None)


@pytest.fixture(params=[logs.Line, logs.Json])
def formatter(request: pytest.FixtureRequest) -> Any:
    return request.param(CANARIES[3:])


@pytest.mark.parametrize("secret", CANARIES)
def test_no_secret_comes_through(formatter: Any, secret: str) -> None:
    assert secret not in formatter.format(record(f"asked with {secret}, twice {secret}"))
    assert secret not in formatter.format(record("asked with %s", secret))
    try:
        raise ValueError(f"refused: {secret}")
    except ValueError:
        assert secret not in formatter.format(record("It broke.", error=True))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef0123456789", "postgresql://storyloom:hunter2@db/storyloom",
        "/sign-in/link/?sesame=AAAABBBBCCCC", "Authorization: Basic dXNlcjpwYXNz",
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    hidden = logs.WithoutSecrets()(text)
    assert logs.HIDDEN in hidden
    assert not any(word in hidden for word in ("abcdef0123456789", "hunter2", "AAAABBBBCCCC", "dXNlcjpwYXNz"))


@given(st.text(st.characters(codec="utf-8", exclude_characters="_-:/@?&="), max_size=60))
def test_ordinary_words_stay(text: str) -> None:
    assert logs.WithoutSecrets(["correct-horse-battery"])(text) == text or "Bearer" in text or "Basic" in text


def test_every_secret_of_the_environment_is_known() -> None:
    found = Environment(
        openai_api_key="key-1-key", mail_password="key-2-key", qdrant_api_key="key-3-key", metrics_token="key-4-key",
        secret_key="key-5-key", database_url="postgresql://u:key-6-key%40@h/d",
    ).secrets()  # fmt: skip
    assert {*(f"key-{number}-key" for number in range(1, 6)), "key-6-key@"} <= set(found)


def test_json_is_one_object_a_line() -> None:
    told = json.loads(logs.Json().format(record('Two\nlines and "quotes" of %s', "Zoë")))
    assert told["message"] == 'Two\nlines and "quotes" of Zoë'
    assert told["level"] == "info"


@pytest.mark.django_db
class TestWhereALineBelongs:
    @pytest.mark.parametrize(("given", "kept"), [("proxy-1234567", True), ("a b\nc", False), ("x", False), ("", False)])
    def test_answers_carry_the_number(self, given: str, kept: bool) -> None:
        answer = Client().get("/healthz", headers={"X-Request-ID": given})
        assert (answer["X-Request-ID"] == given) is kept
        assert len(answer["X-Request-ID"]) >= 8
        assert logs.request_id.get() == ""

    def test_a_jobs_lines_name_it(self, cast: Cast) -> None:
        job = jobs.submit("tidy", workspace=cast.workspace)
        with jobs.working_on(job.pk):
            assert f"[job {job.pk}]" in logs.Line().format(record("Hm."))
        assert "[" not in logs.Line().format(record("Hm."))
        assert Job.objects.get().state == Job.State.DONE
