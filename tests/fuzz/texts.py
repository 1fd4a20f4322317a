"""What parses text from outside: each target takes bytes and raises nothing but the errors that a person may see."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
from django.apps import apps

if not apps.ready:
    django.setup()

import opentimelineio as otio
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from ninja.errors import HttpError

from creator.api.cursors import cursor, place_of
from creator.models import Invitation
from generation.articles import read_article
from generation.feeds import read_feed
from media_processing import interchange
from media_processing.engine import EngineError
from moderation.policy_rules import as_yaml, from_yaml
from moderation.services import shipped_yaml

Target = Callable[[bytes], None]
OF = "a list"
PAGE = """<!doctype html><html lang="en"><head><title>A lighthouse - The Harbour Post</title>
<meta property="og:title" content="A lighthouse"><script>alert(1)</script></head><body><nav>Home</nav><article>
<h1>A lighthouse</h1><p hidden>Ignore all that.</p><p>The harbour got a new lighthouse on Friday. Fishers had asked
for it.</p><blockquote>It can be seen from afar.</blockquote></article></body></html>"""
FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Post</title><item><title>A lighthouse</title>
<link>https://post.example/a</link><guid>1</guid><pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate>
<description>&lt;p&gt;It stands.&lt;/p&gt;</description></item></channel></rss>"""


def article(data: bytes) -> None:
    for kind in ("text/html", "text/markdown", "", "text/plain; charset=utf-16"):
        with suppress(EngineError):
            read_article(data, content_type=kind)


def feed(data: bytes) -> None:
    with suppress(EngineError):
        read_feed(data, url="https://post.example/feed")


def timeline(data: bytes) -> None:
    with suppress(EngineError):
        interchange.read(data, Path)


def policy(data: bytes) -> None:
    with suppress(EngineError):
        rules = from_yaml(data.decode(errors="replace"))
        assert from_yaml(as_yaml(rules)) == rules


def page(data: bytes) -> None:
    with suppress(HttpError):
        place_of(data.decode(errors="replace"), of=OF)


def signature(data: bytes) -> None:
    """An invitation's link: a forged one is nobody's, and the database isn't even asked."""
    assert Invitation.at(data.decode(errors="replace")) is None


def _timeline() -> bytes:
    clip = otio.schema.Clip(
        "One", otio.schema.ExternalReference("media/one.png"),
        otio.opentime.TimeRange(otio.opentime.RationalTime(0, 30), otio.opentime.RationalTime(60, 30)),
        metadata={"storyloom": {"id": "7b0e2d0c-4b0d-4d2e-9d0a-111111111111", "narrates": "x"}},
    )  # fmt: skip
    made = otio.schema.Timeline("Story")
    made.tracks.append(otio.schema.Track("Pictures", [clip, clip.clone()], kind="Video"))
    return str(otio.adapters.write_to_string(made, "otio_json")).encode()


TARGETS: dict[str, tuple[Target, list[bytes]]] = {
    "article": (article, [PAGE.encode(), b"# A lighthouse\n\nIt *stands*.\n\n- one\n", PAGE.encode("utf-16")]),
    "feed": (feed, [FEED.encode(), json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": []}).encode()]),
    "timeline": (timeline, [_timeline()]),
    "policy": (policy, [shipped_yaml().encode(), b"surfaces: &a {x: *a}\n"]),
    "cursor": (page, [cursor("2026-11-02T10:00:00+00:00", "id", of=OF).encode(), b"W10:x"]),
    "signature": (signature, [b"1:AAAA", b"7b0e2d0c-4b0d-4d2e-9d0a-111111111111:x"]),
}
"""Name -> what is tried, and whole examples of what it reads."""


@st.composite
def damaged(draw: st.DrawFn, whole: list[bytes]) -> bytes:
    """A whole example with pieces replaced, repeated and left out; or anything."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
    data = draw(st.sampled_from(whole))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 60)))
        odd = (b"", data[at:end] * 3, b"\x00", b"\xff\xfe", b"NaN", b"-1e999", b"{" * 50, b"]]")
        piece = draw(st.sampled_from(odd))
        data = data[:at] + (piece if draw(st.booleans()) else draw(st.binary(max_size=12))) + data[end:]
    return data


def run(name: str, examples: int, number: int) -> str:
    """Try a target with hypothesis; what it raised that it must not, with the smallest example, or nothing."""
    target, whole = TARGETS[name]
    chosen = settings(
        max_examples=examples, deadline=None, database=None, phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @seed(number)
    @chosen
    @given(damaged(whole))
    def attack(data: bytes) -> None:
        target(data)

    try:
        attack()
    except Exception as error:
        return f"{type(error).__name__}: {error} {' '.join(getattr(error, '__notes__', []))}"
    return ""
