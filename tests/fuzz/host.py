"""Decodes the files whose paths come on stdin by every call of the wrapper, and says in JSON how each ended."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from media_processing.decoding import MediaError, frame_at, glimpses, look_at, open_picture, read_sound

CALLS: tuple[Callable[[Path], Any], ...] = (
    lambda path: look_at(path, max_side=256),
    lambda path: open_picture(path, max_side=64),
    lambda path: frame_at(path, 0.5, max_side=64),
)
FILM: tuple[Callable[[Path], Any], ...] = (read_sound, lambda path: glimpses(path, seconds=1.0))


def end_of(path: Path) -> dict[str, Any]:
    """Whether it was taken or why it was refused; the traceback of anything else."""
    ends = []
    for call in CALLS:
        try:
            seen = call(path)
            ends.append("taken")
            if hasattr(seen, "probe") and seen.probe.kind != "image":
                for more in FILM:
                    try:
                        more(path)
                    except MediaError:
                        continue
        except MediaError as error:
            ends.append(error.reason)
        except Exception:
            return {"end": "error", "error": traceback.format_exc()}
    return {"end": "taken" if "taken" in ends else ends[0]}


def memory() -> float:
    """Resident megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps({**end_of(Path(line.rstrip("\n"))), "memory": memory()}), flush=True)
