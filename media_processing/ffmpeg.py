"""The one place that starts ffmpeg."""

from __future__ import annotations

import fcntl
import functools
import logging
import re
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path
from typing import IO, Any

import imageio_ffmpeg

from media_processing.engine import EngineError, Progress, no_progress
from media_processing.processes import guarded

DEMUXERS = "mov,mp4,matroska,webm,wav,mp3,ogg,flac,gif"
"""What untrusted files may be read as: containers that hold their data, never playlists that point elsewhere."""
MAX_PIXELS = 50_000_000
"""A frame of an untrusted video with more is refused by the decoder."""

log = logging.getLogger(__name__)

_MUXERS = {
    ".mp4": "mp4", ".m4a": "mp4", ".mov": "mov", ".webm": "webm", ".weba": "webm", ".mkv": "matroska",
    ".mka": "matroska", ".wav": "wav", ".mp3": "mp3", ".ogg": "ogg", ".flac": "flac",
}  # fmt: skip
_TRIES = 3
_HEARTBEAT = 0.25
"""Seconds between two looks at the clock; a cancelled job stops within it."""


@functools.cache
def binary() -> str:
    """The path of the ffmpeg that pip brought."""
    return str(Path(imageio_ffmpeg.get_ffmpeg_exe()).resolve())


def untrusted(path: Path | str) -> list[str]:
    """Input arguments for a file that came from outside: it can open nothing but itself."""
    return [
        "-protocol_whitelist", "file,pipe",
        "-format_whitelist", DEMUXERS,
        "-max_pixels", str(MAX_PIXELS),
        "-i", f"file:{Path(path).resolve()}",
    ]  # fmt: skip


def run_ffmpeg(
    args: Sequence[str | Path],
    *,
    progress: Progress = no_progress,
    seconds: float | None = None,
    timeout: float = 600,
    memory: int = 0,
) -> str:
    """Run ffmpeg with `args` (inputs, filters, outputs) and return what it wrote to stderr.

    `seconds` is the length of the output; with it `progress` is called with honest shares. It is called at least four
    times a second either way, and when it raises, ffmpeg is killed and the exception goes on.
    `timeout` is wall-clock seconds, `memory` bytes (0: no limit). ffmpeg never outlives this process. Where somebody
    else kills it (the kernel, when memory is short), it is started again, twice at most.

    Raises EngineError with the end of ffmpeg's own words.
    """
    command = [binary(), "-hide_banner", "-nostdin", "-y", "-loglevel", "error"]
    command += ["-stats_period", "0.25", "-progress", "pipe:1", *map(str, args)]
    for _try in range(_TRIES):
        with tempfile.TemporaryFile() as errors:
            process = _start(command, memory=memory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
            try:
                _watch(process, progress, seconds, timeout)
            except subprocess.TimeoutExpired:
                raise _too_slow(timeout) from None
            finally:
                _end(process)
            said = _tail(errors)
        if process.returncode != -signal.SIGKILL:
            break
        log.warning("Somebody killed ffmpeg.")
    if process.returncode:
        raise _failure(process.returncode, said)
    progress(1.0)
    return said


def repack(source: Path, target: Path) -> None:
    """Write the first picture and sound tracks of a file from outside into a container of the kind that `target`'s
    suffix names: the same samples, and nothing of what else lay in it. Raises EngineError.
    """
    tracks = ["-map", "0:V:0?", "-map", "0:a:0?", "-map_metadata", "-1", "-map_chapters", "-1", "-c", "copy"]
    written = ["-fflags", "+bitexact", "-movflags", "+faststart", "-f", _MUXERS[target.suffix], str(target)]
    run_ffmpeg([*untrusted(source), *tracks, *written])


@contextmanager
def slots(folder: Path, wanted: int, *, of: int, progress: Progress = no_progress) -> Iterator[int]:
    """Hold up to `wanted`, at least one, of the `of` slots that all renders share; yields how many.

    A slot is a locked file in `folder`, so that several jobs and several worker processes keep to one number of busy
    threads, and a killed one gives its own back. `progress` is called while none is free; what it raises goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held: list[BufferedWriter] = []
    try:
        while not held:
            for number in range(of):
                file = (folder / f"slot-{number}.lock").open("ab")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.close()
                    continue
                held.append(file)
                if len(held) == wanted:
                    break
            if not held:
                progress(0.0)
                time.sleep(_HEARTBEAT / 5)
        yield len(held)
    finally:
        for file in held:
            file.close()


def encode_frames(
    frames: Iterable[Any], *, width: int, height: int, fps: float = 30, crf: int = 18, timeout: float = 600
) -> bytes:
    """An MP4 (H.264, yuv420p, no sound) of RGB frames: bytes or C-ordered uint8 arrays of height x width x 3.

    An odd width or height loses its last column or row, since yuv420p can't hold it.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        target = Path(folder) / "frames.mp4"
        command = [
            binary(), "-hide_banner", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "pipe:0", "-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2",
            "-c:v", "libx264", "-preset", "veryfast", "-crf", str(crf), "-pix_fmt", "yuv420p",
            "-movflags", "+faststart", str(target),
        ]  # fmt: skip
        process = _start(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.start()
        try:
            _feed(process, frames, width * height * 3)
            process.wait()
        finally:
            watchdog.cancel()
            _end(process)
        if process.returncode or not target.exists():
            raise _failure(process.returncode, _tail(errors))
        return target.read_bytes()


def _start(command: Sequence[str], *, memory: int = 0, **pipes: Any) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C in the terminal is for us to handle, ffmpeg would take it for "finish early".
    return subprocess.Popen(guarded(command, memory=memory), start_new_session=True, **pipes)


def _watch(process: subprocess.Popen[bytes], progress: Progress, seconds: float | None, timeout: float) -> None:
    """Read ffmpeg's progress until it closes the pipe."""
    assert process.stdout is not None  # noqa: S101 - we asked for the pipe
    deadline = time.monotonic() + timeout
    share = 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(_HEARTBEAT):
                report = process.stdout.read1(65536)  # type: ignore[attr-defined]
                if not report:
                    process.wait(timeout=max(1.0, deadline - time.monotonic()))
                    return
                times = re.findall(rb"out_time_us=(\d+)", report)
                if times and seconds:
                    share = max(share, min(int(times[-1]) / 1e6 / seconds, 1.0))
            progress(share)
            if time.monotonic() > deadline:
                raise _too_slow(timeout)


def _feed(process: subprocess.Popen[bytes], frames: Iterable[Any], size: int) -> None:
    assert process.stdin is not None  # noqa: S101 - we asked for the pipe
    with suppress(BrokenPipeError):  # its exit code says why
        for frame in frames:
            view = memoryview(frame).cast("B")
            if view.nbytes != size:
                raise ValueError(f"A frame has {view.nbytes} bytes instead of {size}.")
            process.stdin.write(view)
    with suppress(BrokenPipeError):
        process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Reap it. What still runs here is not wanted any more."""
    if process.poll() is None:
        process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    process.wait()


def _tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, 2)
    errors.seek(max(0, size - 1_000_000))
    return errors.read().decode(errors="replace").strip()


def _too_slow(timeout: float) -> EngineError:
    return EngineError(
        f"ffmpeg did not finish within {timeout:.0f} seconds and was stopped.",
        next_step="Try a shorter or smaller file.",
    )


def _failure(code: int | None, said: str) -> EngineError:
    # Paths of our own temporary files say nothing to the person who reads this.
    words = re.sub(r"(file:)?/\S+/", "", " ".join(said.splitlines()[-4:]))[-500:]
    if code == -signal.SIGKILL:
        return EngineError(
            "ffmpeg was killed by the system again and again.",
            next_step="Most often memory is short: let fewer jobs run at a time (STORYLOOM_THREADS), then try again.",
        )
    return EngineError(f"ffmpeg failed (code {code}): {words or 'it said nothing'}.")
