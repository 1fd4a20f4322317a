"""What feed readers, embedders and crawlers get of a channel: JSON Feed 1.1, Atom, Media RSS, a sitemap, oEmbed.

Only what is live, as it was approved. Files of public channels have lasting addresses, those of others signed ones.
Formats: jsonfeed.org/version/1.1; RFC 4287; rssboard.org/media-rss; sitemaps.org/protocol.html; oembed.com. What
machines did is told in IPTC's words (cv.iptc.org/newscodes/digitalsourcetype).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as xml

from django.utils import feedgenerator

from creator.models import Channel, Publication
from creator.services import links, published
from creator.services.digests import digest_of
from creator.services.links import base_url
from media_processing import labels

KINDS = {"json": "feed.json", "atom": "atom.xml", "rss": "media.rss", "sitemap": "sitemap.xml"}
LENGTH = 50
"""Stories in a feed."""
IN_SITEMAP = 5000
MEDIA = "http://search.yahoo.com/mrss/"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MAPS, IMAGES = "http://www.sitemaps.org/schemas/sitemap/0.9", "http://www.google.com/schemas/sitemap-image/1.1"
FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold."""


def address(channel: Channel, kind: str) -> str:
    """Where a feed of a channel is."""
    return f"{base_url()}/feeds/{channel.workspace.slug}/{channel.slug}/{KINDS[kind]}"


def page(publication: Publication) -> str:
    """Where people look at a story of a public channel."""
    return f"{base_url()}/watch/{publication.pk}/"


def rows(channel: Channel, kind: str) -> Any:
    """The publications of a feed, newest first."""
    live = Publication.objects.live().filter(channel=channel).order_by("-published", "pk")
    return live[: IN_SITEMAP if kind == "sitemap" else LENGTH]


def tag(channel: Channel, kind: str) -> str:
    """What a feed depends on, as an ETag: one query, without the documents."""
    told = list(rows(channel, kind).values_list("pk", "updated"))
    lasting = 0 if channel.public else links.expiry()
    return f'"{digest_of("feed 1", channel.pk, channel.name, channel.public, kind, told, lasting, base_url())[:32]}"'


def written(channel: Channel, kind: str) -> tuple[str, str]:
    """A feed's text and its media type."""
    found = list(rows(channel, kind))
    return {"json": _json, "atom": _atom, "rss": _rss, "sitemap": _sitemap}[kind](channel, found)


def _link_of(channel: Channel) -> Callable[[str], str]:
    return links.lasting if channel.public else links.signer(channel.pk)


def _text(document: dict[str, Any]) -> str:
    return "\n\n".join(scene["narration"] for scene in document["scenes"]) or document["summary"]


def _media(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Videos, cards and what is only heard, in this order; without captions."""
    kinds = ("video", "image", "audio")
    kept = [each for each in document["renditions"] if each["content_type"].partition("/")[0] in kinds]
    return sorted(kept, key=lambda each: kinds.index(each["content_type"].partition("/")[0]))


def _picture(document: dict[str, Any], link: Callable[[str], str]) -> str:
    """The address of a story's first card; "" where there is none."""
    return next((link(each["id"]) for each in _media(document) if each["content_type"].startswith("image/")), "")


def source_type(document: dict[str, Any]) -> str:
    """IPTC's digital source type, as its address; "" where nothing is said."""
    said = str(document.get("ai_disclosure", {}).get("digital_source_type", ""))
    return said if said.startswith("http") or not said else f"{SOURCE_TYPE}{said}"


def _json(channel: Channel, found: list[Publication]) -> tuple[str, str]:
    link = _link_of(channel)
    items = []
    for row in found:
        said = row.document
        item = {
            "id": f"urn:uuid:{row.story_id}", "title": said["title"], "summary": said["summary"],
            "content_text": _text(said), "language": said["language"], "tags": said["hashtags"],
            "date_published": row.published.isoformat(), "date_modified": row.updated.isoformat(),
            "attachments": [
                {"url": link(each["id"]), "mime_type": each["content_type"], "size_in_bytes": each["size"],
                 **({"duration_in_seconds": each["seconds"]} if each["seconds"] else {})}
                for each in _media(said)
            ],
            "_storyloom": {
                "about": "https://iptc.org/standards/newscodes/", "ai_disclosure": said.get("ai_disclosure", {}),
                "corrections": said.get("corrections", []),
            },
        }  # fmt: skip
        if channel.public:
            item["url"] = page(row)
        if picture := _picture(said, link):
            item["image"] = picture
        items.append(item)
    feed = {
        "version": "https://jsonfeed.org/version/1.1", "title": channel.name, "feed_url": address(channel, "json"),
        "home_page_url": base_url(), "items": items,
    }  # fmt: skip
    return json.dumps(feed, ensure_ascii=False), "application/feed+json"


class _Atom(feedgenerator.Atom1Feed):
    """Django's, which says how each entry was made."""

    def root_attributes(self) -> dict[str, str]:
        return {**super().root_attributes(), "xmlns:Iptc4xmpExt": IPTC}

    def add_item_elements(self, handler: Any, item: Any) -> None:
        super().add_item_elements(handler, item)
        if item["source_type"]:
            handler.addQuickElement("Iptc4xmpExt:DigitalSourceType", item["source_type"])


class _MediaRss(feedgenerator.Rss201rev2Feed):
    """Django's, with the files of each item as a media group."""

    def root_attributes(self) -> dict[str, str]:
        return {**super().root_attributes(), "xmlns:media": MEDIA, "xmlns:Iptc4xmpExt": IPTC}

    def add_item_elements(self, handler: Any, item: Any) -> None:
        super().add_item_elements(handler, item)
        if item["source_type"]:
            handler.addQuickElement("Iptc4xmpExt:DigitalSourceType", item["source_type"])
        handler.startElement("media:group", {})
        for each in item["media"]:
            handler.addQuickElement("media:content", attrs=each)
        handler.addQuickElement("media:title", item["title"], {"type": "plain"})
        for credit in item["credits"]:
            handler.addQuickElement("media:credit", credit)
        for track in item["tracks"]:
            handler.addQuickElement("media:subTitle", attrs=track)
        if item["picture"]:
            handler.addQuickElement("media:thumbnail", attrs={"url": item["picture"]})
        handler.endElement("media:group")


def _entry(channel: Channel, row: Publication, link: Callable[[str], str]) -> dict[str, Any]:
    """What both XML feeds are told of a story."""
    said = row.document
    media = [
        {"url": link(each["id"]), "fileSize": str(each["size"]), "type": each["content_type"],
         "medium": each["content_type"].partition("/")[0], "lang": each["language"],
         **({"width": str(each["width"]), "height": str(each["height"])} if each["width"] else {}),
         **({"duration": f"{each['seconds']:.0f}"} if each["seconds"] else {})}
        for each in _media(said)
    ]  # fmt: skip
    # RSS knows one enclosure an item; an empty address stands for none.
    first = [feedgenerator.Enclosure(each["url"], each["fileSize"], each["type"]) for each in media[:1]]
    return {
        "title": _plain(said["title"]), "link": page(row) if channel.public else address(channel, "json"),
        "description": _plain(said["summary"] or said["title"]), "content": _plain(_text(said)),
        "unique_id": f"urn:uuid:{row.story_id}", "unique_id_is_permalink": False, "pubdate": row.published,
        "updateddate": row.updated, "categories": [_plain(tag) for tag in said["hashtags"]], "enclosures": first,
        "media": media, "picture": _picture(said, link), "source_type": source_type(said),
        "credits": sorted({_plain(scene["credit"]) for scene in said["scenes"] if scene.get("credit")}),
        "tracks": [
            {"type": each["content_type"], "lang": each["language"], "href": link(each["id"])}
            for each in said["renditions"] if each["recipe"] == "vtt"
        ],
    }  # fmt: skip


def _plain(text: str) -> str:
    return FORBIDDEN.sub("", text)


def _xml_feed(kind: type[Any], name: str, channel: Channel, found: list[Publication]) -> str:
    link = _link_of(channel)
    feed = kind(
        title=_plain(channel.name), link=base_url(), description=_plain(f"What is new on {channel.name}."),
        feed_url=address(channel, name), feed_guid=address(channel, name), author_name=_plain(channel.workspace.name),
    )  # fmt: skip
    for row in found:
        feed.add_item(**_entry(channel, row, link))
    text: str = feed.writeString("utf-8")
    return text


def _atom(channel: Channel, found: list[Publication]) -> tuple[str, str]:
    return _xml_feed(_Atom, "atom", channel, found), "application/atom+xml"


def _rss(channel: Channel, found: list[Publication]) -> tuple[str, str]:
    return _xml_feed(_MediaRss, "rss", channel, found), "application/rss+xml"


def _sitemap(channel: Channel, found: list[Publication]) -> tuple[str, str]:
    root = xml.Element("urlset", {"xmlns": MAPS, "xmlns:image": IMAGES})
    for row in found if channel.public else ():
        url = xml.SubElement(root, "url")
        xml.SubElement(url, "loc").text = page(row)
        xml.SubElement(url, "lastmod").text = row.updated.isoformat()
        if picture := _picture(row.document, links.lasting):
            xml.SubElement(xml.SubElement(url, "image:image"), "image:loc").text = picture
    return xml.tostring(root, encoding="unicode", xml_declaration=True), "application/xml"


def oembed(row: Publication, *, widest: int = 0, tallest: int = 0) -> dict[str, Any]:
    """How to embed a story of a public channel, no larger than asked (pixels; 0: any size)."""
    said = row.document
    plain: dict[str, Any] = {"width": 640, "height": 360, "content_type": ""}
    main = next(iter(_media(said)), plain)
    width, height = main["width"] or 640, main["height"] or 360
    share = min(1.0, 640 / width, *(most / side for most, side in ((widest, width), (tallest, height)) if most))
    size = {"width": max(1, int(width * share)), "height": max(1, int(height * share))}
    told: dict[str, Any] = {
        "version": "1.0", "type": "video" if main["content_type"].startswith("video/") else "rich",
        "title": said["title"], "provider_name": row.channel.name, "provider_url": base_url(), "cache_age": 3600,
        "html": f'<iframe src="{page(row)}embed/" width="{size["width"]}" height="{size["height"]}" allowfullscreen>'
        "</iframe>", **size, "ai_disclosure": said.get("ai_disclosure", {}),
    }  # fmt: skip
    cards = [each for each in _media(said) if each["content_type"].startswith("image/") and each["width"]]
    small = [each for each in cards if (not widest or each["width"] <= widest) and
             (not tallest or each["height"] <= tallest)]  # fmt: skip
    if small:
        card = small[0]
        told |= {
            "thumbnail_url": links.lasting(card["id"]), "thumbnail_width": card["width"],
            "thumbnail_height": card["height"],
        }  # fmt: skip
    return told


def shown(row: Publication) -> dict[str, Any]:
    """What a story's page shows: its cards in the order of how near their shape is to the video's."""
    said = row.document
    media: dict[str, list[dict[str, Any]]] = {"video": [], "image": [], "audio": []}
    for each in _media(said):
        media[each["content_type"].partition("/")[0]].append({**each, "url": links.lasting(each["id"])})
    shape = next((f"{each['width']}x{each['height']}" for each in media["video"] if each["width"]), None)
    tracks = [{**each, "url": links.lasting(each["id"])} for each in said["renditions"] if each["recipe"] == "vtt"]
    due = labels.is_due(str(said.get("ai_disclosure", {}).get("digital_source_type", "")))
    return {
        **said, "published": row.published, "updated": row.updated, "tracks": tracks, "source_type": source_type(said),
        "label": labels.words(said["language"]) if due else "",
        "videos": media["video"], "cards": published.nearest(media["image"], shape), "sounds": media["audio"],
        "corrections": [{**each, "at": datetime.fromisoformat(each["at"])} if each.get("at") else each
                        for each in said.get("corrections", [])],
    }  # fmt: skip
