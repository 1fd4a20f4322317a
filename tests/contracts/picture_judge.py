"""What every judge of pictures promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import json
import math

import pytest
from PIL import Image

from media_processing.pdq import EMPTY_BANK
from moderation.engines.base import Look, PictureJudge


class PictureJudgeContract:
    @pytest.fixture
    def judge(self) -> PictureJudge:
        raise NotImplementedError

    def test_says_what_it_judges_and_who_it_is(self, judge: PictureJudge) -> None:
        assert judge.categories
        assert judge.model
        assert judge.title

    @pytest.mark.parametrize("size", [(1, 1), (3, 700), (64, 64), (2000, 90)])
    def test_any_size_gets_scores_that_are_shares(self, judge: PictureJudge, size: tuple[int, int]) -> None:
        opinion = judge.judge(Look(Image.effect_noise(size, 90).convert("RGB")))
        assert all(0 <= score <= 1 and math.isfinite(score) for score in opinion.scores.values())
        assert set(judge.categories) <= set(opinion.scores) | set(opinion.missing)

    def test_the_picture_is_left_as_it_was(self, judge: PictureJudge) -> None:
        picture = Image.linear_gradient("L").resize((900, 700)).convert("RGB")
        before = picture.copy()
        judge.judge(Look(picture))
        assert picture == before

    def test_an_opinion_can_be_stored(self, judge: PictureJudge) -> None:
        opinion = judge.judge(Look(Image.linear_gradient("L").convert("RGB")))
        json.dumps([dict(opinion.scores), list(opinion.evidence), list(opinion.missing)])

    def test_a_bank_holds_only_within_its_block(self, judge: PictureJudge) -> None:
        before = judge.model
        with judge.use_bank(EMPTY_BANK):
            pass
        assert judge.model == before
