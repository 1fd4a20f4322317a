"""What every aligner promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media_processing.engine import EngineError
from media_processing.engines.base import Aligner
from media_processing.sound import write_wav


class AlignerContract:
    SPEAKS = "en"
    LACKS = ""
    SENTENCE = "The quick brown fox paid $2.5 million in 2026, then ran — slowly — to Kyiv."

    @pytest.fixture
    def aligner(self) -> Aligner:
        raise NotImplementedError

    @pytest.fixture
    def speech(self, tmp_path: Path) -> tuple[Path, Sequence[float]]:
        """A sound file that says SENTENCE, and when each of its tokens begins."""
        raise NotImplementedError

    def test_one_word_for_each_token_in_the_scripts_spelling(
        self, aligner: Aligner, speech: tuple[Path, Sequence[float]]
    ) -> None:
        path, starts = speech
        words = aligner.align(path, self.SENTENCE.split(), language=self.SPEAKS)
        assert [word.text for word in words] == self.SENTENCE.split()
        assert all(word.start <= word.end for word in words)
        assert all(first.end <= second.start + 0.02 for first, second in pairwise(words))
        apart = sorted(abs(word.start - start) for word, start in zip(words, starts, strict=True))
        assert apart[len(apart) // 2] < 0.03
        assert apart[int(len(apart) * 0.9)] < 0.15

    def test_no_words_need_no_sound(self, aligner: Aligner, tmp_path: Path) -> None:
        assert aligner.align(tmp_path / "nothing.wav", []) == ()

    def test_a_language_that_it_lacks_is_refused(self, aligner: Aligner, tmp_path: Path) -> None:
        if not self.LACKS:
            pytest.skip("takes any language")
        with pytest.raises(EngineError, match="can't work in"):
            aligner.align(tmp_path / "nothing.wav", ["नमस्ते"], language=self.LACKS)

    def test_words_that_nobody_says_are_an_error(self, aligner: Aligner, tmp_path: Path) -> None:
        write_wav(tmp_path / "silence.wav", np.zeros(16000, np.int16), 16000)
        with pytest.raises(EngineError):
            aligner.align(tmp_path / "silence.wav", self.SENTENCE.split(), language=self.SPEAKS)

    def test_only_marks(self, aligner: Aligner, speech: tuple[Path, Sequence[float]]) -> None:
        words = aligner.align(speech[0], ["—", "…"], language=self.SPEAKS)
        assert [word.text for word in words] == ["—", "…"]
