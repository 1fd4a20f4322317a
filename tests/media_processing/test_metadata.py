"""Words that come inside a file are taken; whatever else is put there breaks nothing."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from media_processing import metadata
from media_processing.decoding import look_at
from media_processing.ffmpeg import run_ffmpeg
from media_processing.metadata import Embedded, moment_of
from tests.media_processing.makers import picture, png_chunk


def iptc(*fields: tuple[int, bytes], record: int = 2) -> bytes:
    """The APP13 segment of a JPEG with IPTC-IIM datasets."""
    heads = (struct.pack(">BBBH", 0x1C, record, number, len(value)) for number, value in fields)
    data = b"".join(head + value for head, (_, value) in zip(heads, fields, strict=True))
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    body = b"Photoshop 3.0\0" + block
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def xmp(inside: str, attributes: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        f'xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" {attributes}>{inside}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def bag(name: str, *items: str, kind: str = "Bag") -> str:
    return f"<{name}><rdf:{kind}>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:{kind}></{name}>"


def exif(main: dict[int, Any] | None = None, detail: dict[int, Any] | None = None) -> Image.Exif:
    found = Image.Exif()
    found.update(main or {})
    if detail:
        found._ifds[ExifTags.IFD.Exif] = detail
    return found


def jpeg(*segments: bytes, **options: Any) -> bytes:
    target = io.BytesIO()
    picture().save(target, "JPEG", **options)
    return target.getvalue()[:2] + b"".join(segments) + target.getvalue()[2:]


def seen(content: bytes) -> Embedded:
    return look_at(content, max_side=480).embedded


def test_exif() -> None:
    found = seen(
        jpeg(
            exif=exif(
                {0x010E: "A ferry at dawn", 0x013B: "Ada Lens", 0x8298: "(c) Ada", 0x010F: "Canon", 0x0110: "Canon R5"},
                {0x9003: "2024:05:01 06:30:00", 0x9011: "+02:00"},
            )
        )
    )
    assert found.words == {
        "caption": "A ferry at dawn", "byline": "Ada Lens", "copyright": "(c) Ada", "camera": "Canon R5"
    }  # fmt: skip
    assert found.taken == datetime(2024, 5, 1, 4, 30, tzinfo=UTC)


def test_iptc() -> None:
    found = seen(
        jpeg(
            iptc(
                (5, b"Ferry"), (105, b"Ferry sails"), (120, "Fähre im Hafen".encode()), (25, b"ferry"),
                (25, b"harbour"), (80, b"Ada"), (110, b"River desk"), (90, b"Hamburg"), (101, b"Germany"),
                (55, b"20240501"), (60, b"063000+0200"),
            )
        )
    )  # fmt: skip
    assert found.words == {
        "title": "Ferry", "headline": "Ferry sails", "caption": "Fähre im Hafen", "keywords": ["ferry", "harbour"],
        "byline": "Ada", "credit": "River desk", "place": "Hamburg, Germany",
    }  # fmt: skip
    assert found.taken == datetime(2024, 5, 1, 4, 30, tzinfo=UTC)


def test_xmp_in_every_format() -> None:
    packet = xmp(
        bag("dc:title", "Ferry", kind="Alt") + bag("dc:subject", "ferry", "dawn") + bag("dc:creator", "Ada", kind="Seq")
        + bag("Iptc4xmpCore:AltTextAccessibility", "A ferry leaves", kind="Alt"),
        'photoshop:City="Hamburg" photoshop:DateCreated="2024-05-01T06:30:00+02:00"',
    )
    for form in ("JPEG", "PNG", "WEBP"):
        target = io.BytesIO()
        if form == "PNG":
            picture().save(target, form)
            chunk = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
            content = target.getvalue()[:33] + chunk + target.getvalue()[33:]
        else:
            picture().save(target, form, xmp=packet)
            content = target.getvalue()
        found = seen(content)
        assert found.words == {
            "title": "Ferry", "keywords": ["ferry", "dawn"], "byline": "Ada", "alt": "A ferry leaves",
            "place": "Hamburg",
        }, form  # fmt: skip
        assert found.taken == datetime(2024, 5, 1, 4, 30, tzinfo=UTC)


def test_xmp_goes_before_iptc_before_exif_and_keywords_are_united() -> None:
    older = exif({0x010E: "from exif", 0x013B: "Eve"})
    both = jpeg(iptc((120, b"from iptc"), (25, b"Boat"), (80, b"Iris")), exif=older)
    assert seen(both).words == {"caption": "from iptc", "byline": "Iris", "keywords": ["Boat"]}
    target = io.BytesIO()
    packet = xmp(bag("dc:description", "from xmp", kind="Alt") + bag("dc:subject", "boat", "sea"))
    picture().save(target, "JPEG", xmp=packet, exif=exif({0x010E: "from exif"}))
    content = target.getvalue()[:2] + iptc((25, b"Boat"), (25, b"pier")) + target.getvalue()[2:]
    assert seen(content).words == {"caption": "from xmp", "keywords": ["boat", "sea", "pier"]}


def test_old_encodings() -> None:
    assert seen(jpeg(iptc((120, b"F\xe4hre \x96 Hafen")))).words["caption"] == "Fähre – Hafen"
    wide = {0x9C9B: "Fähre\0".encode("utf-16-le"), 0x9C9E: "see;boot\0".encode("utf-16-le")}
    assert seen(jpeg(exif=exif(wide))).words == {"title": "Fähre", "keywords": ["see", "boot"]}


def test_what_cameras_write_by_themselves_is_no_caption() -> None:
    for noise in ("OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "DCIM\\100MEDIA", "default", "\0\0\0", "   "):
        assert "caption" not in seen(jpeg(exif=exif({0x010E: noise}))).words


def test_coordinates_are_not_read() -> None:
    found = Image.Exif()
    found._ifds[ExifTags.IFD.GPSInfo] = {1: "N", 2: (53.0, 33.0, 4.0), 3: "E", 4: (9.0, 58.0, 2.0)}
    packet = xmp("", 'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="53,33.0N"')
    assert seen(jpeg(exif=found)) == Embedded()
    assert seen(jpeg(xmp=packet)) == Embedded()


class TestHostile:
    def test_nothing_is_unbounded(self) -> None:
        words = seen(jpeg(iptc((120, b"x" * 30_000), *((25, b"k%d" % n) for n in range(900))))).words
        assert len(words["caption"]) == metadata.LONG
        assert len(words["keywords"]) == metadata.KEYWORDS

    def test_control_characters_and_nulls_go(self) -> None:
        words = seen(jpeg(iptc((120, b"one\0two\x1b[31m\r\nthree\xe2\x80\xae"), (25, b"\0"), (25, b"a\0b")))).words
        assert words == {"caption": "one two [31m three", "keywords": ["a b"]}

    def test_ten_megabytes_of_exif(self) -> None:
        target = io.BytesIO()
        picture().save(target, "PNG")
        huge = b"II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\xff\xff\xff\x00\x1a\0\0\0\0\0\0\0" + b"A" * 10_000_000
        content = target.getvalue()[:33] + png_chunk(b"eXIf", huge) + target.getvalue()[33:]
        assert seen(content) == Embedded()

    def test_a_billion_laughs(self) -> None:
        lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{lines}]>'.encode()
        packet = bomb + xmp(bag("dc:title", "&l9;", kind="Alt"))
        assert seen(jpeg(xmp=packet)) == Embedded()
        assert seen(jpeg(xmp=packet.decode().encode("utf-16"))) == Embedded()

    def test_entities_read_no_files(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        declared = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file://{secret}">]>'.encode()
        assert "secret" not in str(seen(jpeg(xmp=declared + xmp(bag("dc:title", "&f;", kind="Alt")))))

    @pytest.mark.parametrize(
        "content",
        [
            jpeg(xmp=b"<x:xmpmeta"), jpeg(xmp=b"\xff\xfe\0\0"), jpeg(xmp=b""), jpeg(iptc((25, b"x"), record=9)),
            jpeg(b"\xff\xed\x00\x1aPhotoshop 3.0\x008BIM\x04\x04\0\0\xff"), jpeg(iptc()[:-1] + b"\x1c\x02"),
            jpeg(exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 60), jpeg(exif=b"Exif\0\0"),
            jpeg(exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
            jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0"),
            jpeg(iptc((120, b"")), iptc((55, b"99999999"), (60, b"xx"))),
        ],
    )  # fmt: skip
    def test_broken_blocks(self, content: bytes) -> None:
        assert look_at(content, max_side=480).picture is not None

    def test_random_bytes_in_every_block(self) -> None:
        import random

        chance = random.Random(3)
        for _ in range(60):
            noise = chance.randbytes(chance.randrange(1, 400))
            seen(jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0" + noise))
            seen(jpeg(xmp=xmp("") [: chance.randrange(300)] + noise))
            seen(jpeg(iptc((chance.randrange(256), noise), record=chance.randrange(1, 10))))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2024:05:01 10:20:30", datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)),
        ("2024-05-01T10:20:30.123Z", datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)),
        ("2024-05-01T10:20-05:00", datetime(2024, 5, 1, 15, 20, tzinfo=UTC)),
        ("1920:01:02", datetime(1920, 1, 2, tzinfo=UTC)),
        ("2016:12:31 23:59:60", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0000:00:00 00:00:00", None), ("1970-01-01T00:00:00Z", None), ("1904-01-01 00:00:00", None),
        ("2999:01:01 00:00:00", None), ("0101:01:01 00:00:00", None), ("2024:13:45 99:99:99", None), ("soon", None),
        ("", None), (None, None), (b"2024:05:01 10:20:30\0", datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC)),
        ("9999:12:31 23:59:59-14:00", None), ("9" * 10_000, None),
    ],
)  # fmt: skip
def test_dates(said: Any, found: datetime | None) -> None:
    assert moment_of(said) == found


def test_an_absurd_zone_counts_as_none() -> None:
    assert moment_of("2024:05:01 10:00:00", "+99:99") == datetime(2024, 5, 1, 10, tzinfo=UTC)


def test_a_video_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    tags = ("title=Ferry at dawn", "artist=Ada", "creation_time=2024-05-01T04:30:00Z", "location=+53.5+009.9/")
    said = [part for tag in tags for part in ("-metadata", tag)]
    run_ffmpeg(["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=0.5", "-pix_fmt", "yuv420p", *said, path])
    found = look_at(path, max_side=480).embedded
    assert found == Embedded({"title": "Ferry at dawn", "byline": "Ada"}, datetime(2024, 5, 1, 4, 30, tzinfo=UTC))


def test_tags_of_containers() -> None:
    assert metadata.of_tags({"com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": "iPhone 15"}).words == {
        "camera": "Apple iPhone 15"
    }
    assert metadata.of_tags({"TITLE": "x\0y", "creation_time": "1970-01-01T00:00:00Z"}) == Embedded({"title": "x y"})
