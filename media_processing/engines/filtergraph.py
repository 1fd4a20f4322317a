"""The renderer that ships: ffmpeg graphs for each stretch of a video, joined without encoding them again."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from media_processing import burning, captions, effects, sounding, stills
from media_processing.decoding import Probe, inspect
from media_processing.engine import Progress, no_progress
from media_processing.engines.base import Renderer
from media_processing.ffmpeg import binary, run_ffmpeg, slots, untrusted
from media_processing.lookups import looked_up
from media_processing.motion import View
from media_processing.recipes import H264, Recipe, pack
from media_processing.timeline import Overlap, Timeline, TimelineScene

VERSION = 3
"""Part of every digest: raise it when the same timeline gives another picture or sound."""
KEYFRAME_SECONDS = 2
MOST_REPEATS = 12
"""How often a short clip is shown again before its last frame is held."""

_COLOUR = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
_TO_BT709 = ":out_color_matrix=bt709:out_range=tv"
_XFADES = {"cross-fade": "fade", "slide": "slideleft", "wipe": "smoothleft", "zoom": "zoomin"}
"""ffmpeg's names of the transitions that show two scenes at once."""
_SHARE_OF_SCENES = 0.92
"""The part of the work that is drawing scenes; sound and joining are the rest."""
_BORDER = 64
"""Pixels that are put around a clip for windows at its edges."""
_EARLY = 15
"""Frames that a clip is read from before the one that is wanted, so that frame rates are matched as from its start."""


Layer = tuple[Image.Image, int, int]
"""A picture, and where its left upper corner stands in the frame."""


class _Stopped(Exception):
    """Another scene failed, or somebody cancelled."""


@dataclass(frozen=True)
class Shot:
    """A scene's picture from one of its frames on.

    A scene is shown before its start and beyond its end where transitions overlap: `shown` is the number of all those
    frames, and `first` counts from the first of them.
    """

    scene: TimelineScene
    first: int
    shown: int


@dataclass(frozen=True)
class Piece:
    """A stretch of the video that is encoded on its own: some frames of one scene, or two scenes while they change."""

    frames: int
    shots: tuple[Shot, ...]
    captioned: tuple[tuple[TimelineScene, float], ...]
    """Scenes whose captions may stand in it, with the second of the captions' clock at which each begins."""
    clock: float
    """The second of the captions' clock at which the piece begins."""
    fade_out: float = 0.0
    """Seconds in which it goes black at its end."""


def pieces(timeline: Timeline) -> list[Piece]:
    """What a video is put together from, in order. Together they have exactly its frames."""
    fps, scenes = timeline.fps, timeline.scenes
    overlaps = [*timeline.overlaps(), Overlap()]
    found: list[Piece] = []
    for number, scene in enumerate(scenes):
        begins, ends, own = overlaps[number], overlaps[number + 1], scene.frames(fps)
        if begins.frames:
            before = scenes[number - 1]
            length = before.frames(fps)
            whole = overlaps[number - 1].before + length + begins.after
            leaving = Shot(before, whole - begins.frames, whole)
            coming = Shot(scene, 0, begins.before + own + ends.after)
            captioned = ((before, 0.0), (scene, length / fps))
            found.append(Piece(begins.frames, (leaving, coming), captioned, (length - begins.before) / fps))
        following = scenes[number + 1] if number + 1 < len(scenes) else None
        dip = following.transition_seconds / 2 if following and following.transition == "fade" else 0.0
        shot = Shot(scene, begins.frames, begins.before + own + ends.after)
        frames = own - begins.after - ends.before
        found.append(Piece(frames, (shot,), ((scene, 0.0),), begins.after / fps, dip))
    return found


class FiltergraphRenderer(Renderer):
    """Renders with ffmpeg and libass; pieces of the video are kept by the digest of all that they consume."""

    title: ClassVar[str] = "ffmpeg graphs"
    starter: ClassVar[bool] = True
    drawn_before: ClassVar[float] = 0.0
    """The share of a piece's work that `_prepared` does."""

    def __init__(self, name: str = "", *, threads: int = 0) -> None:
        super().__init__(name)
        self.threads = threads or os.cpu_count() or 1

    @property
    def model(self) -> str:
        return Path(binary()).name

    def _render(
        self, timeline: Timeline, target: Path, *, cache: Path, progress: Progress, recipe: Recipe = H264
    ) -> Path:
        for scene in timeline.scenes:
            if scene.effect:
                effects.require(scene.effect)
        cache.mkdir(parents=True, exist_ok=True)
        segments = self._segments(timeline, recipe, cache, progress)
        progress(_SHARE_OF_SCENES)
        sound = self._sound(timeline, cache, progress)
        progress(0.96)
        join(segments, sound, target, timeline, recipe)
        progress(1.0)
        return target

    def _segments(self, timeline: Timeline, recipe: Recipe, cache: Path, progress: Progress) -> list[Path]:
        """All pieces, as many at a time as there are threads: a thread for each is the least work together.

        Progress is told by this thread alone, which also stops the others when that raises.
        """
        parts = pieces(timeline)
        shares = [0.0] * len(parts)
        over = threading.Event()

        def report(number: int, share: float) -> None:
            shares[number] = max(shares[number], share)
            if over.is_set():
                raise _Stopped

        with (
            tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as folder,
            ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="scene") as pool,
        ):
            work = Work(timeline, recipe, cache, Canvases(Path(folder)), max(1, self.threads // len(parts)))
            segments = [
                pool.submit(self._segment, work, piece, functools.partial(report, number))
                for number, piece in enumerate(parts)
            ]
            waiting = set(segments)
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=0.25, return_when=FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    drawn = sum(piece.frames * share for piece, share in zip(parts, shares, strict=True))
                    progress(_SHARE_OF_SCENES * drawn / timeline.frames)
            finally:
                over.set()
                pool.shutdown(cancel_futures=True)
        return [segment.result() for segment in segments]

    def _segment(self, work: Work, piece: Piece, progress: Progress) -> Path:
        """The encoded picture of one piece, without sound: from the cache, else drawn."""
        graph = PieceGraph(work.timeline, piece, work.canvases)
        digest = _digest(
            {
                "version": VERSION, "made_by": [self.title, self.model],
                "encoder": [*work.recipe.encoder, KEYFRAME_SECONDS], **graph.consumed(),
            }
        )  # fmt: skip

        def draw(temporary: Path, folder: Path) -> None:
            with slots(work.cache / ".slots", work.threads, of=self.threads, progress=progress) as threads:
                affected = any(shot.scene.effect for shot in piece.shots)
                before = self._effects.drawn_before if affected else self.drawn_before
                shots = tuple(self._prepared(work, piece, shot, folder, progress) for shot in piece.shots)
                inputs, filters = replace(graph, piece=replace(piece, shots=shots)).build(folder)
                encoder = self._encoder(work, piece, threads)
                run_ffmpeg(
                    [*inputs, "-filter_complex", filters, "-map", "[out]", *encoder, temporary],
                    progress=lambda share: progress(before + (1 - before) * share),
                    seconds=piece.frames / work.timeline.fps,
                    timeout=60 + 60 * piece.frames / work.timeline.fps,
                )

        path = kept(work.cache / f"{digest}.mp4", draw)
        progress(1.0)
        return path

    def _prepared(self, work: Work, piece: Piece, shot: Shot, folder: Path, progress: Progress) -> Shot:
        """The shot as the graph takes it. An engine that draws by other means gives it a clip of its own here."""
        if not shot.scene.effect:
            return shot
        drawn: Shot = self._effects._prepared(work, piece, shot, folder, progress)
        return drawn

    @property
    def _effects(self) -> Any:
        """The renderer of scenes with an effect, which is built on this one. Raises EngineError where it can't work."""
        module = importlib.import_module("media_processing.engines.moviepy")
        renderer = module.MoviePyRenderer(threads=self.threads)
        renderer.load()
        return renderer

    def _encoder(self, work: Work, piece: Piece, threads: int) -> list[str]:
        """The same for every piece, so that segments can be joined by copying."""
        fps = work.timeline.fps
        return [
            "-frames:v", str(piece.frames), "-r", str(fps), *work.recipe.encoder, "-pix_fmt", "yuv420p",
            "-g", str(fps * KEYFRAME_SECONDS), *_COLOUR, *work.recipe.threaded(threads),
            "-filter_complex_threads", str(threads), "-video_track_timescale", str(fps * 512), "-an", "-f", "mp4",
        ]  # fmt: skip

    def _sound(self, timeline: Timeline, cache: Path, progress: Progress = no_progress) -> Path:
        digest = _digest(
            {
                "version": VERSION, "ffmpeg": self.model, "fps": timeline.fps, "volume": timeline.music_volume,
                "loudness": [sounding.LOUDNESS, sounding.PEAK],
                "music": file_digest(timeline.music) if timeline.music else "",
                "scenes": [
                    [
                        scene.frames(timeline.fps), scene.lead,
                        file_digest(scene.narration) if scene.narration else "",
                        [file_digest(scene.visual.path), scene.visual.start, scene.visual.end, scene.visual.volume]
                        if sounding.has_own(scene) else [],
                    ]
                    for scene in timeline.scenes
                ],
            }
        )  # fmt: skip

        def mix(temporary: Path, folder: Path) -> None:
            with slots(cache / ".slots", 1, of=self.threads, progress=progress):
                sounding.assemble(timeline, temporary, folder)

        return kept(cache / f"{digest}.flac", mix)


@dataclass(frozen=True)
class Work:
    """What every piece of a video is made with."""

    timeline: Timeline
    recipe: Recipe
    cache: Path
    canvases: Canvases
    threads: int = 1
    """How many slots one piece may take."""


class Canvases:
    """Pictures made ready for ffmpeg, each once a render: a scene and its transitions go over the same one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locks: dict[str, threading.Lock] = {}
        self._views: dict[str, View] = {}

    def of(self, shot: Shot, timeline: Timeline) -> tuple[Path, View]:
        """The file of a still's canvas and what the shot sees of it. Raises MediaError."""
        visual = shot.scene.visual
        seconds = max(1, shot.shown - 1) / timeline.fps
        key = hashlib.sha256(repr((visual, seconds)).encode()).hexdigest()
        path = self.folder / f"{key}.ppm"
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._views:
                picture, self._views[key] = stills.prepare(visual, timeline.width, timeline.height, seconds)
                picture.save(path)
        return path, self._views[key]


@dataclass(frozen=True)
class PieceGraph:
    """The inputs and filters of one piece."""

    timeline: Timeline
    piece: Piece
    canvases: Canvases

    def cues(self) -> list[captions.Cue]:
        """The captions that stand in the piece, on the captions' clock."""
        begin, end = self.piece.clock, self.piece.clock + self.piece.frames / self.timeline.fps
        found = [
            cue
            for scene, offset in self.piece.captioned
            for cue in captions.scene_cues(scene, self.timeline, offset=offset)
        ]
        return [cue for cue in found if cue.end > begin and cue.start < end]

    def consumed(self) -> dict[str, object]:
        """Everything that the picture depends on, as plain data."""
        timeline, piece, cues = self.timeline, self.piece, self.cues()
        lettered = bool(cues) or any(shot.scene.on_screen for shot in piece.shots)
        return {
            "size": [timeline.width, timeline.height, timeline.fps], "frames": piece.frames,
            "captions": [piece.clock, burning.to_ass(cues, timeline)] if cues else [],
            "fonts": [file_digest(font.path) for font in burning.needed_fonts(cues, timeline)],
            "shots": [
                {
                    "visual": {**asdict(shot.scene.visual), "path": "", "volume": 0}, "first": shot.first,
                    "shown": shot.shown, "file": file_digest(shot.scene.visual.path), "headline": shot.scene.on_screen,
                    "effect": [shot.scene.id, *effects.version(shot.scene.effect)] if shot.scene.effect else "",
                    "branded": shot.scene.branded,
                }
                for shot in piece.shots
            ],
            "transition": self._change() if len(piece.shots) > 1 else self._fades(piece.shots[0]),
            "overlays": [{**asdict(each), "path": file_digest(each.path)} for each in timeline.overlays],
            # What holds no words is the same in every language: an intro is drawn once for all of them.
            "look": asdict(timeline.look), "language": timeline.language if lettered else "",
        }  # fmt: skip

    def build(self, folder: Path) -> tuple[list[str], str]:
        """Input arguments, and a graph whose picture comes out of [out]. Files that it needs are put into `folder`."""
        inputs: list[str] = []
        chains = []
        alone = len(self.piece.shots) == 1
        on_top = all(shot.scene.branded for shot in self.piece.shots)
        for number, shot in enumerate(self.piece.shots):
            still = shot.scene.visual.kind == "image"
            chain = self._still(shot, inputs, folder, number) if still else self._clip(shot, inputs, folder, number)
            if alone:
                chain += self._fades(shot)
            layers = [stills.headline_layer(shot.scene.on_screen, self.timeline)]
            if shot.scene.branded and not on_top:
                layers += self._logos()
            chains.append(chain + self._layers(layers, inputs, folder, f"shot{number}") + f"[shot{number}]")
        picture = "[shot0]null"
        if not alone:
            picture = f"[shot0][shot1]{self._change()}"
        if on_top:
            picture += self._layers(self._logos(), inputs, folder, "top")
        return inputs, ";".join([*chains, f"{picture}{self._captions(folder)},format=yuv420p,setsar=1[out]"])

    def _still(self, shot: Shot, inputs: list[str], folder: Path, name: int) -> str:
        path, view = self.canvases.of(shot, self.timeline)
        number = _input(inputs, ["-i", str(path)])
        fps = self.timeline.fps
        chain = (
            f"[{number}:v]scale=flags=bicubic{_TO_BT709},format=yuv420p,loop=loop=-1:size=1:start=0,"
            f"settb=1/{fps},setpts=N,fps={fps},trim=end_frame={self.piece.frames}"
        )
        return chain + (f",{self._view(view, shot, folder, name)}" if view.moves or view.canvas != view.frame else "")

    def _view(self, view: View, shot: Shot, folder: Path, name: int) -> str:
        script = folder / f"view{name}.txt"
        fps, count = self.timeline.fps, self.piece.frames
        filters, orders = view.filters(str(name), quoted(script), fps, shot.first, count, _TO_BT709)
        script.write_text(orders)
        return filters

    def _clip(self, shot: Shot, inputs: list[str], folder: Path, name: int) -> str:
        visual, fps = shot.scene.visual, self.timeline.fps
        probe = _inspected(visual.path)
        start = min(visual.start, max(0.0, probe.seconds - 0.1))
        end = min(visual.end or probe.seconds, probe.seconds)
        stretch = max(end - start, 1 / fps)
        # A little short: its last frame is held. Much too short: it is shown again from its beginning.
        needed = shot.shown / fps
        repeats = 1 if stretch >= needed * 0.8 else min(MOST_REPEATS, int(needed / stretch) + 1)
        skipped = shot.first
        if repeats == 1:
            skipped = min(_EARLY, shot.first)
            passed = (shot.first - skipped) / fps
            start, stretch = start + passed, max(stretch - passed, 1 / fps)
        numbers = [
            _input(inputs, ["-ss", f"{start:.6f}", "-t", f"{stretch:.6f}", *untrusted(visual.path)])
            for _ in range(repeats)
        ]
        even = f"fps={fps}:start_time=0,setpts=PTS-STARTPTS"
        chain = "".join(f"[{number}:v:0]{even}[c{number}];" for number in numbers)
        chain += "".join(f"[c{number}]" for number in numbers) + f"concat=n={repeats}:v=1:a=0,"
        chain += (
            f"tpad=stop=-1:stop_mode=clone,trim=start_frame={skipped}:end_frame={skipped + self.piece.frames},"
            f"settb=1/{fps},setpts=N,"
        )
        source, frame = (probe.width, probe.height), (self.timeline.width, self.timeline.height)
        if not visual.crops:
            view = View(source, frame, ((0.0, stills.covering(visual.focus, source, frame)),))
            return f"{chain}format=yuv420p,{self._view(view, shot, folder, name)}"
        boxes = [stills.fitted(crop, source, frame) for crop in visual.crops]
        moved = [box._replace(left=box.left + _BORDER, top=box.top + _BORDER) for box in boxes]
        keys = tuple((crop.second, box) for crop, box in zip(visual.crops, moved, strict=True))
        view = View((source[0] + 2 * _BORDER, source[1] + 2 * _BORDER), frame, keys)
        sides = ":".join([str(_BORDER)] * 4)
        border = f"pad=iw+{2 * _BORDER}:ih+{2 * _BORDER}:{_BORDER}:{_BORDER},fillborders={sides}:smear"
        return f"{chain}format=yuv420p,{border},{self._view(view, shot, folder, name)}"

    def _change(self) -> str:
        """The filter that leads from the first shot to the second."""
        seconds = self.piece.frames / self.timeline.fps
        return f"xfade=transition={_XFADES[self.piece.shots[1].scene.transition]}:duration={seconds:.6f}:offset=0"

    def _fades(self, shot: Shot) -> str:
        fps = self.timeline.fps
        half = shot.scene.transition_seconds / 2
        chain = f",fade=t=in:st=0:d={half:.3f}" if shot.scene.transition == "fade" and half else ""
        if self.piece.fade_out:
            begin = max(0.0, self.piece.frames / fps - self.piece.fade_out)
            chain += f",fade=t=out:st={begin:.3f}:d={self.piece.fade_out:.3f}"
        return chain

    def _logos(self) -> list[Layer]:
        timeline = self.timeline
        return [stills.logo_layer(each, timeline.width, timeline.height) for each in timeline.overlays]

    def _layers(self, layers: Sequence[Layer | None], inputs: list[str], folder: Path, name: str) -> str:
        """Filters that lay still layers over a picture."""
        chain = ""
        for number, layer in enumerate(layers):
            if layer:
                picture, x, y = layer
                picture.save(folder / f"{name}-{number}.png", compress_level=1)
                at = _input(inputs, ["-i", str(folder / f"{name}-{number}.png")])
                # A layer covers only its own rectangle, and its one frame is repeated: blending costs little.
                chain += f"[{name}under{number}];[{name}under{number}][{at}:v]"
                chain += f"overlay={x}:{y}:eof_action=repeat:format=yuv420"
        return chain

    def _captions(self, folder: Path) -> str:
        cues = self.cues()
        if not cues:
            return ""
        burning.fonts_folder(burning.needed_fonts(cues, self.timeline), folder / "fonts")
        script = folder / "captions.ass"
        script.write_text(burning.to_ass(cues, self.timeline), encoding="utf-8")
        burn = f"ass=filename={quoted(script)}:fontsdir={quoted(folder / 'fonts')}"
        # Captions keep their own clock, for what moves in them has begun before a transition does.
        return f",setpts=PTS+{self.piece.clock:.6f}/TB,{burn},setpts=PTS-STARTPTS"


def _input(inputs: list[str], arguments: list[str]) -> int:
    """Add an input and return its number."""
    number = inputs.count("-i")
    inputs += arguments
    return number


def join(segments: list[Path], sound: Path, target: Path, timeline: Timeline, recipe: Recipe = H264) -> None:
    """Join pieces by copying, put the sound beside them, and let `target` appear whole."""

    def write(temporary: Path, folder: Path) -> None:
        listing = folder / "segments.txt"
        names = [str(path.resolve()).replace("'", r"'\''") for path in segments]
        # An MP4 knows its length in milliseconds; the next piece has to begin on a whole frame.
        lengths = [piece.frames / timeline.fps for piece in pieces(timeline)]
        lines = [f"file '{name}'\nduration {length:.6f}\n" for name, length in zip(names, lengths, strict=True)]
        listing.write_text("".join(lines), encoding="utf-8")
        stream = folder / "stream"
        stream.mkdir()
        run_ffmpeg(
            [
                "-f", "concat", "-safe", "0", "-i", listing, "-i", sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy",
                "-c:a", "aac", "-b:a", "160k", "-ar", str(sounding.RATE),
                "-metadata:s:a:0", f"language={timeline.language}", *recipe.stored(stream),
                stream / recipe.playlist if recipe.playlist else temporary,
            ]
        )  # fmt: skip
        if recipe.playlist:
            pack(stream, temporary)

    whole(target, write)


def kept(path: Path, make: Callable[[Path, Path], None]) -> Path:
    """A file of the cache, made when it isn't there. Two makers at once do no harm: the same bytes under one name."""
    if looked_up("film", path.exists()):
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


def _inspected(path: Path) -> Probe:
    """What a file is, looked at again only when it has changed: a process of its own each time."""
    status = path.stat()
    return _probe(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _probe(path: Path, _size: int, _changed: int) -> Probe:
    return inspect(path)


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
