"""The renderer that ships."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media_processing import burning, captions, sounding
from media_processing.decoding import inspect
from media_processing.engines.base import Renderer
from media_processing.engines.filtergraph import FiltergraphRenderer, join, quoted
from media_processing.ffmpeg import run_ffmpeg
from media_processing.gate import check_video
from media_processing.timeline import Timeline, Visual
from tests.contracts.renderer import RendererContract, corner, frame
from tests.media_processing.films import film, painting, scene, tone
from tests.media_processing.makers import colours

pytestmark = pytest.mark.slow  # `make quick` leaves it out


class TestFiltergraphRenderer(RendererContract):
    @pytest.fixture
    def renderer(self) -> Renderer:
        return FiltergraphRenderer()


def render(timeline: Timeline, folder: Path) -> Path:
    return FiltergraphRenderer().render(timeline, folder / "out.mp4", cache=folder / "cache")


def segments(folder: Path) -> set[str]:
    return {path.name for path in (folder / "cache").glob("*.mp4")}


def test_only_the_changed_scene_is_rendered_again(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    render(timeline, tmp_path)
    before = segments(tmp_path)
    changed = dataclasses.replace(timeline.scenes[1], on_screen="Another headline")
    render(dataclasses.replace(timeline, scenes=(timeline.scenes[0], changed)), tmp_path)
    assert len(segments(tmp_path) - before) == 1


def test_what_holds_no_words_is_drawn_once_for_all_languages(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    first = timeline.scenes[0]
    silent = dataclasses.replace(first, narration=None, words=(), narration_text="", hold=0.5)
    timeline = dataclasses.replace(timeline, scenes=(silent, timeline.scenes[1]))
    render(timeline, tmp_path)
    before = segments(tmp_path)
    render(dataclasses.replace(timeline, language="de"), tmp_path)
    assert len(segments(tmp_path) - before) == 1


def test_a_picture_with_new_content_under_the_same_name_is_rendered_again(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    render(timeline, tmp_path)
    before = segments(tmp_path)
    painting(tmp_path / "one.png", "#0B6B66")
    path = render(timeline, tmp_path)
    assert len(segments(tmp_path) - before) == 1
    assert np.abs(corner(path, 0.5) - (0x0B, 0x6B, 0x66)).max() < 12


def test_captions_stand_where_the_box_says_and_the_spoken_word_is_marked(tmp_path: Path) -> None:
    timeline = film(tmp_path, width=540, height=960)
    path = render(timeline, tmp_path)
    cue = captions.cues(timeline)[0]
    left, top, right, bottom = (round(edge) for edge in burning.caption_box(cue, timeline))
    assert bottom <= 960 * 0.88 + 1 and left >= 540 * 0.06 - 1 and right <= 540 * 0.94 + 1
    seen = frame(path, cue.start + 0.1)
    inside, above = seen[top + 2 : bottom - 2, left + 2 : right - 2], seen[top - 12 : top - 4, left:right]
    assert np.abs(np.median(inside.reshape(-1, 3), 0) - (0x14, 0x13, 0x11)).max() < 8
    assert np.abs(np.median(above.reshape(-1, 3), 0) - (0xB0, 0x30, 0x20)).max() < 12
    orange = (np.abs(inside - (0xF3, 0xB7, 0x63)).max(2) < 40).nonzero()[1]
    white = (inside.min(2) > 215).nonzero()[1]
    assert orange.size and white.size
    assert orange.max() < white.min()  # the first word of the line is spoken
    assert inside[10:-10, 2:5].max() < 70 and inside[10:-10, -5:-2].max() < 70  # letters keep away from the box's sides


def test_narration_begins_when_the_timeline_says(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    path = render(timeline, tmp_path)
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray().mean(0) for frame in container.decode(audio=0)]
    sound = np.abs(np.concatenate(parts))
    heard = np.convolve(sound, np.ones(480) / 480, "same") > 0.02
    edges = np.flatnonzero(np.diff(heard.astype(int)) == 1) / 48000
    expected = [start + each.lead for start, each in zip(timeline.starts(), timeline.scenes, strict=True)]
    assert edges == pytest.approx(expected, abs=0.03)
    assert abs(len(sound) / 48000 - timeline.seconds) < 0.05


@pytest.mark.parametrize("level", [0.02, 0.3, 0.95])
def test_loudness_is_the_platforms_and_peaks_stay_under_one_db(tmp_path: Path, level: float) -> None:
    timeline = film(tmp_path)
    for each in timeline.scenes:
        assert each.narration
        tone(each.narration, each.narration_seconds, level=level)
    loudness, peak = sounding.measure(render(timeline, tmp_path))
    assert loudness == pytest.approx(-14, abs=0.7)
    assert peak < -1


def test_a_single_short_word_is_as_loud(tmp_path: Path) -> None:
    timeline = film(tmp_path, scenes=(scene(tmp_path, "one", "No.", seconds=0.25),))
    loudness, peak = sounding.measure(render(timeline, tmp_path))
    assert loudness == pytest.approx(-14, abs=1.5)  # the meter hears whole blocks of 0.4 s, with the silence around
    assert peak < -1


def test_music_plays_on_and_is_ducked_under_the_voice(tmp_path: Path) -> None:
    music = tone(tmp_path / "music.wav", 0.7, level=0.5)
    quiet = scene(tmp_path, "quiet", "Listen.", seconds=2.0, tail=2.0)
    timeline = film(tmp_path, scenes=(quiet,), music=music)
    graph = sounding._mix(timeline)[1]
    assert "sidechaincompress" in graph
    with av.open(str(render(timeline, tmp_path))) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert np.abs(sound[int(48000 * 2.5) : int(48000 * 2.8)]).max() > 0.01


def test_a_silent_story_stays_silent(tmp_path: Path) -> None:
    silent = dataclasses.replace(scene(tmp_path, "one", "x"), narration=None, words=(), narration_text="", hold=0.5)
    timeline = film(tmp_path, scenes=(silent,))
    assert sounding.measure(render(timeline, tmp_path))[0] <= -69
    assert timeline.seconds == 0.5


def test_clips_are_cropped_and_a_short_one_is_shown_again(tmp_path: Path) -> None:
    clip = colours(tmp_path / "clip.mp4", ("red", 0.3), ("blue", 0.3))
    timeline = film(
        tmp_path, scenes=(scene(tmp_path, "one", "Up and down.", seconds=1.0, visual=Visual(clip, "video")),)
    )
    path = render(timeline, tmp_path)
    assert [corner(path, second).argmax() for second in (0.15, 0.45, 0.75, 1.05)] == [0, 2, 0, 2]


def test_a_clip_begins_at_its_in_point(tmp_path: Path) -> None:
    clip = colours(tmp_path / "clip.mp4", ("red", 1.0), ("blue", 3.0))
    visual = Visual(clip, "video", start=1.5)
    path = render(film(tmp_path, scenes=(scene(tmp_path, "one", "Blue.", visual=visual),)), tmp_path)
    assert corner(path, 0.05).argmax() == 2


def test_pieces_are_joined_on_whole_frames(tmp_path: Path) -> None:
    """Also where a piece says that it ends a moment before its last frame does, as encoders write it now and then."""
    whole, short, sound = tmp_path / "whole.mp4", tmp_path / "short.mp4", tmp_path / "sound.wav"
    encoder = ["-bf", "0", "-video_track_timescale", "15360"]
    run_ffmpeg(["-f", "lavfi", "-i", "testsrc2=s=96x160:r=30", "-frames:v", "10", *encoder, whole])
    cut = "setts=duration='if(eq(N,9),507,DURATION)'"
    run_ffmpeg(["-i", whole, "-c", "copy", "-bsf:v", cut, "-video_track_timescale", "15360", short])
    still = dataclasses.replace(scene(tmp_path, "one", "x"), narration=None, words=(), hold=10 / 30)
    timeline = film(tmp_path, width=96, height=160, scenes=(still, dataclasses.replace(still, id="two")))
    join([short, whole], tone(sound, 0.7), tmp_path / "film.mp4", timeline)
    with av.open(str(tmp_path / "film.mp4")) as container:
        unit = container.streams.video[0].time_base or Fraction(0)
        times = sorted(packet.pts * unit for packet in container.demux(video=0) if packet.pts is not None)
    assert times == [Fraction(number, 30) for number in range(20)]


STRANGE = {
    "7.1 sound at an odd rate": "-r 24000/1001 -ar 11025 -af aformat=channel_layouts=7.1 -c:a flac",
    "times before zero": "-c:v mpeg4 -c:a aac -avoid_negative_ts disabled -output_ts_offset -0.7",
    "one frame": "-frames:v 1 -c:a pcm_s16le -ar 192000",
}


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_clips_are_rendered_to_the_frame(tmp_path: Path, kind: str) -> None:
    """What inspect takes can be rendered: picture and sound as long as the timeline says, the sound heard."""
    clip = tmp_path / ("clip.mp4" if "mpeg4" in STRANGE[kind] else "clip.mkv")
    sources = ["-f", "lavfi", "-i", "testsrc2=s=98x50:r=25:d=1.2", "-f", "lavfi", "-i", "sine=f=300:d=1.2"]
    run_ffmpeg([*sources, *STRANGE[kind].split(), clip])
    inspect(clip)
    visual = Visual(clip, "video", motion="none", volume=1.0)
    silent = dataclasses.replace(scene(tmp_path, "one", "x", visual=visual), narration=None, words=(), hold=1.0)
    timeline = film(tmp_path, width=96, height=160, scenes=(silent,))
    with av.open(str(render(timeline, tmp_path))) as container:
        assert sum(1 for _ in container.decode(video=0)) == timeline.frames == 30
        container.seek(0)
        sound = np.concatenate([part.to_ndarray()[0] for part in container.decode(audio=0)])
    assert abs(len(sound) / 48000 - 1.0) < 0.05
    assert np.abs(sound).max() > 0.02


@pytest.mark.parametrize("motion", ["push", "pull", "pan-left", "pan-right", "pan-up", "pan-down"])
def test_motion_is_steady(tmp_path: Path, motion: str) -> None:
    """The white disc moves by the same small step in every frame: no trembling by whole pixels."""
    visual = Visual(painting(tmp_path / "p.png", "#203040", (900, 1600)), motion=motion, focus=(0.2, 0.2))  # type: ignore[arg-type]
    silent = dataclasses.replace(scene(tmp_path, "one", "x", visual=visual), narration=None, words=(), hold=2.0)
    path = render(film(tmp_path, scenes=(silent,)), tmp_path)
    with av.open(str(path)) as container:
        pictures = [picture.to_ndarray(format="gray").astype(float) for picture in container.decode(video=0)]
    track = np.array([centre_of_light(picture[100:380, 20:250]) for picture in pictures])
    if motion.startswith("pan"):
        assert np.abs(track[-1] - track[0]).max() > 8
    along = np.arange(len(track))
    ideal = np.polynomial.polynomial.polyfit(along, track, 2)
    residual = track - np.polynomial.polynomial.polyval(along, ideal).T
    assert residual.std(0).max() < 0.12
    assert np.abs(np.diff(track, axis=0)).max() < 1.0


def centre_of_light(picture: np.ndarray) -> tuple[float, float]:
    light = np.clip(picture - 100, 0, None)
    across, down = light.sum(0), light.sum(1)
    return (across * np.arange(len(across))).sum() / light.sum(), (down * np.arange(len(down))).sum() / light.sum()


def test_a_fade_dips_through_black(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    faded = dataclasses.replace(timeline.scenes[1], transition="fade")
    timeline = dataclasses.replace(timeline, scenes=(timeline.scenes[0], faded))
    path = render(timeline, tmp_path)
    cut = timeline.starts()[1]
    assert corner(path, cut + 0.01).max() < 40 and corner(path, cut - 0.05).max() < 60
    assert corner(path, cut + 0.6).max() > 150


def test_paths_with_odd_letters_work(tmp_path: Path) -> None:
    folder = tmp_path / "it's [odd], a:b; ü"
    folder.mkdir()
    path = render(film(folder), folder)
    assert path.exists()
    assert quoted(Path("/a'b")) != "/a'b"


def test_other_scripts_are_burned(tmp_path: Path) -> None:
    said = scene(tmp_path, "one", "नमस्ते दुनिया, आज", seconds=1.0)
    timeline = film(tmp_path, scenes=(said,), language="hi", width=540, height=960)
    path = render(timeline, tmp_path)
    left, top, right, bottom = (round(edge) for edge in burning.caption_box(captions.cues(timeline)[0], timeline))
    inside = frame(path, 0.6)[top:bottom, left:right]
    assert (inside.min(2) > 215).sum() > 200


def test_the_gate_passes_a_good_video_and_names_what_is_wrong(tmp_path: Path) -> None:
    timeline = film(tmp_path)
    path = render(timeline, tmp_path)
    assert [finding for finding in check_video(path, timeline) if finding.severity == "blocking"] == []
    longer = dataclasses.replace(timeline.scenes[1], tail=3.0, narration_text="Nobody missed the loud noise.")
    messages = [
        f.message for f in check_video(path, dataclasses.replace(timeline, scenes=(timeline.scenes[0], longer)))
    ]
    assert any("s long instead of" in message for message in messages)
    assert any("every narrated word" in message for message in messages)


@pytest.mark.slow
def test_a_full_size_video(tmp_path: Path) -> None:
    scenes = (
        scene(tmp_path, "one", "The ferry left the harbour at dawn, and nobody heard it go.", seconds=2.0),
        scene(tmp_path, "two", "Forty more will follow.", seconds=1.5, on_screen="Forty more", colour="#1F5FD6"),
    )
    timeline = film(tmp_path, width=1080, height=1920, scenes=scenes)
    path = render(timeline, tmp_path)
    with av.open(str(path)) as container:
        picture = container.streams.video[0]
        assert (picture.width, picture.height, picture.frames) == (1080, 1920, timeline.frames)
    head = path.read_bytes()[:4096]
    assert b"moov" in head  # faststart
