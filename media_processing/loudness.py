"""Loudness of sounds in memory, measured and set with ffmpeg's own filters (EBU R 128, ITU-R BS.1770) through PyAV."""

from __future__ import annotations

import math
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

from media_processing.sound import Samples

SPEECH = -23.0
"""LUFS of a reading: EBU R 128's own, at which speech needs no limiter. A video's whole sound is raised later."""
PEAK = -1.0
"""dB of true peak that nothing exceeds."""
_SILENCE = -70.0
_LARGEST_GAIN = 40.0
_BETWEEN = 3.0
"""dB by which speech between two samples may exceed both."""
_SHORTEST = 1.0
"""Seconds. The meter looks at blocks of 0.4 s: a shorter sound is measured as if it were said again and again."""


def measure(samples: Samples, rate: int) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBFS; -70 and -inf for silence."""
    said = _metered(samples, rate, peak=True)
    peak = float(said.get("lavfi.r128.true_peak", 0.0))
    return float(said.get("lavfi.r128.I", _SILENCE)), 20 * math.log10(peak) if peak > 0 else -math.inf


def level(samples: Samples, rate: int, target: float = SPEECH) -> Samples:
    """The sound at `target` LUFS, as long as it was; what would then exceed the peak is held by a limiter.

    Silence stays as it is.
    """
    loudness = float(_metered(samples, rate, peak=False).get("lavfi.r128.I", _SILENCE))
    if loudness <= _SILENCE + 1:
        return samples
    gain = min(target - loudness, _LARGEST_GAIN)
    highest = 20 * math.log10(max(1.0, float(np.abs(samples.astype(np.int32)).max())) / 32768)
    # Looking between the samples takes three times as long as all the rest, and is seldom needed.
    if highest + gain <= PEAK - _BETWEEN or measure(samples, rate)[1] + gain <= PEAK - 0.05:
        return np.round(samples * 10 ** (gain / 20)).astype(np.int16)
    made = samples
    # A limiter takes loudness away, so what it took is measured and given once more.
    for _attempt in range(2):
        made = _limited(samples, rate, gain)
        gain = min(gain + target - measure(made, rate)[0], _LARGEST_GAIN)
    return made


def _metered(samples: Samples, rate: int, *, peak: bool) -> dict[str, str]:
    """What ffmpeg's meter says at the end of a sound."""
    if not len(samples):
        return {}
    often = math.ceil(_SHORTEST * rate / len(samples))
    options = f"metadata=1:framelog=quiet{':peak=true' if peak else ''}"
    said: dict[str, str] = {}
    for frame in _filtered(np.tile(samples, often), rate, ("ebur128", options)):
        said = frame.metadata or said
    return said


def _limited(samples: Samples, rate: int, gain: float) -> Samples:
    """Raised by `gain` dB and limited at four times the rate, where peaks between samples show."""
    limit = 10 ** ((PEAK - 0.4) / 20)
    parts = [
        frame.to_ndarray().reshape(-1)
        for frame in _filtered(
            samples, rate, ("volume", f"{gain:.3f}dB:precision=double"), ("aresample", str(4 * rate)),
            ("alimiter", f"limit={limit:.4f}:level=disabled:attack=2:release=60:latency=1"), ("aresample", str(rate)),
            ("aformat", "sample_fmts=s16"),
        )
    ]  # fmt: skip
    made = np.concatenate(parts)[: len(samples)]
    return np.pad(made, (0, len(samples) - len(made))).astype(np.int16)


def _filtered(samples: Samples, rate: int, *filters: tuple[str, str]) -> list[av.AudioFrame]:
    """What a chain of ffmpeg's filters makes of mono samples."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=rate, format="s16", layout="mono", time_base=Fraction(1, rate))
    chain = [source, *(graph.add(name, options) for name, options in filters), graph.add("abuffersink")]
    graph.link_nodes(*chain).configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    graph.push(frame)
    graph.push(None)
    made: list[av.AudioFrame] = []
    while True:
        try:
            pulled = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return made
        if isinstance(pulled, av.AudioFrame):
            made.append(pulled)
