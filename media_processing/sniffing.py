"""Telling what a file is from its first bytes, never from its name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """An accepted format: how Pillow calls it, or how ffmpeg does."""

    content_type: str
    suffix: str
    pillow: str = ""
    demuxers: str = ""
    sound: tuple[str, str] = ("", "")
    """Content type and suffix where the container turns out to hold sound only."""


JPEG = Format("image/jpeg", ".jpg", pillow="JPEG")
PNG = Format("image/png", ".png", pillow="PNG")
WEBP = Format("image/webp", ".webp", pillow="WEBP")
AVIF = Format("image/avif", ".avif", pillow="AVIF")
GIF = Format("image/gif", ".gif", pillow="GIF")
MP4 = Format("video/mp4", ".mp4", demuxers="mov,mp4", sound=("audio/mp4", ".m4a"))
MOV = Format("video/quicktime", ".mov", demuxers="mov,mp4", sound=("audio/mp4", ".m4a"))
WEBM = Format("video/webm", ".webm", demuxers="matroska,webm", sound=("audio/webm", ".weba"))
MKV = Format("video/x-matroska", ".mkv", demuxers="matroska,webm", sound=("audio/x-matroska", ".mka"))
WAV = Format("audio/wav", ".wav", demuxers="wav", sound=("audio/wav", ".wav"))
MP3 = Format("audio/mpeg", ".mp3", demuxers="mp3", sound=("audio/mpeg", ".mp3"))
OGG = Format("audio/ogg", ".ogg", demuxers="ogg", sound=("audio/ogg", ".ogg"))
FLAC = Format("audio/flac", ".flac", demuxers="flac", sound=("audio/flac", ".flac"))

ACCEPTED = "JPEG, PNG, WebP, AVIF, GIF, MP4, MOV, WebM, MKV, WAV, MP3, M4A, OGG and FLAC"

_MAGIC = (
    (b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"GIF87a", GIF), (b"GIF89a", GIF), (b"OggS", OGG),
    (b"fLaC", FLAC), (b"ID3", MP3),
)  # fmt: skip
_REFUSED = (
    (b"<svg", "an SVG drawing"), (b"<!doctype", "a web page"), (b"<html", "a web page"), (b"<?xml", "an XML file"),
    (b"#extm3u", "a playlist"), (b"ffconcat", "a playlist"), (b"%pdf", "a PDF"), (b"pk\x03\x04", "a ZIP archive"),
    (b"%!ps", "a PostScript file"), (b"ii*\x00", "a TIFF picture"), (b"mm\x00*", "a TIFF picture"),
    (b"mz", "a program"), (b"\x7felf", "a program"), (b"8bps", "a Photoshop file"), (b"bm", "a BMP picture"),
)  # fmt: skip


def sniff(head: bytes) -> Format | None:
    """The accepted format of a file that begins with `head` (at least 64 bytes where the file has them), or None."""
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if head[:4] == b"RIFF":
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[:4] == b"\x1aE\xdf\xa3":
        return WEBM if b"webm" in head[:64] else MKV if b"matroska" in head[:64] else None
    if head[4:8] == b"ftyp":
        return _iso(head)
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return MOV
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[2] >> 4 not in (0, 15):
        return MP3
    return None


def _iso(head: bytes) -> Format | None:
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, min(len(head), 64), 4))}
    if head[8:12] in (b"avif", b"avis") or (head[8:12] in (b"mif1", b"msf1") and brands & {b"avif", b"avis"}):
        return AVIF
    if head[8:12] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"):
        return None
    return MOV if head[8:12] == b"qt  " else MP4


def looks_like(head: bytes) -> str:
    """What a refused file seems to be, with its article ("a web page")."""
    if head[4:8] == b"ftyp":
        return "a HEIC photo"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start[:1024]:
        return "an SVG drawing"
    for magic, words in _REFUSED:
        if start.startswith(magic):
            return words
    if start and all(byte >= 32 or byte in b"\t\r\n" for byte in start[:256]):
        return "a text file"
    return "a file of unknown kind"
