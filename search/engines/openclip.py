"""Any open_clip model in torch: for GPUs, and for models that aren't exported to ONNX yet."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from media_processing.engine import EngineError
from search.engines.base import Card, Embedder, Vectors

BATCH = 32


class OpenClipEmbedder(Embedder):
    """Runs on the GPU in bf16 where there is one, else on the CPU in fp32."""

    title = "open_clip"
    leaves_the_machine = False

    def __init__(
        self, name: str = "openclip", *, model: str = "", weights: str = "", domains: tuple[str, ...] = ()
    ) -> None:
        super().__init__(name)
        self.architecture = model
        self.weights = weights
        self.domains = domains or ("photographs", "illustrations")
        self._net: Any = None
        self._prepare: Any = None
        self._tokens: Any = None
        self._device = "cpu"
        self._dimensions = 0

    def problems(self) -> list[EngineError]:
        if not self.architecture or not self.weights:
            return [
                EngineError(
                    "No open_clip model is named.",
                    next_step="Set CLIP_MODEL (for example ViT-B-32) and CLIP_WEIGHTS (a file, or a pretrained tag).",
                    permanent=True,
                )
            ]
        return []

    @property
    def model(self) -> str:
        return f"{self.architecture} {Path(self.weights).name}".strip()

    @property
    def card(self) -> Card:
        self.load()
        digest = hashlib.sha256(f"{self.architecture}\n{self._weights_digest()}".encode()).hexdigest()
        return Card(self.model, digest, self._dimensions, self.domains)

    def _weights_digest(self) -> str:
        path = Path(self.weights)
        if not path.is_file():
            return self.weights
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        from media_processing.compat import mend_torchvision

        mend_torchvision()
        try:
            import open_clip
            import torch
        except ImportError as error:
            raise EngineError(
                "open_clip isn't installed.", next_step="Run: pip install -e '.[local-models]'", permanent=True
            ) from error
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
        # weights_only: a file with pickled code in it is refused, not run.
        net, _, prepare = open_clip.create_model_and_transforms(
            self.architecture, pretrained=self.weights, device=self._device, weights_only=True
        )
        self._net = net.eval().to(dtype)
        self._prepare = prepare
        self._tokens = open_clip.get_tokenizer(self.architecture)
        self._dimensions = int(self._embed_texts(["a"]).shape[1])

    def _embed_texts(self, texts: list[str]) -> Vectors:
        return self._run(self._net.encode_text, [self._tokens(texts[at : at + BATCH]) for at in _starts(texts)])

    def _embed_pictures(self, pictures: list[Image.Image]) -> Vectors:
        import torch

        dtype = next(self._net.parameters()).dtype
        batches = [
            torch.stack([self._prepare(picture) for picture in pictures[at : at + BATCH]]).to(dtype)
            for at in _starts(pictures)
        ]
        return self._run(self._net.encode_image, batches)

    def _run(self, encode: Any, batches: list[Any]) -> Vectors:
        import torch

        with torch.inference_mode():
            found = [encode(batch.to(self._device)).float().cpu().numpy() for batch in batches]
        return np.concatenate(found) if found else np.zeros((0, self._dimensions), np.float32)


def _starts(items: list[Any]) -> range:
    return range(0, len(items), BATCH)
