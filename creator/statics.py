"""Static files as the web server sends them: text is compressed once, when it starts. There is no build step."""

from __future__ import annotations

import gzip
import os
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from wsgiref.headers import Headers

from django.conf import settings
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import StaticFile

TEXT = {".css", ".js", ".svg"}
SMALLEST = 500
"""Bytes under which compressing saves no packet."""


class Statics(ServeStaticMiddleware):  # type: ignore[misc]  # servestatic has no types
    """ServeStatic finds compressed files beside the files themselves only; those of packages have none."""

    def get_static_file(self, path: str, url: str, stat_cache: dict[str, os.stat_result] | None = None) -> StaticFile:
        """A file with its compressed form, for browsers that take it."""
        packed = compressed(Path(path))
        if packed is None:
            return super().get_static_file(path, url, stat_cache)
        headers = Headers([])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        if self.add_headers_function is not None:
            self.add_headers_function(headers, path, url)
        return StaticFile(path, headers.items(), encodings={"gzip": str(packed)})


def compressed(path: Path) -> Path | None:
    """Where the compressed form of a text file lies, made if it isn't there; None for what isn't worth it."""
    stat = path.stat()
    return _packed(path, stat.st_mtime_ns) if path.suffix in TEXT and stat.st_size >= SMALLEST else None


@cache
def _packed(path: Path, _changed: int) -> Path:
    content = path.read_bytes()
    packed = Path(settings.CACHE_ROOT, "static", f"{sha256(content).hexdigest()}.gz")
    if not packed.exists():
        packed.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=packed.parent, delete=False) as part:
            part.write(gzip.compress(content, mtime=0))
        Path(part.name).replace(packed)
    return packed
