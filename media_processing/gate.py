"""What a person shouldn't have to find: faults of a finished video or card, each with its scene and second."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from media_processing import burning, captions, sounding
from media_processing.cards import CONTRAST, Composed
from media_processing.decoding import MediaError, inspect
from media_processing.ffmpeg import run_ffmpeg, untrusted
from media_processing.sound import read_wav
from media_processing.stills import contrast
from media_processing.timeline import Timeline, TimelineScene

Severity = Literal["blocking", "warning"]

_OFF = 0.3
"""Seconds that a video may be longer or shorter than its timeline."""
_SILENCE = 2.5
"""Seconds without sound inside a narrated video."""
_QUIET, _LOUD = -20.0, -11.0
"""LUFS between which a video is neither too quiet nor too loud."""
_STILL = 1.5
"""Seconds for which a clip may stand still before it counts as frozen."""
_CLIPPED = 0.0005
"""Share of a recording's samples that may stand at full scale, three or more in a row; speech that fits has none."""
_SAME_SHOT = 1.0
"""Seconds between the beginnings of two stretches of one video that look like the same shot."""
_ENLARGED, _BLURRED = 2.0, 4.0
"""How many times a picture may be enlarged before it looks soft, and before it can't be shown."""


@dataclass(frozen=True)
class Finding:
    """A fault: how bad, in which scene (its id, "" for the whole), at which second, in a sentence."""

    severity: Severity
    scene: str
    second: float
    message: str


def check_video(path: Path, timeline: Timeline) -> list[Finding]:
    """Every fault of a rendered video against the timeline that it was made from. Raises MediaError."""
    found = [*_picture(path, timeline), *_captions(timeline), *_visuals(timeline)]
    if any(scene.narration for scene in timeline.scenes):
        found += [*_sound(path, timeline), *_recordings(timeline)]
    return sorted(found, key=lambda finding: (finding.second, finding.severity))


def check_card(card: Composed) -> list[Finding]:
    """Every fault of a composed card."""
    found = []
    for part in card.parts:
        if part.contrast < CONTRAST:
            message = f"The {part.name} has a contrast of {part.contrast:.1f}, less than {CONTRAST}."
            found.append(Finding("blocking", "", 0.0, message))
        if part.setting.shortened:
            found.append(Finding("warning", "", 0.0, f"The {part.name} is too long and was cut with an ellipsis."))
        left, top, right, bottom = part.box
        if left < 0 or top < 0 or right > card.size[0] or bottom > card.size[1]:
            found.append(Finding("blocking", "", 0.0, f"The {part.name} runs off the card."))
    found += [Finding("warning", "", 0.0, f"There was no room for the {name}.") for name in card.dropped]
    return found


def _picture(path: Path, timeline: Timeline) -> Iterator[Finding]:
    probe = inspect(path)
    if abs(probe.seconds - timeline.seconds) > _OFF:
        message = f"The video is {probe.seconds:.1f} s long instead of {timeline.seconds:.1f} s."
        yield Finding("blocking", "", 0.0, message)
    if (probe.width, probe.height) != (timeline.width, timeline.height):
        message = f"The video is {probe.width}x{probe.height} instead of {timeline.width}x{timeline.height}."
        yield Finding("blocking", "", 0.0, message)
    if not probe.has_sound:
        yield Finding("blocking", "", 0.0, "The video has no sound track.")
    black = "scale=160:-2,blackdetect=d=0.7:pix_th=0.06"
    said = run_ffmpeg(["-loglevel", "info", *untrusted(path), "-an", "-vf", black, "-f", "null", "-"])
    for start in re.findall(r"black_start:([\d.]+)", said):
        yield Finding("blocking", _scene_at(float(start), timeline), float(start), "The picture is black here.")


def _sound(path: Path, timeline: Timeline) -> Iterator[Finding]:
    loudness, peak = sounding.measure(path)
    if loudness < -60:
        yield Finding("blocking", "", 0.0, "The video is silent.")
        return
    if not _QUIET <= loudness <= _LOUD:
        yield Finding(
            "warning", "", 0.0, f"The loudness is {loudness:.0f} LUFS; platforms expect {sounding.LOUDNESS:.0f}."
        )
    if peak > -0.5:
        yield Finding("warning", "", 0.0, f"The sound peaks at {peak:.1f} dB and may crackle.")
    said = run_ffmpeg(
        ["-loglevel", "info", *untrusted(path), "-vn", "-af", f"silencedetect=n=-50dB:d={_SILENCE}", "-f", "null", "-"]
    )
    for text in re.findall(r"silence_start: (-?[\d.]+)", said):
        second = max(0.0, float(text))
        scene = _scene_at(second, timeline)
        if any(s.id == scene and s.narration for s in timeline.scenes):
            yield Finding("warning", scene, second, f"Nothing is heard for {_SILENCE} s or longer.")


def _recordings(timeline: Timeline) -> Iterator[Finding]:
    """Narrations that were recorded too loud: what is cut off at full scale crackles however it is mixed."""
    for scene, start in zip(timeline.scenes, timeline.starts(), strict=True):
        if scene.narration is None:
            continue
        samples, rate = read_wav(scene.narration)
        full = np.abs(samples.astype(np.int32)) >= np.iinfo(np.int16).max
        runs = full[:-2] & full[1:-1] & full[2:]
        if runs.size and runs.mean() > _CLIPPED:
            second = start + scene.lead + float(np.argmax(runs)) / rate
            yield Finding("warning", scene.id, second, "The narration is clipped here: record it again, more quietly.")


def _captions(timeline: Timeline) -> Iterator[Finding]:
    style = timeline.look.captions
    lowest = min(contrast(style.text, style.box), contrast(style.active, style.box))
    if lowest < CONTRAST and any(scene.narration for scene in timeline.scenes):
        message = f"The captions have a contrast of {lowest:.1f}, less than {CONTRAST}: choose other colours."
        yield Finding("blocking", "", 0.0, message)
    for scene, start in zip(timeline.scenes, timeline.starts(), strict=True):
        cues = captions.scene_cues(scene, timeline, offset=start)
        shown = "".join(word.text for cue in cues for word in cue.words)
        if scene.narration and shown != "".join(scene.narration_text.split()):
            yield Finding("blocking", scene.id, start, "The captions don't hold every narrated word in order.")
        room = captions.room_of(timeline)
        for cue in cues:
            if cue.characters_per_second > captions.MAX_CHARACTERS_PER_SECOND and len(cue.words) > 2:
                message = f"“{cue.texts[0]}” is too fast to read: {cue.characters_per_second:.0f} characters a second."
                yield Finding("warning", scene.id, cue.start, message)
            if len(cue.lines) > style.max_lines:
                yield Finding(
                    "warning", scene.id, cue.start, f"A caption has {len(cue.lines)} lines: a shorter sentence helps."
                )
        for cue in burning.on_screen(cues, timeline):
            left, top, right, bottom = burning.caption_box(cue, timeline)
            if left < 0 or top < 0 or right > timeline.width or bottom > timeline.height:
                yield Finding("blocking", scene.id, cue.start, f"The caption “{cue.texts[0]}” runs off the picture.")
            elif left < room[0] - 1 or right > room[2] + 1 or top < room[1] or bottom > room[3] + 1:
                yield Finding("warning", scene.id, cue.start, f"“{cue.texts[0]}” stands outside of the safe area.")


def _visuals(timeline: Timeline) -> Iterator[Finding]:
    seen: list[TimelineScene] = []
    for scene, start in zip(timeline.scenes, timeline.starts(), strict=True):
        if any(_same_shot(scene, other) for other in seen):
            yield Finding("warning", scene.id, start, "This picture was shown before.")
        seen.append(scene)
        try:
            probe = inspect(scene.visual.path)
        except MediaError as error:
            yield Finding("blocking", scene.id, start, error.message)
            continue
        scale = max(timeline.width / max(1, probe.width), timeline.height / max(1, probe.height))
        if scale > _ENLARGED:
            message = f"The picture has {probe.width}x{probe.height} pixels and is enlarged {scale:.1f} times."
            yield Finding("blocking" if scale > _BLURRED else "warning", scene.id, start, message)
        if scene.visual.kind == "video":
            yield from _frozen(scene, start, timeline)


def _same_shot(one: TimelineScene, other: TimelineScene) -> bool:
    near = one.visual.kind == "image" or abs(one.visual.start - other.visual.start) < _SAME_SHOT
    return one.visual.path == other.visual.path and near


def _frozen(scene: TimelineScene, start: float, timeline: Timeline) -> Iterator[Finding]:
    """Where a clip stands still. The clip itself is looked at, since captions move over it in the video."""
    needed = scene.frames(timeline.fps) / timeline.fps
    said = run_ffmpeg(
        ["-loglevel", "info", "-ss", f"{scene.visual.start:.3f}", "-t", f"{needed:.3f}", *untrusted(scene.visual.path),
         "-an", "-vf", f"scale=320:-2,freezedetect=n=0.0003:d={_STILL}", "-f", "null", "-"]
    )  # fmt: skip
    begins = [float(text) for text in re.findall(r"freeze_start: ([\d.]+)", said)]
    lasts = [float(text) for text in re.findall(r"freeze_duration: ([\d.]+)", said)]
    for number, begin in enumerate(begins):
        length = lasts[number] if number < len(lasts) else needed - begin  # the last one may go on to the end
        severity: Severity = "blocking" if length > 0.8 * needed else "warning"
        yield Finding(severity, scene.id, start + begin, f"The clip stands still for {length:.1f} s.")


def _scene_at(second: float, timeline: Timeline) -> str:
    starts = timeline.starts()
    return next(
        (s.id for s, at in zip(reversed(timeline.scenes), reversed(starts), strict=True) if at <= second + 0.01), ""
    )
