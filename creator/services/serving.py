"""Whether a file on the disk still is the one that was approved."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from media_processing.models import Rendition


def untouched(rendition: Rendition) -> bool:
    """Whether the bytes of a rendition have the digest that its review approved. A file that is gone counts as such.

    A file is read once: again only after its inode says that it was changed, which nobody can turn back.
    """
    try:
        stat = rendition.file.stat()
    except OSError:
        return True  # whoever serves it says so
    return _digest(rendition.file, stat.st_ino, stat.st_size, stat.st_ctime_ns) == rendition.digest


@lru_cache(maxsize=4096)
def _digest(path: Path, _inode: int, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
