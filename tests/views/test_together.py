"""Presence, comments, sharing, versions and the page behind a review link, over HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from creator.models import Comment, ReviewLink, Story
from creator.services import comments, history, review_links, stories
from tests.conftest import Cast
from tests.factories import picture


def talk(client: Client, story: Story, **said: Any) -> Any:
    return client.post(f"/stories/{story.pk}/comments/", json.dumps(said, default=str), content_type="application/json")


def test_a_page_says_where_it_is_and_hears_of_the_others(author: Client, colleague: Client, story: Story) -> None:
    scene = str(story.scenes.all()[2].pk)
    author.post(f"/stories/{story.pk}/here/", {"scene": scene})
    answer = colleague.post(f"/stories/{story.pk}/here/", {"scene": "nonsense"}).json()
    assert [(other["name"], other["scene"]) for other in answer["others"]] == [("alice", scene)]
    assert colleague.get(f"/stories/{story.pk}/document/").json()["others"] == answer["others"]
    author.post(f"/stories/{story.pk}/here/", {"leaving": "1"})
    assert colleague.post(f"/stories/{story.pk}/here/").json() == {"others": []}


def test_comments_are_said_answered_and_resolved(author: Client, moderator: Client, story: Story) -> None:
    scene = story.scenes.all()[0].pk
    shown = talk(author, story, do="say", text="Is this so, @mo?", scene=scene).json()
    (thread,) = shown["threads"]
    assert (thread["by"], thread["scene"], thread["second"]) == ("alice", str(scene), None)
    assert {"alice", "bob", "mo", "ada"} == {person["username"] for person in shown["people"]}
    shown = talk(moderator, story, do="say", text="It is.", thread=thread["id"]).json()
    assert [answer["text"] for answer in shown["threads"][0]["answers"]] == ["It is."]
    assert talk(author, story, do="resolve", comment=thread["id"]).json()["threads"][0]["resolved"] == "alice"
    assert talk(author, story, do="reopen", comment=thread["id"]).json()["threads"][0]["resolved"] == ""
    assert author.get(f"/stories/{story.pk}/document/").json()["open_comments"] == 1
    assert [shown["threads"][0]["mine"], shown["threads"][0]["answers"][0]["mine"]] == [False, True]
    assert talk(author, story, do="remove", comment=thread["id"]).json()["message"].startswith("Others answered")
    answer = shown["threads"][0]["answers"][0]["id"]
    assert talk(author, story, do="remove", comment=answer).status_code == 422
    assert talk(moderator, story, do="remove", comment=answer).json()["threads"][0]["answers"] == []
    assert talk(author, story, do="remove", comment=thread["id"]).json()["threads"] == []


@pytest.mark.parametrize(
    ("said", "status"),
    [({}, 400), ({"do": "say"}, 400), ({"do": "say", "text": ""}, 422), ({"do": "forget", "comment": 1}, 400),
     ({"do": "say", "text": "x", "scene": "y"}, 400), ({"do": "say", "text": "x", "second": "soon"}, 400),
     ({"do": "say", "text": "x", "second": "NaN"}, 422), ({"do": "resolve", "comment": 10**30}, 422)],
)  # fmt: skip
def test_nonsense_is_refused_and_nothing_breaks(
    author: Client, story: Story, said: dict[str, Any], status: int
) -> None:
    assert talk(author, story, **said).status_code == status
    assert not Comment.objects.exists()


def test_an_address_is_shown_once_and_opens_the_story(author: Client, story: Story) -> None:
    answer = author.post(f"/stories/{story.pk}/share/", {"note": "Dana", "days": "3"})
    address = re.search(r'value="http://[^"]+(/shared/[^"]+/)"', answer.content.decode())
    assert address
    path = address.group(1)
    assert answer["Cache-Control"] == "no-store"
    assert path not in author.get(f"/stories/{story.pk}/share/").content.decode()
    guest = Client()
    page = guest.get(path)
    assert page.status_code == 200
    assert (page["Referrer-Policy"], "noindex" in page["X-Robots-Tag"]) == ("same-origin", True)
    assert "no-store" in page["Cache-Control"]
    assert story.title in page.content.decode()
    link = ReviewLink.objects.get()
    assert link.opened
    author.post(f"/stories/{story.pk}/share/", {"revoke": str(link.pk)})
    assert guest.get(path).status_code == 404


def test_a_guest_sees_this_story_as_it_is_and_nothing_else(
    author: Client, story: Story, cast: Cast, stranger: Client
) -> None:
    _link, token = review_links.make(story, by=cast.alice)
    comments.say(story, by=cast.bob, text="Between us only.")
    private = picture(cast.workspace, "red", "Private picture")
    stories.edit_scene(story, story.scenes.all()[0].pk, by=cast.alice, narration="As it is now.")
    guest = Client()
    ours = [cast.workspace.name, "Between us only.", str(private.pk), f"/stories/{story.pk}"]
    for client, secrets in ((guest, [*ours, "bob,", "/library/"]), (stranger, ours)):
        said = client.get(f"/shared/{token}/").content.decode()
        assert "As it is now." in said
        assert not [secret for secret in secrets if secret in said]
    made = story.variants.all()[0].rendition_id
    assert guest.get(f"/shared/{token}/files/{made}/").status_code == 200
    assert guest.get(f"/shared/{token}/pictures/{private.pk}/").status_code == 404
    assert guest.get(f"/shared/{token}/pictures/{story.scenes.all()[1].asset_id}/").status_code == 200
    assert guest.get(f"/shared/{token[:-1]}x/").status_code == 404
    assert guest.get(f"/stories/{story.pk}/").status_code == 302
    assert guest.get("/events/").status_code == 302


def test_a_guest_comments_by_name_and_reads_the_answer(author: Client, story: Story, cast: Cast) -> None:
    link, token = review_links.make(story, by=cast.alice)
    guest = Client()
    scene = story.scenes.all()[1].pk
    said = {"name": "Dana <b>", "text": "Shorter?\n<script>", "scene": str(scene), "second": "3,5"}
    assert guest.post(f"/shared/{token}/", said).status_code == 302
    kept = Comment.objects.get()
    assert (kept.name, kept.scene, kept.second, kept.link) == ("Dana <b>", scene, 3.5, link)
    talk(author, story, do="say", text="Done.", thread=kept.pk)
    page = guest.get(f"/shared/{token}/").content.decode()
    assert "Done." in page
    assert "<script>" not in page.split("</head>")[1].replace("&lt;script&gt;", "")
    assert 'value="Dana &lt;b&gt;"' in page
    assert talk(author, story, do="resolve", comment=kept.pk).json()["threads"][0]["guest_sees"]
    refused = guest.post(f"/shared/{token}/", {"name": "", "text": "Kept words"})
    assert (refused.status_code, "Kept words" in refused.content.decode()) == (422, True)


def test_versions_are_named_compared_and_restored(author: Client, story: Story, cast: Cast) -> None:
    author.post(f"/stories/{story.pk}/versions/", {"name": "As agreed"})
    scene = story.scenes.all()[0]
    stories.edit_scene(story, scene.pk, by=cast.bob, narration="The harbour got an old lighthouse on Friday.")
    page = author.get(f"/stories/{story.pk}/versions/").content.decode()
    assert "As agreed" in page
    assert re.search(r"<del>[^<]*new[^<]*</del>", page)
    assert re.search(r"<ins>[^<]*old[^<]*</ins>", page)
    assert author.post(f"/stories/{story.pk}/versions/", {"restore": "1"}).status_code == 302
    scene.refresh_from_db()
    assert scene.narration == "The harbour got a new lighthouse on Friday."
    assert [each.reason for each in story.versions.all()] == ["restored", "replaced", "named"]
    assert history.undoable(story, cast.alice)
    assert author.post(f"/stories/{story.pk}/versions/", {"restore": "77"}).status_code == 404
    assert author.post(f"/stories/{story.pk}/versions/", {"name": " "}).status_code == 422
    assert author.get(f"/stories/{story.pk}/versions/?old=x&new=99999999999").status_code == 200


def test_a_session_says_who_is_signed_in(author: Client, cast: Cast) -> None:
    assert Client().get("/session/").json() == {"person": None, "csrf": ""}
    said = author.get("/session/").json()
    assert said["person"] == cast.alice.pk
    assert len(said["csrf"]) == 64
