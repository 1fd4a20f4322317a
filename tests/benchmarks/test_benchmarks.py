"""The harness itself: lines are JSON with six fields, goals are judged, unknown areas are refused."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks.harness import Figure, at_least, at_most, missing, p50, p95, percentile, plain, times_of

ROOT = Path(__file__).resolve().parents[2]
FIELDS = ["name", "value", "unit", "against", "goal", "holds"]


def test_a_line_holds_what_a_reader_needs() -> None:
    line = json.loads(at_most("media: x", 1.23456, "s", 2.0, "alone: 1 s").line())
    assert list(line) == FIELDS
    assert line == {
        "name": "media: x", "value": 1.235, "unit": "s", "against": "alone: 1 s", "goal": "at most 2 s", "holds": True
    }  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (at_most("a", 2.1, "s", 2.0), False), (at_most("a", 0, "errors", 0), True),
        (at_least("a", 0.94, "", 0.95), False), (plain("a", 1.0, "s"), None), (missing("a", "ms", "no weights"), None),
    ],
)  # fmt: skip
def test_goals_are_judged(figure: Figure, holds: bool | None) -> None:
    assert json.loads(figure.line())["holds"] is holds


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.95), p95([1.0]), p50([1.0, 3.0])) == (95.0, 1.0, 2.0)


def test_warm_runs_do_not_count() -> None:
    calls: list[int] = []
    assert len(times_of(lambda: calls.append(1), runs=3, warm=2)) == 3
    assert len(calls) == 5


def test_a_report_says_whether_all_is_well() -> None:
    out = io.StringIO()
    assert command.report([plain("a", 1.0, "s"), at_most("b", 1, "s", 2)], out)
    assert not command.report([at_most("b", 3, "s", 2)], out)
    assert [json.loads(line)["name"] for line in out.getvalue().splitlines()] == ["a", "b", "b"]


@pytest.mark.parametrize("area", command.AREAS)
def test_every_area_has_figures(area: str) -> None:
    assert callable(importlib.import_module(f"tests.benchmarks.{area}").figures)


def test_an_unknown_area_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["cooking"]) == 2
    said = capsys.readouterr().err
    assert "cooking" in said
    assert all(area in said for area in command.AREAS)


@pytest.mark.slow
def test_the_command_prints_json_lines() -> None:
    """One light area as people run it."""
    given = [sys.executable, "-m", "tests.benchmarks", "publishing"]
    done = subprocess.run(given, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) >= 3
    assert all(list(line) == FIELDS for line in lines)
