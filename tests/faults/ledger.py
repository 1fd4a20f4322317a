"""Jobs of which each leaves one mark, while what does them is broken again and again."""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from operator import ge
from pathlib import Path

from tests.faults.house import PATIENCE, House, Outcome, ended, house
from tests.operations import servers
from tests.processes import ROOT, environment, free_port, until

BEFORE_SENDING = """
import os
from django.db import transaction
from creator import jobs
from creator.models import Workspace
workspace = Workspace.objects.get()
with transaction.atomic():
    transaction.on_commit(lambda: os.kill(os.getpid(), 9))
    for number in range({count}):
        jobs.submit("count", workspace=workspace, number=number)
"""
KEY = """
from creator.models import Workspace
from creator.services import keys, publications
channel = publications.default_channel(Workspace.objects.get())
print(keys.make(channel, name="faults", scopes=("stories:write",), rate=1_000_000)[1])
"""
WRITE = """
import json, sys, time
from django.db import transaction
from creator.models import Workspace
workspace, took, errors = Workspace.objects.get(), [], 0
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    begun = time.monotonic()
    try:
        with transaction.atomic():
            row = Workspace.objects.get(pk=workspace.pk)
            row.name = f"{{int(row.name or 0) + 1}}"
            row.save(update_fields=["name"])
    except Exception:
        errors += 1
    took.append(time.monotonic() - begun)
    time.sleep(0.005)
print(json.dumps([took, errors]))
"""
SLOWLY = {"COUNT_SECONDS": "0.2"}
"""Where one of two workers is alive all the time: so slowly that the jobs last for all kills."""
Turn = Callable[[House, random.Random], float]
"""One fault and its mending; returns the seconds until work went on."""


def broken(
    args: argparse.Namespace, turn: Turn, *, jobs: int = 0, turns: int = 0, workers: int = 1, broker: bool = False,
    database: bool = False, **env: str,
) -> Outcome:  # fmt: skip
    """Counted jobs under `turns` faults at random moments."""
    moments, slowest, happened = random.Random(args.seed), 0.0, 0
    jobs, turns = jobs or args.jobs, turns or args.kills
    with house(broker=broker, database=database) as home:
        home.worker_env = env
        home.submit(jobs)
        for _ in range(workers):
            home.work()
        for _ in range(turns):
            until(lambda: home.in_hand() or home.done() == jobs, seconds=PATIENCE, every=0.1)
            if home.done() == jobs:
                break
            time.sleep(moments.uniform(0, 0.8))
            slowest = max(slowest, turn(home, moments))
            happened += 1
        return home.outcome(jobs, slowest, f"{happened} of {turns} times")


def replaced(home: House, _moments: random.Random) -> float:
    held = home.in_hand()
    home.kill()
    home.work()
    return home.went_on(held)


def kill_worker(args: argparse.Namespace) -> Outcome:
    """kill -9 of the worker with its dispatcher; SQLite, no broker."""
    return broken(args, replaced)


def default_lease(args: argparse.Namespace) -> Outcome:
    """The same with the lease that people have, 15 seconds; all others have one of 3, to be done sooner."""
    return broken(args, replaced, turns=max(1, args.kills // 7), workers=2, STORYLOOM_LEASE="15", **SLOWLY)


def kill_worker_redis(args: argparse.Namespace) -> Outcome:
    """kill -9 of one of two workers in turn; SQLite and Redis."""
    return broken(args, replaced, workers=2, broker=True, **SLOWLY)


def kill_worker_postgres(args: argparse.Namespace) -> Outcome:
    """kill -9 of one of two workers in turn; PostgreSQL and Redis."""
    return broken(args, replaced, workers=2, broker=True, database=True, **SLOWLY)


def wipe_redis(args: argparse.Namespace) -> Outcome:
    """kill -9 of the worker and FLUSHALL of Redis at once."""

    def turn(home: House, _moments: random.Random) -> float:
        held = home.in_hand()
        home.kill()
        subprocess.run(["redis-cli", "-p", str(home.redis_port), "flushall"], check=True, capture_output=True)
        home.work()
        return home.went_on(held)

    return broken(args, turn, broker=True)


def kill_redis(args: argparse.Namespace) -> Outcome:
    """kill -9 of Redis, which is away for up to three seconds and comes back empty; the workers live on."""
    with ExitStack() as stack:

        def turn(home: House, moments: random.Random) -> float:
            servers.kill_redis(home.redis_port)
            time.sleep(moments.uniform(0.5, 3))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storyloom-faults-redis-")))
            stack.enter_context(servers.redis(folder, port=home.redis_port))
            return home.next_mark()

        return broken(args, turn, turns=max(1, args.kills // 4), workers=2, broker=True)


def fail_over(args: argparse.Namespace) -> Outcome:
    """kill -9 of the Redis that Sentinel calls master: jobs that are asked for afterwards go over its replica."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storyloom-faults-sentinel-")))
        home = stack.enter_context(house())
        master, replica, watcher = stack.enter_context(servers.sentinel(folder))
        home.env["CELERY_BROKER_URL"] = f"sentinel://127.0.0.1:{watcher}/0"
        home.submit(args.jobs)
        for _ in range(2):
            home.work()
        until(home.marks, seconds=PATIENCE)
        servers.kill_redis(master)
        begun = time.monotonic()
        if not until(lambda: servers.master_of(watcher) == replica, seconds=60, every=0.2):
            raise AssertionError(f"Sentinel still calls {servers.master_of(watcher)} its master")
        slowest = time.monotonic() - begun
        home.submit(20)
        used = home.shell("from django.core.cache import cache; cache.set('a', 'afloat'); print(cache.get('a'))")
        found = home.outcome(args.jobs + 20, slowest, f"the cache says {used.strip()}")
        return replace(found, lost=found.lost + ("afloat" not in used))


def freeze_worker(args: argparse.Namespace) -> Outcome:
    """One of two workers, dispatcher and reaper included, stands still for longer than its lease, then goes on."""

    def turn(home: House, moments: random.Random) -> float:
        frozen = moments.choice(home.workers)
        held = home.in_hand()
        frozen.send_signal(signal.SIGSTOP)
        try:
            return home.went_on(held)
        finally:
            time.sleep(1)
            frozen.send_signal(signal.SIGCONT)

    return broken(args, turn, turns=max(1, args.kills // 4), workers=2)


def clock_steps(args: argparse.Namespace) -> Outcome:
    """The clock of two workers, that is of two reapers, jumps by a minute, forwards and back: what Django asks for."""
    return _stepped(args, "{:.0f}", lambda clock: {"COUNT_CLOCK": str(clock)})


def system_clock_steps(args: argparse.Namespace) -> Outcome:
    """The same for everything in these processes, and what they load: libfaketime stands before the C library."""
    return _stepped(
        args, "{:+.0f}s",
        lambda clock: {
            "LD_PRELOAD": str(faketime()), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # a step of the wall clock leaves it alone
        },
    )  # fmt: skip


def faketime() -> Path | None:
    """libfaketime for programs with threads, where Debian's package faketime put it."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def _stepped(args: argparse.Namespace, form: str, given: Callable[[Path], dict[str, str]]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="storyloom-faults-clock-") as folder:
        clock = Path(folder) / "clock"
        clock.write_text(form.format(0))

        def step(offset: float) -> None:
            coming = clock.with_suffix(".new")
            coming.write_text(form.format(offset))
            coming.replace(clock)

        def turn(home: House, moments: random.Random) -> float:
            step(moments.choice((60, -60)))
            time.sleep(2)
            step(0)
            return home.next_mark()

        return broken(args, turn, turns=max(1, args.kills // 4), workers=2, **given(clock))


def long_jobs(args: argparse.Namespace) -> Outcome:
    """Two workers do jobs that take four times the lease and six times Redis's visibility timeout."""
    with house(broker=True) as home:
        home.submit(6)
        begun = time.monotonic()
        for _ in range(2):
            home.work(COUNT_SECONDS="4", COUNT_VISIBILITY="2")
        found = home.outcome(6, 0.0, "12 s each")
        return replace(found, told=f"{found.told}, {time.monotonic() - begun:.0f} s in all")


def drain(args: argparse.Namespace) -> Outcome:
    """SIGTERM: the worker hands its jobs back and ends, within 30 seconds; another does them."""

    def turn(home: House, _moments: random.Random) -> float:
        begun = time.monotonic()
        process = home.workers.pop()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=120)
        took = time.monotonic() - begun
        left.append(len(home.in_hand()))
        home.work()
        return took

    left: list[int] = []
    turns = max(1, args.kills // 4)
    found = broken(args, turn, jobs=4 * turns, turns=turns, broker=True, COUNT_SECONDS="0.5")
    return replace(found, lost=found.lost + sum(left), within=30, told=f"{found.told}, {sum(left)} left in hand")


def kill_before_sending(args: argparse.Namespace) -> Outcome:
    """kill -9 between the commit of jobs and their message to Redis."""
    count = min(args.jobs, 50)
    with house(broker=True) as home:
        home.work()
        until(lambda: home.rows("select name from creator_worker"), seconds=120)
        killed = home.start("shell", "-v", "0", "-c", BEFORE_SENDING.format(count=count))
        until(home.in_hand, seconds=120, every=0.05)
        killed.wait(timeout=60)
        if killed.returncode != -signal.SIGKILL:
            raise AssertionError(f"the process that should die ended with {killed.returncode}")
        first = "(julianday(min(started)) - julianday(min(created))) * 86400"
        return home.outcome(count, float(home.one(f"select {first} from creator_job where kind = 'count'")))


def kill_web(args: argparse.Namespace) -> Outcome:
    """kill -9 of the web server while apps ask for stories, each call named by an Idempotency-Key and asked again."""
    apps, moments, port, slowest = 4, random.Random(args.seed), free_port(), 0.0
    asked, answered = [0] * apps, [0] * apps
    with house() as home:
        secret, over = home.shell(KEY).split()[-1], threading.Event()
        home.env["STORYLOOM_PORT"] = str(port)

        def app(number: int) -> None:
            while not over.is_set():
                name = f"call-{number}-{asked[number]}"
                asked[number] += 1
                until(lambda name=name: _asked(port, secret, name), seconds=PATIENCE, every=0.1)  # type: ignore[misc]
                answered[number] += 1
                over.wait(0.1)

        server = home.start("web", "--port", str(port))
        until(lambda: answers(port), seconds=PATIENCE, every=0.5)
        threads = [threading.Thread(target=app, args=(number,)) for number in range(apps)]
        for thread in threads:
            thread.start()
        for _ in range(args.kills):
            time.sleep(moments.uniform(0.1, 1.0))
            in_hand, begun = list(asked), time.monotonic()
            ended(server)
            server = home.start("web", "--port", str(port))
            until(lambda held=in_hand: all(map(ge, answered, held)), seconds=PATIENCE, every=0.1)  # type: ignore[misc]
            slowest = max(slowest, time.monotonic() - begun)
        over.set()
        for thread in threads:
            thread.join(timeout=PATIENCE)
        ended(server)
        calls, stories = sum(asked), int(home.one("select count(*) from creator_story"))
        jobs = int(home.one("select count(*) from creator_job where kind = 'make_story'"))
        lost = max(0, calls - stories) + max(0, calls - jobs)
        doubled = max(0, stories - calls) + max(0, jobs - calls)
        return Outcome(calls, lost, doubled, slowest, f"{args.kills} times; until every call in hand was answered")


def _asked(port: int, secret: str, name: str) -> bool:
    """Ask for a story; whether the server said that it will be made."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"article": f"The harbour got a new lighthouse. {name}.", "formats": ["card:1x1"], "seconds": 20})
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": name, "Content-Type": "application/json"}
    try:
        connection.request("POST", "/api/v1/stories", body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    if answer.status in (400, 401, 403, 404, 422, 500):
        raise AssertionError(f"a story was answered with {answer.status}")
    return answer.status == 201


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def writers(args: argparse.Namespace) -> Outcome:
    """Eight processes that read and write one row of SQLite; recovered is the 99th percentile of a write."""
    with house() as home:
        home.shell("from creator.models import Workspace; Workspace.objects.update(name='0')")
        script = WRITE.format(seconds=args.seconds)
        running = [
            subprocess.Popen(
                [sys.executable, "manage.py", "shell", "-v", "0", "-c", script], cwd=ROOT,
                env=environment(home.data), stdout=subprocess.PIPE,
            )
            for _ in range(8)
        ]  # fmt: skip
        told = [json.loads(each.communicate(timeout=args.seconds + 240)[0].splitlines()[-1]) for each in running]
        took, errors = sorted(second for times, _ in told for second in times), sum(count for _, count in told)
        written = int(home.one("select name from creator_workspace"))
        slow = statistics.quantiles(took, n=100)[98]
        said = f"{errors} errors, p99 {slow:.2f} s, longest {took[-1]:.2f} s"
        return Outcome(len(took), len(took) - written, max(0, written - len(took)), slow, said, within=2)
