"""Smart crops: what stands out stays in, faces are never cut, and a moving box moves softly."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from media_processing import cropping
from media_processing.cropping import Face, Seen, box_size, crop_picture, crop_shot, crops_of
from media_processing.ffmpeg import encode_frames
from media_processing.pictures import salience

TALL, WIDE, SQUARE = (1080, 1920), (1920, 1080), (1080, 1080)


def scene(x: float, y: float, size: tuple[int, int] = (640, 360)) -> Image.Image:
    """A grey field with one bright, spotted disc around a place given in shares."""
    picture = Image.new("RGB", size, "#808478")
    pen, radius = ImageDraw.Draw(picture), min(size) // 9
    at = (x * size[0], y * size[1])
    pen.ellipse((at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), fill="#f2c230")
    pen.ellipse((at[0] - radius / 2, at[1] - radius / 2, at[0], at[1]), fill="#201810")
    return picture


def seen(x: float, y: float, second: float = 0.0, faces: tuple[Face, ...] | None = None) -> Seen:
    return Seen(second, salience(scene(x, y)), faces)


@pytest.mark.parametrize("x", [0.12, 0.3, 0.5, 0.7, 0.88])
@pytest.mark.parametrize("frame", [TALL, SQUARE])
def test_what_stands_out_is_inside(tmp_path: Path, x: float, frame: tuple[int, int]) -> None:
    scene(x, 0.5).save(tmp_path / "a.png")
    crop = crop_picture(tmp_path / "a.png", frame)
    assert crop.x + 0.05 < x < crop.x + crop.width - 0.05
    assert (crop.width, crop.height) == pytest.approx(box_size((640, 360), frame))


def test_a_plain_picture_is_cut_evenly_and_a_fitting_one_not_at_all(tmp_path: Path) -> None:
    Image.new("RGB", (640, 360), "teal").save(tmp_path / "plain.png")
    crop = crop_picture(tmp_path / "plain.png", TALL)
    assert crop.x == pytest.approx((1 - crop.width) / 2, abs=0.01)
    assert crop_picture(tmp_path / "plain.png", WIDE).box == (0, 0, 1, 1)


def test_what_stands_out_keeps_above_the_captions(tmp_path: Path) -> None:
    scene(0.5, 0.45, (360, 640)).save(tmp_path / "tall.png")
    crop = crop_picture(tmp_path / "tall.png", WIDE)
    assert crop.y + crop.height * (1 - cropping.CAPTIONS) > 0.45


def test_a_face_is_never_cut_for_something_brighter() -> None:
    face = Face(0.05, 0.3, 0.12, 0.3)
    without = crops_of([seen(0.42, 0.5)], (640, 360), TALL)[0]
    assert without.x > face.x  # it would be cut or left out
    with_it = crops_of([seen(0.42, 0.5, faces=(face,))], (640, 360), TALL)[0]
    assert with_it.x <= face.x and face.x + face.width <= with_it.x + with_it.width
    assert crops_of([seen(0.42, 0.5, faces=())], (640, 360), TALL)[0] == without


def test_a_box_follows_softly() -> None:
    looks = [seen(0.2 + 0.6 * number / 19, 0.5, number * 0.5) for number in range(20)]
    crops = crops_of(looks, (640, 360), TALL)
    middles = np.array([crop.x + crop.width / 2 for crop in crops])
    assert np.all(np.diff(middles) >= -1e-9)
    assert middles[-1] - middles[0] > 0.3
    assert np.abs(np.diff(middles, n=2)).max() < 0.02, "no jerks"
    for look, crop in zip(looks[2:-2], crops[2:-2], strict=True):
        place = 0.2 + 0.6 * look.second / 9.5
        assert crop.x < place < crop.x + crop.width


def test_a_trembling_subject_moves_nothing() -> None:
    rng = np.random.default_rng(3)
    looks = [seen(0.4 + float(rng.uniform(-0.02, 0.02)), 0.5, number * 0.5) for number in range(12)]
    assert len(crops_of(looks, (640, 360), TALL)) == 1


def test_it_jumps_at_a_cut_and_only_there() -> None:
    looks = [seen(0.2 if number < 8 else 0.8, 0.5, number * 0.5) for number in range(16)]
    first, held, second = crops_of(looks, (640, 360), TALL, cuts=[4.0])
    assert first.box == held.box and held.second == pytest.approx(3.999) and second.second == 4.0
    assert first.x + first.width < 0.6 < second.x + second.width


@pytest.mark.slow
def test_a_shot_of_a_film(tmp_path: Path) -> None:
    frames = [np.asarray(scene(0.15 + 0.7 * number / 89, 0.5)) for number in range(90)]
    (tmp_path / "film.mp4").write_bytes(encode_frames(frames, width=640, height=360, fps=15))
    crops = crop_shot(tmp_path / "film.mp4", 0.0, 6.0, TALL)
    assert crops[0].second == 0 and crops[0].x < 0.15 and crops[-1].x > 0.5
    still = crop_shot(tmp_path / "film.mp4", 3.0, 3.2, TALL)
    assert len(still) == 1


def test_faces_come_from_a_detector_that_the_operator_brings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}

    class Detector:
        def setInputSize(self, size: tuple[int, int]) -> None:
            asked["size"] = size

        def detect(self, pixels: np.ndarray) -> tuple[int, np.ndarray | None]:
            asked["shape"] = pixels.shape
            return 1, np.array([[-16.0, 45.0, 80.0, 90.0, *[0.0] * 11]])

    create = SimpleNamespace(create=lambda *_args: Detector())
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace(FaceDetectorYN=create))
    cropping._detector.cache_clear()
    found = cropping.find_faces(scene(0.5, 0.5), tmp_path / "yunet.onnx")
    assert asked == {"size": (320, 180), "shape": (180, 320, 3)}
    assert found == (Face(0.0, 0.25, 0.2, 0.5),)
    assert cropping.find_faces(scene(0.5, 0.5), None) is None, "a missing term, not an empty picture"
    cropping._detector.cache_clear()
