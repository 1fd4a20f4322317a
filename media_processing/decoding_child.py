"""Reads untrusted video and sound with PyAV, in a process of its own that may crash. Run as a script by decoding.py.

    decoding_child.py probe FORMATS FILE               one JSON object on stdout
    decoding_child.py frames FORMATS FILE REQUEST OUT  RGB bytes into OUT, one JSON object on stdout
    decoding_child.py film FORMATS FILE ROW OUT        a glimpse of each frame into OUT, as rows of that dtype

A refusal is {"problem": word, "detail": words}; a crash is the parent's to explain.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np

CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "libaom-av1", "mpeg4", "mpeg2video", "mjpeg", "prores", "dnxhd"}
    | {"ffv1", "theora", "aac", "mp3", "mp3float", "opus", "libopus", "vorbis", "flac", "alac", "ac3", "eac3"}
)
"""What cameras, phones, editors and browsers write, and every PCM. Each further decoder is attack surface."""
STILL = 1.0
"""Seconds by which the data may end before the header says so."""

MAX_TAGS, MAX_TAG = 64, 8000
"""Tags that are looked at, and characters of each."""

MOST_A_SECOND = 31.0

Facts: TypeAlias = dict[str, Any]


class RefusedError(Exception):
    """One word for the kind of problem, and details."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(problem, detail)
        self.problem, self.detail = problem, detail


def opened(path: str, formats: str) -> Any:
    options = {"protocol_whitelist": "file", "format_whitelist": formats}
    return av.open(f"file:{path}", options=options, metadata_errors="replace")


def film_of(container: Any) -> Any:
    """The video stream; a cover picture inside a sound file is none."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


def check_codec(stream: Any) -> str:
    if stream.codec_context is None:
        raise RefusedError("codec", "unknown")
    name: str = stream.codec_context.name
    if name not in CODECS and not name.startswith("pcm_"):
        raise RefusedError("codec", name)
    stream.codec_context.thread_count = 1  # the limits on memory count each thread's stack
    return name


def turns(frame: Any) -> int:
    """Quarter turns, counter-clockwise, until the frame is as its camera saw it."""
    return int(round(frame.rotation / 90) % 4)


def length_of(stream: Any, container: Any) -> float:
    if stream is not None and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def end_of_data(container: Any, stream: Any, near: float) -> float:
    """When the last packet of a stream ends, in seconds from the stream's start, looking from `near` on."""
    start = (stream.start_time or 0) * stream.time_base
    container.seek(max(0, int((near + start) / stream.time_base)), stream=stream)
    last = Fraction(0)
    for packet in container.demux(stream):
        if packet.pts is not None and not packet.is_corrupt:
            last = max(last, (packet.pts + (packet.duration or 0)) * packet.time_base)
    return float(last - start)


def probe(path: str, formats: str) -> Facts:
    with opened(path, formats) as container:
        film = film_of(container)
        sound = container.streams.audio[0] if container.streams.audio else None
        if film is None and sound is None:
            raise RefusedError("empty")
        facts: Facts = {"kind": "audio" if film is None else "video", "has_sound": sound is not None, "codecs": []}
        facts["tags"] = tags_of(container, film if film is not None else sound)
        if film is not None:
            facts["codecs"].append(check_codec(film))
            facts |= film_facts(container, film)
        if sound is not None:
            facts["codecs"].append(check_codec(sound))
            container.seek(0)
            if next(container.decode(sound), None) is None and film is None:
                raise RefusedError("truncated")
        stream = film if film is not None else sound
        facts["seconds"] = length_of(stream, container)
    # A fresh look, since a seek can't be undone in every container.
    with opened(path, formats) as container:
        stream = film_of(container) or container.streams.audio[0]
        end = end_of_data(container, stream, max(0.0, facts["seconds"] - 2.0))
    short = max(STILL, 0.02 * facts["seconds"])
    if 0 < end < facts["seconds"] - short or not end:
        with opened(path, formats) as container:  # the seek may have missed: containers without an index
            end = end_of_data(container, film_of(container) or container.streams.audio[0], 0.0)
        if end < facts["seconds"] - short:
            raise RefusedError("truncated", f"{end:.1f} of {facts['seconds']:.1f} seconds are there")
    # A film recorded live has no length in its header, and one of uneven frames has a wrong one.
    facts["seconds"] = max(facts["seconds"], end)
    return facts


def tags_of(container: Any, stream: Any) -> dict[str, str]:
    """What the container and its main stream say in words (an Ogg file says it in the stream)."""
    said = {**stream.metadata, **container.metadata}
    return {key[:60]: value[:MAX_TAG] for key, value in list(said.items())[:MAX_TAGS]}


def film_facts(container: Any, film: Any) -> Facts:
    if film.codec_context.width * film.codec_context.height > 50_000_000:
        raise RefusedError("huge", f"{film.codec_context.width}x{film.codec_context.height}")
    frame = next(container.decode(film), None)
    if frame is None:
        raise RefusedError("truncated")
    shape = film.sample_aspect_ratio
    width = round(frame.width * shape) if shape and 0.1 < shape < 10 else frame.width
    quarter = turns(frame)
    shown = (frame.height, width) if quarter % 2 else (width, frame.height)
    rate = film.average_rate or film.guessed_rate or Fraction(0)
    return {
        "width": shown[0], "height": shown[1], "rotation": quarter * 90, "fps": float(rate), "frames": film.frames,
    }  # fmt: skip


def frames(path: str, formats: str, request: Facts, out: Path) -> Facts:
    """Pictures at the asked seconds, each in its own look at the file: {"sizes": [[width, height] | None, ...]}."""
    sizes: list[tuple[int, int] | None] = []
    with out.open("wb") as target, opened(path, formats) as container:
        film = film_of(container)
        if film is None:
            raise RefusedError("no_picture")
        check_codec(film)
        for second in request["seconds"]:
            frame = frame_near(container, film, second, exact=request["exact"])
            picture = None if frame is None else as_shown(frame, film, request["max_side"])
            sizes.append(None if picture is None else (picture.shape[1], picture.shape[0]))
            if picture is not None:
                target.write(np.ascontiguousarray(picture).tobytes())
    return {"sizes": sizes}


def film(path: str, formats: str, row: Any, out: Path) -> Facts:
    """A glimpse of every frame, at most about 30 a second, in one pass: {"frames": number}.

    A frame that can't be decoded ends it: what came before can be used.
    """
    count, last = 0, -1.0
    with out.open("wb") as target, opened(path, formats) as container:
        stream = film_of(container)
        if stream is None:
            raise RefusedError("no_picture")
        check_codec(stream)
        start = float((stream.start_time or 0) * stream.time_base)
        try:
            for frame in container.decode(stream):
                second = None if frame.time is None else frame.time - start
                if second is None or second - last < 1 / MOST_A_SECOND:
                    continue
                last = second
                target.write(glimpse(frame, second, row).tobytes())
                count += 1
                if count % 64 == 0:
                    target.flush()
        except av.FFmpegError:
            if not count:
                raise
    return {"frames": count}


def glimpse(frame: Any, second: float, row: Any) -> Any:
    planes = frame.to_ndarray(format="yuv444p", width=256, height=144, interpolation="BILINEAR")
    luma = planes[0].astype(np.int16)
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
    seen = np.zeros(1, row)
    seen["second"], seen["sharpness"] = second, laplacian.var()
    # In two steps, each along memory: six times faster than one mean over two axes.
    rows = planes.reshape(3, 9, 16, 256).sum(axis=2, dtype=np.uint16)
    seen["small"] = (rows.reshape(3, 9, 16, 16).sum(axis=3, dtype=np.uint32) // 256).transpose(1, 2, 0)
    return seen


def frame_near(container: Any, film: Any, second: float, *, exact: bool) -> Any:
    """The frame shown at `second`; where not `exact`, the key frame before it. The last frame after the end."""
    start = float((film.start_time or 0) * film.time_base)
    container.seek(max(0, int((second + start) / film.time_base)), stream=film)
    shown = None
    for frame in container.decode(film):
        if shown is not None and frame.time is not None and frame.time - start > second + 1e-6:
            break
        shown = frame
        if not exact:
            break
    return shown


def as_shown(frame: Any, film: Any, max_side: int | None) -> Any:
    shape = film.sample_aspect_ratio
    width, height = frame.width, frame.height
    if shape and 0.1 < shape < 10:
        width = round(width * shape)
    scale = min(1.0, max_side / max(width, height)) if max_side else 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = frame.to_ndarray(format="rgb24", width=size[0], height=size[1], interpolation="AREA")
    return np.rot90(picture, turns(frame))


def main(arguments: list[str]) -> int:
    task, formats, path = arguments[:3]
    av.logging.set_level(None)
    try:
        if task == "probe":
            answer = probe(path, formats)
        elif task == "film":
            row = np.dtype([(name, kind, tuple(*shape)) for name, kind, *shape in json.loads(arguments[3])])
            answer = film(path, formats, row, Path(arguments[4]))
        else:
            answer = frames(path, formats, json.loads(arguments[3]), Path(arguments[4]))
    except RefusedError as refusal:
        answer = {"problem": refusal.problem, "detail": refusal.detail}
    except (av.FFmpegError, EOFError) as error:
        answer = {"problem": "damaged", "detail": getattr(error, "strerror", "") or type(error).__name__}
    except MemoryError:
        answer = {"problem": "huge", "detail": ""}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
