"""Media files that somebody damaged: made by a generator from a seed, decoded in a process whose death is counted."""

from __future__ import annotations

import json
import random
import selectors
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.media_processing.makers import clip, exif, picture, picture_bytes, tone
from tests.processes import ROOT

HANGS_AFTER = 150.0
"""Seconds for all calls on one file, on a machine with other work: the wrapper itself gives a child 120."""
STREAMS = 0.3
"""Share of videos and sounds: each costs several child processes."""


FILMS, SOUNDS = (".mp4", ".mov", ".webm", ".mkv"), (".wav", ".mp3", ".m4a", ".flac", ".ogg")


def seeds(
    folder: Path, films: Sequence[str] = FILMS, sounds: Sequence[str] = SOUNDS
) -> tuple[list[bytes], list[bytes]]:
    """Whole files: pictures of every accepted format, and videos and sounds by their suffixes."""
    frames = [picture(40 + step, 30) for step in (0, 0, 0)]
    pictures = [
        *(picture_bytes(picture(90, 70, noisy=noisy), form)
          for form in ("JPEG", "PNG", "WEBP", "AVIF", "GIF") for noisy in (False, True)),
        picture_bytes(picture(64, 48), "JPEG", exif=exif(6), progressive=True),
        picture_bytes(picture(64, 48).convert("P"), "PNG"), picture_bytes(picture(64, 48).convert("I;16"), "PNG"),
        picture_bytes(picture(64, 48).convert("CMYK"), "JPEG"), picture_bytes(picture(64, 48), "WEBP", lossless=True),
        *(picture_bytes(frames[0], form, save_all=True, append_images=frames[1:], duration=50)
          for form in ("GIF", "WEBP", "PNG", "AVIF")),
    ]  # fmt: skip
    made = [clip(folder / f"film{suffix}", extra="-movflags +faststart" * (suffix == ".mov")) for suffix in films]
    opus = "-c:a libopus -ar 48000"
    made += [tone(folder / f"tone{suffix}", extra=opus * (suffix == ".ogg")) for suffix in sounds]
    return pictures, [path.read_bytes() for path in made]


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 30)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _scribble(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at : at + chance.randint(1, 400)] = chance.randbytes(chance.randint(0, 400))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randint(1, len(data)) :]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at, length = chance.randrange(len(data)), chance.randint(1, 2000)
    data[at:at] = data[at : at + length] * chance.randint(1, 20)


def _extreme(data: bytearray, chance: random.Random) -> None:
    """A length, a size or an offset becomes absurd: most of them stand near the front."""
    for _ in range(chance.randint(1, 4)):
        at = min(len(data) - 1, int(chance.expovariate(1 / 60)))
        number = chance.choice((0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
        width = chance.choice((1, 2, 4, 8))
        data[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, chance.choice(("big", "little")))


def _header_only(data: bytearray, chance: random.Random) -> None:
    keep = min(len(data), chance.randint(12, 64))
    data[keep:] = chance.randbytes(chance.randint(0, 5000))


MUTATORS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _scribble, _cut, _repeat, _extreme, _extreme, _header_only,
)  # fmt: skip


def mutant(seed: int, number: int, whole: tuple[list[bytes], list[bytes]]) -> bytes:
    """The same file for the same seed and number."""
    chance = random.Random(f"{seed} {number}")
    data = bytearray(chance.choice(whole[chance.random() < STREAMS]))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if data:
            chance.choice(MUTATORS)(data, chance)
    return bytes(data)


@dataclass
class Found:
    """What became of the files."""

    files: int = 0
    deaths: list[int] = field(default_factory=list)
    hangs: list[int] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    """What was raised that is no MediaError."""
    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    grown: float = 0.0
    """Megabytes by which the process that decodes has grown since its tenth file."""


class _Host:
    """A process that decodes as the web server does, in itself what is a picture."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.host"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def ask(self, path: Path) -> dict[str, object] | None:
        """What it says of a file; None where it died. Raises TimeoutError."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(HANGS_AFTER):
                raise TimeoutError
        line = self.process.stdout.readline()
        answer: dict[str, object] | None = json.loads(line) if line else None
        return answer

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def run(count: int, seed: int, folder: Path, whole: tuple[list[bytes], list[bytes]] | None = None) -> Found:
    """Decode `count` mutants of whole files by every call of the wrapper."""
    whole = whole or seeds(folder)
    found, host, first = Found(), _Host(), 0.0
    target = folder / "mutant"
    try:
        for number in range(count):
            target.write_bytes(mutant(seed, number, whole))
            begun = time.monotonic()
            try:
                said = host.ask(target)
            except TimeoutError:
                found.hangs.append(number)
                said = {"end": "hang"}
                host.end()
                host = _Host()
            if said is None:
                found.deaths.append(number)
                host.end()
                host = _Host()
                said = {"end": "death"}
            found.files += 1
            found.slowest = max(found.slowest, time.monotonic() - begun)
            found.ends[str(said["end"])] += 1
            if "error" in said:
                found.errors[number] = str(said["error"])
            if "memory" in said:
                first = first or (float(str(said["memory"])) if number >= 10 else 0.0)
                found.grown = float(str(said["memory"])) - first if first else 0.0
    finally:
        host.end()
    return found
