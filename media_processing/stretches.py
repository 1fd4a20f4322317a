"""Where somebody speaks in a recording and where they pause, by its loudness over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from media_processing.sound import Samples

Stretch: TypeAlias = tuple[float, float]
"""Start and end in seconds."""

_FRAME = 0.02
"""Seconds over which loudness is taken."""
_NOTHING = -60.0
"""dBFS: a recording that is nowhere louder holds nothing."""
_FLAT = 12.0
"""dB between the quiet and the loud of a sound without pauses."""
_BELOW, _ABOVE = 35.0, 0.3
"""A pause is so many dB below what is loud, and at most that share of the way from the room's noise up to it."""
_CLOSED, _CLICK, _PAUSE = 0.12, 0.05, 0.15
"""Seconds: shorter gaps are within words, shorter noises are clicks, shorter pauses end no sentence."""


def heard(samples: Samples, rate: int) -> list[Stretch]:
    """Where something is heard, in order; [] for silence, the whole for sound without pauses."""
    size = max(1, round(_FRAME * rate))
    count = len(samples) // size
    if not count:
        return []
    powers = ((samples[: count * size].reshape(count, size) / 32768.0) ** 2).mean(axis=1)
    levels = 10 * np.log10(powers + 1e-12)
    floor, loud = np.percentile(levels, (10, 95))
    if loud < _NOTHING:
        return []
    if loud - floor < _FLAT:
        return [(0.0, len(samples) / rate)]
    over = levels > max(loud - _BELOW, floor + _ABOVE * (loud - floor))
    edges = np.flatnonzero(np.diff(over, prepend=False, append=False)) * size / rate
    found: list[Stretch] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and start - found[-1][1] < _CLOSED:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [each for each in found if each[1] - each[0] >= _CLICK]


def shared_out(found: Sequence[Stretch], weights: Sequence[float]) -> list[Stretch]:
    """The bounds of sentences that are spoken one after the other in `found`; `weights` says how long each is.

    Sentences end at the long pauses that lie nearest to where their lengths put them (dynamic programming over the
    pauses). [] where there are fewer pauses than it takes.
    """
    if not found or not weights:
        return []
    spoken = np.cumsum([end - start for start, end in found])
    ends = np.cumsum(weights) / max(sum(weights), 1e-9) * spoken[-1]
    gaps = [at for at in range(len(found) - 1) if found[at + 1][0] - found[at][1] >= _PAUSE]
    if len(gaps) < len(weights) - 1:
        return []
    # best[gap] is (cost, chosen gaps) of the sentences so far where the last of them ends at that gap.
    best: dict[int, tuple[float, tuple[int, ...]]] = {-1: (0.0, ())}
    for end in ends[:-1]:
        best = {
            gap: min(
                (cost + abs(float(spoken[gap] - end)) - 2 * (found[gap + 1][0] - found[gap][1]), (*chosen, gap))
                for before, (cost, chosen) in best.items() if before < gap
            )
            for gap in gaps if gap > min(best)
        }  # fmt: skip
        if not best:
            return []
    chosen = min(best.values())[1]
    starts = [found[0][0], *(found[gap + 1][0] for gap in chosen)]
    stops = [*(found[gap][1] for gap in chosen), found[-1][1]]
    return [(round(start, 3), round(stop, 3)) for start, stop in zip(starts, stops, strict=True)]
