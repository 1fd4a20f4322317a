"""Texts to the numbers that a text tower reads, by the tokenizer that a model was trained with. Needs no torch.

`words.json` says of what kind it is: "words" (the starter CLIP's vocabulary; also where no kind is said), "bpe"
(OpenAI's for CLIP, which most open_clip models share) or "tokenizers" (a tokenizer.json of that library).
"""

from __future__ import annotations

import html
import json
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from media_processing.engine import EngineError
from search.engines.words import PAD, Words

LONGEST_WORD = 256
"""Bytes of one word without a space that are read: no text of the context's length needs more."""
BYTES = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
"""Bytes that stand for themselves in the merges; the others are written as the letters from U+0100 on."""
PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Tokenizer(Protocol):
    """Turns texts into numbers."""

    pad: int
    """The number that fills what a text leaves of the context."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """(n, context) numbers."""
        ...

    def known(self, text: str) -> list[str]:
        """The words of a text that the model can read."""
        ...


class ReadWords:
    """The starter CLIP's vocabulary as a tokenizer."""

    pad = PAD

    def __init__(self, words: Words) -> None:
        self._words = words
        self.encode = words.encode
        self.known = words.known


class Bpe:
    """Byte pairs: a word begins as its bytes, and the pair that the merges name first becomes one, again and again.

    Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units" (2016), on bytes as in Radford et
    al., "Language Models are Unsupervised Multitask Learners" (2019). The last byte of a word carries a mark. Texts
    are cleaned as open_clip does; names of special tokens in a text are ordinary words here.
    """

    pad = 0

    def __init__(self, merges: Iterable[str], *, context: int, clean: str = "lower") -> None:
        self.context = context
        self.clean = CLEAN[clean]
        pairs = [tuple(merge.split()) for merge in merges]
        letters = dict(zip(BYTES, map(chr, BYTES), strict=True))
        for number in range(256):
            letters.setdefault(number, chr(256 + len(letters) - len(BYTES)))
        self._letters = letters
        self._ranks = {pair: rank for rank, pair in enumerate(pairs)}
        symbols = [*letters.values(), *(f"{letter}{END}" for letter in letters.values()), *map("".join, pairs)]
        self._numbers = {symbol: number for number, symbol in enumerate(symbols)}
        self.start, self.end = len(symbols), len(symbols) + 1
        self._split = _splitter()
        self.pieces = lru_cache(maxsize=16_384)(self._pieces)

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """(n, context) numbers."""
        rows = np.full((len(texts), self.context), self.pad, dtype=np.int64)
        for row, text in zip(rows, texts, strict=True):
            numbers = [self.start, *islice(self._read(text), self.context - 2), self.end]
            row[: len(numbers)] = numbers
        return rows

    def known(self, text: str) -> list[str]:
        """Its words: bytes leave nothing out."""
        return self._split(self.clean(text))

    def _read(self, text: str) -> Iterator[int]:
        for word in self._split(self.clean(text)):
            yield from self.pieces(word)

    def _pieces(self, word: str) -> tuple[int, ...]:
        parts = [self._letters[byte] for byte in word.encode(errors="replace")[:LONGEST_WORD]]
        parts[-1] += END
        while len(parts) > 1:
            ranked = [(self._ranks.get(pair, len(self._ranks)), pair) for pair in pairwise(parts)]
            rank, (left, right) = min(ranked)
            if rank == len(self._ranks):
                break
            at, merged = 0, []
            while at < len(parts):
                both = parts[at : at + 2] == [left, right]
                merged.append(left + right if both else parts[at])
                at += 2 if both else 1
            parts = merged
        return tuple(self._numbers[part] for part in parts)


END = "</w>"


class Library:
    """A tokenizer.json, read by the library `tokenizers`: SigLIP's and the multilingual models'."""

    def __init__(self, definition: str, *, context: int, pad: int, clean: str, blank: int | None = None) -> None:
        try:
            import tokenizers
        except ImportError as error:
            raise EngineError(
                "This model's tokenizer needs the library tokenizers.", next_step="Run: pip install tokenizers",
                permanent=True,
            ) from error
        self.pad, self.context, self.clean, self._blank = pad, context, CLEAN[clean], blank
        self._tokenizer = tokenizers.Tokenizer.from_str(definition)
        self._tokenizer.enable_truncation(context)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """(n, context) numbers."""
        rows = np.full((len(texts), self.context), self.pad, dtype=np.int64)
        cleaned = [self.clean(text) for text in texts]
        for row, encoded in zip(rows, self._tokenizer.encode_batch(cleaned), strict=True):
            row[: len(encoded.ids)] = encoded.ids
        if self._blank is not None:
            rows[rows == self._blank] = 0
        return rows

    def known(self, text: str) -> list[str]:
        return self.clean(text).split()


def read(file: Path) -> Tokenizer:
    """The tokenizer of a model's folder. Raises EngineError where the file makes no sense."""
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        kind = data.get("kind", "words")
        if kind == "words":
            return ReadWords(Words.load(file))
        if kind == "bpe":
            return Bpe(data["merges"], context=data["context"], clean=data["clean"])
        if kind == "tokenizers":
            return Library(
                json.dumps(data["tokenizer"]), context=data["context"], pad=data["pad"], clean=data["clean"],
                blank=data.get("blank"),
            )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            f"{file.name} of the search model can't be read ({type(error).__name__}: {error}).",
            next_step="Export the model again: manage.py export_clip", permanent=True,
        ) from error
    raise EngineError(
        f"The search model's tokenizer is of the unknown kind {str(kind)[:40]!r}.",
        next_step="Export the model again with this version: manage.py export_clip", permanent=True,
    )


def _splitter() -> Callable[[str], list[str]]:
    import regex

    return regex.compile(PATTERN, regex.IGNORECASE).findall  # type: ignore[no-any-return]


def _basic(text: str) -> str:
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _whitespace(text: str) -> str:
    return " ".join(_basic(text).split())


def _lower(text: str) -> str:
    return _whitespace(text).lower()


def _canonicalize(text: str) -> str:
    return " ".join(_basic(text).replace("_", " ").translate(_NO_PUNCTUATION).lower().split())


CLEAN: dict[str, Callable[[str], str]] = {
    "lower": _lower, "whitespace": _whitespace, "canonicalize": _canonicalize
}
"""How open_clip's tokenizers clean a text first, by its names for it."""
