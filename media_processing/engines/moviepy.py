"""The renderer for effects written in Python: moviepy draws the picture of each scene, the rest is the starter's."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing import stills
from media_processing.engine import EngineError, Progress
from media_processing.engines.filtergraph import FiltergraphRenderer, SceneGraph
from media_processing.ffmpeg import encode_frames, run_ffmpeg
from media_processing.timeline import Timeline, TimelineScene, Visual

NEARLY_LOSSLESS = 10
"""The quality (crf) of what moviepy hands to the graph: it is encoded once more there."""


class MoviePyRenderer(FiltergraphRenderer):
    """Captions, headlines, sound and joining are those of ffmpeg's graphs: both kinds of scenes fit into one video."""

    title: ClassVar[str] = "moviepy"
    starter: ClassVar[bool] = False
    drawn_before: ClassVar[float] = 0.8

    def __init__(self, name: str = "", *, threads: int = 0) -> None:
        super().__init__(name, threads=threads)
        self._moviepy: Any = None

    def problems(self) -> list[EngineError]:
        if importlib.util.find_spec("moviepy"):
            return []
        step = "Run: pip install --no-deps --require-hashes -r requirements/moviepy.txt"
        return [EngineError("moviepy isn't installed.", next_step=step, permanent=True)]

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        self._moviepy = importlib.import_module("moviepy")

    def _prepared(self, timeline: Timeline, scene: TimelineScene, folder: Path, progress: Progress) -> TimelineScene:
        """The scene with its visual replaced by a clip that moviepy drew, as long as the scene."""
        clip = self._clip(timeline, scene, folder)
        try:
            frames = self._frames(clip, timeline, scene.frames(timeline.fps), progress)
            content = encode_frames(
                frames, width=timeline.width, height=timeline.height, fps=timeline.fps, crf=NEARLY_LOSSLESS,
                timeout=60 + 120 * scene.seconds,
            )  # fmt: skip
        finally:
            clip.close()
        drawn = folder / "drawn.mp4"
        drawn.write_bytes(content)
        return dataclasses.replace(scene, visual=Visual(drawn, kind="video", motion="none"))

    def _clip(self, timeline: Timeline, scene: TimelineScene, folder: Path) -> Any:
        """A moviepy clip of the scene's picture in the video's size."""
        seconds = scene.frames(timeline.fps) / timeline.fps
        if scene.visual.kind == "video":
            return self._moviepy.VideoFileClip(str(_safe_copy(timeline, scene, folder)), audio=False)
        picture, views = stills.prepare(scene.visual, timeline.width, timeline.height)

        def frame(second: float) -> NDArray[np.uint8]:
            share = min(second / seconds, 1.0)
            left, top, wide, high = (a + (b - a) * share for a, b in zip(views.first, views.last, strict=True))
            box = (left, top, left + wide, top + high)
            return np.asarray(picture.resize(views.frame, Image.Resampling.BICUBIC, box=box))

        return self._moviepy.VideoClip(frame_function=frame, duration=seconds)

    def _frames(self, clip: Any, timeline: Timeline, count: int, progress: Progress) -> Iterator[NDArray[np.uint8]]:
        for number in range(count):
            progress(self.drawn_before * number / count)
            # Half a frame in: rounding can't fall on the frame before.
            second = min((number + 0.5) / timeline.fps, max(0.0, clip.duration - 0.5 / timeline.fps))
            yield np.ascontiguousarray(clip.get_frame(second), dtype=np.uint8)


def _safe_copy(timeline: Timeline, scene: TimelineScene, folder: Path) -> Path:
    """The scene's stretch of video, decoded by our own wrapper: moviepy opens no file that came from outside."""
    plain = dataclasses.replace(scene, on_screen="", transition="cut")
    inputs, filters = SceneGraph(timeline, plain, False, folder).build(with_captions=False)
    target = folder / "copy.mp4"
    quality = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", str(NEARLY_LOSSLESS)]
    frames = str(scene.frames(timeline.fps))
    run_ffmpeg([*inputs, "-filter_complex", filters, "-map", "[out]", "-frames:v", frames, *quality, target])
    return target
