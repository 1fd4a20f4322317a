"""What a channel holds: published stories, their renditions, captions and transcripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.http import http_date
from django.utils.translation.trans_real import parse_accept_lang_header
from ninja import Query, Router, Schema
from pydantic import BeforeValidator, Field

from creator.api.caching import conditional
from creator.api.contract import TAGGED, Moment, answers
from creator.api.cursors import PATTERN, cursor, place_of
from creator.api.errors import problem
from creator.api.keys import ChannelKey, key_of
from creator.models import Publication
from creator.ranges import ranged
from creator.services import links, listening, published
from creator.services.digests import digest_of
from creator.services.links import base_url
from media_processing.models import Rendition as File
from media_processing.timeline import FORMATS

router = Router(tags=["stories"], auth=ChannelKey("stories:read"))

Aspect = Literal["9x16", "1x1", "16x9", "4x5", "1.91x1"]
Kind = Literal["video", "card", "audio"]
CAPTIONS = {"captions-vtt": "vtt", "captions-srt": "srt"}
OFFERED = (*FORMATS, listening.FORMAT)
"""The formats of files; what is only heard has no shape."""
PRESETS = (*(name.replace(":", "-") for name in OFFERED), *CAPTIONS)
if TYPE_CHECKING:
    Preset = str
else:
    Preset = Literal[PRESETS]


class Disclosure(Schema):
    """What machines did in a story."""

    digital_source_type: str = Field(
        default="", description='By IPTC: "compositeWithTrainedAlgorithmicMedia" where machines had a hand in it, '
        '"digitalCreation" where not. Listed at cv.iptc.org/newscodes/digitalsourcetype.'
    )  # fmt: skip
    text: str = Field(default="", description="The engine that wrote it.")
    voice: str = Field(default="", description='The engine that is heard; "recorded" for people.')
    pictures: list[str] = Field(default_factory=list, description="The engines that drew in it.")
    music: str = Field(default="", description="The engine that composed, where there is music.")


class Marks(Schema):
    """How a file tells what it is; captions carry no marks."""

    content_credentials: bool = Field(
        default=False, description="It carries a signed C2PA manifest. An HLS stream can't."
    )
    self_made_certificate: bool = Field(default=False, description="Others see the signature as untrusted.")
    source_type: bool = Field(default=False, description="An HLS stream: its init.mp4 says the source type as XMP.")
    watermark: bool = Field(default=False, description="An invisible mark of ours is in the picture.")
    label: str = Field(default="", description="What people see on it, where the channel wants a label.")
    spoken: str = Field(default="", description="What a voice says of it, in a file that is only heard.")
    spoken_first: float = Field(
        default=0.0, description="Seconds of that before the story begins: times of captions and transcript are later "
        "by so much. 0 where it is said at the end."
    )  # fmt: skip
    approved: str = Field(default="", description="sha256 of the file as it was approved, before it was marked.")


class Rendition(Schema):
    """A file of a story."""

    id: UUID
    format: str = Field(description='"video:9x16", "card:1x1" ...; "audio": the sound of a video alone.')
    recipe: str = Field(description="The format, or vtt or srt for captions.")
    language: str
    content_type: str
    digest: str = Field(description="sha256 of the file.")
    size: int = Field(description="Bytes.")
    width: int
    height: int
    seconds: float
    marks: Marks = Field(default_factory=Marks)
    url: str = Field(description="Signed: it needs no key, and expires after 24 to 48 hours.")


class SceneText(Schema):
    """What is said and shown in one scene."""

    narration: str
    on_screen: str
    alt: str
    licence: str
    credit: str


class Correction(Schema):
    """A note that readers see: what was corrected, and when."""

    at: datetime
    note: str


class StoryItem(Schema):
    """A published story. Where `fields` names some, the others are left out."""

    id: UUID
    title: str = Field("", description="The headline.")
    summary: str = ""
    language: str = ""
    hashtags: list[str] = Field(default_factory=list)
    published_at: datetime = Field(default_factory=datetime.now)
    updated_at: datetime = Field(default_factory=datetime.now)
    ai_disclosure: Disclosure = Field(default_factory=Disclosure)
    corrections: list[Correction] = Field(default_factory=list, description="What was corrected since.")
    renditions: list[Rendition] = Field(default_factory=list)


class Alternate(Schema):
    """The same story in another language."""

    id: UUID
    language: str


class StoryDetail(StoryItem):
    """A published story with its texts and sources."""

    scenes: list[SceneText] = Field(default_factory=list)
    sources: list[str] = Field(default_factory=list)
    alternates: list[Alternate] = Field(default_factory=list, description="It in other languages, on this channel.")


class StoryList(Schema):
    """A page of stories, newest first."""

    items: list[StoryItem]
    next: str | None = Field(None, description="Cursor of the next page; null at the end.")


class RenditionList(Schema):
    """The files of a story, those that fit best first."""

    items: list[Rendition]


class Passage(Schema):
    """Something said."""

    text: str
    start: float | None = Field(None, description="Second of the video; null where there is none.")
    end: float | None = None


class StoryTranscript(Schema):
    """What is said in a story."""

    language: str
    text: str
    passages: list[Passage]


ItemField = Literal[
    "id", "title", "summary", "language", "hashtags", "published_at", "updated_at", "ai_disclosure", "corrections",
    "renditions",
]  # fmt: skip
DetailField = Literal[ItemField, "scenes", "sources", "alternates"]
ITEM, DETAIL = get_args(ItemField), get_args(DetailField)


def _parts(value: Any) -> Any:
    """a,b and a&b alike; an empty list is none."""
    if value == [""]:
        return []
    return [part for each in value for part in str(each).split(",")] if isinstance(value, list) else value


class ListQuery(Schema):
    """What a list may be asked for; anything else is refused."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str = Field("", max_length=400, pattern=PATTERN, description="`next` of the page before.")
    fields: Annotated[list[ItemField], BeforeValidator(_parts)] = Field(
        default_factory=list, max_length=20, description="Only these, separated by commas."
    )
    language: str = Field("", max_length=12, pattern="^[A-Za-z-]*$", description='"en" is also "en-GB".')
    kind: Kind | None = Field(None, description="Only stories, and files, of this kind.")
    aspect: Aspect | None = Field(None, description="Only stories, and files, of this shape.")
    published_after: Moment | None = None
    published_before: Moment | None = None
    updated_after: Moment | None = None


@router.get("", response=answers(StoryList), summary="List published stories", openapi_extra=TAGGED)
def list_stories(request: HttpRequest, query: Query[ListQuery]) -> HttpResponse:
    """The stories of the key's channel, newest first. Walking by cursor misses and doubles nothing, whatever is
    published or withdrawn meanwhile. Scope: stories:read."""
    channel = key_of(request).channel_id
    asked = query.model_dump(mode="json", exclude={"cursor", "limit", "fields"})
    rows = published.narrowed(
        Publication.objects.live().filter(channel=channel), language=query.language,
        after=query.published_after, before=query.published_before, updated=query.updated_after,
    )  # fmt: skip
    formats = _formats(query.kind, query.aspect)
    if query.kind or query.aspect:
        rows = rows.filter(Exists(File.objects.filter(publications=OuterRef("pk"), recipe__in=formats)))
    of = digest_of(channel, asked)[:16]
    if query.cursor:
        rows = rows.filter(published.after(*_place(query.cursor, of)))
    found = list(rows.order_by("-published", "pk").values_list("pk", "published", "updated")[: query.limit + 1])
    page, more = found[: query.limit], len(found) > query.limit
    wanted = [name for name in ITEM if name in query.fields or not query.fields]

    def body() -> str:
        documents = Publication.objects.in_bulk([pk for pk, *_ in page])
        link = links.signer(channel)
        items = [item(documents[pk].document, wanted, link, formats) for pk, *_ in page if pk in documents]
        last = cursor(page[-1][1].isoformat(), str(page[-1][0]), of=of) if more else None
        return json.dumps({"items": items, "next": last}, ensure_ascii=False)

    return conditional(request, (channel, page, more, wanted, asked, links.expiry(), base_url()), body)


def _place(given: str, of: str) -> tuple[datetime, UUID]:
    when, pk = place_of(given, of=of)
    return datetime.fromisoformat(when), UUID(pk)


def _formats(kind: str | None, aspect: str | None) -> list[str]:
    """The formats of a kind and shape."""
    parts = ((name, *name.partition(":")) for name in OFFERED)
    return [name for name, its, _, shape in parts if kind in (None, its) and aspect in (None, shape)]


def item(
    document: dict[str, Any], wanted: Iterable[str], link: Callable[[str], str], formats: Iterable[str] = OFFERED
) -> dict[str, Any]:
    """The wanted fields of a document; its id always."""
    told = {name: document[name] for name in ("id", *wanted) if name in document}
    if "renditions" in told:
        told["renditions"] = _files(document, link, formats)
    if "scenes" in told:
        told["scenes"] = [{name: scene[name] for name in SceneText.model_fields} for scene in document["scenes"]]
    return told


def _files(
    document: dict[str, Any], link: Callable[[str], str], formats: Iterable[str] = OFFERED
) -> list[dict[str, Any]]:
    kept = [each for each in document["renditions"] if each["format"] in formats]
    return [{**each, "url": link(each["id"])} for each in kept]


class DetailQuery(Schema):
    """What one story may be asked for."""

    fields: Annotated[list[DetailField], BeforeValidator(_parts)] = Field(
        default_factory=list, max_length=20, description="Only these, separated by commas."
    )
    kind: Kind | None = Field(None, description="Only files of this kind.")
    aspect: Aspect | None = Field(None, description="Only files of this shape.")


@router.get(
    "/{uuid:story_id}", response=answers(StoryDetail, also=(410,)), summary="One published story", openapi_extra=TAGGED
)
def get_story(request: HttpRequest, story_id: UUID, query: Query[DetailQuery]) -> HttpResponse:
    """A story of the key's channel; 410 once it is withdrawn. With Accept-Language, the story in the language that is
    wanted most, where the channel has it. Scope: stories:read."""
    channel = key_of(request).channel_id
    group = published.family(channel, story_id)
    chosen = _in_language(group, story_id, request.headers.get("Accept-Language", ""))
    others = [{"id": str(each.story_id), "language": each.language} for each in group
              if each.is_live and each.story_id != chosen.story_id]  # fmt: skip
    wanted = [name for name in DETAIL if name in query.fields or not query.fields]
    formats = _formats(query.kind, query.aspect)

    def body() -> str:
        document = Publication.objects.values_list("document", flat=True).get(pk=chosen.pk)
        told = item({**document, "alternates": others}, wanted, links.signer(channel), formats)
        return json.dumps(told, ensure_ascii=False)

    facts = (channel, chosen.pk, chosen.updated, others, wanted, formats, links.expiry(), base_url())
    response = conditional(request, facts, body)
    response["Last-Modified"] = http_date(chosen.updated.timestamp())
    response["Content-Language"], response["Vary"] = chosen.language, "Accept-Language"
    if chosen.story_id != story_id:
        response["Content-Location"] = f"/api/v1/stories/{chosen.story_id}"
    return response


def _in_language(group: list[Publication], story_id: UUID, header: str) -> Publication:
    """The story, or a translation of it that the reader would rather have. Raises Gone."""
    asked = published.live_one(group, story_id)
    for wanted, _ in parse_accept_lang_header(header[:200].lower()):
        for each in (asked, *group):
            spoken = each.language.lower()
            if each.is_live and (wanted == "*" or spoken == wanted or spoken.split("-")[0] == wanted.split("-")[0]):
                return each
    return asked


class FilesQuery(Schema):
    """Which files of a story."""

    kind: Kind | None = None
    aspect: Aspect | None = Field(None, description="The shape that is wanted; the nearest ones come first.")


@router.get(
    "/{uuid:story_id}/renditions", response=answers(RenditionList, also=(410,)), summary="Files of a story",
    openapi_extra=TAGGED,
)  # fmt: skip
def list_renditions(request: HttpRequest, story_id: UUID, query: Query[FilesQuery]) -> HttpResponse:
    """A story's files with signed addresses, those nearest to the wanted shape first. Scope: stories:read."""
    channel = key_of(request).channel_id
    row = published.live_one(published.family(channel, story_id), story_id)

    def body() -> str:
        document = Publication.objects.values_list("document", flat=True).get(pk=row.pk)
        files = _files(document, links.signer(channel), _formats(query.kind, None))
        return json.dumps({"items": published.nearest(files, query.aspect)}, ensure_ascii=False)

    facts = (channel, row.pk, row.updated, query.kind, query.aspect, links.expiry(), base_url())
    return conditional(request, ("renditions", *facts), body)


@router.get(
    "/{uuid:story_id}/renditions/{preset}", response={302: None, **answers(None, also=(410,), files=True)},
    summary="The file of a preset",
)  # fmt: skip
def get_preset(request: HttpRequest, story_id: UUID, preset: Preset) -> HttpResponseBase:
    """Leads to the signed address of a story's file of this kind and shape: the nearest shape where there is no such
    one. Scope: stories:read."""
    channel = key_of(request).channel_id
    row = published.live_one(published.family(channel, story_id), story_id)
    document = Publication.objects.values_list("document", flat=True).get(pk=row.pk)
    found = _of_preset(document, preset)
    if found is None:
        return problem(404, "This story has no such file.", next_step="GET /stories/{id}/renditions lists what it has.")
    response = HttpResponseRedirect(links.signer(channel)(found["id"]))
    response["Cache-Control"] = "private, max-age=3600"
    return response


def _of_preset(document: dict[str, Any], preset: str) -> dict[str, Any] | None:
    files: list[dict[str, Any]] = document["renditions"]
    if preset in CAPTIONS:
        return next((each for each in files if each["recipe"] == CAPTIONS[preset]), None)
    kind, _, aspect = preset.partition("-")
    of_kind = [each for each in files if each["format"].split(":")[0] == kind and each["recipe"] == each["format"]]
    return next(iter(published.nearest(of_kind, aspect)), None)


@router.get(
    "/{uuid:story_id}/captions/{format}", response=answers(None, also=(410,), files=True),
    summary="Captions of a story", tags=["captions"],
)  # fmt: skip
def get_captions(request: HttpRequest, story_id: UUID, format: Literal["vtt", "srt"]) -> HttpResponseBase:
    """The captions of a story's video. Scope: stories:read."""
    file = _caption_file(key_of(request).channel_id, story_id, format)
    if file is None:
        return problem(404, "This story has no captions: it has no video.")
    return ranged(request, file.file, content_type=f"{file.content_type}; charset=utf-8", etag=file.digest)


@router.get(
    "/{uuid:story_id}/transcript", response=answers(StoryTranscript, also=(410,)), summary="What is said in a story",
    tags=["transcripts"], openapi_extra=TAGGED,
)  # fmt: skip
def get_transcript(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """What is said, passage by passage, with times where there is a video. Scope: stories:read."""
    channel = key_of(request).channel_id
    row = published.live_one(published.family(channel, story_id), story_id)

    def body() -> str:
        document = Publication.objects.values_list("document", flat=True).get(pk=row.pk)
        passages = published.passages(document, _caption_file(channel, story_id, "vtt"))
        text = " ".join(scene["narration"] for scene in document["scenes"])
        return json.dumps({"language": row.language, "text": text, "passages": passages}, ensure_ascii=False)

    return conditional(request, ("transcript", row.pk, row.updated), body)


def _caption_file(channel: int, story_id: UUID, format: str) -> File | None:
    row = published.live_one(published.family(channel, story_id), story_id)
    return File.objects.filter(publications=row.pk, recipe=format).first()
