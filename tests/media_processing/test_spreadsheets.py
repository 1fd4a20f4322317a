"""Cells of a CSV file that no spreadsheet runs, and that come back as they were."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_processing import spreadsheets

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@pytest.mark.parametrize("start", [*STARTS, " =", "\u200b=", "\ufeff@", "\u00a0-"])
def test_what_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert spreadsheets.plain(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("cell", ["'tis", "a=b", "", 7, -3.5, None])
def test_the_rest_stays(cell: object) -> None:
    assert spreadsheets.plain(cell) == cell


@given(st.text(alphabet=st.sampled_from([*"ab' ,\"", *STARTS]), max_size=12))
def test_what_was_written_is_told_as_it_was(text: str) -> None:
    written = "".join(spreadsheets.lines(["said"], [[text]], mark=False))
    _head, (cell,) = csv.reader(io.StringIO(written, newline=""))
    assert spreadsheets.told(cell) == text


def test_the_mark_of_utf_8_stands_first_once() -> None:
    assert list(spreadsheets.lines(["ä"], [["b"], ["c"]])) == ["\ufeffä\r\n", "b\r\n", "c\r\n"]
