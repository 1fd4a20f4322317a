"""Starting helper processes that can't outlive us, can't eat the machine and can't hang for ever."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# Runs in the child before the real program, in a fresh interpreter (about 15 ms). A preexec_fn would run Python between
# fork and exec, which can deadlock when the parent has threads, and workers have; setpriv isn't on every machine.
_LAUNCHER = """
import os, sys
parent, memory, cpu, files, nice = map(int, sys.argv[1:6])
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(137)
import resource
for limit, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu), (resource.RLIMIT_FSIZE, files)):
    if value:
        resource.setrlimit(limit, (value, value))
os.nice(nice)
os.execv(sys.argv[6], sys.argv[6:])
"""


def guarded(
    command: Sequence[str | Path], *, memory: int = 0, cpu: int = 0, file_size: int = 0, nice: int = 5
) -> list[str]:
    """`command` (an absolute program path first) as one that dies with us and keeps to its limits.

    `memory` and `file_size` are bytes, `cpu` is seconds of processor time; 0 is no limit.

    The kernel sends the death signal (SIGKILL, Linux) when the *thread* that started the child ends, so start it from
    the thread that waits for it, or from one that lives as long as the process.
    """
    limits = [str(number) for number in (os.getpid(), memory, cpu, file_size, nice)]
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, *limits, *map(str, command)]


def die_with(parent: int) -> None:
    """Have the kernel end this process (Linux) when its parent, the process `parent`, ends, however that does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(137)
