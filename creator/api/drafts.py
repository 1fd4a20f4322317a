"""Stories while they are made: create one from an article, edit it, run its steps, send it to review, publish it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID, uuid5

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import BeforeValidator, Field

from creator.api.caching import conditional, require_version, tag_of
from creator.api.contract import TAGGED, Moment, Wanted, Whole, answers, sent, versioned, whole
from creator.api.cursors import PageQuery, newest
from creator.api.jobs import JobState
from creator.api.jobs import told as job_told
from creator.api.keys import ChannelKey, key_of
from creator.api.stories import router as published
from creator.models import ApiKey, Job, Publication, Story
from creator.services import alternatives, choices, publications, reviews, schedules, stories, wording
from creator.services.digests import digest_of
from creator.services.stories import STEPS
from media_processing.models import Asset
from media_processing.timeline import FORMATS

WRITE, PUBLISH = ChannelKey("stories:write"), ChannelKey("stories:publish")
router = Router(tags=["making stories"], auth=WRITE)
lists = Router(tags=["making stories"], auth=WRITE)

if TYPE_CHECKING:
    Format = str
    Language = str
    Step = str
    State = str
else:
    Format, Language = Literal[tuple(FORMATS)], Literal[tuple(choices.LANGUAGES)]
    Step, State = Literal[STEPS], Literal[tuple(Story.State.values)]
NAMES = UUID("5b1f9a52-7c8e-5f0a-9d53-1f6f3f0c2a11")
"""Namespace of the ids of stories that were made under an Idempotency-Key: the same key, the same story."""

Text = Annotated[str, Field(max_length=2000)]
Short = Annotated[str, Field(max_length=300)]


class StoryWish(Wanted):
    """An article, or where it is, and what shall become of it."""

    article: str = Field("", max_length=1_000_000, description="Plain text, Markdown or HTML; or give `url`.")
    url: str = Field("", max_length=2000, description="A public page with the article.")
    formats: list[Format] = Field(["video:9x16", "card:1x1"], min_length=1, max_length=len(FORMATS))
    language: Language | None = Field(None, description="Of the story; the article's own where none is given.")
    seconds: Whole = Field(40, ge=10, le=300, description="About how long its videos shall be.")
    tone: Annotated[str, Field(max_length=30)] = "calm"
    audience: Annotated[str, Field(max_length=200)] = ""


class SceneWords(Schema):
    """A scene as it stands."""

    id: UUID
    position: int
    narration: str
    on_screen: str
    visual: str
    alt: str
    motion: str
    transition: str
    effect: str
    asset: UUID | None
    start: float
    made_by: str = Field(description='Who brought its picture: "editor", "search" or "painter".')


class VariantState(Schema):
    """The story in one format."""

    format: str
    language: str
    rendition: UUID | None = Field(description="The newest file; null until one was made.")


class Draft(Schema):
    """A story as it stands, published or not. Its ETag is its version."""

    id: UUID
    state: State
    version: int
    title: str
    summary: str
    hashtags: list[str]
    language: str
    music: str
    style: str
    voice: str
    caption_style: str
    layout: str
    poll: list[str]
    source: str = Field(description="The address that the article came from; empty where it was pasted.")
    engines: dict[str, str] = Field(description="Which engine made what.")
    findings: list[dict[str, Any]] = Field(description="What the checks found when its files were made.")
    scenes: list[SceneWords]
    variants: list[VariantState]
    created: datetime
    changed: datetime


class DraftLine(Schema):
    """A story of the workspace in a list."""

    id: UUID
    state: State
    version: int
    title: str
    language: str
    created: datetime
    changed: datetime


class DraftList(Schema):
    """A page of stories, the newest first."""

    items: list[DraftLine]
    next: str | None = None


class DraftQuery(PageQuery):
    """What the list may be asked for."""

    state: State | None = None


class StoryEdit(Wanted):
    """What is to change; what isn't named stays."""

    title: Short | None = None
    summary: Text | None = None
    hashtags: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=20)] | None = None
    music: Annotated[str, Field(max_length=20)] | None = None
    style: Annotated[str, Field(max_length=40)] | None = None
    voice: Annotated[str, Field(max_length=120)] | None = None
    caption_style: Annotated[str, Field(max_length=20)] | None = None
    layout: Annotated[str, Field(max_length=40)] | None = None
    brand: Annotated[str, Field(max_length=19, description="Number of a brand; empty for the usual one.")] | None = None
    poll: Annotated[str, Field(max_length=300, description="Two answers, one a line; empty for none.")] | None = None


class SceneWish(Wanted):
    """A new scene."""

    position: Whole = Field(ge=0, le=100, description="Counted from 0.")
    narration: str = Field(min_length=1, max_length=2000)


class SceneEdit(Wanted):
    """What is to change in a scene; what isn't named stays."""

    narration: Text | None = None
    on_screen: Annotated[str, Field(max_length=200)] | None = None
    visual: Short | None = None
    alt: Annotated[str, Field(max_length=500)] | None = None
    motion: Annotated[str, Field(max_length=20)] | None = None
    transition: Annotated[str, Field(max_length=20)] | None = None
    effect: Annotated[str, Field(max_length=60)] | None = None
    position: Annotated[int, Field(ge=0, le=100), BeforeValidator(whole)] | None = None
    asset: Annotated[UUID, Field(strict=False, description="A picture of the library.")] | None = None
    start: float = Field(0.0, ge=0, le=86_400, description="Second of the asset at which the picture begins.")


class RunWish(Wanted):
    """Which step to do again, with all that depends on it."""

    step: Step = "renditions"


class TranslationWish(Wanted):
    """Into which language."""

    language: Language


class PictureWish(Wanted):
    """What a scene's picture should show."""

    words: Annotated[str, Field(max_length=300)] = ""


class PublicationWish(Wanted):
    """How it is published; a body isn't needed."""

    note: str = Field("", max_length=500, description="What was corrected, for readers, where it is published already.")
    expires_at: Annotated[Moment, Field(strict=False)] | None = Field(None, description="When it is gone: 410.")


class WithdrawalWish(Wanted):
    """Why, in words that readers may see."""

    reason: str = Field(min_length=1, max_length=300)


class Released(Schema):
    """A story's publication on the key's channel."""

    id: UUID
    story: UUID
    channel: str
    published_at: datetime
    updated_at: datetime


class Submitted(Schema):
    """The case that a moderator decides on."""

    review: int
    state: str
    number: int = Field(description="How many times the story was sent.")


def story_of(key: ApiKey, story_id: UUID) -> Story:
    """A story of the key's workspace. Raises Http404."""
    found = Story.objects.in_workspace(key.channel.workspace_id).select_related("brief").filter(pk=story_id).first()
    if found is None:
        raise Http404
    return found


def _seen(request: HttpRequest, story_id: UUID) -> tuple[ApiKey, Story]:
    """The key, and the story that it may change: the request names the version that it saw. Raises Refused."""
    key = key_of(request)
    story = story_of(key, story_id)
    require_version(request, story.version)
    return key, story


def draft(story: Story) -> dict[str, Any]:
    """What is told of a story as it stands: three queries, however long it is."""
    names = (
        "version", "title", "summary", "hashtags", "language", "music", "style", "voice", "caption_style", "layout",
        "poll", "engines", "findings",
    )  # fmt: skip
    words = ("position", "narration", "on_screen", "visual", "alt", "motion", "transition", "effect", "start")
    return {
        "id": str(story.pk), "state": story.state, **{name: getattr(story, name) for name in names},
        "source": story.brief.url, "created": story.created.isoformat(), "changed": story.changed.isoformat(),
        "scenes": [
            {"id": str(scene.pk), **{name: getattr(scene, name) for name in words}, "made_by": scene.chosen_by,
             "asset": str(scene.asset_id) if scene.asset_id else None}
            for scene in story.scenes.order_by("position")
        ],
        "variants": [
            {"format": each.format, "language": each.language,
             "rendition": str(each.rendition_id) if each.rendition_id else None}
            for each in story.variants.all()
        ],
    }  # fmt: skip


def _sent(story: Story, *, status: int = 200) -> HttpResponse:
    story.refresh_from_db()
    told = draft(story)
    where = {"Location": f"/api/v1/stories/{story.pk}/draft"} if status == 201 else {}
    headers = {"ETag": tag_of(story.version, "draft", told), **where}
    return sent(told, status=status, headers=headers)


@lists.get("", response=answers(DraftList), summary="List stories of the workspace", openapi_extra=TAGGED)
def list_drafts(request: HttpRequest, query: Query[DraftQuery]) -> HttpResponse:
    """All stories of the workspace, whatever their state, the newest first. Scope: stories:write."""
    workspace = key_of(request).channel.workspace_id
    rows = Story.objects.in_workspace(workspace)
    if query.state:
        rows = rows.filter(state=query.state)
    found, more = newest(rows.only(*DraftLine.model_fields), query, of=digest_of(workspace, query.state)[:16])
    told = DraftList(items=[DraftLine.from_orm(each) for each in found], next=more).model_dump_json()
    return conditional(request, ("drafts", workspace, told), lambda: told)


@published.post(
    "", auth=WRITE, response=answers(Draft, status=201), summary="Make a story of an article", tags=["making stories"]
)
def create_story(request: HttpRequest, wish: StoryWish) -> HttpResponse:
    """Write down a brief and have its story made: GET its draft, or its jobs, to see how it gets on. With an
    Idempotency-Key, the story's id follows from it. Scope: stories:write."""
    key = key_of(request)
    name = request.headers.get("Idempotency-Key")
    wanted = uuid5(NAMES, f"{key.digest} {name}") if name else None
    story = Story.objects.filter(pk=wanted).select_related("brief").first() if wanted else None
    story = story or stories.create(
        key.channel.workspace, by=key.person, article=wish.article, url=wish.url, formats=wish.formats,
        language=wish.language or "", seconds=wish.seconds, tone=wish.tone, audience=wish.audience, story_id=wanted,
    )  # fmt: skip
    return _sent(story, status=201)


@router.get("/{uuid:story_id}/draft", response=answers(Draft), summary="A story as it stands", openapi_extra=TAGGED)
def get_draft(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """A story of the workspace, published or not. Scope: stories:write."""
    story = story_of(key_of(request), story_id)
    told = draft(story)
    return conditional(
        request, ("draft", told), lambda: json.dumps(told, ensure_ascii=False), version=story.version
    )


@router.patch(
    "/{uuid:story_id}/draft", response=answers(Draft, also=(409, 412, 428)), summary="Edit a story",
    openapi_extra=versioned(),
)  # fmt: skip
def edit_draft(request: HttpRequest, story_id: UUID, wish: StoryEdit) -> HttpResponse:
    """Change what stands around the scenes; an approval is void afterwards. Scope: stories:write."""
    key, story = _seen(request, story_id)
    stories.edit_story(story, by=key.person, version=story.version, **wish.model_dump(exclude_none=True))
    return _sent(story)


@router.post(
    "/{uuid:story_id}/scenes", response=answers(Draft, status=201, also=(412, 428)), summary="Add a scene",
    openapi_extra=versioned(201),
)  # fmt: skip
def add_scene(request: HttpRequest, story_id: UUID, wish: SceneWish) -> HttpResponse:
    """Add a scene of your own words. Scope: stories:write."""
    key, story = _seen(request, story_id)
    stories.add_scene(story, by=key.person, version=story.version, position=wish.position, narration=wish.narration)
    return _sent(story, status=201)


@router.patch(
    "/{uuid:story_id}/scenes/{uuid:scene_id}", response=answers(Draft, also=(409, 412, 428)), summary="Edit a scene",
    openapi_extra=versioned(),
)  # fmt: skip
def edit_scene(request: HttpRequest, story_id: UUID, scene_id: UUID, wish: SceneEdit) -> HttpResponse:
    """Change a scene's texts, how it is shown, its picture (an asset of the library) or its place.
    Scope: stories:write."""
    key, story = _seen(request, story_id)
    if not story.scenes.filter(pk=scene_id).exists():
        raise Http404
    asset = None
    if wish.asset is not None:
        asset = Asset.objects.in_workspace(story.workspace_id).active().filter(pk=wish.asset).first()
        if asset is None:
            raise Http404
    texts = wish.model_dump(exclude_none=True, exclude={"asset", "start", "position"})
    with transaction.atomic():
        if texts:
            stories.edit_scene(story, scene_id, by=key.person, version=story.version, **texts)
        if asset is not None:
            alternatives.choose_picture(
                story, scene_id, by=key.person, version=story.version, asset=asset, start=wish.start
            )
        if wish.position is not None:
            stories.move_scene(story, scene_id, by=key.person, version=story.version, position=wish.position)
    return _sent(story)


@router.delete(
    "/{uuid:story_id}/scenes/{uuid:scene_id}", response=answers(Draft, also=(409, 412, 428)),
    summary="Take a scene out", openapi_extra=versioned(),
)  # fmt: skip
def remove_scene(request: HttpRequest, story_id: UUID, scene_id: UUID) -> HttpResponse:
    """Take a scene out; the last one stays. Scope: stories:write."""
    key, story = _seen(request, story_id)
    if not story.scenes.filter(pk=scene_id).exists():
        raise Http404
    stories.remove_scene(story, scene_id, by=key.person, version=story.version)
    return _sent(story)


@router.post(
    "/{uuid:story_id}/scenes/{uuid:scene_id}/pictures", response=answers(JobState, status=202),
    summary="Look for more pictures",
)  # fmt: skip
def find_pictures(request: HttpRequest, story_id: UUID, scene_id: UUID, wish: PictureWish) -> HttpResponse:
    """Have more pictures looked for, and one drawn, for a scene. Scope: stories:write."""
    key = key_of(request)
    story = story_of(key, story_id)
    if not story.scenes.filter(pk=scene_id).exists():
        raise Http404
    job = stories.find_pictures(story, scene_id, by=key.person, words=wish.words)
    return sent(job_told(job), status=202)


@router.post("/{uuid:story_id}/runs", response=answers(JobState, status=202), summary="Do a step again")
def run(request: HttpRequest, story_id: UUID, wish: RunWish) -> HttpResponse:
    """Have a step made again with all that depends on it: after an edit, "renditions" renders what is stale.
    Scope: stories:write."""
    key = key_of(request)
    return sent(job_told(stories.remake(story_of(key, story_id), by=key.person, step=wish.step)), status=202)


@router.post("/{uuid:story_id}/translations", response=answers(Draft, status=201), summary="Translate a story")
def translate(request: HttpRequest, story_id: UUID, wish: TranslationWish) -> HttpResponse:
    """A story of its own in another language, with the same pictures. Scope: stories:write."""
    key = key_of(request)
    return _sent(wording.translate(story_of(key, story_id), wish.language, by=key.person), status=201)


@router.post("/{uuid:story_id}/submissions", response=answers(Submitted, status=201), summary="Send to review")
def submit(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """Freeze the story as it is, and open a case for it. Where no person need look at it, it is approved at once.
    Scope: stories:write."""
    key = key_of(request)
    review = reviews.submit(story_of(key, story_id), by=key.person)
    where = {"Location": f"/api/v1/reviews/{review.pk}"}
    return sent(Submitted(review=review.pk, state=review.state, number=review.number), status=201, headers=where)


@router.post(
    "/{uuid:story_id}/publication", auth=PUBLISH, response={202: JobState, **answers(Released, status=201)},
    summary="Publish a story",
)  # fmt: skip
def publish(request: HttpRequest, story_id: UUID, wish: PublicationWish | None = None) -> HttpResponse:
    """Release what was approved to the key's channel; what was there of it before is replaced. Where the channel wants
    videos labelled or offered as sound, a job does it: 202. Scope: stories:publish."""
    key, wish = key_of(request), wish or PublicationWish(note="", expires_at=None)
    publication = schedules.release(
        story_of(key, story_id), key.channel, expires=wish.expires_at, note=wish.note, by=key.person
    )
    if isinstance(publication, Job):
        return sent(job_told(publication), status=202, headers={"Location": f"/api/v1/jobs/{publication.pk}"})
    return sent(_released(publication), status=201, headers={"Location": f"/api/v1/stories/{story_id}"})


@router.post("/{uuid:story_id}/withdrawal", auth=PUBLISH, response=answers(Released), summary="Withdraw a story")
def withdraw(request: HttpRequest, story_id: UUID, wish: WithdrawalWish) -> HttpResponse:
    """Take the story back from the key's channel: it answers 410 from now on. Scope: stories:publish."""
    key = key_of(request)
    publication = Publication.objects.live().filter(channel=key.channel_id, story=story_id).first()
    if publication is None:
        raise Http404
    publications.withdraw(publication, by=key.person, reason=wish.reason)
    publication.refresh_from_db()
    return sent(_released(publication))


def _released(publication: Publication) -> Released:
    return Released(
        id=publication.pk, story=publication.story_id, channel=publication.channel.slug,
        published_at=publication.published, updated_at=publication.updated,
    )  # fmt: skip
