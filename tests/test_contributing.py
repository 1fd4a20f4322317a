"""The worked example of CONTRIBUTING.md works: an engine in one file, and its tests, as they stand on the page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

from pytest_django import Settings

from media_processing.engine import engines

PAGE = (Path(__file__).resolve().parent.parent / "CONTRIBUTING.md").read_text()
ENGINE, TESTS, LINE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

shouting = sys.modules["moderation.engines.shouting"] = ModuleType("moderation.engines.shouting")
exec(compile(ENGINE, "moderation/engines/shouting.py", "exec"), shouting.__dict__)
exec(compile(TESTS, "tests/moderation/test_shouting.py", "exec"), globals())  # its class is collected with this module


def test_an_engine_is_at_most_120_lines() -> None:
    assert ENGINE.count("\n") <= 120


def test_its_line_of_settings_makes_it_count(settings: Settings) -> None:
    added = eval("{" + LINE + "}")
    judges = {**settings.ENGINES["text_judge"], **added["text_judge"]}
    settings.ENGINES = {**settings.ENGINES, "text_judge": judges}
    assert [judge.name for judge in engines.all("text_judge")][-1] == "shouting"
    assert engines["text_judge", "shouting"].judge("STOP THIS FERRY NOW").scores == {"shouting": 1}
    assert not engines["text_judge", "shouting"].problems()
