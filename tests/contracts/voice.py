"""What every voice promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from generation.engines.base import Voice
from media_processing.engine import EngineError

LINE = "The ferry crossed the fjord. Nobody burned any diesel today."


class VoiceContract:
    @pytest.fixture
    def voice(self) -> Voice:
        raise NotImplementedError

    def test_speech_is_a_mono_16_bit_wav(self, voice: Voice) -> None:
        speech = voice.speak(LINE)
        with wave.open(io.BytesIO(speech.sound)) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
            assert file.getnframes() / file.getframerate() == pytest.approx(speech.seconds, abs=0.01)
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        assert np.abs(samples.astype(int)).max() > 0

    def test_its_model_is_known_before_it_is_loaded(self, voice: Voice) -> None:
        """What is made is kept by a key that holds the model: it must not change when the engine loads."""
        before = voice.model
        voice.speak("One.")
        assert voice.model == before

    def test_word_times_are_in_order_and_in_the_texts_spelling(self, voice: Voice) -> None:
        speech = voice.speak(LINE)
        if not voice.gives_word_times:
            assert speech.words == ()
            return
        assert [word.text for word in speech.words] == LINE.split()
        times = [time for word in speech.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[0] >= 0 and times[-1] <= speech.seconds

    def test_sentences_have_bounds(self, voice: Voice) -> None:
        speech = voice.speak(LINE)
        assert len(speech.sentences) == 2
        assert all(0 <= start < end <= speech.seconds for start, end in speech.sentences)
        assert speech.sentences[0][1] <= speech.sentences[1][0]

    def test_it_says_what_made_the_sound(self, voice: Voice) -> None:
        made_by = voice.speak(LINE).made_by
        assert (made_by["role"], made_by["engine"]) == ("voice", voice.name)

    def test_nothing_to_say_is_refused(self, voice: Voice) -> None:
        with pytest.raises(EngineError, match="nothing to say"):
            voice.speak(" \n")

    def test_too_much_to_say_is_refused(self, voice: Voice) -> None:
        with pytest.raises(EngineError, match="at most"):
            voice.speak("word " * 5_000)

    def test_an_unknown_language_is_refused_with_a_next_step(self, voice: Voice) -> None:
        if voice.languages is None:
            pytest.skip("this voice takes any language")
        with pytest.raises(EngineError) as refused:
            voice.speak(LINE, language="zz")
        assert refused.value.permanent and refused.value.next_step
