"""What every embedder promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

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

    def test_its_card_says_what_it_knows(self, embedder: Embedder) -> None:
        card = embedder.card
        assert card.name
        assert len(card.digest) == 64
        assert card.domains
