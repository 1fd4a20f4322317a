"""A server of its own on a fresh data folder, and Chromium."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.processes import ROOT, environment, free_port, manage, running, until

CHROMIUM = "/usr/bin/chromium"
expect.set_options(timeout=15_000)  # machines that build and test at the same time are slow
MICROPHONE = "--use-fake-device-for-media-stream"
"""A pretended one that beeps once a second; pages still have to be allowed to hear it."""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", MICROPHONE]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} isn't installed: sudo apt install chromium"))


@dataclass
class Server:
    """A running web server with its data folder."""

    base: str
    data: Path
    seeded: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def link(self, person: str) -> str:
        """A one-time sign-in link."""
        said = manage(self.data, "sign_in_link", person, "--json", timeout=120, **self.env).stdout
        return str(json.loads(said)["link"])


def serve(data: Path, **more: str) -> Iterator[Server]:
    port = free_port()
    env = {"STORYLOOM_PORT": str(port), **more}
    manage(data, "set_up", "--no-samples", timeout=120, **env)
    with running(data, "web", "--port", str(port), **env):
        server = Server(f"http://127.0.0.1:{port}", data, env=env)
        assert until(lambda: _answers(server.base), seconds=60), (data / "web.log").read_text()
        yield server


def _answers(base: str) -> bool:
    from urllib.request import urlopen

    try:
        with urlopen(f"{base}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A fresh installation, nothing in it."""
    yield from serve(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a draft, a story in review, one that is live and one that failed; no worker runs."""
    for server in serve(tmp_path_factory.mktemp("seeded")):
        yield seed(server)


def seed(server: Server) -> Server:
    """Write the rows of seed.py into a server's data folder."""
    done = subprocess.run(
        [sys.executable, "tests/browser/seed.py"], cwd=ROOT, capture_output=True, text=True, check=False,
        env=environment(server.data, **server.env), timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    server.seeded = json.loads(done.stdout.splitlines()[-1])
    return server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """A person's browser, with what went wrong in it."""

    page: Page
    complaints: list[str]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """`visit(server, "edith")` opens a browser, signs the person in by a link and goes home."""
    opened: list[BrowserContext] = []

    def visit(server: Server, person: str = "", **options: Any) -> Visitor:
        options = {"viewport": {"width": 1440, "height": 900}, "base_url": server.base, **options}
        context = browser.new_context(**options)
        opened.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        if person:
            page.goto(server.link(person))
            page.wait_for_url(f"{server.base}/")
        return Visitor(page, complaints)

    yield visit
    for context in opened:
        context.close()
