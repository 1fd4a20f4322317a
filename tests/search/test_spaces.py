"""The index beside the rows that it is made from: damage, texts to measure by, a disk that is full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media_processing.engine import EngineError
from search import spaces
from search.engines.faiss import FaissIndex
from search.services import mend
from tests.search.conftest import Library


@pytest.fixture
def ten(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Ten titled pictures, in an index whose files tests may touch; the library's model is the one in use."""
    library.index = FaissIndex("faiss", folder=tmp_path / "own")
    monkeypatch.setattr(spaces, "engines", {"embedder": library.embedder})
    for number in range(10):
        library.put(f"boat number{number}", title=f"Boat {number}", tags=["sea", f"tag{number}"] if number < 3 else [])
    return library


def space_of(library: Library) -> spaces.Space:
    return spaces.Space(library.workspace.pk, library.embedder.card.digest)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    with path.open("r+b") as file:
        file.write(data)


def folded(library: Library) -> Path:
    """The folder of a generation that holds all ten."""
    index = library.index
    assert isinstance(index, FaissIndex)
    library.find("boat")
    index.compact(space_of(library).name)
    return index.folder / space_of(library).name / f"gen-{index.generation(space_of(library).name):06d}"


def test_changed_vectors_never_answer_and_are_made_anew_from_the_rows(ten: Library) -> None:
    before = ten.find("boat").found
    folder = folded(ten)
    flip(folder / "vectors.npy")
    found = ten.find("boat")
    assert [(one.asset_id, one.score) for one in found] == [(one.asset_id, one.score) for one in before]
    assert "made anew" in found.notes[0]
    assert ten.find("boat").notes == ()


def test_the_hourly_check_finds_what_no_search_touched(ten: Library) -> None:
    folder = folded(ten)
    generation = ten.index.generation(space_of(ten).name)
    flip(folder / "base.faiss")
    assert mend(index=ten.index) == (10, 0)
    assert ten.index.generation(space_of(ten).name) > generation
    assert mend(index=ten.index) == (0, 0)


def test_a_large_library_measures_itself_by_its_own_titles_and_tags(ten: Library) -> None:
    assert isinstance(ten.index, FaissIndex)
    path = ten.index.folder / space_of(ten).name / "probes.npy"
    mend(index=ten.index)
    assert not path.exists(), "small libraries are searched exactly"
    ten.index.exact_up_to = 5
    mend(index=ten.index)
    asked = {f"Boat {number}" for number in range(10)} | {f"sea tag{number}" for number in range(3)}
    expected = ten.embedder.embed_texts(sorted(asked))
    held = np.load(path).astype(np.float32)
    assert held.shape == expected.shape
    assert float((held @ expected.T).max(axis=1).min()) > 0.999


def test_a_model_that_is_not_in_use_gets_no_texts(ten: Library, other: Library) -> None:
    assert isinstance(ten.index, FaissIndex)
    ten.index.exact_up_to = 0
    spaces.rebuild(ten.index, spaces.Space(ten.workspace.pk, "an earlier model"))
    assert not list(ten.index.folder.rglob("probes.npy"))


def test_a_search_answers_though_the_index_can_not_be_made_anew(ten: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folded(ten)
    flip(folder / "vectors.npy")

    def full(*_: Any) -> int:
        raise EngineError("The search index can't be written.", next_step="Free some disk space.")

    monkeypatch.setattr(ten.index, "replace", full)
    assert len(ten.find("boat")) == 10
