"""What a painter promises: pictures from words, from other pictures, and in part anew."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from generation.engines.metering import Meter, Metered
from media_processing.decoding import Source, open_picture
from media_processing.engine import Engine, EngineError, Progress, no_progress

MAX_WORDS = 4_000
"""Characters of what a picture should show."""
MAX_VARIANTS = 8
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Picture:
    """A drawn picture or moving clip, as a file's bytes."""

    content: bytes
    kind: str
    """"image" or "video"."""
    suffix: str
    """".png" or ".mp4"."""
    width: int
    height: int
    alt: str
    tags: tuple[str, ...] = ()
    made_by: Mapping[str, Any] = field(default_factory=dict)
    """Includes the seed; the illustrator adds its scene description ("scene") and "knew": the words it could show."""


@dataclass(frozen=True)
class Sampling:
    """How a diffusion model draws. What is left empty is as the engine has it."""

    negative: str = ""
    """What the picture should not show."""
    steps: int | None = None
    """1 to 150: more take longer."""
    guidance: float | None = None
    """0 to 30: how closely the words are followed."""
    scheduler: str = ""
    """One of the engine's `schedulers`."""

    def chosen(self) -> frozenset[str]:
        """Names of the fields that aren't empty."""
        return frozenset(each.name for each in fields(self) if getattr(self, each.name) not in ("", None))


@dataclass(frozen=True)
class Wanted:
    """A picture that is asked for, checked."""

    words: str
    width: int
    height: int
    seed: int = 0
    style: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    progress: Progress = no_progress
    meter: Meter = field(default_factory=Meter)

    @property
    def said(self) -> str:
        """The words with the style in words."""
        return f"{self.words}, {self.style}" if self.style else self.words


class Painter(Metered, Engine, ABC):
    """Makes pictures from words.

    `progress` is told the done share of the work; what it raises ends the work at once and is passed on. `meter` counts
    what the call costs; without one nobody keeps count.
    """

    role = "painter"
    min_side: ClassVar[int] = 64
    max_side: ClassVar[int] = 4096
    can_move: ClassVar[bool] = False
    """Whether `animate` makes clips."""
    can_redraw: ClassVar[bool] = False
    """Whether `redraw` makes a picture out of another one."""
    heeds_strength: ClassVar[bool] = True
    """Whether `redraw` can be told how much may change."""
    can_fill: ClassVar[bool] = False
    """Whether `fill` draws a part of a picture anew."""
    repeats: ClassVar[bool] = True
    """Whether the same seed gives the same picture; if not, `made_by` holds no seed."""
    takes: ClassVar[frozenset[str]] = frozenset()
    """Which fields of Sampling it heeds; the others are refused."""
    styles: ClassVar[Mapping[str, str]] = {}
    """What `style` may be, with how people call it; empty where it has one style, or takes any words."""

    @property
    def schedulers(self) -> Mapping[str, str]:
        """What `Sampling.scheduler` may be, with how people call it."""
        return {}

    def draw(
        self,
        words: str,
        *,
        width: int,
        height: int,
        seed: int = 0,
        style: str = "",
        sampling: Sampling | None = None,
        progress: Progress = no_progress,
        meter: Meter | None = None,
    ) -> Picture:
        """Draw what `words` say, `width` x `height` pixels. The same seed gives the same picture where it `repeats`."""
        wanted = self._wanted(words, (width, height), seed, style, sampling, progress, meter)
        self.load()
        return self._draw(wanted)

    def variants(
        self,
        words: str,
        count: int,
        *,
        width: int,
        height: int,
        seed: int = 0,
        style: str = "",
        sampling: Sampling | None = None,
        progress: Progress = no_progress,
        meter: Meter | None = None,
    ) -> tuple[Picture, ...]:
        """Draw `count` pictures (1 to 8) of the same words with the seeds `seed`, `seed` + 1, ...

        Each is what `draw` makes of its seed alone, unless its `made_by` says "batch": pictures that were computed
        together may differ from it in the last bits.
        """
        if not 1 <= count <= MAX_VARIANTS:
            raise EngineError(f"Between 1 and {MAX_VARIANTS} variants are drawn at once.", permanent=True)
        wanted = self._wanted(words, (width, height), seed, style, sampling, progress, meter)
        self._check_seed(seed + count - 1)
        self.load()
        return self._variants(wanted, count)

    def redraw(
        self,
        picture: Source,
        words: str,
        *,
        strength: float = 0.6,
        seed: int = 0,
        style: str = "",
        sampling: Sampling | None = None,
        progress: Progress = no_progress,
        meter: Meter | None = None,
    ) -> Picture:
        """Draw `words` on the ground of another picture (a file, or its bytes), in its shape and size.

        `strength` says how much may change (near 0 little, 1 all) where the engine heeds it. A picture with a
        side beyond `max_side` comes back smaller. Raises EngineError where the engine can't (`can_redraw`), MediaError
        where the picture can't be read.
        """
        if not self.can_redraw:
            raise self._unable("make a picture out of another one")
        if not 0 < strength <= 1:
            raise EngineError("The strength lies between 0 and 1.", permanent=True)
        source, digest = _read(picture, self.max_side)
        wanted = self._wanted(words, source.size, seed, style, sampling, progress, meter)
        self.load()
        return _descended(self._redraw(wanted, source, strength), digest)

    def fill(
        self,
        picture: Source,
        mask: Source,
        words: str,
        *,
        seed: int = 0,
        style: str = "",
        sampling: Sampling | None = None,
        progress: Progress = no_progress,
        meter: Meter | None = None,
    ) -> Picture:
        """Draw the part of a picture anew that is white in `mask`; the rest stays as it is, pixel by pixel.

        The mask has the picture's shape and any size; what is black or transparent in it stays. Edges are blended
        inside of the white part. Raises EngineError where the engine can't (`can_fill`), or where the mask is empty or
        of another shape; MediaError where a file can't be read.
        """
        if not self.can_fill:
            raise self._unable("draw a part of a picture anew")
        source, digest = _read(picture)
        wanted = self._wanted(words, source.size, seed, style, sampling, progress, meter, most=max(source.size))
        marked = _mask(mask, source.size)
        self.load()
        return _descended(self._fill(wanted, source, marked), digest)

    def animate(
        self,
        words: str,
        *,
        width: int,
        height: int,
        seconds: float,
        seed: int = 0,
        style: str = "",
        progress: Progress = no_progress,
    ) -> Picture:
        """Draw a moving scene as a short silent clip. Raises EngineError where the engine only draws stills."""
        if not self.can_move:
            raise EngineError(f"{self.title} draws stills only.", permanent=True)
        wanted = self._wanted(words, (width, height), seed, style, None, progress, None)
        self.load()
        return self._animate(wanted, seconds)

    # What an engine writes -----------------------------------------------------------------------------------------

    @abstractmethod
    def _draw(self, wanted: Wanted) -> Picture: ...

    def _variants(self, wanted: Wanted, count: int) -> tuple[Picture, ...]:
        """One after the other; an engine that computes several at once does better."""
        drawn = []
        for number in range(count):

            def told(share: float, done: int = number) -> None:
                wanted.progress((done + share) / count)

            drawn.append(self._draw(replace(wanted, seed=wanted.seed + number, progress=told)))
        return tuple(drawn)

    def _redraw(self, wanted: Wanted, picture: Image.Image, strength: float) -> Picture:
        raise NotImplementedError

    def _fill(self, wanted: Wanted, picture: Image.Image, mask: Image.Image) -> Picture:
        """`mask` is of mode L and of the picture's size: 255 where it is drawn anew, 0 where it stays."""
        raise NotImplementedError

    def _animate(self, wanted: Wanted, seconds: float) -> Picture:
        raise NotImplementedError

    # Checks ---------------------------------------------------------------------------------------------------------

    def _wanted(
        self, words: str, size: tuple[int, int], seed: int, style: str, sampling: Sampling | None, progress: Progress,
        meter: Meter | None, *, most: int = 0,
    ) -> Wanted:  # fmt: skip
        words = words.strip()
        if not words:
            raise EngineError("Say what the picture should show.", permanent=True)
        if len(words) > MAX_WORDS:
            raise EngineError(f"At most {MAX_WORDS:,} characters can say what a picture shows.", permanent=True)
        if min(size) < self.min_side or max(size) > (most or self.max_side):
            raise EngineError(
                f"{self.title} draws between {self.min_side} and {self.max_side} pixels a side.", permanent=True
            )
        self._check_seed(seed)
        sampling = sampling or Sampling()
        self.check_sampling(sampling)
        return Wanted(words, *size, seed, style, sampling, progress, meter or Meter())

    def _check_seed(self, seed: int) -> None:
        if not 0 <= seed <= MAX_SEED:
            raise EngineError(f"A seed is a number from 0 to {MAX_SEED}.", permanent=True)

    def check_sampling(self, sampling: Sampling) -> None:
        """Raise EngineError for what the engine doesn't heed, or what makes no sense."""
        unheeded = sorted(sampling.chosen() - self.takes)
        if unheeded:
            raise EngineError(
                f"{self.title} takes no {' and no '.join(unheeded)}.",
                next_step="Leave it empty, or choose another painter.",
                permanent=True,
            )
        if sampling.steps is not None and not 1 <= sampling.steps <= 150:
            raise EngineError("Pictures are drawn in 1 to 150 steps.", permanent=True)
        if sampling.guidance is not None and not 0 <= sampling.guidance <= 30:
            raise EngineError("The guidance lies between 0 and 30.", permanent=True)
        if sampling.scheduler and sampling.scheduler not in self.schedulers:
            raise EngineError(
                f"There is no scheduler {sampling.scheduler!r}.", next_step=f"Use {', '.join(self.schedulers)}.",
                permanent=True,
            )  # fmt: skip

    def _unable(self, verb: str) -> EngineError:
        return EngineError(
            f"{self.title} can't {verb}.",
            next_step="Draw it anew with another seed or other words, or choose another painter.",
            permanent=True,
        )


def _read(picture: Source, max_side: int | None = None) -> tuple[Image.Image, str]:
    """A picture from outside in RGB, on white where it is transparent, and the sha256 of its file."""
    image = open_picture(picture, max_side=max_side, name="The picture")
    content = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB"), hashlib.sha256(content).hexdigest()


def _mask(mask: Source, size: tuple[int, int]) -> Image.Image:
    """A mask from outside as 0 and 255, in the picture's size. A light, opaque pixel means: anew."""
    image = open_picture(mask, name="The mask")
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    if abs(image.width * size[1] - image.height * size[0]) > 0.02 * image.width * size[1]:
        raise EngineError("The mask has another shape than the picture.", permanent=True)
    marked = image.convert("L").resize(size, Image.Resampling.BILINEAR)
    white = np.asarray(marked) >= 128
    if not white.any():
        raise EngineError("The mask marks nothing.", next_step="Paint over what should change.", permanent=True)
    return Image.fromarray(white.astype(np.uint8) * 255)


def _descended(picture: Picture, digest: str) -> Picture:
    """The same, with the picture that it came from: `parents` holds the sha256 of its file."""
    return replace(picture, made_by={**picture.made_by, "parents": [digest]})
