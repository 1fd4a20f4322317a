"""A person's own narration of a scene: recorded or uploaded, heard, timed, and spoken in place of the voice's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import numpy as np
from django.core.files.uploadedfile import UploadedFile

from creator import jobs
from creator.jobs import Work
from creator.models import Alternative, Job, Scene, Story, User
from creator.services import alternatives, choices, library, making, stories, voices
from creator.services.digests import digest_of
from generation.engines.base import Speech, Word
from generation.sentences import sentences
from generation.speech.joining import faded
from generation.speech.normalise import spoken_tokens
from media_processing import loudness
from media_processing import services as media
from media_processing.decoding import MediaError, inspect, read_sound
from media_processing.engine import EngineError
from media_processing.engines.base import Passage, Transcriber
from media_processing.fonts import require
from media_processing.models import Asset, Rendition, Transcript
from media_processing.sound import Samples, write_wav
from media_processing.stretches import heard, shared_out
from search import services as search

TAKE = "take_narration"
"""The job that makes a recording a scene's narration."""
MOST_BYTES = 60_000_000
"""Of a file: five minutes of uncompressed stereo at 48 kHz."""
SHORTEST, LONGEST = 0.3, 300.0
"""Seconds of a recording."""
RATE = 48_000
"""Samples a second: what videos have."""
LICENCE = "Own work"
OTHER = 1 / 3
"""Share of the words that may differ from the line before an editor is asked."""
UNLIKE = 0.85
"""The same where the transcriber is rough: of speech that says the line it still gets a fifth right or more."""
MOST_SIGNS = 2_000
"""Of a line."""
_HEAD, _TAIL = 0.08, 0.15
"""Seconds kept around what is said."""
_ONSET = 0.03
"""Seconds by which a soft consonant begins before it is loud enough to be found."""
_UNSPACED = ("ja", "th", "zh")
"""Languages that are compared letter by letter."""


# Taken ---------------------------------------------------------------------------------------------------------------


def record(story: Story, scene_id: UUID | str, file: UploadedFile[Any], *, by: User | None) -> Job:
    """Keep a recording in the library, and have it made a scene's narration. Raises EngineError."""
    scene = stories.scene_of(story, scene_id)
    if story.state == Story.State.MAKING:
        raise EngineError("This story is still being made.", next_step="Send the recording when it is finished.")
    if (file.size or 0) > MOST_BYTES:
        raise EngineError(
            f"The recording is larger than {MOST_BYTES // 10**6} MB.", next_step="Save it as MP3, M4A or OGG."
        )
    name, content = "The recording", file.read()
    with TemporaryDirectory(prefix="storyloom-") as folder:
        path = Path(folder) / "sound"
        path.write_bytes(content)
        probe = inspect(path, name=name, max_bytes=MOST_BYTES)
    if probe.kind != "audio":
        raise MediaError(f"{name} is no sound.", reason="no_sound", next_step="Choose an audio file.")
    if probe.seconds > LONGEST:
        raise MediaError(
            f"{name} lasts {probe.seconds / 60:.0f} minutes.", reason="long",
            next_step=f"Record one scene at a time, in at most {LONGEST / 60:.0f} minutes.",
        )  # fmt: skip
    if probe.seconds < SHORTEST:
        raise MediaError(f"{name} lasts less than a third of a second.", reason="empty", next_step="Record it again.")
    asset, _new = media.store_asset(
        story.workspace_id, content, name=name, max_bytes=MOST_BYTES, title=f"Narration: {scene.narration}"[:300],
        licence=LICENCE, credit=str(by) if by else "", tags=("narration",), domain="recordings",
        added_by_id=by.pk if by else None,
    )  # fmt: skip
    subject = {"scene": str(scene.pk), "asset": str(asset.pk)}
    return alternatives.submit_once(TAKE, story.workspace, by, story, subject)


# Heard and timed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """What a transcriber made of a recording."""

    passages: tuple[Passage, ...] = ()
    made_by: dict[str, Any] | None = None
    """None where nobody listened."""
    rough: bool = False
    note: str = ""
    """Why the words weren't compared with the line; "" where they were."""

    @property
    def text(self) -> str:
        return " ".join(passage.text.strip() for passage in self.passages)


def take(work: Work) -> None:
    """Make the job's recording a reading of its scene; where it says the line, the scene is spoken by it."""
    job = work.job
    if "made" in job.subject:
        return  # by a worker that was lost just after
    scene = alternatives.scene_of_job(job)
    story, line = scene.story, scene.narration
    asset = Asset.objects.in_workspace(job.workspace_id).filter(pk=job.subject["asset"]).first()
    if asset is None:
        raise EngineError("The recording isn't there any more.", next_step="Record it again.", permanent=True)
    work.begin("recording")
    samples, offset = _cleaned(read_sound(asset.file, rate=RATE, name="The recording"))
    sound = write_wav(None, samples, RATE)
    work.begin("transcribe", 0.2)
    found = _listen(work, story, sound)
    work.begin("aligning", 0.8)
    speech = Speech(sound, len(samples) / RATE, (), tuple(_bounds(samples, line, story.language)))
    aligned = _from(speech.sentences[0][0], making.word_times(work, story, scene, speech))
    timing = _timing(line, story.language, aligned, speech.sentences) | {"spoken_key": voices.reading_key(story, scene)}
    far = differing(line, found.text, story.language) if found.made_by else 0.0
    differs = far > UNLIKE and not aligned if found.rough else far > OTHER
    told: dict[str, Any] = {"recorded": str(asset.pk), "title": f"Recorded by {job.person or 'a person'}"}
    said: dict[str, Any] = {"note": found.note, "differs": True, "heard": ""} if differs else {"note": found.note}
    if differs and not found.rough and 0 < len(found.text) <= MOST_SIGNS:
        said |= {"heard": found.text, "heard_timing": _timing_of_heard(found, story.language)}
    with work.effect():
        _keep_transcript(asset, found, offset, story.language)
        kept = media.store_rendition(
            story.workspace_id, key=digest_of("recorded 1", asset.digest, str(scene.pk)), recipe="recording",
            content=sound, content_type="audio/wav", seconds=speech.seconds, made_by=told,
        )  # fmt: skip
        row = _reading(scene, kept, timing, told | said)
        if not differs:
            with stories.editing(story, by=job.person, version=None, what="recording") as fresh:
                now = stories.scene_of(fresh, scene.pk)
                if now.narration != line:
                    raise EngineError(
                        "The line was changed while its recording was listened to.",
                        next_step="Send the recording again: it is in the library.",
                    )
                alternatives.take_reading(fresh, now, kept, row.timing)
        job.subject["made"] = [row.pk]
        job.save(update_fields=["subject"])
        jobs.note(job, "reading.recorded", scene=str(scene.pk), differs=differs)
    if not asset.moments.exists():
        search.index_asset(asset, media.stretches(asset), [None])


def _cleaned(samples: Samples) -> tuple[Samples, float]:
    """A recording without what stands around the speech, as loud as other readings, and the second it begins at."""
    stretches = heard(samples, RATE)
    if not stretches:
        raise MediaError(
            "Nothing is heard in the recording.", reason="no_sound",
            next_step="Check that the right microphone is chosen and not muted, then record it again.",
        )  # fmt: skip
    first = max(0, round((stretches[0][0] - _HEAD) * RATE))
    last = round((stretches[-1][1] + _TAIL) * RATE)
    return faded(loudness.level(samples[first:last], RATE), RATE), first / RATE


def _listen(work: Work, story: Story, sound: bytes) -> Heard:
    """What is said, by the workspace's transcriber; without one that can, why."""
    transcriber: Transcriber = choices.engine("transcriber", story.workspace)
    if not transcriber.speaks(story.language):
        return Heard(note=f"{transcriber.title} doesn't know this language, so nobody checked the words.")
    try:
        with library.scratch_file(sound, ".wav") as path:
            found = transcriber.transcribe(path, language=story.language, progress=work.part(0.2, 0.8))
    except EngineError as error:
        return Heard(note=f"Nobody checked the words: {error.message}")
    note = f"{transcriber.title} hears too roughly to check each word." if transcriber.rough else ""
    made_by = transcriber.made_by(language=found.language)
    return Heard(found.passages, dict(made_by), transcriber.rough, note)


def differing(line: str, said: str, language: str) -> float:
    """The share of words (of letters, where a language puts no spaces) in which two texts differ: 0 equal, 1 all.

    Ratcliff and Obershelp's similarity over words as they are spoken, so that "5" and "five" are one.
    """
    ours, theirs = _tokens(line, language), _tokens(said, language)
    return 1.0 - SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


def _tokens(text: str, language: str) -> list[str]:
    spoken = " ".join(filter(None, spoken_tokens(text.split(), language, spell=True))).casefold()
    words = re.findall(r"[^\W_]+", spoken.replace("'", "").replace("’", ""))
    return list("".join(words)) if language.split("-")[0] in _UNSPACED else words


def _bounds(samples: Samples, line: str, language: str) -> Sequence[tuple[float, float]]:
    """When each sentence is said, by the pauses; where they don't tell, the whole as one."""
    stretches = heard(samples, RATE) or [(0.0, len(samples) / RATE)]
    said = sentences(line, language)
    return shared_out(stretches, [len(each) for each in said]) or [(stretches[0][0], stretches[-1][1])]


def _from(second: float, words: Sequence[Word]) -> list[Word]:
    """Words of which the first begins where something is heard: aligners give it the silence before it too."""
    if not words or words[0].end <= second:
        return list(words)
    return [replace(words[0], start=max(words[0].start, round(second - _ONSET, 3))), *words[1:]]


def _timing(line: str, language: str, words: Sequence[Word], bounds: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """As a scene keeps it. Sentences last from their first word to their last where words have times."""
    counts = [len(each.split()) for each in sentences(line, language)]
    if words and sum(counts) == len(words):
        ends = np.cumsum(counts).tolist()
        starts = [0, *ends[:-1]]
        bounds = [(words[a].start, words[b - 1].end) for a, b in zip(starts, ends, strict=True)]
    return {
        "words": [asdict(word) for word in words], "sentences": [list(each) for each in bounds],
        "timing": "word" if words else "sentence",
    }  # fmt: skip


def _timing_of_heard(found: Heard, language: str) -> dict[str, Any]:
    words = [Word(each.text.strip(), each.start, each.end, each.confidence) for p in found.passages for each in p.words]
    if [word.text for word in words] != found.text.split():
        words = []
    return _timing(found.text, language, words, [(passage.start, passage.end) for passage in found.passages])


def _keep_transcript(asset: Asset, found: Heard, offset: float, language: str) -> None:
    """Write down what was said, in seconds of the recording as it was sent; what is there already stays."""
    if found.made_by is None or not found.passages:
        return
    passages = [asdict(passage) for passage in found.passages]
    for part in [each for passage in passages for each in (passage, *passage["words"])]:
        part["start"], part["end"] = round(part["start"] + offset, 3), round(part["end"] + offset, 3)
    said = {"language": language, "passages": passages, "made_by": found.made_by}
    _transcript, new = Transcript.objects.get_or_create(asset=asset, defaults=said)
    if new and asset.moments.exists():
        search.refresh_words(asset)


def _reading(scene: Scene, sound: Rendition, timing: dict[str, Any], made_by: dict[str, Any]) -> Alternative:
    """The reading's row; the same recording again stands in its own place."""
    row = scene.alternatives.filter(part=Alternative.Part.VOICE, sound=sound).first()
    if row is None:
        return alternatives.add_reading(scene, sound, timing, made_by)
    row.timing, row.made_by, row.replaced = timing, made_by, None
    row.save(update_fields=["timing", "made_by", "replaced"])
    return row


# Settled -------------------------------------------------------------------------------------------------------------


def waiting(story: Story, scene: Scene) -> Alternative | None:
    """A recording that says something else than the line, and that nobody has decided about yet; the newest."""
    rows = [row for row in alternatives.readings_of(story, scene) if row.made_by.get("differs") and not row.replaced]
    rows = [row for row in rows if row.sound_id != scene.sound_id or not voices.is_spoken(story, scene)]
    return rows[-1] if rows else None


def use_words(
    story: Story, scene_id: UUID | str, reading_id: int, *, by: User | None, version: int | None = None
) -> None:
    """Make what was said in a recording the scene's line, and have it spoken by the recording."""
    with stories.editing(story, by=by, version=version, what="scene") as fresh:
        scene = stories.scene_of(fresh, scene_id)
        row = scene.alternatives.filter(pk=reading_id, part=Alternative.Part.VOICE).select_related("sound").first()
        if row is None or row.sound is None or not row.made_by.get("heard"):
            raise EngineError("This recording is no longer there.", next_step="Record it again.")
        if scene.sound is not None and voices.is_spoken(fresh, scene):
            alternatives.keep_reading_before(fresh, scene, scene.sound)
        require(row.made_by["heard"])
        scene.narration = row.made_by["heard"]
        scene.save(update_fields=["narration"])
        said = row.made_by["heard_timing"] | {"spoken_key": voices.reading_key(fresh, scene)}
        row.timing, row.replaced = said, None
        row.made_by = {name: row.made_by[name] for name in ("recorded", "title", "note")}
        row.save(update_fields=["timing", "made_by", "replaced"])
        alternatives.take_reading(fresh, scene, row.sound, said)


def back_to_voice(story: Story, scene_id: UUID | str, *, by: User | None, version: int | None = None) -> None:
    """Let the voice speak again: by its reading of this line where there is one, else the next render speaks it.

    A recording that waits for a decision is put aside; it stays among the readings, and in the library.
    """
    with stories.editing(story, by=by, version=version, what="recording") as fresh:
        scene = stories.scene_of(fresh, scene_id)
        if (row := waiting(fresh, scene)) is not None:
            row.made_by = {name: value for name, value in row.made_by.items() if name != "differs"}
            row.save(update_fields=["made_by"])
        if not scene.is_recorded:
            return
        spoken = [
            each for each in alternatives.readings_of(fresh, scene)
            if each.sound is not None and "recorded" not in each.sound.made_by
        ]  # fmt: skip
        if spoken:
            chosen = max(spoken, key=lambda each: (each.replaced is not None, each.replaced or 0, each.pk))
            assert chosen.sound is not None  # noqa: S101 - chosen by it
            alternatives.take_reading(fresh, scene, chosen.sound, chosen.timing)
            return
        if scene.sound is not None and voices.is_spoken(fresh, scene):
            alternatives.keep_reading_before(fresh, scene, scene.sound)
        scene.sound, scene.recorded, scene.words, scene.sentences = None, None, [], []
        scene.timing = scene.spoken_key = ""
        scene.save(update_fields=["sound", "recorded", "words", "sentences", "timing", "spoken_key"])
