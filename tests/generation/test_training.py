"""The training of a small painter: what it learns from, and a run of a few steps with the real parts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.engines.diffusers import DiffusersPainter
from generation.training.model import Shape, build, load, save
from generation.training.pictures import COLOURS, LIGHTS, OBJECTS, SETTINGS, Shown, caption, draw
from generation.training.train import Plan, train_autoencoder, train_denoiser, train_words

RED_CAR = Shown("city", "night", "car", "red")


def test_the_same_seed_draws_the_same_pictures() -> None:
    first, again, other = (draw(6, 64, seed=seed) for seed in (3, 3, 4))
    assert first.pixels.shape == (6, 64, 64, 3)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.shown == again.shown
    assert not np.array_equal(first.pixels, other.pixels)


def test_a_colour_fills_much_of_its_picture() -> None:
    pictures = draw(150, 64, seed=2)
    redness = {
        colour: np.mean(
            [
                (picture[..., 0].astype(int) - picture[..., 2] > 90).mean()
                for picture, shown in zip(pictures.pixels, pictures.shown, strict=True)
                if (shown.colour, shown.light) == (colour, "day")
            ]
        )
        for colour in ("red", "blue")
    }
    assert redness["red"] > redness["blue"] + 0.05


class TestCaptions:
    def test_they_name_only_what_is_shown(self) -> None:
        rng = random.Random(1)
        foreign = {*COLOURS, *OBJECTS, *SETTINGS, *LIGHTS} - {"red", "car", "city", "night"}
        texts = {caption(rng, RED_CAR) for _ in range(400)}
        assert "a red car in a city at night" in texts
        assert not any(foreign & set(text.replace(",", "").split()) for text in texts)

    def test_a_place_alone_has_no_thing(self) -> None:
        rng = random.Random(1)
        texts = {caption(rng, Shown("sea", "day")) for _ in range(200)}
        assert {"the sea", "the sea by day", "sea"} <= texts
        assert not any("by the sea" in text or "something" in text for text in texts)


@pytest.mark.local_models
@pytest.mark.slow
class TestAShortRun:
    SHAPE = Shape(picture_channels=(8, 8, 8), channels=(16, 16, 16), text_width=32, text_layers=1)
    STEPS = 80

    @pytest.fixture(scope="class")
    def run(self, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
        import torch

        folder = tmp_path_factory.mktemp("trained") / "pipeline"
        torch.manual_seed(1)  # the weights to begin with: how fast so few steps learn depends on them
        pictures, rng, told = draw(32, 64), random.Random(1), []
        parts = build(self.SHAPE, [caption(rng, shown) for shown in pictures.shown for _ in range(8)])

        def watch(*values: Any) -> None:
            told.append(values)

        runs = [
            train(parts, pictures, Plan(self.STEPS, batch=8, rate=3e-3, warm_up=1), watch)
            for train in (train_autoencoder, train_words, train_denoiser)
        ]
        save(parts, folder)
        return {"parts": parts, "folder": folder, "runs": runs, "told": told}

    def test_the_losses_fall(self, run: dict[str, Any]) -> None:
        for trained in run["runs"]:
            assert np.mean(trained.losses[-5:]) < 0.8 * np.mean(trained.losses[:5])

    def test_each_step_is_told(self, run: dict[str, Any]) -> None:
        assert [(name, step) for name, step, _, _ in run["told"]] == [
            (name, step) for name in ("autoencoder", "words", "painter") for step in range(self.STEPS)
        ]

    def test_every_word_is_one_token_and_any_text_has_some(self, run: dict[str, Any]) -> None:
        tokenizer = run["parts"].tokenizer
        assert tokenizer.tokenize("A red car in the forest, by day") == [
            f"{word}</w>" for word in ("a", "red", "car", "in", "the", "forest", ",", "by", "day")
        ]
        assert len(tokenizer("zebra \N{SNOWMAN} 99").input_ids) > 5

    def test_the_painter_opens_what_was_saved(self, run: dict[str, Any]) -> None:
        folder: Path = run["folder"]
        painter = DiffusersPainter("diffusers", folder=folder, steps=2, device="cpu")
        assert painter.problems() == []
        picture = painter.draw("a red car", width=64, height=64, seed=1)
        assert picture.made_by["drawn"] == [64, 64]
        assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".ckpt")]

    def test_what_is_saved_names_no_folder_of_this_machine(self, run: dict[str, Any], tmp_path: Path) -> None:
        folder: Path = run["folder"]
        save(load(folder), tmp_path / "again")
        assert not [path for path in tmp_path.rglob("*.json") if str(folder) in path.read_text()]

    def test_training_goes_on_from_what_was_saved(self, run: dict[str, Any]) -> None:
        again = train_denoiser(load(run["folder"]), draw(16, 64), Plan(3, batch=8, rate=1e-4), lambda *_: None)
        assert np.mean(again.losses) < 0.8 * run["runs"][2].losses[0]
