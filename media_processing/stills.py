"""What stands still in a video: pictures with the path of a view over them, headlines and overlays."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from media_processing import lettering
from media_processing.decoding import open_picture
from media_processing.motion import MARGIN, Box, View
from media_processing.safe_areas import safe_area
from media_processing.timeline import Crop, Overlay, Timeline, Visual

PUSH = 0.09
"""How much a push comes closer over a scene."""
PAN = 0.09
"""How far a pan goes, as a share of the frame's side."""
DENSITY = 0.97
"""Canvas pixels to a pixel of the frame. Just under 1: the scaler is fastest there, and nothing is lost to see."""
SMALL = 700
DENSITY_OF_SMALL = 2.3
"""The same for a frame with a side below SMALL pixels, where windows on few pixels would be too coarse."""
LARGEST_CANVAS = 4096
"""Pixels of a side of what crops of a still go over."""
OVERLAY_GAP = 0.045
"""The share of the short side between an overlay and the frame's edge."""
HEADLINE_TOP = 0.09
"""The share of the height above a headline, or more where apps cover more."""

ENOUGH = 0.7
"""The scale below which a picture has pixels to spare."""

_PANS = {"pan-right": (1, 0), "pan-left": (-1, 0), "pan-down": (0, 1), "pan-up": (0, -1)}


def prepare(visual: Visual, width: int, height: int, seconds: float) -> tuple[Image.Image, View]:
    """A picture as a canvas, and what a frame of `width` x `height` sees of it in `seconds`. Raises MediaError.

    A view that rests has a canvas of the frame's own size.
    """
    with open_picture(visual.path) as opened:
        if visual.crops:
            return _cropped(opened, visual, width, height)
        if visual.motion == "none":
            whole = Box(0, 0, width, height)
            return cover(opened, width, height, visual.focus), View((width, height), (width, height), ((0.0, whole),))
        density = DENSITY if min(width, height) >= SMALL else DENSITY_OF_SMALL
        across, down = _PANS.get(visual.motion, (0, 0))
        wide, high = width * density * (1 + PAN * abs(across)), height * density * (1 + PAN * abs(down))
        picture, (x, y) = _bordered(cover(opened, round(wide), round(high), visual.focus))
    first = whole = Box(x, y, width * density, height * density)
    if visual.motion in ("push", "pull"):
        near = (whole.width / (1 + PUSH), whole.height / (1 + PUSH))
        # Towards the focus, but not all the way: the frame's own middle counts too.
        beside = [
            (side - part) * (share + 0.5) / 2 for side, part, share in zip(whole[2:], near, visual.focus, strict=True)
        ]
        last = Box(x + beside[0], y + beside[1], *near)
    else:
        last = whole._replace(left=x + wide - whole.width, top=y + high - whole.height)
    if visual.motion == "pull" or across + down < 0:
        first, last = last, first
    return picture, View(picture.size, (width, height), ((0.0, first), (seconds, last)))


def fitted(crop: Crop, source: tuple[int, int], frame: tuple[int, int]) -> Box:
    """The largest box in a frame's shape around the middle of a crop and inside it, in pixels of the source."""
    wide, high = crop.width * source[0], crop.height * source[1]
    scale = min(wide / frame[0], high / frame[1])
    width, height = frame[0] * scale, frame[1] * scale
    left, top = crop.x * source[0] + (wide - width) / 2, crop.y * source[1] + (high - height) / 2
    return Box(left, top, width, height)


def covering(focus: tuple[float, float], source: tuple[int, int], frame: tuple[int, int]) -> Box:
    """The largest box in a frame's shape inside a source, the focus as near to its middle as the sides allow."""
    scale = min(source[0] / frame[0], source[1] / frame[1])
    size = frame[0] * scale, frame[1] * scale
    left, top = (
        max(min(side * share - part / 2, side - part), 0.0)
        for side, share, part in zip(source, focus, size, strict=True)
    )
    return Box(left, top, *size)


def _cropped(picture: Image.Image, visual: Visual, width: int, height: int) -> tuple[Image.Image, View]:
    """What the crops of a still go over, as large as the closest of them needs it, if the picture has as much."""
    boxes = [fitted(crop, picture.size, (width, height)) for crop in visual.crops]
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.left + box.width for box in boxes), max(box.top + box.height for box in boxes)
    scale = DENSITY * width / min(box.width for box in boxes)
    scale = min(scale, LARGEST_CANVAS / max(right - left, bottom - top))
    size = round((right - left) * scale), round((bottom - top) * scale)
    drawn = _flat(picture).resize(size, Image.Resampling.LANCZOS, box=(left, top, right, bottom), reducing_gap=3.0)
    canvas, (x, y) = _bordered(drawn)
    across, down = size[0] / (right - left), size[1] / (bottom - top)
    keys = tuple(
        (crop.second, Box(x + (b.left - left) * across, y + (b.top - top) * down, b.width * across, b.height * down))
        for crop, b in zip(visual.crops, boxes, strict=True)
    )
    return canvas, View(canvas.size, (width, height), keys)


def _bordered(picture: Image.Image) -> tuple[Image.Image, tuple[int, int]]:
    """A picture whose last rows and columns go on, and where it stands there: windows need room beyond a view."""
    x, y = (round(side * MARGIN / 2) * 2 for side in picture.size)
    pixels = np.pad(np.asarray(picture), ((y, y), (x, x), (0, 0)), mode="edge")
    return Image.fromarray(pixels), (x, y)


def cover(
    picture: Image.Image, width: int, height: int, focus: tuple[float, float], *, quick: bool = False
) -> Image.Image:
    """A picture scaled and cropped to fill a size in RGB, its focus as near to the middle as the sides allow.

    With `quick` a picture that becomes much smaller is filtered over fewer of its pixels, in under half the time.
    """
    scale = max(width / picture.width, height / picture.height)
    wide, high = width / scale, height / scale
    left = max(min(picture.width * focus[0] - wide / 2, picture.width - wide), 0.0)
    top = max(min(picture.height * focus[1] - high / 2, picture.height - high), 0.0)
    box = (left, top, min(left + wide, picture.width), min(top + high, picture.height))
    filtering = Image.Resampling.HAMMING if quick and scale < ENOUGH else Image.Resampling.LANCZOS
    return _flat(picture).resize((width, height), filtering, box=box, reducing_gap=3.0)


def _flat(picture: Image.Image) -> Image.Image:
    """A picture without transparency, in RGB."""
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, "#FFFFFF")
        picture = Image.alpha_composite(ground, picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def logo_layer(overlay: Overlay, width: int, height: int) -> tuple[Image.Image, int, int]:
    """An overlay drawn once, with where its corner stands in the frame. Raises MediaError."""
    short = min(width, height)
    side = round(overlay.size * short)
    with open_picture(overlay.path, max_side=4 * side) as opened:
        layer = opened.convert("RGBA")
    scale = side / max(layer.size)
    layer = layer.resize([max(1, round(part * scale)) for part in layer.size], Image.Resampling.LANCZOS)
    layer.putalpha(layer.getchannel("A").point(lambda value: round(value * overlay.opacity)))
    gap = round(short * OVERLAY_GAP)
    x = gap if "left" in overlay.place else width - gap - layer.width
    y = gap if "top" in overlay.place else height - gap - layer.height
    return layer, x // 2 * 2, y // 2 * 2


def headline_layer(text: str, timeline: Timeline) -> tuple[Image.Image, int, int] | None:
    """On-screen text on plates, drawn once, with where its corner stands in the frame; None where there is none."""
    if not text.strip():
        return None
    short = min(timeline.width, timeline.height)
    look = timeline.look
    face = lettering.Face(look.headline_family, 700, 1.32, timeline.language)
    safe = safe_area(timeline.width, timeline.height)
    side = timeline.width * max((1 - look.captions.width) / 2, safe.left, safe.right)
    pad = short * 0.022
    room = timeline.width - 2 * side - 2 * pad
    setting = lettering.fit(
        text, room, timeline.height * 0.22, face, largest=short * 0.072, smallest=short * 0.045, lines=3
    )
    widths = [face.width(line, setting.size) for line in setting.lines]
    rtl = lettering.is_rtl(text)
    layer = Image.new("RGBA", (round(max(widths) + 2 * pad), round(setting.height + setting.size * 0.5)))
    pen = ImageDraw.Draw(layer)
    baseline = setting.size * 1.05
    for line, wide in zip(setting.lines, widths, strict=True):
        x = layer.width - wide - 2 * pad if rtl else 0.0
        plate = (x, baseline - setting.size * 1.0, x + wide + 2 * pad, baseline + setting.size * 0.34)
        pen.rectangle([round(edge) for edge in plate], fill=look.paper)
        lettering.draw_line(layer, line, x + pad, baseline, setting.size, face, look.paper_ink, rtl=rtl)
        baseline += setting.pitch
    bar = round(setting.size * 0.12)
    edge = layer.width - bar if rtl else 0
    pen.rectangle(
        [edge, round(setting.size * 0.05), edge + bar, round(baseline - setting.pitch + setting.size * 0.34)],
        fill=look.paper_accent,
    )
    x = timeline.width - side - layer.width if rtl else side
    # Even places: chroma is stored for pairs of pixels.
    return layer, round(x / 2) * 2, round(timeline.height * max(HEADLINE_TOP, safe.top) / 2) * 2


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance by WCAG of an sRGB colour (0 to 255)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour[:3])]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str | tuple[float, ...], other: str | tuple[float, ...]) -> float:
    """The WCAG contrast of two colours, 1 to 21."""
    first, second = (luminance(ImageColor.getrgb(c) if isinstance(c, str) else c) for c in (one, other))
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)
