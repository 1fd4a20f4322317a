"""A painter of the Stable Diffusion family, from a local folder of safetensors."""

from __future__ import annotations

import importlib
import io
import threading
from pathlib import Path
from typing import Any

from PIL import Image

from generation.engines.base import Painter, Picture, Wanted
from media_processing.compat import mend_torch
from media_processing.engine import EngineError


class DiffusersPainter(Painter):
    """Draws with any text-to-image pipeline that diffusers can open.

    `folder` is what `save_pretrained` wrote (model_index.json and *.safetensors); pickled weights are refused, since
    opening them runs their code. Pictures are drawn near the model's own area and then fitted to the size asked for.
    """

    title = "Stable Diffusion (diffusers)"
    leaves_the_machine = False
    max_side = 2048

    def __init__(
        self, name: str = "", *, folder: str | Path = "", steps: int = 25, guidance: float = 7.0, negative: str = "",
        device: str = "",
    ) -> None:  # fmt: skip
        super().__init__(name)
        self._folder = Path(folder) if folder else None
        self._steps, self._guidance, self._negative, self._device = steps, guidance, negative, device
        self._drawing = threading.Lock()
        self._pipeline: Any = None

    @property
    def model(self) -> str:
        return self._folder.name if self._folder else ""

    def problems(self) -> list[EngineError]:
        step = "Set PAINTER_MODEL to a folder with a Stable Diffusion pipeline, or choose the illustrator."
        if self._folder is None:
            return [EngineError("The painter has no model.", next_step=step, permanent=True)]
        if not (self._folder / "model_index.json").is_file():
            return [EngineError(f"{self._folder} has no model_index.json.", next_step=step, permanent=True)]
        if not any(self._folder.rglob("*.safetensors")):
            return [
                EngineError(
                    f"{self._folder} has no safetensors.",
                    next_step="Convert its weights to safetensors.",
                    permanent=True,
                )
            ]
        return []

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        mend_torch()
        import torch

        diffusers: Any = importlib.import_module("diffusers")
        self._device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            pipeline = diffusers.AutoPipelineForText2Image.from_pretrained(
                str(self._folder),
                local_files_only=True,
                use_safetensors=True,
                torch_dtype=torch.float16 if self._device.startswith("cuda") else torch.float32,
            )
        except (OSError, ValueError, KeyError) as error:
            raise EngineError(
                f"The painter's model can't be opened: {error}", next_step="Check PAINTER_MODEL.", permanent=True
            ) from error
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline = pipeline.to(self._device)

    def _draw(self, wanted: Wanted) -> Picture:
        import torch

        width, height, progress = wanted.width, wanted.height, wanted.progress
        drawn_width, drawn_height = self._native_size(width, height)

        def report(_pipeline: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
            progress(min(1.0, (step + 1) / self._steps))
            return values

        # A pipeline keeps the state of its scheduler: one picture at a time.
        with self._drawing:
            try:
                result = self._pipeline(
                    prompt=wanted.said,
                    negative_prompt=self._negative or None,
                    width=drawn_width,
                    height=drawn_height,
                    num_inference_steps=self._steps,
                    guidance_scale=self._guidance,
                    # The processor's generator, so that the same seed means the same picture on any device.
                    generator=torch.Generator("cpu").manual_seed(wanted.seed),
                    callback_on_step_end=report,
                )
            except torch.OutOfMemoryError as error:
                raise EngineError(
                    "The graphics memory is too small for this picture.", next_step="Ask for a smaller one."
                ) from error
        if any(getattr(result, "nsfw_content_detected", None) or ()):
            raise EngineError(
                "The painter's own filter held the picture back.", next_step="Use other words or another seed."
            )
        progress(1.0)
        made_by = self.made_by(
            seed=wanted.seed,
            steps=self._steps,
            guidance=self._guidance,
            drawn=[drawn_width, drawn_height],
            words=wanted.words,
            style=wanted.style,
        )
        content = _png(_fitted(result.images[0], width, height))
        return Picture(content, "image", ".png", width, height, alt=wanted.words, made_by=made_by)

    def _native_size(self, width: int, height: int) -> tuple[int, int]:
        """A size of the wished shape with about the area that the model was trained on, in its steps of 8 pixels."""
        scale = int(getattr(self._pipeline, "vae_scale_factor", 8))
        part = getattr(self._pipeline, "unet", None) or getattr(self._pipeline, "transformer", None)
        sample = getattr(part.config, "sample_size", 64) if part is not None else 64
        side = scale * (sample if isinstance(sample, int) else max(sample))
        factor = (side * side / (width * height)) ** 0.5
        step = max(8, scale)
        return max(step, round(width * factor / step) * step), max(step, round(height * factor / step) * step)


def _fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scaled to cover `width` x `height` and cropped in the middle."""
    factor = max(width / picture.width, height / picture.height)
    size = (max(width, round(picture.width * factor)), max(height, round(picture.height * factor)))
    scaled = picture.resize(size, Image.Resampling.LANCZOS)
    left, top = (scaled.width - width) // 2, (scaled.height - height) // 2
    return scaled.crop((left, top, left + width, top + height))


def _png(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()
