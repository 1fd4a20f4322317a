"""The bell, the page of notices, the choices and the previews of e-mails."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from creator.models import Notice, Story
from creator.services import notices
from creator.services.notices import TOLD
from creator.views.notices import EXAMPLES
from tests.conftest import Cast


@pytest.fixture
def mention(cast: Cast, story: Story) -> Notice:
    notices.mentioned([cast.bob], story=story, by=cast.alice, words="@bob <i>look</i>", once="1")
    return Notice.objects.get(person=cast.bob)


def test_the_bell_counts_what_is_unread(cast: Cast, mention: Notice, author: Client, colleague: Client) -> None:
    assert "1 unread notice" in colleague.get("/").content.decode()
    assert "unread notice" not in author.get("/").content.decode()
    fragment = colleague.get("/notices/bell/").content.decode()
    assert 'data-newest="alice mentions you on' in fragment


def test_the_page_says_what_happened_and_leads_there(
    mention: Notice, story: Story, colleague: Client, author: Client
) -> None:
    page = colleague.get("/notices/").content.decode()
    assert f"alice mentions you on “{story.title}”" in page
    assert "&lt;i&gt;look&lt;/i&gt;" in page
    assert "mentions you" not in author.get("/notices/").content.decode()
    answer = colleague.post(f"/notices/{mention.pk}/")
    assert answer["Location"] == f"/stories/{story.pk}/"
    mention.refresh_from_db()
    assert mention.read
    assert author.post(f"/notices/{mention.pk}/").status_code == 404


def test_all_are_read_at_once(cast: Cast, mention: Notice, colleague: Client, author: Client) -> None:
    author.post("/notices/read/")
    assert notices.unread(cast.bob.pk, cast.workspace.pk) == 1
    colleague.post("/notices/read/")
    assert notices.unread(cast.bob.pk, cast.workspace.pk) == 0


def test_only_the_person_hears_of_their_notice(mention: Notice, colleague: Client, author: Client) -> None:
    def kinds(client: Client) -> list[str]:
        return [event["kind"] for event in client.get("/events/poll/?after=0").json()["events"]]

    assert TOLD in kinds(colleague)
    assert TOLD not in kinds(author)


def test_choices_are_kept(cast: Cast, colleague: Client) -> None:
    said: dict[str, Any] = {f"mail_{kind}": "never" for kind in notices.USUAL}
    said |= {"mail_mention": "digest", "app_mention": "on", "hour": "7", "time_zone": "Asia/Kolkata"}
    assert colleague.post("/settings/notices/", said).status_code == 302
    cast.bob.refresh_from_db()
    assert (cast.bob.digest_hour, cast.bob.time_zone) == (7, "Asia/Kolkata")
    cast.bob.email = "bob@example.org"
    assert notices.ways(cast.bob, "mention") == (True, "digest")
    assert notices.ways(cast.bob, "decided") == (False, "never")
    page = colleague.get("/settings/notices/").content.decode()
    assert '<option value="Asia/Kolkata" selected>' in page


def test_a_choice_that_is_none_is_refused(cast: Cast, colleague: Client) -> None:
    answer = colleague.post("/settings/notices/", {"hour": "25", "time_zone": "Moon/Base"})
    assert answer.status_code == 400
    cast.bob.refresh_from_db()
    assert cast.bob.time_zone == "UTC"


def test_every_email_can_be_looked_at_in_every_language(admin: Client) -> None:
    assert set(EXAMPLES) == set(Notice.Kind.values)
    page = admin.get("/settings/e-mails/").content.decode()
    for kind in EXAMPLES:
        for code, _name in settings.LANGUAGES:
            address = f"/settings/e-mails/{kind}.{code}.html"
            assert address in page
            answer = admin.get(address)
            html = answer.content.decode()
            assert f'<html lang="{code}"' in html
            assert "{{" not in html
            assert f'<style nonce="{html.split("nonce=")[1][1:].split(chr(34))[0]}"' in html
            assert "'unsafe-inline'" not in answer["Content-Security-Policy"]


def test_no_other_email_can(admin: Client, author: Client) -> None:
    assert admin.get("/settings/e-mails/nothing.en.html").status_code == 404
    assert admin.get("/settings/e-mails/mention.xx.html").status_code == 404
    assert author.get("/settings/e-mails/").status_code == 404
