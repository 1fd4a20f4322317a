"""The voice behind OpenAI's speech protocol, against a wire-level double on the loopback interface."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation import prices
from generation.engines.metering import Meter
from generation.engines.openai_speech import OpenAIVoice
from generation.speech.keeping import SpokenSentences
from media_processing.engine import EngineError
from media_processing.sound import read_wav, write_wav
from tests.contracts.voice import LINE, VoiceContract
from tests.openai_double import Double, Reply

HERTZ = 24_000


def tone(request: dict[str, Any]) -> bytes:
    """A sound that is as long as what is to be said, faster where that is asked."""
    seconds = 0.06 * len(request["input"]) / request["speed"] + 0.3
    time = np.arange(int(seconds * HERTZ)) / HERTZ
    return write_wav(None, (9_000 * np.sin(2 * np.pi * 220 * time)).astype(np.int16), HERTZ)


@pytest.fixture
def double(endpoint: Double) -> Double:
    endpoint.begin(tone)
    return endpoint


def voice_at(double: Double, **options: Any) -> OpenAIVoice:
    return OpenAIVoice("openai", base_url=double.address, api_key="key-for-tests", timeout=5, **options)


class TestOpenAIVoice(VoiceContract):
    @pytest.fixture
    def voice(self, double: Double) -> OpenAIVoice:
        return voice_at(double)

    def test_what_is_asked_on_the_wire(self, voice: OpenAIVoice, double: Double) -> None:
        voice.speak("Ask Nguyen at 5.", voice="nova", rate=1.25, pronunciations={"Nguyen": "win"})
        (request,) = double.requests
        assert request["path"] == "/v1/audio/speech"
        assert {name: request[name] for name in ("model", "voice", "input", "response_format", "speed")} == {
            "model": "gpt-4o-mini-tts", "voice": "nova", "input": "Ask win at 5.", "response_format": "wav",
            "speed": 1.25,
        }  # fmt: skip
        assert request["key"] == "Bearer key-for-tests"

    def test_voices_are_the_models_or_the_settings(self, double: Double) -> None:
        assert {speaker.id for speaker in voice_at(double).voices("de")} >= {"alloy", "marin"}
        assert "marin" not in {speaker.id for speaker in voice_at(double, model="tts-1").voices("en")}
        own = voice_at(double, model="kokoro", speakers=("af_heart", "bm_lewis"))
        assert [(each.id, each.title) for each in own.voices("en")] == [
            ("af_heart", "Af heart"), ("bm_lewis", "Bm lewis")
        ]  # fmt: skip
        assert own.speak("One.").made_by["voice"] == "af_heart"

    def test_a_wav_whose_length_was_not_known_when_it_began(self, voice: OpenAIVoice, double: Double) -> None:
        plain = tone({"input": LINE, "speed": 1.0})
        streamed = plain[:4] + struct.pack("<I", 0xFFFFFFFF) + plain[8:40] + struct.pack("<I", 0xFFFFFFFF) + plain[44:]
        double.replies = [Reply(streamed)]
        assert voice.speak("One long sentence.").seconds == pytest.approx((len(plain) - 44) / 2 / HERTZ, abs=0.25)

    @pytest.mark.parametrize("sound", [b"", b"no sound at all", b"RIFF" + bytes(40), write_wav(None, np.zeros(0, np.int16), HERTZ)])  # noqa: E501
    def test_an_answer_that_is_no_sound(self, voice: OpenAIVoice, double: Double, sound: bytes) -> None:
        double.replies = [Reply(sound)]
        with pytest.raises(EngineError, match="can't be read") as refused:
            voice.speak("One.")
        assert "OPENAI_VOICE_MODEL" in refused.value.next_step

    @pytest.mark.parametrize(
        ("reply", "says", "step"),
        [
            (Reply(status=401), "refused the key", "OPENAI_API_KEY"),
            (Reply(status=404), "has no model", "OPENAI_VOICE_MODEL"),
            (Reply(status=429, code="insufficient_quota"), "quota", "another voice"),
            (Reply(status=400), "didn't accept", "chosen voice"),
        ],
    )  # fmt: skip
    def test_refusals(self, double: Double, reply: Reply, says: str, step: str) -> None:
        double.replies = [reply] * 3
        with pytest.raises(EngineError, match=says) as refused:
            voice_at(double).speak("One.")
        assert step in refused.value.next_step

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_it_tries_again(self, voice: OpenAIVoice, double: Double, status: int) -> None:
        double.replies = [Reply(status=status), Reply(status=status)]
        assert voice.speak("One.").seconds > 0.3
        assert len(double.requests) == 3

    def test_a_stalled_answer_is_given_up(self, double: Double) -> None:
        double.replies = [Reply(tone({"input": "One.", "speed": 1.0}), pause=2.0)]
        with pytest.raises(EngineError, match="said nothing for"):
            voice_at(double, stall=0.3).speak("One.")

    def test_an_answer_that_breaks_off_is_counted_and_can_be_asked_again(self, double: Double) -> None:
        double.replies = [Reply(tone({"input": "One.", "speed": 1.0}), drop=True)]
        meter = Meter()
        with pytest.raises(EngineError, match="broke off"):
            voice_at(double).speak("One.", meter=meter)
        assert (meter.prompt_tokens, meter.reported) == (4, False)

    def test_without_a_key(self) -> None:
        with pytest.raises(EngineError, match="The voice has no key"):
            OpenAIVoice("openai").speak("One.")

    def test_characters_are_counted_and_kept_sentences_cost_nothing(self, double: Double, tmp_path: Path) -> None:
        voice, kept, meter = voice_at(double), SpokenSentences(tmp_path), Meter()
        voice.speak(LINE, kept=kept, meter=meter)
        assert (meter.calls, meter.prompt_tokens) == (2, len(LINE) - 1)
        voice.speak(LINE, kept=kept, meter=meter)
        assert meter.calls == 2

    def test_a_try_after_a_crash_asks_with_the_same_keys(self, double: Double, tmp_path: Path) -> None:
        voice, meter = voice_at(double), Meter()
        meter.key = "storyloom-1"
        voice.speak(LINE, meter=meter)
        voice.speak(LINE, meter=meter)
        keys = [request["idempotency_key"] for request in double.requests]
        assert keys[:2] == keys[2:] and keys[0] != keys[1] and all(key.startswith("storyloom-1.") for key in keys)

    def test_it_has_a_price(self, double: Double) -> None:
        voice = OpenAIVoice("openai", api_key="key", model="tts-1")
        estimate = prices.estimate("voice", voice.provider, voice.model, voice.forecast("speak", 1_000_000))
        assert estimate.known and estimate.likely == 15

    def test_a_long_sentence_is_spoken_in_parts(self, voice: OpenAIVoice, double: Double) -> None:
        text = "and so it went on, " * 120 + "until it ended."
        speech = voice.speak(text)
        assert max(len(request["input"]) for request in double.requests) <= voice.longest
        assert " ".join(request["input"] for request in double.requests) == text
        assert len(speech.sentences) == 1
        assert read_wav(speech.sound)[1] == HERTZ
