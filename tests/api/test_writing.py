"""Making stories over the API: from an article to a live story, by keys alone; what is refused on the way."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from creator.api import idempotency
from creator.models import ApiKey, Channel, IdempotentCall, Job, Publication, Story
from creator.services import keys, publications, stories
from media_processing.engine import EngineError
from moderation.services import active_policy, clauses
from tests.api.conftest import ALL, App, told
from tests.conftest import Cast
from tests.factories import finished_story, picture
from tests.processes import until

ARTICLE = "The harbour got a new lighthouse on Friday. Fishers had asked for it. It can be seen from afar."
WISH = {"article": ARTICLE, "formats": ["card:1x1"], "seconds": 20}
NOBODY = "7b0e2d0c-4b0d-4d2e-9d0a-111111111111"


@pytest.fixture
def judge(channel: Channel, cast: Cast) -> App:
    """An app that reviews in Mo's name."""
    return App(keys.make(channel, name="desk of Mo", scopes=("reviews:write",), person=cast.mo)[1])


def test_a_story_is_made_of_an_article(writer: App) -> None:
    answer = writer.post("/stories", WISH)
    made = told(answer, 201)
    assert made["state"] == "making"
    assert made["variants"] == [{"format": "card:1x1", "language": "en", "rendition": None}]
    assert answer["Location"] == f"/api/v1/stories/{made['id']}/draft"
    assert told(writer.get(f"/stories/{made['id']}/draft")) == made
    job = told(writer.get(f"/jobs?story={made['id']}"))["items"][0]
    assert (job["kind"], job["state"]) == ("make_story", "waiting")
    assert told(writer.get(f"/jobs/{job['id']}")) == job
    assert told(writer.post(f"/jobs/{job['id']}/cancel"))["state"] == "cancelled"
    assert told(writer.post(f"/jobs/{job['id']}/retry"))["state"] == "waiting"
    assert [each["id"] for each in told(writer.get("/drafts?state=making"))["items"]] == [made["id"]]
    assert told(writer.get("/drafts?state=draft"))["items"] == []
    refused = writer.patch(f"/stories/{made['id']}/draft", {"title": "New"}, If_Match="*")
    assert "being made" in told(refused, 409)["detail"]


def test_a_whole_life_over_the_api(story: Story, writer: App, judge: App, cast: Cast) -> None:
    """Edited, rendered, sent to review, rejected by nobody, approved by a moderator's key, published, withdrawn."""
    path = f"/stories/{story.pk}"
    assert "not reviewed" in told(writer.post(f"{path}/publication"), 409)["detail"]
    sent = told(writer.post(f"{path}/submissions"), 201)
    case = told(judge.get(f"/reviews/{sent['review']}"))
    assert case["id"] in [each["id"] for each in told(judge.get("/reviews"))["items"]]
    assert {each["format"] for each in case["revisions"]} == {"card:1x1", "card:9x16"}
    clause = clauses(active_policy(cast.workspace.pk))[0][0]
    wrong = {"verb": "reject", "version": case["version"]}
    told(judge.post(f"/reviews/{case['id']}/decisions", wrong), 409)
    decided = {"verb": "approve", "version": case["version"], "note": "Checked.", "clause": clause}
    assert told(judge.post(f"/reviews/{case['id']}/decisions", decided), 201)["state"] == "approved"
    told(judge.post(f"/reviews/{case['id']}/decisions", decided), 409)
    published = told(writer.post(f"{path}/publication"), 201)
    assert published["channel"] == "lockscreen"
    assert told(writer.get(path))["title"] == story.title
    told(writer.post(f"{path}/withdrawal", {"reason": "A mistake."}))
    told(writer.get(path), 410)
    told(writer.post(f"{path}/withdrawal", {"reason": "Again."}), 404)


def test_a_correction_is_published_with_its_note_and_its_end(live: Publication, writer: App) -> None:
    path, end = f"/stories/{live.story_id}", timezone.now() + timedelta(days=2)
    wish = {"note": "It is 40 m high.", "expires_at": end.isoformat()}
    told(writer.post(f"{path}/publication", wish), 201)
    assert [each["note"] for each in told(writer.get(path))["corrections"]] == ["It is 40 m high."]
    live.refresh_from_db()
    assert live.expires == end
    told(writer.post(f"{path}/publication", {"expires_at": "2020-01-01T00:00:00Z"}), 409)
    told(writer.post(f"{path}/publication", {"note": 5}), 422)
    told(writer.post(f"{path}/publication", {"expires_at": 5}), 422)


def test_a_publication_is_planned_and_left(live: Publication, writer: App, reader: App, cast: Cast) -> None:
    path = f"/stories/{live.story_id}/schedules"
    begin = timezone.now() + timedelta(hours=3)
    wish = {"at": begin.isoformat(), "expires_at": (begin + timedelta(hours=1)).isoformat(), "note": "Corrected."}
    planned = told(writer.post(path, wish), 201)
    assert (planned["state"], planned["note"]) == ("waiting", "Corrected.")
    assert told(writer.get(path))["items"] == [planned]
    for wrong, status in (({"at": "2020-01-01T00:00:00Z"}, 409), ({"at": "soon"}, 422), ({}, 422), ({"at": 5}, 422)):
        told(writer.post(path, wrong), status)
    told(reader.post(path, wish), 403)
    stranger = App(keys.make(publications.default_channel(cast.other), name="theirs", scopes=("stories:publish",))[1])
    told(stranger.ask("DELETE", f"{path}/{planned['id']}"), 404)
    assert told(writer.ask("DELETE", f"{path}/{planned['id']}"))["state"] == "cancelled"
    told(writer.ask("DELETE", f"{path}/{planned['id']}"), 409)
    told(writer.ask("DELETE", f"{path}/{10**12}"), 404)


def test_an_embargo_holds_until_it_is_lifted(live: Publication, writer: App, reader: App) -> None:
    story, until = live.story, timezone.now() + timedelta(hours=3)
    path, wish = f"/stories/{story.pk}/embargo", {"until": until.isoformat()}
    told(writer.ask("PUT", path, wish), 409)
    told(writer.post(f"/stories/{story.pk}/withdrawal", {"reason": "Too early."}))
    assert told(writer.ask("PUT", path, wish))["until"]
    story.refresh_from_db()
    assert story.embargo == until
    told(writer.post(f"/stories/{story.pk}/schedules", {"at": (until - timedelta(hours=1)).isoformat()}), 409)
    told(reader.ask("PUT", path, {"until": None}), 403)
    told(writer.ask("PUT", f"/stories/{NOBODY}/embargo", wish), 404)
    for wrong in ({}, {"until": "soon"}, {"until": 5}):
        told(writer.ask("PUT", path, wrong), 422)
    assert told(writer.ask("PUT", path, {"until": None}))["until"] is None


def test_an_edit_names_the_version_that_it_changes(story: Story, writer: App, cast: Cast) -> None:
    path = f"/stories/{story.pk}/draft"
    first = writer.get(path)
    told(writer.patch(path, {"title": "New"}), 428)
    told(writer.patch(path, {"title": "New"}, If_Match='"v99"'), 412)
    answer = writer.patch(path, {"title": "New", "hashtags": ["sea"]}, If_Match=first["ETag"])
    edited = told(answer)
    assert (edited["title"], edited["hashtags"], edited["version"]) == ("New", ["sea"], story.version + 1)
    assert answer["ETag"] == writer.get(path)["ETag"] != first["ETag"]
    told(writer.patch(path, {"title": "Old"}, If_Match=first["ETag"]), 412)
    told(writer.patch(path, {"music": "polka"}, If_Match="*"), 409)
    told(writer.patch(path, {"colour": "red"}, If_Match="*"), 422)
    told(writer.patch(path, {"title": 7}, If_Match="*"), 422)
    told(writer.patch(f"/stories/{NOBODY}/draft", {"title": "New"}, If_Match="*"), 404)
    assert writer.get(path, If_None_Match=answer["ETag"]).status_code == 304


def test_scenes_are_added_changed_moved_and_taken_out(story: Story, writer: App, cast: Cast) -> None:
    path = f"/stories/{story.pk}/scenes"
    made = told(writer.post(path, {"position": 0.0, "narration": "It began at dawn."}, If_Match="*"), 201)
    new = made["scenes"][0]
    assert new["narration"] == "It began at dawn."
    asset = picture(cast.workspace, "olive", "Dawn")
    said = {"on_screen": "Dawn", "asset": str(asset.pk), "position": 2}
    scenes = told(writer.patch(f"{path}/{new['id']}", said, If_Match="*"))["scenes"]
    assert (scenes[2]["id"], scenes[2]["on_screen"], scenes[2]["asset"]) == (new["id"], "Dawn", str(asset.pk))
    foreign = picture(cast.other, "pink", "Theirs")
    told(writer.patch(f"{path}/{new['id']}", {"asset": str(foreign.pk)}, If_Match="*"), 404)
    job = told(writer.post(f"{path}/{new['id']}/pictures", {"words": "a harbour at dawn"}), 202)
    assert job["kind"] == "find_pictures"
    told(writer.ask("DELETE", f"{path}/{new['id']}"), 428)
    assert len(told(writer.ask("DELETE", f"{path}/{new['id']}", If_Match="*"))["scenes"]) == 3
    told(writer.ask("DELETE", f"{path}/{new['id']}", If_Match="*"), 404)
    told(writer.patch(f"{path}/{NOBODY}", {"alt": "x"}, If_Match="*"), 404)


def test_a_step_is_done_again_and_a_story_translated(story: Story, writer: App) -> None:
    job = told(writer.post(f"/stories/{story.pk}/runs", {"step": "renditions"}), 202)
    assert (job["kind"], job["story"]) == ("make_story", str(story.pk))
    assert told(writer.post(f"/stories/{story.pk}/runs", {}), 202)["id"] == job["id"]
    told(writer.post(f"/stories/{story.pk}/runs", {"step": "magic"}), 422)
    told(writer.post(f"/stories/{story.pk}/translations", {"language": "de"}), 409)  # the built-in writer doesn't
    told(writer.post(f"/stories/{story.pk}/translations", {"language": "xx"}), 422)


def test_nobody_decides_on_their_own(cast: Cast, channel: Channel) -> None:
    both = App(keys.make(channel, name="Ada's", scopes=(*ALL, "reviews:write"), person=cast.ada)[1])
    story = finished_story(cast.workspace, cast.ada)
    review = told(both.post(f"/stories/{story.pk}/submissions"), 201)["review"]
    version = told(both.get(f"/reviews/{review}"))["version"]
    answer = both.post(f"/reviews/{review}/decisions", {"verb": "approve", "version": version})
    told(answer, 409)
    assert not Publication.objects.exists()


def test_a_key_does_no_more_than_its_person(cast: Cast, channel: Channel, story: Story) -> None:
    mos = App(keys.make(channel, name="Mo's", scopes=(*ALL, "reviews:write"), person=cast.mo)[1])
    told(mos.post("/stories", WISH), 403)
    told(mos.post(f"/stories/{story.pk}/publication"), 403)
    bobs = App(keys.make(channel, name="Bob's", scopes=("reviews:write",), person=cast.bob)[1])
    told(bobs.get("/reviews"), 403)
    cast.mo.is_active = False
    cast.mo.save()
    keys.forget()
    told(mos.get("/reviews"), 401)


def test_without_the_scope_nothing_is_written(reader: App, story: Story) -> None:
    for path in ("/stories", f"/stories/{story.pk}/runs", f"/stories/{story.pk}/submissions",
                 f"/stories/{story.pk}/publication", "/jobs/1/cancel", "/reviews/1/decisions"):  # fmt: skip
        assert "scope" in told(reader.post(path, {}), 403)["detail"]
    told(reader.get("/drafts"), 403)
    told(reader.get("/jobs"), 403)


# Idempotency ---------------------------------------------------------------------------------------------------------


def test_the_same_call_twice_is_done_once(writer: App) -> None:
    first = writer.post("/stories", WISH, Idempotency_Key="one")
    again = writer.post("/stories", WISH, Idempotency_Key="one")
    assert told(again, 201) == told(first, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert (again["ETag"], again["Location"]) == (first["ETag"], first["Location"])
    assert Story.objects.count() == 1
    told(writer.post("/stories", {**WISH, "seconds": 30}, Idempotency_Key="one"), 422)
    told(writer.post("/stories", WISH, Idempotency_Key="two"), 201)
    assert Story.objects.count() == 2
    told(writer.post("/stories", WISH, Idempotency_Key="ö"), 422)
    told(writer.post("/stories", WISH, Idempotency_Key="x" * 300), 422)


def test_names_are_each_keys_own(writer: App, channel: Channel) -> None:
    told(writer.post("/stories", WISH, Idempotency_Key="one"), 201)
    told(App(keys.make(channel, name="another", scopes=ALL)[1]).post("/stories", WISH, Idempotency_Key="one"), 201)
    assert Story.objects.count() == 2


def test_what_failed_may_be_tried_again(story: Story, writer: App) -> None:
    told(writer.post(f"/stories/{story.pk}/publication", Idempotency_Key="p"), 409)
    assert not IdempotentCall.objects.exists()


def test_a_call_in_flight_is_not_done_a_second_time(writer: App) -> None:
    told(writer.post("/stories", WISH, Idempotency_Key="one"), 201)
    IdempotentCall.objects.update(status=None)
    answer = writer.post("/stories", WISH, Idempotency_Key="one")
    told(answer, 409)
    assert answer["Retry-After"] == "1"
    # Its server died: after a while the call may be done again, and finds the story that it made.
    IdempotentCall.objects.update(created=timezone.now() - timezone.timedelta(minutes=6))
    told(writer.post("/stories", WISH, Idempotency_Key="one"), 201)
    assert Story.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_call_that_takes_long_says_that_it_lives(writer: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a second server would take it for one whose server died."""
    seen: list[bool] = []

    def slowly(*_args: Any, **_said: Any) -> None:
        begun = IdempotentCall.objects.get().created
        seen.append(until(lambda: IdempotentCall.objects.get().created > begun, seconds=60))
        raise EngineError("No.", permanent=True)

    monkeypatch.setattr(idempotency, "LOST", timezone.timedelta(seconds=1))
    monkeypatch.setattr(stories, "create", slowly)
    writer.post("/stories", WISH, Idempotency_Key="one")
    assert seen == [True]


def test_answers_are_kept_for_a_day(writer: App) -> None:
    told(writer.post("/stories", WISH, Idempotency_Key="one"), 201)
    IdempotentCall.objects.update(created=timezone.now() - timezone.timedelta(hours=25))
    assert keys.sweep_calls() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_make_one_story(writer: App) -> None:
    statuses: list[int] = []
    gate = threading.Barrier(50)

    def post() -> None:
        gate.wait()
        try:
            statuses.append(writer.post("/stories", WISH, Idempotency_Key="the-one").status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert Story.objects.count() == 1
    assert Job.objects.count() == 1
    assert len(statuses) == 50
    assert set(statuses) <= {201, 409}
    assert 201 in statuses


# Hostile bodies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400), (b'{"article":' * 50_000, 400), (b"null", 422),
        (b"[]", 422), (b'"text"', 422), (b"{}", 409), (b'{"article": 7}', 422), (b'{"seconds": "20"}', 422),
        (b'{"seconds": 20.5}', 422), (b'{"seconds": NaN}', 422), (b'{"seconds": 1e400}', 422),
        (b'{"formats": "card:1x1"}', 422),
        (b'{"formats": []}', 422), (b'{"formats": ["film:1x1"]}', 422), (b'{"article": "\\u0000"}', 409),
        (b'{"article": "a", "colour": "red"}', 422), (b'{"article": "\\ud800"}', 422), (b"", 422),
        (b'{"article": "' + b"x" * 10_000_000 + b'"}', 413), (b'{"article": "' + b"x" * 1_500_000 + b'"}', 422),
    ],
)  # fmt: skip
def test_hostile_bodies_get_a_problem(writer: App, body: bytes, status: int) -> None:
    from django.test import Client

    headers = {"Authorization": f"Bearer {writer.secret}"}
    answer: Any = Client(raise_request_exception=False).generic(
        "POST", "/api/v1/stories", data=body, content_type="application/json", headers=headers
    )
    told(answer, status)
    assert not Story.objects.exists()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://169.254.169.254/latest", "file:///etc/passwd", "ftp://example.org/", "x"]
)
def test_an_article_is_not_fetched_from_inside(writer: App, url: str) -> None:
    told(writer.post("/stories", {"url": url, "formats": ["card:1x1"]}), 409)


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "x", "99999999999999999999", "%00"])
def test_numbers_that_are_none(writer: App, number: str) -> None:
    assert writer.get(f"/jobs/{number}").status_code in (404, 422)


def test_deleting_a_key_takes_its_calls(writer: App) -> None:
    told(writer.post("/stories", WISH, Idempotency_Key=str(uuid4())), 201)
    ApiKey.objects.all().delete()
    assert not IdempotentCall.objects.exists()


def test_a_file_that_is_sent_twice_is_looked_at_once(reader: App) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client

    from tests.media_processing.makers import picture_bytes

    def send(content: bytes) -> Any:
        headers = {"Authorization": f"Bearer {reader.secret}", "Idempotency-Key": "file"}
        file = SimpleUploadedFile("a.png", content, "image/png")
        return Client(raise_request_exception=False).post("/api/v1/verify", {"file": file}, headers=headers)

    assert told(send(picture_bytes()))["verdict"] == "none"
    assert send(picture_bytes())["Idempotent-Replayed"] == "true"
    told(send(picture_bytes() + b"\0"), 422)
