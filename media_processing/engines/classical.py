"""Segmenter, upscaler and denoiser that ship: algorithms without a model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from media_processing import matting
from media_processing.engine import Progress
from media_processing.engines.base import Denoiser, Segmenter, Strokes, Upscaler
from media_processing.ffmpeg import run_ffmpeg


class GrabCutSegmenter(Segmenter):
    """GrabCut from a box or strokes (matting.py has the papers)."""

    title = "GrabCut"
    leaves_the_machine = False
    starter = True

    def _foreground(
        self, picture: Image.Image, box: matting.Box | None, strokes: Strokes, progress: Progress
    ) -> Image.Image:
        return matting.foreground(picture, box=box, strokes=strokes, progress=progress)


class LanczosUpscaler(Upscaler):
    """Lanczos resampling: it invents no detail, and doesn't claim to."""

    title = "Lanczos"
    leaves_the_machine = False
    starter = True
    invents = False

    def _upscale(self, picture: Image.Image, size: tuple[int, int], progress: Progress) -> Image.Image:
        return picture.resize(size, Image.Resampling.LANCZOS)


class NonLocalMeansDenoiser(Denoiser):
    """Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005, by ffmpeg's nlmeans."""

    title = "non-local means"
    leaves_the_machine = False
    starter = True

    def _denoise(self, picture: Image.Image, strength: float, progress: Progress) -> Image.Image:
        with tempfile.TemporaryDirectory(prefix="storyloom-") as folder:
            before, after = Path(folder) / "before.png", Path(folder) / "after.png"
            picture.save(before, "PNG", compress_level=1)
            graph = f"format=gbrp,nlmeans=s={strength:g}:p=5:r=9,format=rgb24"
            options: list[Any] = ["-i", before, "-vf", graph, "-frames:v", "1", after]
            run_ffmpeg(options, progress=progress, timeout=900)
            with Image.open(after, formats=["PNG"]) as cleaned:
                return cleaned.convert("RGB")
