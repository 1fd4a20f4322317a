"""The fetcher reaches the public internet and nothing else, and takes no more than it asked for."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from media_processing.fetching import Fetched, FetchError, Rules, check_url, fetch, is_public
from tests.processes import ROOT, environment

INSIDE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "168.63.129.16", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8",
    "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "nonsense", "", "127.1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_inside_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::6810:84e5", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


class Site(ThreadingHTTPServer):
    """A loopback server that counts its hits and answers by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.hits: list[tuple[str, dict[str, str]]] = []
        self.stop = threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up on purpose here."""


class Page(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.hits.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        kind, _, rest = self.path.strip("/").partition("/")
        getattr(self, f"_{kind.partition('?')[0] or 'page'}")(rest)

    def _send(self, body: bytes, content_type: str = "text/html; charset=UTF-8", **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _page(self, _rest: str) -> None:
        self._send(b"<p>hello", Set_Cookie="a=b")

    def _picture(self, _rest: str) -> None:
        self._send(b"\x89PNG", "image/png")

    def _gzip(self, _rest: str) -> None:
        self._send(gzip.compress(b"hello" * 1000), Content_Encoding="gzip")

    def _bomb(self, _rest: str) -> None:
        self._send(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    def _badzip(self, _rest: str) -> None:
        self._send(b"\x1f\x8bnonsense", Content_Encoding="gzip")

    def _brotli(self, _rest: str) -> None:
        self._send(b"xxxx", Content_Encoding="br")

    def _missing(self, _rest: str) -> None:
        self.send_error(404)

    def _broken(self, _rest: str) -> None:
        self.send_error(503)

    def _to(self, rest: str) -> None:
        self.send_response(302)
        self.send_header("Location", rest if "://" in rest else f"/{rest}")
        self.end_headers()

    def _loop(self, _rest: str) -> None:
        self._to("loop")

    def _endless(self, _rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        while not self.server.stop.is_set():
            self.wfile.write(bytes(100_000))

    def _drip(self, _rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        while not self.server.stop.wait(0.1):
            self.wfile.write(b".")
            self.wfile.flush()

    def _dripheaders(self, _rest: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.stop.wait(0.1):
            self.wfile.write(b"X-A: b\r\n")
            self.wfile.flush()

    def _hang(self, _rest: str) -> None:
        self.server.stop.wait(20)

    def _bigheaders(self, _rest: str) -> None:
        self._send(b"x", X_Long="y" * 2_000_000)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    made.stop.set()
    made.shutdown()
    made.server_close()


def open_rules(site: Site, **changes: Any) -> Rules:
    """Rules of a test that may reach its own loopback server."""
    return Rules(ports=frozenset({site.port}), allowed_hosts=frozenset({"127.0.0.1"}), **changes)


def get(site: Site, path: str = "/", **options: Any) -> Fetched:
    values: dict[str, Any] = {"max_bytes": 1_000_000, "content_types": ["text/"], "rules": open_rules(site)}
    return fetch(site.url(path), **values | options)


class TestAnswers:
    def test_a_page(self, site: Site) -> None:
        found = get(site, "/page?a=b c".replace(" ", "%20"))
        assert found == Fetched(site.url("/page?a=b%20c"), b"<p>hello", "text/html", "utf-8")
        path, headers = site.hits[0]
        assert path == "/page?a=b%20c"
        assert headers["host"] == f"127.0.0.1:{site.port}"
        assert headers["user-agent"].startswith("Storyloom")
        assert not {"cookie", "authorization", "referer"} & set(headers)

    def test_redirects_are_followed(self, site: Site) -> None:
        assert get(site, "/to/to/page").url == site.url("/page")

    def test_gzip(self, site: Site) -> None:
        assert get(site, "/gzip").content == b"hello" * 1000

    def test_accents_in_the_path(self, site: Site) -> None:
        assert get(site, "/page/café").content
        assert site.hits[0][0] == "/page/caf%C3%A9"

    def test_headers_stay_with_the_first_host(self, site: Site) -> None:
        get(site, "/to/page", headers={"X-Key": "secret"})
        assert [headers.get("x-key") for _, headers in site.hits] == ["secret", None]

    def test_cookies_are_not_kept(self, site: Site) -> None:
        get(site)
        get(site)
        assert "cookie" not in site.hits[1][1]

    def test_proxies_of_the_environment_are_ignored(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert get(site).content

    def test_a_name_that_resolves_is_reached_at_the_checked_address(self, site: Site) -> None:
        rules = open_rules(site, resolver=lambda host, port: ["127.0.0.1"])
        found = fetch(site.url("/page", "news.example"), max_bytes=99, content_types=["text/"], rules=rules)
        assert found.content == b"<p>hello"
        assert site.hits[0][1]["host"] == f"news.example:{site.port}"


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "reason", "permanent"),
        [("/missing", "status", True), ("/broken", "status", False), ("/picture", "wrong_type", True),
         ("/brotli", "wrong_type", True), ("/badzip", "unreachable", True), ("/loop", "redirects", True)],
    )  # fmt: skip
    def test_answers_that_are_none(self, site: Site, path: str, reason: str, permanent: bool) -> None:
        with pytest.raises(FetchError) as caught:
            get(site, path)
        assert (caught.value.reason, caught.value.permanent) == (reason, permanent)
        assert caught.value.next_step

    @pytest.mark.parametrize("path", ["/endless", "/bomb", "/gzip"])
    def test_large_bodies_stop_early(self, site: Site, path: str) -> None:
        with pytest.raises(FetchError) as caught:
            get(site, path, max_bytes=1000)
        assert caught.value.reason == "too_large"

    def test_a_bomb_takes_no_memory(self, site: Site) -> None:
        packed = gzip.compress(bytes(50_000_000))
        assert len(packed) < 100_000
        assert zlib.decompressobj(32 + zlib.MAX_WBITS).decompress(packed, 10) == bytes(10)
        with pytest.raises(FetchError, match="larger than"):
            get(site, "/bomb", max_bytes=200_000)

    def test_huge_headers(self, site: Site) -> None:
        with pytest.raises(FetchError):
            get(site, "/bigheaders")

    @pytest.mark.slow
    @pytest.mark.parametrize("path", ["/drip", "/hang", "/dripheaders"])
    def test_slow_ones_end_in_time(self, site: Site, path: str) -> None:
        started = time.monotonic()
        with pytest.raises(FetchError) as caught:
            get(site, path, timeout=1)
        assert caught.value.reason == "slow"
        assert not caught.value.permanent
        assert time.monotonic() - started < 2.5

    def test_nobody_there(self, site: Site) -> None:
        rules = Rules(ports=frozenset({9}), allowed_hosts=frozenset({"127.0.0.1"}))
        with pytest.raises(FetchError) as caught:
            fetch("http://127.0.0.1:9/", max_bytes=9, content_types=["text/"], rules=rules)
        assert caught.value.reason == "unreachable"

    def test_no_such_host(self) -> None:
        def none(_host: str, _port: int) -> Sequence[str]:
            raise OSError("no such host")

        with pytest.raises(FetchError, match="No such host"):
            fetch("http://nothing.example/", max_bytes=9, content_types=["text/"], rules=Rules(resolver=none))


FORMS = [
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://LOCALHOST.:{port}/", "http://127.1:{port}/",
    "http://0:{port}/", "http://0.0.0.0:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/", "http://0177.0.0.1:{port}/", "http://017700000001:{port}/",
    "http://[::1]:{port}/", "http://[::]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/", "http://[fe80::1%25lo]:{port}/", "http://127.0.0.1:{port}@example.com:{port}/",
    "http://example.com@127.0.0.1:{port}/", "http://user:pw@localhost:{port}/", "http://127.0.0.1:{port}#@example.com/",
    "http://example.com#@127.0.0.1:{port}/", "http://127。0。0。1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/",
    "http://ⓛocalhost:{port}/", "http://127.0.0.1\\@example.com:{port}/", "http:\\\\127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/", "http:127.0.0.1:{port}/", "//127.0.0.1:{port}/", "127.0.0.1:{port}",
    "https://127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}/", "http://127.0.0.1:{port}/\r\nHost: a", " http://127.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://100.100.100.200/", "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET", "ftp://127.0.0.1:{port}/", "data:text/html,hello", "javascript:alert(1)", "unix:///x",
    "http://", "http://:{port}/", "http://..:{port}/", "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/",
    "",    "http://" + "a" * 5000, "http://" + "a" * 70 + ".example:{port}/",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_an_address_reaches_loopback(site: Site, form: str) -> None:
    rules = Rules(ports=frozenset({site.port, 80, 443}))  # the port is open, loopback isn't
    with pytest.raises(FetchError) as caught:
        fetch(form.replace("{port}", str(site.port)), max_bytes=99, content_types=["text/"], timeout=3, rules=rules)
    assert caught.value.reason in {"address", "forbidden", "unreachable", "slow"}
    assert site.hits == []


@pytest.mark.parametrize("port", [22, 25, 6379, 8000, 8080])
def test_other_ports_are_closed(port: int) -> None:
    with pytest.raises(FetchError, match="only 80 and 443"):
        check_url(f"http://example.com:{port}/")


def test_a_redirect_to_an_inside_address_is_not_followed(site: Site) -> None:
    class Inside(Site):
        pass

    inside = Inside()
    try:
        rules = Rules(ports=frozenset({site.port, inside.port}), allowed_hosts=frozenset({"10.9.9.9"}),
                      resolver=lambda host, port: ["127.0.0.1"])  # fmt: skip
        with pytest.raises(FetchError, match="not an address of the public"):
            fetch(inside.url(), max_bytes=99, content_types=["text/"], rules=rules)

        def resolver(host: str, port: int) -> list[str]:
            return {"start.example": ["127.0.0.1"]}.get(host, ["169.254.169.254"])

        with pytest.raises(FetchError) as caught:
            fetch(
                site.url("/to/http://metadata.example/latest", "start.example"),
                max_bytes=99, content_types=["text/"], rules=open_rules(site, resolver=resolver),
            )  # fmt: skip
        assert caught.value.reason == "forbidden"
        for target in ("file:///etc/passwd", "http://10.0.0.1:{port}/", "gopher://x/", "http://u:p@127.0.0.1:{port}/"):
            with pytest.raises(FetchError) as caught:
                get(site, "/to/" + target.replace("{port}", str(site.port)))
            assert caught.value.reason in {"address", "forbidden"}
    finally:
        inside.server_close()


def test_a_name_that_changes_its_address_is_caught(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is public, every later one is loopback: the connection goes to what was checked, or nowhere."""
    asked: list[str] = []
    connected: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    def refuse(_socket: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    rules = Rules(ports=frozenset({site.port}), resolver=rebinding)
    for reason in ("unreachable", "forbidden", "forbidden"):
        with pytest.raises(FetchError) as caught:
            fetch(site.url("/", "rebind.example"), max_bytes=99, content_types=["text/"], rules=rules)
        assert caught.value.reason == reason
    assert connected == ["93.184.216.34"]
    assert site.hits == []


def test_one_inside_address_among_public_ones_is_enough(site: Site) -> None:
    rules = Rules(ports=frozenset({site.port}), resolver=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(FetchError, match="not an address of the public internet"):
        fetch(site.url("/", "mixed.example"), max_bytes=99, content_types=["text/"], rules=rules)
    assert site.hits == []


class TestOffline:
    CODE = """
import socket, sys
from media_processing.fetching import FetchError, stay_offline
stay_offline()
for family, address in ((socket.AF_INET, ("93.184.215.14", 443)), (socket.AF_INET6, ("2606:2800:21f::1", 443, 0, 0))):
    for event in ("socket.connect", "socket.sendto"):
        try:
            sys.audit(event, socket.socket(family), address)  # as before a connection, and nothing is sent
            sys.exit(f"{address[0]} was not refused")
        except FetchError as error:
            assert error.reason == "offline", error
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
"""

    def test_only_the_public_internet_is_refused(self, site: Site) -> None:
        asked = [sys.executable, "-c", self.CODE, str(site.server_address[1])]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    def test_a_setting_switches_it_on(self, tmp_path: Path) -> None:
        code = "import sys, socket; sys.audit('socket.connect', socket.socket(), ('93.184.215.14', 443))"
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120,
            check=False, env=environment(tmp_path, STORYLOOM_OFFLINE="1"),
        )  # fmt: skip
        assert "This installation is offline: 93.184.215.14 was not asked." in done.stderr
