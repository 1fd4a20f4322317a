"""The engines of the role embedder, each by the same contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from media_processing.engine import EngineError
from search.engines.base import Embedder
from search.engines.onnx import OnnxEmbedder
from search.engines.openclip import OpenClipEmbedder
from tests.contracts.embedder import EmbedderContract

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


class TestOnnxEmbedder(EmbedderContract):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return OnnxEmbedder()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    from media_processing.compat import mend_torchvision

    mend_torchvision()
    import open_clip
    import torch

    folder = tmp_path_factory.mktemp("clip")
    (folder / "tiny-storyloom.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder / "tiny-storyloom.json")
    torch.manual_seed(0)
    weights = folder / "tiny.pt"
    torch.save(open_clip.create_model("tiny-storyloom").state_dict(), weights)
    return "tiny-storyloom", weights


@pytest.mark.local_models
class TestOpenClipEmbedder(EmbedderContract):
    """On a random model: only the path matters."""

    @pytest.fixture
    def embedder(self, files: tuple[str, Path]) -> Embedder:
        return OpenClipEmbedder(model=files[0], weights=str(files[1]))


def test_a_model_that_is_not_named_is_a_problem_with_a_next_step() -> None:
    engine = OpenClipEmbedder()
    assert "CLIP_MODEL" in engine.problems()[0].next_step
    with pytest.raises(EngineError):
        engine.embed_texts(["sea"])
