"""Which web pages may ask in a browser: those of the origins that a channel names, and none where it names none.

The CORS protocol of the Fetch standard (fetch.spec.whatwg.org/#http-cors-protocol). No cookie is taken here, so that
what a page may do is what its key may do.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from creator.models import Channel

METHODS = "GET, HEAD, POST, PATCH, DELETE"
SENT = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Range"
TOLD = (
    "ETag, Location, Content-Location, Content-Range, RateLimit, RateLimit-Policy, Retry-After, Deprecation, Sunset, "
    "Link"
)
"""The headers that a page's script may read."""
REMEMBERED = 600
"""Seconds for which a browser keeps the answer to a preflight."""


def preflight(request: HttpRequest) -> HttpResponse | None:
    """The answer to a browser that asks whether it may ask; None for any other request.

    It comes without a key: what counts is whether any channel names the origin.
    """
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    response = HttpResponse(status=204)
    if _may_ask(request, None):
        response["Access-Control-Allow-Methods"] = METHODS
        response["Access-Control-Allow-Headers"] = SENT
        response["Access-Control-Max-Age"] = str(REMEMBERED)
    return response


def tell(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let a page of the key's channel, or of the channel of a signed address, read the answer.

    Where the key isn't known, the refusal may be read by the pages of any channel.
    """
    patch_vary_headers(response, ("Origin",))
    if "Origin" not in request.headers:
        return
    channel = getattr(request, "channel", None)
    asking = getattr(request, "auth", None)
    if channel is None and isinstance(asking, int):
        channel = Channel.objects.filter(pk=asking).first()
    if _may_ask(request, channel):
        response["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response["Access-Control-Expose-Headers"] = TOLD


def _may_ask(request: HttpRequest, channel: Channel | None) -> bool:
    origin = request.headers.get("Origin", "")
    if channel is not None:
        return origin in channel.origins
    return any(origin in each for each in Channel.objects.exclude(origins=[]).values_list("origins", flat=True))
