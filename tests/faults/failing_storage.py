"""A shared storage that fails on order: a file beside it says whether it is full or away."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

FAULT = "fault"
"""The file: "full", "away", or not there."""


class FailingStorage(FileSystemStorage):
    """Files of a folder. Full, it takes half of a file and then no more, as a disk does; away, it doesn't answer."""

    @property
    def fault(self) -> str:
        file = Path(self.location).parent / FAULT
        return file.read_text() if file.exists() else ""

    def exists(self, name: str) -> bool:
        if self.fault == "away":
            raise ConnectionError("no route to the storage")
        return super().exists(name)

    def _save(self, name: str, content: Any) -> str:
        if self.fault == "full":
            target = Path(self.path(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read(content.size // 2))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super()._save(name, content)
