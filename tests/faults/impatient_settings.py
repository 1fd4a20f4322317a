"""The product's settings with a writer that waits for its provider for seconds, not minutes."""

from creator.settings import *  # noqa: F403
from creator.settings import ENGINES

ENGINES["writer"]["openai"]["OPTIONS"] |= {"timeout": 12.0, "stall": 3.0}
