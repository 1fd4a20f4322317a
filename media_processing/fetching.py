"""The one client that reaches what a person or an article names: addresses of the public internet and nothing else."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import httpcore2

from media_processing.engine import EngineError

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""Addresses of a host name: (host, port) -> ["93.184.216.34", ...]. Raises OSError."""

MAX_REDIRECTS = 3
PORTS = frozenset({80, 443})
USER_AGENT = "Storyloom/1.0 (article and media import)"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_METADATA = frozenset({"168.63.129.16"})
"""Azure's host services answer at an address that looks public; other clouds use link-local ones."""
_IPV4_INSIDE = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"), ipaddress.ip_network("::/96"))
"""6to4, Teredo and IPv4-compatible: they carry an IPv4 address that a gateway may act on."""


class FetchError(EngineError):
    """An address that can't be fetched, with why.

    `reason` is one word for programs: address, forbidden, unreachable, slow, status, too_large, wrong_type, redirects,
    offline.
    """

    def __init__(self, message: str, *, reason: str, next_step: str = "", permanent: bool = True) -> None:
        super().__init__(
            message, next_step=next_step or "Check the address, or paste the text instead.", permanent=permanent
        )
        self.reason = reason


@dataclass(frozen=True)
class Fetched:
    """What came: `url` after redirects, the decoded body, its content type without parameters, the charset if named."""

    url: str
    content: bytes
    content_type: str
    charset: str = ""


@dataclass(frozen=True)
class Posted:
    """How a POST was answered. The body is never read: nobody should see what an address inside might say."""

    status: int
    retry_after: str = ""
    """The header as it came: seconds or a date."""


@dataclass(frozen=True)
class Rules:
    """Where a fetch may go. The defaults are for production; only tests name a loopback server here."""

    ports: frozenset[int] = PORTS
    allowed_hosts: frozenset[str] = frozenset()
    """Addresses (as text) that may be reached although they aren't public."""
    ssl_context: ssl.SSLContext | None = None
    resolver: Resolver = field(default=lambda host, port: resolve(host, port))

    def allows(self, address: str) -> bool:
        return address in self.allowed_hosts or is_public(address)


def fetch(
    url: str,
    *,
    max_bytes: int,
    content_types: Iterable[str],
    timeout: float = 10,
    headers: Mapping[str, str] | None = None,
    rules: Rules | None = None,
) -> Fetched:
    """GET `url` and return what it holds.

    `content_types` are prefixes ("text/", "image/jpeg"); `max_bytes` counts after decompression; `timeout` is seconds
    for everything together, redirects included. No cookies, no proxies, no credentials, no other scheme than HTTP(S).
    Every address that a name resolves to must be public, and the connection goes to the address that was checked.
    Raises FetchError.
    """
    rules = rules or Rules()
    deadline = time.monotonic() + timeout
    wanted = tuple(content_types)
    for _ in range(MAX_REDIRECTS + 1):
        parts = check_url(url, rules)
        answer = _request(url, parts, dict(headers or {}), max_bytes, wanted, deadline, rules)
        if isinstance(answer, Fetched):
            return answer
        url, headers = urljoin(url, answer), None  # headers were meant for the first host
    raise FetchError(f"{url} redirects more than {MAX_REDIRECTS} times.", reason="redirects")


def post(
    url: str, content: bytes, *, headers: Mapping[str, str], timeout: float = 15, rules: Rules | None = None
) -> Posted:
    """POST `content` to `url` and return the status of the answer, whatever it is.

    Redirects are not followed, and an answer that never ends costs nothing: the connection is closed once its headers
    are there. `timeout` is seconds for everything together. Addresses are checked as in `fetch`. Raises FetchError.
    """
    rules = rules or Rules()
    parts = check_url(url, rules)
    sent = {"User-Agent": USER_AGENT, "Content-Length": str(len(content)), **headers}
    with _asked("POST", parts, sent, content, time.monotonic() + timeout, rules) as answer:
        return Posted(answer.status, _headers(answer).get("retry-after", "")[:100])


def check_url(url: str, rules: Rules | None = None) -> SplitResult:
    """The parts of a URL that may be fetched as far as its text tells. Raises FetchError."""
    rules = rules or Rules()
    if len(url) > 4000 or any(ord(mark) <= 32 or ord(mark) == 127 for mark in url) or "\\" in url:
        raise _not_an_address(url)
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").encode("idna").decode("ascii") if not _is_literal(parts.hostname) else ""
    except (ValueError, UnicodeError):
        raise _not_an_address(url) from None
    if parts.scheme not in ("http", "https"):
        raise FetchError(
            f"Only http and https addresses can be fetched, not {parts.scheme or 'this'}.", reason="address"
        )
    if not parts.hostname or (not host and not _is_literal(parts.hostname)):
        raise _not_an_address(url)
    if parts.username is not None or parts.password is not None:
        raise FetchError("Addresses with a user name in them are not fetched.", reason="address")
    if port not in rules.ports:
        raise FetchError(f"Port {port} is not fetched from, only 80 and 443.", reason="forbidden")
    return parts


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also after every way of hiding one address in another."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in network for network in (*_NAT64, *_IPV4_INSIDE)) or found.is_site_local:
            return False
    if str(found) in _METADATA:
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def stay_offline() -> None:
    """From now on this process refuses to reach the public internet, whichever library tries; it can't be undone.

    Machines of one's own network (the database, Redis, a model server) are reached as before. What is refused raises
    FetchError before anything is sent.
    """
    sys.addaudithook(_refuse_public)


def _refuse_public(event: str, details: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto") or details[0].family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = str(details[1][0])
    if any(map(is_public, [host] if _is_literal(host) else resolve(host, 0))):
        raise FetchError(
            f"This installation is offline: {host} was not asked.", reason="offline",
            next_step="Use what is installed here, or start without STORYLOOM_OFFLINE.",
        )  # fmt: skip


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _TimedStream(httpcore2.NetworkStream):
    """A connection on which no byte is read or written after the deadline, however slowly they come."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time is up")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedBackend(httpcore2.NetworkBackend):
    """Resolves, checks and connects in one step: a name can't mean one address when checked and another after."""

    def __init__(self, rules: Rules, deadline: float) -> None:
        self._rules = rules
        self._deadline = deadline
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            addresses = list(self._rules.resolver(host, port))
        except (OSError, UnicodeError) as error:
            raise FetchError(f"No such host: {host}.", reason="unreachable", permanent=False) from error
        if not addresses or not all(map(self._rules.allows, addresses)):
            raise FetchError(f"{host} is not an address of the public internet.", reason="forbidden")
        failure: Exception | None = None
        for address in addresses[:4]:
            left = max(0.1, min(timeout or 10.0, self._deadline - time.monotonic()))
            try:
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
                return _TimedStream(stream, self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"no address of {host} answers")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        raise FetchError("Only addresses of the public internet are fetched.", reason="forbidden")


@contextmanager
def _asked(
    method: str, parts: SplitResult, headers: Mapping[str, str], content: bytes | None, deadline: float, rules: Rules
) -> Iterator[httpcore2.Response]:
    """One request and its answer, whose body may be read inside. Raises FetchError, also for what breaks inside."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _slow(parts)
    backend = _CheckedBackend(rules, deadline)
    try:
        with (
            httpcore2.ConnectionPool(
                network_backend=backend, ssl_context=rules.ssl_context, max_connections=1
            ) as pool,
            pool.stream(
                method, _ascii(parts), headers=list(headers.items()), content=content,
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), left)},
            ) as answer,
        ):  # fmt: skip
            yield answer
    except httpcore2.TimeoutException as error:
        raise _slow(parts) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, ssl.SSLError) as error:
        raise FetchError(
            f"{parts.hostname} can't be reached: {str(error) or 'the connection broke'}.",
            reason="unreachable", permanent=False,
        ) from error  # fmt: skip


def _headers(answer: httpcore2.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}


def _request(
    url: str,
    parts: SplitResult,
    headers: dict[str, str],
    max_bytes: int,
    wanted: tuple[str, ...],
    deadline: float,
    rules: Rules,
) -> Fetched | str:
    """One request: what came, or where it redirects to."""
    sent = {
        "User-Agent": USER_AGENT,
        "Accept": ", ".join(_accepted(wanted)),
        "Accept-Encoding": "gzip",
        **headers,
    }
    with _asked("GET", parts, sent, None, deadline, rules) as answer:
        got = _headers(answer)
        if answer.status in _REDIRECTS and "location" in got:
            return got["location"]
        if not 200 <= answer.status < 300:
            raise FetchError(
                f"{parts.hostname} answered {answer.status}.", reason="status", permanent=400 <= answer.status < 500
            )
        content_type, charset = _content_type(got.get("content-type", ""))
        if not content_type.startswith(wanted):
            raise FetchError(
                f"{parts.hostname} sent {content_type or 'something without a type'}, which isn't what was asked for.",
                reason="wrong_type",
            )
        announced = got.get("content-length", "")
        if announced.isdecimal() and int(announced) > max_bytes:
            raise _too_large(parts, max_bytes)
        content = _body(answer.iter_stream(), got.get("content-encoding", ""), max_bytes, deadline, parts)
        return Fetched(url, content, content_type, charset)


def _body(chunks: Iterable[bytes], encoding: str, max_bytes: int, deadline: float, parts: SplitResult) -> bytes:
    """The decoded body, never more than `max_bytes` of it in memory, nor of what came over the wire."""
    decode = _decoder(encoding.strip().lower(), parts)
    body, raw = bytearray(), 0
    for chunk in chunks:
        raw += len(chunk)
        if time.monotonic() > deadline:
            raise _slow(parts)
        try:
            body += decode(chunk, max_bytes + 1 - len(body))
        except zlib.error as error:
            raise FetchError(f"{parts.hostname} sent a damaged answer.", reason="unreachable") from error
        if len(body) > max_bytes or raw > max_bytes:
            raise _too_large(parts, max_bytes)
    return bytes(body)


def _decoder(encoding: str, parts: SplitResult) -> Callable[[bytes, int], bytes]:
    if encoding in ("", "identity"):
        return lambda chunk, _room: chunk
    if encoding in ("gzip", "x-gzip", "deflate"):
        # 32: the header says whether it is gzip or zlib. What exceeds the room stays compressed.
        unpacker = zlib.decompressobj(32 + zlib.MAX_WBITS)
        return lambda chunk, room: unpacker.decompress(unpacker.unconsumed_tail + chunk, room)
    raise FetchError(f"{parts.hostname} answered in an encoding that wasn't asked for.", reason="wrong_type")


def _ascii(parts: SplitResult) -> httpcore2.URL:
    """The address as it goes over the wire: the host in IDNA, everything else percent-encoded."""
    host = parts.hostname or ""
    name = host if _is_literal(host) else host.encode("idna").decode("ascii")
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return httpcore2.URL(scheme=parts.scheme.encode(), host=name.encode(), port=parts.port, target=target.encode())


def _accepted(wanted: tuple[str, ...]) -> list[str]:
    return [f"{kind}*" if kind.endswith("/") else kind for kind in wanted] or ["*/*"]


def _content_type(header: str) -> tuple[str, str]:
    kind, _, parameters = header.partition(";")
    charset = parameters.lower().partition("charset=")[2].split(";")[0].strip(" \"'")
    return kind.strip().lower(), charset[:40]


def _is_literal(host: str | None) -> bool:
    try:
        ipaddress.ip_address((host or "").split("%")[0])
    except ValueError:
        return False
    return True


def _not_an_address(url: str) -> FetchError:
    return FetchError(f"{url[:80]!r} is not an address that can be fetched.", reason="address")


def _slow(parts: SplitResult) -> FetchError:
    return FetchError(f"{parts.hostname} took too long to answer.", reason="slow", permanent=False)


def _too_large(parts: SplitResult, max_bytes: int) -> FetchError:
    return FetchError(f"What {parts.hostname} sent is larger than {max_bytes / 1e6:,.1f} MB.", reason="too_large")
