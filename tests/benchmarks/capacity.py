"""Unit costs that docs/capacity.md is worked out from: core-seconds of a story, core milliseconds of what is asked for.

Processor time, of this process and of those that it waits for: other work on the machine changes it little.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.harness import Figure, p50, plain, team

FORMATS = ("video:9x16", "card:1x1")
RUNS = 15


def figures() -> Iterator[Figure]:
    from django.test import Client

    from creator import jobs
    from creator.environment import ROOT
    from creator.models import Story
    from creator.services import stories
    from media_processing.models import Asset, Rendition
    from tests.benchmarks.harness import Clock

    workspace, user = team("capacity-bench")
    article = (ROOT / "creator" / "samples" / "article.md").read_text(encoding="utf-8")
    for name in ("the first story, engines loaded with it", "the same article again, its pieces kept"):
        with Clock() as clock:
            story = stories.create(workspace, by=user, article=article, formats=FORMATS, language="en", seconds=20)
            jobs.work_off()
        story.refresh_from_db()
        if story.state != Story.State.DRAFT:
            yield Figure(f"capacity: {name}", None, "core-seconds", f"it ended as {story.state}", "", False)
            return
        films = [each.rendition.seconds for each in story.variants.all() if each.rendition and each.kind == "video"]
        yield plain(f"capacity: {name}", clock.cpu, "core-seconds", f"{', '.join(FORMATS)}; {sum(films):.0f} s of film")
        kept = sum(row.size for model in (Asset, Rendition) for row in model.objects.filter(workspace=workspace))
        yield plain(f"capacity: files after {name}", kept / 1e6, "MB", "pictures, sounds, films, captions")
    client = Client(raise_request_exception=True, headers={"Host": "127.0.0.1"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for name, path in (
        ("studio", f"/stories/{story.pk}/"),
        ("library by words", "/library/?q=boat"),
        ("tray", "/jobs/tray/"),
    ):
        assert client.get(path).status_code == 200
        yield plain(f"capacity: {name}", p50([busy(client, path) for _ in range(RUNS)]) * 1000, "core ms")


def busy(client: Any, path: str) -> float:
    """Processor seconds of one answer."""
    began = time.process_time()
    client.get(path)
    return time.process_time() - began
