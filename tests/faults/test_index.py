"""The search index under kill -9, a full disk, and readers and writers in many processes at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from search.engines.base import IndexDamaged
from search.engines.faiss import FaissIndex
from tests.contracts.index import ids, unit
from tests.processes import ROOT

pytestmark = pytest.mark.slow

WRITER = """
import sys
from search.engines import faiss
from search.engines.faiss import FaissIndex
from tests.contracts.index import unit
faiss.COMPACT_AT, faiss.COMPACTED_AT_ONCE = 40, int(sys.argv[3])
index = FaissIndex("faiss", folder=sys.argv[1], exact_up_to=100)
vectors = unit(500)
for number in range(int(sys.argv[2]), 1_000_000, 5):
    index.add("m", range(number, number + 5), vectors[[n % 500 for n in range(number, number + 5)]])
    print(number + 5, flush=True)
"""
READER = """
import sys, time
from search.engines.faiss import FaissIndex
from tests.contracts.index import ids, unit
index = FaissIndex("faiss", folder=sys.argv[1])
vectors, until, searches, seen = unit(500), time.monotonic() + float(sys.argv[2]), 0, 0
while time.monotonic() < until:
    assert ids(index.search("m", vectors[searches % 50], limit=1)) == [searches % 50]
    now = index.generation("m")
    assert now >= seen
    searches, seen = searches + 1, now
print(searches, seen)
"""
FULL = """
import resource, sys
from media_processing.engine import EngineError
from search.engines.faiss import FaissIndex
from tests.contracts.index import unit
index = FaissIndex("faiss", folder=sys.argv[1], exact_up_to=int(sys.argv[3]))
index.load()
def fill():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
def late(*arguments, write=index._write_index):
    fill()
    write(*arguments)
if sys.argv[2] == "rows":
    fill()
else:
    index._write_index = late
def batches():
    for start in range(0, 2000, 500):
        yield range(start, start + 500), unit(500, seed=start)
try:
    index.replace("m", batches())
except EngineError as error:
    print(error)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_writers(folder: Path, *, kills: int, seed: int) -> tuple[int, int]:
    """kill -9 of a process that adds and compacts, half the time beside its adds, at random moments.

    Returns how often the index could not be read afterwards, and how many adds that had returned were lost.
    """
    rng, acknowledged, unreadable, lost = random.Random(seed), 0, 0, 0
    vectors = unit(500)
    for turn in range(kills):
        writer = start(WRITER, folder, acknowledged, 0 if turn % 2 else 20_000)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        assert first, writer.communicate()[1]
        time.sleep(rng.uniform(0, 0.3))
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.communicate()[0].split()
        acknowledged = max(map(int, [first, *rest]))
        try:
            index = FaissIndex("faiss", folder=folder)
            held = index.ids("m")
            lost += acknowledged - int(np.isin(np.arange(acknowledged), held).sum())
            last = acknowledged - 1
            found = index.search("m", vectors[last % 500], limit=1, allowed=np.array([last]))
            lost += not found or found[0].score < 0.999
            index.maintain("m")
        except IndexDamaged:
            unreadable += 1
            break
    return unreadable, lost


@pytest.mark.slow
def test_killed_writers_leave_a_readable_index_and_lose_nothing(tmp_path: Path) -> None:
    assert kill_writers(tmp_path, kills=5, seed=time.time_ns()) == (0, 0)
    index = FaissIndex("faiss", folder=tmp_path)
    assert ids(index.search("m", unit(500)[3], limit=1)) == [3]
    index.compact("m", wait=True)
    assert not list((tmp_path / "m").glob(".making-0*")), "what killed compactions left"


@pytest.mark.slow
def test_readers_in_other_processes_never_notice_a_swap(tmp_path: Path) -> None:
    """Two writers add, each compacting on its way, while two readers search without a pause."""
    FaissIndex("faiss", folder=tmp_path).add("m", range(50), unit(500)[:50])
    readers = [start(READER, tmp_path, 4) for _ in range(2)]
    writers = [start(WRITER, tmp_path, first, 20_000) for first in (100_000, 200_000)]
    told = [reader.communicate(timeout=60) for reader in readers]
    for writer in writers:
        writer.kill()
    written = [max(map(int, writer.communicate()[0].split())) for writer in writers]
    for out, error in told:
        assert not error, error
        searches, generation = map(int, out.split())
        assert searches > 20
        assert generation > 2
    held = set(FaissIndex("faiss", folder=tmp_path).ids("m").tolist())
    for first, last in zip((100_000, 200_000), written, strict=True):
        assert held >= set(range(first, last))


@pytest.mark.parametrize("exact_up_to", [50_000, 500], ids=["flat", "inverted file"])
@pytest.mark.parametrize("full_at", ["rows", "base"])
def test_a_full_disk_leaves_the_old_generation_in_use(tmp_path: Path, full_at: str, exact_up_to: int) -> None:
    """The system refuses to let a file grow on: the same error as on a full disk."""
    index = FaissIndex("faiss", folder=tmp_path)
    index.add("m", range(10), unit(10))
    index.compact("m")
    done = start(FULL, tmp_path, full_at, exact_up_to)
    out, error = done.communicate(timeout=60)
    assert done.returncode == 0, error
    assert "can't be written" in out
    assert "disk" in out
    assert index.generation("m") == 2
    assert ids(index.search("m", unit(10)[4], limit=1)) == [4]
    assert sorted(path.name for path in (tmp_path / "m").iterdir() if path.is_dir()) == ["gen-000001", "gen-000002"]
    assert index.replace("m", [(range(20), unit(20))]) == 20
