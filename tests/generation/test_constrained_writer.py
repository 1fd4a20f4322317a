"""The writer on a real endpoint with constrained decoding: a model that understands nothing keeps to the form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from generation.engines.base import Line, Script, Watch, Wish
from generation.engines.metering import Meter
from generation.engines.openai import OpenAIWriter
from tests.contracts.writer import STORY
from tests.openai_server import openai_server

LINES = [Line("a1", "The ferry crossed the fjord.", "Fjord", seconds=30.0), Line("b2", "It is quiet.", seconds=30.0)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with openai_server() as address:
        yield address


@pytest.fixture
def writer(address: str) -> OpenAIWriter:
    return OpenAIWriter("openai", base_url=address, model="n-gram", timeout=60, max_retries=0, max_tokens=6000)


def test_a_script_in_two_passes(writer: OpenAIWriter) -> None:
    meter = Meter()
    script = writer.write_script(STORY, Wish(), watch=Watch(meter=meter))
    assert script.headline and script.scenes
    assert all(scene.narration and scene.visual and scene.alt for scene in script.scenes)
    assert 2 <= meter.calls <= 4 and meter.reported
    assert meter.completion_tokens > 50


def test_every_other_verb(writer: OpenAIWriter) -> None:
    assert writer.rewrite(LINES[0], "punchier", article=STORY, language="en").texts
    assert writer.headlines(STORY, LINES, language="en").texts
    assert writer.captions(LINES[0], article=STORY, language="en").texts
    assert writer.hashtags(STORY, language="en").texts
    assert set(writer.describe(LINES, article=STORY, language="en")) == {"a1", "b2"}
    assert set(writer.plan_visuals(LINES, article=STORY, language="en")) == {"a1", "b2"}
    finished = Script("A ferry", "It runs.", (), ("#Ferry",), "en")
    translated = writer.translate(finished, LINES, article=STORY, to="de")
    assert [line.id for line in translated.lines] == ["a1", "b2"]
