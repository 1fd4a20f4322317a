"""Lists of 20 stories with renditions out of 10,000, over HTTP, beside Django REST Framework's in the same server.

Both lists are asked of one server, with the same middleware, database and key, in turn. Requests a second come from two
clients that ask without pause; the latency from requests that are sent 50 times a second, whether or not the one before
is answered. On a busy machine the server's processor time per request says more than either.
"""

from __future__ import annotations

import http.client
import itertools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks import rows
from tests.benchmarks.harness import Figure, at_least, at_most, p50, p95, plain, team
from tests.processes import free_port, running, until

PUBLICATIONS, FILES = 10_000, 4
SECONDS, RATE, CLIENTS = 8.0, 50, 2
_clock = itertools.count()
OURS, THEIRS = "/api/v1/stories?limit=20", "/drf/stories"


def figures() -> Iterator[Figure]:
    from django.conf import settings

    from creator.services import keys, publications

    workspace, user = team("content-api-bench")
    channel = publications.default_channel(workspace)
    _with_files(workspace, rows.publications(workspace, user, channel, PUBLICATIONS))
    secret = keys.make(channel, name="bench", rate=1_000_000)[1]
    data, port = Path(settings.DATA), free_port()
    env = {"STORYLOOM_PORT": str(port), "DJANGO_SETTINGS_MODULE": "tests.benchmarks.drf_settings"}
    with running(data, "web", "--port", str(port), **env) as server:
        if not until(lambda: _ask(port, "/healthz", secret)[0], seconds=120, every=1.0):
            raise RuntimeError((data / "web.log").read_text()[-3000:])
        for path in (OURS, THEIRS):
            status, body = _ask(port, path, secret)
            if status != 200:
                raise RuntimeError(f"{path} answered {status}: {body[:300]!r}")
        yield from measured(server.pid, port, secret)


def _with_files(workspace: Any, made: list[Any]) -> None:
    """Four renditions for each publication, which its document names too."""
    from creator.models import Publication
    from media_processing.models import Rendition

    files = Rendition.objects.bulk_create(
        Rendition(
            workspace=workspace, recipe=("video:9x16", "card:1x1", "vtt", "srt")[number % FILES],
            key=rows.digest("file", number), digest=rows.digest("file", number), path="none", content_type="video/mp4",
            size=4_000_000, width=1080, height=1920, seconds=41.2,
        )
        for number in range(FILES * 500)
    )  # fmt: skip
    link = Publication.renditions.through
    link.objects.bulk_create(
        (link(publication_id=row.pk, rendition_id=files[(number * FILES + each) % len(files)].pk)
         for number, row in enumerate(made) for each in range(FILES)),
        batch_size=5000,
    )  # fmt: skip


def measured(pid: int, port: int, secret: str) -> Iterator[Figure]:
    """Warm both, then measure them in turn."""
    for path in (OURS, THEIRS) * 10:
        _ask(port, path, secret)
    full = {name: _full_speed(pid, port, path, secret) for name, path in (("ours", OURS), ("drf", THEIRS))}
    (ours, our_cpu), (theirs, their_cpu) = full["ours"], full["drf"]
    beside = f"ours {ours:.0f}/s, {1000 * our_cpu:.2f} ms of processor; DRF's {theirs:.0f}/s, {1000 * their_cpu:.2f} ms"
    yield at_least("content_api: requests a second, ours to Django REST Framework's", ours / theirs, "x", 3.0, beside)
    yield plain("content_api: processor time, Django REST Framework's to ours", their_cpu / our_cpu, "x", beside)
    cold, cold_cpu = _full_speed(pid, port, OURS, secret, cold=True)
    yield plain("content_api: requests a second where every answer is new", cold, "/s",
                f"{1000 * cold_cpu:.2f} ms of the processor each")  # fmt: skip
    taken = _paced(port, OURS, secret)
    theirs_taken = _paced(port, THEIRS, secret)
    beside = f"p50 {1000 * p50(taken):.1f} ms; DRF: {1000 * p50(theirs_taken):.1f}, p95 {1000 * p95(theirs_taken):.1f}"
    yield at_most(f"content_api: p95 at {RATE} requests a second", 1000 * p95(taken), "ms", 60.0, beside)


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def _get(connection: http.client.HTTPConnection, path: str, secret: str) -> tuple[int, bytes]:
    connection.request("GET", path, headers={"Authorization": f"Bearer {secret}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def _ask(port: int, path: str, secret: str) -> tuple[int, bytes]:
    try:
        return _get(_connection(port), path, secret)
    except OSError:
        return 0, b""


def _cpu(pid: int) -> float:
    """Seconds that a process and all its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _full_speed(pid: int, port: int, path: str, secret: str, *, cold: bool = False) -> tuple[float, float]:
    """Requests a second of clients that ask without pause, and the server's processor seconds per request.

    With `cold` each request asks for what nobody asked before, so that nothing was kept.
    """
    done, end = [0] * CLIENTS, time.perf_counter() + SECONDS

    def client(number: int) -> None:
        connection = _connection(port)
        while time.perf_counter() < end:
            status, _ = _get(connection, f"{OURS}&published_after={_moment()}" if cold else path, secret)
            if status != 200:
                raise RuntimeError(f"{path} answered {status}")
            done[number] += 1

    before, began = _cpu(pid), time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = sum(done)
    return count / (time.perf_counter() - began), (_cpu(pid) - before) / max(count, 1)


def _moment() -> str:
    """A moment long ago that nobody named before."""
    return f"2001-01-01T00:00:00.{next(_clock) % 1_000_000:06}Z"


def _paced(port: int, path: str, secret: str) -> list[float]:
    """Seconds from the moment at which each request was due to its answer."""
    taken: list[float] = []
    start = time.perf_counter() + 0.2

    def client(number: int) -> None:
        connection = _connection(port)
        for turn in range(int(SECONDS * RATE / 10)):
            due = start + (turn * 10 + number) / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            _get(connection, path, secret)
            taken.append(time.perf_counter() - due)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken
