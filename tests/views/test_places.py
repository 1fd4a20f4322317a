"""The command palette, the tabs of the settings, and the page of appearance and keys."""

from __future__ import annotations

import gzip
import re
from importlib.resources import files
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from creator.models import Story
from creator.services import library
from creator.views import places
from tests.conftest import Cast
from tests.factories import picture


def asked(client: Client, words: str = "") -> dict[str, list[dict[str, str]]]:
    answer: dict[str, list[dict[str, str]]] = client.get("/palette/", {"q": words}).json()
    return answer


def test_without_words_it_leads_everywhere_that_one_may_go(author: Client, admin: Client, story: Story) -> None:
    mine = [place["url"] for place in asked(author)["places"]]
    theirs = [place["url"] for place in asked(admin)["places"]]
    assert {"/", "/library/", "/jobs/", "/settings/appearance/"} <= set(mine)
    assert "/settings/costs/" not in mine
    assert {"/settings/costs/", "/admin/review/"} <= set(theirs)
    assert [(url, author.get(url).status_code) for url in mine] == [(url, 200) for url in mine]
    assert [each["url"] for each in asked(author)["found"]] == [f"/stories/{story.pk}/"]


def test_words_find_stories_pictures_and_people_of_the_workspace_only(
    author: Client, stranger: Client, story: Story, cast: Cast
) -> None:
    Story.objects.filter(pk=story.pk).update(title="Lighthouse keepers")
    kept = picture(cast.workspace, "red", "A lighthouse at dusk")
    library.make_searchable(kept)
    urls = [each["url"] for each in asked(author, "lighthouse")["found"]]
    assert f"/stories/{story.pk}/" in urls
    assert f"/library/{kept.pk}/" in urls
    assert f"/?by={cast.alice.pk}" in [each["url"] for each in asked(author, "alice")["found"]]
    theirs = asked(stranger, "lighthouse")["found"] + asked(stranger, "alice")["found"]
    assert not [
        each for each in theirs if str(story.pk) in each["url"] or str(kept.pk) in each["url"] or "by=" in each["url"]
    ]


@pytest.mark.parametrize("words", ["kind:", '"', "%", "💧" * 300, "\x00", "-"])
def test_words_that_make_no_question_are_answered(author: Client, words: str) -> None:
    assert author.get("/palette/", {"q": words}).status_code == 200


def test_every_tab_of_the_settings_is_in_the_palette_and_marks_its_page(admin: Client, cast: Cast) -> None:
    for place in places.open_to({"see", "manage"}):
        page = admin.get(place["url"]).content.decode()
        assert f'href="{place["url"]}" aria-current="page"' in page, place["name"]


def test_keys_of_a_page_are_listed_on_it(author: Client, story: Story) -> None:
    page = author.get(f"/stories/{story.pk}/").content.decode()
    assert re.search(r'class="single-key"><dt><kbd>K</kbd></dt><dd>play or pause', page)
    assert 'data-look="keys"' in author.get("/settings/appearance/").content.decode()


def sent(entry: Path, seen: set[Path]) -> None:
    """Add a module and all that it imports."""
    if entry in seen:
        return
    seen.add(entry)
    for name in re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', entry.read_text()):
        sent((entry.parent / name).resolve(), seen)


def test_the_scripts_of_a_page_stay_small() -> None:
    """80 KB compressed for all that any page sends: what every page has, htmx included, and its own modules."""
    root = settings.MANAGE.parent
    htmx = files("django_htmx") / "static" / "django_htmx" / "htmx-4.min.js"
    always: set[Path] = {root / "static/js/early.js"}
    sent(root / "static/js/app.js", always)
    sizes = {}
    for template in (root / "templates").rglob("*.html"):
        own = set(always)
        for name in re.findall(r"{% static 'js/([\w/.-]+)' %}", template.read_text()):
            sent(root / "static/js" / name, own)
        sizes[template.name] = sum(len(gzip.compress(path.read_bytes())) for path in own)
    worst = max(sizes, key=lambda name: sizes[name])
    total = sizes[worst] + len(gzip.compress(htmx.read_bytes()))
    assert total < 80 * 1024, f"{worst}: {total / 1024:.1f} KB"
