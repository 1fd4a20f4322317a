"""Telling what is in front from what is behind it, from a box or a few strokes: GrabCut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from media_processing.engine import EngineError, Progress, no_progress

Floats: TypeAlias = NDArray[np.float32]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

SIDE = 256
"""Pixels of the longer side at which the cut is found; its edge is then fitted to the picture's own pixels."""
ROUNDS = 4
STEPS = 200
COLOURS = 5
"""Gaussians that describe each of the two sides."""
GAMMA = 50.0
"""What an edge costs that runs through an even area, in units of log-likelihood."""
FREE, BEHIND, FRONT = 0, 1, 2
_WAYS = ((0, 1), (1, 0), (1, 1), (1, -1))


def foreground(
    picture: Image.Image, *, box: Box | None = None, strokes: Sequence[Mapping[str, Any]] = (),
    progress: Progress = no_progress,
) -> Image.Image:  # fmt: skip
    """How much each pixel of `picture` belongs to what is in front: mode L, 255 for wholly.

    What is outside of `box` is behind. `strokes` are [{"keep": bool, "size": pixels, "points": [[x, y], ...]}]: what
    they touch is in front, or behind. Raises EngineError where neither says what is in front, or nothing is behind.

    GrabCut (Rother, Kolmogorov, Blake, "GrabCut: interactive foreground extraction using iterated graph cuts",
    SIGGRAPH 2004): Gaussian mixtures of the colours in front and behind and a minimum cut, in turns. The edge follows
    the picture by a guided filter (He, Sun, "Fast guided filter", 2015) along the line between both mean colours.
    """
    rgb = picture.convert("RGB")
    share = min(1.0, SIDE / max(rgb.size))
    small = rgb.resize((max(1, round(rgb.width * share)), max(1, round(rgb.height * share))), Image.Resampling.BOX)
    marks = _marked(small.size, share, box, strokes)
    pixels: Floats = (np.asarray(small, dtype=np.float32) / 255).astype(np.float32)
    inside = marks != BEHIND if box else marks == FRONT
    behind = marks == BEHIND if (marks == BEHIND).any() else _rim(marks)
    if not inside.any():
        raise EngineError(
            "Nothing says what is in front.", next_step="Draw a box around it, or brush over a part of it.",
            permanent=True,
        )  # fmt: skip
    if not behind.any():
        raise EngineError(
            "Nothing is left that could be behind.", next_step="Make the box smaller than the picture.", permanent=True
        )
    edges = _edge_costs(pixels)
    weight = inside.astype(np.float32)
    for number in range(ROUNDS):
        if number:
            inside, behind = weight > 0.5, weight <= 0.5
            if not inside.any() or not behind.any():
                break
        cost: Floats = np.subtract(_unlikeliness(pixels, pixels[inside]), _unlikeliness(pixels, pixels[behind]))
        weight = minimum_cut(cost, edges, marks, start=weight)
        progress((number + 1) / (ROUNDS + 1))
    if (weight > 0.5).mean() < 0.001:
        raise EngineError(
            "What is in front looks like what is behind it.",
            next_step="Brush over more of it, and over what is behind.", permanent=True,
        )  # fmt: skip
    alpha = _fitted(rgb, pixels, (weight > 0.5).astype(np.float32))
    progress(1.0)
    return alpha


def _marked(
    size: tuple[int, int], share: float, box: Box | None, strokes: Sequence[Mapping[str, Any]]
) -> NDArray[np.uint8]:
    """What is said of each pixel: FREE, BEHIND or FRONT."""
    marks = Image.new("L", size, BEHIND if box else FREE)
    draw = ImageDraw.Draw(marks)
    if box:
        left, top, right, bottom = (round(side * share) for side in box)
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=FREE)
    _brush(draw, strokes, share, FRONT, BEHIND)
    return np.asarray(marks)


def brushed(alpha: Image.Image, strokes: Sequence[Mapping[str, Any]]) -> Image.Image:
    """An alpha (mode L) in which what the strokes say stands, in the picture's own pixels."""
    said = alpha.copy()
    _brush(ImageDraw.Draw(said), strokes, 1.0, 255, 0)
    return said


def _brush(
    draw: ImageDraw.ImageDraw, strokes: Sequence[Mapping[str, Any]], share: float, front: int, behind: int
) -> None:
    for stroke in strokes:
        points = [(x * share, y * share) for x, y in stroke["points"]]
        thick, fill = max(1.0, stroke["size"] * share), front if stroke["keep"] else behind
        draw.line(points, fill=fill, width=round(thick))
        for x, y in points:
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=fill)


def _rim(marks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The picture's border, where nothing says what is behind."""
    rim = np.ones(marks.shape, bool)
    wide = max(2, max(marks.shape) // 40)
    rim[wide:-wide, wide:-wide] = False
    free: NDArray[np.bool_] = rim & (marks != FRONT)
    return free


def _unlikeliness(pixels: Floats, examples: Floats) -> Floats:
    """Minus the log-likelihood of every pixel under a mixture of Gaussians fitted to `examples`, (n, 3)."""
    points = examples.reshape(-1, 3).astype(np.float64)
    spread = np.linalg.eigh(np.cov(points.T) + 1e-9 * np.eye(3) if len(points) > 1 else np.eye(3))[1][:, -1]
    order = np.argsort(points @ spread, kind="stable")
    centres = np.array([part.mean(axis=0) for part in np.array_split(points[order], min(COLOURS, len(points)))])
    for _round in range(8):
        nearest = ((points[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.array([points[nearest == k].mean(axis=0) for k in np.unique(nearest)])
    nearest = ((points[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    flat = pixels.reshape(-1, 3).astype(np.float64)
    likely = np.full(len(flat), -np.inf)
    for k in np.unique(nearest):
        own = points[nearest == k]
        covariance = (np.cov(own.T) if len(own) > 3 else np.zeros((3, 3))) + 1e-4 * np.eye(3)
        away = flat - own.mean(axis=0)
        distance = np.einsum("ij,jk,ik->i", away, np.linalg.inv(covariance), away)
        height = np.log(len(own) / len(points)) - 0.5 * np.linalg.slogdet(covariance)[1]
        likely = np.logaddexp(likely, height - 0.5 * distance)
    return np.asarray(-likely.reshape(pixels.shape[:2]), dtype=np.float32)


def _edge_costs(pixels: Floats) -> list[Floats]:
    """What it costs to cut between each pixel and its neighbour, one array for each of _WAYS."""
    squares = [((near - far) ** 2).sum(axis=2) for near, far in (_pair(pixels, way) for way in _WAYS)]
    mean = sum(float(each.sum()) for each in squares) / max(1, sum(each.size for each in squares))
    return [
        np.asarray(GAMMA / np.hypot(*way) * np.exp(-each / max(2 * mean, 1e-9)), dtype=np.float32)
        for way, each in zip(_WAYS, squares, strict=True)
    ]


def _pair(values: Floats, way: tuple[int, int]) -> tuple[Floats, Floats]:
    """Views of all pixels that have a neighbour in that direction (rows, columns), and of those neighbours."""
    down, right = way
    high, wide = values.shape[:2]
    near, far = values[: high - down], values[down:]
    if right < 0:
        return near[:, -right:], far[:, : wide + right]
    return near[:, : wide - right], far[:, right:]


def minimum_cut(
    cost: Floats, edges: Sequence[Floats], marks: NDArray[np.uint8], *, start: Floats, steps: int = STEPS
) -> Floats:
    """Which pixels are in front (above 0.5) so that `cost` summed over them plus the cut `edges` is least.

    `cost` (height, width) may be negative; `edges` are as _edge_costs gives them; what `marks` say stays.

    The relaxation to values between 0 and 1 is exact: thresholding its solution gives a minimum cut (Chan, Esedoglu,
    Nikolova, "Algorithms for finding global minimizers of image segmentation and denoising models", 2006). It is
    solved by the primal-dual steps of Pock and Chambolle ("Diagonal preconditioning for first order primal-dual
    algorithms", ICCV 2011), which are whole-array operations.
    """
    held = marks != FREE
    wanted = (marks == FRONT).astype(np.float32)
    weight = np.where(held, wanted, start).astype(np.float32)
    ahead, flows = weight.copy(), [np.zeros_like(each) for each in edges]
    pace = np.float32(GAMMA / 4)
    for _step in range(steps):
        pull = cost.copy()
        for way, edge, flow in zip(_WAYS, edges, flows, strict=True):
            near, far = _pair(ahead, way)
            flow += pace / 2 * (near - far)
            np.clip(flow, -edge, edge, out=flow)
            near, far = _pair(pull, way)
            near += flow
            far -= flow
        new = np.clip(weight - pull / (8 * pace), 0, 1)
        new[held] = wanted[held]
        ahead = 2 * new - weight
        weight = new
    return weight


def _fitted(picture: Image.Image, pixels: Floats, cut: Floats) -> Image.Image:
    """The small `cut` (0 or 1) at the size of `picture`, its edge where the picture has one."""
    apart = pixels[cut > 0.5].mean(axis=0) - pixels[cut <= 0.5].mean(axis=0) if 0 < cut.mean() < 1 else np.ones(3)
    apart = (apart / max(float(np.linalg.norm(apart)), 1e-6)).astype(np.float32)
    guide = pixels @ apart
    reach = 3
    mean_guide, mean_cut = _mean(guide, reach), _mean(cut, reach)
    slope = (_mean(guide * cut, reach) - mean_guide * mean_cut) / (_mean(guide * guide, reach) - mean_guide**2 + 1e-3)
    base = _mean(mean_cut - slope * mean_guide, reach)
    slope = _mean(slope, reach)
    alpha = Image.new("L", picture.size)
    scale = cut.shape[0] / picture.height
    for top in range(0, picture.height, 512):  # bands, since these are floats
        bottom = min(top + 512, picture.height)
        here = np.asarray(picture.crop((0, top, picture.width, bottom)), dtype=np.float32) / 255 @ apart
        window = (0, top * scale, cut.shape[1], min(bottom * scale, cut.shape[0]))
        rise, floor = (
            np.asarray(Image.fromarray(each).resize(here.shape[::-1], Image.Resampling.BILINEAR, box=window))
            for each in (slope, base)
        )
        # What is nearly all or nothing is: a guided filter leaves a veil.
        values = np.clip((rise * here + floor - 0.1) / 0.8, 0, 1)
        alpha.paste(Image.fromarray((values * 255 + 0.5).astype(np.uint8)), (0, top))
    return alpha


def _mean(values: Floats, reach: int) -> Floats:
    """The mean over a square of 2 x reach + 1 pixels; at the border, of what there is."""

    def summed(each: Floats) -> NDArray[np.float64]:
        total = np.pad(each.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        rows, columns = (np.arange(side) for side in each.shape)
        low, high = np.maximum(rows - reach, 0), np.minimum(rows + reach + 1, len(rows))
        left, right = np.maximum(columns - reach, 0), np.minimum(columns + reach + 1, len(columns))
        total = total[high] - total[low]
        result: NDArray[np.float64] = total[:, right] - total[:, left]
        return result

    return np.asarray(summed(values) / summed(np.ones_like(values)), dtype=np.float32)
