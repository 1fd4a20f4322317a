"""Verbs of a variant: its timeline, rendition and captions, what the gate finds, the document of a revision."""

from __future__ import annotations

import re
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

from django.conf import settings
from django.utils import timezone

from creator import jobs
from creator.jobs import Work
from creator.models import Scene, Story, Variant
from creator.services import brands, choices, composing, framing, music
from creator.services.digests import digest_of
from generation.sentences import sentences
from media_processing import captions, cards, gate
from media_processing import services as media
from media_processing.engine import EngineError, Progress, no_progress
from media_processing.engines.base import Passage, Word
from media_processing.models import Asset, Rendition
from media_processing.recipes import RECIPES, Recipe
from media_processing.timeline import (
    CaptionMotion,
    Look,
    Overlay,
    Timeline,
    TimelineScene,
    Visual,
    parse_format,
)

OFF_THE_BRIEF = 0.4
"""Share of the wished length that a video may be longer or shorter."""
MOTIONS = ("push", "pan-right", "pull", "pan-left")
"""Stills take turns, so that two neighbours never move the same way."""
USUAL_TAIL = 0.35
"""Seconds that a scene stays after its narration, where nobody says otherwise."""
BUMPER_SECONDS = 2.0
"""How long an intro or outro that is a picture stays."""
LONGEST_BUMPER = 15.0
"""Seconds of an intro or outro that is a clip."""


def timeline(story: Story, variant: Variant, *, find_crops: bool = False) -> Timeline:
    """The timeline of a video variant, from the story's scenes as they are.

    With `find_crops` the crop of each picture is looked for where it isn't known yet, which takes a while.
    """
    form = parse_format(variant.format)
    scenes = [
        framing.framed(_timeline_scene(story, scene, position), scene, (form.width, form.height), find=find_crops)
        for position, scene in enumerate(story.scenes.select_related("asset", "sound"))
        if scene.asset is not None
    ]
    brand = brands.brand_of(story)
    overlays = (Overlay(brand.logo.file),) if brand and brand.logo else ()
    if brand and scenes:
        scenes = [*_bumper("intro", brand.intro), *scenes, *_bumper("outro", brand.outro)]
    return Timeline(
        form.width, form.height, tuple(scenes), language=story.language, look=look(story), overlays=overlays
    )


def _bumper(name: str, asset: Asset | None) -> list[TimelineScene]:
    """A brand's intro or outro: its clip with its own sound, or its picture for a moment."""
    if asset is None or asset.kind == Asset.Kind.AUDIO:
        return []
    if asset.kind == Asset.Kind.IMAGE:
        return [TimelineScene(name, Visual(asset.file, motion="none"), hold=BUMPER_SECONDS, branded=False)]
    seconds = min(asset.seconds, LONGEST_BUMPER)
    visual = Visual(asset.file, "video", motion="none", volume=1.0)
    return [TimelineScene(name, visual, hold=max(seconds, 0.1), branded=False)]


def look(story: Story) -> Look:
    """How a story looks: its brand's colours and fonts, and how its captions move."""
    worn = brands.look_of(brands.brand_of(story))
    return replace(worn, captions=replace(worn.captions, motion=caption_motion(story)))


def caption_motion(story: Story) -> CaptionMotion:
    """How a story's captions move: as it says, else as its brand does."""
    brand = brands.brand_of(story)
    said = (story.caption_style, brand.caption_style if brand else "")
    known: tuple[CaptionMotion, ...] = get_args(CaptionMotion)
    return next((motion for wanted in said for motion in known if motion == wanted), "word")


def _timeline_scene(story: Story, scene: Scene, position: int) -> TimelineScene:
    asset, sound = scene.asset, scene.sound
    assert asset is not None  # noqa: S101 the caller leaves out scenes without a picture
    still = asset.kind == Asset.Kind.IMAGE
    return TimelineScene(
        id=str(scene.pk),
        visual=Visual(
            asset.file, "image" if still else "video", start=scene.start,
            end=scene.end if scene.end and scene.end > scene.start else None,
            focus=(scene.focus[0], scene.focus[1]) if scene.focus else (0.5, 0.5),
            motion=(scene.motion or MOTIONS[position % len(MOTIONS)]) if still else "none",  # type: ignore[arg-type]
        ),
        narration=sound.file if sound else None,
        narration_seconds=sound.seconds if sound else 0.0,
        narration_text=scene.narration,
        words=tuple(Word(**word) for word in scene.words),
        sentences=_passages(scene, story.language),
        on_screen=scene.on_screen,
        transition=scene.transition or "cut",  # type: ignore[arg-type]
        tail=USUAL_TAIL if scene.tail is None else scene.tail,
        effect=scene.effect,
    )  # fmt: skip


def _passages(scene: Scene, language: str) -> tuple[Passage, ...]:
    """The spoken sentences with their exact bounds."""
    said = sentences(scene.narration, language)
    if len(said) != len(scene.sentences):  # the voice heard other sentences than we read: one caption for all of them
        bounds = [(scene.sentences[0][0], scene.sentences[-1][1])] if scene.sentences else []
        said = [scene.narration] if bounds else []
    else:
        bounds = [(start, end) for start, end in scene.sentences]
    return tuple(Passage(text, start, end) for text, (start, end) in zip(said, bounds, strict=True))


def made_from(story: Story, variant: Variant) -> str:
    """Digest of all that a variant's rendition is made from; paths don't count, contents do."""
    form = parse_format(variant.format)
    engine = choices.engine("renderer", story.workspace)
    scenes = [
        [scene.narration, scene.on_screen, scene.alt, scene.start, scene.words, scene.sentences,
         scene.asset.digest if scene.asset else "", scene.sound.digest if scene.sound else "",
         *_direction(scene)]
        for scene in story.scenes.select_related("asset", "sound")
    ]  # fmt: skip
    if form.kind == "card":
        return digest_of(composing.key(story, form.name), scenes[:1])
    chosen = [story.music] if story.music else []
    brand = brands.brand_of(story)
    motion = caption_motion(story)
    chosen += [] if motion == "word" else [f"captions {motion}"]
    worn = [asset.digest if asset else "" for asset in (brand.logo, brand.intro, brand.outro)] if brand else []
    worn = ([worn] if any(worn) else []) + brands.colours_and_fonts(brand)
    return digest_of("video 1", form.name, story.language, engine.name, scenes, *chosen, *worn)


def _direction(scene: Scene) -> list[Any]:
    """How an editor wants a scene shown; nothing where all is left to the program."""
    said: dict[str, Any] = {
        "end": scene.end, "focus": scene.focus, "motion": scene.motion, "transition": scene.transition,
        "tail": "" if scene.tail is None else f"{scene.tail:.3f}", "effect": scene.effect,
    }  # fmt: skip
    return [{name: value for name, value in said.items() if value}] if any(said.values()) else []


def is_fresh(story: Story, variant: Variant) -> bool:
    """Whether a variant's rendition shows the story as it is."""
    return variant.rendition_id is not None and variant.made_from == made_from(story, variant)


def render(work: Work, story: Story, variant: Variant, progress: Progress) -> None:
    """Render a variant and keep the result with its captions."""
    key = made_from(story, variant)
    if variant.kind == "card":
        _render_card(work, story, variant, key)
    else:
        _render_video(work, story, variant, key, progress)


def _render_video(work: Work, story: Story, variant: Variant, key: str, progress: Progress) -> None:
    line = _with_music(story, timeline(story, variant, find_crops=True))
    engine = choices.engine("renderer", story.workspace)
    cache = Path(settings.CACHE_ROOT) / "scenes"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="storyloom-", dir=settings.DATA) as folder:
        # The fencing token in the name: a worker that lost its lease can't write over its successor's file.
        target = Path(folder) / f"{work.job.pk}-{work.token}.mp4"
        engine.render(line, target, cache=cache, progress=progress)
        made_by = engine.made_by()
        shared = {"made_by": made_by, "seconds": line.seconds}
        with work.effect():
            variant.rendition = media.store_rendition(
                story.workspace_id, key=digest_of(key, "video"), recipe=variant.format, content=target,
                content_type="video/mp4", width=line.width, height=line.height, **shared,
            )  # fmt: skip
            cues = captions.cues(line)
            for kind, text in (("vtt", captions.to_vtt(cues)), ("srt", captions.to_srt(cues))):
                track = media.store_rendition(
                    story.workspace_id, key=digest_of(key, kind), recipe=kind, content=text.encode(),
                    content_type="text/vtt" if kind == "vtt" else "application/x-subrip", **shared,
                )  # fmt: skip
                setattr(variant, f"captions_{kind}", track)
            _finish(work, variant, key)


def _with_music(story: Story, line: Timeline) -> Timeline:
    return replace(line, music=music.bed(story, line.seconds))


def render_as(story: Story, variant: Variant, recipe: Recipe, progress: Progress = no_progress) -> Rendition:
    """A further rendition of a video variant by another recipe, from the same timeline; kept, and made once.

    It stands beside the variant's own in what is reviewed and published next. Raises EngineError.
    """
    if variant.kind != "video":
        raise EngineError("Recipes are for videos.", next_step="Choose a video of the story.", permanent=True)
    if not is_fresh(story, variant):
        raise EngineError("The story has changed since this video was made.", next_step="Render it first.")
    key = digest_of(variant.made_from, "video", recipe.name)
    kept = media.find_rendition(story.workspace_id, key)
    if kept is not None:
        return kept
    line = _with_music(story, timeline(story, variant, find_crops=True))
    engine = choices.engine("renderer", story.workspace)
    with tempfile.TemporaryDirectory(prefix="storyloom-", dir=settings.DATA) as folder:
        target = engine.render(
            line, Path(folder) / "video", cache=Path(settings.CACHE_ROOT) / "scenes", progress=progress, recipe=recipe
        )
        return media.store_rendition(
            story.workspace_id, key=key, recipe=f"{variant.format} {recipe.name}", content=target,
            content_type=recipe.content_type, width=line.width, height=line.height, seconds=line.seconds,
            made_by=engine.made_by(),
        )  # fmt: skip


def _further(variant: Variant) -> list[Rendition]:
    """What other recipes made of a video as it is, or the cards of a carousel behind the first, in order."""
    if not variant.made_from:
        return []
    names = RECIPES if variant.kind == "video" else range(2, composing.MOST_PAGES + 1)
    keys = [digest_of(variant.made_from, variant.kind, name) for name in names]
    found = {each.key: each for each in Rendition.objects.filter(workspace_id=variant.story.workspace_id, key__in=keys)}
    return [found[key] for key in keys if key in found]


def _render_card(work: Work, story: Story, variant: Variant, key: str) -> None:
    form = parse_format(variant.format)
    drawn = [cards.encode(composed.image, "png") for composed in composing.compose_all(story, variant.format)]
    with work.effect():
        for page, content in enumerate(drawn, 1):
            kept = media.store_rendition(
                story.workspace_id, key=digest_of(key, "card", *([page] if page > 1 else [])),
                recipe=variant.format + (f" page {page}" if page > 1 else ""), content=content,
                content_type="image/png", width=form.width, height=form.height, made_by={"engine": "cards"},
            )  # fmt: skip
            variant.rendition = kept if page == 1 else variant.rendition
        _finish(work, variant, key)


def _finish(work: Work, variant: Variant, key: str) -> None:
    variant.made_from = key
    variant.save(update_fields=["rendition", "captions_vtt", "captions_srt", "made_from"])
    jobs.note(work.job, "step.done", step="renditions", format=variant.format)


def check(story: Story) -> list[dict[str, Any]]:
    """What the gate finds in the story's renditions: [{"severity", "scene", "second", "message", "format"}]."""
    found: list[dict[str, Any]] = []
    for variant in story.variants.select_related("rendition"):
        if variant.rendition is None:
            continue
        if variant.kind == "video":
            line = timeline(story, variant)
            faults = gate.check_video(variant.rendition.file, line)
            found += _off_the_brief(story, variant, line.seconds)
        else:
            composed = composing.compose_all(story, variant.format)
            faults = [fault for card in composed for fault in gate.check_card(card)]
        found += [asdict(fault) | {"format": variant.format} for fault in faults]
    return found


def findings(story: Story) -> list[dict[str, Any]]:
    """What the gate found in the renditions when they were made, and what its scenes lack now: rights change anew."""
    found: list[dict[str, Any]] = list(story.findings)
    for scene in story.scenes.select_related("asset"):
        if scene.asset is None:
            found.append(_finding(scene, "This scene has no picture."))
        else:
            found += _rights(scene, scene.asset)
        if not scene.alt.strip():
            found.append(_finding(scene, "It has no alternative text.", severity="warning"))
    for asset in brands.files_of(story):
        if asset.licence_ends and asset.licence_ends < timezone.now().date():
            message = f"The licence of “{asset.title}” in its brand ended on {asset.licence_ends}: choose another file."
            found.append({"severity": "blocking", "scene": "", "second": 0.0, "message": message, "format": ""})
    return found


def _off_the_brief(story: Story, variant: Variant, seconds: float) -> list[dict[str, Any]]:
    wished = story.brief.seconds
    if abs(seconds - wished) <= OFF_THE_BRIEF * wished:
        return []
    message = f"The video is {seconds:.0f} s long; the brief asks for {wished} s."
    return [{"severity": "warning", "scene": "", "second": 0.0, "message": message, "format": variant.format}]


def _rights(scene: Scene, asset: Asset) -> list[dict[str, Any]]:
    """What keeps a picture from being published: nobody said that it may be, or whose name must stand beside it."""
    if not asset.licence.strip():
        return [_finding(scene, "The licence of its picture is not known: say it on the picture's page.")]
    if asset.licence_ends and asset.licence_ends < timezone.now().date():
        return [_finding(scene, f"The licence of its picture ended on {asset.licence_ends}: choose another.")]
    if re.match(r"cc[ -]?by\b", asset.licence.strip(), re.IGNORECASE) and not asset.credit.strip():
        return [_finding(scene, f"{asset.licence} asks for a credit, and its picture has none: add it on its page.")]
    return []


def _finding(scene: Scene, message: str, *, severity: str = "blocking") -> dict[str, Any]:
    return {"severity": severity, "scene": str(scene.pk), "second": 0.0, "message": message, "format": ""}


def document(story: Story, variant: Variant) -> dict[str, Any]:
    """All that can be seen or heard of a variant: what a revision freezes and a review approves."""
    scenes = list(story.scenes.select_related("asset", "sound"))
    renditions = [
        _rendition(each, variant)
        for each in (variant.rendition, variant.captions_vtt, variant.captions_srt, *_further(variant))
        if each is not None
    ]
    return {
        "format": variant.format,
        "language": variant.language,
        "title": story.title,
        "summary": story.summary,
        "hashtags": story.hashtags,
        "scenes": [
            {"narration": scene.narration, "on_screen": scene.on_screen, "alt": scene.alt,
             "licence": scene.asset.licence if scene.asset else "", "credit": scene.asset.credit if scene.asset else "",
             "picture": scene.asset.digest if scene.asset else ""}
            for scene in scenes
        ],
        "sources": [story.brief.url] if story.brief.url else [],
        "ai_disclosure": ai_disclosure(story, scenes),
        "renditions": renditions,
    }  # fmt: skip


def ai_disclosure(story: Story, scenes: list[Scene]) -> dict[str, Any]:
    """What machines did in a story, in the terms of IPTC's digital source types."""
    drawn = [scene.asset.made_by for scene in scenes if scene.asset and scene.asset.made_by]
    return {
        "digital_source_type": "compositeWithTrainedAlgorithmicMedia" if story.engines else "digitalCreation",
        "text": story.engines.get("writer", ""),
        "voice": ", ".join(_speaking(story, scenes)),
        "pictures": sorted({str(made.get("engine", "")) for made in drawn}),
        **({"music": "composer"} if story.music else {}),
    }


def _speaking(story: Story, scenes: list[Scene]) -> list[str]:
    """Who is heard: the voice's engine, "recorded" for people, or both."""
    people = [scene.is_recorded for scene in scenes]
    voice = [] if people and all(people) else [story.engines.get("voice", "")]
    return [*voice, "recorded"] if any(people) else voice


def _rendition(rendition: Rendition, variant: Variant) -> dict[str, Any]:
    return {
        "id": str(rendition.pk), "format": variant.format, "recipe": rendition.recipe, "language": variant.language,
        "content_type": rendition.content_type, "digest": rendition.digest, "size": rendition.size,
        "width": rendition.width, "height": rendition.height, "seconds": round(rendition.seconds, 3),
    }  # fmt: skip


def document_digest(story: Story, variant: Variant) -> str:
    """The hash of a variant's document as the story is now."""
    return digest_of(document(story, variant))


def require_fresh(story: Story) -> None:
    """Raise EngineError where a rendition is missing or older than the story."""
    stale = [variant.format for variant in story.variants.all() if not is_fresh(story, variant)]
    if stale:
        raise EngineError(f"Not rendered as it is now: {', '.join(stale)}.", next_step="Render it first.")
