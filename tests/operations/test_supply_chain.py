"""What Storyloom is built from is locked with hashes and licensed."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
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


@pytest.mark.slow
def test_the_list_of_parts_names_every_package_of_the_core(audit: dict[str, Any], tmp_path: Path) -> None:
    audit["write_sbom"](tmp_path / "sbom.json")
    parts = json.loads((tmp_path / "sbom.json").read_text())["components"]
    assert {part["name"] for part in parts} >= set(audit["locked"]("core"))
