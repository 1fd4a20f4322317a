"""What puts things in order, as data: weights of terms by surface, checked, with the shipped ones."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from media_processing.engine import EngineError

SurfaceName: TypeAlias = Literal["search", "alternatives", "variants", "feed"]
Term: TypeAlias = Literal["relevance", "quality", "freshness", "engagement"]
SURFACES: tuple[SurfaceName, ...] = get_args(SurfaceName)
TERMS: tuple[Term, ...] = get_args(Term)
MOST_WEIGHT, LONGEST_LIFE, LAST_SLOT = 10.0, 3650.0, 50
_SHIPPED = Path(__file__).parent / "rankers" / "default.toml"


class SchemeError(EngineError):
    """Weights that make no sense."""


@dataclass(frozen=True)
class Surface:
    """How one kind of thing is ordered."""

    weights: Mapping[str, float]
    """Of each term."""
    half_life: float
    """Days after which freshness is half of what it was."""
    trade_off: float
    """Of MMR: 1 is the score alone, 0 difference alone."""

    def freshness(self, days: float) -> float:
        """Of something that old: exp(-age / half-life), to the base of which a half-life halves."""
        return math.exp(-math.log(2) * max(days, 0.0) / self.half_life)


@dataclass(frozen=True)
class Scheme:
    """A version of the weights."""

    version: int
    surfaces: Mapping[str, Surface]
    coins: float
    """Share of a feed's lists in which a coin orders two places."""
    slot: int
    """Place of a feed's list, from 1, that Thompson's lottery fills; 0 for none."""

    def __getitem__(self, name: SurfaceName) -> Surface:
        return self.surfaces[name]

    @classmethod
    def of(cls, rules: Mapping[str, Any], version: int = 0) -> Scheme:
        """From rules that were checked."""
        surfaces = {
            name: Surface(dict(said["weights"]), said["half_life"], said["trade_off"])
            for name, said in rules["surfaces"].items()
        }
        return cls(version, surfaces, rules["explore"]["coins"], rules["explore"]["slot"])


@cache
def shipped_text() -> str:
    """The shipped weights as they are written, with their comments."""
    return _SHIPPED.read_text(encoding="utf-8")


def shipped() -> dict[str, Any]:
    """The weights that a workspace starts with."""
    return checked(tomllib.loads(shipped_text()))


@cache
def shipped_scheme() -> Scheme:
    """The same, as a search takes it."""
    return Scheme.of(shipped())


def read(text: str) -> dict[str, Any]:
    """Weights from TOML. Raises SchemeError for what can't be read or makes no sense."""
    try:
        return checked(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SchemeError(f"This isn't TOML: {error}.", next_step="Compare it with the active version.") from None


def written(rules: Mapping[str, Any]) -> str:
    """Weights as TOML, which `read` reads."""
    lines = []
    for name, said in rules["surfaces"].items():
        weights = ", ".join(f"{term} = {weight}" for term, weight in said["weights"].items())
        lines += [f"[surfaces.{name}]", f"weights = {{ {weights} }}", f"half_life = {said['half_life']}",
                  f"trade_off = {said['trade_off']}", ""]  # fmt: skip
    return "\n".join([*lines, "[explore]", *(f"{name} = {value}" for name, value in rules["explore"].items()), ""])


def checked(rules: Mapping[str, Any]) -> dict[str, Any]:
    """The rules with nothing missing and nothing unknown. Raises SchemeError that names what is wrong."""
    _only(rules, ("surfaces", "explore"), "the rules")
    surfaces, explore = _table(rules, "surfaces"), _table(rules, "explore")
    _only(surfaces, SURFACES, "surfaces")
    _only(explore, ("coins", "slot"), "explore")
    tidy: dict[str, Any] = {}
    for name in SURFACES:
        said, where = _table(surfaces, name), f"surfaces.{name}"
        _only(said, ("weights", "half_life", "trade_off"), where)
        weights = _table(said, "weights")
        _only(weights, TERMS, f"{where}.weights")
        tidy[name] = {
            "weights": {term: _number(weights, term, 0.0, MOST_WEIGHT, f"{where}.weights") for term in TERMS},
            "half_life": _number(said, "half_life", 0.01, LONGEST_LIFE, where),
            "trade_off": _number(said, "trade_off", 0.0, 1.0, where),
        }
        if not any(tidy[name]["weights"].values()):
            raise SchemeError(f"All weights of {name} are 0.", next_step="Give one of its terms a weight.")
    slot = _number(explore, "slot", 0, LAST_SLOT, "explore")
    if slot != int(slot):
        raise SchemeError("explore.slot is a place in a list: a whole number.", next_step="0 for none.")
    return {
        "surfaces": tidy,
        "explore": {"coins": _number(explore, "coins", 0.0, 1.0, "explore"), "slot": int(slot)},
    }


def _table(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = held.get(name)
    if not isinstance(found, Mapping):
        raise SchemeError(f"{name} is missing, or no table.", next_step="Compare it with the active version.")
    return found


def _only(held: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = sorted(set(held) - set(known))
    if unknown:
        raise SchemeError(
            f"Unknown in {where}: {', '.join(map(str, unknown))[:200]}.", next_step=f"Known are: {', '.join(known)}."
        )


def _number(held: Mapping[str, Any], name: str, low: float, high: float, where: str) -> float:
    value = held.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SchemeError(f"{where}.{name} is missing, or no number.", next_step=f"Between {low:g} and {high:g}.")
    if not low <= value <= high:
        raise SchemeError(f"{where}.{name} is {value:g}.", next_step=f"Between {low:g} and {high:g}.")
    return float(value)
