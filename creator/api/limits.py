"""How often a key may ask: so many requests in any minute, told in the RateLimit headers of every answer.

A sliding window of two counters (this minute's, and the last one's by the share of it that is still within sixty
seconds), after "How we built rate limiting capable of scaling to millions of domains" (Cloudflare, 2017). The counters
are in the cache: Redis's where there is one, so that all web servers count together; else this process's.
Headers: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.cache import cache

from creator.api.errors import TooMany

WINDOW = 60


@dataclass(frozen=True)
class Allowance:
    """What a key has left."""

    rate: int
    left: int
    reset: int
    """Seconds until the window is new."""

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"key";q={self.rate};w={WINDOW}',
            "RateLimit": f'"key";r={self.left};t={self.reset}',
        }


def take(name: str, rate: int, now: float | None = None) -> Allowance:
    """Count one request of `rate` a minute under a name. Raises TooMany, with the seconds to wait."""
    window, into = divmod(time.time() if now is None else now, WINDOW)
    this, before = f"rate:{name}:{window:.0f}", f"rate:{name}:{window - 1:.0f}"
    cache.add(this, 0, 2 * WINDOW)
    try:
        count = cache.incr(this)
    except ValueError:  # thrown out of a full cache in between
        count = 1
    earlier = int(cache.get(before, 0)) * (1 - into / WINDOW)
    used = count + earlier
    if used > rate:
        # What is refused doesn't count: who asks on and on gets in again when the window has moved.
        cache.decr(this)
        raise TooMany(min(WINDOW - into, 1 + (used - rate) * WINDOW / max(rate, 1)) if earlier else WINDOW - into)
    return Allowance(rate, int(rate - used), int(WINDOW - into))
