"""Cutting a recording by what is said in it: which stretches go, what stays, and a new file of that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from media_processing.decoding import Probe
from media_processing.engine import EngineError, Progress, no_progress
from media_processing.ffmpeg import run_ffmpeg, untrusted

Span: TypeAlias = tuple[float, float]
"""Seconds from the start: from, to."""

FADE = 0.015
"""Seconds of sound that fade at each side of a cut, too short to be heard and long enough not to click."""
PAUSE = 0.25
"""Seconds of the silence around a sentence that go with it, at most half of what there is: the rest is a pause."""
SHORTEST = 0.04
"""What would stay of less is left out too."""


def kept(passages: Sequence[Mapping[str, Any]], leave_out: Collection[int], probe: Probe) -> list[Span]:
    """What stays of a recording without those passages, to the frame where it has pictures.

    Raises EngineError where nothing would be left out, or nothing stay.
    """
    if not leave_out:
        raise EngineError("Nothing is chosen to be left out.", next_step="Mark the sentences that should go.")
    gone: list[Span] = []
    for number in sorted(leave_out):
        before = passages[number - 1]["end"] if number else 0.0
        after = passages[number + 1]["start"] if number + 1 < len(passages) else probe.seconds
        start, end = passages[number]["start"], passages[number]["end"]
        # Between two sentences that both go, all goes.
        start = before if number - 1 in leave_out else start - min(PAUSE, max(0.0, start - before) / 2)
        end = after if number + 1 in leave_out else end + min(PAUSE, max(0.0, after - end) / 2)
        gone.append((start, end))
    spans: list[Span] = []
    at = 0.0
    for start, end in [*gone, (probe.seconds, probe.seconds)]:
        span = _on_frames(at, start, probe.fps)
        if span[1] - span[0] >= SHORTEST:
            spans.append(span)
        at = max(at, end)
    if not spans:
        raise EngineError("Nothing would stay of this recording.", next_step="Leave something in.")
    return spans


def _on_frames(start: float, end: float, fps: float) -> Span:
    return (round(start * fps) / fps, round(end * fps) / fps) if fps else (start, end)


def shifted(
    passages: Sequence[Mapping[str, Any]], leave_out: Collection[int], spans: Sequence[Span]
) -> list[dict[str, Any]]:
    """The passages that stay, with the times that they have in the new file."""

    def at(second: float) -> float:
        passed = 0.0
        for start, end in spans:
            passed += min(max(second - start, 0.0), end - start)
        return round(passed, 3)

    def moved(said: Mapping[str, Any]) -> dict[str, Any]:
        return {**said, "start": at(said["start"]), "end": at(said["end"])}

    stay = [passage for number, passage in enumerate(passages) if number not in leave_out]
    return [
        {**moved(passage), **({"words": [moved(word) for word in passage["words"]]} if passage.get("words") else {})}
        for passage in stay
    ]


def cut(source: Path, target: Path, spans: Sequence[Span], probe: Probe, *, progress: Progress = no_progress) -> None:
    """Write what stays of `source` to `target` (.mp4, .m4a or .wav): encoded anew, so that every cut is exact.

    Raises EngineError with ffmpeg's own words.
    """
    count, seen, heard = len(spans), probe.kind == "video", probe.has_sound or probe.kind == "audio"
    graph: list[str] = []
    if seen:
        even = "crop=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p"
        outs = "".join(f"[v{number}]" for number in range(count))
        graph.append(f"[0:v]fps=fps={probe.fps:.6f}:start_time=0,{even},split={count}{outs}")
    if heard:
        outs = "".join(f"[a{number}]" for number in range(count))
        graph.append(f"[0:a]aresample=async=1:first_pts=0,asplit={count}{outs}")
    for number, (start, end) in enumerate(spans):
        if seen:
            first, last = round(start * probe.fps), round(end * probe.fps)
            graph.append(f"[v{number}]trim=start_frame={first}:end_frame={last},setpts=PTS-STARTPTS[w{number}]")
        if heard:
            fade = min(FADE, (end - start) / 2)
            graph.append(
                f"[a{number}]atrim=start={start:.6f}:end={end:.6f},asetpts=PTS-STARTPTS,afade=t=in:d={fade:.4f},"
                f"afade=t=out:st={end - start - fade:.6f}:d={fade:.4f}[b{number}]"
            )
    pads = "".join((f"[w{number}]" if seen else "") + (f"[b{number}]" if heard else "") for number in range(count))
    names = ["[v]"] * seen + ["[a]"] * heard
    graph.append(f"{pads}concat=n={count}:v={int(seen)}:a={int(heard)}{''.join(names)}")
    picture = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"] if seen else ["-vn"]
    sound = ["-c:a", "pcm_s16le"] if target.suffix == ".wav" else ["-c:a", "aac", "-b:a", "192k"]
    length = sum(end - start for start, end in spans)
    run_ffmpeg(
        [
            *untrusted(source), "-filter_complex", ";".join(graph),
            *(part for name in names for part in ("-map", name)), "-map_metadata", "-1",
            *picture, *(sound if heard else ["-an"]),
            *([] if target.suffix == ".wav" else ["-movflags", "+faststart"]), target,
        ],
        progress=progress, seconds=length, timeout=max(600.0, 10 * probe.seconds),
    )  # fmt: skip
