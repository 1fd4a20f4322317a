"""What every embedder promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from search.engines.base import Embedder


class EmbedderContract:
    @pytest.fixture
    def embedder(self) -> Embedder:
        raise NotImplementedError

    def test_vectors_are_of_the_cards_size_and_of_length_one(self, embedder: Embedder) -> None:
        pictures = [Image.new("RGB", (90, 120), "red"), Image.new("RGB", (200, 60), "blue")]
        for vectors in (embedder.embed_texts(["a red car", "the sea"]), embedder.embed_pictures(pictures)):
            assert vectors.shape == (2, embedder.card.dimensions)
            assert vectors.dtype == np.float32
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)

    def test_the_same_input_gives_the_same_vector(self, embedder: Embedder) -> None:
        assert np.array_equal(embedder.embed_texts(["a red car"]), embedder.embed_texts(["a red car"]))

    def test_a_batch_gives_what_single_calls_give(self, embedder: Embedder) -> None:
        texts = ["a red car", "trees along the river at night", "sea"]
        together = embedder.embed_texts(texts)
        alone = np.concatenate([embedder.embed_texts([text]) for text in texts])
        assert np.allclose(together, alone, atol=2e-3)

    def test_a_repeated_text_skips_the_model(self, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
        first = embedder.embed_texts(["a red car", "a dog"])
        asked: list[str] = []
        run = embedder._embed_texts
        monkeypatch.setattr(embedder, "_embed_texts", lambda texts: (asked.extend(texts), run(texts))[1])
        assert np.array_equal(embedder.embed_texts(["a dog", "a red car", "a dog"]), first[[1, 0, 1]])
        assert asked == []
        embedder.embed_texts(["a dog", "a cat"])
        assert asked == ["a cat"]

    def test_nothing_gives_no_vectors(self, embedder: Embedder) -> None:
        nothing = (0, embedder.card.dimensions)
        assert embedder.embed_texts([]).shape == embedder.embed_pictures([]).shape == nothing

    def test_texts_of_any_kind_are_taken(self, embedder: Embedder) -> None:
        odd = ["", " ", "\ud800 broken", "naïve — 東京 \U0001f600", "word " * 5000, "x" * 50_000, "<end_of_text> a"]
        assert np.isfinite(embedder.embed_texts(odd)).all()

    def test_threads_that_ask_together_get_what_each_asked_for(self, embedder: Embedder) -> None:
        texts = [f"{count} boats" for count in ("two", "three", "four", "five")] + ["the sea"] * 4
        embedder.load()
        alone = np.concatenate([embedder._embed_texts([text]) for text in texts])
        alone /= np.linalg.norm(alone, axis=1, keepdims=True)
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda text: embedder.embed_texts([text])[0], texts))
        assert np.allclose(together, alone, atol=2e-3)

    def test_its_card_says_what_it_knows(self, embedder: Embedder) -> None:
        card = embedder.card
        assert card.name
        assert len(card.digest) == 64
        assert card.domains
