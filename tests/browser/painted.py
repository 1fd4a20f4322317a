"""The product's settings with a painter that can everything, at once."""

from creator.settings import *  # noqa: F403
from creator.settings import ENGINES

ENGINES = {**ENGINES, "painter": {"fake": {"BACKEND": "tests.fakes.FakePainter"}, **ENGINES["painter"]}}
