"""Signed addresses of files: who holds one may fetch that file of that channel, until a given second.

They expire at the end of the day after the one on which they were made (UTC), so that the same answer is made of the
same bytes for a whole day, and every address is good for at least 24 hours.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

DAY = 86_400


def base_url() -> str:
    """Where people reach this installation."""
    return str(settings.BASE_URL).rstrip("/")


def expiry(now: float | None = None) -> int:
    """The second (since 1970) at which a link that is made now ends."""
    return int((time.time() if now is None else now) // DAY + 2) * DAY


def signature(rendition: UUID | str, channel: int, expires: int) -> str:
    """HMAC-SHA256 over the three, in 43 letters."""
    said = f"{rendition}:{channel}:{expires}"
    return urlsafe_b64encode(salted_hmac("storyloom.file", said, algorithm="sha256").digest()).decode().rstrip("=")


def is_signed(rendition: UUID | str, channel: int, expires: int, given: str, now: float | None = None) -> bool:
    """Whether a signature is ours and hasn't expired."""
    if expires <= (time.time() if now is None else now):
        return False
    return constant_time_compare(signature(rendition, channel, expires), given)


def signer(channel: int) -> Callable[[str], str]:
    """A function: id of a rendition -> its signed address, for files of one channel."""
    until, base = expiry(), base_url()

    def link(rendition: str) -> str:
        said = f"channel={channel}&expires={until}&signature={signature(rendition, channel, until)}"
        return f"{base}/api/v1/renditions/{rendition}?{said}"

    return link


def lasting(rendition: str) -> str:
    """The address of a file of a public channel: it opens to anybody while its story is live."""
    return f"{base_url()}/api/v1/renditions/{rendition}"
