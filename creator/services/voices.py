"""Whose voice speaks: the engine's own speakers, and people who agreed that theirs is imitated."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from creator.models import Event, Scene, Story, User, VoiceConsent, Workspace
from creator.services import choices, library, pronunciations
from creator.services.digests import digest_of
from generation import services as generation
from generation.engines.base import Likeness, Speaker, Speech
from generation.engines.metering import Meter
from media_processing import services as media
from media_processing.decoding import read_sound
from media_processing.engine import EngineError, Progress, engines, no_progress
from media_processing.models import Asset
from media_processing.sound import write_wav

CLONED = "cloned:"
"""What the id of a cloned voice begins with; the number of its consent follows."""
SHORTEST, LONGEST = 3.0, 30.0
"""Seconds of a sample: less isn't enough to know a voice by, more isn't used."""
MOST_BYTES = 50_000_000
_RATE = 24_000


def offered(workspace: Workspace, language: str, *, engine: str | None = None) -> list[Speaker]:
    """The voices that a story in `language` may choose from, the engine's default first, cloned ones last."""
    voice = engines["voice", engine] if engine else choices.engine("voice", workspace)
    if voice.problems() or not voice.speaks(language):
        return []
    speakers: list[Speaker] = list(voice.voices(language))
    if voice.can_clone:
        speakers += [Speaker(f"{CLONED}{each.pk}", f"{each.name} (cloned)", "") for each in consents(workspace)]
    return speakers


def consents(workspace: Workspace) -> QuerySet[VoiceConsent]:
    """The consents that hold, and have their sample yet."""
    return VoiceConsent.objects.filter(workspace=workspace, withdrawn=None, sample__isnull=False)


def check(workspace: Workspace, language: str, voice: str) -> None:
    """Raise EngineError where a story in `language` can't be spoken by that voice; "" is always fine."""
    if voice and voice not in [speaker.id for speaker in offered(workspace, language)]:
        if voice.startswith(CLONED):
            _consent(workspace, voice)  # says more where it was withdrawn
        title = choices.engine("voice", workspace).title
        raise EngineError(
            f"{title} has no voice {voice!r} for this story.", next_step="Choose one of the list.", permanent=True
        )


def title_of(workspace: Workspace, voice: str) -> str:
    """How people know a voice, also one that is offered no more."""
    consent = _all(workspace, voice).first() if voice.startswith(CLONED) else None
    return consent.name if consent else voice


def speak(
    workspace: Workspace,
    text: str,
    *,
    language: str,
    voice: str = "",
    rate: float = 1.0,
    engine: str | None = None,
    meter: Meter | None = None,
    progress: Progress = no_progress,
) -> Speech:
    """Speak a text as a workspace wants it: with its pronunciations, and in a cloned voice only with a consent.

    `voice` is the id of one that is `offered`. Raises EngineError.
    """
    details: dict[str, Any] = {
        "language": language, "rate": rate, "engine": engine or choices.chosen("voice", workspace), "meter": meter,
        "progress": progress, "pronunciations": pronunciations.used(workspace, text),
    }  # fmt: skip
    if not voice.startswith(CLONED):
        return generation.speak(text, voice=voice, **details)
    consent = _consent(workspace, voice)
    if consent.sample is None:
        raise EngineError(
            f"The recording of {consent.speaker} is gone.",
            next_step="Choose another voice in the studio, or record the consent again with a sample.",
            permanent=True,
        )
    samples = read_sound(consent.sample.file, rate=_RATE)[: int(LONGEST * _RATE)]
    # Engines open only what we have decoded ourselves.
    with library.scratch_file(write_wav(None, samples, _RATE), ".wav") as sample:
        likeness = Likeness(sample, consent.sample.digest, consent.pk, consent.speaker)
        return generation.speak(text, likeness=likeness, **details)


def key_of(workspace: Workspace, voice: str) -> list[str]:
    """What a narration's sound depends on besides its words and its engine; nothing for the engine's default voice."""
    if not voice.startswith(CLONED):
        return [voice] if voice else []
    sample = Asset.objects.filter(pk__in=_all(workspace, voice).values("sample")).values_list("digest", flat=True)
    return [voice, *sample]


def spoken_key(story: Story, scene: Scene) -> str:
    """Digest of all that a scene's narration is made from."""
    voice = choices.engine("voice", story.workspace)
    said = pronunciations.used(story.workspace, scene.narration)
    return digest_of(
        "speech 1", scene.narration, story.language, voice.name, voice.model, *([said] if said else []),
        *key_of(story.workspace, story.voice),
    )  # fmt: skip


def reading_key(story: Story, scene: Scene) -> str:
    """Digest of what a reading that an editor took must say: it stays for as long as the words do, whoever speaks."""
    return digest_of("reading 1", scene.narration, story.language)


def is_spoken(story: Story, scene: Scene) -> bool:
    """Whether a scene's sound says what its narration says now."""
    return bool(scene.sound_id) and scene.spoken_key in (reading_key(story, scene), spoken_key(story, scene))


def _all(workspace: Workspace, voice: str) -> QuerySet[VoiceConsent]:
    number = voice.removeprefix(CLONED)
    valid = number.isascii() and number.isdecimal() and len(number) < 19
    return VoiceConsent.objects.filter(workspace=workspace, pk=int(number) if valid else 0)


def _consent(workspace: Workspace, voice: str) -> VoiceConsent:
    """The consent behind a cloned voice. Raises EngineError where it was withdrawn, or never given here."""
    consent = _all(workspace, voice).select_related("sample").first()
    if consent is None:
        raise EngineError(
            "Nobody of this workspace agreed to this voice.", next_step="Choose another voice in the studio.",
            permanent=True,
        )  # fmt: skip
    if consent.withdrawn is not None:
        raise EngineError(
            f"{consent.speaker} withdrew the consent to “{consent.name}” on {consent.withdrawn:%d %B %Y}.",
            next_step="Choose another voice in the studio.",
            permanent=True,
        )
    return consent


# Consents -----------------------------------------------------------------------------------------------------------


def record(
    workspace: Workspace, *, by: User | None, name: str, speaker: str, statement: str, given: datetime.date,
    sample: Asset | UploadedFile[Any],
) -> VoiceConsent:  # fmt: skip
    """Write down that somebody agreed. `sample` is a sound of the library, or a file. Raises EngineError."""
    if VoiceConsent.objects.filter(workspace=workspace, name=name).exists():
        raise EngineError(f"There is a voice “{name}” already.", next_step="Give it another name.")
    if given > timezone.localdate():
        raise EngineError("The day of the consent lies in the future.", next_step="Say on which day it was given.")
    asset = sample if isinstance(sample, Asset) else _stored(workspace, sample, speaker, by)
    if asset.workspace_id != workspace.pk or not asset.has_sound:
        raise EngineError("The sample has no sound.", next_step="Choose a recording of the person.")
    if asset.seconds < SHORTEST:
        raise EngineError(
            f"The sample lasts {asset.seconds:.1f} seconds.", next_step=f"Record at least {SHORTEST:.0f} seconds."
        )
    with transaction.atomic():
        consent = VoiceConsent.objects.create(
            workspace=workspace, name=name, speaker=speaker, statement=statement, given=given, sample=asset,
            recorded_by=by,
        )  # fmt: skip
        _note(consent, by, "voice.consent_recorded")
    return consent


def _stored(workspace: Workspace, file: UploadedFile[Any], speaker: str, by: User | None) -> Asset:
    if (file.size or 0) > MOST_BYTES:
        raise EngineError("The sample is larger than 50 MB.", next_step=f"Cut it to {LONGEST:.0f} seconds.")
    asset, _new = media.store_asset(
        workspace.pk, file.read(), name=file.name or "", max_bytes=MOST_BYTES, title=f"Voice sample of {speaker}",
        licence="Consent of the speaker", credit=speaker, tags=["voice sample"], added_by_id=by.pk if by else None,
    )  # fmt: skip
    return asset


def withdraw(consent: VoiceConsent, *, by: User | None) -> list[Story]:
    """End a consent: nothing is spoken in that voice any more. Returns the stories that have chosen it.

    What was spoken before stays in its stories; what the cache kept goes.
    """
    with transaction.atomic():
        ended = VoiceConsent.objects.filter(pk=consent.pk, withdrawn=None).update(withdrawn=timezone.now())
        if ended:
            _note(consent, by, "voice.consent_withdrawn")
    generation.forget_cloned(consent.pk)
    return list(users_of(consent))


def users_of(consent: VoiceConsent) -> QuerySet[Story]:
    """The stories that have chosen a cloned voice."""
    return Story.objects.in_workspace(consent.workspace_id).filter(voice=f"{CLONED}{consent.pk}")


def _note(consent: VoiceConsent, by: User | None, kind: str) -> None:
    data: Mapping[str, Any] = {"consent": consent.pk, "name": consent.name, "speaker": consent.speaker}
    Event.objects.create(workspace_id=consent.workspace_id, person=by, kind=kind, data=data)
