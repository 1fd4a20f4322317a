"""kill -9 of the worker at random moments: the story completes by itself, each step once, nothing left behind."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT, alive_with, environment, manage, running, start, until

ARTICLE = ROOT / "creator" / "samples" / "article.md"


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(data / "db.sqlite3", timeout=20) as connection:
        return list(connection.execute(query))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_five_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    manage(tmp_path, "set_up", "--no-samples")
    moments = random.Random(time.time_ns())
    worker = start(tmp_path, "worker")
    assert until(lambda: rows(tmp_path, "select name from creator_worker"), seconds=30)
    asked = subprocess.Popen(
        [sys.executable, "manage.py", "create_story", str(ARTICLE), "--formats", "video:9x16,card:1x1", "--seconds",
         "20", "--json"],
        cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    kills = 0
    try:
        while kills < 5:
            if not until(lambda: rows(tmp_path, "select 1 from creator_job where state='running'"), seconds=40):
                break  # it was faster than our kills
            time.sleep(moments.uniform(0.2, 4))
            worker.kill()
            worker.wait()
            kills += 1
            time.sleep(2)
            left = {pid: command for pid, command in alive_with(tmp_path).items() if pid != asked.pid}
            assert not left, f"alive 2 s after the kill: {left}"
            worker = start(tmp_path, "worker")
        out, told = asked.communicate(timeout=240)
    finally:
        worker.terminate()
        worker.wait(timeout=30)
        if asked.poll() is None:
            asked.kill()
            asked.wait()
    assert kills >= 2
    assert asked.returncode == 0, told.decode()
    assert len(json.loads(out)["files"]) == 4
    events = rows(tmp_path, "select data from creator_event where kind='step.done'")
    steps = [json.loads(str(data)) for (data,) in events]
    done = [json.dumps({key: each[key] for key in ("step", "scene", "format") if key in each}) for each in steps]
    assert len(done) == len(set(done)), "a step's effect happened twice"
    assert rows(tmp_path, "select count(*) from creator_story") == [(1,)]
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_worker_that_is_told_to_stop_hands_its_job_back(tmp_path: Path) -> None:
    manage(tmp_path, "set_up")
    with running(tmp_path, "worker") as worker:
        assert until(lambda: rows(tmp_path, "select 1 from creator_job where state='running'"), seconds=40)
        worker.terminate()
        assert worker.wait(timeout=25) is not None
    assert not rows(tmp_path, "select 1 from creator_job where state='running'")
    assert until(lambda: not alive_with(tmp_path), seconds=2)
