"""What the judges of text and pictures promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing import pdq
from media_processing.engine import Engine


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


@dataclass(frozen=True, eq=False)
class Sight:
    """A picture's embedding and the model that made it for search, so that no judge embeds it a second time."""

    embedding: NDArray[np.float32]
    """Unit vector."""
    model: str
    """The digest on the model's card."""
    domain: str
    """What kind of picture it is: "photographs"."""
    domains: tuple[str, ...]
    """Those that the model knows."""
    embed_texts: Callable[[Sequence[str]], NDArray[np.float32]]
    """Texts -> (n, dimensions) unit vectors of the same space."""
    understood: Callable[[str], Sequence[str]]
    """The words of a text that the model knows."""


class Look:
    """A picture as judges look at it, with what is known of it already. Pixels are decoded when a judge asks."""

    def __init__(
        self, picture: Image.Image | Callable[[], Image.Image], *, sight: Sight | None = None,
        forms: pdq.Forms | None = None,
    ) -> None:  # fmt: skip
        self._picture = picture
        self.sight = sight
        """None where search has no embedding of it."""
        self._forms = forms

    @property
    def picture(self) -> Image.Image:
        """RGB, of any size."""
        if not isinstance(self._picture, Image.Image):
            self._picture = self._picture()
        return self._picture

    @property
    def forms(self) -> pdq.Forms:
        """Its hashes, made now where nobody kept them."""
        if self._forms is None:
            self._forms = pdq.forms(self.picture)
        return self._forms

    @property
    def is_hashed(self) -> bool:
        """Whether its hashes are known already."""
        return self._forms is not None

    def keep(self, forms: pdq.Forms) -> None:
        """Take hashes that were made earlier."""
        self._forms = forms


class PictureJudge(Engine, ABC):
    """Judges pictures."""

    role = "picture_judge"
    categories: ClassVar[tuple[str, ...]] = ()
    """What it judges. When it fails, these are the missing signals."""
    reads_embeddings: ClassVar[bool] = False
    """Whether it goes by what the search model saw: then another search model makes its opinions out of date."""

    def judge(self, look: Look) -> Opinion:
        """An opinion on a picture."""
        self.load()
        return self._judge(look)

    @property
    def steady_model(self) -> str:
        """How the name of its model begins, without what changes with each picture or each bank."""
        return self.model

    def model_for(self, look: Look) -> str:
        """What an opinion on this picture rests on: the model, and whatever else it was given that matters."""
        return self.model

    def use_bank(self, _bank: pdq.HashBank) -> AbstractContextManager[None]:
        """Within it, this thread compares pictures with the bank. For judges that know no banks it does nothing."""
        return nullcontext()

    @abstractmethod
    def _judge(self, look: Look) -> Opinion: ...
