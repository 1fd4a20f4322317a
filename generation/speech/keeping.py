"""Spoken sentences kept on disk by what they were made from, so that an edit speaks one sentence."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from generation.speech.joining import Utterance
from media_processing.engines.base import Word
from media_processing.sound import read_wav, write_wav

MOST_BYTES = 500_000_000
"""What the sweep leaves: about three hours of speech."""


class SpokenSentences:
    """A folder of them: a line of JSON with the words' times, then the WAV. A file that can't be read isn't there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: Sequence[object], group: str) -> Utterance | None:
        """What was kept under `key`; None where nothing was."""
        path = self._path(key, group)
        try:
            header, _line, sound = path.read_bytes().partition(b"\n")
            words = tuple(Word(**word) for word in json.loads(header))
            samples, hertz = read_wav(sound)
            os.utime(path)  # what is used stays
        except (OSError, ValueError, TypeError):
            return None
        return Utterance(samples, hertz, words)

    def put(self, key: Sequence[object], group: str, said: Utterance) -> None:
        """Keep a sentence. It appears whole, and a full disk only means that it is spoken again."""
        path = self._path(key, group)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        header = json.dumps([asdict(word) for word in said.words], ensure_ascii=False).encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(header + b"\n" + write_wav(None, said.samples, said.hertz))
            partial.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)

    def forget(self, group: str) -> None:
        """Remove all that was kept in a group."""
        shutil.rmtree(self._folder / group, ignore_errors=True)

    def sweep(self, most: int = MOST_BYTES) -> int:
        """Remove what wasn't used for longest until no more than `most` bytes are left. Returns how many files."""
        found = []
        for path in self._folder.glob("*/*/*"):
            try:
                found.append((path.stat().st_mtime, path.stat().st_size, path))
            except FileNotFoundError:  # somebody else sweeps too
                continue
        total, swept = sum(size for _when, size, _path in found), 0
        for _when, size, path in sorted(found):
            if total <= most:
                break
            path.unlink(missing_ok=True)
            total, swept = total - size, swept + 1
        return swept

    def _path(self, key: Sequence[object], group: str) -> Path:
        text = json.dumps(["sentence 1", *key], ensure_ascii=False, default=str)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / group / digest[:2] / digest
