"""The small Stable Diffusion pipeline that train_diffusion taught, painting for real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creator.management.commands.painter_quality import PAIRS, painted, separated
from generation.engines.diffusers import DiffusersPainter
from search.engines.onnx import OnnxEmbedder

FOLDER = Path(__file__).with_name("diffusion-64")

pytestmark = [pytest.mark.local_models, pytest.mark.slow]


@pytest.fixture(scope="module")
def painter() -> DiffusersPainter:
    return DiffusersPainter("diffusers", folder=FOLDER, device="cpu", batch=8)


def test_it_is_under_8_mb_and_says_how_it_was_made() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) < 8e6
    card = json.loads((FOLDER / "card.json").read_text())
    assert card["command"].startswith("manage.py train_diffusion")
    for pair in ("red/blue", "sea/city"):
        assert card["measured"][pair]["separated"] > 0.8
        assert card["measured"][pair]["pictures"] >= 200


@pytest.mark.parametrize("pair", ["red/blue", "sea/city"])
def test_what_differs_in_a_word_looks_different(painter: DiffusersPainter, pair: str) -> None:
    """Fewer pictures than the card's 200: chance would reach this bound once in 300 tries."""
    assert separated(OnnxEmbedder(), painted(painter, PAIRS[pair], 16)) >= 0.72


def test_the_same_seed_paints_the_same_picture(painter: DiffusersPainter) -> None:
    first, again, other = (painter.draw("a red car", width=64, height=64, seed=seed) for seed in (5, 5, 6))
    assert first.content == again.content
    assert first.content != other.content
