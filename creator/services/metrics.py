"""Figures for Prometheus: of this process what it answered, of the whole installation what the database knows."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, DurationField, F, Min, Sum
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from creator.models import Event, Job, Worker, Workspace
from generation.models import Charge
from media_processing import tracing
from media_processing.lookups import LOOKUPS
from moderation.models import Review
from search import services as search

REGISTRY = CollectorRegistry()
ANSWERS = Histogram(
    "storyloom_http_seconds", "Seconds from a request to its answer, by this web process.",
    ("route", "method", "status"), registry=REGISTRY,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
REGISTRY.register(LOOKUPS)
STEPS_OF = timedelta(hours=1)
"""How far back steps of jobs are looked at."""


class Watched:
    """Counts, times and traces every answer under its route's name: addresses with numbers don't each make a row."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        with tracing.continued(request.headers), tracing.span(request.method or "") as span:
            response = self.get_response(request)
            match = request.resolver_match
            route = match.view_name if match else "none"
            if span is not None:
                span.update_name(f"{request.method} {route}")
                span.set_attributes({"http.route": route, "http.response.status_code": response.status_code})
        ANSWERS.labels(route, request.method or "", str(response.status_code)).observe(time.perf_counter() - start)
        return response


def exposition() -> bytes:
    """Everything in Prometheus' text format; of several web processes on this machine, their sums."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    summed = CollectorRegistry()
    MultiProcessCollector(summed)  # type: ignore[no-untyped-call]
    summed.register(Installation())
    return generate_latest(summed)


class Installation:
    """What the database and the disk tell, read when it is asked for."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield _table(
            "storyloom_jobs", "Rows of the ledger.", ("kind", "state"),
            _rows(Job.objects.values("kind", "state").annotate(n=Count("pk")), "kind", "state", "n"),
        )
        waiting = Job.objects.filter(state=Job.State.WAITING, due__lte=now).aggregate(n=Count("pk"), oldest=Min("due"))
        yield GaugeMetricFamily("storyloom_queue_length", "Jobs that are due and wait.", waiting["n"])
        age = (now - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
        yield GaugeMetricFamily("storyloom_queue_age_seconds", "How long the oldest of them waits.", age)
        yield self._job_seconds()
        yield self._step_seconds(now - STEPS_OF)
        charges = Charge.objects.filter(state=Charge.State.SETTLED).values("role", "engine", "currency")
        summed = list(charges.annotate(n=Sum("calls"), money=Sum("amount"), seconds=Sum("machine_seconds")))
        for name, help_text, key in (
            ("storyloom_engine_calls", "Settled calls of engines.", "n"),
            ("storyloom_engine_seconds", "Machine time of them.", "seconds"),
            ("storyloom_money", "What they cost.", "money"),
        ):
            labels = ("role", "engine", "currency")
            yield _table(name, help_text, labels, _rows(summed, *labels, key))
        alive = Worker.objects.filter(seen__gte=now - timedelta(seconds=60))
        fresh = alive.aggregate(n=Count("pk"), threads=Sum("threads"))
        yield GaugeMetricFamily("storyloom_workers", "Workers that live.", fresh["n"])
        yield GaugeMetricFamily("storyloom_worker_threads", "Jobs that they can do at a time.", fresh["threads"] or 0)
        yield _table(
            "storyloom_worker_lookups", "Pieces looked for, by the workers that live.", ("cache", "found"),
            _found(alive.values_list("lookups", flat=True)),
        )  # fmt: skip
        lag = _table("storyloom_index_lag", "Vectors that the search index lacks or has too many.", ("workspace",), ())
        for workspace in Workspace.objects.all():
            lag.add_metric((workspace.slug,), search.describe(workspace.pk)["lag"])
        yield lag
        yield self._cases(now)
        yield GaugeMetricFamily("storyloom_disk_free_bytes", "Room for data.", shutil.disk_usage(settings.DATA).free)

    def _job_seconds(self) -> Metric:
        took = Sum(F("finished") - F("started"), output_field=DurationField())
        ended = Job.objects.filter(finished__isnull=False, started__isnull=False)
        family = SummaryMetricFamily("storyloom_job_seconds", "Time of ended jobs.", labels=("kind", "state"))
        for row in ended.values("kind", "state").annotate(n=Count("pk"), took=took):
            family.add_metric((row["kind"], row["state"]), row["n"], row["took"].total_seconds())
        return family

    def _step_seconds(self, since: Any) -> Metric:
        """From one step of a job to its next, or to its end, in the last hour."""
        sums: dict[tuple[str, str], tuple[int, float]] = {}
        begun: dict[int, tuple[str, str, Any]] = {}
        kinds = ("job.progress", *(f"job.{state}" for state in Job.State.values if state not in Job.OPEN))
        events = Event.objects.filter(job__isnull=False, kind__in=kinds, created__gte=since).order_by("id")
        for job, kind, name, data, at in events.values_list("job_id", "job__kind", "kind", "data", "created"):
            step = data.get("step", "") if name == "job.progress" else ""
            before = begun.get(job)
            if before and before[1] != step:
                count, seconds = sums.get(before[:2], (0, 0.0))
                sums[before[:2]] = (count + 1, seconds + (at - before[2]).total_seconds())
            if not before or before[1] != step:
                begun[job] = (kind, step, at)
            if not step:
                begun.pop(job, None)
        family = SummaryMetricFamily("storyloom_step_seconds", "Time of steps, last hour.", labels=("kind", "step"))
        for labels, (count, seconds) in sorted(sums.items()):
            family.add_metric(labels, count, seconds)
        return family

    def _cases(self, now: Any) -> Metric:
        open_cases = Review.objects.filter(state=Review.State.OPEN).aggregate(n=Count("pk"), oldest=Min("created"))
        family = GaugeMetricFamily("storyloom_cases", "Open cases of the review queue.", labels=("what",))
        family.add_metric(("open",), open_cases["n"])
        age = (now - open_cases["oldest"]).total_seconds() if open_cases["oldest"] else 0.0
        family.add_metric(("oldest_seconds",), age)
        return family


def _found(told: Iterable[dict[str, dict[str, int]]]) -> list[tuple[tuple[str, ...], float]]:
    summed: Counter[tuple[str, str]] = Counter()
    for lookups in told:
        for cache, counts in lookups.items():
            summed.update({(cache, found): count for found, count in counts.items()})
    return sorted(summed.items())


def _rows(rows: Iterable[Any], *keys: str) -> list[tuple[tuple[str, ...], float]]:
    return [(tuple(str(row[key]) for key in keys[:-1]), float(row[keys[-1]] or 0)) for row in rows]


def _table(
    name: str, help_text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for values, figure in rows:
        family.add_metric(values, figure)
    return family


REGISTRY.register(Installation())
