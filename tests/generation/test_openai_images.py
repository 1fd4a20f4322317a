"""The painter behind OpenAI's protocol for pictures, against a wire-level double on the loopback interface."""

from __future__ import annotations

import base64
import io
import json
import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from generation import charges, prices
from generation.charges import Call, KeptMeter
from generation.engines.metering import Meter
from generation.engines.openai_images import OpenAIPainter
from generation.engines.painting import Painter
from media_processing.engine import EngineError
from media_processing.fetching import Rules
from tests.conftest import Cast
from tests.contracts.painter import PainterContract, as_png, marked, photograph
from tests.openai_double import Double, Reply

USAGE = {"input_tokens": 1200, "output_tokens": 1056, "total_tokens": 2256,
         "input_tokens_details": {"text_tokens": 200, "image_tokens": 1000}}  # fmt: skip
_count = iter(range(1, 1_000_000))


def painted(request: dict[str, Any]) -> bytes:
    """A picture of the size that is asked for, another one each time."""
    width, height = map(int, request["size"].split("x"))
    return as_png(Image.new("RGB", (width, height), (next(_count) % 256, 90, 200)))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(painted(request)).decode()}], "usage": USAGE}


@pytest.fixture
def double(endpoint: Double) -> Double:
    endpoint.begin(answer)
    return endpoint


def make(double: Double, **options: Any) -> OpenAIPainter:
    given = {"base_url": double.address, "api_key": "key-1", "timeout": 5, "stall": 5, **options}
    return OpenAIPainter("openai", **given)


@pytest.fixture
def painter(double: Double) -> OpenAIPainter:
    return make(double)


def draw(painter: Painter, **options: Any) -> Any:
    return painter.draw("a red boat", **{"width": 90, "height": 160, **options})


class TestOpenAIPainter(PainterContract):
    @pytest.fixture
    def painter(self, double: Double) -> OpenAIPainter:
        return make(double, max_retries=0)


class Noted(Meter):
    """A meter that keeps what it is told, and the answers as a charge does."""

    def __init__(self, key: str = "") -> None:
        super().__init__()
        self.key = key
        self.ids: list[str] = []
        self.paid: list[tuple[str, str]] = []

    def answering(self, provider_id: str) -> None:
        self.ids.append(provider_id)

    def kept(self, request: str) -> str | None:
        if self.calls < len(self.paid) and self.paid[self.calls][0] == request:
            self.calls += 1
            return self.paid[self.calls - 1][1]
        return None

    def answered(self, request: str, text: str, **used: Any) -> None:
        super().answered(request, text, **used)
        self.paid.append((request, text))


# What is asked -------------------------------------------------------------------------------------------------------


def test_what_is_asked_on_the_wire(painter: OpenAIPainter, double: Double) -> None:
    made = draw(painter, style="watercolour")
    (request,) = double.requests
    assert request["path"] == "/v1/images/generations" and request["key"] == "Bearer key-1"
    wanted = {"model": "gpt-image-2", "prompt": "a red boat, watercolour", "quality": "medium", "n": 1}
    assert request.items() >= wanted.items()
    assert "response_format" not in request
    assert (made.made_by["model"], made.made_by["quality"], made.made_by["words"]) == (
        "gpt-image-2", "medium", "a red boat",
    )  # fmt: skip
    assert "seed" not in made.made_by


@pytest.mark.parametrize(
    ("model", "size", "asked"),
    [
        ("gpt-image-2", (1080, 1920), "944x1680"), ("gpt-image-2-2026-04-21", (1920, 1080), "1680x944"),
        ("gpt-image-2.5-flare", (1000, 1000), "1248x1248"), ("gpt-image-2", (64, 2048), "736x2128"),
        ("gpt-image-1.5", (1080, 1920), "1024x1536"), ("gpt-image-1-mini", (1080, 1080), "1024x1024"),
        ("gpt-image-1-mini", (1080, 1350), "1024x1024"), ("own-model", (1920, 1080), "1536x1024"),
        ("dall-e-3", (1080, 1920), "1024x1792"),
    ],
)  # fmt: skip
def test_the_size_is_the_models_nearest_to_the_format(
    double: Double, model: str, size: tuple[int, int], asked: str
) -> None:
    made = make(double, model=model).draw("a boat", width=size[0], height=size[1])
    assert double.requests[0]["size"] == asked
    assert (made.width, made.height) == size == Image.open(io.BytesIO(made.content)).size
    width, height = map(int, asked.split("x"))
    if model.startswith("gpt-image-2"):
        assert width % 16 == height % 16 == 0 and 1 / 3 <= width / height <= 3


def test_other_models_are_asked_for_the_picture_itself(double: Double) -> None:
    draw(make(double, model="sd-turbo"))
    (request,) = double.requests
    assert request["response_format"] == "b64_json" and "quality" not in request


def test_a_redrawn_picture_is_handed_in_whole(painter: OpenAIPainter, double: Double) -> None:
    source = photograph(300, 200)
    made = painter.redraw(as_png(source), "in winter", strength=0.3)
    (request,) = double.requests
    assert request["path"] == "/v1/images/edits" and request["prompt"] == "in winter"
    sent = Image.open(io.BytesIO(request["image"]))
    assert f"{sent.width}x{sent.height}" == request["size"] and "mask" not in request
    back = np.asarray(sent.resize(source.size), np.int16)
    assert np.abs(back - np.asarray(source, np.int16)).mean() < 3
    assert (made.width, made.height) == (300, 200) and "strength" not in made.made_by


def test_a_mask_is_transparent_where_it_is_filled(painter: OpenAIPainter, double: Double) -> None:
    painter.fill(as_png(photograph(96, 64)), as_png(marked(96, 64)), "a boat")
    (request,) = double.requests
    mask, image = (Image.open(io.BytesIO(request[name])) for name in ("mask", "image"))
    assert mask.size == image.size and mask.mode == "RGBA"
    alpha = np.asarray(mask.getchannel("A").resize((96, 64)))
    assert alpha[32, 48] == 0 and alpha[60, 90] == 255


def test_a_model_that_only_draws_says_so(double: Double) -> None:
    with pytest.raises(EngineError, match="only draws from words"):
        make(double, model="dall-e-3").redraw(as_png(photograph(96, 64)), "a boat")
    assert not double.requests


def test_variants_are_asked_for_one_by_one(painter: OpenAIPainter, double: Double) -> None:
    meter = Noted("job-7")
    assert len(painter.variants("a boat", 3, width=90, height=160, meter=meter)) == 3
    assert [sent["idempotency_key"] for sent in double.requests] == ["job-7.1", "job-7.2", "job-7.3"]
    assert meter.calls == meter.pictures == 3


# What comes back -----------------------------------------------------------------------------------------------------


def test_a_picture_at_an_address_is_fetched_by_the_one_client(double: Double) -> None:
    port = urlsplit(double.address).port or 0
    rules = Rules(ports=frozenset({port}), allowed_hosts=frozenset({"127.0.0.1"}))
    double.files["/made.png"] = as_png(photograph(64, 64))
    double.replies[:] = [Reply({"data": [{"url": f"http://127.0.0.1:{port}/made.png"}]})]
    assert draw(make(double, rules=rules)).made_by["drawn"] == [64, 64]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.png", "http://169.254.169.254/latest", "file:///etc/passwd", "http://[::1]/x.png"]
)
def test_an_address_inside_is_not_fetched(painter: OpenAIPainter, double: Double, url: str) -> None:
    double.replies[:] = [Reply({"data": [{"url": url}]})]
    with pytest.raises(EngineError) as failed:
        draw(painter)
    assert failed.value.next_step


def test_words_that_the_model_changed_are_told(painter: OpenAIPainter, double: Double) -> None:
    picture = base64.b64encode(as_png(photograph(64, 64))).decode()
    double.replies[:] = [Reply({"data": [{"b64_json": picture, "revised_prompt": "A red fishing boat."}]})]
    assert draw(painter).made_by["revised_words"] == "A red fishing boat."


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"data": []}), Reply({"data": [{}]}), Reply({}), Reply({"data": [{"b64_json": "no base64!"}]}),
        Reply({"data": [{"b64_json": base64.b64encode(b"no picture").decode()}]}),
        Reply({"data": [{"b64_json": base64.b64encode(as_png(photograph(64, 64))[:60]).decode()}]}),
        Reply(raw=b'{"data": [{"b64'), Reply(raw=b"\xff\xfe"), Reply(raw=b"null"),
    ],
    ids=["none", "empty", "nothing", "no base64", "no picture", "half a picture", "half an answer", "noise", "null"],
)  # fmt: skip
def test_answers_that_are_no_pictures(painter: OpenAIPainter, double: Double, reply: Reply) -> None:
    double.replies[:] = [reply]
    meter = Noted()
    with pytest.raises(EngineError, match="answered with") as failed:
        draw(painter, meter=meter)
    assert failed.value.next_step
    assert len(double.requests) == meter.calls == 1, "it may be paid for: it is not asked for again"


def test_an_answer_that_breaks_off_counts_and_is_not_asked_for_again(painter: OpenAIPainter, double: Double) -> None:
    double.replies[:] = [Reply(answer({"size": "64x64"}), drop=True)]
    meter = Noted()
    with pytest.raises(EngineError, match="broke off in the middle"):
        draw(painter, meter=meter)
    assert (len(double.requests), meter.calls, meter.pictures, meter.reported) == (1, 1, 1, False)


@pytest.mark.parametrize(
    ("reply", "words", "permanent", "calls"),
    [
        (Reply(status=401), "refused the key", True, 1),
        (Reply(status=404), "no model 'gpt-image-2'", True, 1),
        (Reply(status=400), "didn't accept", True, 1),
        (Reply(status=400, code="moderation_blocked"), "its own filter", True, 1),
        (Reply(status=400, code="content_policy_violation"), "its own filter", True, 1),
        (Reply(status=429), "no more requests", False, 3),
        (Reply(status=429, headers={"Retry-After": "600"}), "no more requests", False, 1),
        (Reply(status=429, code="insufficient_quota"), "quota .* is used up", True, 3),
        (Reply(status=500), "failed", False, 3),
    ],
)
def test_lasting_trouble_is_explained_and_costs_nothing(
    painter: OpenAIPainter, double: Double, reply: Reply, words: str, permanent: bool, calls: int
) -> None:
    double.replies[:] = [reply] * 5
    meter = Noted("job-7")
    with pytest.raises(EngineError, match=words) as failed:
        draw(painter, meter=meter)
    assert failed.value.permanent is permanent and failed.value.next_step
    assert len(double.requests) == calls and meter.calls == 0 and not meter.ids
    assert {sent["idempotency_key"] for sent in double.requests} == {"job-7.1"}


def test_retry_after_is_kept(painter: OpenAIPainter, double: Double) -> None:
    double.replies[:] = [Reply(status=429, headers={"Retry-After": "1"})]
    began = time.monotonic()
    draw(painter)
    assert time.monotonic() - began >= 0.9 and len(double.requests) == 2


def test_silence_ends_it(double: Double) -> None:
    double.replies[:] = [Reply(answer({"size": "64x64"}), pause=2.0)]
    with pytest.raises(EngineError, match="said nothing"):
        draw(make(double, stall=0.4))


def test_an_endpoint_that_is_not_there() -> None:
    with pytest.raises(EngineError, match="can't be reached"):
        draw(OpenAIPainter(base_url="http://127.0.0.1:9/v1", max_retries=0, timeout=2))


@pytest.mark.parametrize(
    ("options", "words", "step"),
    [
        ({}, "The painter has no key", "OPENAI_API_KEY"), ({"model": "", "api_key": "k"}, "no model", "PAINTER_MODEL"),
        ({"quality": "superb", "api_key": "k"}, "no quality 'superb'", "low, medium, high"),
    ],
)  # fmt: skip
def test_what_is_missing_is_a_problem_before_any_work(options: dict[str, Any], words: str, step: str) -> None:
    problem = OpenAIPainter(**options).problems()[0]
    assert words in problem.message and step in problem.next_step and problem.permanent


def test_work_that_is_cancelled_before_it_is_asked_costs_nothing(painter: OpenAIPainter, double: Double) -> None:
    class Stopped(Exception):
        """A cancelled job."""

    def stop(_share: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        draw(painter, progress=stop)
    assert not double.requests


# What it costs -------------------------------------------------------------------------------------------------------


def test_what_an_answer_took_is_told_with_its_id(painter: OpenAIPainter) -> None:
    meter = Noted("job-7")
    made = draw(painter, meter=meter)
    assert meter.ids == ["req-1"] and meter.reported
    assert (meter.prompt_tokens, meter.picture_tokens, meter.completion_tokens, meter.pictures) == (1200, 1000, 1056, 1)
    assert made.made_by["completion_tokens"] == 1056


def test_a_picture_that_is_paid_is_not_asked_for_again(painter: OpenAIPainter, double: Double) -> None:
    first_try, second_try = Noted("job-7"), Noted("job-7")
    double.replies[:] = [Reply(answer({"size": "64x64"})), Reply(answer({"size": "64x64"}), drop=True)]
    with pytest.raises(EngineError, match="broke off"):
        painter.variants("a boat", 2, width=90, height=160, meter=first_try)
    second_try.paid = first_try.paid
    drawn = painter.variants("a boat", 2, width=90, height=160, meter=second_try)
    assert len({each.content for each in drawn}) == 2
    assert [sent["idempotency_key"] for sent in double.requests] == ["job-7.1", "job-7.2", "job-7.2"]


def test_tokens_that_are_not_told_are_estimated_and_said_so(painter: OpenAIPainter, double: Double) -> None:
    double.replies[:] = [Reply({"data": answer({"size": "64x64"})["data"]})]
    meter = Noted()
    draw(painter, meter=meter)
    assert not meter.reported and meter.completion_tokens > 400


def test_an_estimate_holds_by_model_quality_and_verb() -> None:
    def costs(model: str, verb: str = "draw", quality: str = "medium") -> prices.Estimate:
        asked = OpenAIPainter(model=model, api_key="k", quality=quality)
        return prices.estimate("painter", asked.provider, model, asked.forecast(verb, 100))

    for model in ("gpt-image-2", "gpt-image-1.5", "gpt-image-1-mini", "gpt-image-2-2026-04-21"):
        drawn, redrawn, better = costs(model), costs(model, "redraw"), costs(model, quality="high")
        assert 0 < drawn.likely < drawn.most < redrawn.most and drawn.most < better.most
    assert costs("gpt-image-1.5").most >= Decimal("0.0507")
    assert not costs("gpt-image-9000-own").known


def test_a_price_by_the_picture(tmp_path: Any, settings: Any) -> None:
    table = tmp_path / "prices.toml"
    table.write_text(
        'date = 2026-01-01\ncurrency = "USD"\n[[model]]\nprovider = "pictures.example"\nname = "own"\n'
        'picture = "0.04"\n'
    )
    settings.PRICES = str(table)
    asked = OpenAIPainter(model="own", base_url="https://pictures.example/v1")
    forecast = asked.forecast("draw", 50).times(3)
    assert prices.estimate("painter", asked.provider, asked.model, forecast).most == Decimal("0.12")


def test_pictures_handed_in_have_their_own_price() -> None:
    price = prices.table().price("painter", "api.openai.com", "gpt-image-2")
    assert price is not None
    assert price.of(prompt_tokens=1_000_000) == Decimal(5)
    assert price.of(prompt_tokens=1_000_000, picture_tokens=1_000_000) == Decimal(8)
    assert price.of(completion_tokens=1_000_000, pictures=3) == Decimal(30)


def test_a_picture_is_set_aside_kept_over_a_crash_and_settled_once(
    painter: OpenAIPainter, double: Double, cast: Cast
) -> None:
    call = Call(
        workspace_id=cast.workspace.pk, key="job:1:draw", subject="story:1", role="painter", verb="draw",
        engine="openai", model="gpt-image-2", provider="api.openai.com", person_id=cast.alice.pk,
    )  # fmt: skip
    estimate = prices.estimate("painter", call.provider, call.model, painter.forecast("draw", 10))
    drawn = draw(painter, meter=KeptMeter(charges.reserve(call, estimate)))
    # The worker is lost before the picture is kept: the next one takes the charge over, with what is paid.
    charge = charges.reserve(call, estimate)
    assert draw(painter, meter=KeptMeter(charge)).content == drawn.content
    assert len(double.requests) == 1
    charges.settle(charge.pk)
    charge.refresh_from_db()
    assert (charge.state, charge.basis, charge.pictures, charge.picture_tokens) == ("settled", "reported", 1, 1000)
    assert charge.amount == Decimal("0.04068")  # 200 x 5, 1000 x 8 and 1056 x 30, a million
    assert charge.amount <= charge.estimated and charge.answers == []


def test_what_is_sent_leaves_the_machine(painter: OpenAIPainter, double: Double) -> None:
    assert painter.leaves_the_machine and not painter.starter and not painter.repeats and not painter.heeds_strength
    draw(painter)
    assert "key-1" not in json.dumps({name: str(each) for name, each in double.requests[0].items() if name != "key"})
