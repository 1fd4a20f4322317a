"""The gate, on films that each have one fault: what it says, in which scene, at which second."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media_processing.ffmpeg import run_ffmpeg
from media_processing.gate import Finding, check_video
from media_processing.sound import write_wav
from media_processing.timeline import CaptionStyle, Look, Timeline, Visual
from tests.media_processing.films import film, painting, scene
from tests.media_processing.makers import clip

pytestmark = pytest.mark.slow


def made(
    folder: Path, timeline: Timeline, *, picture: str = "testsrc2", sound: str = "sine=f=300", more: str = ""
) -> Path:
    """A video of the timeline's size and length, whatever its scenes show."""
    path = folder / "made.mp4"
    seconds = f"{timeline.seconds:.4f}"
    separator = ":" if "=" in picture else "="
    run_ffmpeg(
        ["-f", "lavfi", "-i", f"{picture}{separator}s={timeline.width}x{timeline.height}:r={timeline.fps}:d={seconds}",
         "-f", "lavfi", "-i", f"{sound}:d={seconds}", "-af", "volume=-8dB" + more, "-c:v", "libx264", "-preset",
         "ultrafast", "-pix_fmt", "yuv420p", path]
    )  # fmt: skip
    return path


def found(path: Path, timeline: Timeline, words: str) -> list[Finding]:
    return [finding for finding in check_video(path, timeline) if words in finding.message]


def with_visual(timeline: Timeline, number: int, **changes: Any) -> Timeline:
    scenes = list(timeline.scenes)
    scenes[number] = dataclasses.replace(scenes[number], visual=Visual(**changes))
    return dataclasses.replace(timeline, scenes=tuple(scenes))


def test_a_black_stretch(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    (black,) = found(made(tmp_path, timeline, picture="color=c=black"), timeline, "black")
    assert (black.severity, black.scene, black.second) == ("blocking", timeline.scenes[0].id, 0.0)


def test_silence_and_sound_that_is_off(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    assert found(made(tmp_path, timeline, more=",volume=0"), timeline, "silent")
    assert found(made(tmp_path, timeline, more=",volume=-20dB"), timeline, "LUFS")
    assert found(made(tmp_path, timeline, more=",volume=30dB"), timeline, "may crackle")


def test_a_recording_cut_off_at_full_scale(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    time = np.arange(22050) / 22050
    loud = np.clip(2.5 * np.sin(2 * np.pi * 220 * time), -1, 1)
    loud[:8000] = 0.1 * np.sin(2 * np.pi * 220 * time[:8000])
    path = tmp_path / "loud.wav"
    write_wav(path, (loud * 32767).astype(np.int16), 22050)
    worse = dataclasses.replace(
        timeline, scenes=(timeline.scenes[0], dataclasses.replace(timeline.scenes[1], narration=path))
    )
    video = made(tmp_path, timeline)
    assert not found(video, timeline, "clipped")
    (clipped,) = found(video, worse, "clipped")
    assert clipped.scene == timeline.scenes[1].id
    assert clipped.second == pytest.approx(timeline.starts()[1] + timeline.scenes[1].lead + 8000 / 22050, abs=0.02)


def test_a_clip_that_stands_still(tmp_path: Path) -> None:
    moving = clip(tmp_path / "moving.mp4", seconds=3, size="320x240", rate=30)
    held = tmp_path / "held.mp4"
    run_ffmpeg(["-i", moving, "-vf", "trim=end=1,tpad=stop_mode=clone:stop_duration=3", "-an", held])
    timeline = film(tmp_path, scenes=(scene(tmp_path, "one", "A line that is said.", seconds=2.6),))
    video = made(tmp_path, timeline)
    assert not found(video, with_visual(timeline, 0, path=moving, kind="video"), "stands still")
    (frozen,) = found(video, with_visual(timeline, 0, path=held, kind="video"), "stands still")
    assert (frozen.severity, frozen.scene) == ("warning", "one")
    assert frozen.second == pytest.approx(1.0, abs=0.1)
    (whole,) = found(video, with_visual(timeline, 0, path=held, kind="video", start=1.1), "stands still")
    assert whole.severity == "blocking"


def test_captions_that_nobody_can_read(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    video = made(tmp_path, timeline)
    pale = dataclasses.replace(timeline, look=Look(captions=CaptionStyle(box="#AAAAAA", text="#FFFFFF")))
    assert [each.severity for each in found(video, pale, "contrast")] == ["blocking"]
    high = dataclasses.replace(timeline, look=Look(captions=CaptionStyle(bottom=0.99)))
    assert {each.severity for each in found(video, high, "runs off the picture")} == {"blocking"}
    fast = scene(tmp_path, "fast", "Nobody can read such a long line as this one in so little time", seconds=1.0)
    rushed = film(tmp_path, scenes=(fast,))
    assert found(made(tmp_path, rushed), rushed, "too fast to read")


def test_the_same_shot_twice_and_pictures_that_are_too_small(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    video = made(tmp_path, timeline)
    small = painting(tmp_path / "small.png", size=(100, 178))
    again = with_visual(with_visual(timeline, 0, path=small), 1, path=small)
    (repeated,) = found(video, again, "shown before")
    assert repeated.scene == timeline.scenes[1].id
    assert [each.severity for each in found(video, again, "enlarged")] == ["warning", "warning"]
    tiny = painting(tmp_path / "tiny.png", size=(40, 60))
    assert [each.severity for each in found(video, with_visual(timeline, 0, path=tiny), "enlarged")] == ["blocking"]
    clips = clip(tmp_path / "clip.mp4", seconds=4, size="320x240", rate=10)
    near = with_visual(with_visual(timeline, 0, path=clips, kind="video"), 1, path=clips, kind="video", start=0.4)
    far = with_visual(with_visual(timeline, 0, path=clips, kind="video"), 1, path=clips, kind="video", start=2.4)
    assert found(video, near, "shown before") and not found(video, far, "shown before")
