"""A small run of `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import media, texts


@pytest.mark.slow
@pytest.mark.parametrize("name", texts.TARGETS)
def test_damaged_texts_are_read_or_refused_with_words(name: str) -> None:
    assert texts.run(name, 12, 1) == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_damaged_media_end_no_process(tmp_path: Path) -> None:
    found = media.run(12, 2, tmp_path, media.seeds(tmp_path, films=(".mp4",), sounds=()))
    assert (found.files, found.deaths, found.hangs, found.errors) == (12, [], [], {})
    assert found.ends["taken"] < 12, "the files were hardly damaged"


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    whole = [b"picture" * 50], [b"film" * 50]
    assert [media.mutant(3, number, whole) for number in range(20)] == [
        media.mutant(3, number, whole) for number in range(20)
    ]
    assert media.mutant(4, 0, whole) != media.mutant(3, 0, whole)
