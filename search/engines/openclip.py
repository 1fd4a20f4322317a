"""Any open_clip model in torch: for GPUs, and for models that aren't exported to ONNX yet."""

from __future__ import annotations

import difflib
import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from media_processing.engine import EngineError
from search.engines.base import BATCH, Card, Embedder, Vectors

PRECISIONS = ("", "fp32", "bf16")


class OpenClipEmbedder(Embedder):
    """Runs on the GPU where there is one, else on the CPU.

    `model` is an open_clip architecture ("ViT-B-32") or a folder as "local-dir:...", `weights` a pretrained tag or a
    file of weights. `precision` is "fp32" or "bf16"; without it, bf16 on a GPU and fp32 on a CPU.
    """

    title = "open_clip"
    leaves_the_machine = False

    def __init__(
        self, name: str = "openclip", *, model: str = "", weights: str = "", precision: str = "",
        domains: tuple[str, ...] = (), languages: tuple[str, ...] = ("en",),
    ) -> None:  # fmt: skip
        super().__init__(name)
        self.architecture = model
        self.weights = weights
        self.precision = precision
        self.domains = tuple(domains) or ("photographs", "illustrations")
        self.spoken = tuple(languages)
        self._net: Any = None
        self._prepare: Any = None
        self._tokens: Any = None
        self._device = "cpu"
        self._dimensions = 0
        self._digest = ""

    def problems(self) -> list[EngineError]:
        if not self.architecture or not (self.weights or self.architecture.startswith("local-dir:")):
            return [
                EngineError(
                    "No open_clip model is named.",
                    next_step="Set CLIP_MODEL (for example ViT-B-32) and CLIP_WEIGHTS (a file, or a pretrained tag).",
                    permanent=True,
                )
            ]
        if self.precision not in PRECISIONS:
            return [
                EngineError(
                    f"open_clip doesn't run in the precision {self.precision!r} here.",
                    next_step="Set CLIP_PRECISION to fp32 or bf16.", permanent=True,
                )
            ]
        return []

    @property
    def model(self) -> str:
        return f"{self.architecture} {Path(self.weights).name}".strip()

    @property
    def card(self) -> Card:
        self.load()
        return Card(self.model, self._digest, self._dimensions, self.domains, self.spoken)

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        torch = torch_of()
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        net, self._prepare, self._tokens = opened(self.architecture, self.weights)
        dtype = torch.bfloat16 if (self.precision or self._default()) == "bf16" else torch.float32
        self._net = net.to(self._device, dtype)
        self._dimensions = int(self._embed_texts(["a"]).shape[1])
        # As many bits as it has: vectors of bf16 and of fp32 are of one space.
        self._digest = digest(self.architecture, self.weights)

    def _default(self) -> str:
        return "bf16" if self._device == "cuda" else "fp32"

    def _embed_texts(self, texts: list[str]) -> Vectors:
        safe = [text.encode(errors="replace").decode() for text in texts]
        return self._run(self._net.encode_text, [self._tokens(safe[at : at + BATCH]) for at in _starts(safe)])

    def _embed_pictures(self, pictures: list[Image.Image]) -> Vectors:
        torch = torch_of()
        dtype = next(self._net.parameters()).dtype
        batches = (
            torch.stack([self._prepare(picture) for picture in pictures[at : at + BATCH]]).to(dtype)
            for at in _starts(pictures)
        )
        return self._run(self._net.encode_image, batches)

    def _run(self, encode: Any, batches: Any) -> Vectors:
        with torch_of().inference_mode():
            return np.concatenate([encode(batch.to(self._device)).float().cpu().numpy() for batch in batches])


def torch_of() -> Any:
    """torch, once open_clip can be imported beside it. Raises EngineError where either is missing."""
    from media_processing.compat import mend_torchvision

    try:
        mend_torchvision()
        import open_clip  # noqa: F401
        import torch
    except ImportError as error:
        raise EngineError(
            "open_clip isn't installed.", next_step="Run: pip install -e '.[local-models]'", permanent=True
        ) from error
    return torch


def opened(architecture: str, weights: str) -> tuple[Any, Any, Any]:
    """An open_clip model in fp32 on the CPU, its preprocessing and its tokenizer. Raises EngineError.

    Weights are only ever read as weights: a file with pickled code in it is refused, not run.
    """
    torch_of()
    import open_clip

    if ":" not in architecture and architecture not in open_clip.list_models():
        near = difflib.get_close_matches(architecture, open_clip.list_models(), n=5, cutoff=0.4)
        raise _refused(
            f"open_clip knows no model {architecture[:80]!r}.",
            f"Close to it: {', '.join(near)}." if near else "Models are, for example, ViT-B-32 and ViT-L-14.",
        )
    tags = open_clip.list_pretrained_tags_by_model(architecture) if ":" not in architecture else []
    if ":" not in architecture and not Path(weights).is_file() and weights not in tags:
        raise _refused(
            f"{weights!r} is neither a file nor a pretrained tag of {architecture}.",
            f"Its tags are: {', '.join(tags)}." if tags else "Name a file with its weights.",
        )
    if not Path(weights).is_file():
        _refuse_downloads(architecture, weights)
    try:
        net, _, prepare = open_clip.create_model_and_transforms(
            architecture, pretrained=weights or None, device="cpu", weights_only=True, require_pretrained=True,
            pretrained_hf=False,
        )  # fmt: skip
        return net.eval().float(), prepare, open_clip.get_tokenizer(architecture)
    except pickle.UnpicklingError as error:
        raise _refused(
            f"{Path(weights).name} holds more than weights, and code in it is never run.",
            "Save it as .safetensors, or as a state_dict by a torch that you trust.",
        ) from error
    except Exception as error:  # a file may hold anything, and each part of open_clip trips over it in its own way
        first = next(iter(str(error).splitlines()), type(error).__name__)[:300]
        raise _refused(
            f"{architecture} with {Path(weights).name or 'its weights'} can't be loaded: {first}",
            "Give the weights of exactly this model.",
        ) from error


def _refuse_downloads(architecture: str, tag: str) -> None:
    """open_clip fetches what a tag names, gigabytes perhaps, without a word of size or licence: only a person may."""
    import open_clip
    from huggingface_hub import try_to_load_from_cache

    known = open_clip.get_pretrained_cfg(architecture, tag) if tag else {}
    at_hub = architecture.startswith("hf-hub:")
    place = f"{architecture.removeprefix('hf-hub:')}/" if at_hub else known.get("hf_hub", "")
    hub, _, name = place.rpartition("/")
    name = name or "open_clip_model.safetensors"
    names = [name, f"{Path(name).stem}.safetensors", "open_clip_pytorch_model.bin"]
    url = known.get("url", "")
    if url and Path("~/.cache/clip", Path(url).name).expanduser().is_file():
        return
    if (hub or url) and not any(hub and isinstance(try_to_load_from_cache(hub, each), str) for each in names):
        raise _refused(
            f"The weights {tag or hub} of {architecture} aren't on this machine, and nothing is downloaded unasked.",
            f"Size and licence: https://huggingface.co/{hub}. Then fetch them: hf download {hub} {names[0]}"
            if hub
            else f"Look at their licence, fetch {url}, and set CLIP_WEIGHTS to that file.",
        )


def digest(architecture: str, weights: str) -> str:
    """SHA-256 that identifies a model, however it is run: of its architecture and its file of weights, or its tag."""
    path = Path(weights)
    known = weights
    if path.is_file():
        with path.open("rb") as file:
            known = hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(f"{architecture}\n{known}".encode()).hexdigest()


def _refused(message: str, next_step: str) -> EngineError:
    return EngineError(message, next_step=next_step, permanent=True)


def _starts(items: list[Any]) -> range:
    return range(0, len(items), BATCH)
