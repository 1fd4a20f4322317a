"""The judge that knows banned pictures again, by their PDQ hash."""

from __future__ import annotations

import pytest
from PIL import Image

from media_processing import pdq
from moderation.engines.base import Look
from moderation.engines.hashes import HashesJudge
from tests.contracts.picture_judge import PictureJudgeContract
from tests.media_processing.test_pdq import recompressed, scene

pytestmark = pytest.mark.slow  # `make quick` leaves it out


class TestHashesJudge(PictureJudgeContract):
    @pytest.fixture
    def judge(self) -> HashesJudge:
        return HashesJudge("hashes")

    def banned(self, *pictures: Image.Image) -> pdq.HashBank:
        return pdq.HashBank.of((pdq.hashed(picture).hex, "banned") for picture in pictures)

    def test_a_banned_picture_and_its_copies_match(self, judge: HashesJudge) -> None:
        with judge.use_bank(self.banned(scene(1), scene(2))):
            for copy in (scene(1), recompressed(scene(2)), scene(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)):
                opinion = judge.judge(Look(copy.convert("RGB")))
                assert opinion.scores == {"banned": 1.0}
                assert "matches a banned picture" in opinion.evidence[0]["note"]

    def test_another_picture_does_not(self, judge: HashesJudge) -> None:
        with judge.use_bank(self.banned(scene(1))):
            assert judge.judge(Look(scene(2))).scores == {"banned": 0.0}

    @pytest.mark.parametrize("colour", ["black", "white", "#123456"])
    def test_a_flat_picture_never_matches_even_itself(self, judge: HashesJudge, colour: str) -> None:
        flat = Image.new("RGB", (200, 200), colour)
        with judge.use_bank(self.banned(flat)):
            assert judge.judge(Look(flat)).scores == {"banned": 0.0}

    def test_the_hash_is_evidence(self, judge: HashesJudge) -> None:
        (seen,) = judge.judge(Look(scene(1))).evidence
        assert (seen["pdq"], seen["quality"]) == (pdq.hashed(scene(1)).hex, 100)

    def test_another_bank_is_another_model(self, judge: HashesJudge) -> None:
        outside = judge.model
        with judge.use_bank(self.banned(scene(1))):
            assert judge.model != outside
        assert judge.model == outside
