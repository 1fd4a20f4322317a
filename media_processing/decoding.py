"""The one wrapper that decodes what comes from outside: pictures, video, sound."""

from __future__ import annotations

import io
import json
import logging
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from media_processing.engine import EngineError, Progress, no_progress
from media_processing.ffmpeg import MAX_PIXELS, run_ffmpeg, untrusted
from media_processing.metadata import Embedded, of_picture, of_tags
from media_processing.processes import guarded
from media_processing.sniffing import ACCEPTED, GIF, WEBP, Format, looks_like, sniff

logger = logging.getLogger(__name__)

Source: TypeAlias = Path | str | bytes

MAX_BYTES = 2_000_000_000
MAX_PICTURE_BYTES = 200_000_000
MAX_ANIMATION_PIXELS = 1_000_000_000
"""Frames x pixels of an animated picture."""
MAX_SIDE = 32_767
MAX_SECONDS = 4 * 3600.0

GLIMPSE = np.dtype([("second", "<f8"), ("sharpness", "<f4"), ("small", "u1", (9, 16, 3))])
"""When a frame is shown, the variance of its Laplacian at 256 pixels, and 16 x 9 means of its Y, U and V."""

_CHILD = Path(__file__).with_name("decoding_child.py")
_CHILD_MEMORY = 3 * 2**30
_CHILD_CPU = 120
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, MemoryError, struct.error,
    zlib.error,
)  # fmt: skip
"""What Pillow's loaders raise on damaged files."""


# A filter, since warnings.catch_warnings isn't safe with threads.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# Pillow warns of every broken tag in a file's EXIF; what can't be read isn't there.
warnings.filterwarnings("ignore", module=r"PIL\.TiffImagePlugin")


class MediaError(EngineError):
    """A file that can't be used, with why and what to do.

    `reason` is one word for programs: empty, truncated, damaged, huge, long, wrong_type, codec, no_sound, no_picture.
    """

    def __init__(self, message: str, *, reason: str, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step, permanent=True)
        self.reason = reason


@dataclass(frozen=True)
class Probe:
    """What a file is, from its content. Sizes are as shown, after rotation metadata."""

    kind: str
    """"image", "video" or "audio"."""
    content_type: str
    suffix: str
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    """0 for pictures, animated or not."""
    fps: float = 0.0
    """The average; frames needn't come evenly."""
    has_sound: bool = False
    frames: int = 1
    """0 where the container doesn't say."""
    rotation: int = 0
    """Degrees, counter-clockwise, that were applied to get to `width` and `height`."""
    codecs: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Look:
    """All that one look at a file gives."""

    probe: Probe
    embedded: Embedded
    picture: Image.Image | None = None
    """A picture as `open_picture` gives it; None of a video or a sound."""


def inspect(source: Source, *, name: str = "", max_bytes: int = MAX_BYTES) -> Probe:
    """What a file is. Raises MediaError with a sentence about `name` where it can't be used.

    Pictures are decoded once in full (JPEGs at an eighth of their size), so that a truncated one is found here.
    Video and sound are opened in a child process with limits on memory and time, which looks at their first frame
    and at their end.
    """
    return look_at(source, max_side=1, name=name, max_bytes=max_bytes).probe


def look_at(source: Source, *, max_side: int, name: str = "", max_bytes: int = MAX_BYTES) -> Look:
    """What a file is, what it says of itself and, of a picture, its pixels, no side longer than `max_side`: in one
    decode. Raises MediaError as `inspect` does.

    A JPEG is decoded at the smallest scale that gives `max_side` (4000 x 3000 for 960: a quarter), which costs a
    quarter of a full decode.
    """
    name = name or _name_of(source)
    found = _sniffed(source, name, max_bytes)
    if found.pillow:
        return _look_at_picture(source, found, max_side, name)
    if isinstance(source, bytes):
        with tempfile.NamedTemporaryFile(suffix=found.suffix) as copy:
            copy.write(source)
            copy.flush()
            return _look_at_stream(Path(copy.name), found, name)
    return _look_at_stream(Path(source), found, name)


def open_picture(source: Source, *, max_side: int | None = None, name: str = "") -> Image.Image:
    """A picture as shown: turned by its EXIF, in sRGB, mode RGB or RGBA; of an animated one the first frame.

    With `max_side` it is made no larger than that, which for a JPEG costs a quarter of a full decode.
    Raises MediaError.
    """
    name = name or _name_of(source)
    found = _sniffed(source, name, MAX_PICTURE_BYTES)
    if not found.pillow:
        raise _wrong(name, "isn't a picture")
    try:
        with _opened(source, found, name) as image:
            if max_side:
                image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
            image.load()
            return _in_srgb(ImageOps.exif_transpose(image))
    except _BROKEN as error:
        raise _damaged(name, error) from error


def read_sound(path: Path | str, *, rate: int = 16000, name: str = "", timeout: float = 600) -> NDArray[np.int16]:
    """The sound of an audio or video file as mono 16-bit samples at `rate`. Raises MediaError."""
    path, name = Path(path), name or _name_of(path)
    probe = inspect(path, name=name)
    if not probe.has_sound:
        raise MediaError(f"{name} has no sound.", reason="no_sound", next_step="Choose a file with speech in it.")
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples"
        output = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-t", f"{MAX_SECONDS:.0f}", "-ac", "1", "-ar", str(rate)]
        _decode([*untrusted(path), *output, "-f", "s16le", samples], name, timeout)
        return np.fromfile(samples, dtype="<i2").astype(np.int16, copy=False)


def frame_at(path: Path | str, second: float, *, max_side: int | None = None, name: str = "") -> Image.Image:
    """The picture that a video shows at `second`; after its end, the last one. Raises MediaError."""
    return frames_at(path, [second], max_side=max_side, name=name)[0]


def frames_at(
    path: Path | str, seconds: Sequence[float], *, max_side: int | None = None, exact: bool = True, name: str = ""
) -> list[Image.Image]:
    """The pictures of a video at `seconds`, decoded in one child process. Raises MediaError.

    Where not `exact`, each is the key frame before its second: six times faster, and good enough for an overview.
    """
    path, name = Path(path), name or _name_of(path)
    found = _sniffed(path, name, MAX_BYTES)
    if not found.demuxers:
        return [open_picture(path, max_side=max_side, name=name) for _ in seconds]
    request = json.dumps({"seconds": [max(0.0, float(s)) for s in seconds], "max_side": max_side, "exact": exact})
    with tempfile.NamedTemporaryFile() as pixels:
        sizes = _ask_child(["frames", found.demuxers, path.resolve(), request, pixels.name], name)["sizes"]
        pictures: list[Image.Image | None] = []
        for size in sizes:
            shape = tuple(size) if size else None
            pictures.append(Image.frombytes("RGB", shape, pixels.read(shape[0] * shape[1] * 3)) if shape else None)
    last = next((picture for picture in pictures if picture is not None), None)
    if last is None:
        raise MediaError(f"{name} shows no picture.", reason="no_picture", next_step="Choose another file.")
    filled: list[Image.Image] = []
    for picture in pictures:
        last = picture or last
        filled.append(last)
    return filled


def glimpses(
    path: Path | str, *, seconds: float, progress: Progress = no_progress, name: str = ""
) -> NDArray[np.void]:
    """A glimpse (GLIMPSE) of every frame of a video in order, at most about 30 a second, decoded in one pass.

    `seconds` is its length, for honest progress and fair limits. Raises MediaError; what `progress` raises stops it.
    """
    path, name = Path(path).resolve(), name or _name_of(path)
    found = _sniffed(path, name, MAX_BYTES)
    if not found.demuxers:
        raise MediaError(f"{name} isn't a video.", reason="no_picture", next_step="Choose a video.")
    with tempfile.NamedTemporaryFile() as rows:

        def told() -> None:
            done = Path(rows.name).stat().st_size // GLIMPSE.itemsize
            progress(min(done / (30 * max(seconds, 0.1)), 1.0))

        # Real time on one core is far more than any accepted codec takes.
        limit = int(_CHILD_CPU + 2 * seconds)
        request: list[str | Path] = ["film", found.demuxers, path, json.dumps(GLIMPSE.descr), rows.name]
        _ask_child(request, name, timeout=2 * limit, cpu=limit, told=told)
        return np.fromfile(rows.name, dtype=GLIMPSE)


# Pictures


def _look_at_picture(source: Source, found: Format, max_side: int, name: str) -> Look:
    try:
        with _opened(source, found, name) as image:
            frames = _frames_of(source, image, found)
            if frames * image.width * image.height > MAX_ANIMATION_PIXELS:
                raise _huge(name, f"it has {frames} frames of {image.width} x {image.height} pixels")
            width, height = image.size
            share = min(1.0, max_side / max(width, height))
            image.draft(None, (max(1, int(width * share)), max(1, int(height * share))))
            image.load()
            embedded = of_picture(image)  # after loading: a PNG may carry it behind its pixels
            turned = image.getexif().get(0x0112, 1)
            image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
            picture = _in_srgb(ImageOps.exif_transpose(image))
    except _BROKEN as error:
        raise _damaged(name, error) from error
    rotation = {3: 180, 4: 180, 5: 270, 6: 270, 7: 90, 8: 90}.get(turned, 0)
    if rotation % 180:
        width, height = height, width
    probe = Probe("image", found.content_type, found.suffix, width, height, frames=frames, rotation=rotation)
    return Look(probe, embedded, picture)


def _opened(source: Source, found: Format, name: str) -> Image.Image:
    """The picture with its header read and checked, its pixels not yet decoded."""
    if found is WEBP:  # Pillow's loader makes the canvas before anybody can look at its size
        _check_size(*_webp_size(_head(source)), name)
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=[found.pillow])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _huge(name, f"it has more than {MAX_PIXELS // 10**6} million pixels") from None
    _check_size(*image.size, name)
    return image


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _huge(name, f"it has {width} x {height} pixels")


def _webp_size(head: bytes) -> tuple[int, int]:
    kind, body = head[12:16], head[20:]
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _frames_of(source: Source, image: Image.Image, found: Format) -> int:
    if found is not GIF:
        return int(getattr(image, "n_frames", 1))
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as file:
        return count_gif_frames(file)


def count_gif_frames(file: IO[bytes]) -> int:
    """Frames of a GIF by its block structure alone: Pillow would build a picture for each to count them."""

    def skip_blocks() -> None:
        while size := (file.read(1) or b"\0")[0]:
            file.seek(size, io.SEEK_CUR)

    flags = file.read(13)[10]
    file.seek(3 << (flags & 7) + 1 if flags & 0x80 else 0, io.SEEK_CUR)
    frames = 0
    while marker := file.read(1):
        if marker == b"\x2c":
            flags = (file.read(9) or b"\0")[-1]
            file.seek((3 << (flags & 7) + 1 if flags & 0x80 else 0) + 1, io.SEEK_CUR)
            skip_blocks()
            frames += 1
        elif marker == b"\x21":
            file.read(1)
            skip_blocks()
        elif marker == b"\x3b":
            break
    return frames


def _in_srgb(image: Image.Image) -> Image.Image:
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # Pillow clips these at 255 when it converts them.
        deep = np.asarray(image, dtype=np.float64)
        image = Image.fromarray(
            (deep / max(1.0, 65535.0 if deep.max() > 255 else 255.0) * 255).clip(0, 255).astype("u1")
        )
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that doesn't fit: the numbers as they are
    return image if image.mode == mode else image.convert(mode)


# Video and sound


def _look_at_stream(path: Path, found: Format, name: str) -> Look:
    facts = _ask_child(["probe", found.demuxers, path.resolve()], name)
    if facts["seconds"] > MAX_SECONDS:
        raise MediaError(
            f"{name} is {facts['seconds'] / 3600:.1f} hours long.",
            reason="long",
            next_step="Cut it to 4 hours at most.",
        )
    content_type, suffix = found.content_type, found.suffix
    if facts["kind"] == "audio":
        content_type, suffix = found.sound
    elif found.sound[0] == found.content_type:
        raise _wrong(name, "holds video in a sound container")
    probe = Probe(
        kind=facts["kind"],
        content_type=content_type,
        suffix=suffix,
        width=facts.get("width", 0),
        height=facts.get("height", 0),
        seconds=round(facts["seconds"], 3),
        fps=round(facts.get("fps", 0.0), 3),
        has_sound=facts["has_sound"],
        frames=facts.get("frames", 0),
        rotation=facts.get("rotation", 0),
        codecs=tuple(facts["codecs"]),
    )
    return Look(probe, of_tags(facts["tags"]))


def _ask_child(
    arguments: Sequence[str | Path], name: str, timeout: float = 120, *, cpu: int = _CHILD_CPU,
    told: Callable[[], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """`told` is called four times a second while it works; when it raises, the child is ended."""
    command = guarded([sys.executable, "-I", _CHILD, *arguments], memory=_CHILD_MEMORY, cpu=cpu)
    end = time.monotonic() + timeout
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            while True:
                try:
                    out, errors = process.communicate(timeout=0.25 if told else timeout)
                    break
                except subprocess.TimeoutExpired:
                    if time.monotonic() > end:
                        raise _damaged(name) from None
                    if told:
                        told()
        finally:
            process.kill()
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:  # it crashed, or the kernel ended it at a limit
        logger.warning("The decoder ended with %s: %s", process.returncode, errors[-2000:].decode(errors="replace"))
        raise _damaged(name) from None
    if "problem" in answer:
        raise _refusal(answer["problem"], answer["detail"], name)
    return answer


def _refusal(problem: str, detail: str, name: str) -> MediaError:
    if problem == "huge":
        return _huge(
            name, f"its frames have {detail.replace('x', ' x ')} pixels" if detail else "it needs too much memory"
        )
    if problem == "codec":
        return MediaError(
            f"{name} is coded with {detail}, which isn't accepted.",
            reason="codec",
            next_step="Export it with H.264 or VP9 video and AAC or Opus sound.",
        )
    if problem == "no_picture":
        return MediaError(f"{name} shows no picture.", reason="no_picture", next_step="Choose a video.")
    if problem == "empty":
        return MediaError(f"{name} holds neither video nor sound.", reason="empty", next_step="Choose another file.")
    if problem == "truncated":
        return _truncated(name, detail)
    return _damaged(name)


def _decode(args: Sequence[str | Path], name: str, timeout: float) -> None:
    try:
        run_ffmpeg(args, timeout=timeout, memory=_CHILD_MEMORY)
    except EngineError as error:
        raise _damaged(name, error) from error


# Words


def _sniffed(source: Source, name: str, max_bytes: int) -> Format:
    try:
        size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
        head = _head(source)
    except OSError as error:
        raise MediaError(
            f"{name} can't be read: {error.strerror}.", reason="damaged", next_step="Check the path."
        ) from None
    if not size:
        raise MediaError(f"{name} is empty.", reason="empty", next_step="Export or upload it again.")
    found = sniff(head)
    if found is None:
        raise _wrong(name, f"is {looks_like(head)}")
    limit = min(max_bytes, MAX_PICTURE_BYTES) if found.pillow else max_bytes
    if size > limit:
        raise _huge(name, f"it has {size / 1e6:,.0f} MB, the limit is {limit / 1e6:,.0f} MB")
    return found


def _head(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source[:1024]
    with Path(source).open("rb") as file:
        return file.read(1024)


def _name_of(source: Source) -> str:
    return "The file" if isinstance(source, bytes) else Path(source).name


def _wrong(name: str, what: str) -> MediaError:
    return MediaError(f"{name} {what}, which isn't accepted here.", reason="wrong_type", next_step=f"Use {ACCEPTED}.")


def _huge(name: str, why: str) -> MediaError:
    return MediaError(f"{name} is too large: {why}.", reason="huge", next_step="Make it smaller and try again.")


def _truncated(name: str, detail: str = "") -> MediaError:
    return MediaError(
        f"{name} is truncated{f': {detail}' if detail else ''}.",
        reason="truncated",
        next_step="Export or upload it again; the last transfer stopped early.",
    )


def _damaged(name: str, error: Exception | None = None) -> MediaError:
    if error is not None and any(word in str(error).lower() for word in ("truncated", "not processed", "broken png")):
        return _truncated(name)
    return MediaError(f"{name} is damaged and can't be read.", reason="damaged", next_step="Export or upload it again.")
