"""Stories that are made while a disk is full, renderers are killed and providers fail."""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from media_processing.storage import digest_of
from tests.faults.failing_storage import FAULT
from tests.faults.house import PATIENCE, House, Outcome, ended, house
from tests.generation.test_openai_writer import answer
from tests.openai_double import Reply, openai_double
from tests.processes import ROOT, alive_with, free_port, manage, until

ARTICLE = ROOT / "creator" / "samples" / "article.md"
RETRY = """
from creator import jobs
from creator.models import Job
for job in Job.objects.filter(kind="make_story", state__in=["failed", "parked"]):
    jobs.retry(job)
"""
CREATE = """
from pathlib import Path
from creator.models import User, Workspace
from creator.services import stories
stories.create(Workspace.objects.get(), by=User.objects.get(username="owner"), article=Path({article!r}).read_text(),
               formats=["card:1x1"], seconds=12)
"""
PRICES = """\
date = 2026-11-01
currency = "USD"
[[model]]
provider = "127.0.0.1"
name = "tiny"
input = "1.00"
output = "10.00"
"""
LAST = "select state, error, next_step from creator_job where kind = 'make_story' order by id desc limit 1"
NOBODY = "nobody was told"
DRAFTS = "select count(*) from creator_story where state = 'draft'"


def remains(home: House) -> int:
    """Files that are wrong by their digest, and halves of files."""
    wrong = json.loads(manage(home.data, "verify", "--json", **home.env).stdout)
    return len(wrong) + len(list((home.data / "media").rglob("*.partial")))


def told_of(row: tuple[str, str, str] | None) -> str:
    return f"{row[1]} {row[2]}" if row and row[1] else NOBODY


def full_disk(args: argparse.Namespace) -> Outcome:
    """No file of the worker may grow beyond 40 KB while a story is made; then it may."""
    with house() as home:
        limited = home.start("worker")
        until(lambda: home.rows("select name from creator_worker"), seconds=120)
        # The database keeps growing: only what is written anew from here on meets the limit in this process.
        most = 40_000 + (home.data / "db.sqlite3").stat().st_size
        resource.prlimit(limited.pid, resource.RLIMIT_FSIZE, (most, most))
        home.start("create_story", str(ARTICLE), "--formats", "card:1x1", "--seconds", "12").wait(timeout=PATIENCE)
        said = told_of(home.rows(LAST)[0])
        ended(limited)
        return _mended(home, said)


def small_disk(args: argparse.Namespace) -> Outcome:
    """A file system of its own with 150 KB left, database included, while a story is made; then with room (root)."""
    folder = Path(tempfile.mkdtemp(prefix="storyloom-faults-disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m", "none", str(folder)], check=True)
    try:
        with house(folder=folder) as home:
            home.shell(CREATE.format(article=str(ARTICLE)))
            ballast = home.data / "ballast"
            ballast.write_bytes(bytes(shutil.disk_usage(folder).free - 150_000))
            starved = home.start("worker")
            until(lambda: home.rows(LAST)[0][0] in ("failed", "parked"), seconds=60, every=1)
            row = home.rows(LAST)[0]
            ended(starved)
            ballast.unlink()
            return _mended(home, told_of(row) if row[1] else f"it stayed {row[0]}")
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def full_storage(args: argparse.Namespace) -> Outcome:
    """The storage that hosts share is full in the middle of a file, then away, while a story is made; then it isn't."""
    told = []
    with house() as home:
        home.env["DJANGO_SETTINGS_MODULE"] = "tests.faults.shared_settings"
        shared = home.data / "shared" / "media"
        shared.mkdir(parents=True)
        home.shell(CREATE.format(article=str(ARTICLE)))
        for fault in ("full", "away"):
            (shared.parent / FAULT).write_text(fault)
            home.shell(RETRY)
            worker = home.start("worker")
            until(lambda: home.rows(LAST)[0][0] == "failed", seconds=120, every=0.5)
            told.append(told_of(home.rows(LAST)[0]))
            ended(worker)
        (shared.parent / FAULT).unlink()
        found = _mended(home, " ".join(told))
        halves = [each for each in shared.rglob("*.*") if digest_of(each) != each.name.partition(".")[0]]
        left = f"{found.told}; {len(halves)} halves are left that no row names"
        return replace(found, lost=found.lost + told.count(NOBODY), told=left)


def read_only(args: argparse.Namespace) -> Outcome:
    """The media's folder can't be written while a story is made; then it can (root)."""
    with house() as home:
        media = home.data / "media"
        media.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", str(media)], check=True)
        try:
            home.shell(CREATE.format(article=str(ARTICLE)))
            worker = home.start("worker")
            until(lambda: home.rows(LAST)[0][0] == "failed", seconds=120, every=0.5)
            said = told_of(home.rows(LAST)[0])
            ended(worker)
        finally:
            subprocess.run(["umount", "-l", str(media)], check=False)
        return _mended(home, said)


def _mended(home: House, said: str) -> Outcome:
    begun, worker = time.monotonic(), home.start("worker")
    home.shell(RETRY)
    made = until(lambda: home.one(DRAFTS), seconds=PATIENCE, every=0.5)
    took = time.monotonic() - begun
    worker.terminate()
    worker.wait(timeout=60)
    return Outcome(1, int(not made) + remains(home), 0, 0.0, f"{said} Then {took:.0f} s")


def kill_renderer(args: argparse.Namespace) -> Outcome:
    """kill -9 of ffmpeg at random moments while a video is made: it completes by itself."""
    moments, kills = random.Random(args.seed), 0
    with house() as home:
        worker = home.start("worker")
        asked = home.start("create_story", str(ARTICLE), "--formats", "video:9x16", "--seconds", "20")
        while asked.poll() is None and kills < max(2, args.kills // 4):
            time.sleep(moments.uniform(0.05, 0.5))
            found = [pid for pid, command in alive_with(home.data).items() if "ffmpeg" in command.split(" ")[0]]
            if found:
                try:
                    os.kill(moments.choice(found), 9)
                except ProcessLookupError:
                    continue  # it was done
                kills += 1
                time.sleep(1)
        asked.wait(timeout=PATIENCE)
        worker.terminate()
        worker.wait(timeout=60)
        state, error, _next = home.rows(LAST)[0]
        steps = [json.loads(data) for (data,) in home.rows("select data from creator_event where kind = 'step.done'")]
        done = [json.dumps({key: each[key] for key in ("step", "scene", "format") if key in each}) for each in steps]
        lost = int(home.one(DRAFTS) != 1) + remains(home)
        return Outcome(1, lost, len(done) - len(set(done)), 0.0, f"{kills} times; {state} {error}".rstrip())


Fault = Callable[[dict[str, Any]], Reply]
FAULTS: dict[str, Fault] = {
    "429": lambda _asked: Reply(status=429),
    "500": lambda _asked: Reply(status=500),
    "garbage": lambda _asked: Reply(raw=b"data: {no json\n\ndata: <html>\n\n"),
    "hangs up": lambda asked: Reply(answer(asked), drop=True),
    "silence": lambda asked: Reply(answer(asked), pause=30),
}
SLOW = 1.5
"""Seconds that an answer may be silent for without being given up."""


def providers(args: argparse.Namespace) -> Outcome:
    """A writer that refuses, breaks, talks rubbish, hangs up, falls silent or isn't there, then works; a slow one."""
    slowest, silent, most = 0.0, [], 0
    with openai_double() as double, house() as home:
        (home.data / "prices.toml").write_text(PRICES)
        home.env |= {
            "WRITER": "openai", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": double.address, "WRITER_MODEL": "tiny",
            "STORYLOOM_PRICES": str(home.data / "prices.toml"),
            "DJANGO_SETTINGS_MODULE": "tests.faults.impatient_settings",
        }  # fmt: skip
        away = f"http://127.0.0.1:{free_port()}/v1"
        fault: list[Fault] = []
        answered, lock = [0], threading.Lock()

        def next_reply(asked: dict[str, Any]) -> Reply:
            with lock:
                double.requests.append(asked)
                if fault:
                    return fault[0](asked)
                answered[0] += 1
            return Reply(answer(asked))

        double.next = next_reply  # type: ignore[method-assign]
        cases: list[tuple[str, list[Fault]]] = [*((name, [each]) for name, each in FAULTS.items()), ("away", [])]
        for number, (name, given) in enumerate(cases):
            fault[:], before, begun = given, len(double.requests), time.monotonic()
            worker = home.start("worker", **({} if given else {"OPENAI_BASE_URL": away}))
            home.shell(CREATE.format(article=str(ARTICLE)))
            until(lambda: home.rows(LAST)[0][0] == "failed", seconds=180, every=0.5)
            slowest = max(slowest, time.monotonic() - begun)
            most = max(most, len(double.requests) - before)
            if not all(home.rows(LAST)[0][1:]):
                silent.append(name)
            worker.terminate()
            worker.wait(timeout=60)
            fault.clear()
            worker = home.start("worker")
            home.shell(RETRY)
            if not until(lambda number=number: home.one(DRAFTS) == number + 1, seconds=180, every=0.5):  # type: ignore[misc]
                silent.append(f"{name} stayed")
            worker.terminate()
            worker.wait(timeout=60)
        fault[:] = [lambda asked: Reply(answer(asked), pause=SLOW)]
        before, worker = len(double.requests), home.start("worker")
        home.shell(CREATE.format(article=str(ARTICLE)))
        if not until(lambda: home.one(DRAFTS) == len(cases) + 1, seconds=180, every=0.5):
            silent.append("slow was given up")
        answered[0] += len(double.requests) - before
        worker.terminate()
        worker.wait(timeout=60)
        lost = len(cases) + 1 - int(home.one(DRAFTS))
        paid = int(home.one("select coalesce(sum(calls), 0) from generation_charge where role = 'writer'"))
        held = int(home.one("select count(*) from generation_charge where state = 'reserved'"))
        said = f"at most {most} requests a fault; {answered[0]} answers, {paid} charged; {held} still reserved"
        again = answered[0] - 2 * (len(cases) + 1)  # a story takes two answers
        told = f"{said} {' '.join(silent)}".rstrip()
        return Outcome(len(cases) + 1, lost + len(silent), max(0, again), slowest, told, within=60)
