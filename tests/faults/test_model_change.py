"""kill -9 of the worker in the middle of a change of models: nothing is embedded twice, the new one takes over."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search.engines.onnx import STARTER
from tests.processes import ROOT, environment, manage, start, until

PICTURES = 400
NEW = "f" * 64


def one(data: Path, query: str) -> object:
    with sqlite3.connect(data / "db.sqlite3", timeout=20) as connection:
        found = connection.execute(query).fetchone()
        return found[0] if found else None


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_kill_in_the_middle_of_a_model_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, pictures, model = tmp_path / "data", tmp_path / "pictures", tmp_path / "model"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        small = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8))
        small.resize((96, 96)).save(pictures / f"meadow {number}.png")
    manage(data, "set_up", "--no-samples")
    manage(data, "import_assets", str(pictures))
    shutil.copytree(STARTER, model)
    card = json.loads((model / "card.json").read_text())
    card |= {"digest": NEW, "name": "Second CLIP", "domains": ["illustrations", "photographs"]}
    (model / "card.json").write_text(json.dumps(card))
    monkeypatch.setenv("CLIP_FOLDER", str(model))
    embedded = f"select count(*) from search_embedding where model = '{NEW}'"
    pointer = (
        "select m.digest from search_modelinuse u join search_searchmodel m on m.id = u.model_id "
        f"where m.digest = '{NEW}' and u.coming_id is null"
    )
    done = "select 1 from creator_job where kind = 'reindex' and state = 'done'"
    worker = start(data, "worker")
    try:
        assert until(lambda: one(data, embedded), seconds=120)
        worker.kill()
        worker.wait()
        kept = one(data, f"select max(id) from search_embedding where model = '{NEW}'")
        seen = int(str(one(data, embedded)))
        assert 0 < seen < PICTURES, "the kill came too late to mean anything"
        found = subprocess.run(
            [sys.executable, "manage.py", "find", "meadow", "--json"], cwd=ROOT, env=environment(data), check=True,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert "meadow" in found.stdout
        worker = start(data, "worker")
        assert until(lambda: one(data, done), seconds=200)
    finally:
        worker.kill()
        worker.wait()
    assert one(data, pointer) == NEW
    assert one(data, embedded) == PICTURES
    # What the killed worker wrote is still the same rows.
    assert one(data, f"select count(*) from search_embedding where model = '{NEW}' and id <= {kept}") == seen
