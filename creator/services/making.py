"""Making a story: script, visuals, narration, verdicts, renditions.

Each step makes what is missing or stale, so a story whose worker died goes on where it stopped, and an edit costs only
what hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from creator import jobs
from creator.jobs import Work
from creator.models import Scene, Story
from creator.services import (
    charges,
    choices,
    judging,
    library,
    samples,
    telling,
    variants,
    visuals,
    voices,
    wording,
)
from generation import services as generation
from generation.engines.base import Article, Script, Speech, Watch, Wish, Word
from media_processing import services as media
from media_processing.engine import EngineError, Progress

SHARES = {"script": 0.02, "library": 0.25, "visuals": 0.32, "narration": 0.36, "verdicts": 0.4, "renditions": 1.0}
"""Where on the progress bar each step ends, from what they take on two cores."""


def make(work: Work) -> None:
    """Make what is missing or stale of a job's story. `step` in its subject names a step to make again."""
    story = work.job.story
    if story is None:
        return
    Story.objects.filter(pk=story.pk).update(state=Story.State.MAKING)
    try:
        _forget(work, story, work.job.subject.get("step", ""))
        start = 0.0
        steps: dict[str, Callable[[Work, Story, Progress], None]] = {
            "script": write, "library": draw_samples, "visuals": illustrate, "narration": narrate, "verdicts": judge,
            "renditions": render,
        }  # fmt: skip
        for name, do in steps.items():
            work.begin(name, start)
            story.refresh_from_db()
            do(work, story, work.part(start, SHARES[name]))
            start = SHARES[name]
        with work.effect():
            Story.objects.filter(pk=story.pk).update(state=Story.State.DRAFT)
            jobs.note(work.job, "story.made")
    except (jobs.LeaseLost, jobs.HandedBack):
        raise  # another worker goes on
    except Exception:
        # What is finished stays; the page offers to go on.
        state = Story.State.DRAFT if story.scenes.exists() else Story.State.FAILED
        Story.objects.filter(pk=story.pk).update(state=state)
        raise


def _forget(work: Work, story: Story, step: str) -> None:
    """Turn a step's results stale, once for a job however often it is tried."""
    if step not in ("script", "visuals", "narration") or work.job.subject.get("forgotten"):
        return
    with work.effect():
        if step == "script":
            story.scenes.all().delete()
        elif step == "visuals":
            story.scenes.filter(chosen_by_hand=False).update(asset=None)
        else:
            story.scenes.exclude(sound__made_by__has_key="recorded").update(spoken_key="")
        work.job.subject["forgotten"] = True
        work.job.save(update_fields=["subject"])


def write(work: Work, story: Story, progress: Progress) -> None:
    """Write the script, if the story has none."""
    if story.scenes.exists():
        return
    brief = story.brief
    name = choices.chosen("writer", story.workspace)
    source = wording.translated_from(story)
    if source is not None:
        _translate(work, story, source, progress)
        return
    article = Article(brief.article, title=brief.title, language=brief.article_language, url=brief.url)
    wish = Wish(seconds=brief.seconds, tone=brief.tone, audience=brief.audience, language=brief.language)
    with charges.charged(work, "writer", "script", characters=len(brief.article)) as call:
        watch = Watch(progress=progress, meter=call.meter, tell=telling.tell(work))
        script = generation.write(article, wish, engine=name, watch=watch)
        _keep_script(work, story, script, name, call)


def _translate(work: Work, story: Story, source: Story, progress: Progress) -> None:
    """Write a story's scenes as the translation of another's."""
    with charges.charged(work, "writer", "translate", characters=wording.size(source, "translate")) as call:
        watch = Watch(progress=progress, meter=call.meter, tell=telling.tell(work))
        made, scenes = wording.write_translation(work, story, source, watch)
        with work.effect():
            wording.keep_translation(work, story, made, scenes)
            call.settle()
            telling.forget(work)


def _keep_script(work: Work, story: Story, script: Script, name: str, call: charges.Charged) -> None:
    """Write a script down as the story's scenes, and settle what it cost in the same transaction."""
    with work.effect():
        story.title, story.summary = script.headline[:300], script.summary
        story.hashtags, story.engines = list(script.hashtags), {**story.engines, "writer": name}
        story.save(update_fields=["title", "summary", "hashtags", "engines"])
        Scene.objects.bulk_create(
            Scene(
                story=story, position=position, narration=scene.narration, on_screen=scene.on_screen[:200],
                visual=scene.visual[:300], alt=scene.alt[:500], sources=list(scene.sources),
            )
            for position, scene in enumerate(script.scenes)
        )  # fmt: skip
        call.settle()
        telling.forget(work)
        jobs.note(work.job, "step.done", step="script", engine=name, scenes=len(script.scenes))


def draw_samples(work: Work, story: Story, progress: Progress) -> None:
    """For the sample story on an empty library: draw what its search should find."""
    if work.job.subject.get("samples_first"):
        samples.draw_for_story(work, progress)


def illustrate(work: Work, story: Story, progress: Progress) -> None:
    """Choose a picture for each scene that has none: by search, else drawn. None appears twice in a story."""
    scenes = list(story.scenes.select_related("asset"))
    bare = [scene for scene in scenes if scene.asset is None]
    if not bare:
        return
    taken = {scene.asset_id for scene in scenes if scene.asset_id}
    chosen = visuals.choose(story.workspace, bare, exclude=taken)
    for done, (scene, offers) in enumerate(zip(bare, chosen, strict=True)):
        if not offers.fits:
            drawn = visuals.draw(work, story, scene, seed=scene.position)
            offers = offers.with_drawn(drawn)
        with work.effect():
            visuals.keep(scene, offers)
            jobs.note(work.job, "step.done", step="visuals", scene=str(scene.pk), by=offers.made_by)
        progress((done + 1) / len(bare))
    with work.effect():
        story.engines = {
            **story.engines,
            "embedder": choices.chosen("embedder", story.workspace),
            "painter": choices.chosen("painter", story.workspace),
        }
        story.save(update_fields=["engines"])


def narrate(work: Work, story: Story, progress: Progress) -> None:
    """Speak each scene whose narration is new."""
    name = choices.chosen("voice", story.workspace)
    stale = [scene for scene in story.scenes.select_related("sound") if not voices.is_spoken(story, scene)]
    if (other := next((scene for scene in stale if scene.is_recorded), None)) is not None:
        raise EngineError(
            f"The recording of scene {other.position + 1} says something else than its line.",
            next_step="Record it again, or go back to the voice: both stand in the studio beside the scene.",
            permanent=True,
        )
    for done, scene in enumerate(stale):
        key = voices.spoken_key(story, scene)
        size, part = len(scene.narration), f"{scene.pk}:{key[:12]}"
        with charges.charged(work, "voice", "speak", characters=size, part=part) as call:
            speech = voices.speak(
                story.workspace, scene.narration, language=story.language, voice=story.voice, engine=name,
                meter=call.meter,
            )  # fmt: skip
        timed = word_times(work, story, scene, speech)
        with work.effect():
            scene.sound = media.store_rendition(
                story.workspace_id, key=key, recipe="speech", content=speech.sound, content_type="audio/wav",
                seconds=speech.seconds, made_by={**speech.made_by, "cost": call.cost()},
            )  # fmt: skip
            scene.words = [asdict(word) for word in timed]
            scene.sentences = [list(bounds) for bounds in speech.sentences]
            scene.timing, scene.spoken_key = ("word" if timed else "sentence"), key
            scene.save(update_fields=["sound", "words", "sentences", "timing", "spoken_key"])
            jobs.note(work.job, "step.done", step="narration", scene=str(scene.pk), engine=name)
        progress((done + 1) / len(stale))
    if stale:
        with work.effect():
            story.engines = {**story.engines, "voice": name}
            story.save(update_fields=["engines"])


def word_times(work: Work, story: Story, scene: Scene, speech: Speech) -> Sequence[Word]:
    """Word times: from the voice, else from an aligner of that language, else none: captions then go by sentence."""
    if speech.words:
        return speech.words
    aligner = choices.engine("aligner", story.workspace)
    if not aligner.speaks(story.language):
        return ()
    with library.scratch_file(speech.sound, ".wav") as sound:
        try:
            return tuple(aligner.align(sound, scene.narration.split(), language=story.language))
        except EngineError as error:
            jobs.note(work.job, "captions.by_sentence", scene=str(scene.pk), reason=error.message)
            return ()


def judge(work: Work, story: Story, progress: Progress) -> None:
    """Have every text and picture judged, each once: verdicts are keyed by content."""
    judging.judge_story(story, progress)
    work.check()


def render(work: Work, story: Story, progress: Progress) -> None:
    """Render each variant that is stale."""
    stale = [variant for variant in story.variants.all() if not variants.is_fresh(story, variant)]
    # The video takes nearly all the time; cards come first so that something can be looked at.
    stale.sort(key=lambda variant: variant.kind == "video")
    weights = [1.0 if variant.kind == "card" else 20.0 for variant in stale]
    done = 0.0
    for variant, weight in zip(stale, weights, strict=True):
        start, end = done / sum(weights), (done + weight) / sum(weights)
        variants.render(work, story, variant, _part(progress, start, end))
        done += weight
    if stale or not story.findings:
        with work.effect():
            story.findings = variants.check(story)
            story.engines = {**story.engines, "renderer": choices.chosen("renderer", story.workspace)}
            story.save(update_fields=["findings", "engines"])


def _part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the work, told as progress of the whole."""
    return lambda share: progress(start + (end - start) * share)


def offer_pictures(work: Work) -> None:
    """Find (and draw one) more pictures for a scene, by the words in the job's subject."""
    story, subject = work.job.story, work.job.subject
    if "made" in subject:
        return  # by a worker that was lost just after
    scene = Scene.objects.filter(pk=subject.get("scene"), story=story).first()
    if story is None or scene is None:
        raise EngineError("This scene is gone.", next_step="Reload the page: somebody may have removed it.")
    words = str(subject.get("words") or scene.visual)
    work.begin("pictures")
    offers = visuals.choose_for_words(story.workspace, words)
    drawn = visuals.draw(work, story, scene, seed=visuals.next_seed(scene), words=words)
    with work.effect():
        visuals.keep_alternatives(scene, offers.with_drawn(drawn).offers, found_anew=True)
        subject["made"] = True
        work.job.save(update_fields=["subject"])
        jobs.note(work.job, "step.done", step="pictures", scene=str(scene.pk))


