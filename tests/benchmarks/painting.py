"""The Stable Diffusion painter beside plain diffusers, with random weights of Stable Diffusion 1.5's size."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.harness import Clock, Figure, missing, plain

PAINTED = 8
STEPS = 25
NAME = "painting: Stable Diffusion 1.5's size, 512x512, 25 steps"


def figures() -> Iterator[Figure]:
    try:
        gpu = bool(importlib.import_module("torch").cuda.is_available())
    except ImportError:
        gpu = False
    if not gpu:
        yield missing(NAME, "pictures/s", "not measured: no GPU here")
        return
    from tests.generation.tiny_diffusion import save_pipeline

    with tempfile.TemporaryDirectory() as folder:
        save_pipeline(Path(folder) / "full", full=True)
        yield from beside_diffusers(NAME, Path(folder) / "full", "cuda", 512, PAINTED, STEPS)


def beside_diffusers(name: str, checkpoint: Path, device: str, side: int, count: int, steps: int) -> Iterator[Figure]:
    """The painter's pictures a second and peak memory, next to plain diffusers with the same batches on that device."""
    import torch

    from generation.engines.diffusers import DiffusersPainter

    gpu = device.startswith("cuda")
    together = 4 if gpu else 1

    def measured(work: Callable[[int], object]) -> tuple[float, float]:
        """Pictures a second, and GB of graphics memory at the peak (0 without a GPU)."""
        work(together)
        if gpu:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        with Clock() as clock:
            work(count)
        return count / clock.seconds, torch.cuda.max_memory_allocated() / 1e9 if gpu else 0.0

    def ours() -> tuple[float, float]:
        painter = DiffusersPainter("diffusers", folder=checkpoint, steps=steps, device=device)
        return measured(lambda wanted: painter.variants("boat", wanted, width=side, height=side))

    def theirs() -> tuple[float, float]:
        pipeline = importlib.import_module("diffusers").StableDiffusionPipeline.from_pretrained(
            str(checkpoint), local_files_only=True, torch_dtype=torch.float16 if gpu else torch.float32
        )
        pipeline = pipeline.to(device)
        pipeline.set_progress_bar_config(disable=True)

        def draw(wanted: int) -> None:
            for _ in range(0, wanted, together):
                pipeline(
                    "boat", num_inference_steps=steps, guidance_scale=7.0, height=side, width=side,
                    num_images_per_prompt=together,
                )  # fmt: skip

        return measured(draw)

    (speed, peak), (plain_speed, plain_peak) = ours(), theirs()
    memory = f"; at the peak {peak:.1f} GB, and plain diffusers {plain_peak:.1f} GB" if gpu else ""
    yield plain(name, speed, "pictures/s", f"plain diffusers on this device: {plain_speed:.3g} pictures/s{memory}")
