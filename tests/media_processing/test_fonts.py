"""Fonts by coverage: nothing is ever drawn as boxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from media_processing import fonts
from media_processing.engine import EngineError


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine without a single font of its own."""
    monkeypatch.setattr(fonts, "FOLDERS", (tmp_path,))
    fonts.forget()
    yield
    monkeypatch.undo()
    fonts.forget()


@pytest.mark.parametrize(
    "text", ["Hello, world", "नमस्ते: 12 ok", "ไทย: 12", "日本語 and かな", "a🎉b", "✓ → ½", "Ωмега"]
)
def test_runs_are_the_whole_text_and_each_font_covers_its_run(text: str) -> None:
    runs = fonts.split_runs(text)
    assert "".join(run.text for run in runs) == text
    for run in runs:
        with TTFont(run.font.path, fontNumber=run.font.index) as face:
            cmap = face.getBestCmap()
        assert all(ord(c) in cmap for c in run.text if c not in "\u200d\ufe0f")


@pytest.mark.usefixtures("bare_machine")
def test_latin_needs_no_font_of_the_system() -> None:
    for family, name in (("sans", "Roboto-Bold.ttf"), ("serif", "SourceSerifPro-Bold.ttf")):
        assert {run.font.path.name for run in fonts.split_runs("Crème brûlée — “€9”…", family)} == {name}


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("नमस्ते", "fonts-noto-core"),
        ("中文", "fonts-noto-cjk"),
        ("한국어", "fonts-noto-cjk"),
        ("🎉", "fonts-noto-color-emoji"),
    ],
)
def test_a_script_without_a_font_is_refused_with_the_apt_line(text: str, package: str) -> None:
    for refuse in (fonts.require, fonts.split_runs):
        with pytest.raises(EngineError) as caught:
            refuse(f"Hello {text}")
        assert f"sudo apt install {package}" in caught.value.next_step
        assert caught.value.permanent


@pytest.mark.usefixtures("bare_machine")
def test_one_line_names_all_packages() -> None:
    with pytest.raises(EngineError, match=r"sudo apt install fonts-noto-core fonts-noto-cjk$"):
        fonts.require("नमस्ते 中文 தமிழ்")
    rows = {row["script"]: row for row in fonts.report()}
    assert rows["Latin"]["ok"] and not rows["Thai"]["ok"] and rows["Thai"]["package"] == "fonts-noto-core"


def test_what_no_font_has_is_named_without_an_apt_line() -> None:
    with pytest.raises(EngineError, match="unknown characters") as caught:
        fonts.require("ok \ue000")
    assert "apt" not in caught.value.next_step


def test_clusters_hold_together() -> None:
    assert list(fonts.clusters("e\u0301क्ष👩\u200d🚀🇮🇳🇫🇷")) == ["e\u0301", "क्", "ष", "👩\u200d🚀", "🇮🇳", "🇫🇷"]


def test_chinese_japanese_and_korean_get_their_own_faces() -> None:
    faces = {language: fonts.split_runs("直", language=language)[0].font.family[-2:] for language in ("zh", "ja", "ko")}
    assert faces == {"zh": "SC", "ja": "JP", "ko": "KR"}


def test_widths_add_up() -> None:
    assert fonts.width("Hello", 100) == pytest.approx(2 * fonts.width("Hello", 50), rel=0.01)
    assert fonts.width("", 50) == 0
