"""Whisper's loading and its words, on a tiny model with random weights: the path is what matters."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creator.management.commands._spoken import TRAINING_VOICES, UNSEEN_VOICES, judge
from media_processing.engine import EngineError, engines
from media_processing.engines.base import Aligner, Passage, Transcriber, Word
from media_processing.engines.whisper import (
    WhisperAligner,
    WhisperTranscriber,
    _between,
    _cut,
    _passages,
    _shared_out,
)
from media_processing.sound import read_wav, write_wav
from media_processing.training.sentences import unseen, written
from tests.contracts.aligner import AlignerContract
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


@pytest.mark.local_models
class TestFilesThatAreNoWeights:
    def refused(self, path: Path) -> EngineError:
        with pytest.raises(EngineError, match=f"{path.name} can't be loaded as weights of Whisper") as caught:
            WhisperTranscriber(weights=str(path)).load()
        assert caught.value.permanent
        assert caught.value.next_step
        return caught.value

    def changed(self, weights: Path, tmp_path: Path, **dims: Any) -> Path:
        import torch

        checkpoint = torch.load(weights, weights_only=True)
        checkpoint["dims"] |= dims
        torch.save(checkpoint, tmp_path / "changed.pt")
        return tmp_path / "changed.pt"

    def test_a_half_copied_one(self, weights: Path, tmp_path: Path) -> None:
        half = tmp_path / "half.pt"
        half.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
        assert "half copied" in self.refused(half).message

    def test_something_else(self, tmp_path: Path) -> None:
        import torch

        torch.save({"weight": torch.zeros(3)}, tmp_path / "else.pt")
        assert "isn't built like" in self.refused(tmp_path / "else.pt").message

    def test_dimensions_of_another_version(self, weights: Path, tmp_path: Path) -> None:
        assert "n_experts" in self.refused(self.changed(weights, tmp_path, n_experts=8)).message

    @pytest.mark.parametrize(
        ("name", "value"), [("n_vocab", 10**12), ("n_text_layer", 0), ("n_mels", 81), ("n_audio_head", 3),
                            ("n_audio_ctx", 3), ("n_text_state", "16"), ("n_vocab", 100), ("n_text_state", 32)],
    )  # fmt: skip
    def test_dimensions_that_cant_be(self, weights: Path, tmp_path: Path, name: str, value: object) -> None:
        self.refused(self.changed(weights, tmp_path, **{name: value}))

    def test_weights_of_another_size(self, weights: Path, tmp_path: Path) -> None:
        assert "don't fit" in self.refused(self.changed(weights, tmp_path, n_text_layer=3)).message

    def test_weights_that_are_no_numbers(self, weights: Path, tmp_path: Path) -> None:
        import torch

        checkpoint = torch.load(weights, weights_only=True)
        checkpoint["model_state_dict"]["decoder.ln.bias"][0] = float("nan")
        torch.save(checkpoint, tmp_path / "nan.pt")
        assert "no numbers" in self.refused(tmp_path / "nan.pt").message


class TestCuts:
    def test_in_a_pause(self) -> None:
        samples = np.ones(16000 * 70, np.float32)
        samples[16000 * 25 : 16000 * 26] = 0
        stop, pause = _cut(samples, 0)
        assert 25.1 <= stop / 16000 <= 25.9
        assert pause

    def test_without_a_pause_a_chunk_is_as_long_as_can_be(self) -> None:
        assert _cut(np.ones(16000 * 70, np.float32), 16000) == (16000 * 31, False)

    def test_the_end_is_a_pause(self) -> None:
        assert _cut(np.ones(16000 * 70, np.float32), 16000 * 50) == (16000 * 70, True)

    def test_words_are_kept_on_one_side(self) -> None:
        words = tuple(Word(text, at, at + 0.4) for at, text in enumerate(["one", "two", "three", "four"]))
        passages = [Passage("one two three four", 0.0, 3.4, words)]
        (left,), (right,) = _between(passages, 0.0, 1.4), _between(passages, 1.4, 9.0)
        assert (left.text, left.end, right.text, right.start) == ("one two", 1.4, "three four", 2.0)


class Spelling:
    """Stands in for Whisper's model: it hears the loudness of every second as a word, and counts how often it is asked.

    A second that is cut is heard as "?".
    """

    is_multilingual = True
    asked = 0

    class device:
        type = "cpu"

    class decoder:
        blocks = ()

        @staticmethod
        def register_forward_pre_hook(_hook: Any) -> Any:
            class Handle:
                def remove(self) -> None: ...

            return Handle()

    def __init__(self, sound: np.ndarray[Any, Any]) -> None:
        self.sound = sound

    def transcribe(self, chunk: np.ndarray[Any, Any], **_asked: Any) -> dict[str, Any]:
        self.asked += 1
        (start,) = [
            at for at in range(0, len(self.sound) - len(chunk) + 1, 80)
            if np.array_equal(self.sound[at : at + len(chunk)], chunk)
        ]  # fmt: skip
        words: list[dict[str, Any]] = []
        for second in range(len(self.sound) // 16000):
            begin, end = second + 0.1, second + 0.9
            seen = min(end, (start + len(chunk)) / 16000) - max(begin, start / 16000)
            if seen > 0.1:
                text = f"w{second}" if seen > 0.75 else "?"
                words.append({"word": f" {text}", "start": max(begin - start / 16000, 0),
                              "end": min(end - start / 16000, len(chunk) / 16000), "probability": 0.9})  # fmt: skip
        said = "".join(word["word"] for word in words)
        times = (words[0]["start"], words[-1]["end"]) if words else (0, 0)
        return {"segments": [{"text": said, "start": times[0], "end": times[1], "words": words}] if words else []}


@pytest.mark.local_models
class TestLongSounds:
    @pytest.fixture(params=[True, False], ids=["pauses", "no pauses"])
    def model(self, request: pytest.FixtureRequest, tmp_path: Path) -> Spelling:
        rng = np.random.default_rng(3)
        samples = (rng.normal(0, 3000, 16000 * 95)).clip(-32000, 32000).astype(np.int16)
        if request.param:
            for second in range(96):
                samples[max(0, int((second - 0.2) * 16000)) : int((second + 0.15) * 16000)] = 0
        write_wav(tmp_path / "long.wav", samples, 16000)
        return Spelling(samples.astype(np.float32) / 32768.0)

    def transcribed(self, model: Spelling, tmp_path: Path, **asked: Any) -> list[str]:
        engine = WhisperTranscriber(weights="none.pt")
        engine._loaded, engine._digest, engine._model = True, "d", model
        said = engine.transcribe(tmp_path / "long.wav", cache=tmp_path / "cache", **asked)
        return said.text.split()

    def test_no_word_is_lost_or_doubled_at_a_cut(self, model: Spelling, tmp_path: Path) -> None:
        assert self.transcribed(model, tmp_path) == [f"w{second}" for second in range(95)]
        assert model.asked >= 4

    def test_a_restart_goes_on_at_the_first_missing_chunk(self, model: Spelling, tmp_path: Path) -> None:
        class StoppedError(Exception):
            pass

        def stop_in_the_middle(share: float) -> None:
            if share > 0.5:
                raise StoppedError

        with pytest.raises(StoppedError):
            self.transcribed(model, tmp_path, progress=stop_in_the_middle)
        before = model.asked
        assert before >= 2
        assert self.transcribed(model, tmp_path) == [f"w{second}" for second in range(95)]
        whole = model.asked
        assert self.transcribed(model, tmp_path)
        assert (model.asked, whole - before < before + 3) == (whole, True)
        assert not list(tmp_path.glob("cache/.making-*"))

    def test_another_language_is_heard_anew(self, model: Spelling, tmp_path: Path) -> None:
        self.transcribed(model, tmp_path)
        before = model.asked
        self.transcribed(model, tmp_path, language="hi")
        assert model.asked == 2 * before


@pytest.mark.local_models
def test_it_can_be_stopped_between_two_words(weights: Path, tmp_path: Path) -> None:
    engine, shares = WhisperTranscriber(weights=str(weights), device="cpu"), []

    def cancel_at_the_third(share: float) -> None:
        shares.append(share)
        if len(shares) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.transcribe(tone(tmp_path / "tone.wav", seconds=2), progress=cancel_at_the_third)
    assert shares == [0.0] * 3
    assert engine.transcribe(tmp_path / "tone.wav").language == "en"


@pytest.mark.local_models
def test_it_finds_the_language_and_translates(weights: Path, tmp_path: Path) -> None:
    engine, sound = WhisperTranscriber(weights=str(weights), device="cpu"), tone(tmp_path / "tone.wav", seconds=2)
    import whisper

    assert engine.transcribe(sound, language="").language in whisper.tokenizer.LANGUAGES
    assert engine.transcribe(sound, language="hi", translate=True).language == "en"


def test_times_stay_within_the_sound() -> None:
    words = [{"word": " hello", "start": 0.5, "end": 9.0, "probability": 1.2}, {"word": " ", "start": 0, "end": 0}]
    (passage,) = _passages([{"text": " hello", "start": 0.5, "end": 9, "words": words}, {"text": " "}], 30.0, 33.0)
    assert (passage.start, passage.end) == (30.5, 33.0)
    assert [(word.text, word.end, word.confidence) for word in passage.words] == [("hello", 33.0, 1.0)]


FIFTY = Path(__file__).parent / "whisper-50"
"""A model of fifty words, which manage.py train_whisper taught; its card says how well it hears."""


@pytest.mark.local_models
@pytest.mark.slow
@pytest.mark.timeout(900)
class TestFiftyWords:
    """The real code path, on weights that know something: shapes alone would pass with any."""

    @pytest.fixture
    def engine(self, settings: Any) -> Transcriber:
        there = settings.ENGINES["transcriber"]
        whisper = there["whisper"] | {"OPTIONS": {"weights": str(FIFTY / "whisper-50.pt")}}
        settings.ENGINES = settings.ENGINES | {"transcriber": there | {"whisper": whisper}}
        found: Transcriber = engines["transcriber", "whisper"]
        return found

    def test_sentences_that_it_never_heard(self, engine: Transcriber) -> None:
        card = json.loads((FIFTY / "card.json").read_text())
        learned = set(written(card["sentences"], random.Random(card["seed"])))
        for voices in (TRAINING_VOICES, UNSEEN_VOICES):
            heard = judge(engine, unseen(8, 77, learned), voices, seed=78)
            assert heard["wer"] <= 0.3, heard
            assert heard["start_ms_median"] <= 120, heard


@pytest.mark.local_models
@pytest.mark.slow
@pytest.mark.timeout(900)
class TestAligner(AlignerContract):
    """On the weights of fifty words, since others have nothing to look for."""

    LACKS = "xx"
    SENTENCE = "the old dog follows my child near the river"

    @pytest.fixture
    def aligner(self) -> Aligner:
        return WhisperAligner(weights=str(FIFTY / "whisper-50.pt"), device="cpu")

    @pytest.fixture
    def speech(self, tmp_path: Path) -> tuple[Path, Sequence[float]]:
        said = engines["voice", "espeak"].speak(self.SENTENCE, voice="en-us")
        path = tmp_path / "speech.wav"
        path.write_bytes(said.sound)
        return path, [word.start for word in said.words]

    def test_the_silence_before_the_first_word_is_not_part_of_it(
        self, aligner: Aligner, speech: tuple[Path, Sequence[float]], tmp_path: Path
    ) -> None:
        samples, rate = read_wav(speech[0])
        quiet = np.random.default_rng(1).integers(-3, 4, 2 * rate).astype(np.int16)
        write_wav(tmp_path / "late.wav", np.concatenate([quiet, samples]), rate)
        first = aligner.align(tmp_path / "late.wav", self.SENTENCE.split())[0]
        assert first.start == pytest.approx(2 + speech[1][0], abs=0.06)

    def test_what_is_too_long_goes_by_sentence(self, aligner: Aligner, tmp_path: Path) -> None:
        noise = np.random.default_rng(1).integers(-3000, 3000, 16000 * 31).astype(np.int16)
        write_wav(tmp_path / "long.wav", noise, 16000)
        with pytest.raises(EngineError, match="at most 30 seconds"):
            aligner.align(tmp_path / "long.wav", self.SENTENCE.split())

    def test_another_text_is_not_found(self, aligner: Aligner, speech: tuple[Path, Sequence[float]]) -> None:
        with pytest.raises(EngineError, match="doesn't say these words"):
            aligner.align(speech[0], ["she", "is", "very", "happy", "but", "nobody", "paints", "again"])

    def test_words_that_the_sound_has_no_time_for(self, aligner: Aligner, speech: tuple[Path, Sequence[float]]) -> None:
        with pytest.raises(EngineError, match="doesn't say these words"):
            aligner.align(speech[0], self.SENTENCE.split() * 4)


class TestWordsOfParts:
    def test_times_go_from_the_first_letter_to_the_last(self) -> None:
        parts = [(" Kyiv", 0.0, 0.4, 0.9), (",", 0.4, 0.9, 0.5), (" —", 0.9, 1.0, 0.2), (" $", 1.0, 1.1, 0.9),
                 ("2.5", 1.1, 1.5, 0.8), (" now", 1.5, 1.8, 1.2)]  # fmt: skip
        found = _shared_out(["Kyiv,", "—", "$2.5", "now"], parts)
        assert [(word.text, word.start, word.end) for word in found] == [
            ("Kyiv,", 0.0, 0.4), ("—", 0.4, 0.4), ("$2.5", 1.1, 1.5), ("now", 1.5, 1.8)
        ]  # fmt: skip
        assert [word.confidence for word in found] == [0.9, 1.0, 0.8, 1.0]

    def test_a_script_without_spaces_comes_in_characters(self) -> None:
        parts = [("港", 0.0, 0.2, 1.0), ("口", 0.2, 0.5, 1.0), ("。", 0.5, 0.9, 1.0)]
        assert _shared_out(["港口。"], parts) == [Word("港口。", 0.0, 0.5)]

    def test_another_text_is_no_answer(self) -> None:
        with pytest.raises(EngineError, match="spells these words otherwise"):
            _shared_out(["now"], [(" then", 0.0, 0.5, 1.0)])
