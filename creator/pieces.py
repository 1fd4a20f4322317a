"""Long uploads in pieces: Django reads a body to its end before a view sees it, and forgets it where the connection
breaks before. So a long PATCH of an upload is handed to it as several short ones, and what came stays.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Handle: TypeAlias = Callable[[Any, Any, Any], Awaitable[Any]]

PIECE = 4 * 2**20
"""Bytes of a piece."""
_UPLOAD = re.compile(r".*/library/uploads/[0-9a-f-]{36}/")


def are_wanted(scope: Any) -> bool:
    """Whether a request is more of an upload that a view may get in pieces: without a checksum, which is of all."""
    if scope["method"] != "PATCH" or not _UPLOAD.fullmatch(scope["path"]):
        return False
    headers = dict(scope["headers"])
    return b"upload-checksum" not in headers and headers.get(b"upload-offset", b"").isdigit()


async def hand_over(handle: Handle, scope: Any, receive: Receive, send: Send) -> None:
    """Call `handle` with piece after piece; the client gets the last answer, or the first that is no 204."""
    offset = int(dict(scope["headers"])[b"upload-offset"])
    more = True
    while more:
        piece, more = await _gathered(receive)
        answer: list[Message] = []
        await handle(_of_piece(scope, offset, len(piece)), _giving(piece), _into(answer))
        offset += len(piece)
        if not more or not answer or answer[0]["status"] != 204:
            break
    for message in answer:
        await send(message)


async def _gathered(receive: Receive) -> tuple[bytes, bool]:
    """The next bytes of the body, and whether there is more; a broken connection is an end."""
    held = bytearray()
    while len(held) < PIECE:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(held), False
        held += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(held), False
    return bytes(held), True


def _of_piece(scope: Any, offset: int, length: int) -> Any:
    changed = {b"upload-offset": str(offset).encode(), b"content-length": str(length).encode()}
    kept = [(name, value) for name, value in scope["headers"] if name not in changed and name != b"transfer-encoding"]
    return {**scope, "headers": [*kept, *changed.items()]}


def _giving(piece: bytes) -> Receive:
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:  # whoever asks again waits for the client to go away: that is seen at the next piece
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": piece, "more_body": False}

    return receive


def _into(answer: list[Message]) -> Send:
    async def send(message: Message) -> None:
        answer.append(message)

    return send
