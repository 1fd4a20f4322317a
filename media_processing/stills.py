"""What stands still in a video: a picture cropped for its scene with the path of a view over it, and headlines."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageColor, ImageDraw

from media_processing import lettering
from media_processing.decoding import open_picture
from media_processing.timeline import Timeline, Visual

PUSH = 0.09
"""How much a push comes closer over a scene."""
PAN = 0.09
"""How far a pan goes, as a share of the frame's side."""
HEADLINE_TOP = 0.09
"""The share of the height above a headline."""


@dataclass(frozen=True)
class Views:
    """The rectangles (left, top, width, height in pixels of a canvas) where a moving view begins and ends."""

    canvas: tuple[int, int]
    frame: tuple[int, int]
    first: tuple[float, float, float, float]
    last: tuple[float, float, float, float]

    @property
    def moves(self) -> bool:
        return self.first != self.last

    def perspective(self, frames: int) -> str:
        """An ffmpeg filter that shows the view in the frame's corner of the canvas.

        `perspective` samples between pixels; `zoompan` steps by whole pixels of its input, which trembles visibly in
        slow movements (residual 0.5 px at twice the size, against 0.004 px here).
        """
        (canvas_width, canvas_height), (width, height) = self.canvas, self.frame
        share = f"(in/{max(1, frames - 1)})"
        left, top, wide, high = (f"({a:.3f}{b - a:+.3f}*{share})" for a, b in zip(self.first, self.last, strict=True))
        right = f"{left}+{wide}*{canvas_width / width:.6f}"
        bottom = f"{top}+{high}*{canvas_height / height:.6f}"
        corners = [(left, top), (right, top), (left, bottom), (right, bottom)]
        values = ":".join(f"x{n}='{x}':y{n}='{y}'" for n, (x, y) in enumerate(corners))
        return f"perspective={values}:interpolation=linear:sense=source:eval=frame"


def prepare(visual: Visual, width: int, height: int) -> tuple[Image.Image, Views]:
    """The picture of a scene, cropped around its focus to the canvas that its motion needs. Raises MediaError."""
    canvas = _canvas(visual.motion, width, height)
    with open_picture(visual.path) as opened:
        picture = cover(opened, *canvas, visual.focus)
    return picture, _views(visual, canvas, (width, height))


def cover(picture: Image.Image, width: int, height: int, focus: tuple[float, float]) -> Image.Image:
    """A picture scaled and cropped to fill a size in RGB, its focus as near to the middle as the sides allow."""
    scale = max(width / picture.width, height / picture.height)
    wide, high = width / scale, height / scale
    left = min(max(picture.width * focus[0] - wide / 2, 0.0), picture.width - wide)
    top = min(max(picture.height * focus[1] - high / 2, 0.0), picture.height - high)
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, "#FFFFFF")
        picture = Image.alpha_composite(ground, picture)
    box = (left, top, left + wide, top + high)
    return picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def headline_layer(text: str, timeline: Timeline) -> tuple[Image.Image, int, int] | None:
    """On-screen text on plates, drawn once, with where its corner stands in the frame; None where there is none."""
    if not text.strip():
        return None
    short = min(timeline.width, timeline.height)
    look = timeline.look
    face = lettering.Face(look.headline_family, 700, 1.32, timeline.language)
    side = timeline.width * (1 - look.captions.width) / 2
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
    return layer, round(x / 2) * 2, round(timeline.height * HEADLINE_TOP / 2) * 2


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance by WCAG of an sRGB colour (0 to 255)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour[:3])]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str | tuple[float, ...], other: str | tuple[float, ...]) -> float:
    """The WCAG contrast of two colours, 1 to 21."""
    first, second = (luminance(ImageColor.getrgb(c) if isinstance(c, str) else c) for c in (one, other))
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def _canvas(motion: str, width: int, height: int) -> tuple[int, int]:
    if motion in ("pan-left", "pan-right"):
        return round(width * (1 + PAN) / 2) * 2, height
    if motion in ("pan-up", "pan-down"):
        return width, round(height * (1 + PAN) / 2) * 2
    return width, height


def _views(visual: Visual, canvas: tuple[int, int], frame: tuple[int, int]) -> Views:
    width, height = frame
    whole = (0.0, 0.0, float(width), float(height))
    if visual.motion in ("push", "pull"):
        wide, high = width / (1 + PUSH), height / (1 + PUSH)
        # Towards the focus, but not all the way: the frame's own middle counts too.
        x, y = ((share + 0.5) / 2 for share in visual.focus)
        near = ((width - wide) * x, (height - high) * y, wide, high)
        return Views(canvas, frame, *((whole, near) if visual.motion == "push" else (near, whole)))
    if visual.motion == "none":
        return Views(canvas, frame, whole, whole)
    far = (float(canvas[0] - width), float(canvas[1] - height), float(width), float(height))
    forward = visual.motion in ("pan-right", "pan-down")
    return Views(canvas, frame, *((whole, far) if forward else (far, whole)))
