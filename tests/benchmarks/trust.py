"""Verdicts: a text, a picture's hash, and a bank of banned pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.benchmarks.harness import Figure, at_most, missing, p50, times_of

BANNED = 100_000


def figures() -> Iterator[Figure]:
    from creator.services import samples
    from media_processing import pdq
    from media_processing.engine import engines
    from moderation.folding import fold

    text = samples.article().decode() if isinstance(samples.article(), bytes) else str(samples.article())
    judge = engines["text_judge", "rules"]
    taken = times_of(lambda: judge.judge(text, language="en"), runs=20)
    words = len(text.split())
    folding = 1000 * p50(times_of(lambda: fold(text), runs=20))
    against = f"folding its letters alone: {folding:.2f} ms"
    yield at_most(f"trust: verdict on a text of {words} words", 1000 * p50(taken), "ms", 50.0, against)

    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 255, (120, 80, 3), np.uint8)).resize((1080, 1620), Image.Resampling.BICUBIC)
    ours = 1000 * p50(times_of(lambda: pdq.hashed(noise), runs=15))
    name = "trust: PDQ hash of a picture of 1080x1620"
    try:
        import pdqhash  # type: ignore[import-not-found]  # builds from source: there where a compiler is
    except ImportError:
        yield at_most(name, ours, "ms", 100.0, "pdqhash (C++) isn't installed here")
    else:
        pixels = np.asarray(noise)
        theirs = 1000 * p50(times_of(lambda: pdqhash.compute(pixels), runs=15))
        yield at_most(name, ours, "ms", 100.0, f"pdqhash (C++): {theirs:.1f} ms")

    hashes = [row.tobytes().hex() for row in rng.integers(0, 256, (BANNED, 32), np.uint8)]
    bank = pdq.HashBank.of((each, "banned") for each in hashes)
    wanted = pdq.hashed(noise).hex
    scan = 1000 * p50(times_of(lambda: bank.nearest(wanted), runs=20))
    loop = 1000 * p50(times_of(lambda: min(pdq.distance(wanted, each) for each in hashes[:2000]), runs=3, warm=1)) * 50
    against = f"one by one in Python: {loop:.0f} ms (2,000 of them, times 50)"
    yield at_most("trust: scan of 100,000 banned hashes", scan, "ms", 50.0, against)
    nearest = bank.nearest(hashes[123])
    if nearest is None or nearest[0] != 0:
        yield missing("trust: broke", "", "the bank doesn't find its own hash")
