"""Models of one's own as engines: tiny graphs whose answer is known, through ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from media_processing import tools
from media_processing.decoding import inspect, open_picture
from media_processing.engine import EngineError
from media_processing.engines import onnx as engine
from media_processing.engines.base import Denoiser, Segmenter, Upscaler
from tests.contracts.denoiser import DenoiserContract, grainy
from tests.contracts.segmenter import SegmenterContract, ball
from tests.contracts.upscaler import UpscalerContract, slope

pytestmark = pytest.mark.local_models  # `onnx`, which writes graphs, comes with that extra


def graph(
    path: Path, nodes: Sequence[tuple[str, list[str], str, dict[str, Any]]], constants: dict[str, Any],
    *, side: int | None = None, channels: int = 3,
) -> Path:  # fmt: skip
    """A graph from `picture` (1, channels, side or any, ...) to `answer`."""
    import onnx
    from onnx import helper, numpy_helper

    sides = [side, side] if side else ["height", "width"]
    made = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **said) for kind, inputs, output, said in nodes], "tiny",
        [helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, channels, *sides])],
        [helper.make_tensor_value_info("answer", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def enlarging(path: Path, times: int = 2, **said: Any) -> Path:
    scales = np.array([1, 1, times, times], np.float32)
    return graph(
        path, [("Resize", ["picture", "", "scales"], "answer", {"mode": "nearest"})], {"scales": scales}, **said
    )


def smoothing(path: Path, **said: Any) -> Path:
    """The mean over 5 x 5 pixels of each channel."""
    kernel = np.full((3, 1, 5, 5), 1 / 25, np.float32)
    nodes = [("Conv", ["picture", "kernel"], "answer", {"group": 3, "pads": [2, 2, 2, 2]})]
    return graph(path, nodes, {"kernel": kernel}, **said)


def warm(path: Path, **said: Any) -> Path:
    """Logits: above zero where red is stronger than green, of ImageNet's normalised channels."""
    kernel = np.array([6, -6, 0], np.float32).reshape(1, 3, 1, 1)
    return graph(path, [("Conv", ["picture", "kernel"], "answer", {})], {"kernel": kernel}, **said)


class TestSegmenter(SegmenterContract):
    @pytest.fixture(params=[None, 64], ids=["any size", "64 pixels"])
    def segmenter(self, tmp_path: Path, request: pytest.FixtureRequest) -> Segmenter:
        return engine.OnnxSegmenter(file=str(warm(tmp_path / "warm.onnx", side=request.param)))

    def test_a_picture_with_nothing_in_front(self, segmenter: Segmenter) -> None:
        with pytest.raises(EngineError, match="finds nothing in front") as caught:
            segmenter.foreground(Image.new("RGB", (80, 60), (20, 200, 20)))
        assert caught.value.next_step

    def test_the_tool_asks_for_no_box(self, segmenter: Segmenter, tmp_path: Path) -> None:
        ball().save(tmp_path / "ball.png")
        probe = inspect(tmp_path / "ball.png")
        values = tools.checked("background", probe, {"do": "remove"}, segmenter)
        made = tools.use("background", tmp_path / "ball.png", tmp_path, probe, values, engine=segmenter)
        alpha = np.asarray(open_picture(made).getchannel("A"))
        assert alpha[110:130, 150:170].min() > 200
        assert alpha[:40].max() < 40


class TestUpscaler(UpscalerContract):
    @pytest.fixture(params=[None, 48], ids=["any size", "48 pixels"])
    def upscaler(self, tmp_path: Path, request: pytest.FixtureRequest) -> Upscaler:
        return engine.OnnxUpscaler(file=str(enlarging(tmp_path / "twice.onnx", side=request.param)))

    def test_no_seam_shows_between_tiles(self, tmp_path: Path) -> None:
        picture = slope(300, 90)
        one, many = (
            engine.OnnxUpscaler(file=str(enlarging(tmp_path / f"{side}.onnx", side=side))).upscale(picture, 2.0)
            for side in (None, 48)
        )
        assert np.array_equal(np.asarray(one), np.asarray(many))

    def test_what_would_fill_the_memory_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "LARGEST", 10_000)
        upscaler = engine.OnnxUpscaler(file=str(enlarging(tmp_path / "four.onnx", times=4)))
        with pytest.raises(EngineError, match="million pixels"):
            upscaler.upscale(slope(60, 60), 2.0)


class TestDenoiser(DenoiserContract):
    @pytest.fixture
    def denoiser(self, tmp_path: Path) -> Denoiser:
        return engine.OnnxDenoiser(file=str(smoothing(tmp_path / "smooth.onnx")))

    def test_an_upscaler_is_no_denoiser(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="doesn't serve as denoiser"):
            engine.OnnxDenoiser(file=str(enlarging(tmp_path / "twice.onnx"))).denoise(grainy(), 4.0)


class TestFilesThatAreNoModels:
    @pytest.mark.parametrize("content", [b"", b"junk" * 100])
    def test_junk(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "junk.onnx").write_bytes(content)
        with pytest.raises(EngineError, match=r"junk\.onnx doesn't serve as upscaler"):
            engine.OnnxUpscaler(file=str(tmp_path / "junk.onnx")).upscale(slope(8, 8), 2.0)

    def test_a_missing_file_and_none(self, tmp_path: Path) -> None:
        for file in ("", str(tmp_path / "none.onnx")):
            (problem,) = engine.OnnxSegmenter(file=file).problems()
            assert "SEGMENTER_MODEL" in problem.next_step

    def test_a_graph_of_something_else(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="instead of one picture"):
            engine.OnnxUpscaler(file=str(enlarging(tmp_path / "grey.onnx", channels=1))).upscale(slope(8, 8), 2.0)
