"""The judge that compares a picture with descriptions: on the embedding that it is given, and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from media_processing.engine import EngineError
from moderation.engines.base import Look, Sight
from moderation.engines.clip import SHIPPED, ClipJudge, _read
from tests.contracts.picture_judge import PictureJudgeContract

PROMPTS = """
scale = 100.0
harmless = ["a calm sea", "a lamp"]
[categories]
violence = ["a weapon", "a fight"]
sexual = ["a nude"]
"""


def vector(text: str) -> NDArray[np.float32]:
    made = np.random.default_rng(sum(map(ord, text))).normal(size=64).astype(np.float32)
    return made / np.linalg.norm(made)  # type: ignore[no-any-return]


def never() -> Image.Image:
    raise AssertionError("The picture was decoded.")


class Model:
    """What search would give: vectors of texts, counted."""

    def __init__(self, unknown: Sequence[str] = ()) -> None:
        self.unknown = set(unknown)
        self.asked: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.stack([vector(text) for text in texts])

    def understood(self, text: str) -> list[str]:
        return [word for word in text.split() if word not in self.unknown]

    def sight(self, of: str, domain: str = "photographs") -> Sight:
        return Sight(vector(of), "d" * 64, domain, ("photographs",), self.embed_texts, self.understood)


@pytest.fixture
def judge(tmp_path: Path) -> ClipJudge:
    path = tmp_path / "prompts.toml"
    path.write_text(PROMPTS)
    return ClipJudge("clip", prompts=path)


class TestClipJudge(PictureJudgeContract):
    """Without an embedding: all signals are missing, and said to be."""

    @pytest.fixture
    def judge(self) -> ClipJudge:
        return ClipJudge("clip")


def test_the_description_that_fits_scores_and_is_evidence(judge: ClipJudge) -> None:
    opinion = judge.judge(Look(never, sight=Model().sight("a weapon")))
    assert opinion.scores["violence"] > 0.9
    assert opinion.scores["sexual"] < 0.1
    assert opinion.evidence[0]["rule"] == "a weapon"
    assert opinion.missing == ("hate", "self-harm", "illicit")


def test_a_harmless_picture_scores_nothing(judge: ClipJudge) -> None:
    assert max(judge.judge(Look(never, sight=Model().sight("a lamp"))).scores.values()) < 0.1


def test_another_kind_of_picture_is_a_missing_signal(judge: ClipJudge) -> None:
    opinion = judge.judge(Look(never, sight=Model().sight("a weapon", domain="illustrations")))
    assert not opinion.scores
    assert set(opinion.missing) == set(judge.categories)
    assert "knows photographs" in opinion.evidence[0]["note"]


def test_without_an_embedding_it_is_missing_and_nothing_is_decoded(judge: ClipJudge) -> None:
    assert set(judge.judge(Look(never)).missing) == set(judge.categories)


def test_words_that_the_model_does_not_know_are_not_asked(judge: ClipJudge) -> None:
    model = Model(unknown=["nude", "fight"])
    opinion = judge.judge(Look(never, sight=model.sight("a lamp")))
    assert "sexual" in opinion.missing
    assert "violence" not in opinion.missing
    assert "a fight" not in model.asked


def test_the_verdict_names_model_descriptions_and_what_was_missing(judge: ClipJudge, tmp_path: Path) -> None:
    model = Model()
    names = {
        judge.model_for(Look(never)), judge.model_for(Look(never, sight=model.sight("a lamp"))),
        judge.model_for(Look(never, sight=model.sight("a lamp", domain="drawings"))),
    }  # fmt: skip
    assert len(names) == 3
    assert all(name.startswith(judge.steady_model) for name in names)
    (tmp_path / "prompts.toml").write_text(PROMPTS.replace("a lamp", "a cup"))
    assert judge.model not in names


def test_the_shipped_descriptions_cover_every_category() -> None:
    _scale, harmless, groups = _read(SHIPPED)
    assert set(groups) == set(ClipJudge.categories)
    assert len(harmless) >= 40
    assert all(len(texts) >= 5 for texts in groups.values())


@pytest.mark.parametrize("text", [
    "", "scale = 'x'", "scale = 1\nharmless = []\n[categories]\n", "scale = 1\nharmless = ['a', 'a']\n[categories]\n",
    "scale = 1\nharmless = ['a']\n[categories]\nnovel = ['b']\n", "scale = 1\nharmless = [3]\n[categories]\n",
])  # fmt: skip
def test_descriptions_that_make_no_sense_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    path.write_text(text)
    (problem,) = ClipJudge("clip", prompts=path).problems()
    assert isinstance(problem, EngineError)
    assert "prompts.toml" in problem.next_step
