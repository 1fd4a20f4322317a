"""IPTC's digital source type in a file's XMP packet, written and read without encoding anything again.

IPTC NewsCodes "Digital Source Type" (cv.iptc.org/newscodes/digitalsourcetype). The packet goes where Adobe's "XMP
Specification Part 3" (2020) says.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from xml.sax.saxutils import quoteattr

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_PROPERTY = "DigitalSourceType"
_JPEG_LABEL = b"http://ns.adobe.com/xap/1.0/\x00"
_PNG_LABEL = b"XML:com.adobe.xmp"
_MP4_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MP3_OWNER = b"XMP\x00"


def with_source_type(content: bytes, content_type: str, source_type: str) -> bytes:
    """The file with IPTC's digital source type in an XMP packet; nothing is encoded again.

    A file that has a packet already keeps it: it says what its maker wanted, and the manifest says the rest.
    Raises ValueError for a file that isn't what its type says.
    """
    if not source_type or b"<x:xmpmeta" in content:
        return content
    return _WRITERS[content_type](content, packet_of(source_type))


def packet_of(source_type: str) -> bytes:
    """An XMP packet that says the source type."""
    value = quoteattr(SOURCE_TYPES + source_type)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:{_PROPERTY}={value}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def source_type_of(content: bytes) -> str:
    """The name of the digital source type that a file's XMP gives, "" where it gives none."""
    _, found, rest = content.partition(_PROPERTY.encode())
    _, link, name = rest[:300].partition(SOURCE_TYPES.encode())
    letters = bytes(name[:60])
    end = next((place for place, each in enumerate(letters) if not chr(each).isalpha()), len(letters))
    return letters[:end].decode("ascii", "replace") if found and link else ""


def _in_jpeg(content: bytes, packet: bytes) -> bytes:
    if content[:2] != b"\xff\xd8":
        raise ValueError("this is no JPEG")
    place = 2
    if content[2:4] == b"\xff\xe0":  # JFIF comes first
        place = 4 + struct.unpack(">H", content[4:6])[0]
    body = _JPEG_LABEL + packet
    return content[:place] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[place:]


def _in_png(content: bytes, packet: bytes) -> bytes:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        raise ValueError("this is no PNG")
    body = b"iTXt" + _PNG_LABEL + b"\x00\x00\x00\x00\x00" + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return content[:33] + chunk + content[33:]


def _in_webp(content: bytes, packet: bytes) -> bytes:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise ValueError("this is no WebP")
    chunks = content[12:]
    if chunks[:4] == b"VP8X":
        flags = struct.unpack("<I", chunks[8:12])[0] | 0x04
        chunks = chunks[:8] + struct.pack("<I", flags) + chunks[12:]
    else:  # the simple form has no room for metadata: put the extended header before it
        width, height, alpha = _webp_facts(chunks)
        head = struct.pack("<I", 0x04 | (0x10 if alpha else 0))
        head += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks = b"VP8X" + struct.pack("<I", 10) + head + chunks
    chunks += _riff_chunk(b"XMP ", packet)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def _webp_facts(chunks: bytes) -> tuple[int, int, bool]:
    if chunks[:4] == b"VP8 ":
        width, height = struct.unpack("<HH", chunks[14:18])
        return width & 0x3FFF, height & 0x3FFF, False
    if chunks[:4] == b"VP8L":
        bits = struct.unpack("<I", chunks[9:13])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    raise ValueError("this WebP has no picture")


def _riff_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def _in_mp4(content: bytes, packet: bytes) -> bytes:
    if content[4:8] != b"ftyp":
        raise ValueError("this is no MP4")
    return content + struct.pack(">I", 24 + len(packet)) + b"uuid" + _MP4_UUID + packet


def _in_wav(content: bytes, packet: bytes) -> bytes:
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError("this is no WAV")
    chunks = content[12:] + b"\x00" * (len(content) % 2) + _riff_chunk(b"_PMX", packet)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def _in_mp3(content: bytes, packet: bytes) -> bytes:
    if content[:3] != b"ID3" and (len(content) < 4 or content[0] != 0xFF or content[1] & 0xE0 != 0xE0):
        raise ValueError("this is no MP3")
    body = _MP3_OWNER + packet
    if content[:3] != b"ID3":
        frame = b"PRIV" + _syncsafe(len(body)) + b"\x00\x00" + body
        return b"ID3\x04\x00\x00" + _syncsafe(len(frame)) + frame + content
    version, flags, size = content[3], content[5], content[6:10]
    if version not in (3, 4) or flags:  # compressed or unsynchronized tags are left as they are
        return content
    length = _syncsafe(len(body)) if version == 4 else struct.pack(">I", len(body))
    frame = b"PRIV" + length + b"\x00\x00" + body
    old = size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3]
    return content[:6] + _syncsafe(old + len(frame)) + frame + content[10:]


def _syncsafe(number: int) -> bytes:
    """Seven bits a byte, as ID3v2 counts."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


_WRITERS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "image/jpeg": _in_jpeg, "image/png": _in_png, "image/webp": _in_webp, "video/mp4": _in_mp4,
    "audio/wav": _in_wav, "audio/mpeg": _in_mp3,
}  # fmt: skip
