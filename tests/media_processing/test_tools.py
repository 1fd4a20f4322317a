"""Every tool of the library on small real files, judged by their pixels, sounds and lengths."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw

from media_processing import matting, pictures, tools
from media_processing.decoding import frame_at, frames_at, inspect, open_picture, read_sound
from media_processing.engine import EngineError
from media_processing.ffmpeg import encode_frames, run_ffmpeg
from media_processing.sound import write_wav
from tests.media_processing.makers import clip, colours, picture

Use = Callable[..., Path]


@pytest.fixture
def use(tmp_path: Path) -> Use:
    """Check what is said and use a tool, as a job does."""
    numbers = itertools.count()

    def used(name: str, source: Path, *, others: dict[str, Path] | None = None, **said: Any) -> Path:
        probe = inspect(source)
        folder = tmp_path / f"made-{next(numbers)}"
        folder.mkdir()
        shares: list[float] = []
        said |= dict.fromkeys(others or {}, "some asset")
        values = tools.checked(name, probe, said)
        made = tools.use(name, source, folder, probe, values, others=others, progress=shares.append)
        assert shares[0] == 0.0
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        return made

    return used


def saved(path: Path, image: Image.Image) -> Path:
    image.save(path)
    return path


def quarters(width: int = 80, height: int = 60) -> Image.Image:
    """Red and green above, blue and white below."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill="#d02020")
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill="#20a020")
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill="#2020d0")
    return image


def names(image: Image.Image) -> list[str]:
    """What the four corners show, from the top left clockwise."""
    right, bottom = image.width - 8, image.height - 8
    return [
        pictures.colour_names(image.convert("RGB").crop((x, y, x + 6, y + 6)))[0]
        for x, y in ((2, 2), (right, 2), (right, bottom), (2, bottom))
    ]


def film_of(path: Path, image: Image.Image, seconds: float = 0.5) -> Path:
    still = saved(path.with_suffix(".png"), image)
    run_ffmpeg(["-loop", "1", "-t", str(seconds), "-r", "10", "-i", still, "-pix_fmt", "yuv420p", "-crf", "10", path])
    return path


def tags(path: Path) -> tuple[int, int, int, int]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.colorspace, context.color_primaries, context.color_trc, context.color_range


def heard(path: Path) -> list[tuple[float, float]]:
    """Where it is loud: from, to in seconds; a gap under 0.3 s is none."""
    sound = np.abs(read_sound(path).astype(float))
    loud = np.flatnonzero(sound[: len(sound) // 160 * 160].reshape(-1, 160).mean(axis=1) > 800)
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > 30) + 1)
    return [(float(part[0]) / 100, float(part[-1] + 1) / 100) for part in parts]


@pytest.fixture
def still(tmp_path: Path) -> Path:
    return saved(tmp_path / "still.png", quarters())


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return film_of(tmp_path / "film.mp4", quarters())


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    """Four seconds of black that are white, and beep, from 2.0 to 3.0."""
    wave = 9000 * np.sin(2 * np.pi * 440 * np.arange(4 * 16000) / 16000)
    wave[: 2 * 16000] = wave[3 * 16000 :] = 0
    write_wav(tmp_path / "beep.wav", wave.astype(np.int16), 16000)
    shown = colours(tmp_path / "shown.mp4", ("black", 2.0), ("white", 1.0), ("black", 1.0), size="64x48", rate=20)
    run_ffmpeg(["-i", shown, "-i", tmp_path / "beep.wav", "-c:v", "copy", tmp_path / "flash.mp4"])
    return tmp_path / "flash.mp4"


class TestShape:
    def test_crop(self, use: Use, still: Path, film: Path) -> None:
        made = open_picture(use("crop", still, left=40, top=30, width=40, height="20"))
        assert (made.size, names(made)) == ((40, 20), ["white"] * 4)
        assert np.array_equal(np.asarray(made), np.asarray(quarters().crop((40, 30, 80, 50))))
        made = use("crop", film, left=0, top=30, width=39, height=30)
        assert (inspect(made).width, inspect(made).height) == (38, 30)
        assert set(names(frame_at(made, 0.2))) == {"blue"}

    def test_a_box_over_the_edge_is_refused(self, still: Path) -> None:
        with pytest.raises(EngineError, match="over the edge of 80 × 60") as error:
            tools.checked("crop", inspect(still), {"left": 50, "width": 40})
        assert error.value.next_step

    @pytest.mark.parametrize(
        ("said", "corners"),
        [({"turn": "90"}, ["blue", "red", "green", "white"]), ({"turn": "180"}, ["white", "blue", "red", "green"]),
         ({"turn": "270"}, ["green", "white", "blue", "red"]),
         ({"mirror": "across"}, ["green", "red", "blue", "white"]),
         ({"mirror": "down"}, ["blue", "white", "green", "red"])],
    )  # fmt: skip
    def test_rotate(self, use: Use, still: Path, film: Path, said: dict[str, str], corners: list[str]) -> None:
        made = open_picture(use("rotate", still, **said))
        assert names(made) == corners
        assert made.size == ((60, 80) if said.get("turn") in ("90", "270") else (80, 60))
        moving = use("rotate", film, **said)
        assert names(frame_at(moving, 0.2)) == corners
        assert (inspect(moving).width, inspect(moving).height) == made.size

    @pytest.mark.parametrize("moving", [False, True])
    def test_straightening_turns_clockwise_and_leaves_no_empty_corner(
        self, use: Use, tmp_path: Path, moving: bool
    ) -> None:
        tilted = Image.new("RGB", (200, 150), "#c0c0c0")
        ImageDraw.Draw(tilted).line((0, 95, 200, 60), fill="#101010", width=6)  # 9.9 degrees up to the right
        source = film_of(tmp_path / "t.mp4", tilted) if moving else saved(tmp_path / "t.png", tilted)
        made = use("rotate", source, straighten=9.9)
        image = np.asarray((frame_at(made, 0.2) if moving else open_picture(made)).convert("L")).astype(float)
        dark = [float(np.flatnonzero(image[:, x] < 90).mean()) for x in (6, image.shape[1] // 2, image.shape[1] - 7)]
        assert max(dark) - min(dark) < 2
        assert image[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 150
        assert image.shape[1] / image.shape[0] == pytest.approx(4 / 3, abs=0.03)

    def test_upscale_is_lanczos(self, use: Use, tmp_path: Path) -> None:
        small = saved(tmp_path / "small.png", picture(40, 30, noisy=True))
        made = open_picture(use("upscale", small, factor=2))
        assert np.array_equal(
            np.asarray(made), np.asarray(open_picture(small).resize((80, 60), Image.Resampling.LANCZOS))
        )
        moving = use("upscale", film_of(tmp_path / "film.mp4", quarters()), factor=2.5)
        assert (inspect(moving).width, inspect(moving).height) == (200, 150)
        assert names(frame_at(moving, 0.2)) == ["red", "green", "white", "blue"]

    def test_upscale_stops_at_the_limit_and_says_what_goes(self) -> None:
        probe = tools.Probe("video", "video/mp4", ".mp4", 1920, 1080, seconds=3.0)
        assert tools.checked("upscale", probe, {"factor": 2})["factor"] == 2
        with pytest.raises(EngineError) as error:
            tools.checked("upscale", probe, {"factor": 2.5})
        assert error.value.next_step == "At most 2 times goes."


@pytest.mark.slow  # `make quick` leaves it out
class TestTime:
    def test_trim_is_exact_and_keeps_the_sound_with_its_pictures(self, use: Use, flash: Path) -> None:
        made = use("trim", flash, start=1.5, end=3.5)
        assert inspect(made).seconds == pytest.approx(2.0, abs=0.07)
        light = [np.asarray(each).mean() > 128 for each in frames_at(made, [0.42, 0.52, 1.42, 1.52])]
        assert light == [False, True, True, False]
        assert heard(made) == [(pytest.approx(0.5, abs=0.04), pytest.approx(1.5, abs=0.04))]

    def test_a_sound_is_trimmed(self, use: Use, tmp_path: Path) -> None:
        write_wav(tmp_path / "long.wav", (np.arange(4 * 16000) % 3000).astype(np.int16), 16000)
        made = use("trim", tmp_path / "long.wav", start=1, end="2.5")
        assert (inspect(made).content_type, inspect(made).seconds) == ("audio/wav", pytest.approx(1.5, abs=0.01))

    @pytest.mark.parametrize("factor", [0.25, 0.5, 2, 4])
    def test_speed_keeps_sound_and_pictures_together_and_the_pitch(self, use: Use, flash: Path, factor: float) -> None:
        made = use("speed", flash, factor=factor)
        probe = inspect(made)
        assert (probe.seconds, probe.fps) == (pytest.approx(4 / factor, abs=0.12), pytest.approx(20, abs=0.5))
        ((start, end),) = heard(made)
        blur = max(0.06, 0.04 / factor)  # an abrupt beep is smeared over some 30 ms of the original
        assert (start, end) == (pytest.approx(2 / factor, abs=blur), pytest.approx(3 / factor, abs=blur))
        light = [
            np.asarray(each).mean() > 128
            for each in frames_at(made, [2 / factor - 0.06, 2 / factor + 0.06, 3 / factor + 0.06])
        ]
        assert light == [False, True, False]
        beep = read_sound(made).astype(float)[int((start + 0.05) * 16000) : int((end - 0.05) * 16000)]
        assert np.abs(np.fft.rfft(beep)).argmax() * 16000 / len(beep) == pytest.approx(440, abs=16)

    def test_a_sound_gets_faster(self, use: Use, tmp_path: Path) -> None:
        write_wav(tmp_path / "long.wav", (np.arange(4 * 16000) % 3000).astype(np.int16), 16000)
        assert inspect(use("speed", tmp_path / "long.wav", factor=1.6)).seconds == pytest.approx(2.5, abs=0.05)

    @pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
    def test_mute_takes_the_sound_and_leaves_the_pictures_as_they_are(
        self, use: Use, tmp_path: Path, suffix: str
    ) -> None:
        source = clip(tmp_path / f"clip{suffix}", seconds=0.6)
        made = use("mute", source)
        assert inspect(source).has_sound
        assert (inspect(made).has_sound, inspect(made).seconds) == (False, pytest.approx(0.6, abs=0.02))
        assert np.array_equal(np.asarray(frame_at(made, 0.3)), np.asarray(frame_at(source, 0.3)))
        with pytest.raises(EngineError, match="no sound"):
            tools.checked("mute", inspect(made), {})

    def test_what_would_change_nothing_or_leave_nothing_is_refused(self, flash: Path) -> None:
        probe = inspect(flash)
        for name, said in (
            ("trim", {}), ("trim", {"start": 2, "end": 2.05}), ("speed", {"factor": 1}), ("rotate", {}),
            ("speed", {"factor": 9}), ("speed", {"factor": "nan"}), ("speed", {"factor": "fast"}),
        ):  # fmt: skip
            with pytest.raises(EngineError) as error:
                tools.checked(name, probe, said)
            assert error.value.next_step


def shaky(path: Path) -> Path:
    """Forty frames of a still scene as a trembling hand would take them."""
    rng = np.random.default_rng(7)
    ground = Image.fromarray(rng.integers(0, 255, (30, 40, 3), np.uint8)).resize((480, 360), Image.Resampling.BICUBIC)
    places = np.clip(40 + rng.normal(0, 5, (40, 2)), 5, 75).round().astype(int)
    frames = [np.ascontiguousarray(np.asarray(ground.crop((x, y, x + 320, y + 240)))) for x, y in places]
    path.write_bytes(encode_frames(frames, width=320, height=240, fps=20, crf=12))
    return path


def tremble(path: Path) -> float:
    """Median pixels that the picture jumps between two frames, by phase correlation."""
    shown = [np.asarray(each.convert("L")).astype(float) for each in frames_at(path, [n / 20 for n in range(5, 30)])]
    window = np.outer(np.hanning(shown[0].shape[0]), np.hanning(shown[0].shape[1]))
    jumps = []
    for one, other in itertools.pairwise(shown):
        cross = np.fft.fft2((one - one.mean()) * window) * np.conj(np.fft.fft2((other - other.mean()) * window))
        peak = np.unravel_index(np.abs(np.fft.ifft2(cross / (np.abs(cross) + 1e-9))).argmax(), cross.shape)
        jumps.append(np.hypot(*(min(at, size - at) for at, size in zip(peak, cross.shape, strict=True))))
    return float(np.median(jumps))


@pytest.mark.slow
class TestLooks:
    def test_stabilise_takes_the_tremble_out(self, use: Use, tmp_path: Path) -> None:
        source = shaky(tmp_path / "shaky.mp4")
        made = use("stabilise", source, calm=1.0)
        assert inspect(made).frames == 40
        assert tremble(source) > 4
        assert tremble(made) < 0.35 * tremble(source)

    def test_denoise_brings_pictures_and_videos_nearer_to_what_was_there(self, use: Use, tmp_path: Path) -> None:
        clean = np.asarray(quarters(160, 120)).astype(float)
        rng = np.random.default_rng(3)
        grainy = [np.clip(clean + rng.normal(0, 14, clean.shape), 0, 255).astype(np.uint8) for _ in range(8)]

        def error(image: Image.Image) -> float:
            return float(np.abs(np.asarray(image.convert("RGB")).astype(float) - clean).mean())

        source = saved(tmp_path / "grain.png", Image.fromarray(grainy[0]))
        assert error(open_picture(use("denoise", source, strength=12))) < 0.5 * error(open_picture(source))
        moving = tmp_path / "grain.mp4"
        moving.write_bytes(encode_frames(grainy, width=160, height=120, fps=8, crf=8))
        made = use("denoise", moving, strength=12)
        grains = [np.asarray(frame_at(each, 0.8).convert("L"))[5:55, 5:75].std() for each in (moving, made)]
        assert grains[1] < 0.5 * grains[0]

    def test_transparency_outlives_denoising(self, use: Use, tmp_path: Path) -> None:
        image = quarters().convert("RGBA")
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        made = open_picture(use("denoise", saved(tmp_path / "a.png", image)))
        assert np.array_equal(np.asarray(made.getchannel("A")), np.asarray(image.getchannel("A")))

    @pytest.mark.parametrize("moving", [False, True])
    def test_match_colours_takes_over_mean_and_spread(self, use: Use, tmp_path: Path, moving: bool) -> None:
        rng = np.random.default_rng(5)
        cold = np.clip(rng.normal((70, 90, 150), 12, (96, 128, 3)), 0, 255).astype(np.uint8)
        warm = np.clip(rng.normal((190, 140, 90), 22, (96, 128, 3)), 0, 255).astype(np.uint8)
        other = saved(tmp_path / "warm.png", Image.fromarray(warm))
        own, wanted = (pictures.oklab(each.reshape(-1, 3)) for each in (cold, warm))
        source = tmp_path / "cold.png"
        Image.fromarray(cold).save(source)
        if moving:
            source = tmp_path / "cold.mp4"
            source.write_bytes(encode_frames([cold] * 6, width=128, height=96, fps=6, crf=4))
        for strength, share in ((100, 1.0), (50, 0.5)):
            made = use("match_colours", source, others={"like": other}, strength=strength)
            image = (frame_at(made, 0.5) if moving else open_picture(made)).convert("RGB")
            got = pictures.oklab(np.asarray(image).reshape(-1, 3))
            assert got.mean(axis=0) == pytest.approx(
                own.mean(axis=0) * (1 - share) + wanted.mean(axis=0) * share, abs=0.02
            )
            if not moving:  # in a video, half of the colour's samples are left out
                assert got.std(axis=0) == pytest.approx(
                    own.std(axis=0) * (1 - share) + wanted.std(axis=0) * share, rel=0.2
                )

    @pytest.mark.parametrize("moving", [False, True])
    def test_a_logo_stands_in_its_corner_as_faint_as_asked(self, use: Use, tmp_path: Path, moving: bool) -> None:
        ground = Image.new("RGB", (200, 100), "#000000")
        logo = saved(tmp_path / "logo.png", Image.new("RGBA", (50, 50), (255, 255, 255, 255)))
        source = film_of(tmp_path / "g.mp4", ground) if moving else saved(tmp_path / "g.png", ground)
        made = use("watermark", source, others={"logo": logo}, corner="top left", size=15, opacity=50)
        grey = np.asarray((frame_at(made, 0.2) if moving else open_picture(made)).convert("L")).astype(float)
        assert grey[8:28, 8:28] == pytest.approx(128, abs=8)
        outside = grey.copy()
        outside[:36, :36] = 0
        assert outside.max() < 6

    def test_words_are_written_where_there_is_no_logo(self, use: Use, tmp_path: Path) -> None:
        ground = saved(tmp_path / "g.jpg", Image.new("RGB", (400, 200), "#404040"))
        made = open_picture(use("watermark", ground, words="River desk", size=40, opacity=100))
        bright = np.argwhere(np.asarray(made.convert("L")) > 220)
        assert made.size == (400, 200)
        assert bright.min(axis=0) == pytest.approx((151, 229), abs=6)
        assert bright.max(axis=0) == pytest.approx((175, 388), abs=6)
        assert 0.3 * 400 < np.ptp(bright[:, 1]) < 0.42 * 400

    def test_a_video_keeps_its_sound_and_is_tagged_bt709(self, use: Use, tmp_path: Path, flash: Path) -> None:
        logo = saved(tmp_path / "logo.png", Image.new("RGB", (20, 20), "red"))
        for name, said in (
            ("crop", {"width": 40}), ("denoise", {}), ("upscale", {"factor": 1.5}), ("rotate", {"turn": "90"}),
            ("speed", {"factor": 1.25}), ("stabilise", {}),
        ):  # fmt: skip
            made = use(name, flash, **said)
            assert (name, inspect(made).has_sound, tags(made)) == (name, True, (1, 1, 1, 1))
            if name != "speed":
                assert heard(made) == [(pytest.approx(2.0, abs=0.05), pytest.approx(3.0, abs=0.05))]
        for name, slot in (("watermark", "logo"), ("match_colours", "like")):
            made = use(name, flash, others={slot: logo})
            assert (name, inspect(made).has_sound, tags(made)) == (name, True, (1, 1, 1, 1))


def scene() -> tuple[Image.Image, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Something grainy and orange on grainy green, and where it is."""
    rng = np.random.default_rng(0)
    truth = Image.new("L", (320, 240))
    draw = ImageDraw.Draw(truth)
    draw.ellipse((100, 60, 210, 190), fill=255)
    draw.rectangle((190, 100, 235, 120), fill=255)
    green, orange = (np.clip(rng.normal(of, 25, (240, 320, 3)), 0, 255) for of in ((60, 110, 60), (200, 100, 60)))
    where = np.asarray(truth) > 127
    return Image.fromarray(np.where(where[..., None], orange, green).astype(np.uint8)), where


KEEP = {"keep": True, "size": 12, "points": [[125, 100], [175, 150]]}
DROP = {"keep": False, "size": 12, "points": [[10, 10], [300, 20]]}


class TestBackground:
    @pytest.mark.parametrize("said", [
        {"left": 85, "top": 45, "width": 165, "height": 160}, {"strokes": [KEEP, DROP]}, {"strokes": [KEEP]},
    ])  # fmt: skip
    def test_it_is_removed_by_box_and_by_brush(self, use: Use, tmp_path: Path, said: dict[str, Any]) -> None:
        image, where = scene()
        made = open_picture(use("background", saved(tmp_path / "s.png", image), do="remove", **said))
        found = np.asarray(made.getchannel("A")) > 127
        assert (found & where).sum() / (found | where).sum() > 0.97

    def test_a_stroke_says_what_a_box_cant(self) -> None:
        image, _where = scene()
        alpha = matting.foreground(image, box=(85, 45, 250, 205), strokes=[
            {"keep": False, "size": 24, "points": [[212, 110], [240, 110]]}])  # fmt: skip
        assert np.asarray(alpha)[105:115, 215:235].max() < 30
        assert np.asarray(alpha)[110:140, 130:180].min() > 225

    def test_it_is_blurred_without_a_glow_and_filled(self, use: Use, tmp_path: Path) -> None:
        image, where = scene()
        source, box = saved(tmp_path / "s.png", image), {"left": 85, "top": 45, "width": 165, "height": 160}
        before = np.asarray(image).astype(float)
        blurred = np.asarray(open_picture(use("background", source, blur=3, **box))).astype(float)
        inner = np.zeros_like(where)
        inner[110:140, 130:180] = True
        assert np.array_equal(blurred[inner], before[inner])
        far = ~where & np.pad(np.zeros((240 - 80, 320), bool), ((0, 80), (0, 0)), constant_values=True)
        assert blurred[far].std(axis=0).max() < 0.3 * before[far].std(axis=0).min()
        near = ~where
        near[:55], near[195:] = False, False
        assert blurred[near].mean(axis=0) == pytest.approx((60, 110, 60), abs=7)
        filled = np.asarray(open_picture(use("background", source, do="colour", colour="#2040ff", **box)))
        assert filled[5, 5] == pytest.approx((32, 64, 255), abs=1)
        assert filled[inner] == pytest.approx(before[inner])

    def test_the_cut_is_a_minimum(self) -> None:
        """Against every one of the 4,096 ways to cut twelve pixels."""
        rng = np.random.default_rng(2)
        shape, free = (3, 4), np.zeros((3, 4), np.uint8)
        for _round in range(6):
            cost = rng.normal(0, 30, shape).astype(np.float32)
            edges = matting._edge_costs(rng.random((*shape, 3)).astype(np.float32))

            def energy(cut: Any, cost: Any = cost, edges: Any = edges) -> float:
                sides = (matting._pair(cut, way) for way in matting._WAYS)
                walls = sum(float((e * abs(a - b)).sum()) for e, (a, b) in zip(edges, sides, strict=True))
                return float((cost * cut).sum()) + walls

            every = (np.reshape(bits, shape).astype(np.float32) for bits in itertools.product((0, 1), repeat=12))
            found = matting.minimum_cut(cost, edges, free, start=(cost < 0).astype(np.float32), steps=800)
            assert energy((found > 0.5).astype(np.float32)) == pytest.approx(min(map(energy, every)), abs=1e-3)

    @pytest.mark.parametrize("said", [
        {}, {"strokes": [DROP]}, {"strokes": "[[["}, {"strokes": [{"keep": True, "size": 3, "points": [[1e9, 0]]}]},
        {"strokes": [KEEP] * 201}, {"left": 200, "width": 300}, {"do": "sell"}, {"do": "colour", "colour": "red"},
        {"strokes": [{"keep": True, "size": "thick", "points": []}]},
    ])  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, tmp_path: Path, said: dict[str, Any]) -> None:
        with pytest.raises(EngineError) as error:
            tools.checked("background", inspect(saved(tmp_path / "s.png", scene()[0])), said)
        assert error.value.next_step

    def test_a_plain_picture_has_nothing_in_front(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="looks like what is behind"):
            matting.foreground(Image.new("RGB", (60, 60), "teal"), box=(10, 10, 50, 50))


class TestTheTable:
    def test_every_tool_has_a_test_and_sensible_defaults(self) -> None:
        for kind in ("image", "video", "audio"):
            probe = tools.Probe(kind, "", "", 640, 480, seconds=9.0, fps=25.0, has_sound=kind != "image")
            for tool in tools.for_kind(kind):
                for each in tool.parameters:
                    value = tools._value(each, probe, None)
                    assert tools._value(each, probe, value) == value
                    if each.kind == "number":
                        low, high = tools.bounds(each, probe)
                        assert low <= value <= high

    def test_pictures_stay_in_their_format(self, use: Use, tmp_path: Path) -> None:
        for suffix in ("jpg", "png", "webp"):
            made = use("crop", saved(tmp_path / f"a.{suffix}", quarters()), width=40)
            assert made.suffix == f".{suffix}"

    def test_the_same_again_is_the_same_file(self, use: Use, still: Path, flash: Path) -> None:
        for name, source, said in (
            ("rotate", still, {"straighten": 3}), ("mute", flash, {}), ("speed", flash, {"factor": 2}),
            ("trim", flash, {"end": 1.0}),
        ):  # fmt: skip
            one, other = (use(name, source, **said).read_bytes() for _ in range(2))
            assert one == other

    def test_moving_pictures_and_other_kinds_are_refused(self, tmp_path: Path, still: Path) -> None:
        frames = [Image.new("RGB", (20, 20), each) for each in ("red", "blue")]
        frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
        with pytest.raises(EngineError, match="This picture moves"):
            tools.checked("crop", inspect(tmp_path / "a.gif"), {})
        with pytest.raises(EngineError, match="doesn't take pictures"):
            tools.checked("trim", inspect(still), {})
        with pytest.raises(EngineError, match="no such tool"):
            tools.checked("paint", inspect(still), {})

    def test_cancelling_stops_it(self, tmp_path: Path, still: Path, flash: Path) -> None:
        class Stop(Exception):
            pass

        def stop(share: float) -> None:
            if share > 0 or progress_calls.append(share) or len(progress_calls) > 1:
                raise Stop

        for name, source, said in (("speed", flash, {"factor": 2}), ("stabilise", flash, {}), ("denoise", still, {})):
            progress_calls: list[float] = []
            probe = inspect(source)
            with pytest.raises(Stop):
                tools.use(name, source, tmp_path, probe, tools.checked(name, probe, said), progress=stop)
