"""A few seconds of a music bed, to hear before it is chosen."""

from __future__ import annotations

from functools import lru_cache

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from generation.music import MOODS, compose

SECONDS = 8.0
_composed = lru_cache(maxsize=len(MOODS))(compose)


@login_required
@require_safe
@cache_control(private=True, max_age=86_400)
def sample(request: HttpRequest, mood: str) -> HttpResponse:
    """A bed of eight seconds as a WAV; 404 for a mood that doesn't exist."""
    if mood not in MOODS:
        raise Http404
    return HttpResponse(_composed(mood, SECONDS), content_type="audio/wav")
