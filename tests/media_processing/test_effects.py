"""Effects: found by name, told apart from those that aren't there, and the same picture every time."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from media_processing import effects
from media_processing.engine import EngineError
from media_processing.engines.filtergraph import FiltergraphRenderer
from media_processing.timeline import Timeline, TimelineScene, Visual
from tests.contracts.renderer import corner
from tests.media_processing.films import film, scene

OURS = {"parallax", "shake", "split", "typewriter"}
TITLED = TimelineScene("one", Visual(Path("a.png")), on_screen="Forty boats, one quiet harbour")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An effect that somebody installed and that breaks."""
    there = {**effects.installed(), "broken": EntryPoint("broken", f"{__name__}:Broken", effects.GROUP)}
    monkeypatch.setattr(effects, "installed", lambda: there)
    yield


class Broken:
    def copy(self) -> Broken:
        return self

    def apply(self, clip: Any) -> Any:
        raise RuntimeError("no such lens")


def test_ours_are_declared() -> None:
    assert set(effects.titles()) >= OURS
    assert effects.titles()["split"] == "Split"


def test_an_effect_that_is_not_there_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    scenes = tuple(dataclasses.replace(each, effect="sparkle") for each in film(tmp_path).scenes)
    with pytest.raises(EngineError, match="no effect 'sparkle'") as caught:
        FiltergraphRenderer().render(film(tmp_path, scenes=scenes), tmp_path / "out.mp4", cache=tmp_path / "cache")
    assert "split" in caught.value.next_step
    assert not (tmp_path / "cache").exists()


def test_without_moviepy_an_effect_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="moviepy isn't installed") as caught:
        effects.require("split")
    assert "requirements/moviepy.txt" in caught.value.next_step


def test_a_changed_module_is_another_version() -> None:
    assert effects.version("split") != effects.version("shake")
    assert len(effects.version("split")[-1]) == 64


def stretch(name: str, *, id: str = "one", size: tuple[int, int] = (270, 480), seconds: float = 2.0) -> Any:
    """A clip of a still under an effect."""
    movie = pytest.importorskip("moviepy")
    pixels = np.random.default_rng(1).integers(0, 255, (size[1] // 10, size[0] // 10, 3), np.uint8)
    still = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    clip = movie.VideoClip(frame_function=lambda second: still, duration=seconds)
    shown = dataclasses.replace(TITLED, id=id)
    return clip.with_effects([effects.make(dataclasses.replace(shown, effect=name), Timeline(*size, (shown,)))])


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.local_models
class TestOurs:
    @pytest.mark.parametrize("name", sorted(OURS))
    def test_the_same_scene_is_drawn_the_same_and_in_its_own_size(self, name: str) -> None:
        one, again = stretch(name), stretch(name)
        for second in (0.1, 0.9, 1.9):
            frame = one.get_frame(second)
            assert frame.shape == (480, 270, 3) and frame.dtype == np.uint8
            assert np.array_equal(frame, again.get_frame(second))
        assert difference(one.get_frame(0.3), one.get_frame(1.5)) > 0.5
        assert one.duration == 2.0

    def test_the_halves_meet(self) -> None:
        clip, whole = stretch("split"), stretch("typewriter").get_frame(0.0)
        early = clip.get_frame(0.2)
        assert not early[-50:, :100].any() and not early[:50, -100:].any()
        assert np.array_equal(clip.get_frame(1.0), whole)

    def test_each_scene_trembles_in_its_own_way_and_calms_down(self) -> None:
        one, other = effects.load("shake")("one"), effects.load("shake")("other")
        times = np.arange(0, 3, 1 / 60)
        ways = np.array([one.away(second) for second in times])
        assert np.abs(ways).max() <= 1
        assert np.abs(ways[:30]).max() > 1.5 * np.abs(ways[-60:]).max()
        assert np.abs(ways - [other.away(second) for second in times]).max() > 0.2

    def test_the_plate_drifts_smoothly(self) -> None:
        clip = stretch("parallax")
        steps = [difference(clip.get_frame(n / 30), clip.get_frame((n + 1) / 30)) for n in range(10, 40)]
        assert min(steps) > 0 and max(steps) < 3 * min(steps)

    def test_text_is_typed_letter_by_letter_and_stands_complete(self) -> None:
        clip = stretch("typewriter", seconds=4.0)
        bare = clip.get_frame(0.0)
        typed = [int((clip.get_frame(second) != bare).any(axis=2).sum()) for second in np.arange(0, 4, 0.1)]
        assert typed == sorted(typed)
        assert len(set(typed)) > 15 and typed[-1] == typed[-10] > 2000
        safe = (clip.get_frame(3.9) != bare).any(axis=2)
        assert not safe[: int(0.13 * 480)].any() and not safe[:, :30].any()

    def test_moviepys_own_need_only_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        mirror = EntryPoint("mirror", "moviepy.video.fx:MirrorX", effects.GROUP)
        monkeypatch.setattr(effects, "installed", lambda: {"mirror": mirror})
        still = stretch("mirror").get_frame(0.5)
        monkeypatch.undo()
        assert np.array_equal(still[:, ::-1], stretch("typewriter").get_frame(0.0))

    @pytest.mark.usefixtures("broken")
    def test_an_effect_that_breaks_is_named(self, tmp_path: Path) -> None:
        timeline = film(tmp_path)
        scenes = (dataclasses.replace(timeline.scenes[0], effect="broken"),)
        with pytest.raises(EngineError, match="'broken' failed: no such lens") as caught:
            FiltergraphRenderer().render(film(tmp_path, scenes=scenes), tmp_path / "out.mp4", cache=tmp_path / "cache")
        assert caught.value.next_step

    def test_only_the_scene_with_the_effect_is_drawn_anew(self, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        scenes = (
            scene(tmp_path, "one", "The ferry left.", seconds=0.6, colour="#B03020"),
            scene(tmp_path, "two", "Nobody.", seconds=0.6, colour="#1F5FD6", transition="wipe", transition_seconds=0.3),
        )
        plain = film(tmp_path, scenes=scenes)
        FiltergraphRenderer().render(plain, tmp_path / "plain.mp4", cache=cache)
        before = set(cache.glob("*.mp4"))
        split = dataclasses.replace(plain, scenes=(scenes[0], dataclasses.replace(scenes[1], effect="split")))
        path = FiltergraphRenderer().render(split, tmp_path / "split.mp4", cache=cache)
        assert len(set(cache.glob("*.mp4")) - before) == 2  # the scene, and the slide that leads to it
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == plain.frames
        assert np.abs(corner(path, 0.4) - (0xB0, 0x30, 0x20)).max() < 12
        assert np.abs(corner(path, plain.seconds - 0.1) - (0x1F, 0x5F, 0xD6)).max() < 12
