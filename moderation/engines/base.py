"""What the judges of text and pictures promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing.engine import Engine
from media_processing.pdq import HashBank


@dataclass(frozen=True)
class Opinion:
    """What a judge thinks of one piece of content."""

    scores: Mapping[str, float] = field(default_factory=dict)
    """Category -> 0 (nothing) to 1 (certain). A category that it can't judge is absent: a missing signal."""
    evidence: Sequence[Mapping[str, Any]] = ()
    """What it saw, to be shown: {"category", "severity", "start", "end", "text", "rule"} for text, with character
    offsets in the text as it was given; {"category", "note"} and more for pictures."""
    missing: tuple[str, ...] = ()
    """Categories that it was expected to judge and could not, with which a policy never passes."""


class TextJudge(Engine, ABC):
    """Judges text."""

    role = "text_judge"
    categories: ClassVar[tuple[str, ...]] = ()
    """What it judges. When it fails, these are the missing signals."""

    def judge(self, text: str, *, language: str = "en") -> Opinion:
        """An opinion on a text of any length."""
        if not text.strip():
            return Opinion()
        self.load()
        return self._judge(text, language=language)

    @abstractmethod
    def _judge(self, text: str, *, language: str) -> Opinion: ...


class PictureJudge(Engine, ABC):
    """Judges pictures."""

    role = "picture_judge"
    categories: ClassVar[tuple[str, ...]] = ()
    """What it judges. When it fails, these are the missing signals."""

    def judge(self, picture: Image.Image, *, embedding: NDArray[np.float32] | None = None) -> Opinion:
        """An opinion on an RGB picture; `embedding` is the one that search made, so that none is made twice."""
        self.load()
        return self._judge(picture, embedding=embedding)

    def use_bank(self, _bank: HashBank) -> AbstractContextManager[None]:
        """Within it, this thread compares pictures with the bank. For judges that know no banks it does nothing."""
        return nullcontext()

    @abstractmethod
    def _judge(self, picture: Image.Image, *, embedding: NDArray[np.float32] | None) -> Opinion: ...
