"""Who gets what from every address: tests/permissions.toml is the whole answer, and this holds the program to it.

A new route without a line fails, and so does a line without a route.
"""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests.conftest import Cast
from tests.media_processing.makers import clip
from tests.world import World, address, body, build, clients, routes

pytestmark = pytest.mark.slow  # `make quick` leaves it out

TABLE = tomllib.loads((Path(__file__).parent / "permissions.toml").read_text())
WHO: list[str] = TABLE["who"]
READ: dict[str, str] = TABLE["get"]
WRITE: dict[str, str] = TABLE["post"]
WITH_IDS = (
    "story_id", "asset_id", "rendition_id", "job_id", "key_id", "review_id", "notice_id", "session_id",
    "membership_id", "invitation_id", "object_id", "<id>",
)  # fmt: skip
AREAS = ("pages", "admin", "api")


@pytest.fixture
def world(cast: Cast, tmp_path: Path) -> World:
    return build(cast, clip(tmp_path / "clip.mp4", seconds=0.4).read_bytes())


def area(route: str) -> str:
    if route.startswith(("api/", "^api/")):
        return "api"
    return "admin" if route.startswith("admin/") and not route.startswith("admin/review/") else "pages"


def ask(client: Client, method: str, path: str, **options: Any) -> HttpResponse:
    """One request of which nothing remains: neither rows nor cookies."""
    cookies = copy.deepcopy(client.cookies)
    client.raise_request_exception = False
    with transaction.atomic():
        if path == "/library/uploads/" and method == "post":  # what tus asks of every sender
            options["headers"] = {**options.get("headers", {}), "Tus-Resumable": "1.0.0", "Upload-Length": "9"}
        answer: HttpResponse = getattr(client, method)(path, **options)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def seen(answer: HttpResponse) -> str:
    """The status as the table writes it: "in" is the way to the sign-in page, "go" a redirect elsewhere."""
    if answer.status_code in (301, 302):
        return "in" if answer["Location"].startswith(("/sign-in/", "/admin/login/")) else "go"
    return str(answer.status_code)


def every_route() -> list[str]:
    return [route for route, _ in routes()]


def test_every_route_has_a_line_and_every_line_a_route() -> None:
    there = set(every_route())
    assert sorted(there - set(READ)) == [], "routes without a line in tests/permissions.toml"
    assert sorted((set(READ) | set(WRITE)) - there) == [], "lines of tests/permissions.toml without a route"


def test_every_line_says_something_of_everybody() -> None:
    wrong = [route for table in (READ, WRITE) for route, line in table.items() if len(line.split()) != len(WHO)]
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("part", AREAS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_everybody_gets_what_the_table_says(world: World, part: str, method: str) -> None:
    asking = clients(world)
    wrong = []
    for route in every_route():
        if area(route) != part:
            continue
        line = (READ if method == "get" else WRITE).get(route)
        # What has no line of its own takes no POST at all.
        expected = line.split() if line else ["-"] * len(WHO)
        got = []
        for who, wanted in zip(WHO, expected, strict=True):
            given = body(route, world) if method == "post" else {}
            answer = seen(ask(asking[who], method, address(route, world), **given))
            got.append("-" if wanted == "-" and refuses_post(route, who, answer) else answer)
        if got != expected:
            wrong.append(f"{method.upper()} /{route}\n    table: {' '.join(expected)}\n    got:   {' '.join(got)}")
    assert not wrong, "\n" + "\n".join(wrong)


def refuses_post(route: str, who: str, answer: str) -> bool:
    """Whether a POST where none is meant was refused: 405, or the sign-in page, or nothing that this person may see."""
    return answer in ("405", "in", "401", "403", "404")


@pytest.mark.slow
def test_what_changes_something_refuses_get(world: World) -> None:
    """Routes that only take POST answer 405 to a GET of somebody who may use them."""
    asking = clients(world)
    only_post = [route for route, line in READ.items() if "405" in line.split() and route in WRITE]
    assert len(only_post) >= 12
    for route in only_post:
        assert ask(asking["owner"], "get", address(route, world)).status_code == 405, route
        assert ask(asking["owner"], "head", address(route, world)).status_code == 405, route


@pytest.mark.slow
def test_what_changes_something_needs_a_csrf_token(world: World) -> None:
    careful = {}
    for who, user in (("author", world.cast.alice), ("moderator", world.cast.mo), ("owner", world.owner)):
        careful[who] = Client(enforce_csrf_checks=True)
        careful[who].force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    wrong = []
    for route, line in WRITE.items():
        for who, client in careful.items():
            if area(route) == "api":  # no session reaches it
                continue
            if dict(zip(WHO, line.split(), strict=True))[who] in ("404", "405", "403"):
                continue
            answer = ask(client, "post", address(route, world), **body(route, world))
            if answer.status_code != 403:
                wrong.append(f"{who}: {route}: {answer.status_code}")
    assert not wrong
    token = "a" * 32
    careful["author"].cookies["csrftoken"] = token
    given = body("stories/<uuid:story_id>/edit/", world)
    path = address("stories/<uuid:story_id>/edit/", world)
    assert ask(careful["author"], "post", path, headers={"X-CSRFToken": token}, **given).status_code == 200


def comparable(answer: HttpResponse) -> tuple[int, int, str]:
    """What somebody who guesses could tell two answers apart by."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, len(content), answer.get("Content-Type", "")


@pytest.mark.slow
@pytest.mark.parametrize("who", ["stranger", "other_key", "moderator"])
def test_what_is_not_yours_answers_like_what_does_not_exist(world: World, who: str) -> None:
    client = clients(world)[who]
    wrong = []
    for method, table in (("get", READ), ("post", WRITE)):
        for route, line in table.items():
            if not any(name in route for name in WITH_IDS):
                continue
            said = dict(zip(WHO, line.split(), strict=True))
            if said[who] != "404" and not (who == "stranger" and said[who] == "go"):
                continue
            given = body(route, world) if method == "post" else {}
            theirs = comparable(ask(client, method, address(route, world), **given))
            nothing = comparable(ask(client, method, address(route, world, nowhere=True), **given))
            if theirs != nothing:
                wrong.append(f"{method.upper()} {route}: {theirs} for what is there, {nothing} for what is not")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_nothing_of_a_workspace_is_on_another_ones_pages(world: World) -> None:
    """Names, titles, ids and numbers of one team in whatever its neighbour may open."""
    client = clients(world)["stranger"]
    secrets = [
        "River desk", "Draft of the river", "Submitted river", "Live river", "Fishers had asked", "Moving river",
        "River phone", "river ban", "alice", "River group", world.key.prefix, str(world.draft.pk), str(world.live.pk),
        world.asset.digest, world.secret,
    ]  # fmt: skip
    searched = ["/library/?q=river", f"/library/?like={world.asset.pk}", "/?show=live", "/events/poll/?after=0"]
    opened = [
        address(route, world) for route, line in READ.items()
        if line.split()[WHO.index("stranger")] == "200"
        and not route.startswith(("shared/", "invitation/"))  # theirs by the link
    ]  # fmt: skip
    wrong = []
    for path in [*opened, *searched]:
        if path == "/events/":
            continue
        answer = ask(client, "get", path)
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode("utf-8", "replace")
        wrong += [f"{path} shows {secret!r}" for secret in secrets if secret in text]
    assert not wrong


@pytest.mark.parametrize("story", ["draft", "live"])
def test_events_of_a_foreign_story_are_refused(world: World, story: str) -> None:
    stranger = clients(world)["stranger"]
    path = f"/events/poll/?after=0&story={getattr(world, story).pk}"
    assert ask(stranger, "get", path).status_code == 404
    assert ask(stranger, "get", path.replace("poll/", "")).status_code == 404


def test_a_foreign_picture_cannot_be_put_into_a_story(world: World) -> None:
    from tests.factories import picture

    foreign = picture(world.cast.other, "orange", "A picture of the hill")
    scene = world.draft.scenes.first()
    assert scene is not None
    said = {"do": "choose_picture", "version": world.draft.version, "scene": str(scene.pk), "asset": str(foreign.pk)}
    path = address("stories/<uuid:story_id>/edit/", world)
    answer = ask(clients(world)["author"], "post", path, data=said, content_type="application/json")
    assert answer.status_code == 404


def test_a_foreign_channel_takes_nothing(world: World) -> None:
    from creator.models import Channel, Publication

    theirs = Channel.objects.get(workspace=world.cast.other)
    client = clients(world)["author"]
    client.post(address("stories/<uuid:story_id>/publish/", world), {"channel": [str(theirs.pk)]})
    assert not Publication.objects.filter(channel=theirs).exists()


def test_without_a_membership_nothing_opens(world: World) -> None:
    from creator.models import User

    client = Client()
    client.force_login(User.objects.create_user("nobody"), backend="django.contrib.auth.backends.ModelBackend")
    for path in ("", "library/", "jobs/", "settings/engines/", "settings/channels/", "admin/review/", "events/poll/"):
        assert client.get(f"/{path}").status_code == 404, path


def test_an_account_that_was_switched_off_opens_nothing(world: World) -> None:
    client = clients(world)["author"]
    assert client.get("/").status_code == 200
    type(world.cast.alice).objects.filter(pk=world.cast.alice.pk).update(is_active=False)
    assert client.get("/").status_code == 302
    assert client.get("/admin/").status_code == 302


def test_a_moderator_cannot_edit_and_an_editor_cannot_review(world: World) -> None:
    """The same through the data: nothing changed."""
    asking = clients(world)
    before = world.draft.version
    path = address("stories/<uuid:story_id>/edit/", world)
    asking["moderator"].post(path, **body("stories/<uuid:story_id>/edit/", world))
    world.draft.refresh_from_db()
    assert world.draft.version == before
    path = address("admin/review/<int:review_id>/", world)
    asking["editor"].post(path, **body("admin/review/<int:review_id>/", world))
    world.review.refresh_from_db()
    assert world.review.state == "open"


def test_nobody_decides_on_their_own_story_through_the_page(world: World) -> None:
    world.cast.ada.memberships.update(role="admin")
    type(world.submitted).objects.filter(pk=world.submitted.pk).update(author=world.cast.ada)
    path = address("admin/review/<int:review_id>/", world)
    given = {"verb": "approve", "version": str(world.review.version)}
    answer = clients(world)["admin"].post(path, given)
    world.review.refresh_from_db()
    assert answer.status_code == 403
    assert world.review.state == "open"
