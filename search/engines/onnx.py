"""CLIP as two ONNX graphs: the starter CLIP that ships, or any other in the same kind of folder.

A folder holds `picture.onnx` (input `pictures`, float (n, 3, side, side)), `text.onnx` (input `numbers`, int
(n, context)), `words.json` (the vocabulary) and `card.json`.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing.engine import EngineError
from search.engines.base import Card, Embedder, Vectors
from search.engines.words import Words

STARTER = Path(__file__).parent / "starter"
PICTURE, TEXT, WORDS, CARD = "picture.onnx", "text.onnx", "words.json", "card.json"
BATCH = 32
CACHED_TEXTS = 4096


class OnnxEmbedder(Embedder):
    """Runs on ONNX Runtime, on one thread of the CPU unless told otherwise. Starts in well under a second."""

    title = "Starter CLIP"
    leaves_the_machine = False
    starter = True

    def __init__(self, name: str = "onnx", *, folder: str | Path = STARTER, threads: int = 1, title: str = "") -> None:
        super().__init__(name)
        self.folder = Path(folder)
        self.threads = threads
        if self.folder != STARTER:
            self.title = title or self.folder.name  # type: ignore[misc]
            self.starter = False  # type: ignore[misc]
        self._card: dict[str, Any] = {}
        self._pictures: Any = None
        self._texts: Any = None
        self._words = Words((), context=1)
        self._cached: OrderedDict[str, Vectors] = OrderedDict()
        self._cache_lock = threading.Lock()

    def problems(self) -> list[EngineError]:
        missing = [name for name in (PICTURE, TEXT, WORDS, CARD) if not (self.folder / name).is_file()]
        if not missing:
            return []
        return [EngineError(
            f"The folder of the search model has no {', '.join(missing)}.",
            next_step="Install the package anew, or point the option `folder` at an exported model.", permanent=True,
        )]

    @property
    def card(self) -> Card:
        data = self._described()
        return Card(
            name=data["name"], digest=data["digest"], dimensions=data["dimensions"], domains=tuple(data["domains"]),
            languages=tuple(data["languages"]), note=data.get("note", ""),
        )

    @property
    def model(self) -> str:
        return f"{self.card.name} {self.card.digest[:12]}"

    def understood(self, text: str) -> list[str]:
        """The words of a text that the model knows, as it reads them: none means that it can't find anything by it."""
        self.load()
        return self._words.known(text)

    def _described(self) -> dict[str, Any]:
        if not self._card:
            for problem in self.problems():
                raise problem
            self._card = json.loads((self.folder / CARD).read_text(encoding="utf-8"))
        return self._card

    def _load(self) -> None:
        import onnxruntime

        self._described()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._pictures, self._texts = (
            onnxruntime.InferenceSession(str(self.folder / name), options, providers=["CPUExecutionProvider"])
            for name in (PICTURE, TEXT)
        )
        self._words = Words.load(self.folder / WORDS)

    def _embed_texts(self, texts: list[str]) -> Vectors:
        with self._cache_lock:
            known = {text: self._cached[text] for text in texts if text in self._cached}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(new), BATCH):
            part = new[start : start + BATCH]
            vectors = self._texts.run(None, {"numbers": self._words.encode(part)})[0]
            known.update(zip(part, vectors, strict=True))
        with self._cache_lock:
            for text in dict.fromkeys(texts):
                self._cached[text] = known[text]
                self._cached.move_to_end(text)
            while len(self._cached) > CACHED_TEXTS:
                self._cached.popitem(last=False)
        return self._stacked([known[text] for text in texts])

    def _embed_pictures(self, pictures: list[Image.Image]) -> Vectors:
        side = int(self._described()["side"])
        rows: list[Vectors] = []
        for start in range(0, len(pictures), BATCH):
            pixels = np.stack([squashed(picture, side) for picture in pictures[start : start + BATCH]])
            rows += list(self._pictures.run(None, {"pictures": self._normalised(pixels)})[0])
        return self._stacked(rows)

    def _normalised(self, pixels: NDArray[np.uint8]) -> Vectors:
        """(n, side, side, 3) bytes to (n, 3, side, side)."""
        data = self._described()
        values = (pixels.astype(np.float32) / 255 - np.float32(data["mean"])) / np.float32(data["std"])
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2), dtype=np.float32)

    def _stacked(self, rows: list[Vectors]) -> Vectors:
        if not rows:
            return np.zeros((0, int(self._described()["dimensions"])), dtype=np.float32)
        return np.stack(rows).astype(np.float32)


def squashed(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    """(side, side, 3) bytes of the whole picture, whatever its aspect: nothing at the edges is cut off."""
    small = picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(small, dtype=np.uint8)
