"""Files over HTTP with byte ranges. Django's FileResponse ignores Range: every seek would be a full download."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.utils.http import http_date, parse_etags, parse_http_date_safe, quote_etag

CHUNK = 256 * 1024
_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


def ranged(
    request: HttpRequest,
    path: Path,
    content_type: str,
    etag: str,
    *,
    download_as: str = "",
    cache: str = "private, max-age=31536000, immutable",
) -> HttpResponseBase:
    """A file, or the one range of it that was asked for: 200, 206, 304 or 416. `etag` is the digest of its bytes."""
    try:
        stat = path.stat()
    except OSError:
        raise Http404("The file is gone.") from None
    quoted = quote_etag(etag)
    response: HttpResponseBase
    if quoted in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
        length = -1
    else:
        start, length, status = _wanted(request, stat.st_size, quoted, stat.st_mtime)
        response = _answer(request, path, start, length, status)
        if status == 206:
            response["Content-Range"] = f"bytes {start}-{start + length - 1}/{stat.st_size}"
        elif status == 416:
            response["Content-Range"] = f"bytes */{stat.st_size}"
        response["Content-Length"] = str(length)
        response["Content-Type"] = content_type if status != 416 else "text/plain; charset=utf-8"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = quoted
    response["Last-Modified"] = http_date(stat.st_mtime)
    response["Cache-Control"] = cache
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'; media-src 'self'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if download_as:
        response["Content-Disposition"] = f'attachment; filename="{_plain(download_as)}"'
    return response


def _answer(request: HttpRequest, path: Path, start: int, length: int, status: int) -> HttpResponseBase:
    if request.method == "HEAD" or status == 416 or length == 0:
        return HttpResponse(status=status)
    # Under ASGI Django would read a plain iterator to its end before it sends the first byte.
    stream = _bytes_later if isinstance(request, ASGIRequest) else _bytes
    return StreamingHttpResponse(stream(path, start, length), status=status)


def _wanted(request: HttpRequest, size: int, etag: str, changed: float) -> tuple[int, int, int]:
    """First byte, count and status. What isn't one well-formed range of bytes is ignored, as RFC 9110 allows."""
    asked = _RANGE.match(request.headers.get("Range", "").strip())
    if asked is None or asked.group(0) == "bytes=-" or not _still(request, etag, changed):
        return 0, size, 200
    first, last = asked.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, count, 206) if count else (0, 0, 416)
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return 0, size, 200
    if start >= size:
        return 0, 0, 416
    return start, end - start + 1, 206


def _still(request: HttpRequest, etag: str, changed: float) -> bool:
    """Whether If-Range holds: the same strong ETag, or the same date."""
    condition = request.headers.get("If-Range", "").strip()
    if not condition:
        return True
    if condition.startswith(('"', "W/")):
        return condition == etag
    date = parse_http_date_safe(condition)
    return date is not None and int(changed) <= date


def _bytes(path: Path, start: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk


async def _bytes_later(path: Path, start: int, length: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, start)
        while length > 0 and (chunk := await asyncio.to_thread(file.read, min(CHUNK, length))):
            length -= len(chunk)
            yield chunk
    finally:
        file.close()


def _plain(name: str) -> str:
    return re.sub(r"[^\w.\- ]", "_", name, flags=re.ASCII)[:120]
