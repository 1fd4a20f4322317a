"""The renderer for effects written in Python: moviepy draws the picture of each scene, the rest is the starter's.

As the workspace's renderer it draws all scenes; the starter asks it for those that name an effect.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from media_processing import effects
from media_processing.engine import EngineError, Progress
from media_processing.engines.filtergraph import FiltergraphRenderer, Piece, PieceGraph, Shot, Work
from media_processing.ffmpeg import encode_frames, run_ffmpeg
from media_processing.timeline import Timeline, Visual

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
        lacking = effects.problem()
        return [lacking] if lacking else []

    def _load(self) -> None:
        for problem in self.problems():
            raise problem
        self._moviepy = importlib.import_module("moviepy")

    @property
    def _effects(self) -> MoviePyRenderer:
        return self

    def _prepared(self, work: Work, piece: Piece, shot: Shot, folder: Path, progress: Progress) -> Shot:
        """The shot with its visual replaced by a clip that moviepy drew, as long as the piece."""
        timeline = work.timeline
        clip = self._clip(work, piece, shot, folder)
        scene = shot.scene
        if scene.effect:
            effect = effects.make(scene, timeline)
            scene = dataclasses.replace(scene, on_screen="") if getattr(effect, "draws_text", False) else scene
            clip = self._affected(clip, effect, shot, timeline)
        try:
            content = encode_frames(
                self._frames(clip, shot, timeline, piece.frames, progress), width=timeline.width,
                height=timeline.height, fps=timeline.fps, crf=NEARLY_LOSSLESS,
                timeout=60 + 120 * piece.frames / timeline.fps,
            )  # fmt: skip
        finally:
            clip.close()
        drawn = folder / f"drawn{piece.shots.index(shot)}.mp4"
        drawn.write_bytes(content)
        scene = dataclasses.replace(scene, visual=Visual(drawn, kind="video", motion="none"))
        return Shot(scene, 0, piece.frames)

    def _clip(self, work: Work, piece: Piece, shot: Shot, folder: Path) -> Any:
        """A moviepy clip of the shot's picture in the video's size, as long as the scene is shown."""
        timeline = work.timeline
        if shot.scene.visual.kind == "video":
            return self._moviepy.VideoFileClip(str(_safe_copy(work, piece, shot, folder)), audio=False)
        path, view = work.canvases.of(shot, timeline)
        picture = Image.open(path)
        picture.load()

        def frame(second: float) -> NDArray[np.uint8]:
            left, top, wide, high = view.box(second)
            box = (left, top, left + wide, top + high)
            return np.asarray(picture.resize(view.frame, Image.Resampling.BICUBIC, box=box))

        return self._moviepy.VideoClip(frame_function=frame, duration=shot.shown / timeline.fps)

    def _affected(self, clip: Any, effect: Any, shot: Shot, timeline: Timeline) -> Any:
        """The clip under an effect, whatever size, place and mask that gives it."""
        try:
            drawn = clip.with_effects([effect])
            size = (timeline.width, timeline.height)
            return self._moviepy.CompositeVideoClip([drawn], size=size, bg_color=(0, 0, 0)).with_duration(clip.duration)
        except Exception as error:
            raise effects.failure(shot.scene.effect, error) from error

    def _frames(
        self, clip: Any, shot: Shot, timeline: Timeline, count: int, progress: Progress
    ) -> Iterator[NDArray[np.uint8]]:
        for number in range(count):
            progress(self.drawn_before * number / count)
            # Half a frame in: rounding can't fall on the frame before.
            second = min((shot.first + number + 0.5) / timeline.fps, max(0.0, clip.duration - 0.5 / timeline.fps))
            try:
                frame = clip.get_frame(second)
            except Exception as error:
                if not shot.scene.effect:
                    raise
                raise effects.failure(shot.scene.effect, error) from error
            yield np.ascontiguousarray(frame, dtype=np.uint8)


def _safe_copy(work: Work, piece: Piece, shot: Shot, folder: Path) -> Path:
    """All that is shown of a video, decoded by our own wrapper: moviepy opens no file that came from outside."""
    plain = dataclasses.replace(shot.scene, on_screen="", transition="cut", branded=False)
    alone = Piece(shot.shown, (Shot(plain, 0, shot.shown),), (), 0.0)
    inputs, filters = PieceGraph(work.timeline, alone, work.canvases).build(folder)
    target = folder / f"copy{piece.shots.index(shot)}.mp4"
    quality = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", str(NEARLY_LOSSLESS)]
    frames = str(shot.shown)
    run_ffmpeg([*inputs, "-filter_complex", filters, "-map", "[out]", "-frames:v", frames, *quality, target])
    return target
