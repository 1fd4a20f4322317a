"""A painter of the Stable Diffusion family, from local safetensors: text to picture, picture to picture, inpainting."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import math
import threading
import tomllib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from generation.engines import checkpoints
from generation.engines.base import Painter, Picture, Wanted
from generation.engines.canvas import around, blended, fitted, png
from media_processing.compat import mend_torch
from media_processing.engine import EngineError

_SCHEDULERS = Path(__file__).resolve().parents[1] / "schedulers.toml"
_KINDS = {
    "draw": "AutoPipelineForText2Image", "redraw": "AutoPipelineForImage2Image", "fill": "AutoPipelineForInpainting",
}  # fmt: skip
_OFFLOADS = {"model-offload": "enable_model_cpu_offload", "sequential-offload": "enable_sequential_cpu_offload"}
MEMORY = ("attention-slicing", "vae-slicing", "vae-tiling", *_OFFLOADS)
"""Ways of drawing with less graphics memory, each at a price in time."""
_STEP = "Set PAINTER_MODEL to a folder with a Stable Diffusion pipeline, or choose the illustrator."
_SMALLER = "Ask for a smaller picture or fewer at once, or set PAINTER_MEMORY=model-offload,vae-tiling."


class DiffusersPainter(Painter):
    """Draws with any text-to-image pipeline of the Stable Diffusion family that diffusers can open.

    `folder` is what `save_pretrained` wrote, a single .safetensors file, or a name in the hub's local cache; nothing is
    ever downloaded. Pickled weights are refused, since opening them runs their code. A single file needs `config`: a
    folder with the pipeline's configurations and vocabulary, or their name in the cache. `scheduler`, `steps`,
    `guidance` and `negative` hold where a call says nothing else. `lora` is "folder:weight", several with commas;
    `memory` names ways of saving memory (MEMORY), with commas; `dtype` is float16, bfloat16 or float32; `batch` is how
    many variants are computed together (without it four on a GPU, one on a processor, where it wins nothing).

    Pictures are drawn near the model's own area, in its steps of 8 pixels or more, and then fitted to the size asked
    for. The three kinds share one set of weights.
    """

    title = "Stable Diffusion (diffusers)"
    leaves_the_machine = False
    max_side = 2048
    can_redraw = True
    can_fill = True
    takes = frozenset({"negative", "steps", "guidance", "scheduler"})

    def __init__(
        self,
        name: str = "",
        *,
        folder: str | Path = "",
        config: str | Path = "",
        scheduler: str = "",
        steps: int = 25,
        guidance: float = 7.0,
        negative: str = "",
        lora: str = "",
        memory: str = "",
        dtype: str = "",
        device: str = "",
        batch: int = 0,
    ) -> None:
        super().__init__(name)
        self._named, self._config = str(folder), str(config)
        self._scheduler, self._steps, self._guidance, self._negative = scheduler, steps, guidance, negative
        self._lora = [_weighted(each) for each in lora.split(",") if each.strip()]
        self._memory = [each.strip() for each in memory.split(",") if each.strip()]
        self._dtype, self._device, self._batch = dtype, device, batch
        self._drawing = threading.Lock()
        self._pipelines: dict[str, Any] = {}

    @property
    def model(self) -> str:
        return self._named if self._named.count("/") == 1 else Path(self._named).name

    @cached_property
    def _table(self) -> Mapping[str, Mapping[str, Any]]:
        return tomllib.loads(_SCHEDULERS.read_text(encoding="utf-8"))

    @property
    def schedulers(self) -> Mapping[str, str]:
        return {name: entry["title"] for name, entry in self._table.items()}

    def problems(self) -> list[EngineError]:
        if not self._named:
            return [EngineError("The painter has no model.", next_step=_STEP, permanent=True)]
        found = [
            *(_unknown("way of saving memory", each, MEMORY) for each in self._memory if each not in MEMORY),
            *(_unknown("scheduler", each, self._table) for each in [self._scheduler] if each not in ("", *self._table)),
            *(_unknown("dtype", each, _DTYPES) for each in [self._dtype] if each not in ("", *_DTYPES)),
        ]
        try:
            found += checkpoints.faults(checkpoints.find(self._named))
            for path, _weight in self._lora:
                checkpoints.lora_file(path)
        except EngineError as error:
            found.append(error)
        if not found and importlib.util.find_spec("diffusers") is None:
            found.append(
                EngineError("diffusers isn't installed.", next_step="pip install -e '.[local-models]'", permanent=True)
            )
        return found

    # Loading --------------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        mend_torch()
        import torch

        diffusers: Any = importlib.import_module("diffusers")
        diffusers.utils.logging.disable_progress_bar()
        self._device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        on_gpu = self._device != "cpu"
        offloads = [each for each in self._memory if each in _OFFLOADS]
        if offloads and not on_gpu:
            raise EngineError(
                f"{offloads[0]} moves parts to a GPU and back, and there is none.",
                next_step="Take it out of PAINTER_MEMORY.", permanent=True,
            )  # fmt: skip
        dtype = getattr(torch, self._dtype or ("float16" if on_gpu else "float32"))
        try:
            pipeline = self._opened(diffusers, checkpoints.find(self._named), dtype)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
            raise EngineError(
                f"The painter's model can't be opened: {_short(error)}", next_step="Check PAINTER_MODEL.",
                permanent=True,
            ) from error  # fmt: skip
        self._put_on(pipeline)
        if "attention-slicing" in self._memory:
            pipeline.enable_attention_slicing()
        if "vae-slicing" in self._memory:
            pipeline.vae.enable_slicing()
        if "vae-tiling" in self._memory:
            pipeline.vae.enable_tiling()
        self._batch = self._batch or (4 if on_gpu else 1)
        self._pipelines = {"draw": self._placed(pipeline)}

    def _opened(self, diffusers: Any, path: Path, dtype: Any) -> Any:
        if path.is_dir():
            return diffusers.AutoPipelineForText2Image.from_pretrained(
                str(path), local_files_only=True, use_safetensors=True, torch_dtype=dtype
            )
        config = self._configuration(path)
        kind = json.loads((config / "model_index.json").read_text(encoding="utf-8"))["_class_name"]
        return getattr(diffusers, kind).from_single_file(
            str(path), config=str(config), local_files_only=True, torch_dtype=dtype
        )

    def _configuration(self, path: Path) -> Path:
        """The folder with the configurations of a single file, which holds weights only. Raises EngineError."""
        single: Any = importlib.import_module("diffusers.loaders.single_file_utils")
        wanted = self._config
        if not wanted:
            checkpoint = single.load_single_file_checkpoint(str(path), local_files_only=True)
            wanted = single.fetch_diffusers_config(checkpoint)["pretrained_model_name_or_path"]
        try:
            found = checkpoints.find(wanted)
        except EngineError as error:
            raise EngineError(
                f"{path.name} holds weights only, and the configurations of {wanted} are not here.",
                next_step="Set PAINTER_CONFIG to a folder with them (a pipeline's folder without its weights).",
                permanent=True,
            ) from error
        if not (found / "model_index.json").is_file():
            raise EngineError(
                f"{found} has no model_index.json.", next_step="Set PAINTER_CONFIG to a pipeline's folder.",
                permanent=True,
            )  # fmt: skip
        return found

    def _put_on(self, pipeline: Any) -> None:
        """Add the LoRAs, each with its weight. Raises EngineError where one doesn't fit."""
        weights = {}
        for number, (path, weight) in enumerate(self._lora):
            file = checkpoints.lora_file(path)
            adapter = f"lora_{number}"
            try:
                pipeline.load_lora_weights(
                    str(file.parent), weight_name=file.name, adapter_name=adapter, local_files_only=True
                )
                fits = adapter in {each for parts in pipeline.get_list_adapters().values() for each in parts}
            except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
                raise self._misfit(file, f": {_short(error)}") from error
            if not fits:
                raise self._misfit(file, ".")
            weights[adapter] = weight
        if weights:
            pipeline.set_adapters(list(weights), list(weights.values()))

    def _misfit(self, file: Path, why: str) -> EngineError:
        return EngineError(
            f"The LoRA {file.name} doesn't fit {self.model}{why}",
            next_step="Set PAINTER_LORA to one that was trained on a model of this family.", permanent=True,
        )  # fmt: skip

    def _placed(self, pipeline: Any) -> Any:
        """Where it computes: its parts on the device, or brought there when their turn comes."""
        pipeline.set_progress_bar_config(disable=True)
        for name, method in _OFFLOADS.items():
            if name in self._memory:
                getattr(pipeline, method)(device=self._device)
                return pipeline
        return pipeline.to(self._device)

    def _pipeline(self, kind: str) -> Any:
        """The pipeline of a kind, out of the same parts. Raises EngineError where the checkpoint has no such kind."""
        held = next(iter(self._pipelines.values()))
        if kind not in self._pipelines:
            diffusers: Any = importlib.import_module("diffusers")
            try:
                made = getattr(diffusers, _KINDS[kind]).from_pipe(held)
            except ValueError as error:
                raise self._unable(f"{kind} with {self.model}") from error
            # Parts that are moved to the GPU when their turn comes know one pipeline's order only.
            self._pipelines = {} if self._offloaded else self._pipelines
            self._pipelines[kind] = self._placed(made)
        part = _denoiser(self._pipelines[kind])
        if kind != "fill" and getattr(part.config, "in_channels", 4) == 9:  # the picture and its mask come in too
            raise EngineError(
                f"{self.model} only fills parts of pictures.", next_step="Choose another checkpoint.", permanent=True
            )
        return self._pipelines[kind]

    @property
    def _offloaded(self) -> bool:
        return any(each in _OFFLOADS for each in self._memory)

    # Drawing --------------------------------------------------------------------------------------------------------

    def _draw(self, wanted: Wanted) -> Picture:
        return self._together(wanted, [wanted.seed])[0]

    def _variants(self, wanted: Wanted, count: int) -> tuple[Picture, ...]:
        seeds = range(wanted.seed, wanted.seed + count)
        groups = [seeds[at : at + self._batch] for at in range(0, count, self._batch)]
        drawn: list[Picture] = []
        for group in groups:

            def told(share: float, done: int = len(drawn), size: int = len(group)) -> None:
                wanted.progress((done + share * size) / count)

            drawn += self._together(wanted, group, told)
        return tuple(drawn)

    def _together(self, wanted: Wanted, seeds: Sequence[int], progress: Any = None) -> list[Picture]:
        with self._drawing:  # a pipeline keeps state: one call at a time
            width, height = self._native_size(wanted.width, wanted.height)
            images, details = self._run("draw", wanted, seeds, progress=progress, width=width, height=height)
        if len(seeds) > 1:
            details["batch"] = len(seeds)
        return [
            self._kept(wanted, image, seed=seed, **details) for image, seed in zip(images, seeds, strict=True)
        ]  # fmt: skip

    def _redraw(self, wanted: Wanted, picture: Image.Image, strength: float) -> Picture:
        with self._drawing:
            size = self._native_size(wanted.width, wanted.height)
            ground = picture.resize(size, Image.Resampling.LANCZOS)
            (image,), details = self._run(
                "redraw", wanted, [wanted.seed], image=ground, strength=strength, width=size[0], height=size[1]
            )
        image = image.resize(picture.size, Image.Resampling.LANCZOS)
        return self._kept(wanted, image, seed=wanted.seed, strength=strength, **details)

    def _fill(self, wanted: Wanted, picture: Image.Image, mask: Image.Image) -> Picture:
        """The mask and what is around it at the model's own size: a small hole in a large picture stays sharp."""
        with self._drawing:
            box = around(mask, min(self._native_size(1, 1)))
            part, hole = picture.crop(box), mask.crop(box)
            size = self._native_size(*part.size)
            (image,), details = self._run(
                "fill", wanted, [wanted.seed], image=part.resize(size, Image.Resampling.LANCZOS),
                mask_image=hole.resize(size, Image.Resampling.BILINEAR), strength=1.0, width=size[0], height=size[1],
            )  # fmt: skip
        filled = picture.copy()
        filled.paste(blended(part, image, hole), box)
        return self._kept(wanted, filled, seed=wanted.seed, box=list(box), **details)

    def _run(
        self, kind: str, wanted: Wanted, seeds: Sequence[int], *, progress: Any = None, **inputs: Any
    ) -> tuple[list[Image.Image], dict[str, Any]]:
        """Pictures of a kind, and how they were made. Raises EngineError, and what `progress` raises."""
        import torch

        pipeline, asked = self._pipeline(kind), wanted.sampling
        steps = asked.steps or self._steps
        guidance = self._guidance if asked.guidance is None else asked.guidance
        negative, scheduler = asked.negative or self._negative, asked.scheduler or self._scheduler
        details: dict[str, Any] = {
            "verb": kind, "words": wanted.words, "style": wanted.style, "negative": negative, "steps": steps,
            "guidance": guidance, "drawn": [inputs["width"], inputs["height"]],
            "scheduler": scheduler or type(pipeline.scheduler).__name__,
            "lora": [{"name": path.name, "weight": weight} for path, weight in self._lora],
            "unread": _unread(pipeline, wanted.said),
        }  # fmt: skip
        tell = progress or wanted.progress
        tell(0.0)

        def report(running: Any, step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
            tell((step + 1) / (running.num_timesteps + 1))  # the decoding counts as a step
            return values

        # A strength of 0.02 leaves less than one of 25 steps.
        steps = max(steps, math.ceil(1 / inputs.get("strength", 1.0)))
        taken = inspect.signature(pipeline.__call__).parameters
        own = pipeline.scheduler
        pipeline.scheduler = self._fresh_scheduler(own, scheduler)
        try:
            result = pipeline(
                prompt=wanted.said, negative_prompt=negative or None, num_inference_steps=steps,
                guidance_scale=guidance, num_images_per_prompt=len(seeds),
                # The processor's generator, so that the same seed means the same noise on any device.
                generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
                callback_on_step_end=report,
                **{name: value for name, value in inputs.items() if name in taken},
            )  # fmt: skip
        except torch.OutOfMemoryError as error:
            raise EngineError("The graphics memory is too small for this picture.", next_step=_SMALLER) from error
        finally:
            pipeline.scheduler = own
            if self._offloaded:
                pipeline.maybe_free_model_hooks()
        if any(getattr(result, "nsfw_content_detected", None) or ()):
            raise EngineError(
                "The painter's own filter held the picture back.", next_step="Use other words or another seed."
            )
        tell(1.0)
        return list(result.images), details

    def _fresh_scheduler(self, own: Any, name: str) -> Any:
        """A scheduler without a past: the checkpoint's own, or one of the list. Raises EngineError."""
        if not name:
            return type(own).from_config(own.config)
        diffusers: Any = importlib.import_module("diffusers")
        entry = self._table[name]
        kind = getattr(diffusers, entry["class"])
        if kind is not type(own) and kind not in own.compatibles:
            raise EngineError(
                f"{self.model} isn't drawn with {entry['title']}.",
                next_step="Choose another scheduler, or leave it empty.", permanent=True,
            )  # fmt: skip
        return kind.from_config(own.config, **entry.get("options", {}))

    def _kept(self, wanted: Wanted, image: Image.Image, **details: Any) -> Picture:
        content = png(fitted(image, wanted.width, wanted.height))
        return Picture(
            content, "image", ".png", wanted.width, wanted.height, alt=wanted.words, made_by=self.made_by(**details)
        )

    def _native_size(self, width: int, height: int) -> tuple[int, int]:
        """A size of the wished shape with about the area that the model was trained on, in its steps of pixels."""
        pipeline = next(iter(self._pipelines.values()))
        scale, part = int(getattr(pipeline, "vae_scale_factor", 8)), _denoiser(pipeline)
        sample = getattr(part.config, "sample_size", None) or 64
        side = scale * (sample if isinstance(sample, int) else max(sample))
        factor = (side * side / (width * height)) ** 0.5
        step = max(8, scale * int(getattr(part.config, "patch_size", None) or 1))
        return max(step, round(width * factor / step) * step), max(step, round(height * factor / step) * step)


_DTYPES = ("float16", "bfloat16", "float32")


def _denoiser(pipeline: Any) -> Any:
    return getattr(pipeline, "unet", None) or pipeline.transformer


def _unread(pipeline: Any, words: str) -> str:
    """The end of the words that the text encoder has no room for; "" where it reads all."""
    tokenizer = getattr(pipeline, "tokenizer", None)
    if tokenizer is None:
        return ""
    ids = tokenizer(words, truncation=False, verbose=False).input_ids
    return str(tokenizer.decode(ids[tokenizer.model_max_length - 1 : -1], skip_special_tokens=True)).strip()


def _weighted(lora: str) -> tuple[Path, float]:
    """ "folder:0.8" as path and weight; without a weight it is 1."""
    path, colon, weight = lora.strip().rpartition(":")
    try:
        return (Path(path), float(weight)) if colon else (Path(lora.strip()), 1.0)
    except ValueError:
        return Path(lora.strip()), 1.0


def _unknown(what: str, name: str, known: Any) -> EngineError:
    return EngineError(f"There is no {what} {name!r}.", next_step=f"Use {', '.join(known)}.", permanent=True)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
