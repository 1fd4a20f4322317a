"""Ask a running server whatever its OpenAPI document allows and forbids: schemathesis, all checks, stateful included.

    python -m tests.api.fuzz --examples 80

Exits with schemathesis' own code; prints how many answers of 500 the server gave.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.processes import ROOT, environment, free_port, manage, running, until

SEED = """
import json
from datetime import timedelta
from django.utils import timezone
from creator import jobs
from creator.models import Membership, User, Workspace
from creator.services import keys, publications, reviews, schedules
from tests.factories import finished_story
workspace = Workspace.objects.create(slug="fuzz", name="Fuzz")
people = {}
for name, role in (("alice", "editor"), ("ada", "admin")):
    people[name] = User.objects.create_user(name)
    Membership.objects.create(workspace=workspace, user=people[name], role=role)
alice, ada = people["alice"], people["ada"]
channel = publications.default_channel(workspace)
made = [finished_story(workspace, alice) for _ in range(6)]
cases = [reviews.submit(story, by=alice) for story in made[:4]]
for case in cases[:2]:
    reviews.decide(case, by=ada, verb="approve", version=case.version, note="Seen.")
for story in made[:2]:
    story.refresh_from_db()
    publications.publish(story, channel, by=alice)
plans = [schedules.plan(story, channel, at=timezone.now() + timedelta(days=1), by=alice).pk for story in made[:4]]
work = [jobs.submit("make_story", workspace=workspace, person=alice, story=made[5]).pk for _ in range(3)]
secret = keys.make(channel, name="fuzz", scopes=tuple(keys.SCOPES), person=ada, rate=1_000_000)[1]
files = [str(pk) for story in made for pk in story.variants.values_list("rendition", flat=True)]
print(json.dumps({"secret": secret, "known": {
    "story_id": [str(story.pk) for story in made], "job_id": work, "review_id": [case.pk for case in cases],
    "asset_id": [str(pk) for pk in workspace.assets.values_list("pk", flat=True)], "slug": [channel.slug],
    "scene_id": [str(pk) for story in made for pk in story.scenes.values_list("pk", flat=True)],
    "rendition_id": files, "schedule_id": plans}}))
"""


def run(examples: int, *, phases: str, seed: int = 1) -> int:
    """Seed a data folder, start the server, let schemathesis ask it; its exit code, or 1 after an answer of 500."""
    with tempfile.TemporaryDirectory(prefix="storyloom-fuzz-") as folder:
        data, port = Path(folder), free_port()
        env = {"STORYLOOM_PORT": str(port)}
        manage(data, "set_up", "--no-samples", timeout=600, **env)
        said = manage(data, "shell", "--verbosity", "0", "-c", SEED, timeout=600, **env).stdout
        told = json.loads(said.strip().splitlines()[-1])
        with running(data, "web", "--port", str(port), **env) as server:
            base = f"http://127.0.0.1:{port}"
            if not until(lambda: _answers(base), seconds=180, every=1.0):
                raise SystemExit((data / "web.log").read_text())
            code = _ask(base, told, server.pid, examples=examples, phases=phases, seed=seed)
        log = (data / "web.log").read_text()
        broken = log.count("Internal Server Error")
        print(f"answers of 500 by the server's log: {broken}")
        if broken:
            print(log[-6000:])
    return code or int(bool(broken))


def _answers(base: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{base}/api/v1/openapi.json', timeout=30)"],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def _ask(base: str, told: dict[str, object], server: int, *, examples: int, phases: str, seed: int) -> int:
    config = Path(__file__).with_name("schemathesis.toml")
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run",
        str(ROOT / "docs" / "openapi.json"), "--url", base, "--header", f"Authorization: Bearer {told['secret']}",
        "--checks", "all", "--phases", phases, "--max-examples", str(examples), "--seed", str(seed),
        # Only to notice what hangs; how long a request may take is checked in processor time, by fuzz_hooks.py.
        "--request-timeout", "120", "--max-response-time", "120", "--continue-on-failure",
        "--generation-database", "none", "--suppress-health-check", "all", "--no-color",
    ]  # fmt: skip
    env = {**environment(Path("/nonexistent")), "SCHEMATHESIS_HOOKS": "tests.api.fuzz_hooks"}
    env |= {"FUZZ_KNOWN": json.dumps(told["known"]), "FUZZ_SERVER": str(server), "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=False).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=80, help="for each route and phase")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    sys.exit(run(wanted.examples, phases=wanted.phases, seed=wanted.seed))
