"""A judge of pictures that knows banned ones again by their PDQ hash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from media_processing import pdq
from moderation.engines.base import Look, Opinion, PictureJudge

VERSION = "2"
SURE, IN_QUARANTINE = 1.0, 0.5
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

    @property
    def steady_model(self) -> str:
        """The method without the bank."""
        return f"pdq-{VERSION}-"

    @contextmanager
    def use_bank(self, bank: pdq.HashBank) -> Iterator[None]:
        """Within it, this thread compares with the bank."""
        token = _bank.set(bank)
        try:
            yield
        finally:
            _bank.reset(token)

    def _judge(self, look: Look) -> Opinion:
        """A match scores 1.0 under the category of the banned hash, 0.5 where that is in quarantine. The hash itself is
        evidence for later searches."""
        forms = look.forms
        seen = {"pdq": forms.hex, "quality": forms.quality}
        if not forms.reliable:
            note = f"too plain to be compared (quality {forms.quality} of 100)"
            return Opinion(scores={"banned": 0.0}, evidence=[{"category": "banned", "note": note, **seen}])
        scores = {"banned": 0.0}
        evidence = [{"category": "banned", "note": "compared", **seen}]
        match = _bank.get().nearest(forms.bits)
        if match is not None and match.distance <= pdq.NEAR:
            score = SURE if match.sure else IN_QUARANTINE
            scores[match.category] = score
            note = f"matches a banned picture ({match.form}, {match.distance} of 256 bits differ)"
            note += "" if match.sure else ", whose hash is in quarantine since it matches too many"
            evidence.insert(0, {
                "category": match.category, "note": note, "severity": score, "rule": match.hex, "ban": match.number,
                "distance": match.distance, **seen,
            })  # fmt: skip
        return Opinion(scores=scores, evidence=evidence)
