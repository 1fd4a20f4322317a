"""The two halves of the picture come in from above and from below, and meet."""

from __future__ import annotations

from typing import Any

import numpy as np
from moviepy import Effect
from numpy.typing import NDArray

SECONDS = 0.7
"""How long the halves take."""


class Split(Effect):  # type: ignore[misc]
    """The left half falls, the right half rises; both slow down until they stand."""

    def apply(self, clip: Any) -> Any:
        seconds = min(SECONDS, clip.duration / 2)

        def halves(get_frame: Any, second: float) -> NDArray[np.uint8]:
            whole: NDArray[np.uint8] = get_frame(second)
            high, wide = whole.shape[:2]
            missing = round(high * max(0.0, 1 - second / seconds) ** 3)
            if not missing:
                return whole
            shown = np.zeros_like(whole)
            shown[: high - missing, : wide // 2] = whole[missing:, : wide // 2]
            shown[missing:, wide // 2 :] = whole[: high - missing, wide // 2 :]
            return shown

        return clip.transform(halves)
