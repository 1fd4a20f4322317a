"""The table of docs/scale.md follows from the unit costs that stand below it."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.benchmarks.scale import Units, needs, table

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scale.md").read_text()


@pytest.fixture
def units() -> Units:
    rows = PAGE.split("| unit | value |")[1].split("## Formulas")[0]
    values = [float(value) for value in re.findall(r"^\| [^|]+ \| ([\d.]+) \|$", rows, re.MULTILINE)]
    assert len(values) == len(fields(Units))
    return Units(**dict(zip([each.name for each in fields(Units)], values, strict=True)))  # type: ignore[arg-type]


def test_the_page_holds_what_its_units_give(units: Units) -> None:
    assert table(units) in PAGE


def test_a_larger_library_needs_more_of_everything(units: Units) -> None:
    small, large = needs(1_000_000, units), needs(100_000_000, units)
    assert large.shards > small.shards
    assert large.qdrant_memory_gb == pytest.approx(100 * small.qdrant_memory_gb)
    assert large.qdrant_build_hours > 100 * small.qdrant_build_hours  # a graph's cost grows faster than its size


def test_a_slower_model_costs_ingest_alone(units: Units) -> None:
    slower = needs(1_000_000, replace(units, picture_ms=2 * units.picture_ms))
    usual = needs(1_000_000, units)
    assert slower.ingest_hours > 1.9 * usual.ingest_hours
    assert replace(slower, ingest_hours=usual.ingest_hours) == usual
