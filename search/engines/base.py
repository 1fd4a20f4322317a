"""What an embedder and an index promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing.engine import Engine, EngineError

Vectors: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Card:
    """What a model is and what it knows; pages show it."""

    name: str
    digest: str
    """Identifies weights and preprocessing: embeddings of different digests never mix."""
    dimensions: int
    domains: tuple[str, ...]
    """"illustrations", "photographs"."""
    languages: tuple[str, ...] = ("en",)
    note: str = ""


class Embedder(Engine, ABC):
    """Turns texts and pictures into unit vectors of one space."""

    role = "embedder"

    @property
    @abstractmethod
    def card(self) -> Card: ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions) unit vectors."""
        self.load()
        return _unit(self._embed_texts(list(texts)))

    def embed_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """(n, dimensions) unit vectors of RGB pictures of any size."""
        self.load()
        return _unit(self._embed_pictures(list(pictures)))

    def understood(self, text: str) -> list[str]:
        """The words of a text that the model knows: none means that it can't find anything by it."""
        return text.split()

    @abstractmethod
    def _embed_texts(self, texts: list[str]) -> Vectors: ...

    @abstractmethod
    def _embed_pictures(self, pictures: list[Image.Image]) -> Vectors: ...


@dataclass(frozen=True)
class Hit:
    """One found vector: the id that it was added with, and its cosine to the query."""

    id: int
    score: float


class IndexDamaged(EngineError):
    """An index can't be read. Nothing is lost: the database holds every vector, and `replace` makes the index anew."""


class Index(Engine, ABC):
    """Finds the nearest vectors, of those that a filter allows.

    `model` names a space of vectors: letters, digits, dots and hyphens. A name that was never used is an empty space.
    Every method may raise IndexDamaged, except `replace`, which repairs.
    """

    role = "index"
    exact: ClassVar[bool] = False

    @abstractmethod
    def add(self, model: str, ids: Sequence[int], vectors: Vectors) -> None:
        """Make vectors of a model findable; an id that is there already is replaced."""

    @abstractmethod
    def delete(self, model: str, ids: Iterable[int]) -> None:
        """Make ids unfindable at once; unknown ids are fine."""

    @abstractmethod
    def search(
        self, model: str, vector: Vectors, *, limit: int, allowed: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        """The nearest ids, best first, ties by id. With `allowed`, only those ids, and never fewer than there are."""

    @abstractmethod
    def count(self, model: str) -> int: ...

    @abstractmethod
    def ids(self, model: str) -> NDArray[np.int64]:
        """Every findable id, ascending: what a comparison with the database needs."""

    @abstractmethod
    def replace(self, model: str, batches: Iterable[tuple[Sequence[int], Vectors]]) -> int:
        """Make these the only vectors, in one step: searches see the old ones until then. Returns how many there are.

        What other processes add or delete meanwhile stays added or deleted. No batches: the space is empty.
        """

    def generation(self, model: str) -> int:
        """A number that grows when the index is made anew; 0 where there is none, or the engine has no such thing."""
        return 0


def _unit(vectors: Vectors) -> Vectors:
    vectors = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(norms, 1e-12)
    return unit
