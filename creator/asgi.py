"""The ASGI entry point."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler
from django.db import connections

from creator import pieces
from media_processing.processes import die_with

KEPT = 32
"""Most threads that wait for a request, each with its connection to the database."""


class Handler(ASGIHandler):
    """Django's, with threads that stay.

    Django begins and ends a thread for each request, with a new connection to the database, and crosses from the event
    loop to it and back at each middleware; where many ask at once, each crossing waits for the interpreter. Here one
    crossing takes a request through all of them to the view, in a thread that keeps its connection for the next.
    """

    _middleware_chain: Any = None

    def __init__(self) -> None:
        self._waiting: list[ThreadPoolExecutor] = []
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)
        # The first of them serves static files on the event loop, and everything behind it is one call in a thread.
        self._middleware_chain = self._middleware_chain.awaitable

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        thread = self._waiting.pop() if self._waiting else ThreadPoolExecutor(1, "request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                if pieces.are_wanted(scope):
                    await pieces.hand_over(self.handle, scope, receive, send)
                else:
                    await self.handle(scope, receive, send)
        finally:
            # By itself, when it is free: where somebody went away, it may be at work yet.
            thread.submit(self._wait, thread)

    def _wait(self, thread: ThreadPoolExecutor) -> None:
        if len(self._waiting) < KEPT:
            self._waiting.append(thread)
        else:
            connections.close_all()
            thread.shutdown(wait=False)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creator.settings")
if "STORYLOOM_WEB_PARENT" in os.environ:  # one of several processes: see the command web
    die_with(int(os.environ["STORYLOOM_WEB_PARENT"]))
django.setup(set_prefix=False)
application = Handler()
# What is loaded stays: a full collection of garbage, for which every request waits, needn't look through it again.
gc.freeze()
