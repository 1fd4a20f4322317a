"""Small media files, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from media_processing.ffmpeg import run_ffmpeg


def picture(width: int = 64, height: int = 48, *, noisy: bool = False) -> Image.Image:
    """The left half red, the right half blue; or noise."""
    if noisy:
        return Image.fromarray(np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8))
    image = Image.new("RGB", (width, height), (220, 30, 30))
    image.paste((30, 30, 220), (width // 2, 0, width, height))
    return image


def picture_bytes(image: Image.Image | None = None, form: str = "JPEG", **options: object) -> bytes:
    target = io.BytesIO()
    (image or picture()).save(target, form, **options)
    return target.getvalue()


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG that says it is that large, whatever its pixels."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + png_chunk(b"IDAT", zlib.compress(body))
        + png_chunk(b"IEND", b"")
    )


def clip(
    path: Path, *, seconds: float = 1.0, size: str = "64x48", rate: int = 10, sound: bool = True, extra: str = ""
) -> Path:
    """A moving test picture, its codec by the suffix of `path`."""
    codecs = {".webm": "-c:v libvpx-vp9 -cpu-used 8 -c:a libopus"}.get(path.suffix, "-c:v libx264 -preset ultrafast")
    args = f"-f lavfi -i testsrc=size={size}:rate={rate}:duration={seconds}".split()
    if sound:
        args += f"-f lavfi -i sine=frequency=440:duration={seconds}".split()
    run_ffmpeg([*args, *codecs.split(), "-pix_fmt", "yuv420p", *extra.split(), path])
    return path


def colours(path: Path, *parts: tuple[str, float], size: str = "96x64", rate: int = 10) -> Path:
    """A film of plain colours with a cut between each two: ("red", 1.0), ("blue", 2.0) ..."""
    args: list[str | Path] = []
    for colour, seconds in parts:
        args += ["-f", "lavfi", "-i", f"color={colour}:size={size}:rate={rate}:duration={seconds}"]
    joined = "".join(f"[{number}:v]" for number in range(len(parts))) + f"concat=n={len(parts)}:v=1:a=0"
    run_ffmpeg([*args, "-filter_complex", joined, "-pix_fmt", "yuv420p", "-preset", "ultrafast", path])
    return path


def turned(path: Path, target: Path, degrees: int) -> Path:
    """The same film with rotation metadata (degrees counter-clockwise)."""
    run_ffmpeg(["-display_rotation", str(degrees), "-i", path, "-c", "copy", target])
    return target


def tone(path: Path, *, seconds: float = 1.0, rate: int = 16000, extra: str = "") -> Path:
    run_ffmpeg(["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}:sample_rate={rate}", *extra.split(), path])
    return path
