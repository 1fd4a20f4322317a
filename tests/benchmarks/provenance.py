"""What marking costs and how far it holds: manifests in six formats, the watermark on the illustrator's drawings."""

from __future__ import annotations

import io
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import imageio_ffmpeg
import numpy as np
from PIL import Image

from tests.benchmarks.harness import Figure, at_least, at_most, p50, plain, times_of

DRAWN, MARKED, TAMPERED = 2000, 300, 40
WORDS = (
    "a boat on the sea", "trees by a river", "a car in the city at night", "a dog in a park",
    "a house on a hill in winter", "a train in the rain", "two birds over a forest", "a chart and a computer",
    "a lighthouse at dusk", "a market street",
)  # fmt: skip
SIZES = ((270, 480), (432, 432), (320, 240), (480, 270))


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from signing(Path(folder))
    yield from watermarks()


def signing(folder: Path) -> Iterator[Figure]:
    from media_processing import provenance
    from media_processing.provenance import Claim, Ingredient

    identity = provenance.identity(folder / "own")
    files = _files(folder)
    (folder / "part.png").write_bytes(files["image/png"])
    parts = tuple(Ingredient(folder / "part.png", "image/png", f"Picture {number}") for number in range(5))
    claim = Claim("A story", "compositeWithTrainedAlgorithmicMedia", {"text": "extractive"}, parts, watermarked=True)
    rng = np.random.default_rng(5)
    for content_type, content in files.items():
        name = f"provenance: {content_type} of {len(content) / 1000:,.0f} kB"
        signed = provenance.sign(content, content_type, claim, identity)
        taken = []
        for _ in range(12):
            started = time.process_time()
            provenance.sign(content, content_type, claim, identity)
            taken.append(time.process_time() - started)
        beside = "with 5 ingredients, and reading it again; processor time"
        yield at_most(f"{name}: added to sign it, p50", 1000 * median(taken), "ms", 20.0, beside)
        yield at_most(f"{name}: bytes that signing adds", len(signed) - len(content), "bytes", 16_000)
        start = signed.index(content[len(content) // 2 : len(content) // 2 + 64])
        reported = 0
        for place in start + rng.integers(0, len(content) // 4, TAMPERED):
            broken = bytearray(signed)
            broken[int(place)] ^= 1
            reported += provenance.verify(bytes(broken), content_type, trusted=identity).verdict == "invalid"
        yield at_least(f"{name}: single bits changed that are reported", reported / TAMPERED, "", 1.0)


def _files(folder: Path) -> dict[str, bytes]:
    """One file of each format, of usual sizes."""
    from media_processing.engine import engines

    drawn = Image.open(
        io.BytesIO(engines["painter"].draw("a boat on the sea", width=1080, height=1920, seed=1).content)
    )

    def stored(form: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        drawn.convert("RGB").save(buffer, form, **options)
        return buffer.getvalue()

    ffmpeg = (imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi")
    for target, source in (("a.mp4", "testsrc2=s=540x960:r=30:d=10"), ("a.wav", "sine=d=20"), ("a.mp3", "sine=d=40")):
        subprocess.run([*ffmpeg, "-i", source, folder / target], check=True, timeout=120)
    return {
        "image/jpeg": stored("JPEG", quality=88), "image/png": stored("PNG"), "image/webp": stored("WEBP", quality=85),
        "video/mp4": (folder / "a.mp4").read_bytes(), "audio/wav": (folder / "a.wav").read_bytes(),
        "audio/mpeg": (folder / "a.mp3").read_bytes(),
    }  # fmt: skip


def watermarks() -> Iterator[Figure]:
    from media_processing import watermark
    from media_processing.engine import EngineError, engines

    def jpeg(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=75)
        return Image.open(buffer)

    def half(image: Image.Image) -> Image.Image:
        return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)

    attacks = {"untouched": lambda image: image, "JPEG at 75": jpeg, "half the size": half,
               "JPEG at 75, then half the size": lambda image: half(jpeg(image)),
               "half the size, then JPEG at 75": lambda image: jpeg(half(image))}  # fmt: skip
    alarms, scores, quality, refused = 0, [], [], 0
    found = dict.fromkeys(attacks, 0)
    for number in range(DRAWN):
        width, height = SIZES[number % len(SIZES)]
        words = WORDS[number % len(WORDS)]
        content = engines["painter"].draw(words, width=width, height=height, seed=number).content
        image = Image.open(io.BytesIO(content)).convert("RGB")
        plain_score = max(watermark.score(image), watermark.score(jpeg(half(image))))
        scores.append(plain_score)
        alarms += plain_score >= watermark.FOUND
        if number % (DRAWN // MARKED) or number // (DRAWN // MARKED) >= MARKED:
            continue
        try:
            marked = watermark.mark(image)
        except EngineError:
            refused += 1
            continue
        quality.append(watermark.psnr(image, marked))
        for name, attack in attacks.items():
            found[name] += watermark.is_marked(attack(marked))
    for name, count in found.items():
        yield at_least(f"watermark: found in {MARKED} drawings, {name}", count / MARKED, "", 0.95)
    beside = f"highest score {max(scores):.2f}, a mark counts from {watermark.FOUND}; each also as a small JPEG"
    yield at_most(f"watermark: false alarms on {DRAWN:,} drawings", alarms / DRAWN, "", 0.001, beside)
    yield plain("watermark: PSNR of a marked drawing, median", median(quality), "dB", f"least {min(quality):.1f} dB")
    yield plain("watermark: drawings too flat to be marked", refused / MARKED, "")
    content = engines["painter"].draw(WORDS[0], width=1080, height=1920, seed=1).content
    big = Image.open(io.BytesIO(content)).convert("RGB")
    marking, looking = times_of(lambda: watermark.mark(big), runs=5), times_of(lambda: watermark.score(big), runs=7)
    yield at_most("watermark: marking 1080x1920, p50", 1000 * p50(marking), "ms", 1500)
    yield at_most("watermark: looking for it in 1080x1920, p50", 1000 * p50(looking), "ms", 100)
