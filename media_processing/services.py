"""What is done to the files of a library: storing, deriving, transcribing."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import Any, TypeAlias

from django.conf import settings
from django.db import transaction
from PIL import Image

from media_processing import looks, pdq, pictures
from media_processing.cropping import find_faces
from media_processing.decoding import MAX_BYTES, MediaError, Probe, frames_at, look_at, open_picture
from media_processing.engine import Progress, engines, no_progress
from media_processing.engines.base import Reader
from media_processing.ffmpeg import repack
from media_processing.lookups import looked_up
from media_processing.metadata import Embedded
from media_processing.models import Asset, Rendition, Transcript
from media_processing.shots import shots
from media_processing.storage import Incoming, digest_of, incoming

SIDES = {"webp-480": 480, "webp-960": 960}
"""Recipes of still renditions: the longer side in pixels."""
TILE = "webp-480"
"""The recipe that every page of the library asks for: made at the import, the others when somebody asks."""
LOOK = SIDES[TILE]
"""The longer side of the one small picture that an import decodes and makes everything from: the tile, its colours and
hash, and what the embedder sees. Models see 224 to 384 pixels; a 12 MP JPEG is decoded at an eighth for it."""
LOOKS = (0.1, 0.3, 0.5)
"""Where to look for the poster of a video, as shares of its length: the very first frame is often black."""
TILE_EFFORT = 0
"""Of WebP's 0 to 6: a tile takes half of the time that the usual 4 does, and 4 % more bytes."""
COLOUR_LOOK = (32, 32)
"""Pixels in which colours are counted."""
FRAMES_AT_ONCE = 32
"""Key frames that one child process decodes, so that none runs into its limits."""
FRAMES_READ = 12
"""Key frames of a video in which text is looked for."""
MAX_TEXT = 4000
"""Characters of the text in a picture."""
SHOWN = "shown"
"""The recipe of what pages show of an asset as a whole: made by us, so that what somebody hid in a file stays there."""
SHOWN_SIDE = 2560
"""The longest side of a picture that is shown, in pixels."""
SPRITE = "sprite"
SPRITE_FRAMES = 10
"""Frames of a sprite, side by side, evenly spread over the video; a page shows the one under the pointer."""
SPRITE_SIDE = 240

_finding_faces = threading.Lock()
"""OpenCV's detector is told the size of a picture before it gets it, and files are prepared in several threads."""
_SUFFIXES = {
    "image/webp": ".webp", "image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4", "audio/wav": ".wav",
    "audio/mp4": ".m4a", "audio/mpeg": ".mp3", "text/vtt": ".vtt", "application/x-subrip": ".srt",
    "application/json": ".json", "application/zip": ".zip",
}  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """A stretch of an asset that can be found on its own, in seconds; `key_time` is when its key frame is shown."""

    start: float
    end: float
    key_time: float
    text: str = ""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A file that was looked at and is kept on disk; its rows are yet to be written."""

    name: str
    """What the person called it; "" where nobody did."""
    digest: str
    path: str
    size: int
    probe: Probe
    embedded: Embedded
    picture: Image.Image | None
    """A picture, or the poster of a video, no side longer than LOOK pixels; None of a sound."""
    colour: str = ""
    colours: tuple[str, ...] = ()
    tile: tuple[str, str, int] | None = None
    """Digest, path and bytes of its tile, where one was made."""

    pdq: str = ""
    """The PDQ hash of a picture that has enough structure to be compared."""
    looks: Mapping[str, float] = field(default_factory=dict)
    """How good its picture is to look at, part by part; empty of a sound."""

Recorded: TypeAlias = tuple[Asset, bool]
"""An asset, and whether it is new."""


def prepare(
    source: Path | bytes, *, name: str = "", max_bytes: int = MAX_BYTES, tile: bool = True
) -> Prepared:
    """All that is to be known and kept of a file, without the database: many may be prepared at a time, in threads.

    A picture is decoded once. Raises MediaError for a file that can't be used, EngineError where it can't be stored.
    """
    name = PurePath(name).name or (source.name if isinstance(source, Path) else "")
    with incoming(source, max_bytes=max_bytes) as copy:
        return _prepare(copy, name, max_bytes=max_bytes, tile=tile)


def _prepare(copy: Incoming, name: str, *, max_bytes: int, tile: bool) -> Prepared:
    shown = name or "The file"
    look = look_at(copy.path, max_side=LOOK, name=shown, max_bytes=max_bytes)
    picture = _poster(copy.path, look.probe.seconds, shown) if look.probe.kind == "video" else look.picture
    made = None
    if tile and picture is not None:
        with incoming(pictures.webp(picture, quality=80, method=TILE_EFFORT)) as small:
            made = small.digest, small.keep("renditions", ".webp"), small.size
    little = picture.resize(COLOUR_LOOK, Image.Resampling.BOX) if picture is not None else None
    return Prepared(
        name, copy.digest, copy.keep("originals", look.probe.suffix), copy.size, look.probe, look.embedded, picture,
        colour=pictures.dominant_colour(little) if little is not None else "",
        colours=tuple(pictures.colour_names(little)) if little is not None else (), tile=made,
        pdq=hash_of(picture) if picture is not None and look.probe.kind == "image" else "",
        looks=looks_of(picture, (look.probe.width, look.probe.height)) if picture is not None else {},
    )  # fmt: skip


def record(
    workspace_id: int,
    prepared: Sequence[Prepared],
    *,
    title: str = "",
    alt: str = "",
    licence: str = "",
    credit: str = "",
    tags: Iterable[str] = (),
    made_by: Mapping[str, Any] | None = None,
    domain: str = "photographs",
    added_by_id: int | None = None,
    source_url: str = "",
) -> list[Recorded]:
    """Write the rows of prepared files, in one transaction: the same bytes in a workspace are the same asset, and one
    that is there already stays as it is.

    What the caller says of the files goes before what they say of themselves, and that before their names.
    """
    cleaned = clean_tags(tags)
    new = {}
    for each in prepared:
        said = each.embedded.words
        new[each.digest] = Asset(
            workspace_id=workspace_id, digest=each.digest, path=each.path, size=each.size, kind=each.probe.kind,
            content_type=each.probe.content_type, width=each.probe.width, height=each.probe.height,
            seconds=each.probe.seconds, has_sound=each.probe.has_sound,
            title=(title or _own_title(said) or _title(each.name))[:300],
            alt=(alt or _own_alt(said))[:500], credit=(credit or _own_credit(said))[:200],
            tags=cleaned or clean_tags(said.get("keywords", ())), licence=licence[:100],
            source_url=source_url[:2000], made_by=dict(made_by or {}), domain=domain, colour=each.colour,
            colours=list(each.colours), metadata=said, taken=each.embedded.taken, added_by_id=added_by_id,
            looks=dict(each.looks), quality=looks.quality(each.looks) if each.looks else None,
        )  # fmt: skip
    with transaction.atomic():
        Asset.objects.bulk_create(new.values(), ignore_conflicts=True)
        rows = {row.digest: row for row in Asset.objects.in_workspace(workspace_id).filter(digest__in=new)}
        Rendition.objects.bulk_create(
            (_tile_row(rows[each.digest], each) for each in prepared if each.tile), ignore_conflicts=True
        )
    created = {digest for digest, row in rows.items() if row.pk == new[digest].pk}
    told: list[Recorded] = []
    for each in prepared:
        told.append((rows[each.digest], each.digest in created))
        created.discard(each.digest)  # the second file with the same bytes isn't new
    return told


def _tile_row(asset: Asset, prepared: Prepared) -> Rendition:
    assert prepared.tile is not None and prepared.picture is not None  # noqa: S101 - the caller looked
    digest, path, size = prepared.tile
    return Rendition(
        workspace_id=asset.workspace_id, asset=asset, recipe=TILE, key=rendition_key(asset.digest, TILE),
        digest=digest, path=path, content_type="image/webp", size=size,
        width=prepared.picture.width, height=prepared.picture.height,
    )  # fmt: skip


def store_asset(
    workspace_id: int,
    source: Path | bytes,
    *,
    name: str = "",
    max_bytes: int = MAX_BYTES,
    tile: bool = False,
    **details: Any,
) -> Recorded:
    """Keep a file as an asset, and say whether it is new: the same bytes in a workspace are the same asset.

    `name` is what the person called the file: it makes messages and, where nothing better is known, the title. Never a
    path. `details` are those of `record`. Raises MediaError for a file that can't be used, EngineError where it can't
    be stored.
    """
    name = PurePath(name).name or (source.name if isinstance(source, Path) else "")
    with incoming(source, max_bytes=max_bytes) as copy:
        known = Asset.objects.in_workspace(workspace_id).filter(digest=copy.digest).first()
        if known is not None and known.file.exists():
            return known, False
        prepared = _prepare(copy, name, max_bytes=max_bytes, tile=tile)
    return record(workspace_id, [prepared], **details)[0]


def known_among(workspace_id: int, sources: Sequence[Path]) -> dict[Path, Asset]:
    """Those of some files that a workspace has already, with their assets.

    Only files whose size an asset has are read, so that a first import doesn't read everything twice. What can't be
    read is left for `prepare` to tell.
    """
    sizes: dict[Path, int] = {}
    for source in sources:
        try:
            sizes[source] = source.stat().st_size
        except OSError:
            continue
    assets = Asset.objects.in_workspace(workspace_id)
    taken = set(assets.filter(size__in=set(sizes.values())).order_by().values_list("size", flat=True))
    digests: dict[Path, str] = {}
    for source in (source for source, size in sizes.items() if size in taken):
        try:
            digests[source] = digest_of(source)
        except OSError:
            continue
    there = {row.digest: row for row in assets.filter(digest__in=set(digests.values())) if row.file.exists()}
    return {source: there[digest] for source, digest in digests.items() if digest in there}


def looks_of(picture: Image.Image, size: tuple[int, int]) -> dict[str, float]:
    """How good a picture of that many pixels is to look at, part by part; with faces where a model can find them."""
    model = Path(settings.FACES_MODEL) if settings.FACES_MODEL else None
    with _finding_faces if model else nullcontext():
        faces = find_faces(picture, model)
    return looks.measured(picture, size, faces)


def hash_of(picture: Image.Image) -> str:
    """The PDQ hash of a picture, hexadecimal; "" where it has too little structure to be compared."""
    made = pdq.hashed(picture)
    return made.hex if made.reliable else ""


def store_rendition(
    workspace_id: int,
    *,
    key: str,
    recipe: str,
    content: Path | bytes,
    content_type: str,
    width: int = 0,
    height: int = 0,
    seconds: float = 0.0,
    asset: Asset | None = None,
    made_by: Mapping[str, Any] | None = None,
) -> Rendition:
    """Keep a file of our own making under `key` (see `rendition_key`); whoever comes second gets the first one's.

    A row whose file is gone gets the new file. Raises EngineError where it can't be stored.
    """
    with incoming(content) as copy:
        path = copy.keep("renditions", suffix_of(content_type))
    values = {
        "recipe": recipe, "digest": copy.digest, "path": path, "content_type": content_type, "size": copy.size,
        "width": width, "height": height, "seconds": seconds, "asset": asset, "made_by": dict(made_by or {}),
    }  # fmt: skip
    with transaction.atomic():
        rendition, created = Rendition.objects.get_or_create(workspace_id=workspace_id, key=key, defaults=values)
        if not created and not rendition.file.exists():
            rendition, _ = Rendition.objects.update_or_create(workspace_id=workspace_id, key=key, defaults=values)
    return rendition


def suffix_of(content_type: str) -> str:
    """How the name of a file of our own making ends."""
    return _SUFFIXES.get(content_type, ".bin")


def rendition_key(digest: str, recipe: str) -> str:
    """The key of what `recipe` makes of the input with that digest."""
    return hashlib.sha256(f"{digest}\n{recipe}".encode()).hexdigest()


def find_rendition(workspace_id: int, key: str) -> Rendition | None:
    """A rendition that was made before and whose file is still there."""
    rendition = Rendition.objects.filter(workspace_id=workspace_id, key=key).first()
    found = rendition is not None and rendition.file.exists()
    return rendition if looked_up("renditions", found) else None


def rendition_of(asset: Asset, recipe: str) -> Rendition:
    """A picture of an asset by a recipe ("webp-480", "webp-960", "sprite"), made at the first call.

    Raises MediaError for sound, and for the sprite of a picture.
    """
    if recipe not in SIDES and recipe != SPRITE:
        raise ValueError(f"No recipe {recipe!r}. There are: {', '.join([*SIDES, SPRITE])}.")
    key = rendition_key(asset.digest, recipe)
    found = find_rendition(asset.workspace_id, key)
    if found is not None:
        return found
    image = _sprite(asset) if recipe == SPRITE else _still(asset, SIDES[recipe])
    return store_rendition(
        asset.workspace_id,
        key=key,
        recipe=recipe,
        content=pictures.webp(image, quality=70 if recipe == SPRITE else 80),
        content_type="image/webp",
        width=image.width,
        height=image.height,
        asset=asset,
    )


def shown(asset: Asset) -> Rendition:
    """An asset as pages show it, made at the first call: a picture anew from its pixels; of a film or a sound the first
    tracks in a container of our writing, without anything else that lay in theirs.

    Raises MediaError where it can't be read, EngineError where it can't be stored.
    """
    key = rendition_key(asset.digest, SHOWN)
    found = find_rendition(asset.workspace_id, key)
    if found is not None:
        return found
    about: dict[str, Any] = {"key": key, "recipe": SHOWN, "asset": asset}
    if asset.kind == Asset.Kind.IMAGE:
        image = open_picture(asset.file, max_side=SHOWN_SIDE, name=asset.title)
        content = pictures.webp(image, quality=90, method=2)
        about |= {"content_type": "image/webp", "width": image.width, "height": image.height}
        return store_rendition(asset.workspace_id, content=content, **about)
    about |= {"content_type": asset.content_type, "width": asset.width, "height": asset.height}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"shown{asset.file.suffix}"
        repack(asset.file, copy)
        return store_rendition(asset.workspace_id, content=copy, seconds=asset.seconds, **about)


def recipes_for(asset: Asset) -> tuple[str, ...]:
    """The recipes that work for an asset."""
    return {Asset.Kind.IMAGE: tuple(SIDES), Asset.Kind.VIDEO: (*SIDES, SPRITE)}.get(Asset.Kind(asset.kind), ())


def transcribe_asset(asset: Asset, *, language: str = "", progress: Progress = no_progress) -> Transcript:
    """Transcribe a spoken asset with the default transcriber; a new transcript takes the old one's place.

    As `heard_in`, which only listens.
    """
    found = heard_in(asset, language=language, progress=progress)
    return Transcript.objects.update_or_create(asset=asset, defaults=found)[0]


def heard_in(asset: Asset, *, language: str = "", progress: Progress = no_progress) -> dict[str, Any]:
    """What a transcript of an asset would hold, by the default transcriber.

    Without a `language` the transcriber finds out, or takes English where it can't. Parts that are done are kept in the
    cache: after a restart it goes on where it was.

    Raises MediaError where it has no sound, EngineError where the engine can't.
    """
    if not asset.has_sound:
        raise MediaError(f"{asset} has no sound.", reason="no_sound", next_step="Choose a file with speech in it.")
    transcriber = engines["transcriber"]
    cache = Path(settings.CACHE_ROOT) / "heard"
    said = transcriber.transcribe(asset.file, language=language, cache=cache, progress=progress)
    return {
        "language": said.language,
        "passages": [asdict(passage) for passage in said.passages],
        "made_by": transcriber.made_by(language=said.language),
    }


def look_again(asset: Asset) -> None:
    """Fill in what an import of today reads out of a file and an older one didn't; nothing that is there changes.

    The row isn't saved. Raises MediaError where the file can't be read any more.
    """
    name = asset.title or "The file"
    look = look_at(asset.file, max_side=LOOK, name=name)
    picture = _poster(asset.file, asset.seconds, name) if look.probe.kind == "video" else look.picture
    said = look.embedded.words
    if not asset.colours:
        asset.colours = pictures.colour_names(picture) if picture is not None else []
    asset.colours = asset.colours or ["white"]  # all transparent: what a page shows behind it
    asset.looks = looks_of(picture, (look.probe.width, look.probe.height)) if picture is not None else {}
    asset.quality = looks.quality(asset.looks)
    asset.metadata = said | asset.metadata
    asset.taken = asset.taken or look.embedded.taken
    asset.title = asset.title or _own_title(said)[:300]
    asset.alt = asset.alt or _own_alt(said)[:500]
    asset.credit = asset.credit or _own_credit(said)[:200]
    asset.tags = asset.tags or clean_tags(said.get("keywords", ()))


def text_seen_in(asset: Asset, key_times: Sequence[float] = ()) -> str:
    """The text that the default reader reads in a picture, or in some key frames of a video, each line once.

    Raises MediaError where the file can't be read, EngineError where the engine can't.
    """
    reader: Reader = engines["reader"]
    if asset.kind == Asset.Kind.AUDIO:
        return ""
    if asset.kind == Asset.Kind.IMAGE:
        looks = [open_picture(asset.file, max_side=reader.side, name=asset.title)]
    else:
        step = max(1, len(key_times) / FRAMES_READ)
        seconds = [key_times[int(number * step)] for number in range(min(FRAMES_READ, len(key_times)))]
        looks = frames_at(asset.file, seconds or [asset.seconds / 2], max_side=reader.side, name=asset.title)
    lines = dict.fromkeys(line for look in looks for line in reader.read(look).splitlines())
    return "\n".join(lines)[:MAX_TEXT]


def stretches(asset: Asset, *, progress: Progress = no_progress) -> list[Stretch]:
    """What can be found in an asset: a picture is one, a video one per shot, sound one per spoken passage.

    A sound without speech is one as a whole: its title and tags find it.
    """
    if asset.kind == Asset.Kind.IMAGE:
        return [Stretch(0.0, 0.0, 0.0)]
    transcript = Transcript.objects.filter(asset=asset).first()
    passages = transcript.passages if transcript is not None else []
    if asset.kind == Asset.Kind.AUDIO:
        spoken = [Stretch(said["start"], said["end"], said["start"], said["text"]) for said in passages]
        return spoken or [Stretch(0.0, asset.seconds, 0.0)]
    return [
        Stretch(shot.start, shot.end, shot.key_time, said_between(passages, shot.start, shot.end))
        for shot in shots(asset.file, progress=progress)
    ]


def key_frames(asset: Asset, key_times: Sequence[float]) -> Iterator[Image.Image | None]:
    """The picture at each time, no side longer than LOOK pixels, decoded a few at a time; None for a sound."""
    if asset.kind == Asset.Kind.AUDIO:
        yield from [None] * len(key_times)
    elif asset.kind == Asset.Kind.IMAGE:
        for _ in key_times:
            yield open_picture(asset.file, max_side=LOOK, name=asset.title)
    else:
        for start in range(0, len(key_times), FRAMES_AT_ONCE):
            seconds = key_times[start : start + FRAMES_AT_ONCE]
            yield from frames_at(asset.file, seconds, max_side=LOOK, name=asset.title)


def said_between(passages: Sequence[Mapping[str, Any]], start: float, end: float) -> str:
    """The words whose middle lies in a stretch; of a passage without word times, all or nothing."""
    words: list[str] = []
    for passage in passages:
        for part in passage.get("words") or [passage]:
            if start <= (part["start"] + part["end"]) / 2 < end:
                words.append(part["text"])
    return " ".join(words)


def _still(asset: Asset, max_side: int) -> Image.Image:
    name = asset.title or "The file"
    if asset.kind == Asset.Kind.IMAGE:
        return open_picture(asset.file, max_side=max_side, name=name)
    if asset.kind == Asset.Kind.AUDIO:
        raise MediaError(f"{name} is sound and has no picture.", reason="no_picture")
    return _poster(asset.file, asset.seconds, name, max_side=max_side)


def _poster(path: Path, seconds: float, name: str, *, max_side: int = LOOK) -> Image.Image:
    frames = frames_at(path, [seconds * share for share in LOOKS], max_side=max_side, name=name)
    return max(frames, key=pictures.sharpness)


def _sprite(asset: Asset) -> Image.Image:
    if asset.kind != Asset.Kind.VIDEO:
        raise MediaError(f"{asset} isn't a video.", reason="no_picture", next_step="Choose a video.")
    looks = [asset.seconds * (number + 0.5) / SPRITE_FRAMES for number in range(SPRITE_FRAMES)]
    # Key frames are quick to reach, but a short clip has few of them.
    frames = frames_at(asset.file, looks, max_side=SPRITE_SIDE, exact=asset.seconds < 20, name=asset.title)
    width, height = frames[0].size
    strip = Image.new("RGB", (width * len(frames), height))
    for number, frame in enumerate(frames):
        strip.paste(frame, (number * width, 0))
    return strip


def _own_title(said: Mapping[str, Any]) -> str:
    return str(said.get("title") or said.get("headline") or "")


def _own_alt(said: Mapping[str, Any]) -> str:
    return str(said.get("alt") or said.get("caption") or "")


def _own_credit(said: Mapping[str, Any]) -> str:
    return str(said.get("credit") or said.get("byline") or said.get("copyright") or "")


def _title(name: str) -> str:
    words = PurePath(name).stem.replace("_", " ")
    return " ".join("".join(mark for mark in words if mark.isprintable()).split())


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags as they are kept: each once, none empty, none longer than 60 characters."""
    cleaned = (" ".join(tag.split())[:60] for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))
