"""Scenes that give way to one another, logos, crops over time, recipes: what is rendered and what is kept."""

from __future__ import annotations

import dataclasses
import io
import threading
import time
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from media_processing import burning, captions, sounding
from media_processing.engine import EngineError
from media_processing.engines.filtergraph import FiltergraphRenderer, pieces
from media_processing.ffmpeg import encode_frames, run_ffmpeg, slots
from media_processing.recipes import AV1, HLS, recipe_named
from media_processing.timeline import Crop, Overlay, Timeline, TimelineScene, Visual
from tests.contracts.renderer import frame
from tests.media_processing.films import film, painting, scene, tone

RED, BLUE, GREEN = (0xB0, 0x30, 0x20), (0x1F, 0x5F, 0xD6), (0x20, 0x90, 0x40)


def silent(folder: Path, *colours: tuple[int, int, int], hold: float = 0.6, **more: object) -> Timeline:
    """Scenes of plain pictures that stand still, each after the first beginning with the transition of `more`."""
    made = []
    for number, colour in enumerate(colours):
        path = folder / f"{number}.png"
        Image.new("RGB", (96, 160), colour).save(path)
        begins = more if number else {}
        made.append(TimelineScene(str(number), Visual(path, motion="none"), hold=hold, **begins))  # type: ignore[arg-type]
    return Timeline(96, 160, tuple(made))


def render(timeline: Timeline, folder: Path, **options: object) -> Path:
    return FiltergraphRenderer().render(timeline, folder / "out.mp4", cache=folder / "cache", **options)  # type: ignore[arg-type]


def segments(folder: Path) -> set[str]:
    return {path.name for path in (folder / "cache").glob("*.mp4")}


def test_pieces_are_the_video_to_the_frame(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    second = dataclasses.replace(timeline.scenes[1], transition="wipe", transition_seconds=0.4)
    third = dataclasses.replace(second, id="three", transition="fade")
    timeline = dataclasses.replace(timeline, scenes=(timeline.scenes[0], second, third))
    found = pieces(timeline)
    assert [len(piece.shots) for piece in found] == [1, 2, 1, 1]
    assert sum(piece.frames for piece in found) == timeline.frames
    first, change, own, _ = found
    # Each scene's picture goes on without a gap from one piece to the next.
    assert change.shots[0].first == first.frames
    assert change.shots[1].first == 0 and own.shots[0].first == change.frames
    assert change.shots[0].shown == first.frames + change.frames
    assert own.shots[0].shown == change.frames + own.frames
    # The captions' clock: the transition stands around the second scene's start.
    assert change.clock == pytest.approx(first.frames / 30)
    assert change.captioned[1][1] == pytest.approx(timeline.starts()[1])
    assert own.fade_out == 0.2 and not first.fade_out


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cross-fade", "slide", "wipe", "zoom"])
def test_two_scenes_are_seen_while_they_change(tmp_path: Path, kind: str) -> None:
    timeline = silent(tmp_path, RED, BLUE, transition=kind)
    path = render(timeline, tmp_path)
    with av.open(str(path)) as container:
        pictures = [each.to_ndarray(format="rgb24").astype(int) for each in container.decode(video=0)]
    assert len(pictures) == timeline.frames
    overlap = timeline.overlaps()[1]
    cut = round(timeline.starts()[1] * 30)
    before, after = pictures[cut - overlap.before - 1], pictures[cut + overlap.after]
    assert np.abs(before - RED).max() < 14 and np.abs(after - BLUE).max() < 14
    changing = np.array([each.mean((0, 1)) for each in pictures[cut - overlap.before : cut + overlap.after]])
    red, blue = changing[:, 0], changing[:, 2]
    assert ((red > BLUE[0] + 20) & (red < RED[0] - 20) & (blue > RED[2] + 25) & (blue < BLUE[2] - 25)).sum() >= 3
    assert np.diff(red).max() < 4 and np.diff(blue).min() > -4  # one way only


@pytest.mark.slow
def test_a_changed_scene_costs_itself_and_its_transitions(tmp_path: Path) -> None:
    timeline = silent(tmp_path, RED, BLUE, GREEN, RED, transition="cross-fade")
    render(timeline, tmp_path)
    before = segments(tmp_path)
    assert len(before) == 7
    Image.new("RGB", (96, 160), (200, 200, 0)).save(tmp_path / "2.png")
    render(timeline, tmp_path)
    assert len(segments(tmp_path) - before) == 3
    before = segments(tmp_path)
    scenes = list(timeline.scenes)
    scenes[1] = dataclasses.replace(scenes[1], transition="slide")
    render(dataclasses.replace(timeline, scenes=tuple(scenes)), tmp_path)
    assert len(segments(tmp_path) - before) == 1


@pytest.mark.slow
def test_a_clip_goes_on_through_a_transition_without_a_jump(tmp_path: Path) -> None:
    """The clip's n-th frame has the grey 40 + 4 n: each frame of the video must be one step on."""
    grey = [np.full((160, 96, 3), 40 + 4 * number, np.uint8) for number in range(50)]
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(encode_frames(grey, width=96, height=160, crf=4))
    dark = tmp_path / "dark.png"
    Image.new("RGB", (96, 160)).save(dark)
    scenes = (
        TimelineScene("clip", Visual(clip, "video", start=0.1), hold=1.0),
        TimelineScene("dark", Visual(dark, motion="none"), hold=1.0, transition="wipe", transition_seconds=0.4),
    )
    path = render(Timeline(96, 160, scenes), tmp_path)
    with av.open(str(path)) as container:
        # A soft wipe comes from the right: the left edge shows the clip the longest.
        left = [each.to_ndarray(format="rgb24")[:, :6].mean() for each in container.decode(video=0)]
    steps = np.diff(left[: 30 - 6 + 5])
    assert steps == pytest.approx([4.0] * len(steps), abs=2.5)  # a frame lost or shown twice is 4 off
    assert left[0] == pytest.approx(40 + 4 * 3, abs=3)


@pytest.mark.slow
def test_captions_and_speech_keep_their_times(tmp_path: Path) -> None:
    plain = film(tmp_path, width=540, height=960)
    second = dataclasses.replace(plain.scenes[1], transition="slide")
    timeline = dataclasses.replace(plain, scenes=(plain.scenes[0], second))
    assert timeline.starts() == plain.starts() and captions.cues(timeline) == captions.cues(plain)
    path = render(timeline, tmp_path)
    cue = captions.cues(timeline)[-1]
    # The first caption of the second scene begins with its word, in a box that doesn't slide with the picture.
    _left, top, _right, bottom = (round(edge) for edge in burning.caption_box(cue, timeline))
    white = [(frame(path, at)[top:bottom].min(2) > 215).sum() for at in (cue.start - 0.07, cue.start + 0.05)]
    first = captions.cues(timeline)[0]
    assert first.end < cue.start and white[1] > 400 > white[0]
    assert sounding.measure(path)[0] == pytest.approx(-14, abs=0.7)


@pytest.mark.slow
def test_a_logo_stands_over_all_scenes_but_the_intro(tmp_path: Path) -> None:
    Image.new("RGBA", (80, 40), (255, 255, 255, 255)).save(tmp_path / "logo.png")
    timeline = silent(tmp_path, RED, BLUE, transition="slide")
    intro = dataclasses.replace(timeline.scenes[0], branded=False)
    logo = Overlay(tmp_path / "logo.png", "top-right", 0.5, 0.25)
    timeline = dataclasses.replace(timeline, scenes=(intro, timeline.scenes[1]), overlays=(logo,))
    path = render(timeline, tmp_path)
    left, top, width, height = 96 - 4 - 24, 4, 24, 12
    for second, ground in ((0.1, RED), (1.1, BLUE)):
        seen = frame(path, second)[top + 2 : top + height - 2, left + 2 : left + width - 2].reshape(-1, 3).mean(0)
        expected = ground if second < 0.5 else [(255 + part) / 2 for part in ground]
        assert np.abs(seen - expected).max() < 16


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["image", "video"])
def test_a_crop_moves_over_its_source(tmp_path: Path, kind: str) -> None:
    """The left half is red, the right half blue; the crop goes from one into the other."""
    source = np.zeros((360, 640, 3), np.uint8)
    source[:, :320], source[:, 320:] = RED, BLUE
    still, clip = tmp_path / "halves.png", tmp_path / "halves.mp4"
    Image.fromarray(source).save(still)
    clip.write_bytes(encode_frames([source] * 40, width=640, height=360))
    crops = (Crop(0, 0, 0, 0.3, 1), Crop(1, 0.7, 0, 0.3, 1))
    visual = Visual(still if kind == "image" else clip, kind, crops=crops)  # type: ignore[arg-type]
    path = render(Timeline(270, 480, (TimelineScene("one", visual, hold=1.2),)), tmp_path)
    with av.open(str(path)) as container:
        pictures = [each.to_ndarray(format="rgb24").astype(int) for each in container.decode(video=0)]
    blue = np.array([(each[200:280, :, 2] > each[200:280, :, 0]).mean() for each in pictures])
    assert blue[0] == 0 and blue[-1] == 1
    # Where the border stands by arithmetic: the crop is narrower than the frame's shape, so its width is shown.
    wide = 0.3 * 640
    left = np.clip(np.arange(36) / 30, 0, 1) * 0.7 * 640
    expected = np.clip((left + wide - 320) / wide, 0, 1)
    assert np.abs(blue - expected).max() < 0.012


@pytest.mark.slow
def test_a_clips_own_sound_is_heard_where_it_is_wanted(tmp_path: Path) -> None:
    clip = tmp_path / "loud.mp4"
    sound = tone(tmp_path / "tone.wav", 1.0)
    picture = ["-f", "lavfi", "-i", "color=red:s=96x160:d=1"]
    run_ffmpeg([*picture, "-i", sound, "-c:v", "libx264", "-c:a", "aac", "-shortest", clip])
    heard = []
    for volume in (0.0, 1.0):
        visual = Visual(clip, "video", volume=volume)
        path = render(Timeline(96, 160, (TimelineScene("one", visual, hold=1.0),)), tmp_path)
        heard.append(sounding.measure(path)[0])
    assert heard[0] <= -69 and heard[1] == pytest.approx(-14, abs=1)


@pytest.mark.slow
def test_av1_and_hls_come_from_the_same_timeline(tmp_path: Path) -> None:
    timeline = silent(tmp_path, RED, BLUE, transition="cross-fade")
    with av.open(str(render(timeline, tmp_path, recipe=AV1))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name in ("av1", "libdav1d", "libaom-av1"), stream.width) == (True, 96)
        assert sum(1 for _ in container.decode(video=0)) == timeline.frames
    render(timeline, tmp_path)
    before = segments(tmp_path)
    with zipfile.ZipFile(render(timeline, tmp_path, recipe=HLS)) as archive:
        assert segments(tmp_path) == before  # the pieces of the MP4, copied
        parts = [line for line in archive.read("playlist.m3u8").decode().splitlines() if not line.startswith("#")]
        assert sorted(archive.namelist()) == sorted(["init.mp4", "playlist.m3u8", *parts])
        whole = io.BytesIO(archive.read("init.mp4") + b"".join(archive.read(part) for part in parts))
    with av.open(whole) as container:
        assert sum(1 for _ in container.decode(video=0)) == timeline.frames
    with pytest.raises(EngineError, match="There is no recipe"):
        recipe_named("gif")


def test_renders_share_one_number_of_slots(tmp_path: Path) -> None:
    lock, most, now = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal most, now
        with slots(tmp_path, 2, of=3) as held:
            with lock:
                now += held
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= held

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert 1 <= most <= 3 and now == 0


def test_whoever_waits_for_a_slot_can_be_stopped(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(_share: float) -> None:
        raise Cancelled

    with slots(tmp_path, 1, of=1), pytest.raises(Cancelled), slots(tmp_path, 1, of=1, progress=cancel):
        raise AssertionError("There was no slot.")
    with slots(tmp_path, 5, of=2) as held:
        assert held == 2


@pytest.mark.slow
def test_a_cancelled_render_ends_at_once(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    asked = 0.0

    def cancel(share: float) -> None:
        nonlocal asked
        if share > 0:
            asked = asked or time.monotonic()
            raise Cancelled

    long = scene(tmp_path, "long", "One two three.", seconds=20.0, visual=Visual(painting(tmp_path / "p.png")))
    with pytest.raises(Cancelled):
        render(film(tmp_path, width=1080, height=1920, scenes=(long,)), tmp_path, progress=cancel)
    assert time.monotonic() - asked < 1.0
