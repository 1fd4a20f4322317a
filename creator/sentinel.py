"""The cache's way to a Redis that Sentinel watches: Django's own cache only knows addresses of servers."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from redis.sentinel import Sentinel, SentinelConnectionPool

PORT = 26379


class SentinelPool(SentinelConnectionPool):
    """Connections to the master of the day; after a failover new ones lead to the new master."""

    @classmethod
    def from_url(
        cls, url: str, *, master: str = "", sentinel_password: str | None = None, **options: Any
    ) -> SentinelPool:
        """A pool for addresses of Sentinels as Celery writes them: sentinel://:password@host:26379/0;sentinel://other.

        The password and the number of the database are those of Redis, and the first address says them.
        """
        parts = [urlsplit(each) for each in url.split(";")]
        sentinels = [(each.hostname or "127.0.0.1", each.port or PORT) for each in parts]
        manager = Sentinel(sentinels, sentinel_kwargs={"password": sentinel_password}, socket_timeout=2)  # type: ignore[no-untyped-call]
        first = parts[0]
        return cls(
            master, manager, db=int(first.path.strip("/") or 0), username=unquote(first.username or "") or None,
            password=unquote(first.password or "") or None, **options,
        )  # fmt: skip
