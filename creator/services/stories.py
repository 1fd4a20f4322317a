"""Verbs of a story: create it from a brief, edit it, have a step made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from creator import jobs
from creator.models import (
    Alternative,
    Brief,
    Event,
    Job,
    Operation,
    Scene,
    Story,
    StoryVersion,
    User,
    Variant,
    Workspace,
)
from creator.services import charges, choices, composing, snapshots, voices
from generation import services as generation
from generation.articles import read_article
from generation.engines.base import Article
from generation.music import MOODS
from media_processing import effects
from media_processing.engine import EngineError, engines
from media_processing.fetching import fetch
from media_processing.fonts import require
from media_processing.models import Asset
from media_processing.timeline import FORMATS, CaptionMotion, Motion, Transition
from moderation import services as moderation

MAKE = "make_story"
"""The job that makes what is missing or stale of a story."""

STEPS = ("script", "visuals", "narration", "renditions")
"""What a story is made in, in order; to make one again makes again what depends on it."""

PAGE_TYPES = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown")
MAX_PAGE_BYTES = 3_000_000
MAX_SCENES = 30


SESSION = timedelta(minutes=30)
"""After a pause as long as this an edit begins anew: what was there before is kept as a version."""
SETTLED = timedelta(minutes=5)
"""How long a version stands before a change of hands keeps the next."""


class Conflict(EngineError):
    """Somebody changed the same in between."""

    def __init__(self, message: str, *, next_step: str = "", who: str = "", only_order: bool = False) -> None:
        super().__init__(message, next_step=next_step)
        self.who = who
        self.only_order = only_order
        """Nothing but the order of the scenes: doing it again on the newer version overwrites nobody's words."""


def formats_offered() -> list[tuple[str, str]]:
    """(value, label) of every format."""
    return [
        (name, f"{name.partition(':')[0].capitalize()} {name.partition(':')[2].replace('x', ':')}") for name in FORMATS
    ]


def languages_offered() -> list[tuple[str, str]]:
    """(code, name in its own words) of the languages that a story may be in."""
    return list(choices.LANGUAGES.items())


def create(
    workspace: Workspace,
    *,
    by: User | None,
    article: str | bytes = "",
    url: str = "",
    name: str = "",
    content_type: str = "",
    formats: Sequence[str],
    language: str = "",
    seconds: int = 40,
    tone: str = "calm",
    audience: str = "",
    priority: int = 5,
    samples_first: bool = False,
    story_id: UUID | None = None,
) -> Story:
    """Write down a brief and have its story made. Raises EngineError for what can't work, before any work starts.

    `article` is text or a file's bytes; else `url` is fetched. `language` defaults to the article's own.
    `samples_first` draws the pictures of the sample story into the library before it is made. `story_id` is new, and
    chosen by who may ask twice.
    """
    wanted = _formats(formats)
    if not 10 <= seconds <= 300:
        raise EngineError("A story is between 10 and 300 seconds long.", permanent=True)
    source = _read(article, url=url, name=name, content_type=content_type)
    language = language or source.language
    refuse_what_cannot_work(workspace, source, language)
    writer = choices.chosen("writer", workspace)
    charges.refuse_over_budget(
        workspace, by, generation.estimate("writer", "script", len(source.text), engine=writer)
    )
    with transaction.atomic():
        brief = Brief.objects.create(
            workspace=workspace, article=source.text, title=source.title[:300], url=source.url,
            article_language=source.language, language=language, audience=audience[:200], tone=tone[:30],
            seconds=seconds, formats=wanted,
        )  # fmt: skip
        title = source.title or source.text.strip().splitlines()[0]
        story = Story.objects.create(
            workspace=workspace, brief=brief, author=by, language=language, title=title[:120],
            **({"pk": story_id} if story_id else {}),
        )  # fmt: skip
        Variant.objects.bulk_create(Variant(story=story, format=each, language=language) for each in wanted)
        subject: dict[str, Any] = {"samples_first": True} if samples_first else {}
        jobs.submit(MAKE, workspace=workspace, person=by, story=story, priority=priority, **subject)
    return story


def _formats(formats: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(formats))
    unknown = [each for each in wanted if each not in FORMATS]
    if unknown or not wanted:
        raise EngineError(
            f"Unknown format: {', '.join(unknown)}." if unknown else "Choose at least one format.",
            next_step=f"Choose from: {', '.join(FORMATS)}.",
            permanent=True,
        )
    return wanted


def _read(article: str | bytes, *, url: str, name: str, content_type: str) -> Article:
    """The article, from what was pasted or uploaded, or from the page at `url` (or at a pasted lone address)."""
    if isinstance(article, str) and not url and len(article.split()) == 1 and article.strip().startswith("http"):
        url, article = article.strip(), ""
    if article:
        return read_article(article, content_type=content_type, name=name, url=url)
    if not url:
        raise EngineError("There is no article.", next_step="Paste a text or notes, give a link, or attach a file.")
    page = fetch(url, max_bytes=MAX_PAGE_BYTES, content_types=PAGE_TYPES)
    return read_article(page.content, content_type=page.content_type, url=page.url)


def refuse_what_cannot_work(workspace: Workspace, article: Article, language: str) -> None:
    """Raise EngineError where the chosen engines can't make this story, naming an engine that can."""
    if language not in choices.LANGUAGES:
        raise EngineError(
            f"Stories can't be in {language!r}.", next_step=f"Choose from: {', '.join(choices.LANGUAGES)}."
        )
    writer = choices.chosen("writer", workspace)
    refusal = generation.refusal(language, article.language, engine=writer)
    if refusal:
        raise refusal
    voice = choices.engine("voice", workspace)
    if not voice.speaks(language):
        able = [name for name in engines.names("voice") if engines["voice", name].speaks(language)]
        raise EngineError(
            f"{voice.title} has no voice for {language!r}.",
            next_step=f"Choose the voice {' or '.join(able)}." if able else "Choose another language.",
            permanent=True,
        )
    require(article.text[:20_000])


@contextmanager
def editing(
    story: Story, *, by: User | None, version: int | None, what: str, verb: str = Operation.Verb.DO,
    reverses: Operation | None = None,
) -> Iterator[Story]:  # fmt: skip
    """The one door for edits: a transaction on the newest version, which writes down what it changed and its inverse.

    `version` is the one that the editor had in front of them. Where others went on since, edits of different things
    merge; raises Conflict where they changed the same. An edit that changes nothing leaves the story alone.
    """
    with transaction.atomic():
        fresh = Story.objects.select_for_update().get(pk=story.pk)
        if fresh.state == Story.State.MAKING:
            raise EngineError("This story is still being made.", next_step="Edit it when it is finished.")
        before = snapshots.take(fresh, alternatives=True)
        yield fresh
        changes = snapshots.differences(before, snapshots.take(fresh))
        if changes:
            _refuse_overwriting(fresh, version, changes)
            _keep_before(fresh, before, by=by)
            Operation.objects.create(
                workspace_id=fresh.workspace_id, story=fresh, person=by, number=fresh.version + 1, base=version,
                verb=verb, what=what, changes=changes, reverses=reverses,
            )  # fmt: skip
            moderation.void(fresh.pk)
            Story.objects.filter(pk=story.pk).update(version=F("version") + 1, state=Story.State.DRAFT)
        Event.objects.create(
            workspace_id=fresh.workspace_id, story=fresh, person=by, kind="story.edited", data={"what": what}
        )
    story.refresh_from_db()


def _refuse_overwriting(story: Story, base: int | None, changes: list[snapshots.Change]) -> None:
    """Raise Conflict where somebody changed the same since the version `base`."""
    if base is None or base == story.version:
        return
    since = list(story.operations.filter(number__gt=base).select_related("person"))
    mine = snapshots.touched(changes)
    for operation in reversed(since):
        if both := snapshots.overlap(mine, snapshots.touched(operation.changes)):
            who = str(operation.person or "Somebody")
            raise Conflict(
                f"{who} changed the same in the meantime.",
                next_step="Your words are kept here: look at both, then choose.",
                who=who,
                only_order=all(at == "order" for at, _ in both),
            )
    if base > story.version or len(since) < story.version - base:
        raise Conflict(
            "This story was changed in the meantime.",
            next_step="Your words are kept here: look at the newer version, then save again.",
        )


def _keep_before(story: Story, before: snapshots.Snapshot, *, by: User | None) -> None:
    """Keep what the story was before somebody begins to edit it, or goes on after a while."""
    newest = story.versions.order_by("-created").values_list("created", flat=True).first()
    last = story.operations.order_by("-number").values_list("created", "person").first()
    now = timezone.now()
    is_new = last is None or now - last[0] > SESSION or last[1] != (by.pk if by else None)
    if newest is None or (is_new and now - newest > SETTLED):
        keep_version(story, StoryVersion.Reason.SESSION, by=by, document=before)


def keep_version(
    story: Story, reason: str, *, by: User | None, name: str = "", document: snapshots.Snapshot | None = None
) -> StoryVersion:
    """Keep the story as it is, or as `document` has it; once for each version, whose first name and reason stay.

    Only a name, and being sent to review, say more about a version than why it was kept first.
    """
    kept, created = StoryVersion.objects.get_or_create(
        story=story, number=story.version,
        defaults={
            "workspace_id": story.workspace_id, "person": by, "reason": reason, "name": name[:100],
            "document": (document or snapshots.take(story)).as_json(),
        },
    )  # fmt: skip
    if not created and (name or (reason == StoryVersion.Reason.REVIEW and not kept.name)):
        kept.name, kept.reason, kept.person = name[:100], reason, by
        kept.save(update_fields=["name", "reason", "person"])
    return kept


def edit_story(
    story: Story, *, by: User | None, version: int | None = None, title: str | None = None,
    summary: str | None = None, hashtags: Sequence[str] | None = None, music: str | None = None,
    style: str | None = None, voice: str | None = None, caption_style: str | None = None,
    layout: str | None = None, brand: str | None = None, poll: str | None = None,
) -> Story:  # fmt: skip
    """Change what stands around the scenes.

    `music` is a mood; empty takes it away. `style` is one of the painter's, for what is drawn from now on. `voice` is
    one of those that are offered, empty for the engine's default; the next render speaks every scene in it.
    `caption_style` says how captions move, empty for as the brand's do. `layout` is that of its cards, empty for the
    one that fits; `brand` the number of a brand, empty for the workspace's; `poll` two answers, one a line.
    """
    with editing(story, by=by, version=version, what="story") as fresh:
        if title is not None:
            fresh.title = _text(title, 300, "headline")
        if summary is not None:
            require(summary)
            fresh.summary = summary.replace("\x00", "").strip()[:2000]
        if hashtags is not None:
            fresh.hashtags = [tag.strip().lstrip("#")[:50] for tag in hashtags if tag.strip()][:20]
        if music is not None:
            if music and music not in MOODS:
                raise EngineError(f"There is no mood {music!r}.", next_step=f"Use {', '.join(MOODS)}.", permanent=True)
            fresh.music = music
        if style is not None:
            offered = choices.engine("painter", fresh.workspace).styles
            if style and style not in offered:
                known = ", ".join(offered) or "none: this painter has one style"
                raise EngineError(f"There is no style {style!r}.", next_step=f"Use {known}.", permanent=True)
            fresh.style = style
        if voice is not None:
            voices.check(fresh.workspace, fresh.language, voice)
            fresh.voice = voice
        if caption_style is not None:
            if caption_style and caption_style not in get_args(CaptionMotion):
                step = f"Use {', '.join(get_args(CaptionMotion))}."
                raise EngineError(f"Captions can't move like {caption_style!r}.", next_step=step, permanent=True)
            fresh.caption_style = caption_style
        _dress(fresh, layout=layout, brand=brand, poll=poll)
        fresh.save(
            update_fields=[
                "title", "summary", "hashtags", "music", "style", "voice", "caption_style", "layout", "brand", "poll"
            ]
        )  # fmt: skip
    return story


def _dress(story: Story, *, layout: str | None, brand: str | None, poll: str | None) -> None:
    """How a story's cards are laid out, checked."""
    if poll is not None:
        require(poll)
        story.poll = composing.check_poll(poll.splitlines())
    if layout is not None:
        offered = {offer.name: offer for offer in composing.offers(composing.card_of(story))}
        if layout and layout not in offered:
            step = f"Use {', '.join(offered)}."
            raise EngineError(f"There is no layout {layout!r}.", next_step=step, permanent=True)
        if layout and offered[layout].why:
            raise EngineError(
                f"The layout {offered[layout].title} doesn't fit: {offered[layout].why}", next_step="Choose another."
            )
        story.layout = layout
    if brand is not None:
        chosen = story.workspace.brands.filter(pk=int(brand) if brand.isdecimal() and len(brand) < 19 else 0).first()
        if brand and chosen is None:
            raise EngineError("There is no such brand.", next_step="Choose one of the list.", permanent=True)
        story.brand = chosen


def _text(value: str, longest: int, what: str) -> str:
    value = value.replace("\x00", "").strip()
    if not value:
        raise EngineError(f"The {what} can't be empty.", permanent=True)
    if len(value) > longest:
        raise EngineError(f"The {what} is longer than {longest:,} characters.", permanent=True)
    require(value)
    return value


def scene_of(story: Story, scene_id: UUID | str) -> Scene:
    """A scene of a story. Raises EngineError where it has gone."""
    scene = story.scenes.filter(pk=scene_id).first()
    if scene is None:
        raise EngineError("This scene is gone.", next_step="Reload the page: somebody may have removed it.")
    return scene


def edit_scene(
    story: Story, scene_id: UUID | str, *, by: User | None, version: int | None = None,
    narration: str | None = None, on_screen: str | None = None, visual: str | None = None, alt: str | None = None,
    motion: str | None = None, transition: str | None = None, focus: Sequence[float] | None = None,
    end: float | None = None, effect: str | None = None,
) -> Story:  # fmt: skip
    """Change a scene's texts and how it is shown. What was made from them is made again by the next render.

    Empty `motion`, `transition` and `focus` are the program's own choice; `end` is a second of the asset, 0 none.
    `effect` is one of those that are installed, empty for none.
    """
    with editing(story, by=by, version=version, what="scene") as fresh:
        scene = scene_of(fresh, scene_id)
        if narration is not None:
            scene.narration = _text(narration, 2000, "narration")
        if on_screen is not None:
            scene.on_screen = on_screen.strip() and _text(on_screen, 200, "on-screen text")
        if visual is not None:
            scene.visual = visual.strip()[:300]
        if alt is not None:
            scene.alt = alt.strip()[:500]
        if effect is not None:
            if effect:
                effects.require(effect)
            scene.effect = effect
        _direct(scene, motion=motion, transition=transition, focus=focus, end=end)
        scene.save(
            update_fields=["narration", "on_screen", "visual", "alt", "motion", "transition", "focus", "end", "effect"]
        )
    return story


def _direct(
    scene: Scene, *, motion: str | None, transition: str | None, focus: Sequence[float] | None, end: float | None
) -> None:
    """How a scene is shown, checked."""
    for name, value, known in (("motion", motion, get_args(Motion)), ("transition", transition, get_args(Transition))):
        if value is not None:
            if value and value not in known:
                step = f"Use {', '.join(known)}."
                raise EngineError(f"There is no {name} {value!r}.", next_step=step, permanent=True)
            setattr(scene, name, value)
    if focus is not None:
        if focus and not (len(focus) == 2 and all(0 <= share <= 1 for share in focus)):
            step = "Give two numbers between 0 and 1: from the left, and from the top."
            raise EngineError("The focus lies outside the picture.", next_step=step, permanent=True)
        scene.focus = list(focus)
    if end is not None:
        longest = scene.asset.seconds if scene.asset else 0.0
        if end and not scene.start < end <= longest + 0.05:
            step = f"Choose a second between {scene.start:.1f} and {longest:.1f}."
            raise EngineError("The clip can't end there.", next_step=step, permanent=True)
        scene.end = end or None


def _renumber(scenes: Sequence[Scene]) -> None:
    for position, scene in enumerate(scenes):
        scene.position = position
    Scene.objects.bulk_update(scenes, ["position"])


def move_scene(
    story: Story, scene_id: UUID | str, *, by: User | None, position: int, version: int | None = None
) -> Story:
    """Put a scene at another place, counted from 0."""
    with editing(story, by=by, version=version, what="order") as fresh:
        scene = scene_of(fresh, scene_id)
        others = [each for each in fresh.scenes.all() if each.pk != scene.pk]
        others.insert(max(0, min(position, len(others))), scene)
        _renumber(others)
    return story


def add_scene(
    story: Story, *, by: User | None, position: int, narration: str, version: int | None = None,
    scene_id: UUID | None = None,
) -> Story:  # fmt: skip
    """Add a scene of the editor's own words; its picture is chosen by the next render.

    `scene_id` is new, and chosen by a page that goes on editing the scene before it reaches us.
    """
    with editing(story, by=by, version=version, what="scene") as fresh:
        scenes = list(fresh.scenes.all())
        if len(scenes) >= MAX_SCENES:
            raise EngineError(f"A story has at most {MAX_SCENES} scenes.", permanent=True)
        text = _text(narration, 2000, "narration")
        if scene_id and Scene.objects.filter(pk=scene_id).exists():
            raise EngineError("This scene is there already.", next_step="Reload the page.", permanent=True)
        scene = Scene.objects.create(
            pk=scene_id or uuid4(), story=fresh, position=len(scenes), narration=text, visual=text[:300]
        )
        scenes.insert(max(0, min(position, len(scenes))), scene)
        _renumber(scenes)
    return story


def remove_scene(story: Story, scene_id: UUID | str, *, by: User | None, version: int | None = None) -> Story:
    """Take a scene out. The last one stays."""
    with editing(story, by=by, version=version, what="scene") as fresh:
        scene = scene_of(fresh, scene_id)
        rest = [each for each in fresh.scenes.all() if each.pk != scene.pk]
        if not rest:
            raise EngineError("A story needs at least one scene.", permanent=True)
        scene.delete()
        _renumber(rest)
    return story


def show_picture(
    story: Story, scene: Scene, *, alternative_id: int | None = None, asset: Asset | None = None, start: float = 0.0
) -> None:
    """Inside an edit, show another picture in a scene: one of its alternatives, or any asset of the library."""
    if alternative_id is not None:
        chosen = scene.alternatives.filter(pk=alternative_id, part=Alternative.Part.PICTURE).first()
        if chosen is None or chosen.asset is None:
            raise EngineError("This picture is no longer offered.", next_step="Search for another one.")
        asset, start = chosen.asset, chosen.start
    if asset is None or asset.workspace_id != story.workspace_id:
        raise EngineError("Choose a picture of your library.", permanent=True)
    if asset.kind == Asset.Kind.AUDIO:
        raise EngineError("A sound can't be shown.", next_step="Choose an image or a video.", permanent=True)
    scene.asset, scene.start, scene.chosen_by_hand = asset, _second_of(asset, start), True
    scene.alt = asset.alt or scene.alt
    scene.focus, scene.end = [], None  # they were set on the picture before
    scene.save(update_fields=["asset", "start", "chosen_by_hand", "alt", "focus", "end"])


def _second_of(asset: Asset, start: float) -> float:
    """A second that the asset has; its beginning for one that it hasn't."""
    return start if 0 <= start <= asset.seconds else 0.0


def find_pictures(story: Story, scene_id: UUID | str, *, by: User | None, words: str) -> Job:
    """Have more pictures looked for, and one drawn, for a scene: they stand beside the one that it shows."""
    scene = scene_of(story, scene_id)
    words = " ".join(words.replace("\x00", "").split())[:300] or scene.visual or scene.narration[:300]
    return jobs.submit(
        "find_pictures", workspace=story.workspace, person=by, story=story, priority=5, scene=str(scene.pk), words=words
    )


def remake(story: Story, *, by: User | None, step: str = "renditions") -> Job:
    """Have a step made again, with all that depends on it and nothing else."""
    if step not in STEPS:
        raise EngineError(f"There is no step {step!r}.", next_step=f"Choose from: {', '.join(STEPS)}.", permanent=True)
    with transaction.atomic():
        fresh = Story.objects.select_for_update().get(pk=story.pk)
        running = fresh.jobs.filter(kind=MAKE, state__in=Job.OPEN).first()
        if running is not None:
            return running
        if fresh.scenes.exists():
            reason = StoryVersion.Reason.SCRIPT if step == "script" else StoryVersion.Reason.RENDER
            keep_version(fresh, reason, by=by)
        job = jobs.submit(
            MAKE, workspace=fresh.workspace, person=by, story=fresh, priority=5, step=step
        )
        Story.objects.filter(pk=fresh.pk).update(state=Story.State.MAKING)
    story.refresh_from_db()
    return job


def as_dict(story: Story) -> dict[str, Any]:
    """What commands print of a story."""
    return {
        "id": str(story.pk),
        "title": story.title,
        "state": story.state,
        "language": story.language,
        "engines": story.engines,
        "scenes": [
            {
                "narration": scene.narration,
                "on_screen": scene.on_screen,
                "visual": scene.visual,
                "alt": scene.alt,
                "seconds": scene.sound.seconds if scene.sound else 0.0,
                "captions": scene.timing,
                "chosen_by": scene.chosen_by,
            }
            for scene in story.scenes.select_related("sound")
        ],
    }
