"""A story as the studio's script reads it: one JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from creator.access import may
from creator.models import Job, Scene, Story, User, Variant
from creator.services import charges, choices, composing, framing, history, presence, terms, variants
from creator.services.refusals import told
from creator.services.stories import MAKE
from creator.services.voices import is_spoken
from creator.templatetags.storyloom import (
    engine_title,
    format_icon,
    format_title,
    is_built_in,
    job_title,
    role_title,
    step_title,
)
from creator.views import alternatives, recording, wording
from creator.views.alternatives import picture
from generation.sentences import sentences
from media_processing import cards
from media_processing.burning import on_screen
from media_processing.captions import TimedWord, room_of, scene_cues
from media_processing.timeline import FORMATS, Timeline

WORDS_A_SECOND = 2.6
"""For the length of a narration that isn't spoken yet."""
LEAD_AND_TAIL = 0.5

State = Story.State
SHOWN_ENGINES = ("writer", "painter", "embedder", "voice", "renderer")


def document(story: Story, user: User | AnonymousUser) -> dict[str, Any]:
    """All that the studio shows."""
    scenes = list(
        story.scenes.select_related("asset", "sound")
        .prefetch_related("alternatives__asset", "alternatives__sound")
        .order_by("position")
    )
    article = sentences(story.brief.article, story.brief.article_language)
    spoken = {str(scene.pk) for scene in scenes if is_spoken(story, scene)}
    rooms = wording.rooms(story)
    ranked = terms.ranked_variants(story)
    ranks = {each.variant.pk: {**_ranked(each), "of": len(ranked)} for each in ranked}
    made = [
        {**_variant(story, variant, spoken), "ranked": ranks.get(variant.pk)}
        for variant in story.variants.select_related("rendition")
    ]
    job = story.jobs.filter(state__in=Job.OPEN, kind=MAKE).order_by("id").first()
    rights = {right: may(user, right) for right in ("edit", "review", "publish")}
    return {
        "id": str(story.pk),
        "title": story.title,
        "summary": story.summary,
        "hashtags": story.hashtags,
        "language": story.language,
        "music": story.music,
        "style": story.style,
        "voice": story.voice,
        "caption_style": story.caption_style,
        "layout": story.layout,
        "brand": str(story.brand_id or ""),
        "poll": "\n".join(story.poll),
        "cards": _cards(story),
        "caption_motion": variants.caption_motion(story),
        "state": story.state,
        "state_label": story.get_state_display(),
        "version": story.version,
        "scenes": [
            {
                **_scene(scene, article, spoken=str(scene.pk) in spoken),
                **alternatives.of_scene(story, scene, spoken=str(scene.pk) in spoken),
                **recording.of_scene(story, scene, spoken=str(scene.pk) in spoken),
                **wording.of_scene(story, scene, room=rooms.get(str(scene.pk))),
            }
            for scene in scenes
        ],
        "pictures": alternatives.offered(story),
        "recordings": recording.offered(story),
        "wording": wording.offered(story),
        "costs": _costs(story, scenes, spoken),
        "variants": made,
        "findings": variants.findings(story),
        "engines": _engines(story),
        "job": _job(job) if job else None,
        "failed": _failure(story) if not job else None,
        "may": rights,
        "history": _history(story, user),
        "others": presence.others(story, user) if isinstance(user, User) else [],
        "assignee": str(story.assignee or ""),
        "open_comments": story.comments.filter(thread=None, resolved=None).count(),
        "next": next_act(story, made, job=job, rights=rights, scenes=bool(scenes)),
    }


def _costs(story: Story, scenes: list[Scene], spoken: set[str]) -> dict[str, str]:
    """What each step will cost if it is made again, in words; pictures as if the library had none that fit."""

    def cost(said: Iterable[Scene], shown: Iterable[Scene]) -> str:
        characters = sum(len(scene.narration) for scene in said)
        return charges.of_a_render(story.workspace, characters=characters, pictures=len(list(shown)))

    stale = [scene for scene in scenes if str(scene.pk) not in spoken and not scene.is_recorded]
    bare = [scene for scene in scenes if scene.asset is None]
    return {
        "renditions": cost(stale, bare),
        "narration": cost((scene for scene in scenes if not scene.is_recorded), bare),
        "visuals": cost(stale, (scene for scene in scenes if scene.asset is None or not scene.chosen_by_hand)),
    }


def _history(story: Story, user: User | AnonymousUser) -> dict[str, str]:
    """What the person's next undo and redo would change, in words; empty for none."""
    if not isinstance(user, User):
        return {"undo": "", "redo": ""}
    steps = {"undo": history.undoable(story, user), "redo": history.redoable(story, user)}
    return {verb: history.in_words(step) if step else "" for verb, step in steps.items()}


def _cards(story: Story) -> dict[str, Any]:
    """The layouts that there are, what each lacks, and which the program would choose, with its reason."""
    card = composing.card_of(story, "")
    chosen, why = cards.fitting(card)
    return {
        "layouts": [{"name": each.name, "title": each.title, "lacks": each.why} for each in composing.offers(card)],
        "chosen": chosen,
        "why": why,
        "pages": composing.page_count(replace(card, layout=story.layout or chosen)),
        "preview": reverse("story-card", args=[story.pk, "FORMAT", "webp"]),
    }


def next_act(
    story: Story, made: list[dict[str, Any]], *, job: Job | None, rights: dict[str, bool], scenes: bool
) -> str:
    """The one primary action of the page: wait, retry, render, review, in_review, publish, live or look."""
    if story.state == State.MAKING and job:
        return "wait"
    if not scenes or story.state == State.MAKING:
        return "retry" if rights["edit"] else "look"
    if story.state == State.IN_REVIEW:
        return "in_review"
    if story.state == State.APPROVED:
        return "publish" if rights["publish"] else "look"
    if story.state == State.PUBLISHED:
        return "live"
    if not rights["edit"]:
        return "look"
    return "review" if made and all(variant["fresh"] for variant in made) else "render"


def _voice(scene: Scene) -> str:
    """Who speaks a narration, for people."""
    made_by = scene.sound.made_by if scene.sound else {}
    if made_by.get("cloned"):
        return f"the voice of {made_by.get('speaker', 'somebody')}, cloned with consent no. {made_by.get('consent')}"
    return str(made_by.get("title") if "recorded" in made_by else made_by.get("voice", ""))


def _scene(scene: Scene, article: list[str], *, spoken: bool) -> dict[str, Any]:
    if spoken and scene.sound:
        seconds = scene.sound.seconds + LEAD_AND_TAIL
    else:
        seconds = max(1.5, len(scene.narration.split()) / WORDS_A_SECOND + LEAD_AND_TAIL)
    return {
        "id": str(scene.pk),
        "position": scene.position,
        "narration": scene.narration,
        "on_screen": scene.on_screen,
        "visual": scene.visual,
        "alt": scene.alt,
        "motion": scene.motion,
        "transition": scene.transition,
        "effect": scene.effect,
        "focus": scene.focus,
        "end": scene.end,
        "seconds": round(seconds, 2),
        "exact": spoken,
        "sound": reverse("rendition", args=[scene.sound_id]) if spoken else "",
        "timing": scene.timing if spoken else "",
        "voice": _voice(scene) if spoken else "",
        "sources": [{"number": each + 1, "text": article[each]} for each in scene.sources if each < len(article)],
        "picture": picture(scene.asset, scene.start) if scene.asset else None,
        "by_hand": scene.chosen_by_hand,
    }


def _variant(story: Story, variant: Variant, spoken: set[str]) -> dict[str, Any]:
    made = variant.rendition
    line = variants.timeline(story, variant) if variant.kind == "video" else None
    width, height = FORMATS.get(variant.format, (1080, 1920))
    return {
        "id": variant.pk,
        "format": variant.format,
        "label": format_title(variant.format),
        "icon": format_icon(variant.format),
        "kind": variant.kind,
        "width": width,
        "height": height,
        "language": variant.language,
        "fresh": bool(made) and variants.is_fresh(story, variant),
        "url": reverse("rendition", args=[made.pk]) if made else "",
        "seconds": made.seconds if made else 0,
        "size": made.size if made else 0,
        "captions": reverse("rendition", args=[variant.captions_vtt_id]) if variant.captions_vtt_id else "",
        "subtitles": reverse("rendition", args=[variant.captions_srt_id]) if variant.captions_srt_id else "",
        "cues": _cues(line, spoken) if line else {},
        "room": _room(line) if line else {},
        "framed": framing.middles(line) if line else {},
        "framing": framing.by(),
    }


def _ranked(one: terms.RankedVariant) -> dict[str, Any]:
    """Where a variant stands, and why: as alternatives say it."""
    return {
        "rank": one.rank, "rank_by_score": one.by_score, "score": one.score,
        "explain": [signal._asdict() for signal in one.explain],
    }  # fmt: skip


def _room(line: Timeline) -> dict[str, float]:
    """What captions stay inside of, as shares of the frame's sides."""
    left, top, _right, bottom = room_of(line)
    return {"side": left / line.width, "top": top / line.height, "bottom": 1 - bottom / line.height}


def _cues(line: Timeline, spoken: set[str]) -> dict[str, list[dict[str, Any]]]:
    """The captions of each spoken scene, broken into lines exactly as the render breaks them."""

    def timed(word: TimedWord) -> list[Any]:
        return [word.text, round(word.start, 3), round(word.end, 3)]

    return {
        scene.id: [
            {
                "start": round(cue.start, 3),
                "end": round(cue.end, 3),
                "exact": cue.timing == "word",
                "lines": [[timed(word) for word in words] for words in cue.lines],
            }
            for cue in on_screen(scene_cues(scene, line), line)
        ]
        for scene in line.scenes
        if scene.id in spoken
    }


def _engines(story: Story) -> list[dict[str, Any]]:
    """Who made what; before that, who will."""
    used = [(role, story.engines.get(role) or choices.chosen(role, story.workspace)) for role in SHOWN_ENGINES]
    return [
        {
            "role": role,
            "label": role_title(role),
            "title": engine_title(name, role, short=True),
            "built_in": is_built_in(name, role),
        }
        for role, name in used
    ]


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.pk,
        "title": job_title(job),
        "state": job.state,
        "step": job.step,
        "step_label": step_title(job.step) or "Waiting for a worker",
        "progress": job.progress,
    }


def _failure(story: Story) -> dict[str, Any] | None:
    """The newest job's failure, where nothing has succeeded since."""
    job = story.jobs.exclude(state=Job.State.CANCELLED).order_by("-id").first()
    if job is None or job.state not in (Job.State.FAILED, Job.State.PARKED):
        return None
    return {
        "id": job.pk, "title": job_title(job), "error": told(job.error), "next_step": told(job.next_step),
        "built_in": job.subject.get("stopped", {}).get("role", ""),
    }  # fmt: skip
