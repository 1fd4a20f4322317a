"""What engines cost: a table of prices as data, and the estimate of a call."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings

from generation.engines.metering import Forecast
from media_processing.engine import EngineError

OURS = Path(__file__).with_name("prices.toml")
MICRO = Decimal("0.000001")
"""The smallest amount that is kept."""


@dataclass(frozen=True)
class Price:
    """What an engine asks: per million tokens, or per second of this installation's own machines.

    Voices count characters, which stand where the tokens of a prompt do.
    """

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    second: Decimal = Decimal(0)
    picture: Decimal = Decimal(0)
    """For each picture that is made."""
    picture_input: Decimal | None = None
    """Per million tokens of pictures that are handed in; as for other input where it is None."""

    def of(
        self, *, prompt_tokens: int = 0, completion_tokens: int = 0, pictures: int = 0, picture_tokens: int = 0,
        seconds: float = 0.0,
    ) -> Decimal:  # fmt: skip
        """The amount, rounded up to a millionth. `picture_tokens` are among the `prompt_tokens`."""
        seen = self.input if self.picture_input is None else self.picture_input
        tokens = self.input * (prompt_tokens - picture_tokens) + seen * picture_tokens + self.output * completion_tokens
        amount = tokens / 1_000_000 + self.picture * pictures
        return (amount + self.second * Decimal(repr(seconds))).quantize(MICRO, ROUND_CEILING)

    @property
    def free(self) -> bool:
        return not (self.input or self.output or self.second or self.picture or self.picture_input)


@dataclass(frozen=True)
class Estimate:
    """What a call will cost. `most` is what is set aside for it, in the table's currency."""

    likely: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    currency: str = "USD"
    known: bool = True
    """False where the table has no price for the model."""

    @property
    def costs(self) -> bool:
        """Whether there is an amount to show."""
        return self.known and self.likely > 0

    def __add__(self, other: Estimate) -> Estimate:
        known = self.known and other.known
        return Estimate(self.likely + other.likely, self.most + other.most, self.currency, known)


@dataclass(frozen=True)
class Table:
    """The prices of an installation."""

    date: date
    currency: str
    machine: dict[str, Decimal]
    models: dict[tuple[str, str], Price]

    def price(self, role: str, provider: str, model: str) -> Price | None:
        """What an engine asks; None where nobody knows. `provider` is a host, "" for an engine inside the program.

        A server on this machine, or on a private network, asks for machine time only. A name with a date at its end is
        a snapshot of the model before it.
        """
        snapshot = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model)
        listed = self.models.get((provider, model)) or self.models.get((provider, snapshot))
        if listed is None and is_own(provider):
            return Price(second=self.machine.get(role, Decimal(0)))
        return listed


def is_own(provider: str) -> bool:
    """Whether a host is this machine, or one of a private network."""
    if provider in ("", "localhost"):
        return True
    try:
        return ip_address(provider).is_private
    except ValueError:
        return False


def table() -> Table:
    """The installation's prices: its own table, where STORYLOOM_PRICES names one, before ours."""
    return _table(str(settings.PRICES or ""))


@lru_cache(maxsize=8)
def _table(own: str) -> Table:
    ours = _read(OURS)
    if not own:
        return ours
    theirs = _read(Path(own))
    if theirs.currency != ours.currency:
        return theirs  # amounts in two currencies can't stand in one table
    return Table(theirs.date, theirs.currency, {**ours.machine, **theirs.machine}, {**ours.models, **theirs.models})


def _read(path: Path) -> Table:
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        models = {
            (str(each["provider"]), str(each["name"])): _price(each)
            for each in said.get("model", [])
        }
        machine = {role: _amount(second) for role, second in said.get("machine", {}).items()}
        return Table(said["date"], str(said["currency"]), machine, models)
    except (OSError, ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise EngineError(
            f"The price table {path.name} can't be read ({error}).",
            next_step="Correct the file that STORYLOOM_PRICES names; generation/prices.toml shows the form.",
            permanent=True,
        ) from error


def _price(said: dict[str, Any]) -> Price:
    if "characters" in said:
        return Price(_amount(said["characters"]))
    if "picture" in said:
        return Price(picture=_amount(said["picture"]))
    seen = _amount(said["picture_input"]) if "picture_input" in said else None
    return Price(_amount(said["input"]), _amount(said["output"]), picture_input=seen)


def _amount(said: object) -> Decimal:
    amount = Decimal(str(said))
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{said!r} is no price")
    return amount


def estimate(role: str, provider: str, model: str, forecast: Forecast) -> Estimate:
    """What a call of that size will cost."""
    prices = table()
    price = prices.price(role, provider, model)
    if price is None:
        return Estimate(currency=prices.currency, known=False)
    return Estimate(
        likely=price.of(
            prompt_tokens=forecast.prompt, completion_tokens=forecast.completion, pictures=forecast.pictures,
            picture_tokens=min(forecast.prompt, forecast.picture_tokens),
        ),
        most=price.of(
            prompt_tokens=forecast.most_prompt, completion_tokens=forecast.most_completion,
            pictures=forecast.pictures, picture_tokens=min(forecast.most_prompt, forecast.picture_tokens),
        ),
        currency=prices.currency,
    )  # fmt: skip
