"""Whether this installation works, for monitors and for people with curl."""

from __future__ import annotations

from datetime import timedelta

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from creator.models import Job, Worker

WORKER_IS_LOST_AFTER = timedelta(seconds=60)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 where the database answers, 503 where not; without a worker it says so and stays 200."""
    try:
        seen = Worker.objects.order_by("-seen").values_list("seen", flat=True).first()
        pending = Job.objects.filter(state__in=Job.OPEN).count()
    except Error:
        return JsonResponse({"status": "down", "database": "down"}, status=503)
    now = timezone.now()
    alive = seen is not None and now - seen < WORKER_IS_LOST_AFTER
    return JsonResponse(
        {
            "status": "ok" if alive else "degraded",
            "database": "ok",
            "worker": "ok" if alive else "lost" if seen else "never seen",
            "worker_seen_seconds": round((now - seen).total_seconds(), 1) if seen else None,
            "pending_jobs": pending,
        }
    )
