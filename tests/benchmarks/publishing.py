"""What an app waits for: lists of 20 out of 2,000 publications. In-process: no network, no server between."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.harness import Figure, at_most, p50, p95, team, times_of

PUBLICATIONS, RUNS = 2000, 40


def figures() -> Iterator[Figure]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from creator.services import keys, publications
    from tests.benchmarks import rows

    workspace, user = team("publishing-bench")
    channel = publications.default_channel(workspace)
    rows.publications(workspace, user, channel, PUBLICATIONS)
    secret = keys.make(channel, name="phone")[1]
    client = Client(headers={"Authorization": f"Bearer {secret}", "Host": "127.0.0.1"})
    path = "/api/v1/stories?limit=20"
    first = client.get(path)
    if first.status_code != 200 or len(first.json()["items"]) != 20:
        raise RuntimeError(f"The list answered {first.status_code}.")
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    count = len(queries)
    taken = times_of(lambda: client.get(path), runs=RUNS)
    beside = f"p50 {1000 * p50(taken):.1f} ms, {len(first.content) / 1024:.0f} KB"
    yield at_most("publishing: list of 20 of 2,000 stories, p95", 1000 * p95(taken), "ms", 50.0, beside)
    yield at_most("publishing: queries for a list of 20", count, "", 3.0, "20 stories with their renditions")

    cursor = first.json()["next"]
    for _ in range(90):
        cursor = client.get(f"{path}&cursor={cursor}").json()["next"] or cursor
    deep = times_of(lambda: client.get(f"{path}&cursor={cursor}"), runs=RUNS)
    ratio = p50(deep) / p50(taken)
    yield at_most("publishing: page 92 against page 1, p50", ratio, "x", 1.5, "pages by offset grow with the offset")

    tag = first["ETag"]
    same = client.get(path, headers={"If-None-Match": tag})
    cheap = times_of(lambda: client.get(path, headers={"If-None-Match": tag}), runs=RUNS)
    size = len(same.content)
    against = f"whole list: {len(first.content)} bytes, {1000 * p50(taken):.1f} ms; now {1000 * p50(cheap):.1f} ms"
    yield at_most("publishing: body of a list that did not change", size if same.status_code == 304 else -1, "bytes", 0,
                  against)  # fmt: skip
    story = first.json()["items"][0]["id"]
    one = times_of(lambda: client.get(f"/api/v1/stories/{story}"), runs=RUNS)
    yield at_most("publishing: one story, p95", 1000 * p95(one), "ms", 50.0, f"p50 {1000 * p50(one):.1f} ms")
