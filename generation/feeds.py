"""Articles out of RSS, Atom and CSV: what others publish, as briefs for here.

Specifications: RSS 2.0 (rssboard.org/rss-specification), RSS 1.0 (web.resource.org/rss/1.0), the module
content:encoded, RFC 4287 (Atom). XML comes from strangers: a document with a DOCTYPE is refused, so that there are no
entities to expand and none that reach outside.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urljoin

from lxml import etree

from media_processing.engine import EngineError

MAX_BYTES = 5_000_000
MAX_ITEMS = 200
TYPES = (
    "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/xml", "text/xml", "text/csv",
    "text/plain", "application/csv",
)  # fmt: skip
"""What a feed may be sent as."""

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_COLUMNS = {
    "guid": ("guid", "id", "key"), "title": ("title", "headline", "name"),
    "text": ("text", "article", "body", "content", "description", "notes"), "url": ("url", "link", "address"),
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One article of a feed. `text` is HTML or plain; `url` where the whole of it stands; one of them may be empty."""

    guid: str
    """The feed's own name for it, else one made of what it says: the same article has the same one again."""
    title: str
    text: str
    url: str


def read_feed(content: bytes, *, url: str = "") -> list[Item]:
    """The articles of an RSS, Atom or CSV file, in its order, each guid once. Relative links are those of `url`.

    Raises EngineError for what is none of them, is hostile, too large, or has no article in it.
    """
    if len(content) > MAX_BYTES:
        raise EngineError(f"The feed is larger than {MAX_BYTES // 1_000_000} MB.", next_step="Take a part of it.")
    head = content[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    found = _of_xml(content, url) if head.startswith((b"<", b"\xfe\xff", b"\xff\xfe")) else _of_csv(content, url)
    items: dict[str, Item] = {}
    for item in found:
        if item.title or item.text or item.url:
            items.setdefault(item.guid, item)
        if len(items) >= MAX_ITEMS:
            break
    if not items:
        raise EngineError("There is no article in this feed.", next_step="Give the address of an RSS or Atom feed.")
    return list(items.values())


def _item(guid: str, title: str, text: str, url: str, base: str) -> Item:
    link = urljoin(base, url.strip()) if url.strip() else ""
    if not link.startswith(("http://", "https://")):
        link = ""
    title = " ".join(title.split())[:300]
    name = guid.strip() or link or sha256(f"{title}\n{text}".encode()).hexdigest()
    return Item(name[:500], title, text.strip(), link[:2000])


# XML ------------------------------------------------------------------------------------------------------------------
def _of_xml(content: bytes, base: str) -> Iterator[Item]:
    root = _parsed(content)
    if root.tag == f"{_ATOM}feed":
        for entry in list(root.iterchildren(f"{_ATOM}entry")):
            yield _of_atom(entry, base)
        return
    if etree.QName(root).localname not in ("rss", "RDF"):
        raise EngineError("This is no RSS or Atom feed.", next_step="Give the address of the feed, not of a page.")
    for item in root.iter("{*}item"):
        yield _of_rss(item, base)


def _parsed(content: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise EngineError(
            f"The feed can't be read: {str(error)[:120]}.", next_step="Check it with a feed validator."
        ) from error
    if root.getroottree().docinfo.doctype:
        raise EngineError(
            "The feed brings a DOCTYPE along, which feeds don't need and attacks do.", next_step="Remove it."
        )
    return root


def _text(parent: etree._Element, *names: str) -> str:
    """The text of the first of these children that has any."""
    for name in names:
        child = parent.find(name)
        if child is not None:
            said = "".join(str(part) for part in child.itertext()).strip()
            if said:
                return said
    return ""


def _of_rss(item: etree._Element, base: str) -> Item:
    guid = _text(item, "{*}guid") or item.get(_RDF, "")
    link = _text(item, "{*}link")
    marked = item.find("{*}guid")
    if not link and marked is not None and marked.get("isPermaLink", "true") != "false":
        link = guid
    return _item(guid, _text(item, "{*}title"), _text(item, _CONTENT, "{*}description"), link, base)


def _of_atom(entry: etree._Element, base: str) -> Item:
    links = [link for link in entry.iterchildren(f"{_ATOM}link") if link.get("rel", "alternate") == "alternate"]
    link = links[0].get("href", "") if links else ""
    content = entry.find(f"{_ATOM}content")
    if content is not None and content.get("type") == "xhtml":
        text = "".join(etree.tostring(child, encoding="unicode") for child in content)
    else:
        text = _text(entry, f"{_ATOM}content", f"{_ATOM}summary")
    return _item(_text(entry, f"{_ATOM}id"), _text(entry, f"{_ATOM}title"), text, link, base)


# CSV ------------------------------------------------------------------------------------------------------------------
def _of_csv(content: bytes, base: str) -> Iterator[Item]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EngineError("The table isn't UTF-8.", next_step="Save it as CSV, UTF-8.") from error
    if "\x00" in text:
        raise EngineError("This is no table.", next_step="Give an RSS or Atom feed, or a CSV file with a heading line.")
    heading = text.split("\n", 1)[0]
    mark = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        places = {
            ours: next((names.index(name) for name in theirs if name in names), None)
            for ours, theirs in _COLUMNS.items()
        }
        if places["text"] is None and places["url"] is None:
            raise EngineError(
                "The first line names neither a text nor an address.",
                next_step='Begin with a line like "title,text,url".',
            )
        for row in reader:
            cells = {
                name: row[place] if place is not None and place < len(row) else "" for name, place in places.items()
            }
            yield _item(cells["guid"], cells["title"], cells["text"], cells["url"], base)
    except csv.Error as error:
        raise EngineError(f"The table can't be read: {error}.", next_step="Save it as CSV, UTF-8.") from error
