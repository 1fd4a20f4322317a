"""`engines --try`: every starter engine does its real example; what can't work says why."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError

from creator.services.trying import EXAMPLES
from media_processing.engine import engines

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA = tmp_path


def test_every_role_has_an_example() -> None:
    assert set(EXAMPLES) >= set(engines.roles())


@pytest.mark.parametrize("role", EXAMPLES)
def test_the_default_engine_of_a_role_does_its_example(role: str) -> None:
    if role not in engines.roles() or engines[role].problems():
        with pytest.raises(CommandError):
            call_command("engines", "--try", role)
        return
    out = io.StringIO()
    call_command("engines", "--try", role, "--json", stdout=out)
    (tried,) = json.loads(out.getvalue())
    assert Path(tried["path"]).stat().st_size > 2
    assert tried["result"]
    assert isinstance(tried["seconds"], float)
    shown = io.StringIO()
    call_command("engines", "--try", role, stdout=shown)
    assert str(tried["path"]) in shown.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--try", "cook"], "no role"), (["--try", "writer", "--engine", "homer"], "no writer 'homer'")],
)
def test_what_is_not_there_is_named(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("engines", *arguments)


def test_an_engine_without_its_key_says_what_to_do(settings: LazySettings) -> None:
    with pytest.raises(CommandError, match="OPENAI"):
        call_command("engines", "--try", "writer", "--engine", "openai")
