"""Spans: a request with its route, a job with its steps and engine calls in it; none without a collector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.test import Client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from creator import jobs
from creator.services.charges import charged
from media_processing import tracing
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.receiver import receiving


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.start(provider.get_tracer("test"))
    yield exporter
    tracing.stop()


@pytest.mark.django_db
def test_a_request_joins_the_trace_of_who_asks(kept: InMemorySpanExporter) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    Client().get("/healthz?secret=river", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    (span,) = kept.get_finished_spans()
    assert (span.name, f"{span.context.trace_id:032x}") == ("GET healthz", trace)
    assert dict(span.attributes or {}) == {"http.route": "healthz", "http.response.status_code": 200}


@pytest.mark.django_db
def test_engine_calls_lie_in_steps_and_steps_in_jobs(kept: InMemorySpanExporter, cast: Cast) -> None:
    job = jobs.submit("make_story", workspace=cast.workspace)
    with jobs.working_on(job.pk) as work:
        assert work is not None
        work.begin("script")
        with charged(work, "writer", "script"):
            pass
        work.begin("narration")
        raise EngineError("The words of somebody.")
    spans = {span.name: span for span in kept.get_finished_spans()}
    inside = [("writer script", "step script"), ("step script", "job make_story"), ("step narration", "job make_story")]
    for child, parent in inside:
        assert spans[child].parent is not None
        assert spans[child].parent.span_id == spans[parent].context.span_id
    whole = spans["job make_story"]
    assert (whole.attributes or {})["error.type"] == "EngineError"
    assert "somebody" not in whole.to_json()


def test_without_a_collector_there_is_nothing(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    tracing.stop()
    assert settings.OTLP == ""
    with tracing.span("x") as span, tracing.continued({}):
        assert span is None
    settings.OTLP = "http://127.0.0.1:4318"
    assert tracing.is_wanted()
    monkeypatch.setattr(tracing, "find_spec", lambda _name: None)
    assert not tracing.is_wanted()
    tracing.stop()


def test_a_collector_gets_what_was_traced(settings: LazySettings) -> None:
    with receiving() as collector:
        settings.OTLP = collector.url("/planned")
        tracing.stop()
        with tracing.span("job tidy"):
            pass
        tracing.start().span_processor.shutdown()  # sends what waits
        tracing.stop()
        (path, _headers, body), *_more = collector.got
    assert path == "/planned/v1/traces"
    assert b"job tidy" in body
