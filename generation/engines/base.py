"""What a writer (in writing.py), a painter (in painting.py) and a voice (in speaking.py) promise."""

from __future__ import annotations

from generation.engines.painting import Painter, Picture, Sampling, Wanted
from generation.engines.speaking import Likeness, Saying, Speaker, Speech, Voice
from generation.engines.writing import (
    Article,
    Line,
    Options,
    Script,
    ScriptScene,
    Translation,
    Visual,
    Watch,
    Wish,
    Writer,
)
from media_processing.engines.base import Word

__all__ = [
    "Article",
    "Likeness",
    "Line",
    "Options",
    "Painter",
    "Picture",
    "Sampling",
    "Saying",
    "Script",
    "ScriptScene",
    "Speaker",
    "Speech",
    "Translation",
    "Visual",
    "Voice",
    "Wanted",
    "Watch",
    "Wish",
    "Word",
    "Writer",
]
