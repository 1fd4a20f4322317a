"""`Idempotency-Key` on every POST: the same call twice is done once, and answered alike.

After draft-ietf-httpapi-idempotency-key-header: the same key and body gets the first answer again, another body is
refused with 422, a call that is still being done with 409. Answers are kept for a day. What fails is forgotten, so
that it can be tried again.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse, RawPostDataException
from django.utils import timezone

from creator.api.errors import problem
from creator.api.keys import key_of
from creator.models import IdempotentCall
from creator.services.keys import CALLS_KEPT

log = logging.getLogger(__name__)

LOST = timedelta(seconds=10)
"""After these a call that has no answer, and that nobody keeps, is one whose server died: it may be done again."""
HEADERS = ("Content-Type", "Location", "ETag")
"""What is kept of an answer besides its body."""
NAME = re.compile(r"^[\x21-\x7e]{1,200}$")


def once(request: HttpRequest, do: Callable[[], HttpResponse]) -> HttpResponse:
    """Do a POST, or answer as it was answered before."""
    name = request.headers.get("Idempotency-Key")
    if name is None:
        return do()
    if not NAME.match(name):
        return problem(422, "An Idempotency-Key has 1 to 200 visible ASCII characters.")
    asked = _digest(request)
    call, mine = _claim(key_of(request).pk, name, asked)
    if call.digest != asked:
        return problem(422, "This Idempotency-Key was used for another request.", next_step="Use a new key for it.")
    if not mine:
        return _replay(call)
    try:
        with _kept(call.pk):
            response = do()
    except BaseException:
        call.delete()
        raise
    if response.status_code >= 500 or response.streaming:
        call.delete()
    else:
        call.status, call.body = response.status_code, response.content.decode()
        call.headers = {each: response[each] for each in HEADERS if each in response}
        call.save(update_fields=["status", "body", "headers"])
    return response


@contextmanager
def _kept(call_id: int) -> Iterator[None]:
    """Say again and again that a call is being done, for as long as the block runs."""
    over = threading.Event()

    def keep() -> None:
        while not over.wait(LOST.total_seconds() / 5):
            try:
                IdempotentCall.objects.filter(pk=call_id).update(created=timezone.now())
            except DatabaseError as error:  # busy for a moment: the next one may still be in time
                log.warning("A named call was not kept: %s", error)
        connection.close()

    keeper = threading.Thread(target=keep, name=f"call-{call_id}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()


def _digest(request: HttpRequest) -> str:
    """What a call asks for, as a hash; of a form, its fields and the bytes of its files."""
    asked = sha256(f"{request.method} {request.get_full_path()}\n".encode())
    try:
        asked.update(request.body)
    except RawPostDataException:  # a form with files was read from the stream
        asked.update(repr(sorted(request.POST.lists())).encode())
        for name, files in sorted(request.FILES.lists()):
            for file in files:
                asked.update(f"\n{name} {file.name}\n".encode())
                for chunk in file.chunks():
                    asked.update(chunk)
                file.seek(0)
    return asked.hexdigest()


def _claim(key_id: int, name: str, digest: str) -> tuple[IdempotentCall, bool]:
    """The row of a call, and whether it is for us to do it."""
    now = timezone.now()
    calls = IdempotentCall.objects.filter(key=key_id, name=name)
    calls.filter(created__lt=now - CALLS_KEPT).delete()
    try:
        with transaction.atomic():
            return IdempotentCall.objects.create(key_id=key_id, name=name, digest=digest, created=now), True
    except IntegrityError:
        pass
    taken = calls.filter(status__isnull=True, digest=digest, created__lt=now - LOST).update(created=now)
    call = calls.first()
    # None: whoever was doing it has just failed, and asking again does it.
    return call or IdempotentCall(digest=digest), bool(taken)


def _replay(call: IdempotentCall) -> HttpResponse:
    if call.status is None:
        detail = "The first request with this Idempotency-Key is still being done."
        return problem(409, detail, next_step="Ask again in a moment.", headers={"Retry-After": "1"})
    response = HttpResponse(call.body, status=call.status, headers=call.headers)
    response["Idempotent-Replayed"] = "true"
    return response
