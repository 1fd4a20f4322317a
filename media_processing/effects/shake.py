"""The view trembles, most at the beginning, as if somebody bumped into the camera."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from moviepy import Effect
from numpy.typing import NDArray
from PIL import Image

from media_processing.timeline import Timeline, TimelineScene

REACH = 0.018
"""How far the view goes, as a share of the frame's sides."""
CALM, SECONDS = 0.2, 0.5
"""The share of it that stays for good, and the seconds in which the rest falls to a third."""
WAVES = 3
SLOWEST, FASTEST = 4.0, 11.0
"""Of the waves that make up a tremor, in hertz."""


class Shake(Effect):  # type: ignore[misc]
    """Every scene trembles in its own way, and the same way each time: by its id."""

    def __init__(self, seed: str = "") -> None:
        chance = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))
        self.pace = 2 * math.pi * chance.uniform(SLOWEST, FASTEST, (2, WAVES))
        self.phase = chance.uniform(0, 2 * math.pi, (2, WAVES))

    @classmethod
    def for_scene(cls, scene: TimelineScene, timeline: Timeline) -> Shake:
        return cls(scene.id)

    def away(self, second: float) -> tuple[float, float]:
        """Where the view is, as shares of its reach, -1 to 1."""
        strength = CALM + (1 - CALM) * math.exp(-second / SECONDS)
        across, down = strength * np.sin(self.pace * second + self.phase).mean(axis=1)
        return float(across), float(down)

    def apply(self, clip: Any) -> Any:
        def shaken(get_frame: Any, second: float) -> NDArray[np.uint8]:
            picture = Image.fromarray(get_frame(second))
            left, top = (
                side * REACH * (1 + share) for side, share in zip(picture.size, self.away(second), strict=True)
            )
            wide, high = (side * (1 - 2 * REACH) for side in picture.size)
            box = (left, top, left + wide, top + high)
            return np.asarray(picture.resize(picture.size, Image.Resampling.BICUBIC, box=box))

        return clip.transform(shaken)
