"""PDQ knows a picture again after what the web does to it, and doesn't take one for another."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance

from media_processing import pdq

pytestmark = pytest.mark.slow  # `make quick` leaves it out

SCENES = 40


def scene(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """A picture with structure: thirty discs and boxes."""
    random = np.random.default_rng(seed)

    def colour() -> tuple[int, int, int]:
        red, green, blue = (int(value) for value in random.integers(0, 256, 3))
        return red, green, blue

    picture = Image.new("RGB", size, colour())
    draw = ImageDraw.Draw(picture)
    for _shape in range(30):
        x, y, half = int(random.integers(0, size[0])), int(random.integers(0, size[1])), int(random.integers(10, 120))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x - half, y - half, x + half, y + half // 2), fill=colour())
    return picture


def recompressed(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=30)
    return Image.open(file)


CHANGES = {
    "JPEG of quality 30": recompressed,
    "a third of the size": lambda picture: picture.resize((picture.width // 3, picture.height // 3)),
    "twice the size": lambda picture: picture.resize((picture.width * 2, picture.height * 2)),
    "squeezed": lambda picture: picture.resize((picture.width, picture.height // 2)),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "grey": lambda picture: picture.convert("L"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_copy_is_near(change) -> None:  # type: ignore[no-untyped-def]
    distances = [pdq.distance(pdq.hashed(scene(n)).hex, pdq.hashed(change(scene(n))).hex) for n in range(SCENES)]
    print(f"largest of {SCENES}: {max(distances)}")
    assert sum(distance <= pdq.NEAR for distance in distances) / SCENES >= 0.95


def test_other_pictures_are_far() -> None:
    hashes = [pdq.hashed(scene(n)).hex for n in range(SCENES)]
    nearest = min(pdq.distance(one, other) for n, one in enumerate(hashes) for other in hashes[:n])
    print(f"nearest of {SCENES * (SCENES - 1) // 2} pairs: {nearest}")
    assert nearest > 2 * pdq.NEAR


@pytest.mark.parametrize(("name", "turn"), [
    ("turned by 90", Image.Transpose.ROTATE_90), ("turned by 180", Image.Transpose.ROTATE_180),
    ("turned by 270", Image.Transpose.ROTATE_270), ("mirrored left to right", Image.Transpose.FLIP_LEFT_RIGHT),
    ("mirrored top to bottom", Image.Transpose.FLIP_TOP_BOTTOM),
    ("mirrored along the diagonal", Image.Transpose.TRANSPOSE),
    ("mirrored along the other diagonal", Image.Transpose.TRANSVERSE),
])  # fmt: skip
def test_turned_and_mirrored_forms(name: str, turn: Image.Transpose) -> None:
    picture = scene(3)
    forms, _quality = pdq.dihedral(picture)
    turned = pdq.hashed(picture.transpose(turn)).hex
    assert pdq.distance(forms[name], turned) <= pdq.NEAR
    assert all(pdq.distance(other, turned) > 2 * pdq.NEAR for form, other in forms.items() if form != name)


@pytest.mark.parametrize("colour", ["black", "white", "red", "#7f7f7f"])
def test_a_flat_picture_is_of_no_quality(colour: str) -> None:
    flat = pdq.hashed(Image.new("RGB", (300, 200), colour))
    assert flat.quality == 0
    assert not flat.reliable


def test_structure_is_of_quality() -> None:
    assert all(pdq.hashed(scene(n)).reliable for n in range(SCENES))


def test_half_the_bits_are_set() -> None:
    """They lie above or below their own median."""
    assert int(pdq.hashed(scene(1)).hex, 16).bit_count() == 128


def test_a_known_answer() -> None:
    """The same 256 bits and quality as pdqhash 0.2.8 (compiled from the reference) gives for this picture."""
    rows, columns = np.mgrid[0:256, 0:256]
    waves = (128 + 60 * np.sin(rows / 9.0) * np.cos(columns / 13.0) + 40 * np.sin((rows + 2 * columns) / 31.0)).astype(
        np.uint8
    )
    made = pdq.hashed(Image.fromarray(np.stack([waves, waves.T, 255 - waves], axis=2)))
    assert made == pdq.Hashed(KNOWN, KNOWN_QUALITY)


KNOWN = "aa1141fdaa1151bcaa1101bcaa1155e8fe6901fc01ebfe0355eefe4b01befe33"
KNOWN_QUALITY = 100


def test_parity_with_the_compiled_library() -> None:
    pdqhash = pytest.importorskip("pdqhash")
    for n in range(20):
        picture = scene(n, (500, 333 + n))
        bits, quality = pdqhash.compute(np.asarray(picture))
        theirs = np.packbits(np.asarray(bits, dtype=np.uint8)).tobytes().hex()
        assert (theirs, quality) == (pdq.hashed(picture).hex, pdq.hashed(picture).quality)


def bits_of(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(1, 32)


def test_forms_are_the_dihedral_hashes() -> None:
    made, quality = pdq.dihedral(scene(3))
    forms = pdq.forms(scene(3))
    assert (forms.hex, forms.quality, forms.reliable) == (made["as it is"], quality, True)
    assert [row.tobytes().hex() for row in forms.bits] == [made[name] for name in pdq.FORMS]


class TestBank:
    def test_the_nearest(self) -> None:
        hashes = [pdq.hashed(scene(n)).hex for n in range(5)]
        bank = pdq.HashBank.of([(each, "banned") for each in hashes[1:]] + [(hashes[0], "logo")])
        match = bank.nearest(pdq.forms(scene(0)).bits)
        assert match is not None
        assert (match.distance, match.form, match.hex, match.category) == (0, "as it is", hashes[0], "logo")

    def test_a_mirrored_copy_is_found_by_its_form(self) -> None:
        bank = pdq.HashBank.of([(pdq.hashed(scene(1)).hex, "banned")])
        match = bank.nearest(pdq.forms(scene(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)).bits)
        assert match is not None
        assert match.form == "mirrored left to right"
        assert match.distance <= pdq.NEAR

    def test_an_empty_bank_knows_nothing(self) -> None:
        assert pdq.EMPTY_BANK.nearest(bits_of("0" * 64)) is None

    def test_its_name_follows_its_content(self) -> None:
        one, two = ("0" * 64, "banned"), ("f" * 64, "banned")
        assert pdq.HashBank.of([one, two]).name == pdq.HashBank.of([two, one, one]).name != pdq.HashBank.of([one]).name

    @pytest.mark.parametrize("wrong", ["", "12", "g" * 64])
    def test_what_is_no_hash_is_refused(self, wrong: str) -> None:
        with pytest.raises(ValueError):
            pdq.HashBank.of([(wrong, "banned")])

    def test_blocks_find_what_one_comparison_finds(self) -> None:
        """More hashes than fit a block, the nearest in any of them, in any form."""
        rng = np.random.default_rng(5)
        rows = rng.integers(0, 256, (2 * pdq.BLOCK + 17, 32), np.uint8)
        bank = pdq.HashBank.of((row.tobytes().hex(), "banned") for row in rows)
        for place in (0, pdq.BLOCK - 1, pdq.BLOCK, len(rows) - 1):
            wanted = rng.integers(0, 256, (8, 32), np.uint8)
            wanted[place % 8] = rows[place]
            wanted[place % 8, 3] ^= 0b101
            match = bank.nearest(wanted)
            assert match is not None
            assert (match.distance, match.hex) == (2, rows[place].tobytes().hex())
            distances = [np.bitwise_count(rows ^ form).sum(axis=1).min() for form in wanted]
            assert match.distance == min(distances)

    def test_distances_of_many_pictures_to_one_hash(self) -> None:
        forms = np.stack([pdq.forms(scene(n)).bits for n in range(3)])
        found = pdq.distances(forms, pdq.hashed(scene(1).transpose(Image.Transpose.ROTATE_90)).hex)
        assert [far <= pdq.NEAR for far in found] == [False, True, False]

    def test_a_hundred_thousand_hashes_are_scanned_quickly(self) -> None:
        raw = np.random.default_rng(0).bytes(32 * 100_000)
        none = np.zeros(100_000, np.uint64)
        bank = pdq.HashBank("large", pdq.columns_of(raw), none, none, (("banned", True),))
        start = time.process_time()
        bank.nearest(bits_of("0" * 64))
        assert time.process_time() - start < 0.5
