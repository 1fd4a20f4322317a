"""Reading over the API: lists and stories, what they may be asked, what is told again and what isn't."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from creator.models import Publication
from creator.services import channels, keys, links, publications
from media_processing.engine import EngineError
from tests.api.conftest import App, told
from tests.conftest import Cast
from tests.factories import rendition

More = Callable[..., list[Publication]]
NOBODY = "7b0e2d0c-4b0d-4d2e-9d0a-111111111111"


def test_an_app_asks_for_a_few_fields(live: Publication, reader: App) -> None:
    assert set(told(reader.get("/stories?fields=title,language"))["items"][0]) == {"id", "title", "language"}
    assert set(told(reader.get("/stories?fields=title&fields=summary"))["items"][0]) == {"id", "title", "summary"}
    assert set(told(reader.get(f"/stories/{live.story_id}?fields=scenes"))) == {"id", "scenes"}


@pytest.mark.parametrize(
    "query",
    ["fields=password", "fields=title,", "colour=red", "limit=0", "published_after=0", "aspect=2x3",
     "published_after=2026-02-30T00:00:00Z", "published_after=2026-01-01T00:00:00", "language=%00", "kind=",
     "updated_after=99999-01-01T00:00:00Z", "limit=1000000000000000000000000"],
)  # fmt: skip
def test_what_a_list_cannot_be_asked_is_refused(live: Publication, reader: App, query: str) -> None:
    assert told(reader.get(f"/stories?{query}"), 422)["detail"]


def test_a_route_without_parameters_takes_none(reader: App) -> None:
    told(reader.get("/channels?colour=red"), 422)


def test_dates_at_the_calendars_ends_are_understood(live: Publication, reader: App) -> None:
    assert told(reader.get("/stories?published_after=0001-01-01T00:00:00%2B14:00"))["items"]
    assert told(reader.get("/stories?published_after=9999-12-31T23:59:59-14:00"))["items"] == []


def test_a_list_is_narrowed(live: Publication, reader: App, more: More) -> None:
    more(2, language="hi")
    british = more(1, language="en-GB")[0]
    languages = [item["language"] for item in told(reader.get("/stories?language=en"))["items"]]
    assert sorted(languages) == ["en", "en-GB"]
    assert told(reader.get("/stories?kind=video"))["items"] == []
    square = told(reader.get("/stories?aspect=1x1"))["items"]
    assert [each["format"] for each in square[0]["renditions"]] == ["card:1x1"]
    later = british.published.isoformat().replace("+", "%2B")
    assert told(reader.get(f"/stories?published_after={later}"))["items"] == []
    assert len(told(reader.get(f"/stories?published_before={later}"))["items"]) == 3


def test_what_did_not_change_is_not_told_again(live: Publication, reader: App, cast: Cast) -> None:
    one = f"/stories/{live.story_id}"
    for path in ("/stories", "/stories?fields=title", one, f"{one}/transcript", f"{one}/renditions"):
        first = reader.get(path)
        again = reader.get(path, If_None_Match=f'"other", {first["ETag"]}')
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"]), path
        assert not first["ETag"].startswith("W/")
        assert first.content == reader.get(path).content
    assert reader.get("/stories")["ETag"] != reader.get("/stories?fields=title")["ETag"]
    before = reader.get("/stories")["ETag"]
    publications.withdraw(live, by=cast.alice, reason="A mistake.")
    assert reader.get("/stories", If_None_Match=before).status_code == 200


def test_a_conditional_get_is_one_indexed_query(
    live: Publication, reader: App, more: More, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "REMEMBERED", 60)  # not to count the key's own, asked for twice a second at most
    more(30)
    for path in ("/stories", f"/stories/{live.story_id}"):
        tag = reader.get(path)["ETag"]
        with CaptureQueriesContext(connection) as asked:
            assert reader.get(path, If_None_Match=tag).status_code == 304
        assert len(asked) == 1, [query["sql"] for query in asked]
        plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {asked[0]['sql']}").fetchall()
        steps = [step[3] for step in plan]
        assert not [step for step in steps if step.startswith("SCAN")], steps
        assert path != "/stories" or not [step for step in steps if "TEMP B-TREE" in step], steps


def test_longer_lists_ask_the_database_no_more_often(
    live: Publication, reader: App, more: More, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "REMEMBERED", 60)
    more(40)
    reader.get("/channels")
    counts = []
    for limit in (1, 40):
        with CaptureQueriesContext(connection) as asked:
            assert len(told(reader.get(f"/stories?limit={limit}"))["items"]) == limit
        counts.append(len(asked))
    assert counts == [2, 2]


def test_a_story_comes_in_the_language_that_is_wanted(live: Publication, reader: App, more: More) -> None:
    hindi = more(1, language="hi", original=live.original)[0]
    path = f"/stories/{live.story_id}"
    plain = reader.get(path)
    assert told(plain)["alternates"] == [{"id": str(hindi.story_id), "language": "hi"}]
    answer = reader.get(path, Accept_Language="ta;q=0.9, hi-IN;q=0.8, en;q=0.1")
    assert told(answer)["id"] == str(hindi.story_id)
    assert (answer["Content-Language"], answer["Vary"]) == ("hi", "Accept-Language, Origin")
    assert answer["Content-Location"].endswith(str(hindi.story_id))
    assert answer["ETag"] != plain["ETag"]
    for header in ("en", "ta", "*", "x" * 5000, ";;;", ""):
        assert told(reader.get(path, Accept_Language=header))["id"] == str(live.story_id)


def test_files_come_by_preset_and_by_shape(live: Publication, reader: App) -> None:
    path = f"/stories/{live.story_id}/renditions"
    assert told(reader.get(f"{path}?aspect=1x1"))["items"][0]["url"].startswith("http")
    assert told(reader.get(f"{path}?kind=video"))["items"] == []
    answer = reader.get(f"{path}/card-1x1")
    assert answer.status_code == 302
    address = urlsplit(answer["Location"])
    assert Client().get(f"{address.path}?{address.query}").status_code == 200
    told(reader.get(f"{path}/video-9x16"), 404)
    told(reader.get(f"{path}/captions-vtt"), 404)
    told(reader.get(f"{path}/card-3x4"), 422)


def signed(live: Publication) -> str:
    """The path and query of a live file's signed address."""
    rendition = live.document["renditions"][0]["id"]
    parts = urlsplit(links.signer(live.channel_id)(rendition))
    return f"{parts.path}?{parts.query}"


def test_a_signed_address_needs_no_key_and_takes_ranges(live: Publication) -> None:
    whole = b"".join(Client().get(signed(live)).streaming_content)  # type: ignore[attr-defined]
    part = Client().get(signed(live), headers={"Range": "bytes=5-9"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, whole[5:10])  # type: ignore[attr-defined]
    assert part["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_forged_and_expired_addresses_are_refused(live: Publication, cast: Cast, monkeypatch: Any) -> None:
    good = signed(live)
    path, _, query = good.partition("?")
    elsewhere = publications.default_channel(cast.other)
    rendition = path.rpartition("/")[2]
    foreign = f"channel={elsewhere.pk}&expires={links.expiry()}" \
              f"&signature={links.signature(rendition, elsewhere.pk, links.expiry())}"  # fmt: skip
    for wrong, status in (
        (query[:-1] + ("A" if query[-1] != "A" else "B"), 403), (query.replace("expires=1", "expires=2"), 403),
        (query.replace("channel=", "channel=1"), 403), ("signature=x", 403), ("", 401), (foreign, 404),
        (query.replace("expires=", "expires=-"), 403), (query.replace("channel=", "channel=%C2%B2"), 403),
    ):  # fmt: skip
        told(Client().get(f"{path}?{wrong}"), status)  # type: ignore[arg-type]
    monkeypatch.setattr(links.time, "time", lambda: links.expiry(0) + 10**10)
    told(Client().get(good), 403)  # type: ignore[arg-type]


def test_a_withdrawn_story_is_gone_with_its_files(live: Publication, reader: App, cast: Cast) -> None:
    address = signed(live)
    publications.withdraw(live, by=cast.alice, reason="A mistake.")
    for rest in ("", "/renditions", "/renditions/card-1x1", "/transcript", "/captions/vtt"):
        assert "A mistake." in told(reader.get(f"/stories/{live.story_id}{rest}"), 410)["detail"]
    told(Client().get(address), 404)  # type: ignore[arg-type]


def test_captions_and_transcripts_of_a_video(live: Publication, reader: App, cast: Cast) -> None:
    path = f"/stories/{live.story_id}"
    silent = told(reader.get(f"{path}/transcript"))
    assert [each["start"] for each in silent["passages"]] == [None] * 3
    told(reader.get(f"{path}/captions/vtt"), 404)
    vtt = "WEBVTT\n\n00:00:00.250 --> 00:00:02.000\nA new <b>lighthouse</b>\n\n00:00:02.000 --> 00:00:03.500\nfor us\n"
    track = rendition(cast.workspace, "vtt", vtt.encode(), "text/vtt")
    live.renditions.add(track)
    live.updated = timezone.now()
    live.save()
    spoken = told(reader.get(f"{path}/transcript"))["passages"]
    assert spoken[0] == {"text": "A new lighthouse", "start": 0.25, "end": 2.0}
    answer = reader.get(f"{path}/captions/vtt")
    assert b"".join(answer.streaming_content).decode() == vtt  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "text/vtt; charset=utf-8"


def test_a_key_of_another_channel_sees_nothing(live: Publication, cast: Cast) -> None:
    stranger = App(keys.make(publications.default_channel(cast.other), name="theirs", scopes=tuple(keys.SCOPES)[:3])[1])
    assert told(stranger.get("/stories"))["items"] == []
    for rest in ("", "/renditions", "/transcript", "/captions/vtt", "/draft"):
        told(stranger.get(f"/stories/{live.story_id}{rest}"), 404)
    told(stranger.post(f"/stories/{live.story_id}/publication"), 404)
    told(stranger.post(f"/stories/{live.story_id}/withdrawal", {"reason": "Mine."}), 404)
    told(stranger.post(f"/stories/{live.story_id}/runs", {}), 404)


def test_assets_and_their_transcripts(live: Publication, writer: App, reader: App, cast: Cast) -> None:
    first = told(writer.get("/assets?limit=2"))
    rest = told(writer.get(f"/assets?limit=2&cursor={first['next']}"))
    assert {item["title"] for item in first["items"] + rest["items"]} >= {"Fishers had asked for it."}
    asset = first["items"][0]["id"]
    assert told(writer.get(f"/assets/{asset}"))["licence"] == "CC0"
    assert writer.get("/assets", If_None_Match=writer.get("/assets")["ETag"]).status_code == 304
    told(writer.get(f"/assets/{asset}/transcript"), 404)
    told(reader.get("/assets"), 403)
    told(writer.get(f"/assets/{NOBODY}"), 404)
    told(writer.get("/assets?kind=smell"), 422)


def test_the_channel_of_a_key(reader: App, channel: Any) -> None:
    item = told(reader.get("/channels"))["items"][0]
    assert (item["slug"], item["scopes"]) == (channel.slug, ["stories:read"])
    assert told(reader.get(f"/channels/{channel.slug}")) == item
    told(reader.get("/channels/elsewhere"), 404)


@pytest.mark.slow
def test_walking_while_things_come_and_go_doubles_and_misses_nothing(
    live: Publication, reader: App, more: More
) -> None:
    """1,000 inserts and deletes at all ends of the list, in between the pages of one walk."""
    rng = random.Random(7)
    start = timezone.now()
    stays, goes = [], []
    for number in range(200):
        row = more(1, published=start - timezone.timedelta(seconds=number // 3), updated=start)[0]
        (stays if number % 2 else goes).append(row)
    seen, cursor, changes = [], "", 0
    while cursor is not None:
        page = told(reader.get(f"/stories?limit=5&fields=id{'&cursor=' + cursor if cursor else ''}"))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        for _ in range(40):
            changes += 1
            if goes and rng.random() < 0.5:
                goes.pop(rng.randrange(len(goes))).delete()
            else:
                at = start + timezone.timedelta(seconds=rng.uniform(-80, 20))
                goes += more(1, published=at, updated=at)
    assert changes >= 1000
    assert len(seen) == len(set(seen))
    assert {str(row.story_id) for row in stays} | {str(live.story_id)} <= set(seen)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/stories", 405), ("PUT", "/channels", 405), ("TRACE", "/stories", 405),
     ("GET", "/stories/not-a-number", 404), ("OPTIONS", "/stories", 405), ("GET", "", 404)],
)  # fmt: skip
def test_what_is_not_there_answers_with_a_problem(reader: App, method: str, path: str, status: int) -> None:
    answer = reader.ask(method, path)
    told(answer, status)
    assert status != 405 or "GET, HEAD" in answer["Allow"]


def test_a_head_is_a_get_without_its_body(live: Publication, reader: App) -> None:
    for path in ("/stories", f"/stories/{live.story_id}", f"/renditions/{live.document['renditions'][0]['id']}"):
        got, head = reader.get(path), reader.ask("HEAD", path)
        size = sum(map(len, got.streaming_content)) if got.streaming else len(got.content)  # type: ignore[attr-defined]
        assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(size)), path
        assert (head["ETag"], head["Content-Type"]) == (got["ETag"], got["Content-Type"])
        again = reader.ask("HEAD", path, If_None_Match=got["ETag"])
        assert (again.status_code, "Content-Length" in again) == (304, False)
    assert reader.ask("HEAD", "/stories?colour=red").status_code == 422
    assert reader.ask("HEAD", f"/stories/{live.story_id}/publication").status_code == 405


PAGE = "https://news.example.org"


def asked_before(path: str, origin: str) -> Any:
    """What a browser hears that asks whether a page may ask."""
    return Client().options(f"/api/v1{path}", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})


def test_no_web_page_may_ask_unless_its_channel_names_it(live: Publication, reader: App, channel: Any) -> None:
    answer = reader.get("/stories", Origin=PAGE)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer
    assert "Access-Control-Allow-Origin" not in asked_before("/stories", PAGE)


def test_pages_that_a_channel_names_may_ask(live: Publication, reader: App, channel: Any, cast: Cast) -> None:
    channels.adjust(channel, origins=f" {PAGE.upper()}/ \nhttp://127.0.0.1:5173", by=cast.ada)
    keys.forget()
    before = asked_before("/stories", PAGE)
    assert (before.status_code, before["Access-Control-Allow-Origin"]) == (204, PAGE)
    assert "Authorization" in before["Access-Control-Allow-Headers"]
    assert "PATCH" in before["Access-Control-Allow-Methods"]
    answer = reader.get("/stories", Origin=PAGE)
    assert answer["Access-Control-Allow-Origin"] == PAGE
    assert {"ETag", "RateLimit", "Retry-After"} <= set(answer["Access-Control-Expose-Headers"].split(", "))
    # A refusal can be read too: else a page only hears that something went wrong.
    assert reader.get("/stories?colour=red", Origin=PAGE)["Access-Control-Allow-Origin"] == PAGE
    assert App("").get("/stories", Origin=PAGE)["Access-Control-Allow-Origin"] == PAGE
    file = Client().get(signed(live), headers={"Origin": PAGE})
    assert file["Access-Control-Allow-Origin"] == PAGE
    for other in ("https://evil.example", "https://news.example.org.evil.example", "null", "http://news.example.org"):
        for answer in (reader.get("/stories", Origin=other), asked_before("/stories", other)):
            assert "Access-Control-Allow-Origin" not in answer, other
            assert "Origin" in answer["Vary"]


def test_a_page_of_one_channel_reads_nothing_of_another(live: Publication, reader: App, cast: Cast) -> None:
    elsewhere = publications.default_channel(cast.other)
    channels.adjust(elsewhere, origins=PAGE, by=cast.ada)
    assert "Access-Control-Allow-Origin" not in reader.get("/stories", Origin=PAGE)
    assert "Access-Control-Allow-Origin" not in Client().get(signed(live), headers={"Origin": PAGE})


@pytest.mark.parametrize(
    "written",
    ["*", "news.example.org", "ftp://news.example.org", "https://a.example/path", "null", "https://a b",
     "https://me@a.example", "https://a.example:99999", "x" * 3000],
)  # fmt: skip
def test_what_is_no_origin_is_refused(channel: Any, cast: Cast, written: str) -> None:
    with pytest.raises(EngineError) as refused:
        channels.adjust(channel, origins=written, by=cast.ada)
    assert refused.value.next_step
    channel.refresh_from_db()
    assert channel.origins == []
