"""`make load`: editors, apps and jobs at once on one installation, for minutes: latencies, errors, memory over time.

python -m tests.load [--minutes 14] [--mode sqlite|postgres|both] [--editors 3] [--apps 4] [--out FILE]

One JSON object a second goes to FILE (`-` for stdout), a table to stdout. Latencies are by the wall clock: on a machine
with other work they say more about that.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from tests.benchmarks.harness import percentile
from tests.faults.house import PATIENCE, House, ended, house
from tests.faults.ledger import answers
from tests.media_processing.makers import picture
from tests.processes import free_port, until

SEED = """
import json
from django.conf import settings
from django.test import Client
from creator.models import Membership, User, Workspace
from creator.services import keys, publications, reviews
from tests.factories import finished_story
workspace = Workspace.objects.get()
channel = publications.default_channel(workspace)
alice, moderator = User.objects.create_user("alice"), User.objects.get(username="moderator")
Membership.objects.create(workspace=workspace, user=alice, role="editor")
made = [finished_story(workspace, alice) for _ in range({stories})]
for story in made[: {stories} // 2]:
    case = reviews.submit(story, by=alice)
    reviews.decide(case, by=moderator, verb="approve", version=case.version, note="Seen.")
    story.refresh_from_db()
    publications.publish(story, channel, by=alice)
sessions = []
for _ in range({editors}):
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    sessions.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
scopes = ("stories:read", "stories:write", "search:read", "jobs:read")
print(json.dumps({{"cookie": settings.SESSION_COOKIE_NAME, "sessions": sessions,
                  "stories": [str(story.pk) for story in made],
                  "published": [str(story.pk) for story in made[: {stories} // 2]],
                  "secret": keys.make(channel, name="load", scopes=scopes, rate=1_000_000)[1]}}))
"""
WORDS = ("river", "boat", "harbour", "tree", "bridge", "market", "lighthouse", "train", "garden", "school")
ARTICLE = "The {} got a new {} on Friday. Fishers had asked for it. It can be seen from afar, says report {}."
OPEN = "select count(*) from creator_job where state in ('waiting', 'running')"
DONE = "select count(*) from creator_job where state = 'done'"
FAILED = "select count(*) from creator_job where state in ('failed', 'parked')"
FLAT, JUDGED_FROM = 0.05, 10.0
"""By so much may resident memory differ within the last two thirds of a run of so many minutes at least."""


@dataclass
class Measured:
    """What happened in a run."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: Counter[str] = field(default_factory=Counter)
    """What was answered with which status, where that is an error; 0 is no answer."""
    lines: list[dict[str, Any]] = field(default_factory=list)
    jobs_done: int = 0
    jobs_failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, seconds: float, status: int, path: str) -> None:
        good = status in (200, 201, 304)
        with self.lock:
            self.taken[what].append(seconds)
            self.errors[what] += not good
            if not good:
                self.wrong[f"{status} of {path}"] += 1

    def count(self) -> int:
        return sum(map(len, self.taken.values()))

    def growth(self, name: str) -> float:
        """By which share the minute's median of resident memory changed within the last two thirds, at the most."""
        values = [line[name] for line in self.lines[len(self.lines) // 3 :]]
        size = max(1, min(60, len(values) // 4))
        minutes = [statistics.median(values[at : at + size]) for at in range(0, len(values) - size + 1, size)]
        return max(minutes) / min(minutes) - 1 if minutes and min(minutes) else 0.0


@dataclass
class Asker:
    """Somebody with a connection of their own."""

    port: int
    headers: dict[str, str]
    measured: Measured
    connection: http.client.HTTPConnection | None = None

    def ask(self, what: str, method: str, path: str, body: str | None = None, **headers: str) -> bytes:
        """One request, measured. An answer of 500, or none, is an error; so is a status that isn't expected."""
        begun, status, content = time.monotonic(), 0, b""
        for repeated in (False, True):  # a server may close an idle connection
            self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            try:
                self.connection.request(method, path, body, {**self.headers, **headers})
                answer = self.connection.getresponse()
                status, content = answer.status, answer.read()
                break
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                if repeated:
                    break
        self.measured.note(what, time.monotonic() - begun, status, path)
        return content


def editor(asker: Asker, told: dict[str, Any], chance: random.Random, over: threading.Event) -> None:
    """Searches, opens stories, types titles and sees cards, looks at the tray; a second between two acts."""
    while not over.is_set():
        story, words = chance.choice(told["stories"]), " ".join(chance.sample(WORDS, 2))
        acts: tuple[tuple[str, str], ...] = (
            ("search", f"/library/?q={quote(words)}"), ("library", "/library/?kind=image"),
            ("stories", "/"), ("studio", f"/stories/{story}/"), ("tray", "/jobs/tray/"),
            *(("card", f"/stories/{story}/cards/1x1.webp?title={quote(words)}+{chance.random()}") for _ in range(3)),
        )  # fmt: skip
        what, path = chance.choice(acts)
        asker.ask(what, "GET", path)
        over.wait(chance.uniform(0.5, 1.5))


def app(asker: Asker, told: dict[str, Any], chance: random.Random, over: threading.Event) -> None:
    """Polls the API, twice a second."""
    while not over.is_set():
        story = chance.choice(told["published"])
        paths = (
            ("api list", "/api/v1/stories?limit=20"), ("api story", f"/api/v1/stories/{story}"),
            ("api search", f"/api/v1/search?q={chance.choice(WORDS)}"), ("api jobs", "/api/v1/jobs"),
        )  # fmt: skip
        what, path = chance.choice(paths)
        asker.ask(what, "GET", path)
        over.wait(chance.uniform(0.3, 0.7))


def maker(asker: Asker, home: House, chance: random.Random, over: threading.Event) -> None:
    """Asks for stories, so that there is always one to be made and seldom a queue."""
    while not over.is_set():
        if home.one(OPEN) < 3:
            article = ARTICLE.format(*chance.sample(WORDS, 2), chance.randrange(10**9))
            body = json.dumps({"article": article, "formats": ["card:1x1", "card:9x16"], "seconds": 15})
            asker.ask("api make", "POST", "/api/v1/stories", body, **{"Content-Type": "application/json"})
        over.wait(2)


def resident(pid: int) -> float:
    """Megabytes of a process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


def run(args: argparse.Namespace, *, postgres: bool, out: IO[str] | None = None) -> Measured:
    """Load on a fresh installation; raises RuntimeError where its server doesn't start."""
    measured, over, port = Measured(), threading.Event(), free_port()
    with ExitStack() as stack:
        home = stack.enter_context(house(broker=postgres, database=postgres))
        pictures = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storyloom-load-")))
        for number in range(args.pictures):
            image = picture(96, 64, noisy=bool(number % 2)).rotate(number, expand=True)
            image.save(pictures / f"{WORDS[number % 10]} {WORDS[number // 10 % 10]} {number}.png")
        home.env["STORYLOOM_PORT"] = str(port)
        told = json.loads(home.shell(SEED.format(stories=args.stories, editors=args.editors)).strip().splitlines()[-1])
        web = home.start("web", "--port", str(port))
        worker = home.start("worker") if args.jobs else None
        stack.callback(lambda: [ended(each) for each in (web, worker) if each])
        if not until(lambda: answers(port), seconds=PATIENCE, every=0.5):
            raise RuntimeError((home.data / "web.log").read_text()[-3000:])
        if args.pictures:
            home.start("import_assets", str(pictures)).wait(timeout=PATIENCE)
        work: list[Callable[[], None]] = []
        for number, session in enumerate(told["sessions"]):
            asker = Asker(port, {"Cookie": f"{told['cookie']}={session}"}, measured)
            work.append(lambda a=asker, n=number: editor(a, told, random.Random(n), over))  # type: ignore[misc]
        bearer = {"Authorization": f"Bearer {told['secret']}"}
        for number in range(args.apps):
            asker = Asker(port, bearer, measured)
            work.append(lambda a=asker, n=number: app(a, told, random.Random(100 + n), over))  # type: ignore[misc]
        if args.jobs:
            work.append(lambda: maker(Asker(port, bearer, measured), home, random.Random(7), over))
        threads = [threading.Thread(target=each) for each in work]
        for thread in threads:
            thread.start()
        _watch(args, measured, home, web.pid, worker.pid if worker else 0, out)
        over.set()
        for thread in threads:
            thread.join(timeout=150)
        measured.jobs_done, measured.jobs_failed = home.one(DONE), home.one(FAILED)
        if broken := (home.data / "web.log").read_text().count("Internal Server Error"):
            measured.errors["500 by the server's log"] += broken
    return measured


def _watch(
    args: argparse.Namespace, measured: Measured, home: House, web: int, worker: int, out: IO[str] | None
) -> None:
    """A line a second, until the minutes are over."""
    begun, seen = time.monotonic(), 0
    while (now := time.monotonic() - begun) < 60 * args.minutes:
        time.sleep(1)
        with measured.lock:
            fresh = [second for values in measured.taken.values() for second in values[-50:]]
        count = measured.count()
        line = {
            "second": round(now), "requests": count - seen, "errors": sum(measured.errors.values()),
            "p95_ms": round(1000 * percentile(fresh, 0.95), 1) if fresh else None,
            "web_mb": round(resident(web), 1), "worker_mb": round(resident(worker), 1) if worker else 0.0,
        }  # fmt: skip
        seen = count
        measured.lines.append(line)
        if out:
            print(json.dumps(line), file=out, flush=True)


def table(measured: Measured) -> str:
    """What people read."""
    rows = [f"{'':14} {'requests':>9} {'errors':>7} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'longest':>9}"]
    for what, taken in sorted(measured.taken.items()):
        p50, p95, p99 = (1000 * percentile(taken, share) for share in (0.5, 0.95, 0.99))
        errors = measured.errors[what]
        rows.append(f"{what:14} {len(taken):9} {errors:7} {p50:8.0f} {p95:8.0f} {p99:8.0f} {1000 * max(taken):9.0f}")
    for name in ("web_mb", "worker_mb"):
        values = [line[name] for line in measured.lines]
        if values and max(values):
            rows.append(
                f"{name}: {values[0]:.0f} at first, {values[-1]:.0f} at last, at most {max(values):.0f}; "
                f"within {measured.growth(name):.1%} over the last two thirds"
            )
    rows += [f"{count} x {what}" for what, count in measured.wrong.most_common(10)]
    rows.append(f"jobs: {measured.jobs_done} done, {measured.jobs_failed} failed")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load")
    parser.add_argument("--minutes", type=float, default=14, help="of each mode")
    parser.add_argument("--mode", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--editors", type=int, default=3)
    parser.add_argument("--apps", type=int, default=4)
    parser.add_argument("--stories", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--no-jobs", dest="jobs", action="store_false", help="no worker and no new stories")
    parser.add_argument("--out", help="a file for a JSON object a second; - for stdout")
    args = parser.parse_args()
    good = True
    with ExitStack() as stack:
        out = sys.stdout if args.out == "-" else stack.enter_context(Path(args.out).open("w")) if args.out else None
        for mode in ("sqlite", "postgres") if args.mode == "both" else (args.mode,):
            measured = run(args, postgres=mode == "postgres", out=out)
            print(
                f"{mode}, {args.minutes:g} minutes, load average {os.getloadavg()[1]:.1f}\n{table(measured)}\n",
                flush=True,
            )
            good &= not sum(measured.errors.values()) and not measured.jobs_failed
            if args.minutes >= JUDGED_FROM:
                good &= all(measured.growth(name) <= FLAT for name in ("web_mb", "worker_mb"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
