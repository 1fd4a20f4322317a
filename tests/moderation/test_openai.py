"""The judges that ask OpenAI's moderation model, over the wire with a double."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from media_processing.engine import EngineError
from moderation.engines.base import Look
from moderation.engines.openai import CATEGORIES, OVERLAP, PIECE, PINNED, OpenAIPictureJudge, OpenAITextJudge
from tests.contracts.picture_judge import PictureJudgeContract
from tests.contracts.text_judge import TextJudgeContract
from tests.openai_double import Double, Reply, openai_double

OF_PICTURES = ("self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence", "violence/graphic")


def answered(request: dict[str, Any], **scores: float) -> dict[str, Any]:
    """What the endpoint says: every category with a score, and to which kind of input it was applied."""
    given = request["input"]
    picture = isinstance(given[0], dict)
    applied = {name: (["image"] if name in OF_PICTURES else []) if picture else ["text"] for name in CATEGORIES}
    result = {
        "flagged": False, "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": {name: scores.get(name, 0.001) for name in CATEGORIES},
        "category_applied_input_types": applied,
    }  # fmt: skip
    return {"id": "modr-1", "model": request["model"], "results": [result] * (1 if picture else len(given))}


@pytest.fixture
def double() -> Iterator[Double]:
    with openai_double() as double:
        double.usual = answered
        yield double


class TestOpenAITextJudge(TextJudgeContract):
    @pytest.fixture
    def judge(self, double: Double) -> OpenAITextJudge:
        return OpenAITextJudge("openai", base_url=double.address)


class TestOpenAIPictureJudge(PictureJudgeContract):
    @pytest.fixture
    def judge(self, double: Double) -> OpenAIPictureJudge:
        return OpenAIPictureJudge("openai", base_url=double.address)


def test_the_pinned_model_is_asked_and_the_graver_of_two_categories_counts(double: Double) -> None:
    double.usual = lambda request: answered(request, **{"hate": 0.2, "hate/threatening": 0.7, "violence": 0.4})
    opinion = OpenAITextJudge("openai", base_url=double.address).judge("Go away.")
    assert double.requests[0]["model"] == PINNED
    assert double.requests[0]["input"] == ["Go away."]
    assert (opinion.scores["hate"], opinion.scores["violence"], opinion.missing) == (0.7, 0.4, ())
    assert [each["category"] for each in opinion.evidence] == ["hate", "violence"]


def test_a_picture_leaves_small_and_without_what_its_file_says(double: Double) -> None:
    picture = Image.effect_noise((3000, 2000), 90).convert("RGB")
    picture.getexif()[0x010E] = "at home"
    opinion = OpenAIPictureJudge("openai", base_url=double.address).judge(Look(picture))
    url = double.requests[0]["input"][0]["image_url"]["url"]
    sent = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert sent.format == "JPEG"
    assert max(sent.size) == 512
    assert not sent.getexif()
    assert set(opinion.scores) == {"self-harm", "sexual", "violence"}


def test_a_long_text_is_asked_in_pieces_that_overlap(double: Double) -> None:
    text = "".join(chr(97 + number % 26) for number in range(2 * PIECE))
    OpenAITextJudge("openai", base_url=double.address).judge(text)
    pieces = double.requests[0]["input"]
    assert [len(piece) for piece in pieces[:2]] == [PIECE, PIECE]
    assert pieces[0][-OVERLAP:] == pieces[1][:OVERLAP]
    assert pieces[-1][-1] == text[-1]


def test_another_model_than_the_pinned_one_is_no_verdict(double: Double) -> None:
    double.usual = lambda request: {**answered(request), "model": "omni-moderation-2026-01-01"}
    with pytest.raises(EngineError, match="was asked for"):
        OpenAITextJudge("openai", base_url=double.address).judge("Hello there.")


def test_a_category_that_was_not_judged_is_missing(double: Double) -> None:
    def some(request: dict[str, Any]) -> dict[str, Any]:
        made = answered(request)
        made["results"][0]["category_applied_input_types"]["violence"] = []
        made["results"][0]["category_applied_input_types"]["violence/graphic"] = []
        return made

    double.usual = some
    opinion = OpenAITextJudge("openai", base_url=double.address).judge("Hello there.")
    assert opinion.missing == ("violence",)


def test_fewer_results_than_pieces_are_no_verdict(double: Double) -> None:
    double.usual = lambda request: {**answered(request), "results": []}
    assert set(OpenAITextJudge("openai", base_url=double.address).judge("Hello.").missing) == set(
        OpenAITextJudge.categories
    )


@pytest.mark.parametrize(("reply", "said"), [
    (Reply(status=401), "refused the key"), (Reply(status=404), "has no model"),
    (Reply(status=429), "no more requests"), (Reply(status=500), "can't be read"),
    (Reply(raw=b"[]"), "can't be read"),
])  # fmt: skip
def test_what_goes_wrong_is_said_in_words(double: Double, reply: Reply, said: str) -> None:
    double.replies = [reply]
    with pytest.raises(EngineError, match=said):
        OpenAITextJudge("openai", base_url=double.address, max_retries=0).judge("Hello.")


def test_a_host_that_is_away_is_said_in_words() -> None:
    with pytest.raises(EngineError, match="can't be reached"):
        OpenAITextJudge("openai", base_url="http://127.0.0.1:9", max_retries=0).judge("Hello.")


@pytest.mark.parametrize("model", ["omni-moderation-latest", "omni-moderation", ""])
def test_a_model_without_a_date_is_refused(model: str) -> None:
    (problem,) = OpenAITextJudge("openai", model=model, api_key="k").problems()
    assert "isn't pinned" in problem.message


def test_without_a_key_it_says_so() -> None:
    assert "no key" in OpenAIPictureJudge("openai").problems()[0].message
