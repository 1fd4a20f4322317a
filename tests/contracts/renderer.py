"""What every renderer promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from media_processing.engine import EngineError
from media_processing.engines.base import Renderer
from media_processing.ffmpeg import run_ffmpeg
from media_processing.stills import cover
from media_processing.timeline import Timeline, TimelineScene, Visual
from tests.media_processing.films import film


class RendererContract:
    @pytest.fixture
    def renderer(self) -> Renderer:
        raise NotImplementedError

    def test_the_video_is_what_platforms_take(self, renderer: Renderer, tmp_path: Path) -> None:
        timeline = film(tmp_path)
        path = renderer.render(timeline, tmp_path / "out.mp4", cache=tmp_path / "cache")
        with av.open(str(path)) as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            assert (picture.codec_context.name, picture.width, picture.height) == ("h264", 270, 480)
            assert (picture.average_rate, picture.codec_context.pix_fmt) == (30, "yuv420p")
            assert (sound.codec_context.name, sound.rate, sound.channels) == ("aac", 48000, 2)
            assert (picture.codec_context.colorspace, picture.codec_context.color_range) == (1, 1)
            times = [frame.pts * picture.time_base for frame in container.decode(picture)]
        assert len(times) == timeline.frames
        assert times == [pytest.approx(number / 30, abs=0.001) for number in range(len(times))]
        spoken = sum(scene.lead + scene.narration_seconds + scene.tail for scene in timeline.scenes)
        assert abs(len(times) / 30 - spoken) < 0.3

    def test_each_scene_shows_its_picture(self, renderer: Renderer, tmp_path: Path) -> None:
        timeline = film(tmp_path)
        path = renderer.render(timeline, tmp_path / "out.mp4", cache=tmp_path / "cache")
        first, second = corner(path, 0.5), corner(path, timeline.starts()[1] + 0.5)
        assert np.abs(first - (0xB0, 0x30, 0x20)).max() < 12
        assert np.abs(second - (0x1F, 0x5F, 0xD6)).max() < 12

    def test_a_still_looks_as_it_is(self, renderer: Renderer, tmp_path: Path) -> None:
        chance = np.random.default_rng(5)
        cells = Image.fromarray(chance.integers(0, 255, (24, 14, 3), np.uint8))
        cells.resize((540, 960), Image.Resampling.BICUBIC).save(tmp_path / "still.png")
        shown = TimelineScene("one", Visual(tmp_path / "still.png", motion="none"), hold=0.8)
        path = renderer.render(film(tmp_path, scenes=(shown,)), tmp_path / "out.mp4", cache=tmp_path / "cache")
        with Image.open(tmp_path / "still.png") as still:
            cover(still, 270, 480, (0.5, 0.5)).save(tmp_path / "wanted.png")
        Image.fromarray(frame(path, 0.5).astype(np.uint8)).save(tmp_path / "seen.png")
        pictures = ["-i", tmp_path / "seen.png", "-i", tmp_path / "wanted.png"]
        compared = "[0]format=yuv420p[seen];[1]format=yuv420p[wanted];[seen][wanted]ssim"
        said = run_ffmpeg(["-loglevel", "info", *pictures, "-lavfi", compared, "-f", "null", "-"])
        assert float(re.findall(r"All:([\d.]+)", said)[-1]) >= 0.97, said[-200:]

    def test_nothing_to_render_is_refused(self, renderer: Renderer, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="no scenes"):
            renderer.render(Timeline(270, 480, ()), tmp_path / "out.mp4", cache=tmp_path / "cache")

    def test_a_stopped_render_leaves_no_half_file(self, renderer: Renderer, tmp_path: Path) -> None:
        class Cancelled(Exception):
            pass

        def cancel(share: float) -> None:
            if share > 0.2:
                raise Cancelled

        with pytest.raises(Cancelled):
            renderer.render(film(tmp_path), tmp_path / "out.mp4", cache=tmp_path / "cache", progress=cancel)
        assert not (tmp_path / "out.mp4").exists()
        assert not [path for path in (tmp_path / "cache").iterdir() if path.name.startswith(".making")]

    def test_progress_grows_and_ends_at_one(self, renderer: Renderer, tmp_path: Path) -> None:
        shares: list[float] = []
        renderer.render(film(tmp_path), tmp_path / "out.mp4", cache=tmp_path / "cache", progress=shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0

    def test_it_says_what_keeps_it_from_working(self, renderer: Renderer) -> None:
        assert renderer.problems() == []


def frame(path: Path, second: float) -> np.ndarray:
    """The RGB frame of a video that stands at a second."""
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            if picture.time >= second:
                return picture.to_ndarray(format="rgb24", src_colorspace="ITU709").astype(int)
    raise AssertionError(f"There is no frame at {second} s.")


def corner(path: Path, second: float) -> np.ndarray:
    """The mean colour of the middle of the left edge, where neither captions nor headlines stand."""
    seen = frame(path, second)
    height = seen.shape[0]
    return seen[height // 2 - 20 : height // 2 + 20, :20].reshape(-1, 3).mean(0)
