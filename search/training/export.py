"""Writes a trained CLIP as two ONNX graphs, one for pictures and one for texts, with half-precision weights."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from search.engines.onnx import CARD, PICTURE, TEXT, WORDS
from search.training.train import MEAN, STD, Trained

SMALLEST = 64
"""Numbers of a weight from which it is stored in half precision."""


def export(trained: Trained, folder: Path) -> dict[str, float]:
    """Write picture.onnx, text.onnx and words.json; returns the lowest cosine to torch's own vectors, of each graph."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    model, shape = trained.model.eval().float(), trained.shape
    pictures = torch.randn(4, 3, shape.side, shape.side)
    numbers = torch.from_numpy(trained.words.encode(trained.words.words[:4]))
    see, read = (partial(embed, normalize=True) for embed in (model.encode_image, model.encode_text))
    alike = {
        PICTURE: _write(_tower(model, see), pictures, folder / PICTURE, "pictures"),
        TEXT: _write(_tower(model, read), numbers, folder / TEXT, "numbers"),
    }
    trained.words.save(folder / WORDS)
    return alike


def write_card(
    trained: Trained, folder: Path, *, command: str, date: str, measured: Mapping[str, Any]
) -> dict[str, Any]:
    """Write card.json: what the model is, how it was made, and what it was measured to do."""
    card = {
        "name": "Storyloom starter CLIP", "digest": digest(folder, (PICTURE, TEXT, WORDS)),
        "dimensions": trained.shape.dimensions, "side": trained.shape.side, "mean": MEAN, "std": STD,
        "domains": ["illustrations"], "languages": ["en"],
        "note": "Trained by this project on the illustrator's drawings; it doesn't know photographs.",
        "date": date, "command": command, "minutes": round(trained.minutes, 1), "steps": len(trained.losses),
        "measured": dict(measured),
    }
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def digest(folder: Path, names: Iterable[str]) -> str:
    """SHA-256 over files, in the order of their names."""
    whole = hashlib.sha256()
    for name in names:
        whole.update((folder / name).read_bytes())
    return whole.hexdigest()


def _tower(model: Any, embed: Callable[[Any], Any]) -> Any:
    """A module whose forward is one tower of the model."""
    import torch

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, values: Any) -> Any:
            return embed(values)

    return Tower().eval()


def _write(tower: Any, example: Any, file: Path, name: str) -> float:
    """Write one graph; returns the lowest cosine between its vectors and torch's."""
    import onnx
    import onnxruntime
    import torch

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a newer exporter exists, which needs onnxscript
        expected = tower(example).numpy()
        torch.onnx.export(
            tower, (example,), file, input_names=[name], output_names=["vectors"], opset_version=17, dynamo=False,
            dynamic_axes={name: {0: "n"}, "vectors": {0: "n"}},
        )
    graph = onnx.load(file)
    _halve(graph)
    onnx.checker.check_model(graph)
    onnx.save(graph, file)
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    found = session.run(None, {name: example.numpy()})[0]
    return float(np.min(np.sum(found * expected, axis=1)))


def _halve(graph: Any) -> None:
    """Store weights as float16 and widen them as the graph is loaded: half the bytes, and the speed of float32."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in list(graph.graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < SMALLEST or np.abs(values).max() > 6e4:
            continue
        stored = f"{weight.name}.half"
        casts.append(helper.make_node("Cast", [stored], [weight.name], to=TensorProto.FLOAT))
        graph.graph.initializer.remove(weight)
        graph.graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
