"""Static files: compressed once, and as they are for whoever can't unpack them."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.templatetags.static import static
from django.test import AsyncClient

from creator import statics
from creator.templatetags.modules import imported
from tests.conftest import Cast
from tests.factories import finished_story
from tests.views.conftest import browser_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("takes", "encoding"), [("gzip, deflate, br", "gzip"), ("", None), ("gzip;q=0", None)])
def test_text_is_sent_compressed_to_whoever_takes_it(takes: str, encoding: str | None) -> None:
    statics._packed.cache_clear()  # where another test had it lie is gone
    answer = async_to_sync(AsyncClient().get)(static("css/base.css"), headers={"Accept-Encoding": takes})
    sent = b"".join(async_to_sync(_all)(answer))
    whole = (ROOT / "static/css/base.css").read_bytes()
    assert answer.get("Content-Encoding") == encoding
    assert answer["Vary"] == "Accept-Encoding"
    assert answer["Content-Type"].startswith("text/css")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert (gzip.decompress(sent) if encoding else sent) == whole
    assert not encoding or len(sent) < len(whole) / 2


def test_browsers_keep_static_files_for_ever_and_are_led_to_them_from_an_older_edition() -> None:
    ask = async_to_sync(AsyncClient().get)
    here = static("js/app.js")
    assert ask(here)["Cache-Control"].endswith("immutable")
    for older in ("/static/js/app.js", "/static/0123456789ab/js/app.js"):
        moved = ask(older)
        assert (moved.status_code, moved["Location"]) == (302, here)
    assert ask("/static/0123456789ab/js/nothing.js").status_code == 404


def test_a_sheet_that_imports_others_is_sent_with_them_in_their_places() -> None:
    whole = statics.joined(ROOT / "static/css/storyloom.css").read_text()
    assert "@import" not in whole
    parts = ["@layer reset, tokens", "@layer tokens {", "@layer reset {"]
    assert [whole.index(part) for part in parts] == sorted(whole.index(part) for part in parts)
    assert len(whole) > sum((ROOT / f"static/css/{name}.css").stat().st_size for name in ("tokens", "base", "frame"))
    alone = ROOT / "static/css/base.css"
    assert statics.joined(alone) == alone


def test_every_module_is_asked_for_with_the_page(cast: Cast) -> None:
    """None waits until the module that imports it has come."""
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    page = browser_of(cast.alice).get(f"/stories/{story.pk}/").content.decode()
    ahead = re.findall(r'rel="modulepreload" href="([^"]+)"', page)
    assert len(ahead) == len(set(ahead)) > 30
    loaded = {path.relative_to(ROOT / "static").as_posix() for path in (ROOT / "static/js/studio").glob("*.js")}
    assert {static(name) for name in (*loaded, "js/app.js", "js/words.js", "js/events.js")} <= set(ahead)
    assert all(imported(name) == () or set(map(static, imported(name))) <= set(ahead) for name in loaded)


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
