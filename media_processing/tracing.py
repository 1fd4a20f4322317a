"""Spans for OpenTelemetry, with the extra `otel`: without it, or without a collector, they are nothing at all.

Three seams have them: a request, a step of a job, a call of an engine that is charged. What is in a span is the name of
the route, job, step, role or engine, and numbers: no text that anybody wrote, no address, no secret.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from django.conf import settings

_lock = threading.Lock()
_tracer: Any = None
_asked = False


def is_wanted() -> bool:
    """Whether a collector is named and the extra is installed."""
    return bool(settings.OTLP) and find_spec("opentelemetry.sdk") is not None


def start(tracer: Any = None) -> Any:
    """The tracer of this process, made at the first call; None where none is wanted. A test may bring its own.

    The exporter reads the other variables of OpenTelemetry (headers, certificates) by itself, and sends from a thread
    of its own: a collector that is down costs spans, never an answer.
    """
    global _tracer, _asked
    with _lock:
        if tracer is not None:
            _tracer, _asked = tracer, True
        if not _asked:
            _asked = True
            if is_wanted():
                _tracer = _made()
    return _tracer


def stop() -> None:
    """Forget the tracer."""
    global _tracer, _asked
    with _lock:
        _tracer, _asked = None, False


def _made() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "storyloom"}))
    exporter = OTLPSpanExporter(endpoint=f"{settings.OTLP.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider.get_tracer("storyloom")


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[Any]:
    """A stretch of time with a name; what raises in it is marked as an error. Yields the span, or None without tracing.

    Attributes that aren't known before are set on it: `made.set_attribute("http.route", ...)`.
    """
    tracer = _tracer if _asked else start()
    if tracer is None:
        yield None
        return
    from opentelemetry.trace import StatusCode

    # Not the library's own way of telling errors: their messages may hold what people wrote.
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as made:
        try:
            yield made
        except BaseException as error:
            made.set_attribute("error.type", type(error).__name__)
            made.set_status(StatusCode.ERROR)
            raise


@contextmanager
def continued(headers: Mapping[str, str]) -> Iterator[None]:
    """Join the trace of whoever asks, by W3C's header `traceparent`."""
    if (_tracer if _asked else start()) is None:
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    given = {"traceparent": headers.get("traceparent", "")}
    token = context.attach(TraceContextTextMapPropagator().extract(given))
    try:
        yield
    finally:
        context.detach(token)
