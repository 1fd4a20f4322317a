"""What of a story is judged: its texts, the text in its pictures, what is said in its clips, and a frame of every shot.

Here the tools meet: search gives the embeddings that it made, moderation gives verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from PIL import Image

from creator.models import Channel, Revision, Scene, Story
from creator.services import brands
from creator.services.importing import READER, UNREADABLE, fill_in
from creator.services.library import key_frame
from media_processing.engine import EngineError, Progress, engines, no_progress
from media_processing.models import Asset, Transcript
from media_processing.services import said_between
from moderation import services as moderation
from moderation.models import Part, Verdict
from search import models_in_use
from search import services as search
from search.models import Moment

SURFACE = "site"
"""The surface that everything is weighed for, wherever it goes later."""
MOST_FRAMES = 40
"""Of one scene; a clip with more shots within a scene is judged by so many, spread over it."""
TEXT_SEEN = "text-in-picture"
"""The signal that is missing where a picture's text wasn't read."""
SCENE_SECONDS = 8.0
"""How long a clip is taken to be shown where no narration says so."""


def surfaces_of(workspace_id: int) -> list[str]:
    """The surfaces that a submission is weighed for: those of all channels that it may be published to."""
    others = Channel.objects.filter(workspace=workspace_id).exclude(surface=SURFACE).order_by("surface")
    return [SURFACE, *others.values_list("surface", flat=True).distinct()]


def read_pictures(story: Story) -> None:
    """Have the text in a story's pictures read where nobody did yet: the background may be behind. What can't be read
    stays a missing signal."""
    if not engines["reader"].problems():
        shown = [scene.asset for scene in story.scenes.select_related("asset")]
        for asset in [*shown, *brands.files_of(story)]:
            if asset is not None and _is_unread(asset):
                fill_in(asset)


def _is_unread(asset: Asset) -> bool:
    """Whether text in it may have been missed; what the illustrator drew holds none."""
    return (
        asset.kind != Asset.Kind.AUDIO
        and READER not in asset.metadata
        and asset.made_by.get("engine") != "illustrator"
    )


def judge_story(story: Story, progress: Progress = no_progress) -> list[moderation.Piece]:
    """Have every text and picture of a story judged; content that was judged before is not judged again."""
    return judge(parts_of(story), progress)


def judge(parts: Sequence[Part], progress: Progress = no_progress) -> list[moderation.Piece]:
    """The pieces that a policy weighs. What nobody can look at or hear has no verdict, which never passes."""
    pieces = []
    for number, part in enumerate(parts, 1):
        if part.kind == "text":
            known = bool(part.content)
            verdicts = moderation.judge_text(part.workspace_id, part.text, language=part.language) if known else []
        else:
            known = bool(part.content)
            verdicts = moderation.judge_picture(part.workspace_id, part.content, look_at(part)) if known else []
            verdicts = [*verdicts, *_unread(part)]
        pieces.append(moderation.Piece(part.where, part.text, verdicts))
        progress(number / len(parts))
    return pieces


def parts_of(story: Story) -> list[Part]:
    """All that a story shows and says, its brand's files too, as it is now; the rows aren't saved."""
    scenes = list(story.scenes.select_related("asset", "sound", "recorded__transcript"))
    made = partial(Part, workspace_id=story.workspace_id, story=story, number=0)
    texts = [("headline", story.title), ("summary", story.summary), ("hashtags", " ".join(story.hashtags))]
    texts.append(("poll", "\n".join(story.poll)))
    for scene in scenes:
        name = f"scene {scene.position + 1}"
        texts += [(f"{name}: narration", scene.narration), (f"{name}: on screen", scene.on_screen)]
        texts.append((f"{name}: alt text", scene.alt))
    parts = [_text(made, where, text, story.language) for where, text in texts if text.strip()]
    for scene in scenes:
        if scene.recorded is not None:
            parts.append(_recorded(made, f"scene {scene.position + 1}: spoken in the recording", scene.recorded))
        if scene.asset is not None:
            parts += _of_asset(made, f"scene {scene.position + 1}", scene.asset, *_shown(scene))
    for asset in brands.files_of(story):
        if asset.kind != Asset.Kind.AUDIO:
            parts += _of_asset(made, "brand", asset, 0.0, asset.seconds)
    return parts


def _text(made: partial[Part], where: str, text: str, language: str) -> Part:
    return made(where=where[:60], kind="text", content=moderation.content_of(text), text=text, language=language)


def _recorded(made: partial[Part], where: str, sound: Asset) -> Part:
    """What a person says in place of the voice, which need not be the line."""
    said = getattr(sound, "transcript", None)
    if said is None:
        return made(where=where[:60], kind="text", content="", text="Nobody has written down what is said.")
    return _text(made, where, " ".join(each["text"] for each in said.passages), said.language)


def _shown(scene: Scene) -> tuple[float, float]:
    """The stretch of its asset that a scene shows, in seconds."""
    if scene.end is not None and scene.end > scene.start:
        return scene.start, scene.end
    return scene.start, scene.start + (scene.sound.seconds + 1 if scene.sound else SCENE_SECONDS)


def _of_asset(made: partial[Part], name: str, asset: Asset, start: float, end: float) -> Iterator[Part]:
    language = made.keywords["story"].language
    if asset.seen_text.strip():
        yield _text(made, f"{name}: text in the picture", asset.seen_text, language)
    if asset.kind == Asset.Kind.VIDEO and (said := Transcript.objects.filter(asset=asset).first()) is not None:
        spoken = said_between(said.passages, start, end)
        if spoken.strip():
            yield _text(made, f"{name}: spoken in the clip", spoken, said.language)
    seconds = _frames(asset, start, end)
    for number, second in enumerate(seconds, 1):
        where = f"{name}: picture" if len(seconds) == 1 else f"{name}: picture, frame {number}"
        yield made(
            where=where, kind="picture", content=moderation.frame_digest(asset.digest, second), text=asset.title,
            asset=asset, second=second,
        )  # fmt: skip


def _frames(asset: Asset, start: float, end: float) -> list[float]:
    """Where a stretch of an asset is looked at: where it begins, and the key frame of every shot in it."""
    if asset.kind != Asset.Kind.VIDEO:
        return [start]
    shots = Moment.objects.filter(asset=asset, start__lt=end, end__gt=start).order_by("start")
    seconds = sorted({start, *shots.values_list("key_time", flat=True)})
    step = max(1.0, len(seconds) / MOST_FRAMES)
    return [seconds[int(number * step)] for number in range(min(MOST_FRAMES, len(seconds)))]


def look_at(part: Part) -> moderation.Look:
    """A picture as judges look at it. It is decoded when the first judge needs pixels; where its file is gone, judges
    that know it by what was kept of it still can."""
    sight = _sight(part.asset, part.second) if part.asset is not None else None
    return moderation.Look(partial(_pixels, part.asset, part.second), sight=sight)


def _unread(part: Part) -> list[Verdict]:
    """What is missing where nobody read what stands in a picture."""
    asset, reader = part.asset, engines["reader"]
    if asset is None or not _is_unread(asset):
        return []
    problem = next(iter(reader.problems()), None)
    why = problem.message if problem else asset.metadata.get(UNREADABLE) or "Nobody has read the text in it."
    note = {"category": TEXT_SEEN, "note": why}
    return [
        Verdict(workspace_id=part.workspace_id, content=part.content, kind="picture", engine=reader.name,
                missing=[TEXT_SEEN], evidence=[note])
    ]  # fmt: skip


def _pixels(asset: Asset | None, second: float) -> Image.Image:
    frame = key_frame(asset, second) if asset is not None else None
    if frame is None:
        raise EngineError("The picture is gone.", permanent=True)
    return frame


def _sight(asset: Asset, second: float) -> moderation.Sight | None:
    """The embedding that search made of a picture, with its model."""
    embedder = models_in_use.embedder_for(asset.workspace_id)
    embedding = search.embedding_of(asset, second, embedder=embedder)
    if embedding is None:
        return None
    return moderation.Sight(
        embedding, embedder.card.digest, asset.domain, embedder.card.domains, embedder.embed_texts, embedder.understood
    )


def search_model(workspace_id: int) -> str:
    """The digest of the model whose embeddings a judge reads; "" where none does."""
    if not any(judge.reads_embeddings for judge in engines.all("picture_judge")):
        return ""
    return models_in_use.embedder_for(workspace_id).card.digest


def keep(parts: Sequence[Part], number: int) -> None:
    """Remember what a submission shows: a sweep weighs it again."""
    for part in parts:
        part.number = number
    Part.objects.bulk_create(parts)


def keep_those_of(revision: Revision) -> None:
    """The same for a submission from before there were parts, out of its document; of its clips, every shot."""
    document, story = revision.document, revision.story
    made = partial(Part, workspace_id=story.workspace_id, story=story)
    texts = [("headline", document.get("title", "")), ("summary", document.get("summary", ""))]
    texts.append(("hashtags", " ".join(document.get("hashtags", ()))))
    scenes = document.get("scenes", [])
    for position, scene in enumerate(scenes, 1):
        texts += [(f"scene {position}: narration", scene.get("narration", "")),
                  (f"scene {position}: on screen", scene.get("on_screen", "")),
                  (f"scene {position}: alt text", scene.get("alt", ""))]  # fmt: skip
    language = document.get("language", story.language)
    parts = [_text(made, where, text, language) for where, text in texts if text.strip()]
    shown = {scene.get("picture", "") for scene in scenes}
    assets = {row.digest: row for row in Asset.objects.in_workspace(story.workspace_id).filter(digest__in=shown)}
    for position, scene in enumerate(scenes, 1):
        asset = assets.get(scene.get("picture", ""))
        if asset is not None:
            parts += _of_asset(made, f"scene {position}", asset, 0.0, asset.seconds)
        else:
            parts.append(made(where=f"scene {position}: picture", kind="picture", content="", text="It is gone."))
    keep(parts, revision.number)
