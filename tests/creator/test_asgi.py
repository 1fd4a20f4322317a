"""The web server's entry point: what the event loop serves, what a thread answers, and that threads stay."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.templatetags.static import static
from django.test import override_settings
from django.urls import path

from creator.asgi import KEPT, Handler
from creator.views.fonts import font

seen: list[tuple[str, int]] = []


def noted(_request: HttpRequest) -> HttpResponse:
    """Which thread answers, by which connection."""
    connection.ensure_connection()
    seen.append((threading.current_thread().name, id(connection.connection)))
    time.sleep(0.02)
    return HttpResponse("noted")


async def later(_request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("later")


async def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """As the events are: rows looked up before the answer begins, and again while it is sent."""
    await sync_to_async(noted)(request)

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(2):
            yield (await sync_to_async(noted)(request)).content

    return StreamingHttpResponse(parts())


urlpatterns = [path("noted", noted), path("later", later), path("streamed", streamed)]
urlpatterns += [path("fonts/<family>-<weight>.<form>", font, name="font")]  # the page for what isn't there names them


@pytest.fixture
def handler() -> Handler:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__):
        return Handler()


async def answer(handler: Handler, path: str, *, gone: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request; of a client that goes away at once, nothing."""
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"host", b"127.0.0.1")],
        "http_version": "1.1", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    communicator: Any = ApplicationCommunicator(handler, scope)  # type: ignore[no-untyped-call]
    await communicator.send_input({"type": "http.request", "body": b"", "more_body": False})
    if gone:
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(5)
        return 0, {}, b""
    start: dict[str, Any] = await communicator.receive_output(5)
    body = b""
    more = True
    while more:
        part = await communicator.receive_output(5)
        body, more = body + part.get("body", b""), part.get("more_body", False)
    await communicator.wait(5)
    return start["status"], {name.decode().lower(): value.decode() for name, value in start["headers"]}, body


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_one_thread_and_its_connection_answer_one_request_after_the_other(handler: Handler) -> None:
    async def asked() -> list[int]:
        found = []
        for _ in range(3):
            found.append((await answer(handler, "/noted"))[0])
            await asyncio.sleep(0.05)
        return found

    assert asyncio.run(asked()) == [200, 200, 200]
    assert len(set(seen)) == 1


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_requests_at_the_same_time_have_threads_of_their_own_and_few_of_those_stay(handler: Handler) -> None:
    async def asked() -> list[Any]:
        found = await asyncio.gather(*(answer(handler, "/noted") for _ in range(KEPT + 8)))
        await asyncio.sleep(0.2)
        return found

    assert {status for status, _headers, _body in asyncio.run(asked())} == {200}
    assert len(set(seen)) == KEPT + 8
    assert len(handler._waiting) == KEPT


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_a_thread_whose_client_went_away_comes_back_when_it_is_free(handler: Handler) -> None:
    async def asked() -> int:
        await answer(handler, "/noted", gone=True)
        status = (await answer(handler, "/noted"))[0]
        await asyncio.sleep(0.2)
        return status

    assert asyncio.run(asked()) == 200
    assert 1 <= len(handler._waiting) <= 2


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_what_streams_looks_up_its_rows_in_its_own_thread(handler: Handler) -> None:
    assert asyncio.run(answer(handler, "/streamed"))[::2] == (200, b"notednoted")
    assert len(seen) == 3
    assert len(set(seen)) == 1


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_pages_and_static_files_say_the_same_of_security(handler: Handler) -> None:
    async def asked() -> list[Any]:
        return [await answer(handler, path) for path in ("/later", static("css/tokens.css"), "/nothing")]

    later, sheet, nothing = asyncio.run(asked())
    assert (later[0], later[2]) == (200, b"later")
    assert sheet[0] == 200
    assert sheet[2]
    assert nothing[0] == 404
    for name in ("x-content-type-options", "referrer-policy", "cross-origin-opener-policy"):
        assert later[1][name] == sheet[1][name], name
