"""Bringing 12-megapixel JPEGs into the library with a model of ViT-B-32's size, beside what peers do with them.

The peer's structure is that of clip-retrieval's inference, as its documentation describes it: worker processes decode
each file in full and prepare it for the model, batches go through torch in fp32, embeddings are written as one array;
no thumbnail, no database, no index. Ours makes all of those, and copies each file to its place. Weights are random,
which costs the same time; pictures are 1/f noise. Both run on the same cores and the same files, one after the other;
where others use the machine too, the ratio of processor time is the one to believe.
"""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.benchmarks.harness import Clock, Figure, at_least, missing, plain, team

FILES = 64
BATCH = 16
SIZE = (4000, 3000)
ARCHITECTURE = "ViT-B-32"
GOAL = 3.5


def photographs(folder: Path, count: int = FILES, size: tuple[int, int] = SIZE) -> list[Path]:
    """JPEGs with the spectrum of photographs, cut out of one field of 1/f noise."""
    width, height = size
    rng = np.random.default_rng(7)
    field = np.stack([_noise(width + 1000, height + 1000, rng) for _ in range(3)], axis=-1)
    field[..., 1:] = 0.75 * field[..., :1] + 0.25 * field[..., 1:]
    found = []
    for number in range(count):
        left, top = rng.integers(0, 1000, 2)
        part = field[top : top + height, left : left + width]
        pixels = np.clip(128 + rng.uniform(25, 45) * part + rng.uniform(-30, 30, 3), 0, 255).astype(np.uint8)
        path = folder / f"{number:03}.jpg"
        Image.fromarray(pixels).save(path, quality=90)
        found.append(path)
    return found


def _noise(width: int, height: int, rng: np.random.Generator) -> Any:
    """A field whose amplitude falls with frequency, as a photograph's does (Field, 1987), softened as by a lens."""
    across, down = np.fft.rfftfreq(width)[None, :], np.fft.fftfreq(height)[:, None]
    radius = np.hypot(across, down)
    phases = np.exp(2j * np.pi * rng.random(radius.shape))
    amplitudes = np.exp(-((radius / 0.25) ** 2)) / np.maximum(radius, 1 / width) ** 1.15
    field = np.fft.irfft2(phases * amplitudes, (height, width))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def figures() -> Iterator[Figure]:
    try:
        from media_processing.compat import mend_torch

        mend_torch()
        import open_clip
        import torch
    except ImportError as error:
        yield missing("ingest: pictures per second", "1/s", f"needs the extra local-models: {error}")
        return
    from search.exporting import export

    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    torch.manual_seed(0)
    net, _, prepare = open_clip.create_model_and_transforms(ARCHITECTURE)
    with tempfile.TemporaryDirectory(prefix="storyloom-") as scratch:
        folder = Path(scratch)
        (folder / "files").mkdir()
        files = photographs(folder / "files")
        bits = 8 * sum(path.stat().st_size for path in files) / (FILES * SIZE[0] * SIZE[1])
        torch.save(net.state_dict(), folder / "weights.pt")
        card = export(ARCHITECTURE, str(folder / "weights.pt"), folder / "model", int8=True, say=lambda _text: None)
        peers = peer(files, net.eval(), prepare, cores)
        rate = FILES / peers.seconds
        yield plain("ingest: the peer's structure", rate, "1/s", f"{FILES} JPEGs of 12 MP, {bits:.2f} bits a pixel")
        for precision in ("fp32", "int8"):
            first, again, memory = ours(files, folder / "model", precision)
            beside = f"{FILES / first.seconds:.1f} against {rate:.1f} 1/s"
            ratio, goal = peers.seconds / first.seconds, GOAL if precision == "int8" else 1.0
            yield at_least(f"ingest: ours, {precision}", ratio, "times the peer", goal, beside)
            busy = f"{1000 * first.cpu / FILES:.0f} against {1000 * peers.cpu / FILES:.0f} ms of a core for each"
            name, ratio = f"ingest: ours, {precision}, by processor time", peers.cpu / first.cpu
            yield at_least(name, ratio, "times the peer", goal, busy)
        yield plain("ingest: the same files again", FILES / again.seconds, "1/s")
        yield plain("ingest: peak memory", memory, "MB", "with torch and the peer's model loaded")
        parity = card["precisions"]["int8"]
        least = min(each["cosine_min"] for each in parity["agreement"].values())
        yield at_least("ingest: parity of int8 with torch", least, "cosine", 0.98, str(parity["ranking"]))


def peer(files: list[Path], net: Any, prepare: Any, cores: int) -> Clock:
    """The peer's structure, its model ready before the clock starts."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Decoded(Dataset[Any]):
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, number: int) -> Any:
            with Image.open(files[number]) as picture:
                return prepare(picture.convert("RGB"))

    loader = DataLoader(Decoded(), batch_size=BATCH, num_workers=cores, prefetch_factor=2)
    with torch.inference_mode(), tempfile.TemporaryFile() as target:
        net.encode_image(torch.zeros(BATCH, 3, 224, 224))
        with Clock() as clock:
            vectors = [torch.nn.functional.normalize(net.encode_image(batch)).half().numpy() for batch in loader]
            np.save(target, np.concatenate(vectors))
    return clock


def ours(files: list[Path], model: Path, precision: str) -> tuple[Clock, Clock, float]:
    """An import, the same import again, and peak megabytes."""
    from django.conf import settings
    from django.test import override_settings

    from creator.services.importing import Given, bring_in
    from media_processing.engine import engines
    from search.models import Embedding

    options = {"folder": model, "precision": precision}
    embedder = {"bench": {"BACKEND": "search.engines.onnx.OnnxEmbedder", "OPTIONS": options}}
    workspace, _ = team(f"ingest-{precision}")
    given = [Given(path, path.name) for path in files]
    every = {**settings.ENGINES, "embedder": embedder}
    with (
        tempfile.TemporaryDirectory(prefix="storyloom-") as media,
        override_settings(ENGINES=every, MEDIA_ROOT=Path(media)),
    ):
        engines["embedder"].embed_pictures([Image.new("RGB", (224, 224))] * BATCH)
        with Clock() as first:
            results = [each for batch in bring_in(workspace, given) for each in batch]
        assert all(each.created and not each.error for each in results), results[0]
        assert Embedding.objects.filter(moment__workspace=workspace).count() == len(files)
        with Clock() as second:
            assert not any(each.created for batch in bring_in(workspace, given) for each in batch)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return first, second, memory
