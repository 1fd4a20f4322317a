"""Whether a page is still signed in: asked by one whose session ended while somebody typed."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def state(request: HttpRequest) -> JsonResponse:
    """{"person": who is signed in or null, "csrf": the token that their next edits need}."""
    if not request.user.is_authenticated:
        return JsonResponse({"person": None, "csrf": ""})
    return JsonResponse({"person": request.user.pk, "csrf": get_token(request)})
