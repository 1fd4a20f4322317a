"""Home: briefs and tiles."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creator.models import Job, Story
from tests.conftest import Cast
from tests.factories import LINES

ARTICLE = " ".join(LINES) + " Everybody came to see it. The mayor lit it at nine in the evening, to long applause."
BRIEF = {"article": ARTICLE, "formats": ["card:1x1"], "language": "en", "seconds": "20", "tone": "calm"}


def test_a_brief_becomes_a_story_and_a_job(author: Client, cast: Cast) -> None:
    answer = author.post("/", BRIEF)
    story = Story.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/stories/{story.pk}/")
    assert (story.author, story.workspace) == (cast.alice, cast.workspace)
    assert story.jobs.get().state == Job.State.WAITING


def test_a_file_is_read(author: Client) -> None:
    file = SimpleUploadedFile("news.md", f"# Lighthouse\n\n{ARTICLE}".encode(), "text/markdown")
    assert author.post("/", {**BRIEF, "article": "", "file": file}).status_code == 302
    assert "lighthouse" in Story.objects.get().brief.article


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"article": " "}, "Paste an article"),
        ({"formats": []}, "Choose at least one format"),
        ({"formats": ["video:7x7"]}, "video:7x7"),
        ({"language": "tlh"}, "tlh"),
    ],
)
def test_a_bad_brief_keeps_what_was_typed(author: Client, change: dict[str, object], says: str) -> None:
    answer = author.post("/", {**BRIEF, **change})
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not Story.objects.exists()
    if "article" not in change:
        assert "The mayor lit it" in answer.content.decode()


def test_what_an_engine_refuses_is_shown_with_its_next_step(author: Client) -> None:
    file = SimpleUploadedFile("news.pdf", b"%PDF-1.7 something", "application/pdf")
    answer = author.post("/", {**BRIEF, "article": "", "file": file})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_tabs_count_and_filter(author: Client, story: Story) -> None:
    Story.objects.filter(pk=story.pk).update(state=Story.State.PUBLISHED)
    page = author.get("/?show=live").content.decode()
    assert story.title in page
    assert story.title not in author.get("/?show=draft").content.decode()
    assert story.title in author.get("/?show=nonsense").content.decode()


def test_a_tile_shows_progress_while_it_is_made(author: Client, story: Story, cast: Cast) -> None:
    Job.objects.create(
        workspace=cast.workspace, kind="make_story", story=story, due=story.created, state="running", step="narration",
        progress=0.42,
    )  # fmt: skip
    tile = author.get(f"/stories/{story.pk}/tile/").content.decode()
    assert 'value="42"' in tile
    assert "Recording the narration" in tile


def test_the_list_takes_the_same_queries_however_long(
    author: Client, story: Story, cast: Cast, django_assert_max_num_queries: object
) -> None:
    from tests.factories import finished_story

    for _ in range(3):
        finished_story(cast.workspace, cast.bob, formats=("card:1x1",))
    with django_assert_max_num_queries(22):  # type: ignore[operator]
        author.get("/")


def test_examples_fill_the_box_without_a_script(author: Client) -> None:
    assert "three hundred new trees" in author.get("/?example=trees").content.decode()


def test_the_list_is_sorted_and_filtered(author: Client, colleague: Client, story: Story, cast: Cast) -> None:
    from tests.factories import finished_story

    other = finished_story(cast.workspace, cast.bob, formats=("card:1x1",))
    Story.objects.filter(pk=story.pk).update(title="Zebra crossing")
    Story.objects.filter(pk=other.pk).update(title="apple harvest")
    page = author.get("/?as=list&sort=title").content.decode()
    assert 0 < page.index("apple harvest") < page.index("Zebra crossing")
    page = author.get("/?as=list&sort=oldest").content.decode()
    assert 0 < page.index("Zebra crossing") < page.index("apple harvest")
    assert "Zebra" not in author.get(f"/?as=list&by={cast.bob.pk}").content.decode()
    assert "apple" not in author.get("/?q=cross+zeb").content.decode()
    Story.objects.filter(pk=other.pk).update(assignee=cast.alice)
    given = author.get("/?as=list&by=assigned").content.decode()
    assert "apple" in given
    assert "Zebra" not in given
    assert "apple" not in colleague.get("/?as=list&by=assigned").content.decode()
    assert author.get("/?as=pie&sort=x&by=-1&show=%00&q=%00&page=99").status_code == 200


def test_the_board_offers_the_moves_that_mean_something(
    author: Client, moderator: Client, stranger: Client, story: Story, cast: Cast
) -> None:
    from tests.factories import finished_story

    approved = finished_story(cast.workspace, cast.bob, formats=("card:1x1",))
    Story.objects.filter(pk=approved.pk).update(state=Story.State.APPROVED, title="An approved one")
    page = author.get("/?as=board").content.decode()
    assert 'data-to="review"' in page
    assert 'data-move="review"' in page
    assert page.index('data-column="draft"') < page.index(str(story.pk)) < page.index('data-column="review"')
    assert page.index('data-column="approved"') < page.index("An approved one") < page.index('data-column="live"')
    assert "data-to" not in moderator.get("/?as=board").content.decode()
    assert story.title not in stranger.get("/?as=board").content.decode()
    moved = author.post(f"/stories/{story.pk}/review/", {"next": "/?as=board"})
    assert moved["Location"] == "/?as=board"
    led_away = author.post(f"/stories/{story.pk}/review/", {"next": "//evil.example/"})
    assert led_away["Location"] == f"/stories/{story.pk}/"
    page = author.get("/?as=board").content.decode()
    assert page.index('data-column="review"') < page.index(str(story.pk)) < page.index('data-column="approved"')


@pytest.mark.parametrize("look", ["list", "board"])
def test_a_story_refreshes_in_its_look(author: Client, story: Story, look: str) -> None:
    piece = author.get(f"/stories/{story.pk}/tile/?as={look}").content.decode()
    assert story.title in piece
    assert piece.strip().startswith("<tr" if look == "list" else "<li")
