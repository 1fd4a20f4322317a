"""The renderer that ships: one ffmpeg graph for each scene, scenes joined without encoding them again."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from media_processing import burning, captions, sounding, stills
from media_processing.decoding import inspect
from media_processing.engine import Progress
from media_processing.engines.base import Renderer
from media_processing.ffmpeg import binary, run_ffmpeg, untrusted
from media_processing.timeline import Timeline, TimelineScene

VERSION = 1
"""Part of every digest: raise it when the same timeline gives another picture or sound."""
ENCODER = {"preset": "veryfast", "crf": "23"}
KEYFRAME_SECONDS = 2
FADE = 0.3
"""Seconds of a dip from or to black."""
MOST_REPEATS = 12
"""How often a short clip is shown again before its last frame is held."""

_COLOUR = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
_SHARE_OF_SCENES = 0.92
"""The part of the work that is drawing scenes; sound and joining are the rest."""


class _Stopped(Exception):
    """Another scene failed, or somebody cancelled."""


class FiltergraphRenderer(Renderer):
    """Renders with ffmpeg and libass; scenes are kept by the digest of all that they consume."""

    title: ClassVar[str] = "ffmpeg graphs"
    starter: ClassVar[bool] = True
    drawn_before: ClassVar[float] = 0.0
    """The share of a scene's work that `_prepared` does."""

    def __init__(self, name: str = "", *, threads: int = 0) -> None:
        super().__init__(name)
        self.threads = threads or os.cpu_count() or 1

    @property
    def model(self) -> str:
        return Path(binary()).name

    def _render(self, timeline: Timeline, target: Path, *, cache: Path, progress: Progress) -> Path:
        cache.mkdir(parents=True, exist_ok=True)
        segments = self._segments(timeline, cache, progress)
        progress(_SHARE_OF_SCENES)
        sound = self._sound(timeline, cache)
        progress(0.96)
        join(segments, sound, target, timeline)
        progress(1.0)
        return target

    def _segments(self, timeline: Timeline, cache: Path, progress: Progress) -> list[Path]:
        """All scenes, as many at a time as there are threads: the filters of one scene keep one core busy, no more.

        Progress is told by this thread alone, which also stops the others when that raises.
        """
        frames = [scene.frames(timeline.fps) for scene in timeline.scenes]
        shares = [0.0] * len(frames)
        over = threading.Event()

        def report(number: int, share: float) -> None:
            shares[number] = share
            if over.is_set():
                raise _Stopped

        with ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="scene") as pool:
            following = [*timeline.scenes[1:], None]
            segments = [
                pool.submit(self._segment, timeline, scene, following[number], cache, functools.partial(report, number))
                for number, scene in enumerate(timeline.scenes)
            ]
            waiting = set(segments)
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=0.25, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    drawn = sum(count * share for count, share in zip(frames, shares, strict=True))
                    progress(_SHARE_OF_SCENES * drawn / timeline.frames)
            finally:
                over.set()
                pool.shutdown(cancel_futures=True)
        return [segment.result() for segment in segments]

    def _segment(
        self, timeline: Timeline, scene: TimelineScene, following: TimelineScene | None, cache: Path, progress: Progress
    ) -> Path:
        """The encoded picture of one scene, without sound: from the cache, else drawn."""
        cues = captions.scene_cues(scene, timeline)
        fonts = burning.needed_fonts(cues, timeline)
        script = burning.to_ass(cues, timeline) if cues else ""
        fade_out = following is not None and following.transition == "fade"
        digest = _digest(
            {
                "version": VERSION, "made_by": [self.title, self.model],
                "encoder": [*ENCODER.values(), KEYFRAME_SECONDS],
                "size": [timeline.width, timeline.height],
                "fps": timeline.fps, "frames": scene.frames(timeline.fps), "captions": script,
                "fonts": [file_digest(font.path) for font in fonts], "visual": {**asdict(scene.visual), "path": ""},
                "file": file_digest(scene.visual.path), "headline": scene.on_screen, "look": asdict(timeline.look),
                "language": timeline.language, "fade_in": scene.transition == "fade", "fade_out": fade_out,
            }
        )  # fmt: skip

        def draw(temporary: Path, folder: Path) -> None:
            graph = SceneGraph(timeline, self._prepared(timeline, scene, folder, progress), fade_out, folder)
            if cues:
                burning.fonts_folder(fonts, folder / "fonts")
                (folder / "captions.ass").write_text(script, encoding="utf-8")
            inputs, filters = graph.build(with_captions=bool(cues))
            run_ffmpeg(
                [*inputs, "-filter_complex", filters, "-map", "[out]", *self._encoder(timeline, scene), temporary],
                progress=lambda share: progress(self.drawn_before + (1 - self.drawn_before) * share),
                seconds=scene.frames(timeline.fps) / timeline.fps,
                timeout=60 + 60 * scene.seconds,
            )

        return kept(cache / f"{digest}.mp4", draw)

    def _prepared(self, timeline: Timeline, scene: TimelineScene, folder: Path, progress: Progress) -> TimelineScene:
        """The scene as the graph takes it. An engine that draws by other means gives it a clip of its own here."""
        return scene

    def _encoder(self, timeline: Timeline, scene: TimelineScene) -> list[str]:
        """The same for every scene, so that segments can be joined by copying."""
        keyframes = str(timeline.fps * KEYFRAME_SECONDS)
        threads = str(max(1, self.threads // min(self.threads, len(timeline.scenes))))
        return [
            "-frames:v", str(scene.frames(timeline.fps)), "-r", str(timeline.fps),
            "-c:v", "libx264", "-preset", ENCODER["preset"], "-crf", ENCODER["crf"], "-profile:v", "high",
            "-pix_fmt", "yuv420p", "-g", keyframes, "-flags", "+cgop", *_COLOUR,
            "-threads", threads, "-filter_complex_threads", threads,
            "-video_track_timescale", str(timeline.fps * 512), "-an", "-f", "mp4",
        ]  # fmt: skip

    def _sound(self, timeline: Timeline, cache: Path) -> Path:
        digest = _digest(
            {
                "version": VERSION, "ffmpeg": self.model, "fps": timeline.fps, "volume": timeline.music_volume,
                "loudness": [sounding.LOUDNESS, sounding.PEAK],
                "music": file_digest(timeline.music) if timeline.music else "",
                "scenes": [
                    [scene.frames(timeline.fps), scene.lead, file_digest(scene.narration) if scene.narration else ""]
                    for scene in timeline.scenes
                ],
            }
        )  # fmt: skip
        return kept(cache / f"{digest}.flac", lambda temporary, folder: sounding.assemble(timeline, temporary, folder))


@dataclass(frozen=True)
class SceneGraph:
    """The inputs and filters of one scene. Files that it needs are written to `folder`."""

    timeline: Timeline
    scene: TimelineScene
    fade_out: bool
    folder: Path

    def build(self, *, with_captions: bool) -> tuple[list[str], str]:
        """Input arguments, and a graph whose picture comes out of [out]."""
        inputs, chain = self._still() if self.scene.visual.kind == "image" else self._clip()
        chain += self._fades()
        headline = stills.headline_layer(self.scene.on_screen, self.timeline)
        if headline:
            layer, x, y = headline
            layer.save(self.folder / "headline.png", compress_level=1)
            number = inputs.count("-i")
            inputs += ["-i", str(self.folder / "headline.png")]
            # A layer covers only its own rectangle, and its one frame is repeated: blending costs little.
            chain += f"[under];[under][{number}:v]overlay={x}:{y}:eof_action=repeat:format=yuv420"
        if with_captions:
            script, fonts = quoted(self.folder / "captions.ass"), quoted(self.folder / "fonts")
            chain += f",ass=filename={script}:fontsdir={fonts}"
        return inputs, f"{chain},format=yuv420p,setsar=1[out]"

    def _still(self) -> tuple[list[str], str]:
        picture, views = stills.prepare(self.scene.visual, self.timeline.width, self.timeline.height)
        path = self.folder / "still.png"
        picture.save(path, compress_level=1)
        frames = self.scene.frames(self.timeline.fps)
        chain = (
            "[0:v]scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,"
            f"loop=loop=-1:size=1:start=0,setpts=N/{self.timeline.fps}/TB,fps={self.timeline.fps},trim=end_frame={frames}"
        )
        if views.moves:
            chain += "," + views.perspective(frames)
        if picture.size != (self.timeline.width, self.timeline.height):
            chain += f",crop={self.timeline.width}:{self.timeline.height}:0:0"
        return ["-i", str(path)], chain

    def _clip(self) -> tuple[list[str], str]:
        visual, timeline = self.scene.visual, self.timeline
        frames = self.scene.frames(timeline.fps)
        needed = frames / timeline.fps
        length = inspect(visual.path).seconds
        start = min(visual.start, max(0.0, length - 0.1))
        end = min(visual.end or length, length)
        stretch = max(end - start, 1 / timeline.fps)
        # A little short: its last frame is held. Much too short: it is shown again from its beginning.
        repeats = 1 if stretch >= needed * 0.8 else min(MOST_REPEATS, int(needed / stretch) + 1)
        inputs = ["-ss", f"{start:.3f}", "-t", f"{stretch:.3f}", *untrusted(visual.path)] * repeats
        even = f"fps={timeline.fps},setpts=PTS-STARTPTS"
        chain = "".join(f"[{number}:v:0]{even}[c{number}];" for number in range(repeats))
        chain += "".join(f"[c{number}]" for number in range(repeats)) + f"concat=n={repeats}:v=1:a=0,"
        x, y = visual.focus
        chain += (
            f"scale={timeline.width}:{timeline.height}:force_original_aspect_ratio=increase:flags=bicubic"
            ":out_color_matrix=bt709:out_range=tv,setsar=1,"
            f"crop={timeline.width}:{timeline.height}:clip(iw*{x:.4f}-ow/2\\,0\\,iw-ow):clip(ih*{y:.4f}-oh/2\\,0\\,ih-oh),"
            f"format=yuv420p,tpad=stop=-1:stop_mode=clone,trim=end_frame={frames},setpts=N/{timeline.fps}/TB"
        )
        return inputs, chain

    def _fades(self) -> str:
        length = self.scene.frames(self.timeline.fps) / self.timeline.fps
        chain = f",fade=t=in:st=0:d={FADE}" if self.scene.transition == "fade" else ""
        return chain + (f",fade=t=out:st={max(0.0, length - FADE):.3f}:d={FADE}" if self.fade_out else "")


def join(segments: list[Path], sound: Path, target: Path, timeline: Timeline) -> None:
    """Join scenes by copying, put the sound beside them, and let `target` appear whole."""

    def write(temporary: Path, folder: Path) -> None:
        listing = folder / "segments.txt"
        names = [str(path.resolve()).replace("'", r"'\''") for path in segments]
        listing.write_text("".join(f"file '{name}'\n" for name in names), encoding="utf-8")
        run_ffmpeg(
            [
                "-f", "concat", "-safe", "0", "-i", listing, "-i", sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy",
                "-c:a", "aac", "-b:a", "160k", "-ar", str(sounding.RATE), "-movflags", "+faststart",
                "-metadata:s:a:0", f"language={timeline.language}", "-f", "mp4", temporary,
            ]
        )  # fmt: skip

    whole(target, write)


def kept(path: Path, make: Callable[[Path, Path], None]) -> Path:
    """A file of the cache, made when it isn't there. Two makers at once do no harm: the same bytes under one name."""
    if path.exists():
        path.touch()  # so that a sweep by age takes what nobody uses
        return path
    whole(path, make)
    return path


def whole(path: Path, make: Callable[[Path, Path], None]) -> None:
    """Let `make(temporary, folder)` write a file that appears under `path` complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as name:
        folder = Path(name)
        temporary = folder / f"whole{path.suffix}"
        make(temporary, folder)
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, read again only when the file has changed."""
    status = path.stat()
    return _content_digest(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _content_digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(consumed: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(consumed, sort_keys=True).encode()).hexdigest()


def quoted(path: Path) -> str:
    """A path as a value inside a filtergraph: escaped for the filter's options, then for the graph."""
    text = str(path)
    for special in ("\\", ":", "'"):
        text = text.replace(special, "\\" + special)
    for special in ("\\", "'", "[", "]", ",", ";"):
        text = text.replace(special, "\\" + special)
    return text
