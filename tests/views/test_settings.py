"""Engines, channels and keys."""

from __future__ import annotations

import pytest
from django.test import Client

from creator.models import ApiKey, Channel
from creator.services import keys, publications
from media_processing.engine import engines
from tests.conftest import Cast


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return publications.default_channel(cast.workspace)


def test_every_engine_is_on_the_page(author: Client) -> None:
    page = author.get("/settings/engines/").content.decode()
    for role in engines.roles():
        assert f'id="{role}"' in page
    for said in ("in use", "built in", "leaves this machine", "WRITER=openai"):
        assert said in page


def test_admins_choose_an_engine_for_their_workspace(admin: Client, author: Client, cast: Cast) -> None:
    assert author.post("/settings/engines/choose/", {"role": "renderer", "name": "moviepy"}).status_code == 404
    admin.post("/settings/engines/choose/", {"role": "renderer", "name": "moviepy"})
    cast.workspace.refresh_from_db()
    assert cast.workspace.choices == {"renderer": "moviepy"}
    for role, name in (("renderer", "nothing"), ("nothing", "moviepy"), ("", "")):
        assert admin.post("/settings/engines/choose/", {"role": role, "name": name}).status_code == 404


def test_a_key_is_shown_once(admin: Client, channel: Channel) -> None:
    answer = admin.post("/settings/channels/", {"add": "key", "channel": channel.pk, "name": "Phone"})
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"] or "no-cache" in answer["Cache-Control"]
    key = ApiKey.objects.get()
    assert key.digest == keys.digest(secret)
    again = admin.get("/settings/channels/").content.decode()
    assert secret not in again
    assert key.prefix in again


def test_a_revoked_key_is_marked(admin: Client, channel: Channel) -> None:
    key, _ = keys.make(channel, name="Phone")
    admin.post(f"/settings/channels/keys/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked
    assert "revoked" in admin.get("/settings/channels/").content.decode()


def test_channels_are_added_once(admin: Client, cast: Cast) -> None:
    said = {"add": "channel", "name": "Feed", "slug": "feed", "surface": "app"}
    assert admin.post("/settings/channels/", said).status_code == 302
    assert Channel.objects.get(slug="feed").workspace == cast.workspace
    assert admin.post("/settings/channels/", said).status_code == 400


def test_only_admins_make_keys_and_only_their_own(author: Client, stranger: Client, channel: Channel) -> None:
    assert author.post("/settings/channels/", {"add": "key", "channel": channel.pk, "name": "x"}).status_code == 404
    key, _ = keys.make(channel, name="Phone")
    assert author.post(f"/settings/channels/keys/{key.pk}/revoke/").status_code == 404
    assert stranger.post(f"/settings/channels/keys/{key.pk}/revoke/").status_code == 404
    answer = stranger.post("/settings/channels/", {"add": "key", "channel": channel.pk, "name": "x"})
    assert answer.status_code == 400
    assert ApiKey.objects.count() == 1


def test_a_key_does_what_was_ticked(admin: Client, channel: Channel, cast: Cast) -> None:
    said = {"add": "key", "channel": channel.pk, "name": "Desk", "scopes": ["stories:write", "reviews:write"]}
    refused = admin.post("/settings/channels/", said)
    assert refused.status_code == 400
    assert "moderator" in refused.content.decode()
    answer = admin.post("/settings/channels/", {**said, "person": cast.mo.pk, "days": "30", "rate": "120"})
    key = ApiKey.objects.get()
    assert (key.scopes, key.person, key.rate) == (["stories:write", "reviews:write"], cast.mo, 120)
    assert key.expires is not None
    assert "as mo" in answer.content.decode()
    assert admin.post("/settings/channels/", {**said, "person": cast.charlie.pk}).status_code == 400


def test_a_key_is_rotated_and_the_new_one_shown_once(admin: Client, author: Client, channel: Channel) -> None:
    key, _ = keys.make(channel, name="Phone")
    assert author.post(f"/settings/channels/keys/{key.pk}/rotate/").status_code == 404
    answer = admin.post(f"/settings/channels/keys/{key.pk}/rotate/")
    assert answer.context["secret"] in answer.content.decode()
    key.refresh_from_db()
    assert key.replaced_by is not None
    page = admin.get("/settings/channels/").content.decode()
    assert "rotated" in page
    assert answer.context["secret"] not in page
    assert admin.post(f"/settings/channels/keys/{key.pk}/rotate/").status_code == 302


def test_a_channel_is_labelled_and_names_pages(admin: Client, author: Client, channel: Channel) -> None:
    path = f"/settings/channels/{channel.pk}/options/"
    assert author.post(path, {"labelled": "on"}).status_code == 404
    wrong = admin.post(path, {"labelled": "on", "origins": "https://a.example\nnews"})
    assert wrong.status_code == 400
    page = wrong.content.decode()
    assert "is no origin" in page
    assert "https://a.example\nnews</textarea>" in page
    assert admin.post(path, {"labelled": "on", "origins": "https://a.example"}).status_code == 302
    channel.refresh_from_db()
    assert (channel.labelled, channel.origins) == (True, ["https://a.example"])
    admin.post(path, {"origins": ""})
    channel.refresh_from_db()
    assert (channel.labelled, channel.origins) == (False, [])


def test_a_channel_is_opened_to_the_public(admin: Client, author: Client, channel: Channel) -> None:
    path = f"/settings/channels/{channel.pk}/public/"
    assert author.post(path, {"public": "on"}).status_code == 404
    admin.post(path, {"public": "on"})
    channel.refresh_from_db()
    assert channel.public
    assert "/feeds/river/lockscreen/atom.xml" in admin.get("/settings/channels/").content.decode()
    admin.post(path, {"public": "off"})
    channel.refresh_from_db()
    assert not channel.public
