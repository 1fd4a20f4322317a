"""A story in other people's editing programs, and back: its timeline as OpenTimelineIO, with the media in a zip."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from django.db import transaction
from django.utils.text import slugify

from creator.models import Scene, Story, User, Variant
from creator.services import stories, variants
from media_processing import interchange
from media_processing.engine import EngineError
from media_processing.models import Asset, Rendition
from media_processing.timeline import TimelineScene

BUMPERS = ("intro", "outro")
"""Scenes of a timeline that no story has."""
DIGITS = 16
"""So many of a content's digest stand in a file's name: by them it is known again."""


def export(story: Story, variant: Variant, target: Path) -> None:
    """Write a zip with a video variant's timeline in every form and its media. Raises EngineError."""
    if variant.kind != "video":
        raise EngineError("Only a video has a timeline.", next_step="Choose a video.", permanent=True)
    line = variants.timeline(story, variant)
    if not line.scenes:
        raise EngineError("The story has no scenes with pictures yet.", next_step="Wait until it is made.")
    titles = {}
    for number, scene in enumerate(story.scenes.select_related("asset", "sound"), 1):
        if scene.asset:
            titles[scene.asset.file] = f"{number:02} {slugify(scene.asset.title)[:40]} {scene.asset.digest[:DIGITS]}"
        if scene.sound:
            titles[scene.sound.file] = f"{number:02} narration {scene.sound.digest[:DIGITS]}"
    interchange.bundle(line, target, name=story.title, titles=titles)


def bring_back(story: Story, content: bytes, *, by: User | None, version: int | None = None) -> int:
    """Put what an editing program did to an exported timeline into the story: order, lengths, in points, transitions,
    scenes left out or doubled, other pictures of the library. Returns how many scenes there are now.

    Raises EngineError for what can't be taken over; the story keeps what it had then.
    """
    line = interchange.read(content, _finder(story))
    with transaction.atomic(), stories.editing(story, by=by, version=version, what="timeline") as fresh:
        there = {str(scene.pk): scene for scene in fresh.scenes.select_related("asset", "sound")}
        taken: set[str] = set()
        kept = []
        # An intro and an outro are the brand's: they come by themselves.
        ours = [each for each in line.scenes if each.id not in BUMPERS]
        for position, each in enumerate(ours):
            scene = there.get(each.id[:36])
            if scene is None:
                raise EngineError(
                    f"Scene {position + 1} isn't one of this story's.",
                    next_step="Add it in the studio, where it gets its line, then export again.",
                    permanent=True,
                )
            kept.append(_changed(fresh, scene, each, position, copy=scene.pk.hex in taken))
            taken.add(scene.pk.hex)
        fresh.scenes.exclude(pk__in=[scene.pk for scene in kept]).delete()
    stories.remake(story, by=by)
    return len(kept)


def _changed(story: Story, scene: Scene, said: TimelineScene, position: int, *, copy: bool) -> Scene:
    """The scene (or a copy of it) as the timeline has it."""
    if said.narration is None and scene.sound_id:
        raise EngineError(
            f"Scene {position + 1} lost its narration.",
            next_step="Put the clip back on the narration's track; to leave the scene out, remove its picture, too.",
            permanent=True,
        )
    if copy:
        scene = Scene.objects.get(pk=scene.pk)
        scene._state.adding, scene.pk = True, None
    if scene.asset is None or scene.asset.file != said.visual.path:
        scene.asset = Asset.objects.in_workspace(story.workspace_id).filter(digest=said.visual.path.stem).first()
        if scene.asset is None:
            raise EngineError(f"Scene {position + 1} shows a file that is no picture of the library.", permanent=True)
        scene.alt, scene.chosen_by_hand = scene.asset.alt or scene.alt, True
    scene.position, scene.start, scene.end = position, said.visual.start, said.visual.end
    scene.transition = "" if said.transition == "cut" else said.transition
    # The silence in front is always the same: what an editor took of it is missing behind.
    lead = TimelineScene(said.id, said.visual).lead
    tail = max(0.0, said.seconds - said.narration_seconds - lead)
    scene.tail = None if abs(tail - variants.USUAL_TAIL) < 0.02 else tail
    scene.save()
    return scene


def _finder(story: Story) -> Callable[[str], Path]:
    """Finds the files of a timeline by the digest in their names, among those of the story's workspace."""

    def path_of(name: str) -> Path:
        digits = re.findall(rf"[0-9a-f]{{{DIGITS},64}}", Path(name).stem)
        for model in (Asset, Rendition):
            for digest in digits:
                row = model.objects.filter(workspace_id=story.workspace_id, digest__startswith=digest).first()
                if row is not None:
                    return row.file
        raise EngineError(
            f"“{Path(name).name[:80]}” isn't in the library.",
            next_step="Bring the file into the library, export again, and use it from there.",
            permanent=True,
        )

    return path_of
