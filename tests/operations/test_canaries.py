"""Secrets that pass through a real installation are found again in no log, no row, no backup and no answer."""

from __future__ import annotations

import http.client
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.processes import free_port, manage, running, until

PROVIDER, METRICS, MAIL, PASSWORD, WRONG, FORGED = (
    "sk-canaryCanary0123456789abcd", "metrics-canary-0123456789", "mail-canary-0123456789",
    "correct-horse-canary-battery", "wrong-horse-canary-battery", "sl_canaryCanaryCanaryCanaryCanaryCanaryCanary01",
)  # fmt: skip
ACT = """
import json
import sys
from django.core.management import call_command
from creator import jobs
from creator.models import Job, User, Workspace
from creator.services import keys, publications, setup, stories, webhooks
call_command("set_up", no_samples=True, stdout=sys.stderr)
workspace, owner = Workspace.objects.get(), User.objects.get(username="owner")
owner.set_password({password!r})
owner.save()
channel = publications.default_channel(workspace)
secret = keys.make(channel, name="app", scopes=("stories:read", "stories:write"))[1]
signing = webhooks.add_endpoint(channel, "https://river.example/hook", ["content.updated"], by=owner)[1]
link = setup.sign_in_link(owner)
stories.create(workspace, by=owner, article="The harbour got a new lighthouse on Friday.", formats=["card:1x1"],
               seconds=12)
jobs.work_off(1)
job = Job.objects.get(kind="make_story")
call_command("backup", stdout=sys.stderr)
print(json.dumps({{"secret": secret, "signing": signing, "link": link, "job": [job.state, job.error]}}))
"""


def contents(data: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of an installation, and what is in its backups; but for the signing key itself."""
    for path in sorted(data.rglob("*")):
        if not path.is_file() or path.name == "secret_key":
            continue
        yield str(path.relative_to(data)), path.read_bytes()
        if tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                for member in archive:
                    part = archive.extractfile(member)
                    if part:
                        yield f"{path.name}/{member.name}", part.read()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_secret_is_written_down(tmp_path: Path) -> None:
    port = free_port()
    env = {
        "OPENAI_API_KEY": PROVIDER, "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1", "WRITER": "openai",
        "WRITER_MODEL": "tiny", "STORYLOOM_METRICS_TOKEN": METRICS, "EMAIL_PASSWORD": MAIL, "EMAIL_HOST": "127.0.0.1",
        "EMAIL_USER": "desk", "STORYLOOM_PORT": str(port),
    }  # fmt: skip
    acted = manage(tmp_path, "shell", "-v", "0", "-c", ACT.format(password=PASSWORD), timeout=290, **env)
    told = json.loads(acted.stdout.strip().splitlines()[-1])
    assert told["job"][0] == "failed", "the provider was to be away"
    token = told["link"].partition("sesame=")[2]
    answers = [told["job"][1].encode(), acted.stderr.encode()]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(method: str, path: str, body: str | None = None, **headers: str) -> http.client.HTTPResponse:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answers.append(answer.read())
        return answer

    def is_up() -> bool:
        try:
            return ask("GET", "/healthz").status == 200
        except OSError:
            connection.close()
            return False

    with running(tmp_path, "web", "--port", str(port), **env):
        assert until(is_up, seconds=120, every=0.5)
        form = ask("GET", "/sign-in/")
        cookie = re.match(r"[^;]+", form.headers["Set-Cookie"])
        hidden = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', answers.pop())
        assert cookie and hidden
        said = {"login": "owner", "csrfmiddlewaretoken": hidden[1].decode()}
        form_type = "application/x-www-form-urlencoded"
        for password, status in ((WRONG, 200), (PASSWORD, 302)):
            sent = urlencode({**said, "password": password})
            assert ask("POST", "/sign-in/", sent, Cookie=cookie[0], Content_Type=form_type).status == status
        assert ask("GET", "/api/v1/stories", Authorization=f"Bearer {told['secret']}").status == 200
        assert ask("GET", "/api/v1/stories", Authorization=f"Bearer {FORGED}").status == 401
        assert ask("GET", "/metrics", Authorization=f"Bearer {METRICS}").status == 200
        ask("GET", f"/sign-in/link/?sesame={quote(token)}")
        ask("GET", f"/no/such/page?key={PROVIDER}")
    canaries = [PROVIDER, METRICS, MAIL, PASSWORD, WRONG, FORGED, told["secret"], told["signing"], token]
    seen = dict(contents(tmp_path))
    assert any(name.endswith("db.sqlite3") or "/database" in name for name in seen)
    assert len([name for name in seen if ".tar" in name]) > 1, "the backup was to be looked into"
    public = told["secret"][:10].encode()
    assert any(public in content for content in seen.values()), "what may be known of a key would be found"
    found = [(name, canary) for name, content in seen.items() for canary in canaries if canary.encode() in content]
    found += [("an answer", canary) for answer in answers for canary in canaries if canary.encode() in answer]
    assert not found
