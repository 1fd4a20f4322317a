"""Strong ETags: 304 for who has it already, 412 for who would overwrite what they haven't seen."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

from creator.api.errors import Refused, problem
from creator.services.digests import digest_of

CACHE_CONTROL = "private, no-cache"
KEPT = 3600
"""Seconds for which a body is kept beside its tag."""
EDITION = 1
"""Grows when the same rows are told in other words."""


def conditional(
    request: HttpRequest, made_of: tuple[object, ...], body: Callable[[], str], *, version: int | None = None
) -> HttpResponse:
    """The answer with a strong ETag, or 304 where the client has it already.

    `made_of` are all the facts that the body depends on, so that `body` is only called, once per tag, when nobody
    wrote it before. The tag of what counts its versions begins with that.
    """
    digest = digest_of(EDITION, *made_of)[:32]
    tag = tag_of(version, *made_of)
    # By If-None-Match's weak comparison, W/"x" is "x".
    seen = {each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))}
    if tag in seen or "*" in seen:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    else:
        content = cache.get(f"api:{digest}")
        if content is None:
            content = body().encode()
            cache.set(f"api:{digest}", content, KEPT)
        response = HttpResponse(content, content_type="application/json")
    response["ETag"] = tag
    response["Cache-Control"] = CACHE_CONTROL
    return response


def tag_of(version: int | None, *made_of: object) -> str:
    """The ETag of what is made of these facts."""
    digest = digest_of(EDITION, *made_of)[:32]
    return f'"{digest}"' if version is None else f'"v{version}-{digest}"'


def require_version(request: HttpRequest, version: int) -> None:
    """Raise Refused where a write must not be done: 428 without If-Match, 412 where it names another version.

    What counts is the version in the tag: a file that was rendered meanwhile changes the tag, and nobody's words.
    """
    given = request.headers.get("If-Match", "")
    if not given:
        raise Refused(problem(428, "Say which version you change: If-Match with the ETag of what you read."))
    tags = parse_etags(given)
    if "*" not in tags and not any(tag.strip('"').split("-")[0] == f"v{version}" for tag in tags):
        raise Refused(problem(412, "It was changed in the meantime.", next_step="Read it again, then change that."))
