"""Marking what is published: a label where the channel wants one, a watermark in pictures, then Content Credentials in
every file that can carry them; and the sound alone, where the channel offers it.

What a review approved stays as it is. Beside each approved file stands a marked one, made once, and that is what
downstream apps get. On a public channel nothing is published that couldn't be marked.
"""

from __future__ import annotations

import io
import logging
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image

from creator.jobs import Work
from creator.models import Channel, Revision, Story
from creator.services import brands, listening, serving
from creator.services.digests import digest_of
from media_processing import labels, provenance, watermark, xmp
from media_processing import services as media
from media_processing.decoding import MediaError, open_picture
from media_processing.engine import EngineError, Progress, no_progress
from media_processing.models import Asset, Rendition
from media_processing.provenance import Claim, Finding, Identity, Ingredient
from media_processing.recipes import H264, recipe_named
from media_processing.sniffing import sniff

log = logging.getLogger(__name__)

EDITION = "marked 1"
"""Changes when the same file would be marked otherwise."""
TEXTS = ("text/vtt", "application/x-subrip")
"""Captions: they carry no marks, and what they say stands in the story's disclosure."""
STREAM, STREAM_HEAD = "application/zip", "init.mp4"
"""A stream of many small files in a zip (media_processing/recipes.py), and the one that players read first."""
MOVING = ("video/mp4", STREAM)
PRIVATE = "internal"
"""The surface whose channels don't leave the house."""
MOST_BYTES = 200_000_000
"""Of a file that somebody asks about."""

_FORMS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_READABLE = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "video/mp4", "video/quicktime",
             "audio/wav", "audio/mpeg", "audio/mp4"}  # fmt: skip
"""Ingredients that are looked at for a manifest of their own; others are named by their digest only."""


def identity() -> Identity:
    """Who signs here: the configured certificate, else one made at the first call. Raises EngineError."""
    return provenance.identity(
        Path(settings.DATA) / "provenance", settings.PROVENANCE_CERTIFICATE, settings.PROVENANCE_KEY
    )


def takes_long(revisions: list[Revision], channel: Channel) -> bool:
    """Whether a video has to be encoded before these are published: work for a job, not for a request."""
    files = [entry for revision in revisions for entry in revision.document["renditions"]]
    moving = [entry for entry in files if entry["content_type"] in MOVING]
    return bool(moving) and (channel.labelled or bool(channel.sound))


def marked(
    story: Story, revisions: list[Revision], channel: Channel, *, work: Work | None = None
) -> list[dict[str, Any]]:  # fmt: skip
    """What a publication's document says of its files: the marked ones, with "marks" that say how.

    `work` is the job that does it, where one does. Raises EngineError where a file can't be marked and the channel is
    public; a private one then gets it as it is.
    """
    told: list[dict[str, Any]] = []
    files = [(revision, entry) for revision in revisions for entry in revision.document["renditions"]]
    video = _main_video(files) if channel.sound else None
    count = len(files) + (video is not None)

    def tried(what: str, do: Callable[[Progress], dict[str, Any]], instead: dict[str, Any]) -> dict[str, Any]:
        try:
            return do(work.part(len(told) / count, (len(told) + 1) / count) if work else no_progress)
        except EngineError as error:
            if channel.surface != PRIVATE or channel.public:
                raise EngineError(
                    f"Not published: {what} could not be marked as made with AI. {error.message}",
                    next_step=error.next_step or "Render it again, then publish.",
                ) from error
            log.warning("%s of story %s goes to %s unmarked: %s", what, story.pk, channel, error)
            return instead

    for revision, entry in files:
        rendition = Rendition.objects.get(workspace_id=story.workspace_id, pk=entry["id"])
        marks = tried(
            entry["format"], partial(_marked, story, revision, rendition, channel.labelled),
            {"marks": {"content_credentials": False, "watermark": False}},
        )  # fmt: skip
        told.append(entry | marks)
    if video is not None:
        told += filter(None, [tried("the sound alone", partial(_sound, story, *video, channel, work), {})])
    return told


def _main_video(files: list[tuple[Revision, dict[str, Any]]]) -> tuple[Revision, str] | None:
    """The revision and the rendition whose sound is that of the story."""
    found = ((revision, entry["id"]) for revision, entry in files if entry["recipe"] == entry["format"]
             and entry["content_type"] == "video/mp4")  # fmt: skip
    return next(found, None)


def _sound(
    story: Story, revision: Revision, video_id: str, channel: Channel, work: Work | None, progress: Progress
) -> dict[str, Any]:
    video = Rendition.objects.get(workspace_id=story.workspace_id, pk=video_id)
    _require_approved(video)
    return listening.sound_of(story, revision, video, channel, identity(), work=work, progress=progress)


def _require_approved(rendition: Rendition) -> None:
    if not rendition.file.exists() or not serving.untouched(rendition):
        raise EngineError("Its file is gone, or isn't the one that was approved.", next_step="Render it again.")


def _marked(
    story: Story, revision: Revision, rendition: Rendition, labelled: bool, progress: Progress
) -> dict[str, Any]:  # fmt: skip
    if rendition.content_type in TEXTS:
        return {}
    _require_approved(rendition)
    by, disclosure = identity(), revision.document["ai_disclosure"]
    label = _label(revision, rendition) if labelled else {}
    if rendition.content_type == STREAM:
        return _marked_stream(story, revision, rendition, label, progress)
    assets = _assets(story, revision)
    carries = _carries_watermark(rendition)
    claim = Claim(
        title=revision.document["title"], source_type=disclosure["digital_source_type"],
        engines={**disclosure, "made_by": [_made_by(asset) for asset in assets if asset.made_by]},
        ingredients=tuple(
            Ingredient(asset.file, asset.content_type, asset.title or "A file of the library")
            for asset in assets if asset.content_type in _READABLE and asset.file.exists()
        ),
        watermarked=carries,
    )  # fmt: skip
    said = [claim.title, claim.source_type, claim.engines, [asset.digest for asset in assets], carries, *label.values()]
    key = digest_of(EDITION, rendition.digest, by.fingerprint, said)
    made = media.find_rendition(story.workspace_id, key)
    if made is None:
        content = _content(
            rendition, revision.document["language"], watermarked=carries, labelled=bool(label), progress=progress
        )
        made = media.store_rendition(
            story.workspace_id, key=key, recipe=rendition.recipe,
            content=provenance.sign(content, rendition.content_type, claim, by), content_type=rendition.content_type,
            width=rendition.width, height=rendition.height, seconds=rendition.seconds, asset=rendition.asset,
            made_by={**rendition.made_by, "marked": EDITION},
        )  # fmt: skip
    marks = {"content_credentials": True, "self_made_certificate": by.self_made, "watermark": carries,
             "approved": rendition.digest, **label}  # fmt: skip
    return {"id": str(made.pk), "digest": made.digest, "size": made.size, "marks": marks}


def _marked_stream(
    story: Story, revision: Revision, rendition: Rendition, label: dict[str, str], progress: Progress
) -> dict[str, Any]:  # fmt: skip
    """A stream's pieces can't carry a manifest of ours; its head says the source type."""
    source_type = revision.document["ai_disclosure"]["digital_source_type"]
    key = digest_of(EDITION, rendition.digest, source_type, *label.values())
    made = media.find_rendition(story.workspace_id, key)
    if made is None:
        target = io.BytesIO()
        language = revision.document["language"]
        content = io.BytesIO(_content(rendition, language, labelled=bool(label), progress=progress))
        try:
            with zipfile.ZipFile(content) as stream, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as said:
                for name in stream.namelist():
                    piece = stream.read(name)
                    if name == STREAM_HEAD:
                        piece = xmp.with_source_type(piece, "video/mp4", source_type)
                    said.writestr(zipfile.ZipInfo(name), piece)
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise EngineError(f"The stream is damaged: {error}.", next_step="Render it again.") from error
        made = media.store_rendition(
            story.workspace_id, key=key, recipe=rendition.recipe, content=target.getvalue(), content_type=STREAM,
            width=rendition.width, height=rendition.height, seconds=rendition.seconds,
            made_by={**rendition.made_by, "marked": EDITION},
        )  # fmt: skip
    marks = {"content_credentials": False, "source_type": True, "watermark": False, "approved": rendition.digest,
             **label}  # fmt: skip
    return {"id": str(made.pk), "digest": made.digest, "size": made.size, "marks": marks}


def _assets(story: Story, revision: Revision) -> list[Asset]:
    """The files of the library that a revision shows: its scenes' pictures and its brand's."""
    digests = list(dict.fromkeys(scene["picture"] for scene in revision.document["scenes"] if scene["picture"]))
    if revision.document["format"].startswith("card") and len(revision.document["renditions"]) == 1:
        digests = digests[:1]
    found = {each.digest: each for each in Asset.objects.in_workspace(story.workspace_id).filter(digest__in=digests)}
    return [*(found[digest] for digest in digests if digest in found), *brands.files_of(story)]


def _made_by(asset: Asset) -> dict[str, str]:
    """What machine made an asset; of the words that it was asked with, only their hash."""
    words = str(asset.made_by.get("prompt", ""))
    told = {name: str(asset.made_by[name]) for name in ("engine", "model") if asset.made_by.get(name)}
    return {"digest": asset.digest, **told, **({"prompt": sha256(words.encode()).hexdigest()} if words else {})}


def _carries_watermark(rendition: Rendition) -> bool:
    """Whether it is a picture that is large enough for one."""
    if rendition.content_type not in _FORMS:
        return False
    return min(_opened(rendition.file, rendition.digest).size) >= watermark.SMALLEST


def _label(revision: Revision, rendition: Rendition) -> dict[str, str]:
    """What stands on a picture or video that machines had a hand in; nothing for sounds, and for what people made."""
    made = labels.is_due(revision.document["ai_disclosure"]["digital_source_type"])
    seen = rendition.content_type in _FORMS or rendition.content_type in MOVING
    return {"label": labels.words(revision.document["language"])} if made and seen else {}


def _content(
    rendition: Rendition, language: str, *, watermarked: bool = False, labelled: bool = False, progress: Progress
) -> bytes:  # fmt: skip
    """A file with what people see and what machines find of its marks."""
    if not (watermarked or labelled):
        return rendition.file.read_bytes()
    if rendition.content_type in _FORMS:
        return _picture(rendition, language, watermarked=watermarked, labelled=labelled)
    recipe = recipe_named(rendition.recipe.partition(" ")[2] or H264.name)
    with tempfile.TemporaryDirectory(prefix="storyloom-", dir=settings.DATA) as folder:
        target = Path(folder) / "labelled.mp4"
        size = (rendition.width, rendition.height)
        labels.on_video(
            rendition.file, target, language, size, recipe, seconds=rendition.seconds or None, progress=progress
        )
        return target.read_bytes()


def _picture(rendition: Rendition, language: str, *, watermarked: bool, labelled: bool) -> bytes:
    """A picture with its label and its watermark, which is looked for in the very bytes that are kept."""
    image = _opened(rendition.file, rendition.digest)
    image = labels.on_card(image, language) if labelled else image
    form = _FORMS[rendition.content_type]
    buffer = io.BytesIO()
    options: dict[str, Any] = {"compress_level": 4} if form == "PNG" else {"quality": 92}
    (watermark.mark(image) if watermarked else image).save(buffer, form, **options)
    content = buffer.getvalue()
    if watermarked and not watermark.is_marked(Image.open(io.BytesIO(content))):
        raise EngineError("Its watermark can't be found again.", next_step="Render it again.")
    return content


@lru_cache(maxsize=1)
def _opened(path: Path, _digest: str) -> Image.Image:
    return open_picture(path)


# Verify ---------------------------------------------------------------------------------------------------------------
def examine(content: bytes, *, name: str = "") -> dict[str, Any]:
    """What a file says of where it comes from: {"content_type", "finding": Finding, "watermark": True, False or None}.

    The watermark is None for what isn't a picture that can be seen. Raises MediaError for a file that is none.
    """
    shown = name or "The file"
    if len(content) > MOST_BYTES:
        raise MediaError(
            f"{shown} is larger than {MOST_BYTES / 1e6:,.0f} MB.", reason="huge", next_step="Drop a smaller one."
        )
    form = sniff(content[:4096])
    if form is None:
        raise MediaError(
            f"{shown} is no picture, video or sound that is known here.", reason="wrong_type",
            next_step="Drop a JPEG, PNG, WebP, MP4, WAV or MP3 file.",
        )  # fmt: skip
    try:
        finding = provenance.verify(content, form.content_type, trusted=identity())
    except MediaError:
        finding = Finding("none")
    seen = None
    if form.pillow:
        with suppress(MediaError):  # what can't be decoded may still say something of itself
            seen = watermark.is_marked(open_picture(content, name=shown))
    return {"content_type": form.content_type, "finding": finding, "watermark": seen}
