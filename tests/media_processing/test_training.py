"""Training the small Whisper: its sentences, the windows that it hears, and that a few steps teach something."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from media_processing.engines.base import Word
from media_processing.engines.whisper import WhisperTranscriber
from media_processing.training.errors import word_errors
from media_processing.training.sentences import WORDS, unseen, write, written
from media_processing.training.speech import POSITIONS, Spoken, batched, vary, window


def test_word_errors() -> None:
    said = ["the", "red", "car", "waits"]
    assert word_errors(said, said) == 0
    assert word_errors(said, []) == 4
    assert word_errors([], said) == 4
    assert word_errors(said, ["a", "red", "car"]) == 2
    assert word_errors(said, ["the", "the", "red", "car", "car", "waits"]) == 2
    assert word_errors(said, ["waits", "car", "red", "the"]) == 4


class TestSentences:
    def test_fifty_words_and_no_others(self) -> None:
        assert len(WORDS) == len(set(WORDS)) == 50
        used = {word for text in written(3000, random.Random(1)) for word in text.split()}
        assert used == set(WORDS)

    def test_they_are_short_and_many(self) -> None:
        texts = written(2000, random.Random(2))
        assert all(2 <= len(text.split()) <= 15 for text in texts)
        assert len(set(texts)) > 1800

    def test_what_is_judged_was_not_taught(self) -> None:
        seen = set(written(500, random.Random(3)))
        judged = unseen(200, 3, seen)  # the same seed would write the same ones
        assert len(set(judged)) == 200
        assert not seen & set(judged)
        assert write(random.Random(3)) in seen

    @pytest.mark.local_models
    def test_each_word_is_one_token(self) -> None:
        tokenizer = pytest.importorskip("whisper.tokenizer").get_tokenizer(multilingual=True)
        assert all(len(tokenizer.encode(f" {word}")) == 1 for word in WORDS)


def spoken(seconds: float = 1.0, *texts: str) -> Spoken:
    texts = texts or ("red", "car")
    step = seconds / len(texts)
    rng = np.random.default_rng(1)
    powers = rng.exponential(1.0, (80, round(seconds * 100))).astype(np.float32)
    return Spoken(powers, tuple(Word(text, at * step, (at + 1) * step) for at, text in enumerate(texts)))


class TestWindows:
    def test_sentences_stand_one_after_the_other_while_they_fit(self) -> None:
        made = window([spoken()] * 9, 4.0, np.random.default_rng(2))
        assert 1 <= len(made.sentences) <= 4
        words = [word for sentence in made.sentences for word in sentence]
        assert all(first.end <= second.start + 0.011 for first, second in pairwise(words))
        assert words[-1].end * 100 <= made.mel.shape[1] <= 400

    def test_it_is_scaled_as_whisper_scales(self) -> None:
        for seed in range(8):
            mel = window([spoken()], 3.0, np.random.default_rng(seed)).mel
            assert mel.max() - mel.min() <= 2.001
            assert mel.dtype == np.float32

    def test_without_sentences_there_is_only_noise(self) -> None:
        made = window((), 3.0, np.random.default_rng(4))
        assert made.sentences == ()
        assert made.mel.std() > 0

    def test_a_varied_sentence_keeps_its_words_in_place(self) -> None:
        loud = np.full((80, 200), 1e-6, np.float32)
        loud[:, 100:150] = 1.0
        made = vary(Spoken(loud, (Word("red", 1.0, 1.5),)), np.random.default_rng(5))
        heard = np.flatnonzero(made.powers[20] > 0.5)
        assert (heard[0] / 100, heard[-1] / 100) == pytest.approx((made.words[0].start, made.words[0].end), abs=0.03)

    @pytest.mark.local_models
    def test_what_follows_a_sound_is_zero(self) -> None:
        mels = batched([window([spoken()], 3.0, np.random.default_rng(6))], POSITIONS)
        assert tuple(mels.shape) == (1, 80, 2 * POSITIONS)
        assert not mels[:, :, 320:].any()


@pytest.mark.local_models
@pytest.mark.slow
def test_some_steps_teach_something_that_the_engine_loads(tmp_path: Path) -> None:
    from media_processing.training.train import Plan, Stage, train

    plan = Plan(minutes=60, steps=30, warm_up=5, stages=(Stage(0.0, 2.0, 4),), whole_from=0.97, whole=1.0)
    told: list[dict[str, float]] = []
    path = tmp_path / "small.pt"
    sentences = [spoken(1.0), spoken(1.2, "he", "sleeps")]
    trained = train(sentences, plan, watch=lambda _step, _share, losses: told.append(losses), keep=path)
    assert len(trained.losses) == 30
    assert np.mean(trained.losses[-5:]) < 0.7 * trained.losses[0]
    assert set(told[0]) == {"text", "frames", "astray"}
    assert path.stat().st_size < 6_000_000
    engine = WhisperTranscriber(weights=str(path), device="cpu")
    engine.load()
    assert engine._model.dims.n_audio_ctx == POSITIONS
