"""Bringing many in: each article once, one estimate for all, and one that fails doesn't stop the others."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creator import jobs
from creator.models import Incoming, Job, Story
from creator.services import incoming
from media_processing.engine import EngineError
from media_processing.fetching import FetchError
from tests.conftest import Cast
from tests.generation.test_feeds import RSS
from tests.media_processing.test_fetching import Site, open_rules, site

__all__ = ["site"]
LONG = "The harbour got a new lighthouse on Friday. Fishers had asked for it. It can be seen from afar. " * 12
TABLE = f"guid,title,text\n1,First,{LONG}\n2,Second,{LONG}\n3,Third,\n".encode()
WISH = {"formats": ["card:1x1"], "language": "", "seconds": 20, "tone": "calm"}


def offered(cast: Cast, content: bytes = TABLE) -> list[Incoming]:
    return incoming.offer(cast.workspace, by=cast.alice, content=content, name="news.csv")


def make(cast: Cast, rows: list[Incoming]) -> Job:
    """What the job does, without making the stories themselves."""
    job = incoming.bring_in(cast.workspace, [str(row.pk) for row in rows], WISH, by=cast.alice)
    with jobs.working_on(job.pk) as work:
        assert work is not None
        incoming.make(work)
    job.refresh_from_db()
    return job


def test_an_article_comes_in_once(cast: Cast) -> None:
    first = offered(cast)
    again = offered(cast, TABLE + f"4,Fourth,{LONG}\n".encode())
    assert [row.pk for row in again[:3]] == [row.pk for row in first]
    assert Incoming.objects.filter(workspace=cast.workspace).count() == 4
    incoming.offer(cast.other, by=cast.charlie, content=TABLE)
    assert Incoming.objects.filter(workspace=cast.other).count() == 3, "another workspace has its own"


def test_stories_of_those_that_were_chosen(cast: Cast) -> None:
    rows = offered(cast)
    job = make(cast, rows[:2])
    assert job.state == Job.State.DONE
    assert Story.objects.count() == 2
    assert sorted(Story.objects.values_list("title", flat=True)) == ["First", "Second"]
    assert Job.objects.filter(kind="make_story").count() == 2
    states = {row.guid: row.state for row in offered(cast)}
    assert states == {"1": "made", "2": "made", "3": "offered"}
    with pytest.raises(EngineError, match="no story yet"):
        incoming.bring_in(cast.workspace, [str(row.pk) for row in rows[:2]], WISH, by=cast.alice)


def test_one_that_fails_does_not_stop_the_others(cast: Cast) -> None:
    table = f"guid,title,text,url\n1,First,{LONG},\n5,Bad,A teaser,http://127.0.0.1/inside\n"
    rows = offered(cast, table.encode())
    bad = next(row for row in rows if row.guid == "5")
    job = make(cast, [bad, rows[0]])
    assert job.state == Job.State.FAILED
    assert "1 of 2" in job.error
    bad.refresh_from_db()
    assert bad.state == Incoming.State.FAILED
    assert "public internet" in bad.error
    assert Story.objects.count() == 1


def test_a_worker_that_is_lost_makes_nothing_twice(cast: Cast) -> None:
    rows = offered(cast)[:2]
    job = incoming.bring_in(cast.workspace, [str(row.pk) for row in rows], WISH, by=cast.alice)
    with jobs.working_on(job.pk) as work:
        assert work is not None
        incoming._make(work, rows[0])
        Incoming.objects.filter(pk=rows[0].pk).update(state=Incoming.State.WANTED, story=None)  # it died before that
        incoming.make(work)
    assert Story.objects.count() == 2


def test_one_estimate_for_all(cast: Cast) -> None:
    rows = offered(cast)
    together = incoming.estimate(cast.workspace, rows)
    assert together.known


def test_too_many_at_once(cast: Cast) -> None:
    table = "guid,title,text\n" + "".join(f"{number},T,{LONG[:700]}\n" for number in range(incoming.MOST + 1))
    rows = offered(cast, table.encode())
    with pytest.raises(EngineError, match="at most"):
        incoming.bring_in(cast.workspace, [str(row.pk) for row in rows], WISH, by=cast.alice)
    assert not Job.objects.exists()


def test_feeds_are_fetched_by_the_one_client(cast: Cast, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FetchError):
        incoming.offer(cast.workspace, by=cast.alice, url=site.url("/page"))
    assert site.hits == []
    with pytest.raises(EngineError, match="can't be read"):  # a page is none
        monkeypatch.setattr(incoming.feeds, "TYPES", ("text/",))
        incoming.offer(cast.workspace, by=cast.alice, url=site.url("/page"), rules=open_rules(site))
    assert len(site.hits) == 1


class TestPage:
    @pytest.fixture
    def browser(self, cast: Cast) -> Client:
        made = Client()
        made.force_login(cast.alice, backend="django.contrib.auth.backends.ModelBackend")
        return made

    def test_read_then_make(self, browser: Client, cast: Cast) -> None:
        page = browser.post("/stories/incoming/", {"do": "read", "file": SimpleUploadedFile("a.csv", TABLE)})
        assert page.status_code == 200
        assert page.content.decode().count(" checked>") >= 3
        assert "costs nothing" in page.content.decode()
        ids = [str(row.pk) for row in Incoming.objects.order_by("pk")[:2]]
        done = browser.post("/stories/incoming/", {"do": "make", "article": ids, **WISH})
        assert done.status_code == 302
        assert Job.objects.filter(kind=incoming.BRING_IN).count() == 1

    def test_nothing_that_was_ticked_is_lost(self, browser: Client, cast: Cast) -> None:
        rows = offered(cast)
        page = browser.post("/stories/incoming/", {"do": "make", "article": [str(rows[1].pk)], **WISH, "formats": []})
        assert page.status_code == 422
        said = page.content.decode()
        assert "Choose at least one format" in said
        assert f'value="{rows[1].pk}" checked' in said
        assert f'value="{rows[0].pk}" checked' not in said

    @pytest.mark.parametrize("content", [b"", b"<rss", RSS.encode().replace(b"<rss", b"<!DOCTYPE rss []><rss", 1)[38:]])
    def test_what_is_no_feed_says_why(self, browser: Client, content: bytes) -> None:
        page = browser.post("/stories/incoming/", {"do": "read", "file": SimpleUploadedFile("a.xml", content)})
        assert page.status_code == 422
        assert 'role="alert"' in page.content.decode()

    def test_others_see_nothing_of_it(self, cast: Cast) -> None:
        offered(cast)
        stranger = Client()
        stranger.force_login(cast.charlie, backend="django.contrib.auth.backends.ModelBackend")
        assert "First" not in stranger.get("/stories/incoming/").content.decode()
        ids = [str(row.pk) for row in Incoming.objects.all()]
        page = stranger.post("/stories/incoming/", {"do": "make", "article": ids, **WISH})
        assert page.status_code == 422
