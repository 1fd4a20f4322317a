"""The price table, and what follows from a name that isn't in it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from generation import prices
from generation.engines.metering import Forecast
from media_processing.engine import EngineError


def test_the_tables_amounts_are_decimals_with_a_date_and_a_currency() -> None:
    table = prices.table()
    assert table.currency == "USD" and table.date.year >= 2026
    voices = {name for _provider, name in table.models if "tts" in name}  # they ask by the character alone
    assert all(
        price.input > 0 == price.output if name in voices else price.output > price.input > 0
        for (_provider, name), price in table.models.items()
    )


def test_a_snapshot_costs_what_its_model_costs() -> None:
    table = prices.table()
    assert table.price("writer", "api.openai.com", "gpt-5-mini-2025-08-07") == table.price(
        "writer", "api.openai.com", "gpt-5-mini"
    )


@pytest.mark.parametrize(("provider", "model"), [("api.openai.com", "gpt-99"), ("models.example.com", "gpt-5-mini")])
def test_an_unknown_model_or_provider_has_no_price(provider: str, model: str) -> None:
    estimate = prices.estimate("writer", provider, model, Forecast(1000, 1000, 2000, 2000))
    assert not estimate.known and not estimate.costs and estimate.most == 0


@pytest.mark.parametrize("provider", ["", "127.0.0.1", "::1", "localhost", "10.1.2.3", "192.168.7.7"])
def test_ones_own_machines_cost_their_time_which_is_free_by_default(provider: str) -> None:
    price = prices.table().price("writer", provider, "anything")
    assert price is not None and price.free


def test_amounts_are_rounded_up_to_a_millionth() -> None:
    assert prices.Price(input=Decimal("0.05")).of(prompt_tokens=1) == Decimal("0.000001")
    assert prices.Price(second=Decimal("0.0001")).of(seconds=2.5) == Decimal("0.00025")


def test_an_estimate_has_a_likely_and_a_most() -> None:
    estimate = prices.estimate("writer", "api.openai.com", "gpt-5-mini", Forecast(2000, 1000, 8000, 16000))
    assert (estimate.likely, estimate.most) == (Decimal("0.0025"), Decimal("0.034"))
    assert estimate.costs


def test_ones_own_table_is_read_first(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'date = 2026-11-01\ncurrency = "USD"\n[machine]\npainter = "0.0002"\n'
        '[[model]]\nprovider = "api.openai.com"\nname = "gpt-5-mini"\ninput = "0.1"\noutput = "1"\n'
    )
    settings.PRICES = str(own)
    table = prices.table()
    assert table.price("writer", "api.openai.com", "gpt-5-mini") == prices.Price(Decimal("0.1"), Decimal(1))
    assert table.price("writer", "api.openai.com", "gpt-5") is not None
    assert table.price("painter", "", "") == prices.Price(second=Decimal("0.0002"))


@pytest.mark.parametrize(
    "text", ["", "date = 2026-11-01", 'date=2026-11-01\ncurrency="USD"\n[machine]\nwriter="-1"', "\x00", "[["]
)
def test_a_table_that_makes_no_sense_is_an_error_with_a_next_step(
    settings: Settings, tmp_path: Path, text: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    settings.PRICES = str(own)
    with pytest.raises(EngineError) as refused:
        prices.table()
    assert "STORYLOOM_PRICES" in refused.value.next_step
