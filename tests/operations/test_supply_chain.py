"""What Storyloom is built from is locked with hashes and licensed."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.processes import ROOT


@pytest.fixture
def audit() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "requirements" / "audit.py"))


def test_the_locks_hold_what_the_project_asks_for(audit: dict[str, Any]) -> None:
    assert list(audit["unlocked"]()) == []
    assert len(audit["locked"]("core")) > 80
    assert audit["locked"]("local-models")["torch"] == "2.13.0"
    assert audit["locked"]("local-models").items() >= audit["locked"]("core").items()


def test_a_lock_that_lags_is_named(audit: dict[str, Any]) -> None:
    audit["PROJECT"]["dependencies"].append("pillow>=99")
    assert any("for pillow>=99: run make lock" in line for line in audit["unlocked"]())


def test_a_package_without_a_hash_is_refused(audit: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "core.txt").write_text("pillow==13.0.0\n")
    audit["locked"].__globals__["FOLDER"] = tmp_path
    with pytest.raises(SystemExit, match="no hash for pillow"):
        audit["locked"]("core")


@pytest.mark.local_models
def test_every_licence_is_permissive_or_explained(audit: dict[str, Any]) -> None:
    assert list(audit["unlicensed"]()) == []


HOLE = {"name": "pillow", "version": "13.0.0", "vulns": [{"id": "CVE-1", "fix_versions": ["13.1"]}]}


@pytest.mark.parametrize(
    ("changed", "status"),
    [([], 0), ([HOLE], 1), ([{"name": "pillow", "skip_reason": "not found on PyPI"}], 3), (None, 3)],
    ids=["all looked at", "a hole", "one that the index doesn't know", "no answer"],
)
def test_what_was_not_looked_up_never_passes(audit: dict[str, Any], changed: list[Any] | None, status: int) -> None:
    sound = [{"name": name, "version": version, "vulns": []} for name, version in audit["locked"]("core").items()]
    told = "" if changed is None else json.dumps({"dependencies": [*sound, *changed]})
    done = SimpleNamespace(stdout=told, returncode=1)
    audit["known_holes"].__globals__["subprocess"] = SimpleNamespace(run=lambda *_args, **_options: done)
    assert audit["known_holes"]() == status


@pytest.mark.slow
def test_the_list_of_parts_names_every_package_of_the_core(audit: dict[str, Any], tmp_path: Path) -> None:
    audit["write_sbom"](tmp_path / "sbom.json")
    parts = json.loads((tmp_path / "sbom.json").read_text())["components"]
    assert {part["name"] for part in parts} >= set(audit["locked"]("core"))
