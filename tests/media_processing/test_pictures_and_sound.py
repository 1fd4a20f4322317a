"""Crops keep what matters, colours are what one would say, sounds add up."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from media_processing import pictures, sound
from tests.media_processing.makers import exif, picture, picture_bytes


def dotted(x: int, y: int) -> Image.Image:
    image = Image.new("RGB", (400, 300), (200, 210, 220))
    ImageDraw.Draw(image).ellipse((x - 25, y - 25, x + 25, y + 25), fill=(200, 20, 20), outline=(0, 0, 0), width=4)
    return image


class TestPictures:
    def test_a_thumbnail_is_webp_without_metadata(self) -> None:
        image = Image.open(io.BytesIO(picture_bytes(picture(900, 300), exif=exif(1))))
        small = Image.open(io.BytesIO(pictures.thumbnail(image, 480)))
        assert (small.format, small.size) == ("WEBP", (480, 160))
        assert not small.getexif()

    def test_a_thumbnail_is_never_enlarged(self) -> None:
        assert Image.open(io.BytesIO(pictures.thumbnail(picture(30, 20), 480))).size == (30, 20)

    @pytest.mark.parametrize(("colour", "expected"), [((230, 20, 20), 0), ((20, 200, 40), 1), ((10, 30, 240), 2)])
    def test_the_dominant_colour(self, colour: tuple[int, int, int], expected: int) -> None:
        image = Image.new("RGB", (100, 100), (240, 240, 240))
        image.paste(colour, (0, 0, 100, 55))
        found = pictures.dominant_colour(image)
        assert int(np.argmax([int(found[at : at + 2], 16) for at in (1, 3, 5)])) == expected

    @pytest.mark.parametrize(
        ("name", "codes"),
        [
            ("red", "#e01010 #c8102e #9b111e"), ("orange", "#ff9d1e #f08030"), ("yellow", "#ffe02a #f5d547"),
            ("green", "#2e8b57 #3cb043 #1e4d2b #a4c639"), ("teal", "#008b8b #30d5c8"), ("pink", "#f4a6c0 #ff5fa2"),
            ("blue", "#1a4fd0 #9ecbf0 #0b1f5c"), ("purple", "#6f2da8 #c39bd3"), ("brown", "#6b4226 #c8a47a"),
            ("black", "#050505 #181818"), ("grey", "#777777 #b4b4b4"), ("white", "#fbfbfb #f3f1ec"),
        ],
    )  # fmt: skip
    def test_colours_are_called_what_people_call_them(self, name: str, codes: str) -> None:
        for code in codes.split():
            assert pictures.colour_names(Image.new("RGB", (60, 40), code)) == [name], code

    def test_the_colours_that_fill_a_picture_largest_first(self) -> None:
        image = Image.new("RGB", (100, 100), "navy")
        image.paste("white", (0, 0, 100, 30))
        image.paste("red", (0, 30, 100, 45))
        image.paste("yellow", (0, 45, 100, 54))
        assert pictures.colour_names(image) == ["blue", "white", "red"]

    def test_what_is_transparent_has_no_colour(self) -> None:
        image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
        assert pictures.colour_names(image) == []
        image.paste((200, 0, 0, 255), (0, 0, 100, 20))
        assert pictures.colour_names(image) == ["red"]

    def test_of_many_colours_the_largest_is_named(self) -> None:
        names = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "saddlebrown", "black", "white")
        image = Image.new("RGB", (480, 48), "blue")
        for number, name in enumerate(names):
            image.paste(name, (number * 40, 0, number * 40 + 40, 48))
        assert pictures.colour_names(image) == ["blue"]

    def test_lightness_is_of_the_eye(self) -> None:
        found = pictures.oklab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], np.uint8))
        assert found == pytest.approx(np.array([[1, 0, 0], [0, 0, 0], [0.62796, 0.22486, 0.12585]]), abs=1e-4)

    def test_transparent_pictures_have_a_colour(self) -> None:
        assert pictures.dominant_colour(Image.new("RGBA", (5, 5), (0, 0, 0, 0))) == "#ffffff"

    def test_blur_is_less_sharp(self) -> None:
        crisp = picture(200, 200, noisy=True)
        assert pictures.sharpness(crisp) > 10 * pictures.sharpness(crisp.filter(ImageFilter.GaussianBlur(3)))
        assert pictures.sharpness(Image.new("RGB", (1, 1))) == 0

    @pytest.mark.parametrize(("x", "y"), [(90, 80), (310, 90), (200, 220), (300, 230)])
    def test_the_focus_is_where_the_thing_is(self, x: int, y: int) -> None:
        across, down = pictures.focus_point(dotted(x, y))
        assert abs(across - x / 400) < 0.12
        assert abs(down - y / 300) < 0.12

    def test_a_plain_picture_is_looked_at_in_the_middle(self) -> None:
        assert pictures.focus_point(Image.new("RGB", (30, 30))) == (0.5, 0.5)

    def test_a_crop_keeps_the_focus(self) -> None:
        image = dotted(330, 150)
        cut = pictures.cover_crop(image, 90, 160, pictures.focus_point(image))
        assert cut.size == (90, 160)
        assert np.asarray(cut)[..., 1].min() < 60  # the dot is in it
        assert np.asarray(pictures.cover_crop(image, 90, 160, (0, 0)))[..., 1].min() > 150

    @pytest.mark.parametrize("size", [(1, 1), (7, 1000), (1000, 7)])
    def test_any_size_can_be_cropped(self, size: tuple[int, int]) -> None:
        assert pictures.cover_crop(Image.new("RGB", size), 108, 192).size == (108, 192)


class TestSound:
    def tone(self, seconds: float, level: float = 0.5) -> sound.Samples:
        return (np.sin(np.arange(int(16000 * seconds)) * 0.17) * 32767 * level).astype(np.int16)

    def test_wav_goes_out_and_in(self, tmp_path: Path) -> None:
        samples = self.tone(0.5)
        content = sound.write_wav(tmp_path / "a.wav", samples, 16000)
        back, rate = sound.read_wav(tmp_path / "a.wav")
        assert rate == 16000
        assert np.array_equal(back, samples)
        assert sound.seconds_of(content) == 0.5

    def test_other_files_are_refused(self) -> None:
        with pytest.raises(ValueError, match="Not a WAV"):
            sound.read_wav(b"RIFF")

    def test_joining_adds_up(self) -> None:
        joined = sound.concat([self.tone(1), self.tone(2)], gap=0.25, rate=16000)
        assert len(joined) == 16000 * 3.25
        assert not joined[16000:20000].any()
        assert len(sound.concat([])) == 0

    def test_peaks(self) -> None:
        found = sound.peaks(np.concatenate([sound.silence(1, 16000), self.tone(1)]), 10)
        assert found[:5] == [0.0] * 5
        assert found[5:] == pytest.approx([0.5] * 5, abs=0.01)
        assert sound.peaks(np.zeros(3, np.int16), 10) == [0.0] * 10
        assert sound.peaks(np.zeros(0, np.int16), 4) == [0.0] * 4

    def test_loudness_leaves_pauses_out(self) -> None:
        spoken = self.tone(2)
        with_pauses = sound.concat([spoken, spoken], gap=3, rate=16000)
        assert sound.loudness_estimate(spoken, 16000) == pytest.approx(-9.03, abs=0.1)
        assert sound.loudness_estimate(with_pauses, 16000) == pytest.approx(-9.03, abs=0.6)
        assert sound.loudness_estimate(sound.silence(2, 16000), 16000) == -120

    def test_resampling_keeps_the_length(self) -> None:
        assert len(sound.resample(self.tone(1), 16000, 22050)) == 22050
