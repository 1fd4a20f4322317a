"""Text in pictures is read where it is, and nowhere else."""

from __future__ import annotations

import io
import shutil

import pytest
from PIL import Image, ImageDraw, ImageFont

from generation.engines.illustrator import IllustratorPainter
from media_processing.engine import EngineError
from media_processing.engines import tesseract
from media_processing.engines.base import Reader
from media_processing.engines.tesseract import TesseractReader
from tests.contracts.reader import ReaderContract, sign

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("tesseract"), reason="needs tesseract-ocr, which .ci/run installs"),
]


class TestTesseract(ReaderContract):
    @pytest.fixture
    def reader(self) -> Reader:
        return TesseractReader()


def drawing(words: str, seed: int = 1) -> Image.Image:
    content = IllustratorPainter().draw(words, width=1080, height=1350, seed=seed).content
    return Image.open(io.BytesIO(content)).convert("RGB")


@pytest.mark.parametrize("words", ["a red boat at sea", "a school at night", "a market in the city", "a forest"])
def test_drawings_say_nothing(words: str) -> None:
    assert TesseractReader().read(drawing(words)) == ""


def test_a_caption_on_a_picture_is_read() -> None:
    picture = drawing("a market in the city")
    place = {"xy": (90, 110), "font": ImageFont.load_default(84), "fill": "white", "stroke_width": 3}
    ImageDraw.Draw(picture).text(text="Prices rise", stroke_fill="black", **place)
    assert TesseractReader().read(picture) == "Prices rise"


def test_without_the_program_the_next_step_is_told() -> None:
    reader = TesseractReader(program="no-such-program")
    (problem,) = reader.problems()
    assert "apt install tesseract-ocr" in problem.next_step
    with pytest.raises(EngineError, match="isn't installed"):
        reader.read(sign(["x"]))


def test_one_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract, "SECONDS", 1)
    with pytest.raises(EngineError, match="too long"):
        tesseract._run("/bin/sleep", ["30"])


def test_noise_in_its_answer_is_left_out() -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    rows = [("1", "91", "Harbour"), ("1", "30", "ii"), ("1", "88", "\"closed\""), ("2", "95", "|"), ("3", "95", "a b")]
    table = head + "\n".join(f"5\t1\t1\t1\t{line}\t1\t0\t0\t9\t9\t{sure}\t{word}" for line, sure, word in rows)
    assert tesseract._lines(table) == ['Harbour "closed"']
    assert tesseract._lines("") == []
