"""How a painter is judged: by the share of its pictures that the search model takes for what was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from creator.management.commands.painter_quality import PAIRS, painted, separated
from generation.engines.illustrator import IllustratorPainter
from search.engines.base import Card, Embedder, Vectors


class RedOrBlue(Embedder):
    """Sees the share of red and of blue."""

    @property
    def card(self) -> Card:
        return Card(name="test", digest="", dimensions=2, domains=())

    def _load(self) -> None: ...

    def _embed_texts(self, texts: list[str]) -> Vectors:
        return np.array([[1, 0] if "red" in text else [0, 1] for text in texts], np.float32)

    def _embed_pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        return np.array([np.asarray(picture)[..., (0, 2)].mean((0, 1)) for picture in pictures], np.float32)


def test_the_share_is_that_counted_by_hand() -> None:
    red, blue = Image.new("RGB", (4, 4), (200, 0, 10)), Image.new("RGB", (4, 4), (0, 0, 200))
    sides = [
        [("a red dot", "a blue dot", red), ("a red dot", "a blue dot", blue)],
        [("a blue dot", "a red dot", blue), ("a blue dot", "a red dot", blue)],
    ]
    assert separated(RedOrBlue(), sides) == 0.75


def test_both_prompts_of_a_pair_differ_only_in_it() -> None:
    ours, theirs = painted(IllustratorPainter(), PAIRS["red/blue"], 3)
    assert [prompt for prompt, _, _ in ours] == ["a red apple", "a red bird", "a red bus"]
    assert [(prompt, other) for prompt, other, _ in theirs] == [(other, prompt) for prompt, other, _ in ours]
    assert ours[0][2].size == (64, 64)


def test_absurd_numbers_and_paid_painters_have_a_clear_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="--pictures is 0"):
        call_command("painter_quality", pictures=0)
    monkeypatch.setattr(IllustratorPainter, "leaves_the_machine", True)
    with pytest.raises(CommandError, match="paid by the picture"):
        call_command("painter_quality", engine="illustrator")


def test_only_what_was_trained_here_is_measured_into_its_card(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no card\.json: train it first"):
        call_command("train_diffusion", "--judge", out=tmp_path)


@pytest.mark.slow
def test_the_illustrator_separates(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    call_command(
        "painter_quality", "--json", "--engine", "illustrator", "--pairs", "sea/city", "night/day", pictures=10,
        sheet=tmp_path / "sheet.png",
    )  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    assert told["separated"].keys() == {"sea/city", "night/day"}
    assert told["separated"]["sea/city"] > 0.9
    assert Image.open(tmp_path / "sheet.png").size == (640, 256)
