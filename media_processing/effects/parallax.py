"""The picture drifts as a plate over a soft, larger copy that drifts the other way: it seems to have depth."""

from __future__ import annotations

from typing import Any

import numpy as np
from moviepy import Effect
from numpy.typing import NDArray
from PIL import Image, ImageFilter

PLATE = 0.82
"""The plate's sides as a share of the frame's."""
DRIFT = 0.08
"""How far the plate goes in all, as a share of the width; what is behind it goes half as far."""
BEHIND = 1.2
"""How much larger the copy behind it is."""
SOFT = 12
"""How many times smaller the copy is blurred."""
DIM = 0.55


class Parallax(Effect):  # type: ignore[misc]
    """From left to right over the whole scene, in steps smaller than pixels."""

    def apply(self, clip: Any) -> Any:
        def layered(get_frame: Any, second: float) -> NDArray[np.uint8]:
            picture = Image.fromarray(get_frame(second))
            way = second / clip.duration - 0.5
            behind = _behind(picture, -way * DRIFT / 2)
            edged = Image.new("RGBA", (picture.width + 2, picture.height + 2))
            edged.paste(picture, (1, 1))  # a clear edge, so that the plate's sides are smooth wherever they fall
            left = picture.width * ((1 - PLATE) / 2 + way * DRIFT)
            top = picture.height * (1 - PLATE) / 2
            step = 1 / PLATE
            placed = (step, 0, 1 - left * step, 0, step, 1 - top * step)
            plate = edged.transform(picture.size, Image.Transform.AFFINE, placed, Image.Resampling.BICUBIC)
            behind.paste(plate, mask=plate)
            return np.asarray(behind)

        return clip.transform(layered)


def _behind(picture: Image.Image, way: float) -> Image.Image:
    small = picture.resize([max(1, side // SOFT) for side in picture.size], Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(1.5)).point(lambda value: round(value * DIM))
    wide, high = (side / BEHIND for side in soft.size)
    left, top = (soft.width - wide) / 2 - way * soft.width / BEHIND, (soft.height - high) / 2
    return soft.resize(picture.size, Image.Resampling.BICUBIC, box=(left, top, left + wide, top + high))
