"""What every voice promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.engines.base import Likeness, Saying, Voice
from generation.engines.metering import Meter
from generation.speech.joining import Utterance
from generation.speech.keeping import SpokenSentences
from media_processing import loudness
from media_processing.engine import EngineError
from media_processing.sound import read_wav

LINE = "The ferry crossed the fjord. Nobody burned any diesel today."


class Heard:
    """Lists what an engine is really asked to say."""

    def __init__(self, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: list[str] = []
        say = voice._say

        def listen(text: str, saying: Saying, meter: Meter) -> Utterance:
            self.texts.append(text)
            return say(text, saying, meter)

        monkeypatch.setattr(voice, "_say", listen)


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

    def test_every_reading_has_one_loudness_and_no_peak_above_the_bound(self, voice: Voice) -> None:
        samples, rate = read_wav(voice.speak(LINE * 3).sound)
        loud, peak = loudness.measure(samples, rate)
        assert loud == pytest.approx(loudness.SPEECH, abs=0.5)
        assert peak <= loudness.PEAK

    def test_sentences_are_joined_without_clicks(self, voice: Voice) -> None:
        """Every stretch of speech begins and ends in silence: there is no step at a cut."""
        samples, _rate = read_wav(voice.speak(LINE).sound)
        assert abs(int(samples[0])) < 200 and abs(int(samples[-1])) < 200

    def test_changing_a_sentence_speaks_one_sentence(
        self, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept, heard = SpokenSentences(tmp_path), Heard(voice, monkeypatch)
        first, second = "The ferry crossed the fjord.", "Nobody burned any diesel today."
        whole = voice.speak(f"{first} {second}", kept=kept)
        assert heard.texts == [first, second]
        again = voice.speak(f"{first} {second}", kept=kept)
        assert heard.texts == [first, second]
        assert (again.sound, again.words, again.sentences) == (whole.sound, whole.words, whole.sentences)
        changed = voice.speak(f"{first} Everybody rowed.", kept=kept)
        assert heard.texts == [first, second, "Everybody rowed."]
        assert changed.sentences[0] == whole.sentences[0]

    def test_what_the_sound_depends_on_is_spoken_anew(
        self, voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept, heard = SpokenSentences(tmp_path), Heard(voice, monkeypatch)
        cases: list[dict[str, Any]] = [
            {}, {"rate": 1.5}, {"pronunciations": {"ferry": "fairy"}}, {"pronunciations": {"bus": "buzz"}}
        ]  # fmt: skip
        for details in cases:
            voice.speak("The ferry left.", kept=kept, **details)
        # A pronunciation of a word that the sentence hasn't changes nothing.
        assert len(heard.texts) == 3

    @pytest.mark.parametrize("rate", [0.0, -1.0, 100.0])
    def test_impossible_rates_are_refused(self, voice: Voice, rate: float) -> None:
        with pytest.raises(EngineError, match="times its normal speed"):
            voice.speak("One.", rate=rate)

    def test_its_speakers_can_be_chosen_and_others_are_refused(self, voice: Voice) -> None:
        speakers = voice.voices("en")
        assert len({speaker.id for speaker in speakers}) == len(speakers)
        assert all(speaker.id and speaker.title for speaker in speakers)
        if speakers:
            assert voice.speak("One.", voice=speakers[-1].id).made_by["voice"] == speakers[-1].id
        with pytest.raises(EngineError, match="no voice 'nobody'") as refused:
            voice.speak("One.", voice="nobody")
        assert refused.value.permanent and refused.value.next_step

    def test_without_a_model_that_can_nobody_is_imitated(self, voice: Voice, tmp_path: Path) -> None:
        if voice.can_clone:
            pytest.skip("this voice clones")
        likeness = Likeness(tmp_path / "sample.wav", "digest", 1, "Ada")
        with pytest.raises(EngineError, match="imitates nobody"):
            voice.speak("One.", likeness=likeness)

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
        if voice.speaks("zz"):
            pytest.skip("this voice takes any language")
        with pytest.raises(EngineError) as refused:
            voice.speak(LINE, language="zz")
        assert refused.value.permanent and refused.value.next_step
