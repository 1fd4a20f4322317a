"""Keys: what they may do, how long, how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone

from creator.api import limits
from creator.api.errors import TooMany
from creator.models import ApiKey, Channel
from creator.services import keys
from media_processing.engine import EngineError
from tests.api.conftest import App, told
from tests.conftest import Cast


def test_a_key_is_a_hash_with_a_prefix(channel: Channel) -> None:
    key, secret = keys.make(channel, name="phone")
    assert secret.startswith("sl_")
    assert len(secret) >= 46  # 256 random bits
    assert key.prefix == secret[:10]
    assert secret[10:] not in str(list(ApiKey.objects.values()))


@pytest.mark.parametrize(
    ("name", "wish"),
    [(" ", {}), ("phone", {"scopes": ("stories:eat",)}), ("phone", {"scopes": ()}), ("phone", {"days": 0}),
     ("phone", {"rate": 0}), ("phone", {"scopes": ("reviews:write",)})],
)  # fmt: skip
def test_keys_that_make_no_sense_are_refused(channel: Channel, name: str, wish: dict[str, object]) -> None:
    with pytest.raises(EngineError):
        keys.make(channel, name=name, **wish)  # type: ignore[arg-type]


def test_a_stranger_lends_no_name(channel: Channel, cast: Cast) -> None:
    with pytest.raises(EngineError, match="isn't of the workspace"):
        keys.make(channel, name="phone", person=cast.charlie)


def test_a_key_ends(channel: Channel) -> None:
    secret = keys.make(channel, name="phone", days=1)[1]
    told(App(secret).get("/stories"))
    ApiKey.objects.update(expires=timezone.now() - timedelta(seconds=1))
    keys.forget()
    told(App(secret).get("/stories"), 401)


def test_a_known_key_ends_in_time(channel: Channel) -> None:
    """Its process remembers it, but not beyond its end."""
    _, secret = keys.make(channel, name="phone", days=1)
    assert keys.find(secret) is not None
    assert keys.find(secret, now=timezone.now() + timedelta(days=2)) is None


def test_a_key_that_was_revoked_elsewhere_ends_within_a_second(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = keys.make(channel, name="phone")
    now = [100.0]
    monkeypatch.setattr(keys.time, "monotonic", lambda: now[0])
    assert keys.find(secret) is not None
    ApiKey.objects.filter(pk=key.pk).update(revoked=timezone.now())  # as another process does
    now[0] += 1.0
    assert keys.find(secret) is None


def test_a_rotated_key_overlaps_its_successor(channel: Channel) -> None:
    old, before = keys.make(channel, name="phone", scopes=("stories:read", "search:read"), days=30, rate=99)
    new, after = keys.rotate(old)
    told(App(before).get("/stories"))
    told(App(after).get("/stories"))
    assert (new.scopes, new.rate, new.name) == (old.scopes, 99, "phone")
    old.refresh_from_db()
    assert old.replaced_by == new
    assert old.expires is not None
    assert old.expires <= timezone.now() + timedelta(hours=24)
    assert keys.find(before, now=timezone.now() + timedelta(hours=25)) is None
    assert keys.find(after, now=timezone.now() + timedelta(hours=25)) is not None
    with pytest.raises(EngineError):
        keys.rotate(old)


def test_the_last_use_is_written_down_once_a_minute(channel: Channel) -> None:
    key, secret = keys.make(channel, name="phone")
    App(secret).get("/stories")
    key.refresh_from_db()
    first = key.last_used
    assert first is not None
    keys.forget()
    App(secret).get("/stories")
    key.refresh_from_db()
    assert key.last_used == first


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer sl_x", "Basic c2w6", "Bearer \xff", "sl_", "x" * 9000]
)
def test_what_is_no_key_opens_nothing(db: None, header: str) -> None:
    from django.test import Client

    answer: HttpResponse = Client().get("/api/v1/stories", headers={"Authorization": header})  # type: ignore[assignment]
    told(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_key_asks_so_often_and_no_oftener(channel: Channel) -> None:
    app = App(keys.make(channel, name="phone", rate=3)[1])
    left = [app.get("/stories")["RateLimit"].split(";")[1] for _ in range(3)]
    assert left == ["r=2", "r=1", "r=0"]
    answer = app.get("/stories")
    assert told(answer, 429)["detail"]
    assert 1 <= int(answer["Retry-After"]) <= 61
    other = App(keys.make(channel, name="tablet", rate=3)[1]).get("/stories")
    assert other["RateLimit-Policy"] == '"key";q=3;w=60'
    assert other["RateLimit"].startswith('"key";r=2;t=')


def test_the_window_slides() -> None:
    start = 6000.0
    for second in range(10):
        limits.take("slide", 10, now=start + 50 + second / 10)
    with pytest.raises(TooMany):
        limits.take("slide", 10, now=start + 59)
    with pytest.raises(TooMany):  # no fresh ten right after the minute's turn
        limits.take("slide", 10, now=start + 60.1)
    assert limits.take("slide", 10, now=start + 90).left == 4
    assert limits.take("slide", 10, now=start + 300).left == 9
