"""The judge that runs NudeNet's network, with a tiny one of the same inputs and outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media_processing.engine import EngineError
from moderation.engines.base import Look
from moderation.engines.nudenet import LABELS, NudeNetJudge, _pixels
from tests.contracts.picture_judge import PictureJudgeContract

onnx = pytest.importorskip("onnx", reason="onnx makes the tiny network; the extra local-models brings it")


def network(path: Path, *, label: str = "FEMALE_BREAST_EXPOSED", side: int = 320, rows: int = 4 + len(LABELS)) -> Path:
    """A network that gives one label, at the only place, the mean of the red channel, and all others nothing."""
    from onnx import TensorProto, helper, numpy_helper

    column = np.zeros((1, rows, 1), np.float32)
    column[0, 4 + LABELS.index(label) if rows > 4 + LABELS.index(label) else 0, 0] = 1
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("Slice", ["means", "zero", "one", "axis"], ["red"]),
        helper.make_node("Reshape", ["red", "shape"], ["share"]),
        helper.make_node("Mul", ["share", "column"], ["output0"]),
    ]
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, side, side])
    made = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, rows, 1])
    numbers = {"zero": [0], "one": [1], "axis": [1], "shape": [1, 1, 1]}
    fixed = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in numbers.items()]
    fixed.append(numpy_helper.from_array(column, "column"))
    graph = helper.make_graph(nodes, "tiny", [given], [made], fixed)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return network(tmp_path / "tiny.onnx")


class TestNudeNetJudge(PictureJudgeContract):
    @pytest.fixture
    def judge(self, weights: Path) -> NudeNetJudge:
        return NudeNetJudge("nudenet", weights=weights)


def test_a_label_counts_with_its_weight(weights: Path) -> None:
    judge = NudeNetJudge("nudenet", weights=weights)
    opinion = judge.judge(Look(Image.new("RGB", (320, 320), "#ff0000")))
    assert opinion.scores["sexual"] == pytest.approx(0.9)
    assert opinion.evidence[0]["rule"] == "FEMALE_BREAST_EXPOSED"
    assert judge.judge(Look(Image.new("RGB", (320, 320), "#00ff00"))).scores == {"sexual": 0.0}


def test_what_everybody_shows_is_no_offence(tmp_path: Path) -> None:
    judge = NudeNetJudge("nudenet", weights=network(tmp_path / "face.onnx", label="FACE_FEMALE"))
    assert judge.judge(Look(Image.new("RGB", (320, 320), "red"))).scores == {"sexual": 0.0}


def test_the_whole_picture_lies_in_the_upper_left_corner() -> None:
    seen = _pixels(Image.new("RGB", (640, 160), "#ff8000"), 320)[0]
    assert seen.shape == (3, 320, 320)
    assert seen[:, :80].min(axis=(1, 2)) == pytest.approx([1.0, 128 / 255, 0.0])
    assert seen[:, 80:].max() == 0


def test_its_name_follows_the_weights(tmp_path: Path, weights: Path) -> None:
    other = NudeNetJudge("nudenet", weights=network(tmp_path / "other.onnx", label="ANUS_EXPOSED"))
    assert NudeNetJudge("nudenet", weights=weights).model != other.model


def test_without_weights_it_says_how_to_get_them(tmp_path: Path) -> None:
    judge = NudeNetJudge("nudenet", weights=tmp_path / "none.onnx")
    (problem,) = judge.problems()
    assert "storyloom[moderation]" in problem.next_step
    with pytest.raises(EngineError, match="aren't here"):
        judge.judge(Look(Image.new("RGB", (9, 9))))


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(EngineError, match="don't fit"):
        NudeNetJudge("nudenet", weights=path).judge(Look(Image.new("RGB", (9, 9))))


def test_a_network_with_other_outputs_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "other.onnx", rows=84)
    with pytest.raises(EngineError, match="don't fit"):
        NudeNetJudge("nudenet", weights=path).judge(Look(Image.new("RGB", (9, 9))))
