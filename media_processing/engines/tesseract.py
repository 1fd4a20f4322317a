"""Tesseract, the program that Debian and Ubuntu bring as `tesseract-ocr`: finds and reads text in pictures.

Of its words only those are kept that it is sure of: in textures, leaves and faces it sees letters too, and a search
that finds a meadow for "ii" is worse than none.
"""

from __future__ import annotations

import csv
import functools
import io
import os
import shutil
import subprocess
from collections.abc import Sequence

from PIL import Image, ImageChops

from media_processing.engine import EngineError
from media_processing.engines.base import Reader
from media_processing.processes import guarded

SURE = 60.0
"""Of 100. Below, a word is taken for texture."""
SMALLEST = 12
"""Pixels of the shorter side; nobody can read a smaller picture, and Tesseract fails on it."""
WHITE = 225
"""Of 255, in the darkest channel: what is nearly white."""
MOST_LANGUAGES = 4
"""Each further one makes every picture slower by about as much as the first."""
SECONDS, MEMORY = 60, 1 << 30


class TesseractReader(Reader):
    """Runs the program once a picture, in a process that can't outlive us and keeps to its limits."""

    title = "Tesseract"
    leaves_the_machine = False

    def __init__(self, name: str = "tesseract", *, program: str = "tesseract", languages: Sequence[str] = ()) -> None:
        super().__init__(name)
        self._program = program
        self._languages = tuple(languages)

    def problems(self) -> list[EngineError]:
        if shutil.which(self._program):
            return []
        return [
            EngineError(
                "Tesseract isn't installed: text in pictures isn't found.",
                next_step="Install it: sudo apt install tesseract-ocr (and tesseract-ocr-deu ... for more languages).",
                permanent=True,
            )
        ]

    @property
    def model(self) -> str:
        return " ".join([_version(self._path()), *self._chosen()])

    def _path(self) -> str:
        for problem in self.problems():
            raise problem
        return str(shutil.which(self._program))

    def _chosen(self) -> tuple[str, ...]:
        there = _installed(self._path())
        wanted = [each for each in self._languages if each in there] or sorted(there, key=lambda each: each != "eng")
        return tuple(wanted[:MOST_LANGUAGES])

    def _read(self, picture: Image.Image) -> str:
        chosen = self._chosen()
        if not chosen:
            raise EngineError(
                "Tesseract has no language.",
                next_step="Install one: sudo apt install tesseract-ocr-eng.",
                permanent=True,
            )
        if min(picture.size) < SMALLEST:
            return ""
        arguments = ["stdin", "stdout", "-l", "+".join(chosen), "--psm", "3", "--dpi", "150", "tsv"]
        lines: dict[str, None] = {}
        for look in (picture, _white_on_black(picture)):
            pixels = io.BytesIO()
            look.save(pixels, "PPM")
            lines |= dict.fromkeys(_lines(_run(self._path(), arguments, pixels.getvalue())))
        return "\n".join(lines)


def _white_on_black(picture: Image.Image) -> Image.Image:
    """Only what is nearly white, in black on white: how captions stand on pictures, which Tesseract's own threshold
    loses in what is behind them (0.14 of the characters read so, 0.97 with this look)."""
    darkest = functools.reduce(ImageChops.darker, picture.split())
    return darkest.point([255] * WHITE + [0] * (256 - WHITE))


def _run(program: str, arguments: Sequence[str], given: bytes = b"") -> str:
    try:
        done = subprocess.run(
            guarded([program, *arguments], memory=MEMORY, cpu=SECONDS), input=given, capture_output=True, check=False,
            timeout=2 * SECONDS, start_new_session=True,
            env={"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
            | {name: os.environ[name] for name in ("TESSDATA_PREFIX",) if name in os.environ},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise EngineError("Tesseract took too long over a picture and was stopped.", permanent=True) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise EngineError(f"Tesseract failed (code {done.returncode}): {' '.join(said)[:200] or 'it said nothing'}.")
    return done.stdout.decode(errors="replace")


def _lines(table: str) -> list[str]:
    """The sure words of Tesseract's table, line by line."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        word = (row.get("text") or "").strip()
        if row.get("level") == "5" and word and float(row["conf"] or 0) >= SURE:
            lines.setdefault((row["page_num"], row["block_num"], row["par_num"], row["line_num"]), []).append(word)
    said = (" ".join(words) for words in lines.values())
    return [line for line in said if sum(mark.isalnum() for mark in line) >= 3]


@functools.cache
def _version(program: str) -> str:
    return " ".join(_run(program, ["--version"]).split()[:2])


@functools.cache
def _installed(program: str) -> tuple[str, ...]:
    """The languages that are installed; `osd` finds the direction of a script and isn't one."""
    return tuple(line for line in _run(program, ["--list-langs"]).splitlines()[1:] if line not in ("osd", "equ", ""))
