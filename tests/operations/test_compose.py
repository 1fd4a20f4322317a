"""docker-compose.yml: every command in it is run for real here, its hosts mapped to loopback."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations import servers
from tests.processes import ROOT, free_port, until

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SECRETS = {"POSTGRES_PASSWORD": "river", "STORYLOOM_SECRET_KEY": "a-secret-key-for-this-test-only-0123456789"}
PYTHON = {"python": sys.executable}


def filled(text: str) -> str:
    """A value with its ${VARIABLES} filled in as compose does."""
    return re.sub(r"\$\{(\w+):[-?]([^}]*)\}", lambda m: SECRETS.get(m[1], "" if ":?" in m[0] else m[2]), text)


@dataclass
class Installation:
    """The running services."""

    environment: dict[str, str]

    def command(self, parts: list[str]) -> list[str]:
        return [PYTHON.get(part, part) for part in parts]

    def run(self, parts: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(parts), cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("compose")
    with ExitStack() as stack:
        redis = stack.enter_context(servers.redis(folder / "redis", SERVICES["redis"]["command"]))
        given = {name: filled(value) for name, value in SERVICES["postgres"]["environment"].items()}
        postgres = stack.enter_context(
            servers.postgres(folder / "pg", user=given["POSTGRES_USER"], password=given["POSTGRES_PASSWORD"])
        )
        port = free_port()
        mapped = {
            name: filled(value).replace("@postgres:5432", f"@127.0.0.1:{postgres}").replace(
                "//redis:6379", f"//127.0.0.1:{redis}"
            )
            for name, value in COMPOSE["x-app"]["environment"].items()
        }
        data = folder / "data"
        data.mkdir()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("STORYLOOM_", "DJANGO_"))},
            **mapped,
            "STORYLOOM_DATA": str(data),
            "STORYLOOM_PORT": str(port),
            "STORYLOOM_URL": f"http://127.0.0.1:{port}",
            "PGHOST": "127.0.0.1", "PGPORT": str(postgres), "REDISCLI_PORT": str(redis),
        }  # fmt: skip
        running = Installation(environment)
        done = running.run(SERVICES["setup"]["command"])
        assert done.returncode == 0, done.stdout + done.stderr
        for name in ("web", "worker"):
            log = (folder / f"{name}.log").open("wb")
            process = subprocess.Popen(
                running.command(SERVICES[name]["command"]), cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            stack.callback(_end, process)
        yield running


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "healthcheck" in service])
def test_health_checks_pass(installation: Installation, name: str) -> None:
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    if command[0] == "redis-cli":
        command[1:1] = ["-p", installation.environment["REDISCLI_PORT"]]
    assert until(lambda: installation.run(command).returncode == 0, seconds=60, every=1)


def test_the_sample_story_is_made_on_postgresql_and_redis(installation: Installation) -> None:
    import psycopg

    url = installation.environment["DATABASE_URL"]

    def state() -> str:
        with psycopg.connect(url) as connection:
            row = connection.execute("select state, error from creator_job where kind = 'make_story'").fetchone()
        assert row is not None
        assert row[0] not in ("failed", "parked"), row
        return str(row[0])

    assert until(lambda: state() == "done", seconds=300, every=1)


def test_words_are_found_on_postgresql(installation: Installation) -> None:
    assert until(
        lambda: json.loads(installation.run(["python", "manage.py", "find", "bridge", "--json"]).stdout or "[]"),
        seconds=120, every=2,
    )  # fmt: skip


def test_commands_in_its_comments_work(installation: Installation) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    told = [shlex.split(line) for line in re.findall(r"docker compose exec web (.+)", text)]
    assert told
    for command in told:
        done = installation.run(command)
        assert done.returncode == 0, done.stderr
        assert "sesame=" in done.stdout


def test_the_copied_environment_file_names_every_required_variable() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    assert required == set(SECRETS)
    example = (ROOT / ".env.example").read_text()
    assert all(re.search(rf"^{name}=", example, re.MULTILINE) for name in required)


def test_nothing_is_open_beyond_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]


def test_every_service_that_runs_our_image_has_a_command_of_ours() -> None:
    ours = {name: service["command"] for name, service in SERVICES.items() if "build" in service}
    commands = {path.stem for path in Path(ROOT / "creator/management/commands").glob("*.py")}
    assert set(ours) == {"setup", "web", "worker"}
    assert all(command[:2] == ["python", "manage.py"] and command[2] in commands for command in ours.values())
