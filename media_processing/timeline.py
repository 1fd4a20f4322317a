"""What a renderer needs to know of a video: plain, frozen data that converts to and from JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from media_processing.engine import EngineError
from media_processing.engines.base import Passage, Word

Kind = Literal["image", "video"]
Motion = Literal["push", "pull", "pan-left", "pan-right", "pan-up", "pan-down", "none"]
Transition = Literal["cut", "fade", "cross-fade", "slide", "wipe", "zoom"]
"""How a scene begins. A "fade" dips through black; the others after it show two scenes at once for a moment."""
CaptionMotion = Literal["line", "word", "karaoke", "pop"]
"""How captions move: not at all; the spoken word in colour; words fill as they are spoken; one or two words, large."""
Place = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

OVERLAPPING: frozenset[Transition] = frozenset(("cross-fade", "slide", "wipe", "zoom"))
"""The transitions that show two scenes at once."""
LONGEST_TRANSITION = 2.0
"""Seconds."""

_ROUNDING = 1e-6

FORMATS: Mapping[str, tuple[int, int]] = {
    "video:9x16": (1080, 1920),
    "video:1x1": (1080, 1080),
    "video:16x9": (1920, 1080),
    "card:9x16": (1080, 1920),
    "card:1x1": (1080, 1080),
    "card:4x5": (1080, 1350),
    "card:16x9": (1920, 1080),
    "card:1.91x1": (1200, 628),
}
"""Width and height in pixels of every format that a story can be made in."""


@dataclass(frozen=True)
class Format:
    """A kind of thing ("video" or "card") in one shape, with its size in pixels."""

    kind: str
    shape: str
    width: int
    height: int

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.shape}"


def parse_format(name: str) -> Format:
    """`"video:9x16"` as a Format. Raises EngineError naming the formats that there are."""
    key = name.strip().lower()
    if key not in FORMATS:
        raise EngineError(
            f"There is no format {name!r}.", next_step=f"Choose from {', '.join(FORMATS)}.", permanent=True
        )
    kind, shape = key.split(":")
    return Format(kind, shape, *FORMATS[key])


def parse_formats(names: str) -> tuple[Format, ...]:
    """A comma-separated list of formats, in order, each once."""
    found = dict.fromkeys(part.strip().lower() for part in names.split(",") if part.strip())
    if not found:
        raise EngineError("Name at least one format.", next_step=f"Choose from {', '.join(FORMATS)}.", permanent=True)
    return tuple(parse_format(name) for name in found)


@dataclass(frozen=True)
class CaptionStyle:
    """How captions look. Sizes are shares of the frame, so that one style serves every shape.

    What apps cover stands above it: see safe_areas.py.
    """

    motion: CaptionMotion = "word"
    box: str = "#141311"
    text: str = "#FFFFFF"
    active: str = "#F3B763"
    size: float = 0.052
    """Em size as a share of the frame's short side."""
    bottom: float = 0.12
    """The share of the height that is kept free below the captions."""
    width: float = 0.88
    """The share of the width, in the middle, that captions stay inside."""
    max_lines: int = 2
    max_characters: int = 32

    def __post_init__(self) -> None:
        if self.motion not in get_args(CaptionMotion):
            raise ValueError(f"Captions can't move like {self.motion!r}.")


@dataclass(frozen=True)
class Look:
    """A brand's look: caption style, font families ("sans", "serif") and colours."""

    captions: CaptionStyle = field(default_factory=CaptionStyle)
    headline_family: str = "serif"
    text_family: str = "sans"
    ground: str = "#141311"
    ink: str = "#FFFFFF"
    accent: str = "#F3B763"
    paper: str = "#FAF8F4"
    paper_ink: str = "#1C1A17"
    paper_accent: str = "#0B6B66"


@dataclass(frozen=True)
class Crop:
    """What a frame shows of its source at one moment; between two of them the box moves evenly.

    The box is in shares of the source's width and height. Where its shape isn't the frame's, the part around its
    middle that has the frame's shape is shown.
    """

    second: float
    """Seconds since the visual's in point."""
    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        inside = self.x >= -_ROUNDING and self.y >= -_ROUNDING and min(self.width, self.height) > 0
        if not (inside and self.x + self.width <= 1 + _ROUNDING and self.y + self.height <= 1 + _ROUNDING):
            raise ValueError(f"A crop has to lie inside its picture: {self.x}, {self.y}, {self.width}, {self.height}.")
        if self.second < 0:
            raise ValueError("A crop can't begin before its visual.")

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x, y, width and height."""
        return self.x, self.y, self.width, self.height


@dataclass(frozen=True)
class Visual:
    """What is seen: a picture or a stretch of a video. Raises ValueError for what can't be shown."""

    path: Path
    kind: Kind = "image"
    start: float = 0.0
    """Seconds into the video where the stretch begins."""
    end: float | None = None
    """Seconds into the video where it ends; None is the end of the file."""
    focus: tuple[float, float] = (0.5, 0.5)
    """The point that a crop keeps nearest to its middle, as shares of width and height."""
    motion: Motion = "push"
    """How the view moves over a still; a clip doesn't move, and neither does what has crops of its own."""
    crops: tuple[Crop, ...] = ()
    """The crop box over time, in order; it stands above focus and motion."""
    volume: float = 0.0
    """Gain of a clip's own sound, 0 (not heard) to 1."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.motion not in get_args(Motion):
            raise ValueError(f"A visual can't be {self.kind!r} with motion {self.motion!r}.")
        if not all(0 <= share <= 1 for share in (*self.focus, self.volume)):
            raise ValueError("The focus and the volume of a visual are between 0 and 1.")
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise ValueError(f"A visual can't go from {self.start} s to {self.end} s.")
        if any(later.second <= earlier.second for earlier, later in pairwise(self.crops)):
            raise ValueError("The crops of a visual have to follow one another in time.")


@dataclass(frozen=True)
class TimelineScene:
    """One scene: what is seen, said and written. Times in seconds; word times count from the start of the narration."""

    id: str
    visual: Visual
    narration: Path | None = None
    """A WAV file."""
    narration_seconds: float = 0.0
    narration_text: str = ""
    words: tuple[Word, ...] = ()
    """Times of each word of the narration; empty where they aren't known."""
    sentences: tuple[Passage, ...] = ()
    """Exact bounds of each spoken sentence, used where words are empty."""
    on_screen: str = ""
    lead: float = 0.15
    tail: float = 0.35
    hold: float = 3.0
    """How long a scene without narration stays."""
    transition: Transition = "cut"
    transition_seconds: float = 0.5
    """The most that the transition takes; it never reaches into what is spoken (see Timeline.overlaps)."""
    branded: bool = True
    """Whether the overlays stand on it; an intro or an outro goes without."""
    effect: str = ""
    """Name of an installed effect that draws the scene; empty for none."""

    def __post_init__(self) -> None:
        if self.transition not in get_args(Transition):
            raise ValueError(f"There is no transition {self.transition!r}.")
        if not 0 <= self.transition_seconds <= LONGEST_TRANSITION:
            raise ValueError(f"A transition takes between 0 and {LONGEST_TRANSITION:g} s.")
        if min(self.lead, self.tail, self.narration_seconds) < 0 or self.hold <= 0:
            raise ValueError("A scene can't have a length below zero.")

    @property
    def seconds(self) -> float:
        """Length before it is rounded to whole frames."""
        return self.lead + self.narration_seconds + self.tail if self.narration else self.hold

    def frames(self, fps: int) -> int:
        """Length in whole frames, at least one."""
        return max(1, round(self.seconds * fps))


@dataclass(frozen=True)
class Overlay:
    """A picture that stands over the whole video: a brand's logo."""

    path: Path
    place: Place = "top-right"
    opacity: float = 0.9
    size: float = 0.12
    """Its longer side as a share of the frame's short side."""

    def __post_init__(self) -> None:
        if self.place not in get_args(Place):
            raise ValueError(f"There is no place {self.place!r}.")
        if not (0 < self.opacity <= 1 and 0 < self.size <= 0.5):
            raise ValueError("An overlay's opacity is between 0 and 1, its size at most 0.5.")


@dataclass(frozen=True)
class Overlap:
    """How many frames a transition takes before and after the moment where its scene begins."""

    before: int = 0
    after: int = 0

    @property
    def frames(self) -> int:
        return self.before + self.after


@dataclass(frozen=True)
class Timeline:
    """A whole video."""

    width: int
    height: int
    scenes: tuple[TimelineScene, ...]
    fps: int = 30
    language: str = "en"
    look: Look = field(default_factory=Look)
    music: Path | None = None
    music_volume: float = 0.3
    """Gain of the music before it is ducked under the voice, 0 to 1."""
    overlays: tuple[Overlay, ...] = ()

    def __post_init__(self) -> None:
        if self.width % 2 or self.height % 2 or self.width < 16 or self.height < 16:
            raise ValueError(f"A video's sides must be even and at least 16, not {self.width}x{self.height}.")
        ids = [scene.id for scene in self.scenes]
        if len(set(ids)) != len(ids):
            raise ValueError("Two scenes have the same id.")

    @property
    def frames(self) -> int:
        return sum(scene.frames(self.fps) for scene in self.scenes)

    @property
    def seconds(self) -> float:
        return self.frames / self.fps

    def starts(self) -> tuple[float, ...]:
        """Where each scene begins, in seconds, on a whole frame."""
        begun, starts = 0, []
        for scene in self.scenes:
            starts.append(begun / self.fps)
            begun += scene.frames(self.fps)
        return tuple(starts)

    def overlaps(self) -> tuple[Overlap, ...]:
        """The frames that each scene's transition takes around its start.

        A transition adds no time and moves nothing: both scenes are shown longer than their own length instead. It
        stays inside the tail of the scene before and the lead of its own, half a scene where nothing is spoken, and
        lies evenly around the start where there is room. Scenes that only overlap in name have (0, 0).
        """
        overlaps = [Overlap()]
        for earlier, scene in pairwise(self.scenes):
            wanted = round(scene.transition_seconds * self.fps) if scene.transition in OVERLAPPING else 0
            tail = self._room(earlier, earlier.tail)
            lead = self._room(scene, scene.lead)
            before = min(tail, max(wanted // 2, wanted - lead))
            overlaps.append(Overlap(before, min(lead, wanted - before)))
        return tuple(overlaps[: len(self.scenes)])

    def _room(self, scene: TimelineScene, silence: float) -> int:
        """Whole frames at one end of a scene that a transition may take; one frame in its middle is always left."""
        frames = int(silence * self.fps + _ROUNDING) if scene.narration else scene.frames(self.fps)
        return min(frames, (scene.frames(self.fps) - 1) // 2)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data; `from_dict` reads it back to an equal timeline."""
        plain = json.loads(json.dumps(dataclasses.asdict(self), default=str))
        return {"version": 1, **plain}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Timeline:
        """Raises ValueError for data that is no timeline of this version."""
        if data.get("version") != 1:
            raise ValueError(f"This is no timeline of version 1: {data.get('version')!r}.")
        try:
            values = {key: value for key, value in data.items() if key != "version"}
            look = dict(values.pop("look"))
            captions = CaptionStyle(**look.pop("captions"))
            music = values.pop("music")
            overlays = tuple(
                Overlay(path=Path(each["path"]), **{key: each[key] for key in each if key != "path"})
                for each in values.pop("overlays", ())
            )
            scenes = tuple(_scene(scene) for scene in values.pop("scenes"))
            return cls(
                **values, scenes=scenes, look=Look(captions=captions, **look), overlays=overlays,
                music=Path(music) if music else None,
            )  # fmt: skip
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"This is no timeline: {error}.") from error

    def digest(self) -> str:
        """SHA-256 of the plain data. The contents of the files are not in it: a renderer hashes what it reads."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


def _scene(data: Mapping[str, Any]) -> TimelineScene:
    values = dict(data)
    visual = dict(values.pop("visual"))
    narration = values.pop("narration")
    return TimelineScene(
        visual=Visual(
            path=Path(visual.pop("path")), focus=(visual["focus"][0], visual.pop("focus")[1]),
            crops=tuple(Crop(**crop) for crop in visual.pop("crops", ())), **visual,
        ),
        narration=Path(narration) if narration else None,
        words=tuple(Word(**word) for word in values.pop("words")),
        sentences=tuple(_passage(passage) for passage in values.pop("sentences")),
        **values,
    )  # fmt: skip


def _passage(data: Mapping[str, Any]) -> Passage:
    return Passage(data["text"], data["start"], data["end"], tuple(Word(**word) for word in data["words"]))
