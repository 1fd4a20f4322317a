"""moviepy on the core's Pillow; the proof that its step of installation works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from media_processing.engines.base import Renderer
from media_processing.engines.filtergraph import FiltergraphRenderer
from media_processing.engines.moviepy import MoviePyRenderer
from media_processing.timeline import Visual
from tests.contracts.renderer import RendererContract, corner
from tests.media_processing.films import film, scene
from tests.media_processing.makers import colours

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "moviepy.txt"


def test_the_requirement_is_pinned_by_hash() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    assert [bool(re.fullmatch(r"moviepy==2\.2\.1 --hash=sha256:[0-9a-f]{64}", line)) for line in lines] == [True]


@pytest.mark.local_models
class TestMoviePyRenderer(RendererContract):
    @pytest.fixture
    def renderer(self) -> Renderer:
        pytest.importorskip("moviepy")
        return MoviePyRenderer()

    def test_clips_are_drawn(self, renderer: Renderer, tmp_path: Path) -> None:
        clip = colours(tmp_path / "clip.mp4", ("red", 0.3), ("blue", 1.5))
        timeline = film(tmp_path, scenes=(scene(tmp_path, "one", "Up.", visual=Visual(clip, "video")),))
        path = renderer.render(timeline, tmp_path / "out.mp4", cache=tmp_path / "cache")
        assert [corner(path, second).argmax() for second in (0.1, 0.6)] == [0, 2]

    def test_its_scenes_are_kept_apart_from_those_of_graphs(self, renderer: Renderer, tmp_path: Path) -> None:
        renderer.render(film(tmp_path), tmp_path / "one.mp4", cache=tmp_path / "cache")
        FiltergraphRenderer().render(film(tmp_path), tmp_path / "two.mp4", cache=tmp_path / "cache")
        assert len(list((tmp_path / "cache").glob("*.mp4"))) == 4
