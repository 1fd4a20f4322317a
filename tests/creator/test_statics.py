"""Static files: compressed once, and as they are for whoever can't unpack them."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.test import AsyncClient

from creator import statics
from tests.conftest import Cast
from tests.factories import finished_story
from tests.views.conftest import browser_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("takes", "encoding"), [("gzip, deflate, br", "gzip"), ("", None), ("gzip;q=0", None)])
def test_text_is_sent_compressed_to_whoever_takes_it(takes: str, encoding: str | None) -> None:
    statics._packed.cache_clear()  # where another test had it lie is gone
    answer = async_to_sync(AsyncClient().get)("/static/css/base.css", headers={"Accept-Encoding": takes})
    sent = b"".join(async_to_sync(_all)(answer))
    whole = (ROOT / "static/css/base.css").read_bytes()
    assert answer.get("Content-Encoding") == encoding
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["Content-Type"].startswith("text/css")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert (gzip.decompress(sent) if encoding else sent) == whole
    assert not encoding or len(sent) < len(whole) / 2


async def _all(answer: object) -> list[bytes]:
    return [piece async for piece in answer]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/", "/library/", "/stories/{}/"])
def test_long_pages_are_sent_compressed(cast: Cast, path: str) -> None:
    """Each answer has another length (Django adds random bytes), so that it tells nothing of what is in it."""
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    author = browser_of(cast.alice)
    packed = author.get(path.format(story.pk), headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert b"</html>" in gzip.decompress(packed.content)
    assert len(packed.content) < len(author.get(path.format(story.pk)).content) / 2


def test_a_changed_file_is_compressed_anew(tmp_path: Path, settings: LazySettings) -> None:
    settings.CACHE_ROOT = tmp_path / "cache"
    style = tmp_path / "a.css"
    for changed, text in enumerate(("a { color: red }" * 100, "a { color: blue }" * 100)):
        style.write_text(text)
        os.utime(style, (changed, changed))
        packed = statics.compressed(style)
        assert packed is not None
        assert gzip.decompress(packed.read_bytes()).decode() == text
        assert statics.compressed(style) == packed
    style.write_text("a {}")
    assert statics.compressed(style) is None
    picture = tmp_path / "a.png"
    picture.write_bytes(bytes(2000))
    assert statics.compressed(picture) is None
