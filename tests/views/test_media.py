"""Files with byte ranges, access and headers."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import Client, RequestFactory
from fontTools.ttLib import TTFont

from creator.models import Story
from creator.ranges import ranged
from creator.views import fonts
from media_processing.decoding import MediaError
from media_processing.ffmpeg import run_ffmpeg
from media_processing.models import Rendition
from media_processing.services import store_asset
from tests.conftest import Cast
from tests.factories import picture, rendition
from tests.media_processing.makers import clip, exif, picture_bytes, png_chunk, tone

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def file(cast: Cast) -> Rendition:
    return rendition(cast.workspace, "video:9x16", CONTENT, "video/mp4")


def get(client: Client, file: Rendition, method: str = "get", **headers: str) -> Any:
    return getattr(client, method)(f"/media/renditions/{file.pk}/", headers=headers)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("", 200, 0, 1023),
        ("bytes=0-", 206, 0, 1023),
        ("bytes=0-0", 206, 0, 0),
        ("bytes=100-199", 206, 100, 199),
        ("bytes=1000-5000", 206, 1000, 1023),
        ("bytes=-24", 206, 1000, 1023),
        ("bytes=-5000", 206, 0, 1023),
        ("bytes=5-3", 200, 0, 1023),
        ("bytes=a-b", 200, 0, 1023),
        ("bytes=-", 200, 0, 1023),
        ("bytes=0-1,5-6", 200, 0, 1023),
        ("items=0-1", 200, 0, 1023),
    ],
)
def test_ranges(author: Client, file: Rendition, asked: str, status: int, first: int, last: int) -> None:
    answer = get(author, file, range=asked) if asked else get(author, file)
    assert answer.status_code == status
    assert body(answer) == CONTENT[first : last + 1]
    assert answer["Content-Length"] == str(last + 1 - first)
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Accept-Ranges"] == "bytes"
    assert answer.get("Content-Range") == (f"bytes {first}-{last}/1024" if status == 206 else None)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=9999-10000", "bytes=-0"])
def test_ranges_beyond_the_end(author: Client, file: Rendition, asked: str) -> None:
    answer = get(author, file, range=asked)
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */1024")
    assert body(answer) == b""


def test_if_range_holds_only_for_the_same_file(author: Client, file: Rendition) -> None:
    etag = get(author, file)["ETag"]
    changed = get(author, file)["Last-Modified"]
    for condition in (etag, changed):
        assert get(author, file, range="bytes=0-9", **{"if-range": condition}).status_code == 206
    for condition in ('"another"', f"W/{etag}", "Mon, 01 Jan 2001 00:00:00 GMT", "nonsense"):
        assert get(author, file, range="bytes=0-9", **{"if-range": condition}).status_code == 200


def test_nothing_new_is_a_304(author: Client, file: Rendition) -> None:
    etag = get(author, file)["ETag"]
    answer = get(author, file, **{"if-none-match": etag})
    assert answer.status_code == 304
    assert answer["ETag"] == etag


def test_head_has_headers_and_no_body(author: Client, file: Rendition) -> None:
    answer = get(author, file, "head", range="bytes=0-9")
    assert (answer.status_code, answer["Content-Length"], body(answer)) == (206, "10", b"")


def test_files_can_neither_run_nor_be_guessed(author: Client, file: Rendition) -> None:
    answer = get(author, file)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert "immutable" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert author.post(f"/media/renditions/{file.pk}/").status_code == 405


def test_a_download_has_a_plain_name(author: Client, file: Rendition) -> None:
    answer = author.get(f'/media/renditions/{file.pk}/?download=a"%0D%0Ab/ü.mp4')
    assert answer["Content-Disposition"] == 'attachment; filename="a___b__.mp4"'


def test_a_file_that_went_is_a_404(author: Client, file: Rendition) -> None:
    file.file.unlink()
    assert get(author, file).status_code == 404


def test_thumbnails_are_small_and_blurred_ones_hold_nothing(author: Client, moderator: Client, cast: Cast) -> None:
    asset = picture(cast.workspace, "red")
    small = author.get(f"/media/assets/{asset.pk}/thumbnail/")
    assert (small.status_code, small["Content-Type"]) == (200, "image/webp")
    blurred = moderator.get(f"/media/assets/{asset.pk}/blurred/")
    assert blurred.status_code == 200
    assert len(blurred.content) < 1000
    assert author.get(f"/media/assets/{asset.pk}/blurred/").status_code == 404


PAYLOAD = b"<script>alert('polyglot')</script>"
WORDS = PAYLOAD.decode()


def hidden() -> Iterator[tuple[str, bytes]]:
    """Files that are a picture and something else as well: name, bytes."""
    other = {"html": PAYLOAD, "zip": zipped(), "pdf": b"%PDF-1.7\n" + PAYLOAD, "php": b"<?php ?>" + PAYLOAD}
    for form in ("JPEG", "PNG", "WEBP", "AVIF", "GIF"):
        for kind, content in other.items():
            yield f"{form} before {kind}", picture_bytes(form=form) + content
    said = exif(1)
    said[0x010E] = WORDS
    for form in ("JPEG", "PNG", "WEBP", "AVIF"):
        yield f"{form} with EXIF", picture_bytes(form=form, exif=said)
        if form != "PNG":
            yield f"{form} with XMP", picture_bytes(form=form, xmp=PAYLOAD)
    yield "JPEG with a comment", picture_bytes(comment=PAYLOAD)
    yield "GIF with a comment", picture_bytes(form="GIF", comment=PAYLOAD)
    plain = picture_bytes(form="PNG")
    for kind in (b"tEXt", b"zzZz", b"jsPt"):
        yield f"PNG with {kind.decode()}", plain[:33] + png_chunk(kind, b"Title\0" + PAYLOAD) + plain[33:]


def zipped() -> bytes:
    target = BytesIO()
    with ZipFile(target, "w") as archive:
        archive.writestr("index.html", PAYLOAD)
    return target.getvalue()


def played(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The same of films and sounds."""
    said = ["-metadata", f"title={WORDS}", "-metadata", f"comment={WORDS}"]
    for suffix in (".mp4", ".mkv", ".webm", ".mov"):
        named = folder / f"named{suffix}"
        run_ffmpeg(["-i", clip(folder / f"film{suffix}", seconds=0.4), "-c", "copy", *said, named])
        yield named.name, named.read_bytes() + PAYLOAD
    for suffix in (".mp3", ".wav", ".m4a", ".flac"):
        named = folder / f"named{suffix}"
        run_ffmpeg(["-i", tone(folder / f"tone{suffix}"), "-c", "copy", *said, named])
        yield named.name, named.read_bytes()
    wav = (folder / "tone.wav").read_bytes()
    yield "wav with a chunk", wav + b"jUnK" + len(PAYLOAD).to_bytes(4, "little") + PAYLOAD
    film = (folder / "film.mp4").read_bytes()
    yield "mp4 with a box", film + (8 + len(PAYLOAD)).to_bytes(4, "big") + b"free" + PAYLOAD


@pytest.mark.slow
def test_what_is_shown_holds_nothing_that_was_hidden_in_a_file(author: Client, cast: Cast, tmp_path: Path) -> None:
    files = [*hidden(), *played(tmp_path)]
    assert len(files) >= 30
    taken, wrong = 0, []
    for name, content in files:
        assert PAYLOAD in content or b"index.html" in content, name
        try:
            asset, _new = store_asset(cast.workspace.pk, content, title="A picture")
        except MediaError:
            continue
        taken += 1
        shown = author.get(f"/media/assets/{asset.pk}/")
        small = author.get(f"/media/assets/{asset.pk}/thumbnail/")
        for answer in (shown, *([small] if asset.kind != "audio" else [])):
            served = body(answer)
            if answer.status_code != 200 or not served or PAYLOAD in served or b"index.html" in served:
                wrong.append((name, answer.status_code))
        saved = author.get(f"/media/assets/{asset.pk}/?download=a")
        assert body(saved) == content, "a download is the file that came in"
        assert saved["Content-Disposition"].startswith("attachment")
        assert saved["Content-Security-Policy"].startswith("sandbox")
    assert not wrong
    assert taken >= 30


def test_colleagues_get_files_of_a_story(colleague: Client, story: Story) -> None:
    made = story.variants.all()[0].rendition
    assert made is not None
    assert get(colleague, made).status_code == 200


def test_fonts_are_open_and_named(db: None) -> None:
    assert Client().get("/fonts/Roboto-Regular.ttf").status_code == 200
    assert Client().get("/fonts/SourceSerifPro-Semibold.ttf").status_code == 200
    for name in ("Roboto-Ugly.ttf", "Roboto-...ttf", "Secret-Regular.ttf", "Roboto-Regular.otf", "Roboto-Thin.woff"):
        assert Client().get(f"/fonts/{name}").status_code == 404


def test_latin_is_a_small_file_with_the_same_widths(db: None) -> None:
    """The preview breaks lines in it where the render, which has the whole font, does."""
    answer = Client().get("/fonts/Roboto-Regular.woff")
    assert answer["Content-Type"] == "font/woff"
    assert len(answer.content) < 60_000
    part = TTFont(BytesIO(answer.content))
    whole = TTFont(fonts.FOLDERS["Roboto"] / "Roboto-Regular.ttf")
    for letter in "Ağ„€≈ Wé":
        widths = [font["hmtx"][font.getBestCmap()[ord(letter)]][0] for font in (part, whole)]
        assert widths[0] == widths[1]
    css = (Path(fonts.__file__).parents[2] / "static/css/tokens.css").read_text()
    said = ", ".join(f"U+{each.start:X}-{each.stop - 1:X}" for each in fonts.LATIN)
    assert css.count(f"unicode-range: {said};") == 5


def test_an_empty_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    answer = ranged(RequestFactory().get("/"), path, "text/plain", "e")
    assert (answer.status_code, answer["Content-Length"]) == (200, "0")
