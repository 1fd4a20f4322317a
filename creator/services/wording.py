"""Other words for a story: lines rewritten, headlines, captions and alternative texts on offer, translations.

Nothing that a writer offers changes a story: it stands beside what is there until an editor takes it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from creator import jobs
from creator.jobs import Work
from creator.models import Alternative, Brief, Event, Job, Scene, Story, User, Variant
from creator.services import charges, choices, stories, telling, voices
from generation import services as generation
from generation.engines.base import Article, Line, Script, Translation, Watch
from generation.engines.writing import REWRITES, SLACK
from generation.extraction.shortening import spoken_seconds
from generation.prices import Estimate
from media_processing.engine import EngineError

OFFER = "offer_words"
"""The job that asks a writer for other words."""
OF_A_SCENE = {**dict.fromkeys(REWRITES, "narration"), "captions": "on_screen", "alts": "alt"}
"""What can be asked for a scene, and which of its texts the answer may stand for."""
OF_A_STORY = {"headlines": "title", "hashtags": "hashtags"}
BEFORE = "before"
"""Marks the words that an editor had before taking others, so that they can go back."""
OFFERED = 4
"""Offers for one text of a scene that are kept, the newest."""


def source_of(story: Story) -> Article:
    """The article that a story rests on."""
    brief = story.brief
    return Article(brief.article, title=brief.title, language=brief.article_language, url=brief.url)


def can(story: Story, what: str) -> EngineError | None:
    """Why the workspace's writer can't do this; None where it can."""
    refusal: EngineError | None = choices.engine("writer", story.workspace).can(what)
    return refusal


def size(story: Story, what: str) -> int:
    """Characters that a writer is given for it."""
    texts = [f"{each.narration}{each.on_screen}{each.visual}{each.alt}" for each in story.scenes.all()]
    scenes = sum(len(text) + 60 for text in texts)
    if what == "translate":
        return scenes + len(story.title) + len(story.summary)
    return len(story.brief.article) + len(story.brief.title) + (scenes if what in ("headlines", "alts") else 1_000)


def estimate(story: Story, what: str) -> Estimate:
    """What it will cost to ask."""
    name = choices.chosen("writer", story.workspace)
    return generation.estimate("writer", what, size(story, what), engine=name)


def ask(story: Story, what: str, *, by: User | None, scene_id: UUID | str = "", words: str = "") -> Job:
    """Have the writer offer other words. Raises EngineError for what it can't do or what no budget is left for."""
    if what not in OF_A_SCENE and what not in OF_A_STORY:
        raise EngineError(f"Nobody can be asked for {what!r}.", permanent=True)
    _refuse(story, what, by)
    subject: dict[str, Any] = {"what": what, "words": words.replace("\x00", "").strip()}
    if what in OF_A_SCENE:
        subject["scene"] = str(stories.scene_of(story, scene_id).pk)
    if what == "own" and not subject["words"]:
        raise EngineError("Say how the line should read.", next_step="For example: name the price first.")
    with transaction.atomic():
        Story.objects.select_for_update().get(pk=story.pk)
        for job in story.jobs.filter(kind=OFFER, state__in=Job.OPEN):
            if job.subject == subject:
                return job  # a second click
        return jobs.submit(OFFER, workspace=story.workspace, person=by, story=story, priority=6, **subject)


def _refuse(story: Story, what: str, by: User | None) -> None:
    refusal = can(story, what)
    if refusal:
        raise refusal
    for problem in choices.engine("writer", story.workspace).problems():
        raise problem
    charges.refuse_over_budget(story.workspace, by, estimate(story, what))


def offer(work: Work) -> None:
    """Ask the writer for what the job's subject says, and keep the answer beside what is there."""
    story, subject = work.job.story, work.job.subject
    if story is None or "made" in subject:  # by a worker that was lost just after
        return
    what = str(subject["what"])
    work.begin("words")
    scene = Scene.objects.filter(pk=subject.get("scene"), story=story).first()
    if what in OF_A_SCENE and scene is None:
        raise EngineError("This scene is gone.", next_step="Reload the page: somebody may have removed it.")
    with charges.charged(work, "writer", what, characters=size(story, what)) as call:
        about = {"scene": str(scene.pk)} if scene else {}
        watch = Watch(progress=work.report, meter=call.meter, tell=telling.tell(work, **about))
        texts = _asked(story, scene, what, str(subject.get("words", "")), watch)
        if scene is not None:
            texts = _new(scene, what, texts)
        with work.effect():
            call.settle()
            if scene is not None:
                made_by = choices.engine("writer", story.workspace).made_by(cost=call.cost(len(texts)))
                _keep_beside(scene, what, texts, made_by)
            else:
                subject["offered"] = list(texts)
            subject["made"] = True
            work.job.save(update_fields=["subject"])
            telling.forget(work)
            jobs.note(work.job, "words.offered", what=what, **about)


def _asked(story: Story, scene: Scene | None, what: str, words: str, watch: Watch) -> Sequence[str]:
    writer = generation.writer(choices.chosen("writer", story.workspace))
    article, language = source_of(story), story.language
    if scene is None:
        if what == "hashtags":
            return writer.hashtags(article, language=language, watch=watch).texts
        return writer.headlines(article, lines_of(story), language=language, watch=watch).texts
    line = line_of(scene)
    if what == "captions":
        return writer.captions(line, article=article, language=language, watch=watch).texts
    if what == "alts":
        asset = scene.asset
        seen = "; ".join(part for part in (asset.title, *asset.tags) if part) if asset else scene.visual
        shown = replace(line, visual=seen or scene.visual or line.narration)
        return list(writer.describe([shown], article=article, language=language, watch=watch).values())
    return writer.rewrite(line, what, article=article, language=language, words=words, watch=watch).texts


def line_of(scene: Scene) -> Line:
    """A scene as a writer is shown it; a sound that says older words tells nothing of how long it takes."""
    seconds = scene.sound.seconds if scene.sound and voices.is_spoken(scene.story, scene) else 0.0
    return Line(str(scene.pk), scene.narration, scene.on_screen, scene.visual, scene.alt, seconds)


def lines_of(story: Story) -> list[Line]:
    """A story's scenes as a writer is shown them."""
    return [line_of(scene) for scene in story.scenes.select_related("sound")]


def _new(scene: Scene, what: str, texts: Sequence[str]) -> list[str]:
    """Those that say something else than the scene and what stands beside it do. Raises EngineError for none."""
    field = OF_A_SCENE[what]
    told = {getattr(scene, field), *(each.text for each in offers_of(scene) if field_of(each) == field)}
    new = [text for text in texts if text not in told]
    if not new:
        raise EngineError("The writer has no other words for this.", next_step="Ask for something else.")
    return new


def _keep_beside(scene: Scene, what: str, new: Sequence[str], made_by: dict[str, Any]) -> None:
    """Add offers; the oldest of too many go."""
    position = max((each.position for each in offers_of(scene)), default=-1) + 1
    Alternative.objects.bulk_create(
        Alternative(
            scene=scene, part=Alternative.Part.WORDS, text=text, position=position + number,
            explain=[{"name": what, "value": 0, "weight": 0, "contribution": 0, "made_by": made_by}],
        )
        for number, text in enumerate(new)
    )  # fmt: skip
    ours = [each for each in offers_of(scene) if field_of(each) == OF_A_SCENE[what] and kind_of(each) != BEFORE]
    Alternative.objects.filter(pk__in=[each.pk for each in ours[:-OFFERED]]).delete()


def offers_of(scene: Scene) -> list[Alternative]:
    """The words that stand beside a scene's own, the oldest first."""
    return [each for each in scene.alternatives.all() if each.part == Alternative.Part.WORDS]


def kind_of(alternative: Alternative) -> str:
    """How it came about: "shorter", "captions", "before"."""
    return str(alternative.explain[0]["name"]) if alternative.explain else BEFORE


def field_of(alternative: Alternative) -> str:
    """Which of the scene's texts it may stand for."""
    about = alternative.explain[0].get("field", "") if alternative.explain else ""
    return str(about) or OF_A_SCENE.get(kind_of(alternative), "narration")


def use(story: Story, scene_id: UUID | str, alternative_id: int, *, by: User | None, version: int | None) -> None:
    """Take an offer. The words that it stands for are kept beside it, to go back to."""
    with transaction.atomic():
        scene = stories.scene_of(story, scene_id)
        chosen = _offer_of(scene, alternative_id)
        field = field_of(chosen)
        text, old = chosen.text, getattr(scene, field)
        texts: dict[str, Any] = {field: text}
        stories.edit_scene(story, scene.pk, by=by, version=version, **texts)
        mine = [each.pk for each in offers_of(scene) if kind_of(each) == BEFORE and field_of(each) == field]
        Alternative.objects.filter(pk__in=[*mine, chosen.pk]).delete()
        if old.strip():
            Alternative.objects.create(
                scene=scene, part=Alternative.Part.WORDS, text=old, position=chosen.position,
                explain=[{"name": BEFORE, "field": field, "value": 0, "weight": 0, "contribution": 0}],
            )  # fmt: skip


def dismiss(story: Story, scene_id: UUID | str, alternative_id: int, *, by: User | None) -> None:
    """Keep what is there: the offer goes."""
    scene = stories.scene_of(story, scene_id)
    _offer_of(scene, alternative_id).delete()
    Event.objects.create(
        workspace_id=story.workspace_id, story=story, person=by, kind="words.dismissed", data={"scene": str(scene.pk)}
    )


def _offer_of(scene: Scene, alternative_id: int) -> Alternative:
    found = scene.alternatives.filter(pk=alternative_id, part=Alternative.Part.WORDS).first()
    if found is None:
        raise EngineError("These words are no longer offered.", next_step="Ask for others.")
    return found


def headlines_of(story: Story) -> list[str]:
    """The newest headlines on offer, without the one that the story has."""
    for job in story.jobs.filter(kind=OFFER, state=Job.State.DONE).order_by("-id")[:20]:
        if job.subject.get("what") == "headlines":
            return [text for text in job.subject.get("offered", []) if text != story.title]
    return []


def difference(old: str, new: str) -> list[tuple[str, str]]:
    """How one text becomes another, word by word: [("same" | "cut" | "new", text)]."""
    before, after = (re.findall(r"\s+|[^\W_]+(?:['’-][^\W_]+)*|.", text) for text in (old, new))
    found: list[tuple[str, str]] = []
    for verb, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if verb == "equal":
            found.append(("same", "".join(before[a:b])))
            continue
        found += [("cut", "".join(before[a:b]))] if b > a else []
        found += [("new", "".join(after[c:d]))] if d > c else []
    return found


# Translations --------------------------------------------------------------------------------------------------------


def translate(story: Story, language: str, *, by: User | None) -> Story:
    """Have a finished story translated: a story of its own, with the same pictures. Raises EngineError."""
    if not story.scenes.exists() or story.state == Story.State.MAKING:
        raise EngineError("The story isn't finished yet.", next_step="Wait until it is made, then translate it.")
    if language.split("-")[0] == story.language.split("-")[0]:
        raise EngineError(f"The story is in {choices.LANGUAGES.get(language, language)} already.", permanent=True)
    stories.refuse_what_cannot_work(story.workspace, source_of(story), language)
    _refuse(story, "translate", by)
    formats = [variant.format for variant in story.variants.all()]
    with transaction.atomic():
        old = story.brief
        brief = Brief.objects.create(
            workspace=story.workspace, article=old.article, title=old.title, url=old.url,
            article_language=old.article_language, language=language, audience=old.audience, tone=old.tone,
            seconds=old.seconds, formats=formats,
        )  # fmt: skip
        made = Story.objects.create(
            workspace=story.workspace, brief=brief, author=by, language=language, title=story.title, music=story.music
        )
        Variant.objects.bulk_create(Variant(story=made, format=each, language=language) for each in formats)
        jobs.submit(
            stories.MAKE, workspace=story.workspace, person=by, story=made, priority=5, translates=str(story.pk)
        )
    return made


def translated_from(story: Story) -> Story | None:
    """The story that a story is the translation of."""
    first = story.jobs.filter(kind=stories.MAKE).order_by("id").first()
    source = first.subject.get("translates") if first else None
    return Story.objects.in_workspace(story.workspace_id).filter(pk=source).first() if source else None


def origin(story: Story) -> UUID:
    """The id of the story that a story is, perhaps by way of others, the translation of; else its own."""
    seen = {story.pk}
    source = translated_from(story)
    while source is not None and source.pk not in seen:
        story = source
        seen.add(story.pk)
        source = translated_from(story)
    return story.pk


def write_translation(work: Work, story: Story, source: Story, watch: Watch) -> tuple[Translation, list[Scene]]:
    """The translated texts, and the scenes that they are of. Nothing is written down yet."""
    scenes = list(source.scenes.select_related("sound"))
    writer = generation.writer(choices.chosen("writer", story.workspace))
    script = Script(source.title, source.summary, (), tuple(source.hashtags), source.language)
    made = writer.translate(
        script, [line_of(scene) for scene in scenes], article=source_of(source), to=story.language, watch=watch
    )
    return made, scenes


def keep_translation(work: Work, story: Story, made: Translation, scenes: Sequence[Scene]) -> None:
    """Write a translation down as the story's scenes, each with the picture of the scene that it stands for."""
    story.title, story.summary = made.headline[:300], made.summary
    story.hashtags = [tag.lstrip("#") for tag in made.hashtags]
    story.engines = {**story.engines, "writer": str(made.made_by.get("engine", ""))}
    story.save(update_fields=["title", "summary", "hashtags", "engines"])
    new = Scene.objects.bulk_create(
        Scene(
            story=story, position=position, narration=line.narration, on_screen=line.on_screen[:200],
            visual=scene.visual, alt=(line.alt or scene.alt)[:500], sources=scene.sources, asset_id=scene.asset_id,
            start=scene.start, chosen_by_hand=scene.chosen_by_hand, made_by=scene.made_by,
        )
        for position, (line, scene) in enumerate(zip(made.lines, scenes, strict=True))
    )  # fmt: skip
    room = {str(one.pk): seconds_of(line_of(old), old.story.language) for one, old in zip(new, scenes, strict=True)}
    work.job.subject["room"] = room
    work.job.save(update_fields=["subject"])
    jobs.note(work.job, "step.done", step="script", engine=story.engines["writer"], late=list(made.late))


def seconds_of(line: Line, language: str) -> float:
    """How long a line takes: as it was spoken, else about."""
    return line.seconds or spoken_seconds(line.narration, language)


def rooms(story: Story) -> dict[str, float]:
    """Scene -> seconds of the line that it translates; none of a story that is no translation."""
    job = story.jobs.filter(kind=stories.MAKE, subject__has_key="room").order_by("-id").first()
    return dict(job.subject["room"]) if job else {}


def is_late(seconds: float, room: float | None) -> bool:
    """Whether a translated line takes so much longer than the line that it stands for that the story gets longer."""
    return room is not None and seconds > room * SLACK
