"""Events of apps: counted once, refused and discounted with a reason, numbers that stay sound."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from creator.models import Channel, CoinTally, DailySalt, Interaction, OfferedList, Publication, Tally
from creator.services import interactions, keys, lists
from creator.services.interactions import Kind, Taken, Told
from tests.conftest import Cast
from tests.creator.ranked import channel_of, published


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return channel_of(cast.workspace)


@pytest.fixture
def stories(channel: Channel) -> list[Publication]:
    return published(channel, 5)


@pytest.fixture
def shown(channel: Channel, stories: list[Publication]) -> OfferedList:
    made = lists.offer(channel).list
    assert made is not None
    return made


def told(
    shown: OfferedList, place: int = 0, kind: Kind = "click", *, visitor: str = "ann", ahead: float = 0.0,
    number: UUID | None = None, position: int | None = None, form: str = "",
) -> Told:  # fmt: skip
    at = timezone.now() + timedelta(seconds=ahead)
    story = UUID(shown.items[place]["story"])
    return Told(number or uuid4(), kind, shown.pk, story, at, position, form, visitor)


def states(taken: Sequence[Taken]) -> list[str]:
    return [each.state for each in taken]


def sums() -> tuple[int, int, int]:
    found = Tally.objects.aggregate(shown=Sum("impressions"), clicks=Sum("clicks"), ends=Sum("completions"))
    return (found["shown"] or 0, found["clicks"] or 0, found["ends"] or 0)


def test_events_are_counted_by_story_hour_and_place(channel: Channel, shown: OfferedList) -> None:
    seen = [told(shown, place, "impression") for place in range(5)]
    taken = interactions.take(channel, [*seen, told(shown, 3), told(shown, 3, "completion")])
    assert set(states(taken)) == {"counted"}
    assert sums() == (5, 1, 1)
    clicked = Tally.objects.get(clicks=1)
    assert str(clicked.story_id) == shown.items[3]["story"]
    assert clicked.place == 3
    assert clicked.hour.minute == 0


def test_a_click_says_that_it_was_seen(channel: Channel, shown: OfferedList) -> None:
    assert states(interactions.take(channel, [told(shown)])) == ["counted"]
    assert sums() == (1, 1, 0)
    late = interactions.take(channel, [told(shown, 0, "impression")])
    assert states(late) == ["duplicate"]
    assert sums() == (1, 1, 0)


def test_a_click_is_in_the_format_that_was_seen(
    channel: Channel, stories: list[Publication], shown: OfferedList
) -> None:
    Publication.objects.filter(story=shown.items[0]["story"]).update(document={"renditions": [{"format": "card:9x16"}]})
    interactions.take(channel, [told(shown, 0, "impression", form="card:9x16")])
    interactions.take(channel, [told(shown, 0), told(shown, 0, "completion")])
    only = Tally.objects.get()
    assert (only.format, only.impressions, only.clicks, only.completions) == ("card:9x16", 1, 1, 1)


def test_the_same_event_counts_once_however_often_it_comes(channel: Channel, shown: OfferedList) -> None:
    event = told(shown)
    assert states(interactions.take(channel, [event, event])) == ["counted", "duplicate"]
    assert states(interactions.take(channel, [event])) == ["duplicate"]
    other = told(shown, 1, number=event.id)
    (refused,) = interactions.take(channel, [other])
    assert (refused.state, refused.reason) == ("refused", "This id was used for another event.")
    assert sums() == (1, 1, 0)


def test_one_of_a_kind_counts_for_each_story_of_a_list(channel: Channel, shown: OfferedList) -> None:
    many = [told(shown, visitor=f"visitor {number}") for number in range(50)]
    assert Counter(states(interactions.take(channel, many))) == {"counted": 1, "duplicate": 49}
    assert sums() == (1, 1, 0)


def test_what_cannot_be_is_refused_with_its_reason(cast: Cast, channel: Channel, shown: OfferedList) -> None:
    elsewhere = channel_of(cast.workspace, "elsewhere")
    published(elsewhere, 1)
    foreign = lists.offer(elsewhere).list
    assert foreign is not None
    event = told(shown)
    forged = [
        (told(foreign), "no such list"),
        (Told(uuid4(), "click", uuid4(), event.story, event.at), "no such list"),
        (Told(uuid4(), "click", shown.pk, uuid4(), event.at), "wasn't on the list"),
        (told(shown, 1, position=1), "It stood at position 2."),
        (told(shown, ahead=3600), "future"),
        (told(shown, ahead=-3600), "older than its list"),
        (told(shown, form="video:9x16"), "isn't published in that format"),
    ]
    taken = interactions.take(channel, [each for each, _ in forged])
    assert states(taken) == ["refused"] * len(forged)
    for each, (_, reason) in zip(taken, forged, strict=True):
        assert reason in each.reason
    assert not Interaction.objects.exists()
    assert sums() == (0, 0, 0)


def test_a_clock_that_is_a_little_off_is_forgiven(channel: Channel, shown: OfferedList) -> None:
    taken = interactions.take(channel, [told(shown, 0, ahead=120), told(shown, 1, ahead=-120, position=2)])
    assert states(taken) == ["counted", "counted"]


def test_events_of_last_week_come_too_late(channel: Channel, shown: OfferedList) -> None:
    event = told(shown)
    (refused,) = interactions.take(channel, [event], now=timezone.now() + timedelta(days=8))
    assert refused.reason == "It is older than 7 days."


def test_one_visitor_clicks_a_story_once_a_day(channel: Channel, stories: list[Publication]) -> None:
    taken = []
    for _list in range(20):
        shown = lists.offer(channel).list
        assert shown is not None
        place = next(at for at, each in enumerate(shown.items) if each["story"] == str(stories[0].story_id))
        taken += interactions.take(channel, [told(shown, place)])
    assert states(taken) == ["counted"] + ["discounted"] * 19
    assert taken[-1].reason == "This visitor clicked this story today already."
    assert sums() == (1, 1, 0)


def test_a_client_that_never_stops_is_bounded(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    published(channel, 12)
    monkeypatch.setitem(interactions.A_DAY, "click", 5)
    shown = lists.offer(channel).list
    assert shown is not None
    taken = interactions.take(channel, [told(shown, place) for place in range(12)])
    assert states(taken) == ["counted"] * 5 + ["discounted"] * 7
    assert "don't count in a day" in taken[-1].reason
    assert sums() == (5, 5, 0)
    again = lists.offer(channel).list
    assert again is not None
    assert states(interactions.take(channel, [told(again, 3)])) == ["discounted"]
    assert states(interactions.take(channel, [told(again, 4, visitor="bob")])) == ["counted"]


def test_visitors_are_hashed_with_a_salt_that_goes(channel: Channel, shown: OfferedList) -> None:
    interactions.take(channel, [told(shown, 0, visitor="ann@example.org")])
    (first,) = set(Interaction.objects.values_list("visitor", flat=True))
    assert "ann" not in first
    assert len(first) == 32
    salt = bytes(DailySalt.objects.get().salt)
    tomorrow = timezone.now() + timedelta(days=1)
    interactions.take(channel, [told(shown, 1, visitor="ann@example.org")], now=tomorrow)
    assert bytes(DailySalt.objects.get().salt) != salt  # the day before can't be hashed again
    assert Interaction.objects.exclude(visitor=first).exists()


def test_clicks_under_a_coin_tell_of_places(channel: Channel, shown: OfferedList) -> None:
    OfferedList.objects.filter(pk=shown.pk).update(pair=[1, 4])
    interactions.take(channel, [told(shown, 4), told(shown, 2)])
    (only,) = CoinTally.objects.all()
    assert (only.clicked, only.other, only.clicks) == (4, 1, 1)


# Over the API ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def app(channel: Channel) -> Client:
    _key, secret = keys.make(channel, name="Phone", scopes=("stories:read", "events:write"))
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(app: Client, path: str, body: object) -> tuple[int, dict[str, object]]:
    answer = app.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def test_an_app_makes_a_list_and_tells_what_was_clicked(app: Client, stories: list[Publication]) -> None:
    status, made = post(app, "lists", {"limit": 3})
    assert status == 201
    items = made["items"]
    assert isinstance(items, list)
    assert [item["position"] for item in items] == [1, 2, 3]
    for item in items:
        assert sum(why["contribution"] for why in item["explain"]) == pytest.approx(item["score"], abs=1e-6)
        assert item["story"]["title"].startswith("Story")
    held = app.get(f"/api/v1/lists/{made['id']}")
    assert [each["story"] for each in held.json()["items"]] == [item["story"]["id"] for item in items]
    event = {
        "id": str(uuid4()), "kind": "click", "list": made["id"], "story": items[1]["story"]["id"], "position": 2,
        "at": timezone.now().isoformat(), "visitor": "ann",
    }  # fmt: skip
    status, told = post(app, "events", {"events": [event, {**event, "id": str(uuid4()), "position": 1}]})
    assert status == 200
    assert (told["counted"], told["refused"]) == (1, 1)
    assert told["events"][1]["reason"] == "It stood at position 2."  # type: ignore[index]
    assert sums() == (1, 1, 0)


def test_an_address_is_never_stored(app: Client, stories: list[Publication]) -> None:
    _status, made = post(app, "lists", {})
    story = made["items"][0]["story"]["id"]  # type: ignore[index]
    post(app, "events", {"events": [{"id": str(uuid4()), "kind": "impression", "list": made["id"], "story": story}]})
    row = Interaction.objects.values().get()
    assert "127.0.0.1" not in str(row)


def test_batches_are_bounded_and_keys_need_the_scope(cast: Cast, app: Client, channel: Channel) -> None:
    event = {"id": str(uuid4()), "kind": "click", "list": str(uuid4()), "story": str(uuid4())}
    assert post(app, "events", {"events": [event] * 501})[0] == 422
    assert post(app, "events", {"events": []})[0] == 422
    assert post(app, "events", {"events": [{**event, "ip": "1.2.3.4"}]})[0] == 422
    assert post(app, "events", {"events": [{**event, "at": "9999-12-31T23:59:59Z"}]})[1]["refused"] == 1
    assert post(app, "events", {"events": [event] * 500})[1]["refused"] == 500
    _key, secret = keys.make(channel, name="Reader")
    reader = Client(headers={"Authorization": f"Bearer {secret}"})
    assert post(reader, "events", {"events": [event]})[0] == 403


def test_lists_of_others_are_not_there(cast: Cast, app: Client) -> None:
    other = channel_of(cast.other)
    published(other, 1)
    made = lists.offer(other).list
    assert made is not None
    assert app.get(f"/api/v1/lists/{made.pk}").status_code == 404
