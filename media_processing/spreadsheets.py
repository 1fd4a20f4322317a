"""CSV as spreadsheets take it: with the mark of UTF-8, line by line, and no cell that could be a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator


def lines(columns: Iterable[str], rows: Iterable[Iterable[object]], *, mark: bool = True) -> Iterator[str]:
    """The file, a line at a time: its head, then the rows. Without the mark where programs read it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(cells: Iterable[object]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([plain(cell) for cell in cells])
        return buffer.getvalue()

    yield ("\ufeff" if mark else "") + line(columns)  # spreadsheets take it for UTF-8 by this mark only
    yield from map(line, rows)


def plain(cell: object) -> object:
    """A text as a spreadsheet shows it: one that begins like a formula gets an apostrophe (OWASP, "CSV injection")."""
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\x00", "")
    return f"'{text}" if _is_formula(text) else text


def told(text: str) -> str:
    """What `plain` made of a text, as it was before."""
    return text[1:] if text.startswith("'") and _is_formula(text[1:]) else text


def _is_formula(text: str) -> bool:
    return text.lstrip(" '\u00a0\u200b\ufeff").startswith(tuple("=+-@\t\r\n＝＋－＠"))
