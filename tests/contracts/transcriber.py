"""What every transcriber promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media_processing.decoding import MediaError
from media_processing.engine import EngineError
from media_processing.engines.base import Transcriber
from media_processing.sound import write_wav


class TranscriberContract:
    SPEAKS = "en"
    LACKS = ""
    """A language that it must refuse; empty where it takes any."""

    @pytest.fixture
    def transcriber(self) -> Transcriber:
        raise NotImplementedError

    @pytest.fixture
    def speech(self, tmp_path: Path) -> Path:
        """A sound file with speech in it."""
        raise NotImplementedError

    def test_it_says_what_it_is(self, transcriber: Transcriber) -> None:
        assert transcriber.role == "transcriber"
        assert transcriber.title
        assert transcriber.problems() == []
        assert not transcriber.loaded

    def test_words_come_in_order_within_the_sound(self, transcriber: Transcriber, speech: Path) -> None:
        said = transcriber.transcribe(speech, language=self.SPEAKS)
        assert said.language == self.SPEAKS
        assert all(first.end <= second.start + 0.05 for first, second in pairwise(said.passages))
        for passage in said.passages:
            assert passage.text == passage.text.strip() != ""
            assert 0 <= passage.start <= passage.end <= 60
            assert all(word.start <= word.end and 0 <= word.confidence <= 1 for word in passage.words)
            assert all(first.start <= second.start for first, second in pairwise(passage.words))
        assert transcriber.loaded

    def test_progress_is_honest(self, transcriber: Transcriber, speech: Path) -> None:
        shares: list[float] = []
        transcriber.transcribe(speech, language=self.SPEAKS, progress=shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0

    def test_a_progress_that_raises_stops_it(self, transcriber: Transcriber, speech: Path) -> None:
        class CancelledError(Exception):
            pass

        def cancel(_share: float) -> None:
            raise CancelledError

        with pytest.raises(CancelledError):
            transcriber.transcribe(speech, language=self.SPEAKS, progress=cancel)

    def test_a_language_that_it_lacks_is_refused_before_work(self, transcriber: Transcriber, tmp_path: Path) -> None:
        if not self.LACKS:
            pytest.skip("takes any language")
        with pytest.raises(EngineError, match="can't work in") as caught:
            transcriber.transcribe(tmp_path / "nothing.wav", language=self.LACKS)
        assert caught.value.permanent
        assert not transcriber.loaded

    def test_what_is_no_sound_is_refused(self, transcriber: Transcriber, tmp_path: Path) -> None:
        path = tmp_path / "page.wav"
        path.write_text("<html>")
        with pytest.raises(MediaError, match="web page"):
            transcriber.transcribe(path, language=self.SPEAKS)

    def test_a_moment_of_silence_is_no_error(self, transcriber: Transcriber, tmp_path: Path) -> None:
        write_wav(tmp_path / "silence.wav", np.zeros(16000, np.int16), 16000)
        transcriber.transcribe(tmp_path / "silence.wav", language=self.SPEAKS)
