"""What holds on every page: who may see it, the strict policy, nothing inline."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from creator.models import Job, Story
from creator.services import reviews
from moderation.models import Review
from tests.conftest import Cast
from tests.factories import picture

pytestmark = pytest.mark.slow  # `make quick` leaves it out

PAGES = ("/", "/library/", "/jobs/", "/settings/engines/", "/settings/channels/", "/settings/illustrator/",
         "/settings/pronunciations/", "/settings/voices/")


@pytest.fixture
def review(story: Story, cast: Cast) -> Review:
    return reviews.submit(story, by=cast.alice)


@pytest.fixture
def pages(story: Story, cast: Cast) -> list[str]:
    """Every page that shows something of the workspace, by address."""
    asset = picture(cast.workspace, "red")
    return [*PAGES, f"/stories/{story.pk}/", f"/library/{asset.pk}/", f"/library/?q=lighthouse&like={asset.pk}"]


def test_pages_answer_their_workspace(pages: list[str], author: Client, colleague: Client, moderator: Client) -> None:
    for client in (author, colleague, moderator):
        assert [(path, client.get(path).status_code) for path in pages] == [(path, 200) for path in pages]


def test_pages_send_anonymous_people_to_sign_in(pages: list[str]) -> None:
    for path in [*pages, "/events/poll/", "/admin/review/"]:
        answer = Client().get(path)
        assert (path, answer.status_code) == (path, 302)
        assert answer["Location"].startswith("/sign-in/?next=")


def test_strangers_get_404_for_what_is_not_theirs(story: Story, stranger: Client, cast: Cast, review: Review) -> None:
    asset = picture(cast.workspace, "red")
    job = Job.objects.create(workspace=cast.workspace, kind="make_story", story=story, due=story.created)
    rendition = story.variants.first().rendition  # type: ignore[union-attr]
    assert rendition is not None
    paths = (
        f"/stories/{story.pk}/", f"/stories/{story.pk}/document/", f"/stories/{story.pk}/tile/",
        f"/stories/{story.pk}/acts/", f"/library/{asset.pk}/", f"/media/assets/{asset.pk}/",
        f"/media/assets/{asset.pk}/thumbnail/", f"/media/assets/{asset.pk}/blurred/",
        f"/media/renditions/{rendition.pk}/", f"/admin/review/{review.pk}/", f"/library/import/{job.pk}/",
        f"/events/poll/?story={story.pk}",
    )  # fmt: skip
    assert [(path, stranger.get(path).status_code) for path in paths] == [(path, 404) for path in paths]
    acts = (
        f"/stories/{story.pk}/edit/", f"/stories/{story.pk}/render/", f"/stories/{story.pk}/review/",
        f"/stories/{story.pk}/publish/", f"/jobs/{job.pk}/cancel/", f"/jobs/{job.pk}/retry/",
        f"/admin/review/{review.pk}/", f"/admin/review/{review.pk}/claim/",
    )  # fmt: skip
    assert [(path, stranger.post(path).status_code) for path in acts] == [(path, 404) for path in acts]


def test_strangers_lists_are_empty_of_us(story: Story, stranger: Client) -> None:
    for path in PAGES:
        assert story.title not in stranger.get(path).content.decode()


def test_moderators_look_but_do_not_edit(story: Story, moderator: Client) -> None:
    assert moderator.post(f"/stories/{story.pk}/render/").status_code == 404
    assert moderator.post("/", {"article": "A text."}).status_code == 404
    assert "id_article" not in moderator.get("/").content.decode()


def test_policy_is_strict_and_nothing_is_inline(
    pages: list[str], author: Client, moderator: Client, review: Review
) -> None:
    case = f"/admin/review/{review.pk}/"
    for client, path in [*((author, path) for path in pages), (moderator, case), (Client(), "/sign-in/")]:
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        html = answer.content.decode()
        assert not re.search(r"<[^>]+\son\w+=", html), f"{path} has an inline handler"
        assert not re.search(r"<[^>]+\sstyle=", html), f"{path} has an inline style"
        nonce = re.search(r"'nonce-([^']+)'", policy)
        for script in re.findall(r"<script[^>]*>", html):
            assert "application/json" in script or (nonce and f'nonce="{nonce[1]}"' in script), f"{path}: {script}"


def test_places_are_marked_and_reviewing_is_offered_to_those_who_may(author: Client, moderator: Client) -> None:
    assert 'aria-current="page"' in author.get("/jobs/").content.decode()
    assert "/admin/review/" not in author.get("/").content.decode()
    assert "/admin/review/" in moderator.get("/").content.decode()


def test_lost_pages_look_like_ours(author: Client) -> None:
    answer = author.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_a_broken_page_says_so_without_details(author: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    author.raise_request_exception = False
    monkeypatch.setattr("creator.views.stories.listed", lambda *_: 1 / 0)
    answer = author.get("/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert "ZeroDivisionError" not in answer.content.decode()


def test_health_is_open_and_short(db: None) -> None:
    answer = Client().get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["database"] == "ok"
