"""Segmenter, upscaler and denoiser from a person's own ONNX file, for ONNX Runtime on a CPU or a GPU.

What a file has to be (floats, batches of one, channels red, green, blue first):

- upscaler (Real-ESRGAN, SwinIR): (1, 3, h, w) between 0 and 1 becomes (1, 3, k h, k w), k a whole number;
- denoiser (DnCNN, SCUNet): (1, 3, h, w) between 0 and 1 becomes the same shape;
- segmenter (U2-Net, IS-Net, BiRefNet): (1, 3, s, s) less `mean` by `std` becomes, as its first output, (1, 1, s, s) of
  shares between 0 and 1, or of their logits.

A graph with a size of its own is given pictures of that size. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing import matting
from media_processing.engine import Engine, EngineError, Progress
from media_processing.engines.base import Denoiser, Segmenter, Strokes, Upscaler

Pixels: TypeAlias = NDArray[np.float32]
"""(height, width, 3), between 0 and 1."""

TILE, LAP = 256, 16
"""Pixels of a tile that are kept, and those around it that the model sees as well, so that no seam shows."""
SIDE = 1024
"""Pixels of a side that a segmenter without a size of its own looks at."""
LARGEST = 120_000_000
"""Pixels that an upscaler may draw before its answer is brought to the size that was asked for."""
FULL_STRENGTH = 4.0
"""The strength at which a denoiser's picture stands alone; below it is mixed with the one that came."""
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""Which of ONNX Runtime's are used, best first, where the installed build has them."""
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class _Onnx(Engine):
    """A graph of one picture; `file` is its path, `threads` how many it may keep busy."""

    _session: Any

    title = "ONNX"
    leaves_the_machine = False

    def __init__(self, name: str = "", *, file: str = "", threads: int = 2, title: str = "") -> None:
        super().__init__(name)
        self.file = Path(file)
        self.threads = threads
        if title or file:
            self.title = title or self.file.stem  # type: ignore[misc]

    def problems(self) -> list[EngineError]:
        if self.file.is_file():
            return []
        said = "No model is named." if self.file == Path() else f"There is no file {str(self.file)!r}."
        return [EngineError(said, next_step=f"Set {self.role.upper()}_MODEL to an .onnx file.", permanent=True)]

    @property
    def model(self) -> str:
        return f"{self.file.name} {self._digest[:12]}" if self.loaded else self.file.name

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        there = onnxruntime.get_available_providers()
        with self.file.open("rb") as opened:
            self._digest = hashlib.file_digest(opened, "sha256").hexdigest()
        try:
            self._session = onnxruntime.InferenceSession(
                str(self.file), options, providers=[name for name in PROVIDERS if name in there]
            )
        except Exception as error:  # ONNX Runtime's errors share no base of their own
            raise self._unusable(f"ONNX Runtime can't read it ({type(error).__name__})") from error
        taken = self._session.get_inputs()
        if len(taken) != 1 or len(taken[0].shape) != 4 or taken[0].type not in _TYPES or taken[0].shape[1] != 3:
            shapes = ", ".join(f"{each.type} {each.shape}" for each in taken)
            raise self._unusable(f"it takes {shapes} instead of one picture (1, 3, height, width)")

    def _side(self, usual: int) -> int:
        """Pixels of a side that the graph takes: its own, else `usual`."""
        high, wide = self._session.get_inputs()[0].shape[2:]
        if isinstance(high, int) and isinstance(wide, int) and high != wide:
            raise self._unusable(f"it takes pictures of {wide} x {high} pixels, which are no squares")
        return next((side for side in (high, wide) if isinstance(side, int)), usual)

    def _run(self, pixels: Pixels) -> Pixels:
        """The graph's first output, (channels, height, width)."""
        taken = self._session.get_inputs()[0]
        given = pixels.transpose(2, 0, 1)[None].astype(_TYPES[taken.type])
        try:
            answer = np.asarray(self._session.run(None, {taken.name: given})[0], dtype=np.float32)
        except Exception as error:  # as above
            raise self._unusable(f"it fails on {pixels.shape[1]} x {pixels.shape[0]} pixels") from error
        if answer.ndim != 4 or len(answer) != 1 or not np.isfinite(answer).all():
            raise self._unusable(f"its answer {list(answer.shape)} is no picture")
        picture: Pixels = answer[0]
        return picture

    def _drawn(self, picture: Image.Image, progress: Progress) -> Image.Image:
        """The graph's picture of an RGB picture, tile by tile: as large, or a whole number of times."""
        lap = min(LAP, (self._side(TILE + 2 * LAP) - 1) // 4)
        tile = self._side(TILE + 2 * LAP) - 2 * lap
        wide, high = picture.size
        pixels = np.asarray(picture, dtype=np.uint8)
        around = ((lap, lap - high % -tile), (lap, lap - wide % -tile), (0, 0))
        padded = np.pad(pixels, around, mode="symmetric")
        made: NDArray[np.uint8] | None = None
        places = [(y, x) for y in range(0, high, tile) for x in range(0, wide, tile)]
        for done, (y, x) in enumerate(places):
            progress(done / len(places))
            seen = _shares(padded[y : y + tile + 2 * lap, x : x + tile + 2 * lap])
            answer = self._run(seen)
            times = answer.shape[1] // seen.shape[0]
            if times < 1 or answer.shape != (3, times * seen.shape[0], times * seen.shape[1]):
                raise self._unusable(f"of {seen.shape[:2]} pixels it makes {list(answer.shape)}")
            if made is None:
                if wide * high * times**2 > LARGEST:
                    raise EngineError(
                        f"{self.title} would draw {wide * high * times**2 / 1e6:.0f} million pixels.",
                        next_step="Choose a smaller picture, or another upscaler.", permanent=True,
                    )  # fmt: skip
                made = np.empty((high * times, wide * times, 3), np.uint8)
            inner = answer[:, lap * times : (lap + tile) * times, lap * times : (lap + tile) * times]
            target = made[y * times : (y + tile) * times, x * times : (x + tile) * times]
            kept = inner.transpose(1, 2, 0)[: target.shape[0], : target.shape[1]]
            target[:] = np.clip(np.rint(kept * 255), 0, 255)
        assert made is not None  # noqa: S101 - a picture has a pixel, and so a tile
        return Image.fromarray(made)

    def _unusable(self, why: str) -> EngineError:
        return EngineError(
            f"{self.file.name} doesn't serve as {self.role}: {why}.",
            next_step="Export it as the head of media_processing/engines/onnx.py says, or choose another engine.",
            permanent=True,
        )


def _shares(pixels: NDArray[np.uint8]) -> Pixels:
    """Bytes as shares of full."""
    return np.divide(pixels, 255, dtype=np.float32)


class OnnxSegmenter(_Onnx, Segmenter):
    """Finds what stands in front by itself; a box and strokes say more.

    `mean` and `std` of each channel are ImageNet's, unless the options say what the graph was trained with.
    """

    finds_alone = True

    def __init__(
        self, name: str = "", *, mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225), **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(name, **options)
        self._mean, self._std = np.array(mean, np.float32), np.array(std, np.float32)

    def _foreground(
        self, picture: Image.Image, box: matting.Box | None, strokes: Strokes, progress: Progress
    ) -> Image.Image:
        side = self._side(SIDE)
        # Where a box says what it is about, nothing else is looked at.
        left, top, right, bottom = (round(edge) for edge in box or (0, 0, *picture.size))
        part = picture.crop((left, top, right, bottom))
        small = part.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
        seen = self._run(np.divide(_shares(np.asarray(small)) - self._mean, self._std, dtype=np.float32))[0]
        if seen.min() < -0.01 or seen.max() > 1.01:
            seen = 1 / (1 + np.exp(-seen))
        share = Image.fromarray(np.clip(np.rint(seen * 255), 0, 255).astype(np.uint8))
        alpha = Image.new("L", picture.size)
        alpha.paste(share.resize(part.size, Image.Resampling.BICUBIC), (left, top))
        return matting.brushed(alpha, strokes)


class OnnxUpscaler(_Onnx, Upscaler):
    """Draws the detail that it has learned to expect."""

    def _upscale(self, picture: Image.Image, size: tuple[int, int], progress: Progress) -> Image.Image:
        made = self._drawn(picture.convert("RGB"), progress).resize(size, Image.Resampling.LANCZOS)
        if picture.mode == "RGBA":
            made.putalpha(picture.getchannel("A").resize(size, Image.Resampling.LANCZOS))
        return made


class OnnxDenoiser(_Onnx, Denoiser):
    """A strength below FULL_STRENGTH keeps a part of the grain."""

    def _denoise(self, picture: Image.Image, strength: float, progress: Progress) -> Image.Image:
        made = self._drawn(picture, progress)
        if made.size != picture.size:
            raise self._unusable(f"of {picture.size} pixels it makes {made.size}")
        return Image.blend(picture, made, min(1.0, strength / FULL_STRENGTH))
