"""Effects: Python that draws a scene, installed by the operator as an entry point and never uploaded.

An entry point of the group "storyloom.effects" names a `moviepy.Effect`, which is made without arguments and applied to
the scene's clip. Two things it may have besides: `for_scene(scene, timeline)`, a class method that makes it where it
needs to know more, and `draws_text = True` where it shows the scene's on-screen text itself. It has to draw the same
picture every time: what looks like chance is seeded by the scene's id.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from media_processing.engine import EngineError
from media_processing.timeline import Timeline, TimelineScene

GROUP = "storyloom.effects"


@functools.cache
def installed() -> dict[str, EntryPoint]:
    """The effects of this installation by name; nothing of them is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def titles() -> dict[str, str]:
    """Name -> what people call it."""
    return {name: name.replace("-", " ").replace("_", " ").capitalize() for name in installed()}


def problem() -> EngineError | None:
    """What keeps every effect from working on this machine."""
    if importlib.util.find_spec("moviepy"):
        return None
    step = "Run: pip install --no-deps --require-hashes -r requirements/moviepy.txt"
    return EngineError("moviepy isn't installed.", next_step=step, permanent=True)


def require(name: str) -> None:
    """Raise EngineError where an effect can't be drawn."""
    if name not in installed():
        known = ", ".join(installed()) or "none is installed"
        step = f"Install the package that brings it, or choose another effect: {known}."
        raise EngineError(f"There is no effect {name!r}.", next_step=step, permanent=True)
    lacking = problem()
    if lacking:
        raise EngineError(
            f"The effect {name!r} can't be drawn: {lacking.message}", next_step=lacking.next_step, permanent=True
        )


def version(name: str) -> list[str]:
    """What an effect's picture depends on besides its scene: its package's version and its own module's contents."""
    entry = installed()[name]
    found = importlib.util.find_spec(entry.module)
    source = Path(found.origin) if found and found.origin else None
    digest = hashlib.sha256(source.read_bytes()).hexdigest() if source and source.is_file() else ""
    return [entry.value, entry.dist.version if entry.dist else "", digest]


def load(name: str) -> Any:
    """The class of an effect. Raises EngineError for one that can't be imported."""
    require(name)
    try:
        return installed()[name].load()
    except Exception as error:
        raise failure(name, error) from error


def make(scene: TimelineScene, timeline: Timeline) -> Any:
    """The effect of a scene, ready to be applied. Raises EngineError."""
    effect = load(scene.effect)
    try:
        return effect.for_scene(scene, timeline) if hasattr(effect, "for_scene") else effect()
    except Exception as error:
        raise failure(scene.effect, error) from error


def failure(name: str, error: Exception) -> EngineError:
    """What is told where an effect's own code breaks."""
    step = "Choose another effect for this scene, or ask whoever installed it."
    return EngineError(f"The effect {name!r} failed: {error}", next_step=step, permanent=True)
