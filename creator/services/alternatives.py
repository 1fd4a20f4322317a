"""Other pictures and other readings of a scene: asked for, kept beside what is there, taken, and gone back to.

Nothing that is drawn or spoken changes a story: it stands beside the scene's own until an editor takes it.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone
from PIL import Image

from creator import jobs
from creator.jobs import Work
from creator.models import Alternative, Job, Scene, Story, User, Workspace
from creator.services import charges, choices, making, pronunciations, stories, visuals, voices
from creator.services.digests import digest_of
from generation import services as generation
from generation.engines.base import Painter, Picture, Sampling, Speaker, Voice
from generation.engines.painting import MAX_SEED, MAX_VARIANTS
from generation.prices import Estimate
from media_processing import services as media
from media_processing.decoding import MediaError, inspect, open_picture
from media_processing.engine import EngineError, engines
from media_processing.models import Asset, Rendition

DRAW = "draw_pictures"
"""The job that draws pictures anew, on the ground of another, or a part of one."""
SPEAK = "speak_reading"
"""The job that speaks a scene's line in another way."""
COUNTS = (1, 2, 4, MAX_VARIANTS)
"""How many pictures can be asked for at once."""
READINGS = 12
"""Readings that stay beside a scene's own."""
SLOWEST, FASTEST = 0.5, 2.0
MOST_WORDS = 1_000
MASK_BYTES = 1_000_000
SHAPE = 0.02
"""How far a mask's shape may be off the picture's, as a share."""
_PICTURE, _VOICE = Alternative.Part.PICTURE, Alternative.Part.VOICE


# Pictures: asked for -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """How pictures are to be drawn."""

    words: str
    negative: str = ""
    """What they should not show."""
    seed: int = 0
    """Of the first; the others have the seeds after it."""
    style: str = ""
    strength: float = 0.0
    """How much of the picture before may change; 0 draws anew."""
    count: int = 1
    steps: int = 0
    """These three as in Sampling; 0, None and "" leave it to the painter."""
    guidance: float | None = None
    scheduler: str = ""

    @property
    def sampling(self) -> Sampling:
        """How a diffusion model is to draw."""
        return Sampling(self.negative, self.steps or None, self.guidance, self.scheduler)


def wish_of(asset: Asset) -> Wish:
    """The wish that a picture came from, as far as is known: where "again with changes" begins."""
    made = asset.made_by
    words = made.get("prompt") or made.get("words") or asset.alt or asset.title
    seed, strength = made.get("seed"), made.get("strength")
    return Wish(
        str(words)[:MOST_WORDS], str(made.get("negative") or ""), seed if isinstance(seed, int) else 0,
        str(made.get("style") or ""), strength if isinstance(strength, float) else 0.0,
        steps=_number(made.get("steps")) or 0, guidance=_number(made.get("guidance")),
        scheduler=str(made.get("scheduler") or ""),
    )  # fmt: skip


def _number(said: object) -> Any:
    return said if isinstance(said, int | float) else None


def can_repeat(workspace: Workspace, asset: Asset) -> bool:
    """Whether a picture can be drawn again with changes: one that a machine drew, or any where the painter redraws."""
    if asset.kind != Asset.Kind.IMAGE:
        return False
    return bool(asset.made_by.get("engine")) or bool(choices.engine("painter", workspace).can_redraw)


def fillers() -> list[str]:
    """The painters of this installation that can draw a part of a picture anew, and work."""
    return [painter.title for painter in engines.all("painter") if painter.can_fill and not painter.problems()]


def estimate(workspace: Workspace, verb: str, *, characters: int = 200, count: int = 1) -> Estimate:
    """What so many pictures will cost. `verb` is "draw", "redraw" or "fill"."""
    name = choices.chosen("painter", workspace)
    return generation.estimate("painter", verb, characters, engine=name, count=count)


def checked(wish: Wish, painter: Painter) -> Wish:
    """A wish without what makes no sense. Raises EngineError for what the painter can't do."""
    words = " ".join(wish.words.replace("\x00", "").split())
    if not words:
        raise EngineError("Say what the picture should show.", next_step="For example: a red boat at night.")
    if len(words) > MOST_WORDS:
        raise EngineError(f"At most {MOST_WORDS:,} characters can say what a picture shows.", permanent=True)
    if not 1 <= wish.count <= MAX_VARIANTS:
        raise EngineError(f"Between 1 and {MAX_VARIANTS} pictures are drawn at once.", permanent=True)
    if not 0 <= wish.seed <= MAX_SEED - wish.count:
        raise EngineError(f"A seed is a number from 0 to {MAX_SEED - MAX_VARIANTS}.", permanent=True)
    negative = wish.negative.replace("\x00", "").strip()[:MOST_WORDS]
    if negative and "negative" not in painter.takes:
        raise EngineError(
            f"{painter.title} can't be told what not to show.", next_step="Empty that field, or choose another painter."
        )
    if wish.style and painter.styles and wish.style not in painter.styles:
        raise EngineError(f"There is no style {wish.style!r}.", next_step=f"Use {', '.join(painter.styles)}.")
    if wish.strength and (not 0 < wish.strength <= 1 or not math.isfinite(wish.strength)):
        raise EngineError("How much may change lies between 0 and 1.", permanent=True)
    if wish.strength and not painter.can_redraw:
        raise EngineError(
            f"{painter.title} can't draw on the ground of another picture.",
            next_step="Draw it anew, or choose another painter under Settings > Engines.",
        )
    checked = replace(wish, words=words, negative=negative, style=wish.style[:100])
    painter.check_sampling(checked.sampling)
    return checked


def draw_for_library(workspace: Workspace, wish: Wish, size: tuple[int, int], *, by: User | None) -> Job:
    """Have pictures of a size drawn for the library, beside no scene. Raises EngineError."""
    return _ask(workspace, "draw", wish, by=by, size=size)


def draw_more(story: Story, scene_id: UUID | str, *, by: User | None, count: int, words: str = "") -> Job:
    """Have pictures drawn for a scene, with seeds in a row that it wasn't drawn with yet."""
    scene = stories.scene_of(story, scene_id)
    text = words.strip() or scene.visual or scene.narration[:300]
    wish = Wish(text, seed=visuals.next_seed(scene), style=_style(story), count=count)
    return _ask(story.workspace, "draw", wish, by=by, story=story, scene=scene)


def _style(story: Story) -> str:
    """The story's style, where the painter of today still has it."""
    styles = choices.engine("painter", story.workspace).styles
    return story.style if not styles or story.style in styles else ""


def again(
    workspace: Workspace, asset: Asset, wish: Wish, *, by: User | None, story: Story | None = None,
    scene_id: UUID | str = "",
) -> Job:  # fmt: skip
    """Have a picture drawn again with changes, for a scene or for the library. Raises EngineError."""
    scene = stories.scene_of(story, scene_id) if story else None
    if not can_repeat(workspace, asset):
        raise EngineError(
            "Only pictures that a machine drew can be drawn again.", next_step="Draw a new one, or search for another."
        )
    return _ask(workspace, "redraw" if wish.strength else "draw", wish, by=by, story=story, scene=scene, parent=asset)


def fill(story: Story, scene_id: UUID | str, asset: Asset, wish: Wish, mask: str, *, by: User | None) -> Job:
    """Have the marked part of a picture drawn anew; `mask` is a PNG as a data address. Raises EngineError."""
    scene = stories.scene_of(story, scene_id)
    painter = choices.engine("painter", story.workspace)
    if not painter.can_fill:
        able = " or ".join(fillers())
        raise EngineError(
            f"{painter.title} can't draw a part of a picture anew.",
            next_step=f"Choose {able} under Settings > Engines." if able else "Connect a painter that can fill.",
        )
    if asset.kind != Asset.Kind.IMAGE:
        raise EngineError("Only a still picture can be changed in part.", next_step="Choose a picture.")
    marked = _kept_mask(asset, mask)
    return _ask(story.workspace, "fill", wish, by=by, story=story, scene=scene, parent=asset, mask=marked)


def _ask(
    workspace: Workspace, verb: str, wish: Wish, *, by: User | None, story: Story | None = None,
    scene: Scene | None = None, parent: Asset | None = None, mask: Rendition | None = None,
    size: tuple[int, int] | None = None,
) -> Job:  # fmt: skip
    painter = choices.engine("painter", workspace)
    wish = checked(wish, painter)
    for problem in painter.problems():
        raise problem
    cost = estimate(workspace, verb, characters=len(wish.words), count=wish.count)
    charges.refuse_over_budget(workspace, by, cost)
    subject: dict[str, Any] = {"verb": verb, "wish": asdict(wish), "scene": str(scene.pk) if scene else ""}
    subject |= {"parent": str(parent.pk) if parent else "", "mask": str(mask.pk) if mask else ""}
    subject |= {"size": list(size)} if size else {}
    return submit_once(DRAW, workspace, by, story, subject)


def submit_once(kind: str, workspace: Workspace, by: User | None, story: Story | None, subject: dict[str, Any]) -> Job:
    """Ask for work; a second click gets the job of the first."""
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace.pk)
        for job in Job.objects.filter(workspace=workspace, kind=kind, story=story, state__in=Job.OPEN):
            if job.subject == subject:
                return job
        return jobs.submit(kind, workspace=workspace, person=by, story=story, priority=6, **subject)


def _kept_mask(asset: Asset, said: str) -> Rendition:
    """A mask that was drawn on the page, checked, in black and white. Raises EngineError."""
    _head, found, text = said[: 2 * MASK_BYTES].partition("base64,")
    try:
        content = base64.b64decode(text if found else "", validate=True)
    except binascii.Error:
        content = b""
    name = "The drawn mask"
    if not content or len(content) > MASK_BYTES:
        raise MediaError(f"{name} can't be read.", reason="damaged", next_step="Mark the part again.")
    probe = inspect(content, name=name, max_bytes=MASK_BYTES)
    if probe.content_type != "image/png":
        raise MediaError(f"{name} is no PNG.", reason="wrong_type", next_step="Mark the part again.")
    if abs(probe.width * asset.height - probe.height * asset.width) > SHAPE * probe.width * asset.height:
        raise EngineError(f"{name} has another shape than the picture.", next_step="Mark the part again.")
    image = open_picture(content, max_side=max(asset.width, asset.height), name=name).convert("RGBA")
    on_black = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("L")
    marked = np.asarray(on_black) >= 128
    if not marked.any():
        raise EngineError("Nothing is marked.", next_step="Paint over what should change, or give a box.")
    kept = io.BytesIO()
    Image.fromarray(marked).save(kept, "PNG", optimize=True)
    return media.store_rendition(
        asset.workspace_id, key=media.rendition_key(asset.digest, f"mask {digest_of(kept.getvalue().hex())}"),
        recipe="mask", content=kept.getvalue(), content_type="image/png", width=image.width, height=image.height,
        asset=asset,
    )  # fmt: skip


# Pictures: drawn -----------------------------------------------------------------------------------------------------


def draw(work: Work) -> None:
    """Draw what the job's subject says; for a scene beside its picture, else for the library."""
    job = work.job
    said, wish = job.subject, Wish(**job.subject["wish"])
    if "made" in said:
        return  # by a worker that was lost just after
    scene = scene_of_job(job) if said["scene"] else None
    parent = _parent_of(job) if said["parent"] else None
    verb = str(said["verb"])
    work.begin("drawing")
    part = said["scene"] or said["parent"]
    with charges.charged(work, "painter", verb, characters=len(wish.words), part=part, count=wish.count) as call:
        pictures = _drawn(work, wish, verb, parent, call)
    cost, changes = call.cost(len(pictures)), _changes(wish, verb, said, parent)
    kept = []
    for number, picture in enumerate(pictures):
        seed = {"seed": wish.seed + number} if "seed" in picture.made_by else {}
        kept.append(visuals.keep_drawn(
            work, picture, {**picture.made_by, **changes, **seed}, cost=cost, ground=parent if verb != "draw" else None
        ))  # fmt: skip
    with work.effect():
        if scene is not None:
            new = visuals.keep_alternatives(scene, [visuals.offer_of(each) for each in kept])
        else:
            new = sum(parent is None or each.asset.pk != parent.pk for each in kept)
        if not new:
            raise EngineError(
                "The painter drew what is there already.", next_step="Change the words, or the seed.", permanent=True
            )
        job.subject["made"] = [str(each.asset.pk) for each in kept]
        job.save(update_fields=["subject"])
        jobs.note(job, "pictures.drawn", scene=said["scene"])


def _drawn(work: Work, wish: Wish, verb: str, parent: Asset | None, call: charges.Charged) -> Sequence[Picture]:
    common: dict[str, Any] = {
        "seed": wish.seed, "style": wish.style, "sampling": wish.sampling, "progress": work.report,
        "meter": call.meter,
    }  # fmt: skip
    painter = generation.painter(choices.chosen("painter", work.job.workspace))
    if verb == "fill" and parent is not None:
        mask = Rendition.objects.get(workspace=work.job.workspace, pk=work.job.subject["mask"])
        return [painter.fill(parent.file, mask.file, wish.words, **common)]
    if verb == "redraw" and parent is not None:
        return [painter.redraw(parent.file, wish.words, strength=wish.strength, **common)]
    width, height = work.job.subject.get("size") or visuals.drawn_size(work.job.story)
    if parent is not None:
        width, height = parent.width, parent.height
    return painter.variants(wish.words, wish.count, width=width, height=height, **common)


def _changes(wish: Wish, verb: str, said: Mapping[str, Any], parent: Asset | None) -> dict[str, Any]:
    """What `made_by` tells besides what the engine does: enough to do it again."""
    told: dict[str, Any] = {"verb": verb, "prompt": wish.words, "style": wish.style, "negative": wish.negative}
    told |= {"parents": [parent.digest]} if parent is not None else {}
    told |= {"mask": said["mask"]} if said["mask"] else {}
    return told | ({"strength": wish.strength} if wish.strength else {})


def scene_of_job(job: Job) -> Scene:
    """The scene that a job is about. Raises EngineError where it has gone."""
    scene = Scene.objects.filter(pk=job.subject["scene"], story=job.story).select_related("asset", "story").first()
    if scene is None:
        raise EngineError("This scene is gone.", next_step="Reload the page: somebody may have removed it.")
    return scene


def _parent_of(job: Job) -> Asset:
    asset = Asset.objects.in_workspace(job.workspace_id).filter(pk=job.subject["parent"]).first()
    if asset is None:
        raise EngineError("The picture before is gone.", next_step="Draw a new one.")
    return asset


# Pictures: taken -----------------------------------------------------------------------------------------------------


def choose_picture(
    story: Story, scene_id: UUID | str, *, by: User | None, version: int | None = None,
    alternative_id: int | None = None, asset: Asset | None = None, start: float = 0.0,
) -> None:  # fmt: skip
    """Show another picture in a scene. The one before stays beside it, with its crop and its alternative text."""
    with stories.editing(story, by=by, version=version, what="picture") as fresh:
        before, now = stories.scene_of(fresh, scene_id), stories.scene_of(fresh, scene_id)
        stories.show_picture(fresh, now, alternative_id=alternative_id, asset=asset, start=start)
        if (before.asset_id, before.start) == (now.asset_id, now.start):
            Scene.objects.filter(pk=now.pk).update(alt=before.alt, focus=before.focus, end=before.end)
            return
        there = visuals.pictures_of(now)
        if before.asset_id:
            _keep_before(before, there)
        taken = next((row for row in there if visuals.is_shown(now, row)), None)
        if taken is None:
            Alternative.objects.create(scene=now, part=_PICTURE, asset_id=now.asset_id, start=now.start)
        elif taken.replaced and taken.timing:  # as it was when it was shown last
            now.alt, now.focus, now.end = taken.text, taken.timing["focus"], taken.timing["end"]
            now.save(update_fields=["alt", "focus", "end"])
        visuals.trim([row for row in visuals.pictures_of(now) if not visuals.is_shown(now, row)], visuals.KEPT)


def _keep_before(before: Scene, there: Sequence[Alternative]) -> None:
    row = next((row for row in there if visuals.is_shown(before, row)), None)
    if row is None:
        row = Alternative(scene=before, part=_PICTURE, asset_id=before.asset_id, start=before.start)
    row.text, row.timing = before.alt, {"focus": before.focus, "end": before.end}
    row.replaced = timezone.now()
    row.save()


def before_of(rows: Sequence[Alternative], shown: int | None) -> int | None:
    """The alternative that "go back" goes back to: the one that was replaced last; None where there is none."""
    once = [row for row in rows if row.replaced and row.pk != shown]
    return max(once, key=lambda row: row.replaced or timezone.now()).pk if once else None


# Readings ------------------------------------------------------------------------------------------------------------


def readers(story: Story) -> list[tuple[Voice, list[Speaker]]]:
    """The voice engines that can read a story, the workspace's own first, each with its voices."""
    own = choices.chosen("voice", story.workspace)
    names = [own] if choices.locked("voice") else sorted(engines.names("voice"), key=lambda name: name != own)
    found = []
    for name in names:
        engine: Voice = engines["voice", name]
        if not engine.problems() and engine.speaks(story.language):
            found.append((engine, voices.offered(story.workspace, story.language, engine=name)))
    return found


def reading_estimate(story: Story, text: str, engine: str) -> Estimate:
    """What it will cost to have a line read."""
    return generation.estimate("voice", "speak", len(text), engine=engine)


def ask_reading(
    story: Story, scene_id: UUID | str, *, by: User | None, engine: str = "", voice: str = "", rate: float = 1.0
) -> Job:
    """Have a scene's line read in another way. Raises EngineError for what can't work."""
    scene = stories.scene_of(story, scene_id)
    offered = {each.name: speakers for each, speakers in readers(story)}
    engine = engine or choices.chosen("voice", story.workspace)
    if engine not in offered or (voice and voice not in [speaker.id for speaker in offered[engine]]):
        raise EngineError("This voice isn't offered for this story.", next_step="Choose one of the list.")
    if not SLOWEST <= rate <= FASTEST:
        raise EngineError(f"Lines are read at {SLOWEST:g} to {FASTEST:g} times the normal speed.", permanent=True)
    charges.refuse_over_budget(story.workspace, by, reading_estimate(story, scene.narration, engine))
    usual = voice or next((speaker.id for speaker in offered[engine]), "")
    title = next((speaker.title for speaker in offered[engine] if speaker.id == usual), "")
    subject = {"scene": str(scene.pk), "engine": engine, "voice": voice, "title": title, "rate": round(rate, 2)}
    return submit_once(SPEAK, story.workspace, by, story, subject)


def speak(work: Work) -> None:
    """Read a scene's line as the job's subject says, and keep the reading beside the scene's own."""
    job, said = work.job, work.job.subject
    if "made" in said:
        return  # by a worker that was lost just after
    scene = scene_of_job(job)
    story, text = scene.story, scene.narration
    engine: Voice = engines["voice", said["engine"]]
    key = digest_of(
        "reading 1", text, story.language, engine.identity(), said["rate"],
        pronunciations.used(story.workspace, text), *voices.key_of(story.workspace, said["voice"]),
    )  # fmt: skip
    work.begin("reading")
    with charges.charged(
        work, "voice", "speak", characters=len(text), part=f"{scene.pk}:{key[:12]}", engine=engine.name
    ) as call:
        speech = voices.speak(
            story.workspace, text, language=story.language, voice=said["voice"], rate=said["rate"], engine=engine.name,
            meter=call.meter, progress=work.report,
        )  # fmt: skip
    made_by = {**speech.made_by, "title": said["title"], "cost": call.cost()}
    timed = making.word_times(work, story, scene, speech)
    with work.effect():
        sound = media.store_rendition(
            story.workspace_id, key=key, recipe="speech", content=speech.sound, content_type="audio/wav",
            seconds=speech.seconds, made_by=dict(speech.made_by),
        )  # fmt: skip
        timing = {
            "words": [asdict(word) for word in timed], "sentences": [list(bounds) for bounds in speech.sentences],
            "timing": "word" if timed else "sentence", "spoken_key": voices.reading_key(story, scene),
        }  # fmt: skip
        own = scene.sound_id == sound.pk and voices.is_spoken(story, scene)
        if own or any(row.sound_id == sound.pk for row in readings_of(story, scene)):
            raise EngineError(
                "This reading is there already.", next_step="Choose another voice, or another speed.", permanent=True
            )
        job.subject["made"] = [add_reading(scene, sound, timing, made_by).pk]
        job.save(update_fields=["subject"])
        jobs.note(job, "reading.spoken", scene=str(scene.pk))


def add_reading(scene: Scene, sound: Rendition, timing: dict[str, Any], made_by: Mapping[str, Any]) -> Alternative:
    """Keep a reading beside a scene's own; the oldest go where there are too many."""
    rows = list(scene.alternatives.filter(part=_VOICE).order_by("position", "pk"))
    visuals.trim([row for row in rows if row.sound_id != scene.sound_id], READINGS - 1)
    position = max((row.position for row in rows), default=-1) + 1
    return Alternative.objects.create(
        scene=scene, part=_VOICE, sound=sound, timing=timing, made_by=dict(made_by), position=position
    )


def readings_of(story: Story, scene: Scene) -> list[Alternative]:
    """The readings beside a scene's own that say what its narration says now, the oldest first."""
    key = voices.reading_key(story, scene)
    rows = [row for row in scene.alternatives.all() if row.part == _VOICE and row.sound_id]
    return [row for row in rows if row.timing.get("spoken_key") == key]


def use_reading(
    story: Story, scene_id: UUID | str, alternative_id: int, *, by: User | None, version: int | None
) -> None:
    """Take a reading: it stays until the narration changes, whichever voice the story has. The one before is kept."""
    with stories.editing(story, by=by, version=version, what="reading") as fresh:
        scene = stories.scene_of(fresh, scene_id)
        chosen = scene.alternatives.filter(pk=alternative_id, part=_VOICE).select_related("sound").first()
        if chosen is None or chosen.sound is None:
            raise EngineError("This reading is no longer there.", next_step="Have the line read again.")
        if chosen.timing.get("spoken_key") != voices.reading_key(fresh, scene):
            raise EngineError("This reading says older words than the narration.", next_step="Have it read again.")
        if scene.sound_id == chosen.sound_id and voices.is_spoken(fresh, scene):
            return
        take_reading(fresh, scene, chosen.sound, chosen.timing)


def take_reading(story: Story, scene: Scene, sound: Rendition, said: Mapping[str, Any]) -> None:
    """Have a scene spoken by a reading, inside an edit; the one before stays beside it. `said` is as in Alternative."""
    if scene.sound is not None and voices.is_spoken(story, scene):
        keep_reading_before(story, scene, scene.sound)
    scene.sound, scene.recorded_id = sound, recording_of(sound)
    scene.words, scene.sentences = said["words"], said["sentences"]
    scene.timing, scene.spoken_key = said["timing"], said["spoken_key"]
    scene.save(update_fields=["sound", "recorded", "words", "sentences", "timing", "spoken_key"])


def recording_of(sound: Rendition) -> UUID | None:
    """The asset of a person's own reading; None for a voice's."""
    asset = Asset.objects.in_workspace(sound.workspace_id).filter(pk=sound.made_by.get("recorded")).first()
    return asset.pk if asset else None


def keep_reading_before(story: Story, scene: Scene, sound: Rendition) -> None:
    """Keep a scene's own reading, with when it was replaced."""
    row = scene.alternatives.filter(part=_VOICE, sound=sound).first()
    if row is None:
        timing = {
            "words": scene.words, "sentences": scene.sentences, "timing": scene.timing,
            "spoken_key": voices.reading_key(story, scene),
        }  # fmt: skip
        row = add_reading(scene, sound, timing, sound.made_by)
    row.replaced = timezone.now()
    row.save(update_fields=["replaced"])
