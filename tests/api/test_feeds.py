"""Feeds of a channel as strict parsers read them, and the pages of stories; nothing of what isn't live and public."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as xml

import feedparser
import pytest
from django.http import HttpResponse
from django.test import Client
from lxml import etree

from creator.models import Channel, Publication
from creator.services import feeds, keys, publications
from tests.conftest import Cast

MEDIA = "{http://search.yahoo.com/mrss/}"


@pytest.fixture
def public(channel: Channel) -> Channel:
    channel.public = True
    channel.save()
    return channel


def read(channel: Channel, kind: str, **headers: str) -> HttpResponse:
    answer: Any = Client().get(urlsplit(feeds.address(channel, kind)).path, headers=headers)
    return answer  # type: ignore[no-any-return]


def test_the_json_feed_is_one(live: Publication, public: Channel) -> None:
    answer = read(public, "json")
    assert answer["Content-Type"].startswith("application/feed+json")
    feed = json.loads(answer.content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(feed["title"], str)
    assert feed["feed_url"] == feeds.address(public, "json")
    item = feed["items"][0]
    assert item["id"] == f"urn:uuid:{live.story_id}"
    assert item["content_text"]
    assert datetime.fromisoformat(item["date_published"]).tzinfo is not None
    assert item["url"] == feeds.page(live)
    for attachment in item["attachments"]:
        assert set(attachment) <= {"url", "mime_type", "title", "size_in_bytes", "duration_in_seconds"}
        assert Client().get(urlsplit(attachment["url"]).path).status_code == 200
    assert item["_storyloom"]["ai_disclosure"]["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
    known = {"id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image",
             "date_published", "date_modified", "authors", "tags", "language", "attachments"}  # fmt: skip
    assert {name for name in item if not name.startswith("_")} <= known


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_readers_understand_the_xml_feeds(live: Publication, public: Channel, kind: str) -> None:
    text = read(public, kind).content
    parsed = feedparser.parse(text)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == {"atom": "atom10", "rss": "rss20"}[kind]
    entry = parsed.entries[0]
    assert entry.title == live.document["title"]
    assert entry.id == f"urn:uuid:{live.story_id}"
    assert entry.link == feeds.page(live)
    assert entry.enclosures[0].type == "image/png"
    assert b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in text


def test_media_rss_lists_every_file(live: Publication, public: Channel) -> None:
    root = xml.fromstring(read(public, "rss").content)
    group = root.find(f"channel/item/{MEDIA}group")
    assert group is not None
    content = group.findall(f"{MEDIA}content")
    assert [each.attrib["medium"] for each in content] == ["image", "image"]
    for each in content:
        assert int(each.attrib["fileSize"]) > 0
        assert {"url", "type", "width", "height", "lang"} <= set(each.attrib)
    assert group.find(f"{MEDIA}thumbnail") is not None
    assert root.find("channel/item/pubDate") is not None
    assert root.find("channel/item/guid").attrib["isPermaLink"] == "false"  # type: ignore[union-attr]


def test_atom_has_what_its_standard_asks(live: Publication, public: Channel) -> None:
    root = etree.fromstring(read(public, "atom").content)
    space = {"a": "http://www.w3.org/2005/Atom"}
    for part in (root, root.find("a:entry", space)):
        assert part is not None
        for name in ("id", "title", "updated"):
            assert len(part.findall(f"a:{name}", space)) == 1, name
        datetime.fromisoformat(part.findtext("a:updated", namespaces=space))
    assert root.find("a:author/a:name", space) is not None
    assert [link.get("rel") for link in root.findall("a:link", space)] == ["alternate", "self"]
    assert root.find("a:entry/a:link[@rel='enclosure']", space) is not None


def test_the_sitemap_holds_the_pages_of_public_stories(live: Publication, public: Channel) -> None:
    root = xml.fromstring(read(public, "sitemap").content)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    assert root.tag == f"{space}urlset"
    urls = root.findall(f"{space}url")
    assert [url.findtext(f"{space}loc") for url in urls] == [feeds.page(live)]
    datetime.fromisoformat(str(urls[0].findtext(f"{space}lastmod")))


@pytest.mark.parametrize("kind", list(feeds.KINDS))
def test_hostile_words_break_no_feed(live: Publication, public: Channel, kind: str) -> None:
    wild = "<script>&amp; ]]> \x00\x0b\ufffe \u202e 😀 \"'"
    scenes = [{**scene, "narration": wild, "credit": wild} for scene in live.document["scenes"]]
    said = {"title": wild, "summary": wild, "hashtags": [wild], "scenes": scenes}
    live.document = {**live.document, **said}
    live.save()
    text = read(public, kind).content
    if kind == "json":
        assert json.loads(text)["items"][0]["title"] == wild
    else:
        xml.fromstring(text)
    assert b"<script>" not in read(public, "rss").content


@pytest.mark.parametrize("kind", list(feeds.KINDS))
def test_what_is_not_live_is_in_no_feed(live: Publication, public: Channel, cast: Cast, kind: str) -> None:
    before = read(public, kind)
    assert read(public, kind, **{"If-None-Match": before["ETag"]}).status_code == 304
    address = next(iter(feeds.shown(live)["cards"]))["url"]
    publications.withdraw(live, by=cast.alice, reason="A mistake.")
    after = read(public, kind, **{"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert str(live.story_id).encode() not in after.content
    assert str(live.pk).encode() not in after.content
    assert Client().get(urlsplit(address).path).status_code in (401, 404)
    page = Client().get(urlsplit(feeds.page(live)).path)
    assert page.status_code == 410
    assert live.document["title"] not in page.content.decode()


@pytest.mark.parametrize("kind", list(feeds.KINDS))
def test_feeds_of_other_channels_need_a_key(live: Publication, channel: Channel, cast: Cast, kind: str) -> None:
    secret = keys.make(channel, name="reader")[1]
    foreign = keys.make(publications.default_channel(cast.other), name="theirs")[1]
    searcher = keys.make(channel, name="search", scopes=("search:read",))[1]
    basic = b64encode(f"any:{secret}".encode()).decode()
    assert read(channel, kind, Authorization=f"Bearer {secret}").status_code == 200
    assert read(channel, kind, Authorization=f"Basic {basic}").status_code == 200
    for wrong in ("", f"Bearer {foreign}", f"Bearer {searcher}", "Basic !!!", "Basic c2w=", "Bearer"):
        answer = read(channel, kind, Authorization=wrong)
        assert (answer.status_code, answer["WWW-Authenticate"][:5]) == (401, "Basic"), wrong
    if kind == "json":
        item = json.loads(read(channel, kind, Authorization=f"Bearer {secret}").content)["items"][0]
        assert "url" not in item
        assert "signature=" in item["attachments"][0]["url"]
        parts = urlsplit(item["attachments"][0]["url"])
        assert Client().get(f"{parts.path}?{parts.query}").status_code == 200


def test_what_is_not_public_has_no_page(live: Publication, channel: Channel) -> None:
    path = urlsplit(feeds.page(live)).path
    assert Client().get(path).status_code == 404
    assert Client().get(f"{path}embed/").status_code == 404
    assert Client().get(f"/oembed?url={quote(feeds.page(live))}").status_code == 404
    file = live.document["renditions"][0]["id"]
    assert Client().get(f"/api/v1/renditions/{file}").status_code == 401


def test_a_page_tells_the_story_and_how_it_was_made(live: Publication, public: Channel) -> None:
    live.document["corrections"] = [{"at": "2026-11-23T10:00:00+00:00", "note": "The tower is 40 m high."}]
    live.save()
    answer = Client().get(urlsplit(feeds.page(live)).path)
    page = answer.content.decode()
    assert live.document["title"] in page
    assert all(scene["narration"] in page for scene in live.document["scenes"])
    assert "The tower is 40 m high." in page
    assert "digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in page
    assert ">Made with AI</a>" in page
    assert "/oembed?format=json&amp;url=http" in page
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_other_sites_embed_the_player(live: Publication, public: Channel) -> None:
    told = json.loads(Client().get(f"/oembed?url={quote(feeds.page(live))}&maxwidth=200&maxheight=100").content)
    assert (told["version"], told["type"]) == ("1.0", "rich")
    assert told["width"] <= 200
    assert told["height"] <= 100
    source = told["html"].split('src="')[1].split('"')[0]
    frame = Client().get(urlsplit(source).path)
    assert frame.status_code == 200
    assert "X-Frame-Options" not in frame
    assert "frame-ancestors *" in frame["Content-Security-Policy"]
    assert Client().get("/oembed?url=http://elsewhere/&format=xml").status_code == 501
    for wrong in ("", "x", "http://[", "/stories/", quote(f"/watch/{live.story_id}/"), "%00" * 20):
        assert Client().get(f"/oembed?url={wrong}").status_code == 404
