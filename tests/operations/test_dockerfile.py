"""Dockerfile: its install and manage.py lines are run in an empty environment; the size of the core is bounded."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

TEXT = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
LINES = [line.strip() for line in TEXT.splitlines() if line.strip() and not line.startswith("#")]
CORE_MB = 900


def of(kind: str) -> list[str]:
    return [line.removeprefix(kind).strip() for line in LINES if line.startswith(f"{kind} ")]


def commands() -> list[str]:
    return [part.strip() for line in of("RUN") for part in line.split("&&")]


def copied() -> list[str]:
    return [source for line in of("COPY") for source in line.split()[:-1]]


def size_mb(folder: Path) -> float:
    files = {entry.stat().st_ino: entry.stat().st_blocks * 512 for entry in folder.rglob("*") if entry.is_file()}
    return sum(files.values()) / 1e6


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, float]:
    """What the image would hold: (application folder, environment, its MB), built by the Dockerfile's own lines."""
    folder = tmp_path_factory.mktemp("image")
    app, venv = folder / "app", folder / "venv"
    app.mkdir()
    for source in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, app / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, app / source)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    size = 0.0
    for command in commands():
        if command.startswith("pip "):
            whole = [str(venv / "bin" / "pip"), *shlex.split(command)[1:]]
            done = subprocess.run(whole, cwd=app, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            size = size_mb(venv)  # before anything runs there: Python keeps what it compiled
        elif command.startswith("rm /usr/local/"):
            here = f"/python{sys.version_info.major}.{sys.version_info.minor}/"
            for name in shlex.split(command)[1:]:
                (venv / Path(re.sub(r"/python3\.\d+/", here, name)).relative_to("/usr/local")).unlink()
    return app, venv, size


@pytest.mark.servers
@pytest.mark.timeout(600)
class TestBuilt:
    def test_the_core_stays_small(self, image: tuple[Path, Path, float]) -> None:
        size = image[2]
        print(f"core install: {size:.0f} MB")
        assert size <= CORE_MB

    def test_the_core_has_no_torch(self, image: tuple[Path, Path, float]) -> None:
        assert not list(image[1].glob("lib/python*/site-packages/torch"))

    def test_what_is_dropped_is_not_needed(self, image: tuple[Path, Path, float]) -> None:
        say = "import c2pa; print(c2pa.sdk_version())"
        done = subprocess.run(
            [str(image[1] / "bin" / "python"), "-c", say], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def test_its_commands_run(self, image: tuple[Path, Path, float], tmp_path: Path) -> None:
        app, venv, _size = image
        lines = [command for command in commands() if "manage.py" in command]
        assert lines
        for line in lines:
            parts = shlex.split(line)
            given = dict(part.split("=", 1) for part in parts if "=" in part and not part.startswith("-"))
            given = {name: str(tmp_path) if name == "STORYLOOM_DATA" else value for name, value in given.items()}
            program = [str(venv / "bin" / "python"), *parts[parts.index("python") + 1 :]]
            environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **given}
            done = subprocess.run(program, cwd=app, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

    def test_its_check_finds_nothing_wrong(self, image: tuple[Path, Path, float], tmp_path: Path) -> None:
        app, venv, _size = image
        done = subprocess.run(
            [str(venv / "bin" / "python"), "manage.py", "check", "--fail-level", "WARNING"], cwd=app,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "STORYLOOM_DATA": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_its_sources_exist() -> None:
    assert copied()
    assert not [source for source in copied() if not (ROOT / source).exists()]


def test_it_does_not_run_as_root() -> None:
    assert of("USER") == ["storyloom"]
    assert LINES.index("USER storyloom") < next(number for number, line in enumerate(LINES) if line.startswith("CMD"))


def test_its_apt_packages_exist() -> None:
    installs = [command for command in commands() if "apt-get install" in command]
    names = [part for command in installs for part in shlex.split(command)[2:] if not part.startswith("-")]
    assert names
    for name in names:
        known = subprocess.run(["dpkg-query", "-W", name], capture_output=True, check=False).returncode == 0
        assert known or subprocess.run(["apt-cache", "show", name], capture_output=True, check=False).returncode == 0


def test_its_command_is_one_of_ours() -> None:
    (command,) = of("CMD")
    match = re.search(r'"manage.py", "(\w+)"', command)
    assert match
    assert (ROOT / "creator" / "management" / "commands" / f"{match[1]}.py").exists()
