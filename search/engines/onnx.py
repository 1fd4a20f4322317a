"""CLIP as two ONNX graphs: the starter CLIP that ships, or any model that `manage.py export_clip` wrote.

A folder holds `picture.onnx` (input `pictures`, float (n, 3, height, width)), `text.onnx` (input `numbers`, int
(n, context)), `words.json` (the tokenizer, see tokens.py) and `card.json`. Graphs with 8-bit weights lie beside them as
`picture.int8.onnx` and `text.int8.onnx`. Where the card says `trimmed`, the text graph takes any length up to the
context and is given no more than the longest text of a batch needs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing.engine import EngineError
from search.engines import tokens
from search.engines.base import BATCH, Card, Embedder, Vectors
from search.engines.pixels import Preparation
from search.engines.words import Words

STARTER = Path(__file__).parent / "starter"
PICTURE, TEXT, WORDS, CARD = "picture.onnx", "text.onnx", "words.json", "card.json"
PRECISIONS = ("fp32", "int8")
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""Which of ONNX Runtime's are used, best first, where the installed build has them."""


class OnnxEmbedder(Embedder):
    """Runs on ONNX Runtime: on the GPU where onnxruntime-gpu finds one, else on `threads` threads of the CPU.

    Each graph is loaded when it is first needed: a web server only needs the one for texts.
    """

    title = "Starter CLIP"
    leaves_the_machine = False
    starter = True
    light_card = True

    def __init__(
        self, name: str = "onnx", *, folder: str | Path = STARTER, precision: str = "fp32", threads: int = 1,
        title: str = "",
    ) -> None:  # fmt: skip
        super().__init__(name)
        self.folder = Path(folder)
        self.precision = precision
        self.threads = threads
        if self.folder != STARTER:
            self.title = title or self.folder.name  # type: ignore[misc]
            self.starter = False  # type: ignore[misc]
        self._described: dict[str, Any] = {}
        self._tokenizer: tokens.Tokenizer = tokens.ReadWords(Words((), context=1))
        self._sessions: dict[str, Any] = {}

    def problems(self) -> list[EngineError]:
        try:
            self._check()
        except EngineError as error:
            return [error]
        return []

    @property
    def card(self) -> Card:
        data = self._data()
        digest = data["digest"] if self.precision == "fp32" else data["precisions"][self.precision]["digest"]
        return Card(
            name=data["name"], digest=digest, dimensions=data["dimensions"], domains=tuple(data["domains"]),
            languages=tuple(data["languages"]), note=data.get("note", ""),
        )

    @property
    def model(self) -> str:
        return f"{self.card.name} {self.card.digest[:12]}"

    def understood(self, text: str) -> list[str]:
        """The words of a text that the model knows, as it reads them: none means that it can't find anything by it."""
        self.load()
        return self._tokenizer.known(text)

    def _check(self) -> None:
        """Raises EngineError where the folder isn't whole; looks at names and sizes only."""
        if self.precision not in PRECISIONS:
            raise _broken(f"There is no precision {self.precision!r}.", f"Use {' or '.join(PRECISIONS)}.")
        names = [graph_file(PICTURE, self.precision), graph_file(TEXT, self.precision), WORDS, CARD]
        if missing := [name for name in names if not (self.folder / name).is_file()]:
            if self.precision != "fp32" and (self.folder / TEXT).is_file():
                raise _broken(
                    f"The search model has no {self.precision} graphs.",
                    f"Export it with --{self.precision}, or use the precision fp32.",
                )
            raise _broken(f"The folder of the search model has no {', '.join(missing)}.")
        for name, size in self._data().get("files", {}).items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != size:
                raise _broken(f"The folder of the search model is not whole: {name} should have {size:,} bytes.")

    def _data(self) -> dict[str, Any]:
        """card.json, checked."""
        if not self._described:
            try:
                data = json.loads((self.folder / CARD).read_text(encoding="utf-8"))
                Preparation.of(data)
                texts = (data["name"], data["digest"], *data["domains"], *data["languages"])
                if not all(isinstance(text, str) for text in texts) or not isinstance(data["dimensions"], int):
                    raise ValueError("a name or a size is of the wrong kind")
                if self.precision != "fp32":
                    data["precisions"][self.precision]["digest"]
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise _broken(f"The search model's card can't be read ({type(error).__name__}: {error}).") from error
            self._described = data
        return self._described

    def _load(self) -> None:
        self._check()
        self._tokenizer = tokens.read(self.folder / WORDS)

    def _run(self, graph: str, values: NDArray[Any]) -> Vectors:
        session = self._sessions.get(graph) or self._opened(graph)
        vectors: Vectors = session.run(None, {session.get_inputs()[0].name: values})[0]
        return vectors

    def _opened(self, graph: str) -> Any:
        import onnxruntime

        with self._lock:
            if graph not in self._sessions:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self.threads
                options.inter_op_num_threads = 1
                options.log_severity_level = 3
                there = onnxruntime.get_available_providers()
                path = self.folder / graph_file(graph, self.precision)
                try:
                    self._sessions[graph] = onnxruntime.InferenceSession(
                        str(path), options, providers=[name for name in PROVIDERS if name in there]
                    )
                except Exception as error:  # ONNX Runtime's errors share no base of their own
                    raise _broken(f"ONNX Runtime can't read {path.name} ({type(error).__name__}).") from error
            return self._sessions[graph]

    def _embed_texts(self, texts: list[str]) -> Vectors:
        parts = []
        for start in range(0, len(texts), self._batch):
            numbers = self._tokenizer.encode(texts[start : start + self._batch])
            if self._data().get("trimmed"):
                numbers = trimmed(numbers, self._tokenizer.pad)
            parts.append(self._run(TEXT, numbers))
        return np.concatenate(parts)

    def _embed_pictures(self, pictures: list[Image.Image]) -> Vectors:
        preparation = Preparation.of(self._data())
        parts = [
            self._run(PICTURE, preparation.pixels(pictures[start : start + self._batch]))
            for start in range(0, len(pictures), self._batch)
        ]
        return np.concatenate(parts)

    @property
    def _batch(self) -> int:
        """Dynamic 8-bit scales are those of a whole batch: only alone does an input always give the same vector."""
        return 1 if self.precision == "int8" else BATCH


def graph_file(graph: str, precision: str) -> str:
    """The file of a graph in a precision: text.onnx, text.int8.onnx."""
    return graph if precision == "fp32" else graph.replace(".onnx", f".{precision}.onnx")


def trimmed(numbers: NDArray[np.int64], pad: int) -> NDArray[np.int64]:
    """Numbers without the columns at the end that only hold padding."""
    used = np.flatnonzero((numbers != pad).any(axis=0))
    return np.ascontiguousarray(numbers[:, : int(used[-1]) + 1 if len(used) else 1])


def squashed(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    """(side, side, 3) bytes of the whole picture, whatever its aspect: nothing at the edges is cut off."""
    small = picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(small, dtype=np.uint8)


def _broken(message: str, next_step: str = "") -> EngineError:
    return EngineError(
        message, permanent=True,
        next_step=next_step or "Export it again (manage.py export_clip) or point the option `folder` at another.",
    )  # fmt: skip
