"""Sounds as arrays of 16-bit samples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

SILENT = 260  # of 32,767: below this nothing is heard
_HEAD, _TAIL = 0.06, 0.15  # seconds of silence kept around speech


def audible(sound: Samples) -> npt.NDArray[np.intp]:
    """Numbers of the samples that are loud enough to be heard."""
    return np.flatnonzero(np.abs(sound.astype(np.int32)) > SILENT)


def trim(sound: Samples, hertz: int) -> tuple[Samples, int]:
    """The sound with little silence around it, and how many samples were cut off its beginning (negative: added)."""
    loud = audible(sound)
    if not len(loud):
        return sound, 0
    first = int(loud[0]) - int(_HEAD * hertz)
    last = int(loud[-1]) + 1 + int(_TAIL * hertz)
    before = np.zeros(max(0, -first), dtype=np.int16)
    after = np.zeros(max(0, last - len(sound)), dtype=np.int16)
    return np.concatenate([before, sound[max(0, first) : last], after]), first
