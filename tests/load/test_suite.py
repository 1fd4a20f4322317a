"""A small run of `make load`: no figure is judged, only that everybody is answered."""

from __future__ import annotations

import argparse
import json

import pytest

from tests.load.__main__ import Measured, run, table

SMALL = argparse.Namespace(minutes=0.08, editors=1, apps=2, stories=2, pictures=0, jobs=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_few_seconds_of_load_are_answered() -> None:
    measured = run(SMALL, postgres=False)
    assert sum(measured.errors.values()) == 0, measured.wrong
    assert measured.count() >= 3
    assert measured.lines
    assert json.dumps(measured.lines[0])
    assert "web_mb" in table(measured)


def test_growth_is_of_the_last_two_thirds() -> None:
    measured = Measured(lines=[{"web_mb": 50.0}] * 20 + [{"web_mb": 100.0}] * 30 + [{"web_mb": 110.0}] * 10)
    assert measured.growth("web_mb") == pytest.approx(0.1)
    assert Measured(lines=[{"web_mb": 50.0}] * 60).growth("web_mb") == 0
