"""What every judge of text promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import json
import math

import pytest

from moderation.engines.base import TextJudge

TEXTS = [
    "The ferry runs again, and bakers rise at three.",
    "I am going to kill you, you moron. Write to jane.doe1984@gmail.com.",
    "\u202ereversed\u202c \u200bhidden\ufeff é ﬁ ß 🛶 \x00 \ud800",
    "9" * 5000,
    "नमस्ते, यह एक पंक्ति है।",
]


class TextJudgeContract:
    @pytest.fixture
    def judge(self) -> TextJudge:
        raise NotImplementedError

    def test_says_what_it_judges_and_who_it_is(self, judge: TextJudge) -> None:
        assert judge.categories
        assert judge.model
        assert judge.title

    @pytest.mark.parametrize("text", TEXTS)
    def test_scores_are_shares_and_nothing_goes_missing_silently(self, judge: TextJudge, text: str) -> None:
        opinion = judge.judge(text, language="en")
        assert all(0 <= score <= 1 and math.isfinite(score) for score in opinion.scores.values())
        assert set(judge.categories) == set(opinion.scores) | set(opinion.missing)

    @pytest.mark.parametrize("text", TEXTS)
    def test_evidence_points_into_the_text_as_it_was_given(self, judge: TextJudge, text: str) -> None:
        for each in judge.judge(text, language="en").evidence:
            assert each["category"] in judge.categories
            assert each["rule"]
            assert text[each["start"] : each["end"]] == each["text"] != ""

    def test_nothing_is_said_about_nothing(self, judge: TextJudge) -> None:
        assert not judge.judge(" \n ", language="en").scores

    def test_the_same_text_gets_the_same_opinion(self, judge: TextJudge) -> None:
        assert judge.judge(TEXTS[1], language="en") == judge.judge(TEXTS[1], language="en")

    def test_an_opinion_can_be_stored(self, judge: TextJudge) -> None:
        opinion = judge.judge(TEXTS[1], language="en")
        assert json.loads(json.dumps([dict(opinion.scores), list(opinion.evidence)]))

    def test_a_language_that_it_does_not_know_is_a_missing_signal(self, judge: TextJudge) -> None:
        if judge.languages is not None:
            assert not judge.speaks("tlh")
            assert judge.judge("Heghlu'meH QaQ jajvam.", language="tlh").missing
