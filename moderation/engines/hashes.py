"""A judge of pictures that knows banned ones again by their PDQ hash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing import pdq
from moderation.engines.base import Opinion, PictureJudge

VERSION = "1"
_bank: ContextVar[pdq.HashBank] = ContextVar("bank", default=pdq.EMPTY_BANK)
"""One judge serves all workspaces of a process, each with a bank of its own."""


class HashesJudge(PictureJudge):
    """Compares a picture, also turned and mirrored, with a bank of hashes. Cropping by a few percent escapes it."""

    title = "Picture hashes (PDQ)"
    leaves_the_machine = False
    starter = True
    categories = ("banned",)

    @property
    def model(self) -> str:
        """The method, and the bank that is used at the moment."""
        return f"pdq-{VERSION}-{_bank.get().name}"

    @contextmanager
    def use_bank(self, bank: pdq.HashBank) -> Iterator[None]:
        """Within it, this thread compares with the bank."""
        token = _bank.set(bank)
        try:
            yield
        finally:
            _bank.reset(token)

    def _judge(self, picture: Image.Image, *, embedding: NDArray[np.float32] | None) -> Opinion:
        """A match scores 1.0 under the category of the banned hash. The hash itself is evidence for later searches."""
        forms, quality = pdq.dihedral(picture)
        seen = {"pdq": forms["as it is"], "quality": quality}
        if quality < pdq.MIN_QUALITY:
            note = f"too plain to be compared (quality {quality} of 100)"
            return Opinion(scores={"banned": 0.0}, evidence=[{"category": "banned", "note": note, **seen}])
        scores = {"banned": 0.0}
        evidence = [{"category": "banned", "note": "compared", **seen}]
        hits = [(*hit, form) for form, text in forms.items() if (hit := _bank.get().nearest(text)) is not None]
        if hits and (best := min(hits))[0] <= pdq.NEAR:
            distance, entry, category, form = best
            scores[category] = 1.0
            note = f"matches a banned picture ({form}, {distance} of 256 bits differ)"
            evidence.insert(0, {"category": category, "note": note, "severity": 1.0, "rule": entry, **seen})
        return Opinion(scores=scores, evidence=evidence)
