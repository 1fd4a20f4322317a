"""ffmpeg ends with us, says how far it is, and stops when told."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from media_processing.engine import EngineError
from media_processing.ffmpeg import binary, encode_frames, run_ffmpeg, untrusted

pytestmark = pytest.mark.slow  # `make quick` leaves it out

ROOT = Path(__file__).resolve().parents[2]
FOREVER = ["-re", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10", "-t", "60", "-f", "null", "-"]
"""Takes a minute of wall-clock time and next to no work."""


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def program_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except FileNotFoundError:  # it has just ended
        return ""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_progress_is_honest_and_ends_at_one() -> None:
    shares: list[float] = []
    run_ffmpeg(
        ["-re", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=2", "-f", "null", "-"],
        progress=shares.append,
        seconds=2,
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert any(0.2 < share < 0.9 for share in shares)


def test_a_failure_says_what_ffmpeg_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="No such file") as caught:
        run_ffmpeg(["-i", tmp_path / "nothing.mp4", "-f", "null", "-"])
    assert str(tmp_path) not in str(caught.value)


def test_a_progress_that_raises_stops_it_within_a_second() -> None:
    class CancelledError(Exception):
        pass

    def cancel(_share: float) -> None:
        raise CancelledError

    started = time.monotonic()
    with pytest.raises(CancelledError):
        run_ffmpeg(FOREVER, progress=cancel)
    assert time.monotonic() - started < 2
    assert not [pid for pid in children_of(os.getpid()) if is_running(pid)]


def test_it_is_stopped_when_it_takes_too_long() -> None:
    started = time.monotonic()
    with pytest.raises(EngineError, match="did not finish within 1 seconds"):
        run_ffmpeg(FOREVER, timeout=1)
    assert time.monotonic() - started < 3


class Killer:
    """A progress callback that kills ffmpeg from outside, so many times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.killed: set[int] = set()

    def __call__(self, _share: float) -> None:
        for pid in children_of(os.getpid()):
            if self.left and pid not in self.killed and "ffmpeg" in program_of(pid):
                self.left -= 1
                self.killed.add(pid)
                os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_one_that_the_system_kills_is_started_again(tmp_path: Path) -> None:
    killer, target = Killer(2), tmp_path / "film.mp4"
    run_ffmpeg(["-re", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=1", target], progress=killer)
    assert len(killer.killed) == 2
    with av.open(str(target)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_one_that_is_killed_again_and_again_is_an_error_with_a_next_step() -> None:
    with pytest.raises(EngineError, match="killed by the system") as caught:
        run_ffmpeg(FOREVER, progress=Killer(9))
    assert "STORYLOOM_THREADS" in caught.value.next_step


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_it_dies_with_a_killed_parent() -> None:
    code = f"from media_processing.ffmpeg import run_ffmpeg; run_ffmpeg({FOREVER!r})"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        deadline = time.monotonic() + 20
        while not (found := [pid for pid in children_of(parent.pid) if "ffmpeg" in program_of(pid)]):
            assert time.monotonic() < deadline, "ffmpeg never started"
            time.sleep(0.05)
        parent.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 2
        while any(map(is_running, found)):
            assert time.monotonic() < deadline, "ffmpeg outlived its parent"
            time.sleep(0.05)
    finally:
        parent.kill()
        parent.wait()


def test_frames_become_a_video(tmp_path: Path) -> None:
    def frames() -> Iterator[np.ndarray]:
        for number in range(15):
            yield np.full((31, 51, 3), number * 10, np.uint8)

    path = tmp_path / "frames.mp4"
    path.write_bytes(encode_frames(frames(), width=51, height=31, fps=15))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 50, 30)
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert sum(1 for _ in container.decode(stream)) == 15


def test_a_frame_of_the_wrong_size_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="12 bytes instead of 48"):
        encode_frames([bytes(12)], width=4, height=4)


@pytest.mark.parametrize("suffix", [".m3u8", ".mp4", ".txt", ".ffconcat"])
def test_a_playlist_is_not_an_input(tmp_path: Path, suffix: str) -> None:
    playlist = tmp_path / f"list{suffix}"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")
    with pytest.raises(EngineError):
        run_ffmpeg([*untrusted(playlist), "-f", "null", "-"])


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in ("creator", "search", "generation", "media_processing", "moderation"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def names_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_nobody_else_starts_ffmpeg() -> None:
    guilty = []
    for name, tree in sources():
        if name == "media_processing/ffmpeg.py":
            continue
        if any(module.startswith("imageio_ffmpeg") for module in names_in(tree)):
            guilty.append(f"{name} imports imageio_ffmpeg")
        starts = {"subprocess", "multiprocessing", "asyncio", "media_processing.processes"} & set(names_in(tree))
        if starts and "media_processing.ffmpeg.binary" in set(names_in(tree)):
            guilty.append(f"{name} takes ffmpeg's path and starts processes")
        for node in ast.walk(tree):
            if isinstance(node, ast.List | ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
                program = node.elts[0].value
                if isinstance(program, str) and Path(program).name in {"ffmpeg", "ffprobe", "ffplay"}:
                    guilty.append(f"{name}:{node.lineno} names ffmpeg as a program")
    assert not guilty


def test_nobody_else_opens_media_with_pyav() -> None:
    # The second one filters samples of our own and opens nothing.
    opens, filters = "media_processing/decoding_child.py", "media_processing/loudness.py"
    assert {name for name, tree in sources() if "av" in set(names_in(tree))} == {opens, filters}
    assert "av.open" not in (ROOT / filters).read_text()


def test_the_binary_is_there() -> None:
    assert Path(binary()).is_file()
