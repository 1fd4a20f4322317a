"""What the server needs for the pages of a busy workspace: 2,000 assets, 200 stories. In-process, template to bytes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.harness import Clock, Figure, at_most, p50, p95, team, times_of

ASSETS, STORIES, RUNS = 2000, 200, 20


def figures() -> Iterator[Figure]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.benchmarks import rows

    workspace, user = team("studio-bench")
    pictures = rows.assets(workspace, ASSETS)
    made = rows.stories(workspace, user, pictures, STORIES)
    client = Client(raise_request_exception=True, headers={"Host": "127.0.0.1"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    pages = {
        "stories": "/", "library": "/library/", "library with facets": "/library/?kind=image&tag=river",
        "search by words": "/library/?q=river+bridge", "studio": f"/stories/{made[0].pk}/",
        "a story's document": f"/stories/{made[0].pk}/document/", "jobs": "/jobs/", "engines": "/settings/engines/",
        "review queue": "/admin/review/",
    }  # fmt: skip
    for name, path in pages.items():
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        count = len(queries)
        if answer.status_code != 200:
            yield Figure(f"studio: {name}", None, "ms", f"answered {answer.status_code}", "", False)
            continue
        taken = times_of(lambda path=path: client.get(path), runs=RUNS, warm=1)  # type: ignore[misc]
        with Clock() as busy:
            client.get(path)
        against = f"p50 {1000 * p50(taken):.0f} ms, {count} queries, {len(answer.content) / 1024:.0f} KB"
        against += f", {1000 * busy.cpu:.0f} ms of processor time"
        yield at_most(f"studio: {name}, p95", 1000 * p95(taken), "ms", 200.0, against)
