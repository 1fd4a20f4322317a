"""What an embedder and an index promise."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing.engine import Engine, EngineError

Vectors: TypeAlias = NDArray[np.float32]
CACHED_TEXTS = 4096
"""Texts whose vectors an embedder remembers: at 512 dimensions, 8 MB."""
BATCH = 32
"""Most texts or pictures of one run of a tower."""


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
    light_card: ClassVar[bool] = False
    """Whether its card can be read without loading the model."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._texts = TextRuns(lambda texts: _unit(self._embed_texts(texts)))

    @property
    @abstractmethod
    def card(self) -> Card: ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions) unit vectors. A text that was asked for lately isn't run through the model again."""
        self.load()
        if not texts:
            return np.zeros((0, self.card.dimensions), np.float32)
        return np.stack(self._texts.vectors(texts))

    def embed_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """(n, dimensions) unit vectors of RGB pictures of any size."""
        self.load()
        if not pictures:
            return np.zeros((0, self.card.dimensions), np.float32)
        return _unit(self._embed_pictures(list(pictures)))

    def understood(self, text: str) -> list[str]:
        """The words of a text that the model knows: none means that it can't find anything by it."""
        return text.split()

    @abstractmethod
    def _embed_texts(self, texts: list[str]) -> Vectors: ...

    @abstractmethod
    def _embed_pictures(self, pictures: list[Image.Image]) -> Vectors: ...


class TextRuns:
    """Remembers the vectors of texts, and runs what several threads ask for at the same time as one batch.

    A run of one text and a run of ten read the same weights, which is most of the time of a small one. Nobody waits
    for a batch to fill: whoever comes while nothing runs goes at once, and what came meanwhile goes together next.
    """

    def __init__(self, run: Callable[[list[str]], Vectors], *, remembered: int = CACHED_TEXTS) -> None:
        self._run = run
        self._remembered = remembered
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._asked: dict[str, Future[Vectors]] = {}
        self._waiting: list[str] = []
        self._running = False
        self._changed = threading.Condition()

    def vectors(self, texts: Sequence[str]) -> list[Vectors]:
        """The vector of each text. Raises what the run of one of them raised."""
        with self._changed:
            wanted = {text: self._recalled(text) or self._ask(text) for text in texts}
            while not all(future.done() for future in wanted.values()):
                if self._running or not self._waiting:
                    self._changed.wait()
                else:
                    self._run_waiting()
        return [wanted[text].result() for text in texts]

    def _recalled(self, text: str) -> Future[Vectors] | None:
        if text not in self._known:
            return None
        self._known.move_to_end(text)
        future: Future[Vectors] = Future()
        future.set_result(self._known[text])
        return future

    def _ask(self, text: str) -> Future[Vectors]:
        if text not in self._asked:
            self._asked[text] = Future()
            self._waiting.append(text)
        return self._asked[text]

    def _run_waiting(self) -> None:
        """One batch, with the lock open while it runs."""
        part, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._running = True
        self._changed.release()
        try:
            result: list[Vectors] | BaseException = list(self._run(part))
        except BaseException as error:  # whoever waits must hear of it too
            result = error
        finally:
            self._changed.acquire()
        self._running = False
        for number, text in enumerate(part):
            if isinstance(result, BaseException):
                self._asked.pop(text).set_exception(result)
            else:
                self._known[text] = result[number].copy()  # a view would keep the whole batch
                self._asked.pop(text).set_result(self._known[text])
        while len(self._known) > self._remembered:
            self._known.popitem(last=False)
        self._changed.notify_all()


class Hit(NamedTuple):
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
        self, model: str, vector: Vectors, *, limit: int, allowed: NDArray[np.int64] | None = None,
        least: float = -np.inf,
    ) -> list[Hit]:
        """The nearest ids, best first, ties by id. With `allowed`, only those ids, and never fewer than there are.

        `least`: only hits with at least this cosine.
        """  # fmt: skip

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

    def maintain(self, model: str) -> None:
        """What a periodic job does: check all that is stored, fold in what piled up. Raises IndexDamaged."""

    def wants_probes(self, model: str, count: int) -> bool:
        """Whether a library of `count` vectors should be given text queries to measure its recall by."""
        return False

    def keep_probes(self, model: str, vectors: Vectors) -> None:
        """Take (n, dimensions) vectors of text queries; used whenever the index is made anew."""

    def generation(self, model: str) -> int:
        """A number that grows when the index is made anew; 0 where there is none, or the engine has no such thing."""
        return 0


def _unit(vectors: Vectors) -> Vectors:
    vectors = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(norms, 1e-12)
    return unit
