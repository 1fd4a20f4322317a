"""Timelines for editing programs: to and from OpenTimelineIO; as EDL and FCP7 XML; with their media in a zip.

What OTIO can say (order, in and out points, lengths, transitions, narration, music) stands in its own terms, so that an
editing program can change it. What it can't say (word times, crops, looks) travels in `metadata["storyloom"]`, so that
nothing is lost on the way there and back: as JSON text, since the library's own reader rounds numbers.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import opentimelineio as otio

from media_processing.engine import EngineError
from media_processing.timeline import Overlap, Timeline, TimelineScene, Visual

OURS = "storyloom"
PROGRAMS = {"otio": "otio_json", "edl": "cmx_3600", "xml": "fcp_xml"}
"""Suffix of a file -> OpenTimelineIO's adapter: its own JSON, CMX 3600, Final Cut Pro 7.

FCPXML is left out: its adapter writes clips without the sequence that they stand in, and loses transitions.
"""
MOST_BYTES = 5_000_000
MOST_SCENES = 300
_VIDEOS = frozenset((".mp4", ".mov", ".webm", ".mkv", ".gif"))
_DISSOLVE = "SMPTE_Dissolve"
_ITS_WORDS = {"cross-fade": _DISSOLVE}
"""Our name of a transition -> OTIO's, where it has one; the others are "Custom_Transition"."""

Url = Callable[[Path], str]


def _name_only(path: Path) -> str:
    return path.name


def to_otio(timeline: Timeline, *, name: str = "", url: Url = _name_only) -> otio.schema.Timeline:
    """A timeline in OpenTimelineIO's terms; `url` says how a file is called there.

    Three tracks: pictures, narration, music. A clip of the pictures is as long as its scene; a transition takes as many
    frames around its cut as it does here.
    """
    fps = timeline.fps
    plain = _renamed(timeline.as_dict(), url)
    scenes = plain.pop("scenes")
    made = otio.schema.Timeline(name or OURS, global_start_time=_time(0, fps), metadata=_kept(plain))
    pictures = otio.schema.Track("Pictures", kind=otio.schema.TrackKind.Video)
    narration = otio.schema.Track("Narration", kind=otio.schema.TrackKind.Audio)
    for scene, data, overlap in zip(timeline.scenes, scenes, timeline.overlaps(), strict=True):
        frames = scene.frames(fps)
        if overlap.frames:
            pictures.append(_transition(scene, overlap, fps))
        label = scene.on_screen or scene.narration_text or scene.id
        data["overlap"] = overlap.frames
        pictures.append(_clip(label[:60], url(scene.visual.path), scene.visual.start * fps, frames, fps, data))
        _narrate(narration, scene, frames, fps, url)
    made.tracks.extend([pictures, narration])
    if timeline.music:
        music = otio.schema.Track("Music", kind=otio.schema.TrackKind.Audio)
        music.append(_clip("Music", url(timeline.music), 0, timeline.frames, fps, {}))
        made.tracks.append(music)
    return made


def from_otio(made: otio.schema.Timeline, path_of: Callable[[str], Path]) -> Timeline:
    """The timeline that `to_otio` wrote, with what an editing program changed since: order, lengths, in points,
    transitions, scenes left out, doubled or put in.

    `path_of` finds the file behind a name and raises EngineError for one that it doesn't know; a name is only ever
    looked up, never opened. Raises EngineError for what can't be rendered.
    """
    try:
        plain = _said(made)
        fps = int(plain["fps"])
        scenes = _scenes(made, fps, path_of)
        there = {**plain, "scenes": []}
        for overlay in there.get("overlays", ()):
            overlay["path"] = str(path_of(overlay["path"]))
        there["music"] = str(path_of(there["music"])) if there.get("music") else None
        return replace(Timeline.from_dict(there), scenes=scenes)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise EngineError(
            f"This timeline isn't one that was exported here ({str(error)[:100]}).",
            next_step="Export the story as OTIO, change that file, and bring it back.",
            permanent=True,
        ) from error


def write(timeline: Timeline, form: str, *, name: str = "", url: Url = _name_only) -> str:
    """A timeline as the text of a file for editing programs; `form` is one of PROGRAMS. Raises EngineError."""
    if form not in PROGRAMS:
        raise EngineError(
            f"There is no form {form!r}.", next_step=f"Choose from {', '.join(PROGRAMS)}.", permanent=True
        )
    made = to_otio(timeline, name=name, url=url)
    options: dict[str, Any] = {}
    if form == "edl":  # one track of pictures is all that an EDL knows
        del made.tracks[1:]
        _only_dissolves(made.tracks[0])
        options["rate"] = timeline.fps
    if form != "otio":
        _without_ours(made)
    text: str = otio.adapters.write_to_string(made, PROGRAMS[form], **options)
    return text


def read(content: bytes, path_of: Callable[[str], Path]) -> Timeline:
    """The timeline in the bytes of an .otio file from outside. Raises EngineError, see `from_otio`."""
    if len(content) > MOST_BYTES:
        raise EngineError(f"The file is larger than {MOST_BYTES // 1_000_000} MB.", permanent=True)
    try:
        text = content.decode()
        json.loads(text)  # refuses what is nested too deep, before the library recurses into it
        made = otio.adapters.read_from_string(text, PROGRAMS["otio"])
    except (LookupError, TypeError, ValueError, RecursionError, otio.exceptions.OTIOError) as error:
        raise EngineError(
            "This is no OpenTimelineIO file.", next_step="Bring back the .otio file, as JSON.", permanent=True
        ) from error
    if not isinstance(made, otio.schema.Timeline):
        raise EngineError(
            "The file holds no timeline.", next_step="Export one, change it, bring it back.", permanent=True
        )
    return from_otio(made, path_of)


def bundle(timeline: Timeline, target: Path, *, name: str = "", titles: Mapping[Path, str] | None = None) -> None:
    """A zip with the media and the timeline in every form of PROGRAMS, which find the media beside them.

    `titles`: file -> how it should be called in the zip, without a suffix; else its own name stands.
    """
    url = _in_folder(titles or {})
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for form in PROGRAMS:
            text = write(timeline, form, name=name, url=url)
            archive.writestr(f"timeline.{form}", text, zipfile.ZIP_DEFLATED)
        for path in dict.fromkeys(_files(timeline)):
            archive.write(path, url(path))


def _in_folder(titles: Mapping[Path, str]) -> Url:
    return lambda path: f"media/{titles[path]}{path.suffix}" if path in titles else f"media/{path.name}"


def _files(timeline: Timeline) -> list[Path]:
    found = [scene.visual.path for scene in timeline.scenes]
    found += [scene.narration for scene in timeline.scenes if scene.narration]
    found += [overlay.path for overlay in timeline.overlays]
    return [*found, timeline.music] if timeline.music else found


def _time(frames: float, fps: int) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, fps)


def _clip(name: str, url: str, start: float, frames: int, fps: int, data: Mapping[str, Any]) -> otio.schema.Clip:
    kept = otio.opentime.TimeRange(_time(start, fps), _time(frames, fps))
    # How long a file is in all isn't known here; programs want to be told that what is shown is there.
    available = otio.opentime.TimeRange(_time(0, fps), _time(start + frames, fps))
    file = otio.schema.ExternalReference(target_url=url, available_range=available)
    file.name = url.rpartition("/")[2]
    return otio.schema.Clip(name, media_reference=file, source_range=kept, metadata=_kept(data))


def _transition(scene: TimelineScene, overlap: Overlap, fps: int) -> otio.schema.Transition:
    kind = _ITS_WORDS.get(scene.transition, "Custom_Transition")
    said = {"transition": scene.transition, "before": overlap.before, "after": overlap.after}
    return otio.schema.Transition(
        scene.transition, kind, in_offset=_time(overlap.before, fps), out_offset=_time(overlap.after, fps),
        metadata=_kept(said),
    )  # fmt: skip


def _narrate(track: otio.schema.Track, scene: TimelineScene, frames: int, fps: int, url: Url) -> None:
    lead = min(round(scene.lead * fps), frames)
    spoken = min(round(scene.narration_seconds * fps), frames - lead) if scene.narration else 0
    parts = ((lead, None), (spoken, scene.narration), (frames - lead - spoken, None))
    for length, sound in parts:
        if length and sound:
            track.append(_clip(scene.narration_text[:60], url(sound), 0, length, fps, {"narrates": scene.id}))
        elif length:
            track.append(otio.schema.Gap(source_range=otio.opentime.TimeRange(_time(0, fps), _time(length, fps))))


def _scenes(made: otio.schema.Timeline, fps: int, path_of: Callable[[str], Path]) -> tuple[TimelineScene, ...]:
    tracks = [track for track in made.video_tracks() if any(isinstance(each, otio.schema.Clip) for each in track)]
    if len(tracks) != 1:
        raise EngineError(
            f"There are {len(tracks)} tracks with pictures; a story has one.",
            next_step="Put all clips on one track.",
            permanent=True,
        )
    spoken = {str(_said(item).get("narrates", "")) for track in made.audio_tracks() for item in track}
    scenes: list[TimelineScene] = []
    before: otio.schema.Transition | None = None
    for item in tracks[0]:
        if isinstance(item, otio.schema.Transition):
            before = item
            continue
        if not isinstance(item, otio.schema.Clip):
            if item.duration().value > 0:
                message = f"There is a gap after scene {len(scenes)}."
                raise EngineError(message, next_step="Close it: a video has no empty stretches.", permanent=True)
            continue
        if len(scenes) == MOST_SCENES:
            raise EngineError(f"A video has at most {MOST_SCENES} scenes.", permanent=True)
        scenes.append(_scene(item, before, fps, path_of, spoken, {scene.id for scene in scenes}))
        before = None
    return tuple(scenes)


def _scene(
    clip: otio.schema.Clip, before: otio.schema.Transition | None, fps: int, path_of: Callable[[str], Path],
    spoken: set[str], taken: set[str],
) -> TimelineScene:  # fmt: skip
    if any(isinstance(effect, otio.schema.TimeEffect) for effect in clip.effects):
        raise EngineError(
            f"“{clip.name[:60]}” plays at another speed.",
            next_step="Undo that: speed isn't taken over.",
            permanent=True,
        )
    data = _said(clip)
    overlapped = data.pop("overlap", 0)
    path = path_of(_url_of(clip))
    kept = clip.trimmed_range()
    start, frames = kept.start_time.rescaled_to(fps).value, round(kept.duration.rescaled_to(fps).value)
    if data:
        scene = _as_it_was(data, path, path_of)
        if scene.id not in spoken and scene.narration:
            scene = replace(scene, narration=None, narration_seconds=0.0, words=(), sentences=(), hold=frames / fps)
        if abs(start - scene.visual.start * fps) > 0.5 or path != scene.visual.path:
            visual = replace(scene.visual, path=path, start=max(0.0, start / fps), end=None, kind=_kind(path))
            scene = replace(scene, visual=visual)
    else:
        scene = TimelineScene(clip.name[:60] or "new", Visual(path, _kind(path), start=max(0.0, start / fps)))
    if frames != scene.frames(fps):
        scene = _as_long_as(scene, frames / fps, clip.name)
    number, own = 2, scene.id
    while scene.id in taken:
        scene, number = replace(scene, id=f"{own}-{number}"), number + 1
    return _with_transition(scene, before, fps, overlapped=overlapped)


def _as_it_was(data: dict[str, Any], path: Path, path_of: Callable[[str], Path]) -> TimelineScene:
    """The scene as it was exported, with the files that its names stand for."""
    original = str(data["visual"]["path"])
    sound = data.get("narration")
    there = {
        **data, "visual": {**data["visual"], "path": str(path_of(original))},
        "narration": str(path_of(sound)) if sound else None,
    }  # fmt: skip
    whole = {"version": 1, "width": 16, "height": 16, "look": {"captions": {}}, "music": None, "scenes": [there]}
    return Timeline.from_dict(whole).scenes[0]


def _as_long_as(scene: TimelineScene, seconds: float, name: str) -> TimelineScene:
    """The scene at another length: the silence around what is spoken gives or takes."""
    if not scene.narration:
        return replace(scene, hold=max(seconds, 0.04))
    spare = seconds - scene.narration_seconds
    if spare < 0:
        raise EngineError(
            f"“{name[:60]}” is shorter than what is spoken in it ({scene.narration_seconds:.1f} s).",
            next_step="Make the clip longer, or take its narration away.",
            permanent=True,
        )
    lead = min(scene.lead, spare)
    return replace(scene, lead=lead, tail=spare - lead)


def _with_transition(
    scene: TimelineScene, before: otio.schema.Transition | None, fps: int, *, overlapped: int
) -> TimelineScene:
    if before is None:  # where there was no room for one, there was nothing to take out
        return replace(scene, transition="cut") if overlapped else scene
    said = _said(before)
    frames = [round(each.rescaled_to(fps).value) for each in (before.in_offset, before.out_offset)]
    name = said.get("transition", "cross-fade")
    if name == scene.transition and frames == [said.get("before"), said.get("after")]:
        return scene
    return replace(scene, transition=name, transition_seconds=min(2.0, max(0.0, sum(frames) / fps)))


def _url_of(clip: otio.schema.Clip) -> str:
    file = clip.media_reference
    url = getattr(file, "target_url", "") or ""
    if not url:
        raise EngineError(f"“{clip.name[:60]}” names no file.", next_step="Relink its media.", permanent=True)
    return unquote(urlsplit(url).path if "://" in url else url)


def _kind(path: Path) -> Any:
    return "video" if path.suffix.lower() in _VIDEOS else "image"


def _kept(data: Mapping[str, Any]) -> dict[str, str]:
    return {OURS: json.dumps(data)} if data else {}


def _said(item: otio.core.SerializableObjectWithMetadata) -> dict[str, Any]:
    """What we wrote beside an item; nothing where somebody else made it."""
    said = json.loads(str(item.metadata.get(OURS, "{}")))
    if not isinstance(said, dict):
        raise ValueError("metadata")
    return said


def _renamed(plain: dict[str, Any], url: Url) -> dict[str, Any]:
    """The timeline's plain data with every file under the name that it gets."""
    for scene in plain["scenes"]:
        scene["visual"]["path"] = url(Path(scene["visual"]["path"]))
        scene["narration"] = url(Path(scene["narration"])) if scene["narration"] else None
    for overlay in plain["overlays"]:
        overlay["path"] = url(Path(overlay["path"]))
    plain["music"] = url(Path(plain["music"])) if plain["music"] else None
    return plain


def _only_dissolves(track: otio.schema.Track) -> None:
    """An EDL knows dissolves only, and only from material before the in point: whatever else becomes a cut."""
    for number in range(len(track) - 2, -1, -1):
        item, following = track[number], track[number + 1]
        if isinstance(item, otio.schema.Transition) and (
            item.transition_type != _DISSOLVE or following.source_range.start_time < item.in_offset
        ):
            del track[number]


def _without_ours(made: otio.schema.Timeline) -> None:
    """Other forms have no place for our data."""
    for item in (made, *made.find_children()):
        if OURS in item.metadata:
            del item.metadata[OURS]
