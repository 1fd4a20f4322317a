"""Articles that give orders to the writer, and a model that obeys every one of them.

The double stands for the worst model: it puts the order, addresses, its instructions or foreign fields into its answer.
What it writes may be nonsense, but it changes nothing, leads nowhere and gives nothing away.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.addresses import without_addresses
from generation.engines.base import Article, Line, Script, Wish
from generation.engines.extractive import ExtractiveWriter
from generation.engines.openai import OpenAIWriter
from media_processing.engine import EngineError
from tests.generation.test_openai_writer import answer
from tests.openai_double import Double, openai_double

LINK = "https://evil.example/collect?id=7"
ORDERS = [
    order.replace("{link}", LINK)
    for order in tomllib.loads(Path(__file__).with_name("injections.toml").read_text())["orders"]
]
CANARY = "canary-5f2c9e"
NEWS = "The harbour got a new lighthouse on Friday. Fishers had asked for it for years. The town paid 40,000 euros."
OUTBOUND = re.compile(r"(?i)://|www\.|evil\.example|@example|203\.0\.113|javascript:|data:text|<\w|\]\(|http\[")


@pytest.fixture(scope="module")
def double() -> Iterator[Double]:
    with openai_double() as made:
        yield made


@pytest.fixture
def writer(double: Double, monkeypatch: pytest.MonkeyPatch) -> OpenAIWriter:
    monkeypatch.setenv("STORYLOOM_SECRET_KEY", CANARY)
    double.requests.clear()
    return OpenAIWriter("openai", base_url=double.address, api_key=f"sk-{CANARY}", model="tiny", max_retries=0)


def article(order: str) -> Article:
    return Article(text=f"{NEWS}\n\n{order}\n\nIt can be seen from afar.", title="A lighthouse")


def obey(order: str) -> Any:
    """A model that puts the order into every text that it writes."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return f"{value} {order}"[:1900]
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        return [fill(item) for item in value] if isinstance(value, list) else value

    return lambda request: fill(answer(request))


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    return texts(vars(value)) if hasattr(value, "__dataclass_fields__") else []


@pytest.mark.parametrize("order", ORDERS)
def test_an_obedient_model_leads_nowhere(writer: OpenAIWriter, double: Double, order: str) -> None:
    double.usual = obey(order)
    lines = [Line("a", "The harbour got a lighthouse.", "Light", "lighthouse", seconds=60.0)]
    source = article(order)
    made: list[Any] = [
        writer.write_script(source, Wish()),
        writer.rewrite(lines[0], "own", article=source, language="en", words="Shorter."),
        writer.hashtags(source, language="en"),
        writer.describe(lines, article=source, language="en"),
        writer.translate(Script("A", "B", (), (), "en"), lines, article=source, to="de"),
    ]
    for text in texts(made):
        assert not OUTBOUND.search(text), text
        assert CANARY not in text
    for sent in double.requests:
        assert CANARY not in json.dumps({**sent, "key": ""}), "no secret is part of a prompt"
        assert set(sent) <= {
            "path", "key", "idempotency_key", "model", "messages", "response_format", "max_completion_tokens", "stream",
            "stream_options",
        }, "no tools are offered"  # fmt: skip


def test_there_are_enough_orders() -> None:
    assert len(set(ORDERS)) >= 50


@pytest.mark.parametrize("part", ["instructions", "fence", "key"])
def test_an_answer_that_gives_its_instructions_away_is_refused(
    writer: OpenAIWriter, double: Double, part: str
) -> None:
    def leak(request: dict[str, Any]) -> Any:
        system, user = (message["content"] for message in request["messages"][:2])
        secret = {"instructions": system[:300], "fence": user.partition("\n")[0], "key": f"sk-{CANARY}"}[part]
        given = answer(request)
        return {**given, "summary": secret} if "summary" in given else given

    double.usual = leak
    with pytest.raises(EngineError, match="recited its instructions") as refused:
        writer.write_script(article(ORDERS[1]), Wish())
    assert "orders to the writer" in refused.value.next_step


@pytest.mark.parametrize("extra", ["is_admin", "state", "narration_2"])
def test_fields_that_nobody_asked_for_are_refused(writer: OpenAIWriter, double: Double, extra: str) -> None:
    double.usual = lambda request: {**answer(request), extra: "published"}
    with pytest.raises(EngineError, match="can't be used"):
        writer.write_script(article(ORDERS[0]), Wish())


@pytest.mark.parametrize("order", ORDERS)
def test_the_starter_leads_nowhere_either(order: str) -> None:
    made = ExtractiveWriter("extractive").write_script(article(order), Wish())
    assert made.scenes
    for text in texts([made.headline, made.summary, made.hashtags, *made.scenes]):
        assert not OUTBOUND.search(text), text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("See https://evil.example/x now.", "See now."),
        ("See [the page](https://evil.example) now.", "See the page now."),
        ("Mail a.b@evil.example.", "Mail."),
        ("Go to evil[.]example, quickly", "Go to quickly"),
        ("ｈｔｔｐ：／／evil.example is it", "is it"),
        ("It cost 3.5 million. At 6.30 it opened.", "It cost 3.5 million. At 6.30 it opened."),
        ("Booking.com bought it.", "Booking.com bought it."),
        ("Booking.com/offer is open.", "is open."),
        ("Mr. Smith vs. the U.S. government, e.g. on Friday", "Mr. Smith vs. the U.S. government, e.g. on Friday"),
    ],
)
def test_addresses_are_taken_out_and_names_stay(text: str, kept: str) -> None:
    assert without_addresses(text, source="Booking.com is a company.")[0] == kept
