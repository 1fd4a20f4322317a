"""Static files as the web server sends them. There is no build step: what can be done once is done when it starts.

Their address holds the edition, which changes with any of them, so that browsers keep them for ever and ask for nothing
again; style sheets that only import others are joined, and text is compressed.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from wsgiref.headers import Headers

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import StaticFile

TEXT = {".css", ".js", ".svg"}
SMALLEST = 500
"""Bytes under which compressing saves no packet."""
EDITION = re.compile(r"^/static/(?:[0-9a-f]{12}/)?")
IMPORTED = re.compile(rb'@import "([\w.-]+\.css)";\n')


class Statics(ServeStaticMiddleware):  # type: ignore[misc]  # servestatic has no types
    """ServeStatic finds compressed files beside the files themselves only; those of packages have none."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """What a page of another edition asks for, from before an upgrade, leads to what there is now."""
        now = EDITION.sub(self.static_prefix, request.path_info)
        if now != request.path_info and now in self.files:
            return HttpResponseRedirect(now)
        return await super().__call__(request)  # type: ignore[no-any-return]

    def get_static_file(self, path: str, url: str, stat_cache: dict[str, os.stat_result] | None = None) -> StaticFile:
        """A file with its compressed form, for browsers that take it."""
        whole = joined(Path(path))
        packed = compressed(whole)
        if packed is None:
            return super().get_static_file(path, url, stat_cache)
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        if self.add_headers_function is not None:
            self.add_headers_function(headers, path, url)
        return StaticFile(str(whole), headers.items(), encodings={"gzip": str(packed)})

    def immutable_file_test(self, path: str, url: str) -> bool:
        """All of them, since their address changes with them; not while somebody works on them."""
        return not self.autorefresh


def joined(path: Path) -> Path:
    """Where a style sheet lies with the sheets that it imports put in their places; any other file is itself."""
    if path.suffix != ".css" or settings.DEBUG:
        return path
    content = path.read_bytes()
    whole = IMPORTED.sub(lambda found: path.with_name(found[1].decode()).read_bytes(), content)
    return path if whole == content else _kept(whole, ".css")


def compressed(path: Path) -> Path | None:
    """Where the compressed form of a text file lies, made if it isn't there; None for what isn't worth it."""
    stat = path.stat()
    return _packed(path, stat.st_mtime_ns) if path.suffix in TEXT and stat.st_size >= SMALLEST else None


@cache
def _packed(path: Path, _changed: int) -> Path:
    content = path.read_bytes()
    return _kept(content, ".gz", lambda: gzip.compress(content, mtime=0))


def _kept(content: bytes, suffix: str, made: Callable[[], bytes] | None = None) -> Path:
    """A file of the cache that is named by what it is made of; others may write the same one at the same time."""
    kept = Path(settings.CACHE_ROOT, "static", f"{sha256(content).hexdigest()}{suffix}")
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=kept.parent, delete=False) as part:
            part.write(made() if made else content)
        Path(part.name).replace(kept)
    return kept
