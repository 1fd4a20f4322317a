"""Clients made from docs/openapi.json, the examples of docs/api.md and the example app, against a running server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from creator.management.commands import example_app, openapi
from creator.models import Publication
from tests.api.conftest import App

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server(live: Publication, live_server: LiveServer, settings: LazySettings) -> str:
    """The address of a running server with one live story."""
    settings.BASE_URL = live_server.url
    return str(live_server.url)


def run(*command: str, folder: Path, **env: str) -> str:
    import os

    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


PYTHON = """
import sys
from storyloom import AuthenticatedClient
from storyloom.api.making_stories import create_story
from storyloom.api.stories import get_story, list_stories
from storyloom.models import Problem, StoryWish

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key)
page = list_stories.sync(client=client, limit=5)
first = page.items[0]
assert str(first.id) in first.renditions[0].url or first.renditions[0].url.startswith(url)
story = get_story.sync(story_id=first.id, client=client)
assert story.scenes[0].narration
wish = StoryWish(article="The harbour got a new lighthouse on Friday.", formats=["card:1x1"], seconds=20)
made = create_story.sync(client=client, body=wish, idempotency_key="python")
again = create_story.sync(client=client, body=wish, idempotency_key="python")
assert made.id == again.id and made.state == "making"
refused = list_stories.sync_detailed(client=AuthenticatedClient(base_url=url, token="sl_wrong"))
assert refused.status_code == 401
print(story.title)
"""


def test_a_python_client(server: str, live: Publication, writer: App, tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name("openapi-python-client")
    config = tmp_path / "config.yml"
    config.write_text("package_name_override: storyloom\nliteral_enums: true\npost_hooks: []\n")
    run(str(tool), "generate", "--path", str(openapi.WHERE), "--output-path", str(tmp_path / "made"), "--config",
        str(config), "--fail-on-warning", folder=tmp_path)  # fmt: skip
    said = run(sys.executable, "-c", PYTHON, server, writer.secret, folder=tmp_path, PYTHONPATH=str(tmp_path / "made"))
    assert said.strip() == live.document["title"]


TYPESCRIPT = """
import createClient from "openapi-fetch";
import type { paths } from "./schema";

const [url, key] = process.argv.slice(2) as [string, string];
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });
const query = { limit: 5, fields: ["title", "language"] as ("title" | "language")[] };
const { data, error } = await api.GET("/api/v1/stories", { params: { query } });
if (error !== undefined || data === undefined) throw new Error(error?.detail);
const first = data.items[0]!;
const one = await api.GET("/api/v1/stories/{story_id}", { params: { path: { story_id: first.id } } });
if (one.data?.scenes?.[0] === undefined) throw new Error("no scenes");
const made = await api.POST("/api/v1/stories", {
  params: { header: { "Idempotency-Key": "typescript" } },
  body: { article: "The harbour got a new lighthouse on Friday.", formats: ["card:1x1"], seconds: 20 },
});
const wrong = await api.GET("/api/v1/stories", { headers: { Authorization: "Bearer sl_wrong" } });
if (wrong.response.status !== 401) throw new Error("let in");
console.log(JSON.stringify({ title: one.data.title, made: made.data?.state }));
"""


def test_a_typescript_client(server: str, live: Publication, writer: App, tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    tools = Path(sys.prefix) / "npm-for-tests"
    if not (tools / "node_modules" / "typescript").is_dir():
        tools.mkdir(exist_ok=True)
        (tools / "package.json").write_text('{"private": true}')
        wanted = ("openapi-typescript@7", "openapi-fetch@0", "typescript@5", "@types/node@20")
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", *wanted]
        done = subprocess.run(install, cwd=tools, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            pytest.skip(f"npm can't reach its registry: {done.stderr.strip()[-200:]}")
    (tmp_path / "node_modules").symlink_to(tools / "node_modules")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    (tmp_path / "client.ts").write_text(TYPESCRIPT)
    run("node_modules/.bin/openapi-typescript", str(openapi.WHERE), "-o", "schema.d.ts",
        "--default-non-nullable=false", folder=tmp_path)  # fmt: skip
    run("node_modules/.bin/tsc", "--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "es2022",
        "--moduleResolution", "bundler", "--skipLibCheck", "--types", "node", "client.ts", folder=tmp_path)  # fmt: skip
    said = json.loads(run("node", "client.js", server, writer.secret, folder=tmp_path))
    assert said == {"title": live.document["title"], "made": "making"}


def blocks() -> Iterator[str]:
    return iter(re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL))


def test_every_example_of_the_page_works(server: str, live: Publication, writer: App, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    script = "\n".join(blocks())
    assert script.count("curl") >= 12
    said = run("bash", "-euo", "pipefail", "-c", script, folder=tmp_path, URL=server, KEY=writer.secret)
    assert live.document["title"] in said
    assert '"make_story"' in said
    assert "signature=" in said


def test_the_example_app_shows_what_is_live(server: str, live: Publication, reader: App) -> None:
    handler = example_app.app(server, reader.secret)
    app = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=app.serve_forever, daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{app.server_port}"
    try:
        with urllib.request.urlopen(f"{base}/", timeout=20) as answer:
            assert reader.secret not in answer.read().decode()
        with urllib.request.urlopen(f"{base}/cards", timeout=20) as answer:
            tag, told = answer.headers["ETag"], json.loads(answer.read())
        assert [item["title"] for item in told["items"]] == [live.document["title"]]
        assert [each["format"] for each in told["items"][0]["renditions"]] == ["card:9x16"]
        again: Any = urllib.request.Request(f"{base}/cards", headers={"If-None-Match": tag})
        with pytest.raises(urllib.error.HTTPError, match="304"):
            urllib.request.urlopen(again, timeout=20)
    finally:
        app.shutdown()
        app.server_close()
    assert example_app.fetched("http://127.0.0.1:1", "sl_x", "")[0] == 502
