"""What is said in a story's video as a sound alone: narration and music in one MP3, for apps that only play it.

Nothing can be seen on a sound, so where machines had a hand in it a voice says so, before or after the story as the
channel wants. It is made of the approved video when that is published, signed like every other file, and kept.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

from creator.jobs import Work
from creator.models import Channel, Revision, Story
from creator.services import charges, choices, voices
from creator.services.digests import digest_of
from media_processing import labels, loudness, provenance, sounding
from media_processing import services as media
from media_processing.engine import EngineError, Progress, no_progress
from media_processing.models import Rendition
from media_processing.provenance import Claim, Identity, Ingredient
from media_processing.sound import read_wav, write_wav

FORMAT = "audio"
"""Format and recipe of such a file."""
CONTENT_TYPE = "audio/mpeg"
EDITION = "sound 1"
"""Changes when the same sound would be made otherwise."""


def sound_of(
    story: Story, revision: Revision, video: Rendition, channel: Channel, by: Identity, *, work: Work | None,
    progress: Progress = no_progress,
) -> dict[str, Any]:  # fmt: skip
    """What a publication's document says of the sound of an approved video, signed by `by`; made once.

    `work` is the job in whose hands it is made: a voice may cost money. Raises EngineError.
    """
    disclosure = revision.document["ai_disclosure"]
    source_type = disclosure["digital_source_type"]
    words, notice = _notice(story, work) if labels.is_due(source_type) else ("", None)
    first = channel.sound == Channel.Sound.BEFORE
    claim = Claim(
        title=revision.document["title"], source_type=source_type, engines=disclosure,
        ingredients=(Ingredient(video.file, video.content_type, "The video that it is the sound of"),),
    )  # fmt: skip
    key = digest_of(
        EDITION, video.digest, by.fingerprint, claim.title, disclosure, *([notice.digest, first] if notice else []),
    )  # fmt: skip
    made = media.find_rendition(story.workspace_id, key)
    if made is None:
        seconds = video.seconds + (notice.seconds + sounding.PAUSE if notice else 0.0)
        with tempfile.TemporaryDirectory(prefix="storyloom-", dir=settings.DATA) as folder:
            said, target = _as_loud(notice, Path(folder)), Path(folder) / "alone.mp3"
            around = {"before" if first else "after": said}
            sounding.alone(video.file, target, **around, seconds=seconds, progress=progress)
            signed = provenance.sign(target.read_bytes(), CONTENT_TYPE, claim, by)
        made = media.store_rendition(
            story.workspace_id, key=key, recipe=FORMAT, content=signed, content_type=CONTENT_TYPE, seconds=seconds,
            made_by={**video.made_by, "marked": EDITION},
        )  # fmt: skip
    return {
        "id": str(made.pk), "format": FORMAT, "recipe": FORMAT, "language": revision.document["language"],
        "content_type": made.content_type, "digest": made.digest, "size": made.size, "width": 0, "height": 0,
        "seconds": round(made.seconds, 3),
        "marks": {
            "content_credentials": True, "self_made_certificate": by.self_made, "watermark": False,
            "approved": video.digest, "spoken": words,
            "spoken_first": round(made.seconds - video.seconds, 3) if words and first else 0.0,
        },
    }  # fmt: skip


def _notice(story: Story, work: Work | None) -> tuple[str, Rendition]:
    """The words that a recording was made with AI and their sound: in the story's language and voice where both have
    them, else in English. Raises EngineError where the voice can't say it."""
    voice = choices.engine("voice", story.workspace)
    language = next((each for each in (story.language, "en") if labels.spoken(each) and voice.speaks(each)), "")
    if not language:
        raise EngineError(
            f"{voice.title} can't say in {story.language!r}, nor in English, that it was made with AI.",
            next_step="Choose another voice, or publish without the sound alone (Settings, Channels).", permanent=True,
        )  # fmt: skip
    words, speaker = labels.spoken(language), _speaker(story, language)
    key = digest_of("notice 1", words, language, voice.name, voice.model, *voices.key_of(story.workspace, speaker))
    kept = media.find_rendition(story.workspace_id, key)
    if kept is not None and kept.file.exists():
        return words, kept
    if work is None:
        raise EngineError("A voice has to say that it was made with AI.", next_step="Have a worker publish it.")
    with charges.charged(work, "voice", "speak", characters=len(words), part=f"notice:{key[:12]}") as call:
        speech = voices.speak(
            story.workspace, words, language=language, voice=speaker, engine=voice.name, meter=call.meter
        )
        with work.effect():
            kept = media.store_rendition(
                story.workspace_id, key=key, recipe="speech", content=speech.sound, content_type="audio/wav",
                seconds=speech.seconds, made_by=dict(speech.made_by),
            )  # fmt: skip
            call.settle()
    return words, kept


def _speaker(story: Story, language: str) -> str:
    """The story's own voice where it speaks the language and may be used, else the engine's usual one."""
    try:
        voices.check(story.workspace, language, story.voice)
    except EngineError:
        return ""
    return story.voice


def _as_loud(notice: Rendition | None, folder: Path) -> Path | None:
    """What is said, as loud as a video's sound is."""
    if notice is None:
        return None
    samples, rate = read_wav(notice.file)
    path = folder / "notice.wav"
    write_wav(path, loudness.level(samples, rate, sounding.LOUDNESS), rate)
    return path
