"""Whether this installation works, for monitors and for people with curl."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from creator import access
from creator.services import health, metrics

WORKER_IS_LOST_AFTER = timedelta(seconds=60)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether it lives: 200 where the database answers, 503 where not; how much waits is for who runs it."""
    try:
        told = health.pulse()
    except DatabaseError:
        return JsonResponse({"status": "down", "database": "down"}, status=503)
    shown = {"status": "ok" if told["worker"] == "ok" else "degraded", "database": "ok", "worker": told["worker"]}
    return JsonResponse({**shown, **told} if access.runs_installation(request.user) else shown)


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether requests may be sent here: 200 once the database has this version's tables, 503 until then."""
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return JsonResponse({"status": "down", "database": "down"}, status=503)
    status = {"status": "waiting", "migrations_missing": missing} if missing else {"status": "ready"}
    return JsonResponse(status, status=503 if missing else 200)


@login_required
@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Settings > Status: how the installation is, for those who run it."""
    access.require_running(request.user)
    context = {"lines": health.status(), "tab": "status", "engines": health.engine_problems()}
    return render(request, "settings/status.html", context)


@require_safe
@never_cache
def figures(request: HttpRequest) -> HttpResponse:
    """Prometheus' figures, for who holds STORYLOOM_METRICS_TOKEN or runs the installation; no page for others."""
    told = request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = settings.METRICS_TOKEN
    if not (token and constant_time_compare(told, token)) and not access.runs_installation(request.user):
        raise Http404("No such page.")
    return HttpResponse(metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
