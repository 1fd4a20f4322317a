"""The sound of a video: narrations at their exact places, music ducked under them, everything at one loudness."""

from __future__ import annotations

import re
from pathlib import Path

from media_processing.decoding import inspect
from media_processing.engine import Progress, no_progress
from media_processing.ffmpeg import run_ffmpeg, untrusted
from media_processing.timeline import Timeline, TimelineScene

RATE = 48_000
LOUDNESS = -14.0
"""LUFS, what video platforms normalise to."""
PEAK = -1.8
"""dBFS before encoding: AAC overshoots by some tenths, and the true peak has to stay under -1."""
LARGEST_GAIN = 30.0
"""dB. What is quieter than this is a silence, not a voice."""

PAUSE = 0.6
"""Seconds between a video's sound and what is said before or after it."""

_METER = "ebur128=framelog=quiet"
_PEAK_METER = "ebur128=peak=true:framelog=quiet"
_STEREO = f"aresample={RATE},aformat=sample_fmts=fltp:channel_layouts=stereo"
_DUCKING = "sidechaincompress=threshold=0.03:ratio=8:attack=20:release=400"


def assemble(timeline: Timeline, target: Path, folder: Path) -> None:
    """Write the whole sound of a timeline to `target` (FLAC, 48 kHz stereo), as long as its frames to the sample.

    `folder` holds what is made on the way. Raises EngineError.
    """
    mixed = folder / "mixed.wav"
    inputs, graph = _mix(timeline)
    measured = f"{graph};[mix]{_METER}[out]"
    said = run_ffmpeg(
        ["-loglevel", "info", *inputs, "-filter_complex", measured, "-map", "[out]", "-c:a", "pcm_f32le", mixed]
    )
    gain = _gain(said)
    # A limiter takes loudness away, so what it took is measured and given once more.
    for _attempt in range(2):
        said = _level(mixed, target, gain)
        short = _gain(said) if gain else 0.0
        if abs(short) < 0.3:
            break
        gain = min(gain + short, LARGEST_GAIN)


def alone(
    video: Path, target: Path, *, before: Path | None = None, after: Path | None = None, seconds: float | None = None,
    progress: Progress = no_progress,
) -> None:  # fmt: skip
    """Write the sound of a video as MP3, with another sound before or after it, each as loud as it is.

    `seconds` is the length of the whole, by which `progress` is told; what `progress` raises stops it.
    Raises EngineError.
    """
    parts = [each for each in (before, video, after) if each is not None]
    inputs = [argument for each in parts for argument in untrusted(each)]
    chains = [
        f"[{number}:a:0]{_STEREO}{f',apad=pad_dur={PAUSE}' if each != parts[-1] else ''}[p{number}]"
        for number, each in enumerate(parts)
    ]
    heard = "".join(f"[p{number}]" for number in range(len(parts)))
    graph = ";".join([*chains, f"{heard}concat=n={len(parts)}:v=0:a=1[out]"])
    run_ffmpeg(
        [*inputs, "-filter_complex", graph, "-map", "[out]", "-map_metadata", "-1", "-c:a", "libmp3lame",
         "-b:a", "160k", "-f", "mp3", target],
        seconds=seconds, progress=progress,
    )  # fmt: skip


def measure(path: Path) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBFS of a file; -70 and -inf for silence."""
    said = run_ffmpeg(["-loglevel", "info", *untrusted(path), "-vn", "-af", _PEAK_METER, "-f", "null", "-"])
    return _loudness(said), _peak(said)


def has_own(scene: TimelineScene) -> bool:
    """Whether the sound of the scene's own clip is heard."""
    visual = scene.visual
    return visual.kind == "video" and visual.volume > 0 and inspect(visual.path).has_sound


def samples(frames: int, fps: int) -> int:
    """How many samples stand beside some frames."""
    return round(frames * RATE / fps)


def _mix(timeline: Timeline) -> tuple[list[str], str]:
    """Inputs and the graph that ends in [mix]."""
    inputs: list[str] = []
    chains, labels = [], []
    count = done = 0
    for number, scene in enumerate(timeline.scenes):
        # From rounded totals, not from rounded parts: nothing drifts where a frame isn't a whole number of samples.
        end = samples(done + scene.frames(timeline.fps), timeline.fps)
        length = end - samples(done, timeline.fps)
        done += scene.frames(timeline.fps)
        whole = f"apad=whole_len={length},atrim=end_sample={length},asetpts=N/SR/TB"
        heard = []
        if scene.narration:
            inputs += untrusted(scene.narration)
            chains.append(f"[{count}:a:0]{_STEREO},adelay={round(scene.lead * RATE)}S:all=1,{whole}[n{number}]")
            heard.append(f"[n{number}]")
            count += 1
        if has_own(scene):
            visual = scene.visual
            stretch = [] if visual.end is None else ["-t", f"{visual.end - visual.start:.3f}"]
            inputs += ["-ss", f"{visual.start:.3f}", *stretch, *untrusted(visual.path)]
            chains.append(f"[{count}:a:0]{_STEREO},volume={visual.volume:.3f},{whole}[o{number}]")
            heard.append(f"[o{number}]")
            count += 1
        if len(heard) == 2:
            chains.append(f"{''.join(heard)}amix=inputs=2:normalize=0:duration=first[s{number}]")
            heard = [f"[s{number}]"]
        if not heard:
            chains.append(f"anullsrc=r={RATE}:cl=stereo,{_STEREO},atrim=end_sample={length},asetpts=N/SR/TB[s{number}]")
            heard = [f"[s{number}]"]
        labels += heard
    chains.append(f"{''.join(labels)}concat=n={len(labels)}:v=0:a=1[{'voice' if timeline.music else 'mix'}]")
    if timeline.music:
        inputs += ["-stream_loop", "-1", *untrusted(timeline.music)]
        total = samples(timeline.frames, timeline.fps)
        fade = min(1.5, timeline.seconds / 4)
        chains.append(
            f"[{count}:a:0]{_STEREO},atrim=end_sample={total},asetpts=N/SR/TB,volume={timeline.music_volume:.3f},"
            f"afade=t=out:st={timeline.seconds - fade:.3f}:d={fade:.3f}[music];"
            f"[voice]asplit[heard][key];[music][key]{_DUCKING}[ducked];"
            "[heard][ducked]amix=inputs=2:normalize=0:duration=first[mix]"
        )
    return inputs, ";".join(chains)


def _level(mixed: Path, target: Path, gain: float) -> str:
    """Raise by `gain` dB and hold the true peak: limited at four times the rate, where peaks between samples show."""
    limiter = f"alimiter=limit={10 ** (PEAK / 20):.4f}:level=disabled:attack=2:release=60"
    chain = f"volume={gain:.2f}dB,aresample={4 * RATE},{limiter},aresample={RATE},{_METER}"
    return run_ffmpeg(["-loglevel", "info", "-i", mixed, "-af", chain, "-c:a", "flac", "-sample_fmt", "s16", target])


def _gain(said: str) -> float:
    loudness = _loudness(said)
    return 0.0 if loudness <= -69 else min(LOUDNESS - loudness, LARGEST_GAIN)


def _loudness(said: str) -> float:
    found = re.findall(r"I:\s+(-?[\d.]+) LUFS", said)
    return float(found[-1]) if found else -70.0


def _peak(said: str) -> float:
    found = re.findall(r"Peak:\s+(-?[\d.]+|-inf) dBFS", said)
    return float(found[-1]) if found else float("-inf")
