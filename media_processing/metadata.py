"""The words that come inside a file: EXIF, IPTC and XMP of a picture, the tags of a video or a sound.

Where two of them say the same thing, XMP goes before IPTC and IPTC before EXIF (Metadata Working Group, "Guidelines for
Handling Image Metadata", 2010: the younger standard is what editors wrote last). Keywords of all are united.

The names of places are kept, coordinates are not: a picture's words are shown to the whole team and may be published,
and a position tells where somebody lives. Nothing here reads EXIF's GPS block or a phone's "location" tag.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from lxml import etree
from PIL import ExifTags, Image, IptcImagePlugin

LONG, SHORT = 2000, 200
"""Characters of a caption, and of every other text."""
KEYWORDS, KEYWORD = 64, 60
"""How many keywords are kept, and how many characters of each."""
MAX_BYTES = 1_000_000
"""Of one block. What words need is a hundredth of it; the rest is thumbnails, edit histories or an attack."""
FIRST = datetime(1826, 1, 1, tzinfo=UTC)
"""The oldest photograph that is left is from 1826 or 1827."""

_UNSET = {(1904, 1, 1), (1970, 1, 1), (1980, 1, 1)}
"""Days on which the clocks of cameras and containers begin: at midnight they mean that nobody set them."""
_BY_THE_CAMERA = re.compile(
    r"(olympus|minolta|konica|kodak|samsung).{0,12}camera|sony dsc|dcim.{0,20}|untitled|default", re.IGNORECASE
)
"""What cameras write as a caption when nobody wrote one."""
_BROKEN = (
    ValueError, TypeError, LookupError, ArithmeticError, OSError, SyntaxError, AttributeError, AssertionError,
    MemoryError, RecursionError, struct.error,
)  # fmt: skip
"""What Pillow's readers raise on hostile blocks."""


@dataclass(frozen=True)
class Embedded:
    """What a file says of itself."""

    words: dict[str, Any] = field(default_factory=dict)
    """{"title", "headline", "caption", "alt", "byline", "credit", "copyright", "place", "camera": str, "keywords":
    [str]}, each only where it is there."""
    taken: datetime | None = None
    """When it was photographed or recorded. Without a time zone in the file it is the camera's clock, taken for UTC."""


def of_picture(image: Image.Image) -> Embedded:
    """What a picture that Pillow opened says of itself. Never raises for what is in the file."""
    found = [read(image) for read in (_xmp, _iptc, _exif)]
    return _united(found)


def of_tags(tags: Mapping[str, str]) -> Embedded:
    """The same of a video's or a sound's container, from its tags."""
    lower = {key.lower().rsplit(".", 1)[-1]: value for key, value in tags.items()}
    return _united(
        [
            {
                "title": lower.get("title"),
                "caption": lower.get("description") or lower.get("comment"),
                "byline": lower.get("artist") or lower.get("author"),
                "copyright": lower.get("copyright"),
                "camera": _camera(lower.get("make"), lower.get("model")),
                "keywords": re.split("[,;]", lower.get("keywords") or ""),
                "taken": moment_of(lower.get("creationdate") or lower.get("creation_time") or lower.get("date")),
            }
        ]
    )


def moment_of(said: Any, offset: Any = None) -> datetime | None:
    """A date as EXIF ("2024:05:01 10:20:30", its offset "+02:00" beside it), XMP and containers (ISO 8601) write it.

    None where it isn't one, or can't be true: before photography, after tomorrow, a clock that nobody set.
    """
    found = re.match(
        r"\s*(\d{4})[-:]?(\d\d)[-:]?(\d\d)(?:[ T]+(\d\d):?(\d\d)(?::?(\d\d))?(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?\s*$",
        _text(said, 60),
    )
    if not found:
        return None
    *numbers, zone = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    with suppress(ValueError, OverflowError):
        when = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone or _text(offset, 10)))
        unset = (year, month, day) in _UNSET and not hour and not minute
        if FIRST <= when <= datetime.now(UTC) + timedelta(days=1) and not unset:
            return when.astimezone(UTC)
    return None


def _zone(said: str) -> timezone:
    found = re.fullmatch(r"([+-])(\d\d):?(\d\d)", said)
    if not found:
        return UTC
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes)) if minutes <= 14 * 60 else UTC


def _united(found: Iterable[dict[str, Any]]) -> Embedded:
    words: dict[str, Any] = {}
    keywords: list[str] = []
    taken: datetime | None = None
    for said in found:
        keywords += [_text(each, KEYWORD) for each in said.pop("keywords", None) or []]
        taken = taken or said.pop("taken", None)
        said.pop("taken", None)
        for name, value in said.items():
            text = _text(value, LONG if name in ("caption", "alt") else SHORT)
            if text and name not in words and not _BY_THE_CAMERA.fullmatch(text):
                words[name] = text
    unique: dict[str, str] = {}
    for each in filter(None, keywords):
        unique.setdefault(each.casefold(), each)
    if unique:
        words["keywords"] = list(unique.values())[:KEYWORDS]
    return Embedded(words, taken)


def _text(value: Any, limit: int) -> str:
    """One clean line: no control characters, no halves of surrogates, composed, bounded."""
    if isinstance(value, (list, tuple)):
        value = ", ".join(_text(each, limit) for each in value[:KEYWORDS])
    if isinstance(value, bytes):
        value = _decoded(value[: 4 * limit])
    text = str(value or "")[: 4 * limit]
    kept = "".join(mark if unicodedata.category(mark)[0] != "C" else " " for mark in text)
    return unicodedata.normalize("NFC", " ".join(kept.split()))[:limit].strip()


def _decoded(raw: bytes) -> str:
    """UTF-8 where it is, else the encoding that old software wrote."""
    for encoding in ("utf-8", "cp1252", "latin-1"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return ""  # latin-1 takes every byte


def _camera(make: Any, model: Any) -> str:
    maker, name = _text(make, SHORT), _text(model, SHORT)
    return name if name.casefold().startswith(maker.split(" ")[0].casefold()) else f"{maker} {name}"


def _exif(image: Image.Image) -> dict[str, Any]:
    try:
        if len(image.info.get("exif") or b"") > MAX_BYTES:
            return {}
        main = image.getexif()
        detail = main.get_ifd(ExifTags.IFD.Exif)
    except _BROKEN:
        return {}
    wide = {name: main.get(tag) for name, tag in (("title", 0x9C9B), ("author", 0x9C9D), ("keywords", 0x9C9E))}
    title, author, keywords = (
        value.decode("utf-16-le", "ignore") if isinstance(value, bytes) else "" for value in wide.values()
    )
    base = ExifTags.Base
    return {
        "title": title,
        "caption": main.get(base.ImageDescription),
        "byline": main.get(base.Artist) or author,
        "copyright": main.get(base.Copyright),
        "camera": _camera(main.get(base.Make), main.get(base.Model)),
        "keywords": keywords.split(";"),
        "taken": moment_of(detail.get(base.DateTimeOriginal), detail.get(base.OffsetTimeOriginal))
        or moment_of(detail.get(base.DateTimeDigitized), detail.get(base.OffsetTimeDigitized)),
    }


def _iptc(image: Image.Image) -> dict[str, Any]:
    """IPTC-IIM 4.2, record 2; the numbers are its dataset numbers."""
    try:
        held = IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]
    except _BROKEN:
        return {}
    said = {number: value for (record, number), value in held.items() if record == 2}
    keywords = said.get(25) or []
    day, hour = _text(said.get(55), 8), _text(said.get(60), 11)
    return {
        "title": said.get(5),
        "headline": said.get(105),
        "caption": said.get(120),
        "byline": said.get(80),
        "credit": said.get(110),
        "copyright": said.get(116),
        "place": [said[number] for number in (92, 90, 95, 101) if said.get(number)],
        "keywords": keywords if isinstance(keywords, list) else [keywords],
        "taken": moment_of(f"{day} {hour}") or moment_of(day),
    }


_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XMP = {
    "title": ("{http://purl.org/dc/elements/1.1/}title",),
    "headline": ("{http://ns.adobe.com/photoshop/1.0/}Headline",),
    "caption": ("{http://purl.org/dc/elements/1.1/}description",),
    "alt": ("{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}AltTextAccessibility",),
    "byline": ("{http://purl.org/dc/elements/1.1/}creator",),
    "credit": ("{http://ns.adobe.com/photoshop/1.0/}Credit",),
    "copyright": ("{http://purl.org/dc/elements/1.1/}rights",),
    "place": (
        "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}Location",
        "{http://ns.adobe.com/photoshop/1.0/}City",
        "{http://ns.adobe.com/photoshop/1.0/}State",
        "{http://ns.adobe.com/photoshop/1.0/}Country",
    ),
    "keywords": ("{http://purl.org/dc/elements/1.1/}subject",),
}
_TAKEN = (
    "{http://ns.adobe.com/exif/1.0/}DateTimeOriginal",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated",
    "{http://ns.adobe.com/xap/1.0/}CreateDate",
)


def _xmp(image: Image.Image) -> dict[str, Any]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    raw = packet.encode("utf-8", "ignore") if isinstance(packet, str) else bytes(packet)
    # A packet has no need of a document type, and entities are declared nowhere else.
    if not raw or len(raw) > MAX_BYTES or b"<!DOCTYPE" in raw.replace(b"\0", b""):
        return {}
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    try:
        root = etree.fromstring(raw.strip(b"\0 \r\n\t"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return {}
    if root is None:
        return {}
    held: dict[str, list[str]] = {}
    for about in root.iter(f"{_RDF}Description"):
        for name, value in about.attrib.items():
            held.setdefault(str(name), []).append(str(value))
        for child in about:
            if isinstance(child.tag, str):
                held.setdefault(child.tag, []).extend(_values(child))
    said: dict[str, Any] = {
        name: [value for tag in tags for value in held.get(tag, ())] for name, tags in _XMP.items()
    }
    for name in ("title", "headline", "caption", "alt", "credit", "copyright"):
        said[name] = said[name][0] if said[name] else ""  # the first language of an alternative is its default
    said["taken"] = next(filter(None, (moment_of(value) for tag in _TAKEN for value in held.get(tag, ()))), None)
    return said


def _values(element: Any) -> list[str]:
    """The items of a list, or the text itself."""
    items = [item.text or "" for item in element.iter(f"{_RDF}li")]
    return [item for item in items if item.strip()][:KEYWORDS] or [element.text or ""]
