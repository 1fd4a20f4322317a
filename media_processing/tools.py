"""Tools of the library: each makes a new file of another, the old one stays as it is.

A tool is an entry of TOOLS: what it is called, which kinds of files it takes, its parameters with their ranges, and a
function. Pages, checks and jobs are made from that table.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from media_processing import cutting, lettering, pictures
from media_processing.decoding import MAX_SECONDS, Probe, frames_at, open_picture
from media_processing.engine import Engine, EngineError, Progress, engines, no_progress
from media_processing.engines.base import nothing_said
from media_processing.engines.filtergraph import quoted
from media_processing.ffmpeg import MAX_PIXELS, run_ffmpeg, untrusted

Bound: TypeAlias = float | Literal["width", "height", "seconds"]
"""A number, or that of the file."""
Values: TypeAlias = dict[str, Any]

SMALLEST = 16
"""Pixels of a side."""
MAX_FILM_PIXELS = 3840 * 2160
MAX_STROKES, MAX_POINTS = 200, 20_000
MAX_WORDS = 80
VERSION = 1
"""Goes up when a tool gives another result for the same input."""

_X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]
_BT709 = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
_TO_BT709 = "out_color_matrix=bt709:out_range=tv"
_TAGGED = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
"""What a frame says of itself goes before what the encoder is told."""
_AAC = ["-c:a", "aac", "-b:a", "192k"]
_MP4 = ["-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", "-fflags", "+bitexact"]


@dataclass(frozen=True)
class Parameter:
    """What a person may set of a tool. A number lies between `low` and `high`; "width", "height" and "seconds" stand
    for those of the file, also as the default."""

    name: str
    title: str
    kind: Literal["number", "choice", "text", "colour", "picture", "strokes"] = "number"
    default: Any = None
    low: Bound = 0.0
    high: Bound = 1.0
    step: float = 1.0
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Task:
    """One use of a tool: the file, what it is, the checked values, pictures by their parameter's name, a folder, and
    the engine that does it where one does."""

    source: Path
    probe: Probe
    values: Values
    others: Mapping[str, Path]
    folder: Path
    progress: Progress = no_progress
    engine: Any = None

    def film(self) -> Path:
        return self.folder / "made.mp4"


@dataclass(frozen=True)
class Tool:
    """A row of the table. `icon` is Lucide's name; `done` is what its copies are called.

    `role`: of the engine that does it with pictures; `else_by`: what does it with other files, as people call that.
    """

    name: str
    title: str
    done: str
    icon: str
    about: str
    kinds: tuple[str, ...]
    use: Callable[[Task], Path]
    parameters: tuple[Parameter, ...] = ()
    check: Callable[[Values, Probe], None] = field(default=lambda _values, _probe: None)
    role: str = ""
    else_by: str = ""

    def role_for(self, kind: str) -> str:
        """The role of the engine that does it with files of a kind; "" where it needs none."""
        return self.role if kind == "image" else ""


def for_kind(kind: str) -> list[Tool]:
    """The tools that take files of this kind."""
    return [tool for tool in TOOLS.values() if kind in tool.kinds]


def defaults(tool: Tool, probe: Probe) -> Values:
    """What stands in a tool's form before anybody touches it."""
    return {each.name: _number(each.default, probe) for each in tool.parameters}


def bounds(parameter: Parameter, probe: Probe) -> tuple[float, float]:
    """The least and the largest value of a number, for this file."""
    low, high = _number(parameter.low, probe), _number(parameter.high, probe)
    return low, high


def checked(name: str, probe: Probe, said: Mapping[str, Any], engine: Engine | None = None) -> Values:
    """What a person said, as the tool takes it: every parameter, nothing else. Raises EngineError with what to do.

    `engine`: the one that will do it, where it isn't its role's default.
    """
    tool = TOOLS.get(name)
    if tool is None:
        raise _refused("There is no such tool.", "Choose one of the list.")
    if probe.kind not in tool.kinds:
        raise _refused(f"“{tool.title}” doesn't take {_PLURALS[probe.kind]}.", "Choose another tool.")
    if probe.kind == "image" and probe.frames > 1:
        raise _refused("This picture moves, and a tool would keep its first frame only.", "Bring it in as a video.")
    values = {each.name: _value(each, probe, said.get(each.name)) for each in tool.parameters}
    tool.check(values, probe)
    role = tool.role_for(probe.kind)
    doer: Any = engine or (engines[role] if role else None)
    if role == "segmenter" and not (doer.finds_alone or _hinted(values, probe)):
        raise nothing_said()
    return values


def use(
    name: str, source: Path, folder: Path, probe: Probe, values: Values, *, others: Mapping[str, Path] | None = None,
    engine: Engine | None = None, progress: Progress = no_progress,
) -> Path:  # fmt: skip
    """Use a tool on `source` and return the file that it made in `folder`.

    `values` are those that `checked` gave; `others` the files of its pictures by the parameter's name; `engine` is as
    there. Raises EngineError; what `progress` raises stops it.
    """
    progress(0.0)
    role = TOOLS[name].role_for(probe.kind)
    engine = engine or (engines[role] if role else None)
    made = TOOLS[name].use(Task(source, probe, values, others or {}, folder, progress, engine))
    progress(1.0)
    return made


_PLURALS = {"image": "pictures", "video": "videos", "audio": "sounds"}


def _refused(message: str, next_step: str) -> EngineError:
    return EngineError(message, next_step=next_step, permanent=True)


def json_of(strokes: Any) -> str:
    """Strokes as a form holds them."""
    return json.dumps(strokes, separators=(",", ":"))


def _number(bound: Any, probe: Probe) -> Any:
    return getattr(probe, bound) if bound in ("width", "height", "seconds") else bound


def _value(parameter: Parameter, probe: Probe, said: Any) -> Any:
    """One parameter, checked; what wasn't said is as it is by default."""
    if said is None or (said == "" and parameter.kind != "text"):
        said = _number(parameter.default, probe)
    if parameter.kind == "number":
        return _checked_number(parameter, probe, said)
    if parameter.kind == "strokes":
        return _strokes(parameter, probe, said)
    if not isinstance(said, str):
        raise _refused(f"{parameter.title} makes no sense.", "Reload the page.")
    if parameter.kind == "choice" and said not in dict(parameter.choices):
        raise _refused(f"{parameter.title} is none of the choices.", "Choose one of the list.")
    if parameter.kind == "colour" and not re.fullmatch(r"#[0-9a-fA-F]{6}", said):
        raise _refused(f"{parameter.title} is no colour.", "Write it like #1c6b66.")
    if parameter.kind == "text":
        said = " ".join("".join(mark for mark in said if mark.isprintable()).split())
        if len(said) > MAX_WORDS:
            raise _refused(f"{parameter.title} has more than {MAX_WORDS} characters.", "Use fewer words.")
    return said


def _checked_number(parameter: Parameter, probe: Probe, said: Any) -> float:
    low, high = bounds(parameter, probe)
    try:
        number = float(said)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    # The end of a recording, as a page rounds it.
    if math.isfinite(number) and high < number <= high + 0.01:
        number = high
    if not low <= number <= high:
        raise _refused(f"{parameter.title} goes from {low:g} to {high:g}.", "Write a number between the two.")
    return round(number) if parameter.step == 1 else round(number, 3)


def _strokes(parameter: Parameter, probe: Probe, said: Any) -> list[dict[str, Any]]:
    """Strokes as matting.foreground takes them, in whole pixels of the picture."""
    try:
        given = json.loads(said) if isinstance(said, str) else said
        strokes: list[dict[str, Any]] = [
            {
                "keep": bool(each["keep"]),
                "size": round(min(max(float(each["size"]), 1.0), 0.5 * max(probe.width, probe.height))),
                "points": [[round(float(x)), round(float(y))] for x, y in each["points"]],
            }
            for each in given or ()
        ]
    except (TypeError, ValueError, KeyError, OverflowError, RecursionError):
        raise _refused(f"{parameter.title} makes no sense.", "Reload the page and draw again.") from None
    points = [point for stroke in strokes for point in stroke["points"]]
    if len(strokes) > MAX_STROKES or len(points) > MAX_POINTS:
        raise _refused("That is too much brushing.", "Start again with a thicker brush.")
    if any(not (-probe.width <= x <= 2 * probe.width and -probe.height <= y <= 2 * probe.height) for x, y in points):
        raise _refused(f"{parameter.title} is off the picture.", "Reload the page and draw again.")
    return [stroke for stroke in strokes if stroke["points"]]


# Reading and writing ---------------------------------------------------------------------------------------------


def _open(task: Task) -> Image.Image:
    return open_picture(task.source, name="The picture")


def _save(task: Task, image: Image.Image, *, lossless: bool = False) -> Path:
    """In the format that it came in: what has transparency, was a PNG or a GIF, or asks for it, as a PNG."""
    if image.mode == "RGBA" or lossless or task.probe.content_type in ("image/png", "image/gif"):
        target = task.folder / "made.png"
        image.save(target, "PNG", compress_level=4)
    elif task.probe.content_type == "image/jpeg":
        target = task.folder / "made.jpg"
        image.save(target, "JPEG", quality=93, subsampling=0, optimize=True)
    else:
        target = task.folder / "made.webp"
        image.save(target, "WEBP", quality=93, method=4)
    return target


def _film(
    task: Task, filters: Sequence[str], *, sound: str = "", seconds: float = 0.0, mark: Path | None = None,
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """The video through `filters`, tagged BT.709, with its sound (through `sound`, where given) at the same times.

    With `mark` the last filter takes it as its second input.
    """
    even = "crop=trunc(iw/2)*2:trunc(ih/2)*2"
    before, last = [f"scale={_TO_BT709}", "format=yuv420p", *filters[:-1]], filters[-1]
    inputs = untrusted(task.source)
    if mark:
        inputs += ["-i", str(mark)]
        graph = f"[0:v]{','.join(before)}[under];[1:v]scale={_TO_BT709},format=yuva420p[mark];[under][mark]{last}"
    else:
        graph = f"[0:v]{','.join([*before, last])}"
    graph += f",scale={_TO_BT709},format=yuv420p,{even},{_TAGGED}[v]"
    maps = ["-map", "[v]"]
    if task.probe.has_sound:
        graph += f";[0:a]{sound or 'anull'}[a]"
        maps += ["-map", "[a]", *_AAC]
    run_ffmpeg(
        [*inputs, "-filter_complex", graph, *maps, *_X264, *_BT709, *_MP4, task.film()],
        progress=progress or task.progress, seconds=seconds or task.probe.seconds, timeout=_patience(task.probe),
    )  # fmt: skip
    return task.film()


def _patience(probe: Probe) -> float:
    """Seconds that ffmpeg may take: thirty times the length, and for large frames more."""
    return max(900.0, 30 * probe.seconds * max(1.0, probe.width * probe.height / 1920 / 1080))


def _fps(probe: Probe) -> float:
    return min(max(probe.fps, 1.0), 120.0)


# Shape -----------------------------------------------------------------------------------------------------------


def _check_crop(values: Values, probe: Probe) -> None:
    if values["left"] + values["width"] > probe.width or values["top"] + values["height"] > probe.height:
        raise _refused(
            f"The box goes over the edge of {probe.width} × {probe.height} pixels.", "Move it, or make it smaller."
        )
    if (values["width"], values["height"]) == (probe.width, probe.height):
        raise _refused("Nothing would be cut off.", "Draw a box on the picture, or write its size.")


def _crop(task: Task) -> Path:
    left, top, wide, high = (int(task.values[name]) for name in ("left", "top", "width", "height"))
    if task.probe.kind == "image":
        return _save(task, _open(task).crop((left, top, left + wide, top + high)))
    return _film(task, [f"crop={wide // 2 * 2}:{high // 2 * 2}:{left}:{top}:exact=1"])


TURNS = {
    "0": (None, ""), "90": (Image.Transpose.ROTATE_270, "transpose=clock"),
    "180": (Image.Transpose.ROTATE_180, "hflip,vflip"), "270": (Image.Transpose.ROTATE_90, "transpose=cclock"),
}  # fmt: skip
MIRRORS = {
    "no": (None, ""), "across": (Image.Transpose.FLIP_LEFT_RIGHT, "hflip"),
    "down": (Image.Transpose.FLIP_TOP_BOTTOM, "vflip"),
}  # fmt: skip


def _check_rotate(values: Values, _probe: Probe) -> None:
    if values["turn"] == "0" and values["mirror"] == "no" and not values["straighten"]:
        raise _refused("Nothing would be turned.", "Choose a turn, a mirroring or an angle.")


def inscribed(width: int, height: int, degrees: float) -> tuple[int, int]:
    """The largest size of the same shape that fits, upright, into a picture turned by `degrees`."""
    sine, cosine = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    share = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    return max(1, int(width * share)), max(1, int(height * share))


def _rotate(task: Task) -> Path:
    """By quarters without loss of pixels; straightened clockwise, the empty corners cut off."""
    (turn, turning), (mirror, mirroring) = TURNS[task.values["turn"]], MIRRORS[task.values["mirror"]]
    angle = task.values["straighten"]
    if task.probe.kind == "image":
        image = _open(task)
        for step in (turn, mirror):
            image = image.transpose(step) if step is not None else image
        if angle:
            wide, high = inscribed(image.width, image.height, angle)
            left, top = (image.width - wide) // 2, (image.height - high) // 2
            image = image.rotate(-angle, Image.Resampling.BICUBIC).crop((left, top, left + wide, top + high))
        return _save(task, image)
    filters = [each for each in (turning, mirroring) if each]
    if angle:
        size = task.probe.width, task.probe.height
        wide, high = inscribed(*(size[::-1] if task.values["turn"] in ("90", "270") else size), angle)
        filters.append(f"rotate={math.radians(angle):.6f}:ow={wide // 2 * 2}:oh={high // 2 * 2}")
    return _film(task, filters)


def _check_upscale(values: Values, probe: Probe) -> None:
    most, pixels = MAX_PIXELS if probe.kind == "image" else MAX_FILM_PIXELS, probe.width * probe.height
    if pixels * values["factor"] ** 2 > most:
        raise _refused(
            f"That would be {pixels * values['factor'] ** 2 / 1e6:.1f} million pixels, the limit is {most / 1e6:.1f}.",
            f"At most {math.floor(math.sqrt(most / pixels) * 10) / 10:g} times goes." if pixels * 1.21 <= most
            else "It is large enough already.",
        )  # fmt: skip


def _upscale(task: Task) -> Path:
    """Videos by Lanczos resampling."""
    if task.probe.kind == "image":
        return _save(task, task.engine.upscale(_open(task), task.values["factor"], progress=task.progress))
    wide, high = (round(side * task.values["factor"]) for side in (task.probe.width, task.probe.height))
    return _film(task, [f"scale={wide // 2 * 2}:{high // 2 * 2}:flags=lanczos"])


# Time ------------------------------------------------------------------------------------------------------------


def _check_trim(values: Values, probe: Probe) -> None:
    if values["end"] - values["start"] < 0.1:
        raise _refused("Less than a tenth of a second would stay.", "Move the end further from the start.")
    if values["start"] == 0 and values["end"] >= probe.seconds:
        raise _refused("Nothing would be cut off.", "Move the start or the end.")


def _trim(task: Task) -> Path:
    """To the frame; the sound stays with its pictures."""
    start, end = task.values["start"], task.values["end"]
    if task.probe.kind == "video":
        fps = _fps(task.probe)
        start = round(start * fps) / fps
        end = max(round(end * fps) / fps, start + 1 / fps)
    suffix = ".mp4" if task.probe.kind == "video" else ".wav" if task.probe.content_type == "audio/wav" else ".m4a"
    target = task.folder / f"made{suffix}"
    cutting.cut(task.source, target, [(start, end)], task.probe, progress=task.progress)
    return target


def _check_mute(_values: Values, probe: Probe) -> None:
    if not probe.has_sound:
        raise _refused("It has no sound.", "There is nothing to mute.")


def _mute(task: Task) -> Path:
    """The pictures as they are, not encoded again, where MP4 or WebM can hold them."""
    codec = task.probe.codecs[0] if task.probe.codecs else ""
    suffix = ".webm" if task.probe.suffix == ".webm" else ".mp4"
    kept = suffix == ".webm" or codec in ("h264", "hevc", "av1", "vp9")
    target = task.folder / f"made{suffix}"
    run_ffmpeg(
        [*untrusted(task.source), "-map", "0:v:0", "-an", *(["-c:v", "copy"] if kept else _X264), *_MP4[:4],
         *(_MP4[4:] if suffix == ".mp4" else _MP4[6:]), target],
        progress=task.progress, seconds=task.probe.seconds, timeout=_patience(task.probe),
    )  # fmt: skip
    return target


def _check_speed(values: Values, probe: Probe) -> None:
    if values["factor"] == 1:
        raise _refused("That is its speed already.", "Choose another one.")
    if probe.seconds / values["factor"] > MAX_SECONDS:
        raise _refused("It would be longer than 4 hours.", "Trim it first, or slow it down less.")
    if probe.seconds / values["factor"] < 0.1:
        raise _refused("Less than a tenth of a second would stay.", "Choose a lower speed.")


def _speed(task: Task) -> Path:
    """Voices keep their pitch. The frame rate stays.

    By Rubber Band, which keeps the length: two of ffmpeg's own atempo lose 0.2 s of 16 at a quarter of the speed.
    """
    factor = task.values["factor"]
    stretch = f"aresample=async=1:first_pts=0,rubberband=tempo={factor:g}:transients=smooth"
    seconds = task.probe.seconds / factor
    if task.probe.kind == "video":
        fps = f"{_fps(task.probe):.6f}"
        filters = [f"fps={fps}:start_time=0", f"setpts=PTS/{factor:g}", f"fps={fps}"]
        return _film(task, filters, sound=stretch, seconds=seconds)
    wav = task.probe.content_type == "audio/wav"
    target = task.folder / ("made.wav" if wav else "made.m4a")
    run_ffmpeg(
        [*untrusted(task.source), "-filter_complex", f"[0:a]{stretch}[a]", "-map", "[a]", "-map_metadata", "-1",
         *(["-c:a", "pcm_s16le"] if wav else _AAC), target],
        progress=task.progress, seconds=seconds, timeout=_patience(task.probe),
    )  # fmt: skip
    return target


# Looks -----------------------------------------------------------------------------------------------------------


def _stabilise(task: Task) -> Path:
    """Follow the camera first, then take its tremble out and zoom in by what that leaves empty (vid.stab)."""
    moves = task.folder / "moves.trf"
    run_ffmpeg(
        [*untrusted(task.source), "-vf", f"format=yuv420p,vidstabdetect=shakiness=6:accuracy=15:result={quoted(moves)}",
         "-an", "-f", "null", "-"],
        progress=lambda share: task.progress(share / 2), seconds=task.probe.seconds, timeout=_patience(task.probe),
    )  # fmt: skip
    smoothing = max(1, round(task.values["calm"] * _fps(task.probe)))
    return _film(
        task, [f"vidstabtransform=input={quoted(moves)}:smoothing={smoothing}:optzoom=1:interpol=bicubic"],
        progress=lambda share: task.progress(0.5 + share / 2),
    )  # fmt: skip


def _denoise(task: Task) -> Path:
    """Videos by hqdn3d, which looks at the frames before as well."""
    strength = task.values["strength"]
    if task.probe.kind == "video":
        return _film(task, [f"hqdn3d={strength:g}"])
    return _save(task, task.engine.denoise(_open(task), strength, progress=task.progress))


def _check_background(values: Values, probe: Probe) -> None:
    wide, high = values["width"], values["height"]
    if values["left"] + wide > probe.width or values["top"] + high > probe.height:
        raise _refused(f"The box goes over the edge of {probe.width} × {probe.height} pixels.", "Make it smaller.")


def _hinted(values: Values, probe: Probe) -> bool:
    """Whether a box or a stroke says what is in front."""
    boxed = (values["width"], values["height"]) != (probe.width, probe.height)
    return boxed or any(stroke["keep"] for stroke in values["strokes"])


def _background(task: Task) -> Path:
    image, values = _open(task), task.values
    left, top, wide, high = (values[name] for name in ("left", "top", "width", "height"))
    boxed = (wide, high) != image.size
    alpha = task.engine.foreground(
        image, box=(left, top, left + wide, top + high) if boxed else None, strokes=values["strokes"],
        progress=lambda share: task.progress(0.8 * share),
    )  # fmt: skip
    return _save(task, _on_background(image, alpha, values))


def _on_background(image: Image.Image, alpha: Image.Image, values: Values) -> Image.Image:
    if values["do"] == "remove":
        own = image.getchannel("A") if image.mode == "RGBA" else None
        image = image.convert("RGB")
        image.putalpha(ImageChops.multiply(alpha, own) if own else alpha)
        return image
    behind = image.convert("RGBA")
    if values["do"] == "colour":
        behind = Image.new("RGBA", image.size, values["colour"])
    else:
        # Blurred without what is in front, which would else glow into it.
        behind.putalpha(ImageChops.multiply(behind.getchannel("A"), ImageChops.invert(alpha)))
        radius = values["blur"] / 100 * max(image.size)
        behind = behind.convert("RGBa").filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        behind.putalpha(image.getchannel("A") if image.mode == "RGBA" else 255)
    return Image.composite(image.convert("RGBA"), behind, alpha).convert(
        "RGBA" if image.mode == "RGBA" and values["do"] == "blur" else "RGB"
    )


def _check_other(values: Values, _probe: Probe) -> None:
    if not values["like"]:
        raise _refused("No picture says what the colours should be like.", "Choose a picture of the library.")


LUT = 33
"""Steps of a colour table along each axis."""


def _match(task: Task) -> Path:
    """The colours of another picture, in Oklab (_table)."""
    other = open_picture(task.others["like"], max_side=256, name="The other picture")
    seconds = [task.probe.seconds * (number + 0.5) / 8 for number in range(8)]
    shown = (
        frames_at(task.source, seconds, max_side=128, name="The video")
        if task.probe.kind == "video"
        else [open_picture(task.source, max_side=256, name="The picture")]
    )
    own = np.concatenate([_colours(each) for each in shown])
    table = _table(own, _colours(other), task.values["strength"] / 100)
    if task.probe.kind == "image":
        image = _open(task)
        return _save(task, image.filter(ImageFilter.Color3DLUT(LUT, table.ravel().tolist(), target_mode=image.mode)))
    cube = task.folder / "colours.cube"
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in table)
    cube.write_text(f"LUT_3D_SIZE {LUT}\n{rows}\n")
    return _film(task, ["format=gbrp", f"lut3d={quoted(cube)}"])


def _colours(image: Image.Image) -> NDArray[np.float64]:
    """(n, 3) Oklab of the pixels that can be seen."""
    pixels = np.asarray(image.convert("RGBA")).reshape(-1, 4)
    seen = pixels[pixels[:, 3] >= 128]
    if not len(seen):
        raise _refused("One of the pictures is all transparent.", "Choose another one.")
    return pictures.oklab(seen[:, :3])


def _table(own: NDArray[np.float64], wanted: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """(LUT^3, 3) sRGB between 0 and 1, red changing fastest: the mean and spread of each channel of `own` become
    those of `wanted`, by `strength` between 0 and 1.

    Reinhard, Ashikhmin, Gooch, Shirley, "Color transfer between images", 2001, in Oklab; a spread grows or shrinks
    threefold at most, since a nearly plain picture would become noise.
    """
    steps = np.round(np.linspace(0, 255, LUT)).astype(np.uint8)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    grid = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    lab = pictures.oklab(grid)
    ratio = np.clip((wanted.std(axis=0) + 1e-4) / (own.std(axis=0) + 1e-4), 1 / 3, 3)
    moved = (lab - own.mean(axis=0)) * ratio + wanted.mean(axis=0)
    return pictures.from_oklab(lab + strength * (moved - lab))


CORNERS = {
    "bottom right": (1.0, 1.0), "bottom left": (0.0, 1.0), "top right": (1.0, 0.0), "top left": (0.0, 0.0),
    "middle": (0.5, 0.5),
}  # fmt: skip


def _check_watermark(values: Values, _probe: Probe) -> None:
    if not values["words"] and not values["logo"]:
        raise _refused("There is neither a logo nor words.", "Choose a picture, or write who made it.")


def _watermark(task: Task) -> Path:
    mark = _mark(task)
    across, down = CORNERS[task.values["corner"]]
    gap = round(0.03 * min(task.probe.width, task.probe.height))
    x = round(gap + across * (task.probe.width - mark.width - 2 * gap))
    y = round(gap + down * (task.probe.height - mark.height - 2 * gap))
    if task.probe.kind == "image":
        image = _open(task)
        marked = image.convert("RGBA")
        marked.alpha_composite(mark, (max(0, x), max(0, y)))
        return _save(task, marked if image.mode == "RGBA" else marked.convert("RGB"))
    file = task.folder / "mark.png"
    mark.save(file, "PNG")
    return _film(task, [f"overlay={x}:{y}"], mark=file)


def _mark(task: Task) -> Image.Image:
    """The logo, else the words in white with a soft shadow: as wide as asked for, never higher than a third."""
    wide = max(8, round(task.values["size"] / 100 * task.probe.width))
    high = max(8, task.probe.height // 3)
    if "logo" in task.others:
        logo = open_picture(task.others["logo"], name="The logo").convert("RGBA")
        share = min(wide / logo.width, high / logo.height)
        mark = logo.resize((max(1, round(logo.width * share)), max(1, round(logo.height * share))), _LANCZOS)
    else:
        face, words = lettering.Face(), task.values["words"]
        size = min(wide / max(face.width(words, 100), 1) * 100, high / 1.4)
        soft = max(1, round(size / 12))
        mark = Image.new("RGBA", (math.ceil(face.width(words, size)) + 4 * soft, math.ceil(1.3 * size) + 2 * soft))
        setting = lettering.Setting((words,), size, size, face)
        box = (2 * soft, soft, mark.width - 2 * soft, mark.height)
        lettering.draw(mark, setting, box, "#000000")
        mark = mark.filter(ImageFilter.GaussianBlur(soft))
        lettering.draw(mark, setting, box, "#ffffff")
    mark.putalpha(mark.getchannel("A").point([round(n * task.values["opacity"] / 100) for n in range(256)]))
    # Where it is as large as the picture, it may be no larger.
    return mark.crop((0, 0, min(mark.width, task.probe.width), min(mark.height, task.probe.height)))


_LANCZOS = Image.Resampling.LANCZOS

# The table -------------------------------------------------------------------------------------------------------

_BOX = (
    Parameter("left", "Left", default=0, high="width"),
    Parameter("top", "Top", default=0, high="height"),
    Parameter("width", "Width", default="width", low=SMALLEST, high="width"),
    Parameter("height", "Height", default="height", low=SMALLEST, high="height"),
)
_SEEN = ("image", "video")

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("crop", "Crop", "cropped", "crop", "Keep what is inside the box.", _SEEN, _crop, _BOX, _check_crop),
        Tool(
            "rotate", "Rotate", "rotated", "rotate-cw", "Turn by quarters, mirror, or straighten the horizon.", _SEEN,
            _rotate,
            (
                Parameter("turn", "Turn", "choice", "0", choices=(
                    ("0", "No turn"), ("90", "To the right"), ("180", "Upside down"), ("270", "To the left"))),
                Parameter("mirror", "Mirror", "choice", "no", choices=(
                    ("no", "Not mirrored"), ("across", "Left and right"), ("down", "Top and bottom"))),
                Parameter("straighten", "Straighten, degrees to the right", default=0.0, low=-15.0, high=15.0,
                          step=0.1),
            ),
            _check_rotate,
        ),
        Tool(
            "trim", "Trim", "trimmed", "scissors", "Keep what is between two moments, to the frame.",
            ("video", "audio"), _trim,
            (
                Parameter("start", "From, in seconds", default=0.0, high="seconds", step=0.01),
                Parameter("end", "To", default="seconds", high="seconds", step=0.01),
            ),
            _check_trim,
        ),
        Tool("mute", "Mute", "muted", "volume-x", "Take the sound out. The pictures aren't encoded again.",
             ("video",), _mute, (), _check_mute),
        Tool(
            "speed", "Speed", "other speed", "gauge", "Faster or slower. Voices keep their pitch.",
            ("video", "audio"), _speed,
            (Parameter("factor", "Times as fast", default=1.5, low=0.25, high=4.0, step=0.05),), _check_speed,
        ),
        Tool(
            "stabilise", "Stabilise", "stabilised", "move-3d", "Take the tremble of a hand out; zooms in a little.",
            ("video",), _stabilise,
            (Parameter("calm", "Seconds to calm over", default=0.5, low=0.1, high=2.0, step=0.1),),
        ),
        Tool(
            "denoise", "Denoise", "denoised", "sparkles", "Less grain. Much of it also takes fine detail.", _SEEN,
            _denoise, (Parameter("strength", "Strength", default=4.0, low=1.0, high=15.0, step=0.5),),
            role="denoiser", else_by="hqdn3d",
        ),
        Tool(
            "upscale", "Upscale", "upscaled", "maximize",
            "More pixels. Lanczos resampling invents no detail; a model that was plugged in does.", _SEEN, _upscale,
            (Parameter("factor", "Times as large", default=2.0, low=1.1, high=4.0, step=0.1),), _check_upscale,
            role="upscaler", else_by="Lanczos",
        ),
        Tool(
            "background", "Background", "background", "user-round",
            "Draw a box around what is in front, or brush over it: its edge is found for you.", ("image",), _background,
            (
                Parameter("do", "Do what", "choice", "blur", choices=(
                    ("blur", "Blur the background"), ("remove", "Make it transparent"), ("colour", "Fill it"))),
                Parameter("blur", "Blur, per cent of the longer side", default=2.0, low=0.2, high=10.0, step=0.1),
                Parameter("colour", "Fill with", "colour", "#ffffff"),
                *_BOX,
                Parameter("strokes", "Brush", "strokes", "[]"),
            ),
            _check_background, role="segmenter",
        ),
        Tool(
            "match_colours", "Match colours", "colours matched", "palette",
            "Take the light and colours of another picture.", _SEEN, _match,
            (
                Parameter("like", "Like this picture", "picture", ""),
                Parameter("strength", "Strength, per cent", default=80.0, low=5.0, high=100.0, step=5.0),
            ),
            _check_other,
        ),
        Tool(
            "watermark", "Watermark", "watermarked", "stamp", "A logo or words in a corner.", _SEEN, _watermark,
            (
                Parameter("words", "Words", "text", ""),
                Parameter("logo", "Or a picture as the logo", "picture", ""),
                Parameter("corner", "Where", "choice", "bottom right", choices=tuple(
                    (each, each.capitalize()) for each in CORNERS)),
                Parameter("size", "Width, per cent of the picture", default=20.0, low=2.0, high=100.0),
                Parameter("opacity", "Opacity, per cent", default=70.0, low=5.0, high=100.0, step=5.0),
            ),
            _check_watermark,
        ),
    )
}  # fmt: skip
