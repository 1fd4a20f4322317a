"""Choosing engines by name, and refusing before work starts."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from generation import services
from generation.engines.base import Wish
from media_processing.engine import EngineError, InvalidEngineError
from tests.contracts.writer import STORY

ENGINES: dict[str, Any] = {
    "writer": {
        "extractive": {"BACKEND": "generation.engines.extractive.ExtractiveWriter"},
        "openai": {"BACKEND": "generation.engines.openai.OpenAIWriter", "OPTIONS": {"api_key": "key"}},
    },
    "painter": {"illustrator": {"BACKEND": "generation.engines.illustrator.IllustratorPainter"}},
    "voice": {"espeak": {"BACKEND": "generation.engines.espeak.ESpeakVoice"}},
}


@pytest.fixture(autouse=True)
def chosen(settings: Settings) -> None:
    settings.ENGINES = ENGINES


def test_the_default_writer_writes() -> None:
    script = services.write(STORY, Wish())
    assert script.made_by["engine"] == "extractive"
    assert services.write(STORY, Wish(), engine="extractive") == script


def test_the_default_voice_speaks() -> None:
    assert services.speak("Hello there.", rate=1.2).made_by["engine"] == "espeak"
    assert services.voices_of("en")[0].id == "en-us"


def test_the_default_painter_draws_and_says_what_it_can_not() -> None:
    assert services.painter().draw("a boat", width=96, height=96).made_by["engine"] == "illustrator"
    drawn = services.painter().variants("a boat", 2, width=96, height=96, seed=3)
    assert [each.made_by["seed"] for each in drawn] == [3, 4]
    painter = services.painter()
    assert not (painter.can_redraw or painter.can_fill or painter.takes)
    with pytest.raises(EngineError, match="Illustrator can't make a picture out of another one"):
        services.painter().redraw(drawn[0].content, "a boat", strength=0.5)
    with pytest.raises(EngineError, match="Illustrator can't draw a part of a picture anew"):
        services.painter().fill(drawn[0].content, drawn[0].content, "a boat")


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(InvalidEngineError, match="no engine 'nobody'"):
        services.write(STORY, Wish(), engine="nobody")


def test_languages() -> None:
    assert services.languages_of("writer") is None
    assert "hi" in (services.languages_of("voice", "espeak") or ())


@pytest.mark.parametrize(("wish", "article"), [("en", "en"), ("en-GB", "en"), ("pt-BR", "pt")])
def test_the_articles_own_language_is_never_refused(wish: str, article: str) -> None:
    assert services.refusal(wish, article) is None


def test_a_translation_is_refused_and_the_engine_that_can_is_named() -> None:
    refused = services.refusal("hi", "en")
    assert refused is not None and refused.permanent
    assert refused.message == "Extractive writer can't write in Hindi from an article in English."
    assert refused.next_step == "Choose OpenAI-compatible writer, or ask for English."
    assert services.refusal("hi", "en", engine="openai") is None


def test_without_another_writer_it_says_how_to_get_one(settings: Settings) -> None:
    settings.ENGINES = {"writer": {"extractive": ENGINES["writer"]["extractive"]}}
    refused = services.refusal("hi", "en")
    assert refused is not None and "OPENAI_API_KEY" in refused.next_step
