"""Whisper's loading and its words, on a tiny model with random weights: the path is what matters."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media_processing.engine import EngineError
from media_processing.engines.base import Transcriber
from media_processing.engines.whisper import WhisperTranscriber, _chunks, _passages
from tests.contracts.transcriber import TranscriberContract
from tests.media_processing.makers import tone


class Bomb:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("bomb-went-off"),)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    whisper = pytest.importorskip("whisper")
    from dataclasses import asdict

    torch.manual_seed(0)
    dims = whisper.model.ModelDimensions(
        n_mels=80, n_audio_ctx=1500, n_audio_state=16, n_audio_head=2, n_audio_layer=1,
        n_vocab=51865, n_text_ctx=64, n_text_state=16, n_text_head=2, n_text_layer=2,
    )  # fmt: skip
    model = whisper.model.Whisper(dims)
    with torch.no_grad():  # an untrained model never stops talking: this one always wants to end
        words = model.decoder.token_embedding.weight
        end_of_text, one_second = 50257, 50414
        words *= 0.1
        words[end_of_text] *= 10
        words[one_second] = 0.9 * words[end_of_text]
        model.decoder.positional_embedding.zero_()  # whisper leaves it as the memory was
        model.decoder.ln.weight.zero_()
        model.decoder.ln.bias.copy_(10 * words[end_of_text])
    path = tmp_path_factory.mktemp("whisper") / "tiny-random.pt"
    torch.save({"dims": asdict(dims), "model_state_dict": model.state_dict()}, path)
    return path


@pytest.mark.local_models
class TestWhisper(TranscriberContract):
    @pytest.fixture
    def transcriber(self, weights: Path) -> Transcriber:
        return WhisperTranscriber(weights=str(weights), device="cpu")

    @pytest.fixture
    def speech(self, tmp_path: Path) -> Path:
        return tone(tmp_path / "tone.wav", seconds=2)

    def test_other_languages(self, transcriber: Transcriber, speech: Path) -> None:
        assert transcriber.transcribe(speech, language="hi").language == "hi"

    def test_no_language_of_whisper(self, transcriber: Transcriber, speech: Path) -> None:
        with pytest.raises(EngineError, match="can't work in 'xx'"):
            transcriber.transcribe(speech, language="xx")

    def test_its_name_tells_the_weights(self, transcriber: Transcriber) -> None:
        assert transcriber.model.endswith("tiny-random.pt")


@pytest.mark.local_models
def test_weights_that_run_code_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(EngineError, match=r"evil\.pt can't be loaded"):
        WhisperTranscriber(weights=str(path)).load()
    assert not (tmp_path / "bomb-went-off").exists()


def test_missing_weights_are_told(tmp_path: Path) -> None:
    for weights in ("", str(tmp_path / "none.pt")):
        (problem,) = WhisperTranscriber(weights=weights).problems()
        assert problem.next_step


def test_chunks_are_cut_at_pauses() -> None:
    samples = np.ones(16000 * 70, np.float32)
    samples[16000 * 25 : 16000 * 26] = 0
    chunks = list(_chunks(samples))
    assert 25 <= chunks[0][1] / 16000 <= 26
    assert chunks[0][0] == 0
    assert chunks[-1][1] == len(samples)
    assert all(stop - start <= 30 * 16000 for start, stop in chunks)
    assert list(_chunks(samples[:0])) == []


def test_times_stay_within_the_sound() -> None:
    words = [{"word": " hello", "start": 0.5, "end": 9.0, "probability": 1.2}, {"word": " ", "start": 0, "end": 0}]
    (passage,) = _passages([{"text": " hello", "start": 0.5, "end": 9, "words": words}, {"text": " "}], 30.0, 33.0)
    assert (passage.start, passage.end) == (30.5, 33.0)
    assert [(word.text, word.end, word.confidence) for word in passage.words] == [("hello", 33.0, 1.0)]
