"""Small timelines with pictures and tones, made on the spot."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from media_processing.engines.base import Word
from media_processing.timeline import Timeline, TimelineScene, Visual


def tone(path: Path, seconds: float, *, rate: int = 22050, level: float = 0.3) -> Path:
    """A WAV file with a 440 Hz tone."""
    count = round(seconds * rate)
    samples = (round(32767 * level * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


def painting(path: Path, colour: str = "#B03020", size: tuple[int, int] = (640, 480)) -> Path:
    """A picture in one colour with a white disc in its middle."""
    image = Image.new("RGB", size, colour)
    radius = min(size) // 8
    x, y = size[0] // 2, size[1] // 2
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill="white")
    image.save(path)
    return path


def words(text: str, seconds: float) -> tuple[Word, ...]:
    """The words of a text, evenly spoken over some seconds."""
    parts = text.split()
    step = seconds / len(parts)
    return tuple(Word(part, n * step, (n + 0.9) * step) for n, part in enumerate(parts))


def scene(
    folder: Path, name: str, text: str, *, seconds: float = 1.0, colour: str = "#B03020", **more: Any
) -> TimelineScene:
    """A scene with a picture, a tone for a narration, and word times."""
    visual = more.pop("visual", None) or Visual(
        painting(folder / f"{name}.png", colour), motion=more.pop("motion", "push")
    )
    spoken = more.pop("words", words(text, seconds))
    return TimelineScene(
        id=name, visual=visual, narration=tone(folder / f"{name}.wav", seconds), narration_seconds=seconds,
        narration_text=text, words=spoken, **more,
    )  # fmt: skip


def film(folder: Path, *, width: int = 270, height: int = 480, **more: Any) -> Timeline:
    """Two short scenes."""
    scenes = more.pop("scenes", None) or (
        scene(folder, "one", "The ferry left at dawn.", colour="#B03020"),
        scene(folder, "two", "Nobody missed the noise.", seconds=1.2, colour="#1F5FD6", on_screen="A quiet harbour"),
    )
    return Timeline(width, height, scenes, **more)
