"""Real processes of the product for tests: started on a data folder of their own, ended by their own id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(data: Path, **more: str) -> dict[str, str]:
    """The environment of a process that keeps everything in `data`."""
    ours = ("STORYLOOM_", "OPENAI_", "CELERY_", "DATABASE_", "DJANGO_", "S3_", "REDIS_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "STORYLOOM_DATA": str(data), "STORYLOOM_LEASE": "3", "PYTHONUNBUFFERED": "1", **more}


def manage(data: Path, *args: str, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; fails with its output where it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=environment(data, **env), capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def start(data: Path, *args: str, **env: str) -> subprocess.Popen[bytes]:
    """Start a command; its output goes to a file beside the data."""
    log = (data / f"{args[0]}.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=environment(data, **env), stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip


@contextmanager
def running(data: Path, *args: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the block runs."""
    process = start(data, *args, **env)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def alive_with(data: Path) -> dict[int, str]:
    """Processes (pid -> command line) that were started for `data`, zombies left out."""
    needle = f"STORYLOOM_DATA={data}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if command:
                    found[int(folder.name)] = command
        except OSError:
            continue
    return found


def until(condition: Callable[[], object], *, seconds: float, every: float = 0.1) -> bool:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every)
    return bool(condition())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
