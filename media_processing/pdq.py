"""PDQ: a hash of 256 bits that stays nearly the same when a picture is scaled, recompressed or brightened.

Method and constants: Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019), and
the reference implementation in facebook/ThreatExchange, pdq/. Luma, two passes of a box filter in both directions
(Jarosz 2001), 64 x 64 samples, the 16 x 16 lowest frequencies of a cosine transform without the constant one, a bit for
each that lies above their median. Cropping by a few percent defeats it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats: TypeAlias = NDArray[np.float64]

BITS = 256
NEAR = 31
"""Bits. Two pictures whose hashes differ by at most so many are taken for the same (the paper's advice)."""
MIN_QUALITY = 50
"""Of 100. Below, a picture has too little structure: a hash of noise that would match other such pictures."""
LONGEST = 512
"""Pixels. Larger pictures are scaled down first, as in the reference."""


FORMS = (
    "as it is", "turned by 90", "turned by 180", "turned by 270", "mirrored left to right", "mirrored top to bottom",
    "mirrored along the diagonal", "mirrored along the other diagonal",
)  # fmt: skip
"""The eight ways in which a picture can lie."""


@dataclass(frozen=True)
class Hashed:
    """A picture's hash."""

    hex: str
    """64 hexadecimal digits, the first bit being the highest frequency, as all tools write it."""
    quality: int
    """0 (flat) to 100."""

    @property
    def reliable(self) -> bool:
        """Whether the picture has enough structure to be compared."""
        return self.quality >= MIN_QUALITY


def hashed(picture: Image.Image) -> Hashed:
    """The hash and the quality of a picture of any size."""
    spectrum, quality = _spectrum(picture)
    return Hashed(_hex(spectrum), quality)


def dihedral(picture: Image.Image) -> tuple[dict[str, str], int]:
    """The hashes of a picture as it is, turned and mirrored, by name, and the quality that all of them share."""
    spectrum, quality = _spectrum(picture)
    signs = np.where(np.arange(16) % 2 == 0, -1.0, 1.0)  # a mirrored cosine of odd frequency changes its sign
    rows, columns = signs[:, None], signs[None, :]
    forms = {
        "as it is": spectrum,
        "turned by 90": (spectrum * columns).T,
        "turned by 180": spectrum * rows * columns,
        "turned by 270": (spectrum * rows).T,
        "mirrored left to right": spectrum * columns,
        "mirrored top to bottom": spectrum * rows,
        "mirrored along the diagonal": spectrum.T,
        "mirrored along the other diagonal": (spectrum * rows * columns).T,
    }
    return {name: _hex(form) for name, form in forms.items()}, quality


def mirrored(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 32) hashes of pictures as (n, 32) hashes of them mirrored left to right, without looking at the pictures.

    A mirrored cosine of odd frequency changes its sign, and the median is near zero: so those bits turn. Of 100
    drawings the result was within 20 bits of the mirrored picture's own hash for 95, and within NEAR for 99.
    """
    turned: NDArray[np.uint8] = bits ^ _ODD_COLUMNS
    return turned


def distance(one: str, other: str) -> int:
    """Bits in which two hashes differ, 0 to 256."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


@dataclass(frozen=True, eq=False)
class Forms:
    """The hashes of a picture as it is, turned and mirrored, in the order of FORMS."""

    bits: NDArray[np.uint8]
    """(8, 32)"""
    quality: int
    """0 (flat) to 100, the same for all."""

    @property
    def hex(self) -> str:
        """Of the picture as it is."""
        text: str = self.bits[0].tobytes().hex()
        return text

    @property
    def reliable(self) -> bool:
        """Whether the picture has enough structure to be compared."""
        return self.quality >= MIN_QUALITY


def forms(picture: Image.Image) -> Forms:
    """All that a picture of any size is compared by."""
    made, quality = dihedral(picture)
    packed = b"".join(bytes.fromhex(made[name]) for name in FORMS)
    return Forms(np.frombuffer(packed, np.uint8).reshape(len(FORMS), BITS // 8), quality)


@dataclass(frozen=True)
class Match:
    """The entry of a bank that is closest to a picture."""

    distance: int
    """Bits."""
    form: str
    """Of the picture: one of FORMS."""
    hex: str
    category: str
    sure: bool
    """Not in quarantine."""
    number: int
    """As the bank was given it."""


@dataclass(frozen=True, eq=False)
class HashBank:
    """Hashes to look for, scanned in blocks that fit a processor's cache: a million take about 20 ms for all eight
    forms of a picture, so there is no index. The arrays may be mapped from a file."""

    name: str
    """Changes whenever what is in it changes."""
    columns: NDArray[np.uint64]
    """(4, n): the hashes, 64 bits a row."""
    numbers: NDArray[np.uint64]
    """(n,)"""
    codes: NDArray[np.uint64]
    """(n,) Places in `kinds`."""
    kinds: tuple[tuple[str, bool], ...]
    """(category, sure)"""

    @classmethod
    def of(cls, hashes: Iterable[tuple[str, str]], name: str = "") -> HashBank:
        """A bank of (hash, category). Raises ValueError where a hash isn't 64 hexadecimal digits."""
        entries = sorted(set(hashes))
        for text, _category in entries:
            if len(text) != BITS // 4:
                raise ValueError(f"{text!r} is no PDQ hash: it has 64 hexadecimal digits.")
        kinds = sorted({category for _text, category in entries})
        packed = b"".join(bytes.fromhex(text) for text, _category in entries)
        return cls(
            name=name or hashlib.sha256(repr(entries).encode()).hexdigest()[:12],
            columns=columns_of(packed), numbers=np.arange(len(entries), dtype=np.uint64),
            codes=np.array([kinds.index(category) for _text, category in entries], np.uint64),
            kinds=tuple((category, True) for category in kinds),
        )  # fmt: skip

    def __len__(self) -> int:
        return int(self.columns.shape[1])

    def nearest(self, bits: NDArray[np.uint8]) -> Match | None:
        """The entry closest to any of (k, 32) hashes of one picture, in the order of FORMS; None in an empty bank."""
        best: tuple[int, int, int] | None = None
        wanted = np.ascontiguousarray(bits).view(np.uint64)
        for start in range(0, len(self), BLOCK):
            block = self.columns[:, start : start + BLOCK]
            for form, words in enumerate(wanted):
                distances = np.bitwise_count(block[0] ^ words[0]).astype(np.uint16)
                for row in (1, 2, 3):
                    distances += np.bitwise_count(block[row] ^ words[row])
                at = int(distances.argmin())
                if best is None or distances[at] < best[0]:
                    best = int(distances[at]), form, start + at
        if best is None:
            return None
        distance, form, at = best
        category, sure = self.kinds[int(self.codes[at])]
        text = np.ascontiguousarray(self.columns[:, at]).tobytes().hex()
        return Match(distance, FORMS[form], text, category, sure, int(self.numbers[at]))


BLOCK = 1 << 16
"""Hashes that are compared at once: 2 MB."""


def columns_of(packed: bytes) -> NDArray[np.uint64]:
    """(4, n) columns of n hashes that lie one behind the other."""
    return np.ascontiguousarray(np.frombuffer(packed, np.uint64).reshape(-1, 4).T)


def distances(bits: NDArray[np.uint8], text: str) -> NDArray[np.int64]:
    """(n,) bits by which (n, 8, 32) pictures, each in the closest of all its forms, differ from a hash."""
    wanted = np.frombuffer(bytes.fromhex(text), np.uint64)
    differing = np.bitwise_count(np.ascontiguousarray(bits).view(np.uint64) ^ wanted).sum(axis=-1, dtype=np.int64)
    nearest: NDArray[np.int64] = differing.min(axis=1, initial=BITS)
    return nearest


EMPTY_BANK = HashBank.of(())


def _spectrum(picture: Image.Image) -> tuple[Floats, int]:
    """The 16 x 16 frequencies (rows: vertical) and the quality."""
    picture = picture.convert("RGB")
    picture.thumbnail((LONGEST, LONGEST))
    luma = np.asarray(picture, dtype=np.float64) @ np.array([0.299, 0.587, 0.114])
    small = _sampling(luma.shape[0]) @ luma @ _sampling(luma.shape[1]).T
    return _COSINES @ small @ _COSINES.T, _quality(small)


@lru_cache(maxsize=16)
def _sampling(size: int) -> Floats:
    """(64, size): what two passes of the box filter and the samples after them make of so many values in a row.

    Each pass takes the mean of a window around each value; at the edges, of the part of it that lies inside. All of
    this is linear, and so one matrix for each direction, in a quarter of the time of the passes themselves.
    """
    window = -(-size // 128)  # half of one of the 64 blocks, rounded up: two passes cover the whole block
    places = np.arange(size)
    last = places + (window + 2) // 2
    ends, starts = np.minimum(last, size)[:, None], np.maximum(last - window, 0)[:, None]
    box = ((places >= starts) & (places < ends)) / (ends - starts)
    found: Floats = box[((np.arange(64) + 0.5) * size / 64).astype(int)] @ box
    return found


def _quality(small: Floats) -> int:
    """How much there is to see: the sum of the steps between neighbours that are worth a percent, capped at 100."""
    down = np.trunc((small[:-1] - small[1:]) * 100 / 255)
    across = np.trunc((small[:, :-1] - small[:, 1:]) * 100 / 255)
    return min(100, int((np.abs(down).sum() + np.abs(across).sum()) / 90))


def _hex(spectrum: Floats) -> str:
    # The reference takes the lower median of the 256 values.
    median = np.partition(spectrum.ravel(), BITS // 2 - 1)[BITS // 2 - 1]
    bits = (spectrum > median).ravel()[::-1]
    return np.packbits(bits).tobytes().hex()


_COSINES: Floats = np.cos(np.pi / 128 * np.arange(1, 17)[:, None] * (2 * np.arange(64)[None, :] + 1))
_ODD_COLUMNS = np.packbits(np.tile(np.arange(16) % 2 == 0, 16)[::-1])
