"""A voice behind any endpoint that speaks OpenAI's speech protocol."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Sequence
from typing import Any

from generation.engines.metering import Forecast, Meter
from generation.engines.speaking import Saying, Speaker, Voice
from generation.speech.joining import Utterance
from generation.speech.normalise import pronounced
from generation.speech.sounds import trim
from media_processing.endpoint import AtEndpoint, Endpoint
from media_processing.engine import EngineError
from media_processing.sound import read_wav

SPEAKERS = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip
"""OpenAI's own."""
_CLASSIC = frozenset(SPEAKERS) - {"ballad", "cedar", "marin", "verse"}
"""Those that the models tts-1 have."""
_MOST_BYTES = 60_000_000


class OpenAIVoice(AtEndpoint, Voice):
    """Speaks with a model of OpenAI's or of a server of one's own. It gives no times of words.

    `speakers` are the ids of the endpoint's voices, the default first; OpenAI's own where none are given. `timeout`
    holds for a sentence, `stall` for a silence in its answer, both in seconds.
    """

    title = "OpenAI-compatible voice"

    def __init__(
        self,
        name: str = "",
        *,
        model: str = "gpt-4o-mini-tts",
        api_key: str = "",
        base_url: str = "",
        speakers: Sequence[str] = (),
        timeout: float = 120.0,
        stall: float = 45.0,
        max_retries: int = 2,
    ) -> None:
        super().__init__(name)
        self._endpoint = Endpoint(
            "voice", "OPENAI_VOICE_MODEL", model, api_key, base_url, timeout, stall, max_retries,
            demand="it must speak, in WAV, and have the chosen voice",
        )  # fmt: skip
        usual = [each for each in SPEAKERS if each in _CLASSIC or not model.startswith("tts-1")]
        self._speakers = tuple(speakers) or tuple(usual)

    def identity(self) -> tuple[object, ...]:
        return (*super().identity(), self._endpoint.base_url)

    def voices(self, language: str) -> Sequence[Speaker]:
        return tuple(Speaker(each, each.replace("_", " ").capitalize(), "") for each in self._speakers)

    def forecast(self, verb: str, characters: int) -> Forecast:
        """Characters stand where tokens do. A pronunciation may be longer than what it replaces."""
        return Forecast(prompt=characters, most_prompt=2 * characters)

    def _say(self, text: str, saying: Saying, meter: Meter) -> Utterance:
        said = pronounced(text, saying.pronunciations)
        request: dict[str, Any] = {
            "model": self.model, "voice": saying.voice, "input": said, "response_format": "wav", "speed": saying.rate
        }  # fmt: skip
        answer = self._ask(request, said, meter)
        try:
            samples, hertz = read_wav(answer)
            if not len(samples):
                raise ValueError("It is empty.")
        except ValueError as error:
            raise EngineError(
                f"{self._endpoint.where} answered with a sound that can't be read. {error}",
                next_step="Check OPENAI_VOICE_MODEL: it must answer in 16-bit WAV.",
                permanent=True,
            ) from error
        return Utterance(trim(samples, hertz)[0], hertz)

    def _ask(self, request: dict[str, Any], said: str, meter: Meter) -> bytes:
        """The body of one answer, whole. What was begun counts, however it ends."""
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode("utf-8", "replace")).hexdigest()
        # By what is said, not by its number: after a crash, sentences that are kept aren't asked for again.
        key = f"{meter.key}.{digest[:16]}" if meter.key else ""
        begun = finished = False
        try:
            with self._endpoint.explaining(), self._client.audio.speech.with_streaming_response.create(
                **request, extra_headers={"Idempotency-Key": key} if key else None
            ) as answer:  # fmt: skip
                begun = True
                meter.answering(answer.headers.get("x-request-id", "") or key)
                sound = self._read(answer)
            finished = True
        finally:
            if begun and not finished:
                meter.broke_off(prompt_tokens=len(said), completion_tokens=0)
        meter.answered(digest, "", prompt_tokens=len(said), completion_tokens=0)
        return sound

    def _read(self, answer: Any) -> bytes:
        until = time.monotonic() + self._endpoint.timeout
        body = io.BytesIO()
        for part in answer.iter_bytes(65_536):
            body.write(part)
            if time.monotonic() > until:
                raise self._endpoint.too_slow()
            if body.tell() > _MOST_BYTES:
                raise EngineError(f"{self._endpoint.where} answered with more than a sentence.", next_step="Try again.")
        return body.getvalue()
