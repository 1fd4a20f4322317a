"""The README holds what the code has: it is tested so that it can't rot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from creator.celery import app
from creator.environment import Environment
from media_processing.engine import engines
from tests.faults.__main__ import SCENARIOS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_every_environment_variable_is_documented() -> None:
    names = [str(field.alias) for field in Environment.model_fields.values()]
    assert not [name for name in names if f"`{name}" not in README]


def test_every_command_is_documented() -> None:
    own = [name for name, where in get_commands().items() if where == "creator"]
    assert own
    assert not [name for name in own if not re.search(rf"\b{name}\b", README)]


def test_every_engine_is_documented() -> None:
    missing = [
        f"{role}.{name}" for role in engines.roles() for name in engines.names(role) if f"`{name}`" not in README
    ]
    assert not missing


def test_every_make_target_is_documented() -> None:
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert not [target for target in targets if target != "help" and f"make {target}" not in README]


def test_every_check_id_is_documented() -> None:
    ids = set(re.findall(r'id="(\w+\.[EW]\d+)"', (ROOT / "creator" / "checks.py").read_text()))
    assert ids
    assert not [each for each in ids if each not in README]


def test_paths_in_the_map_exist() -> None:
    map_ = README.split("## The map of the house")[1].split("```")[1]
    paths = re.findall(r"^(\S+/?)\s", map_, re.MULTILINE)
    assert len(paths) >= 8
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_every_proof_of_a_promise_exists() -> None:
    page = (ROOT / "docs" / "promises.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    unproven = [line for line in rows if "`" not in line and not line.endswith("| proof |")]
    missing = []
    for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page):
        if not (ROOT / file).is_file() or (name and f"def {name}(" not in (ROOT / file).read_text()):
            missing.append(f"{file}::{name}")
    scenarios = {each.__name__ for each in SCENARIOS}
    for line in rows:
        if "`make faults`" in line:
            missing += [name for name in re.findall(r"`([a-z_]+)`", line) if name not in scenarios]
            scenarios -= set(re.findall(r"`([a-z_]+)`", line))
    assert not unproven
    assert not missing
    assert not scenarios, "each way of breaking things proves something"


def test_every_asked_job_is_a_task() -> None:
    asked = set()
    for path in (ROOT / "creator").rglob("*.py"):
        asked |= set(re.findall(r'jobs\.submit\(\s*"(\w+)"', path.read_text()))
    app.loader.import_default_modules()
    assert asked
    assert asked <= set(app.tasks)


@pytest.mark.parametrize("role", list(settings.ENGINES))
def test_every_engine_inherits_its_roles_contract(role: str) -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    contract = "".join(part.capitalize() for part in role.split("_")) + "Contract"
    for name in engines.names(role):
        engine_class = type(engines[role, name]).__name__
        assert engine_class in tests, f"{engine_class} has no test"
        assert contract in tests, f"the role {role} has no contract test named {contract}"
