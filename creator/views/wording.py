"""Other words on offer: what the studio's document says of them, its operations, and translating a story."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from creator.access import story_for
from creator.models import Job, Scene, Story
from creator.services import charges, choices, wording
from creator.services.refusals import told
from creator.templatetags.storyloom import engine_title
from creator.views.alternatives import cost_in_words
from creator.views.people import person_of
from generation import faithfulness
from generation.engines.writing import REWRITES
from media_processing.engine import EngineError

LABELS = {**REWRITES, "captions": "On screen", "alts": "Alternative text", wording.BEFORE: "Before"}


def offered(story: Story) -> dict[str, Any]:
    """What the writer can be asked, what is being asked, and the headlines on offer."""
    asked = [*wording.OF_A_SCENE, *wording.OF_A_STORY]
    refusals = {what: wording.can(story, what) for what in asked}
    return {
        "can": [what for what, refusal in refusals.items() if refusal is None],
        "cannot": told(next((f"{each.message} {each.next_step}" for each in refusals.values() if each), "")),
        "estimate": charges.in_words(wording.estimate(story, "shorter")),
        "asking": [
            {"what": job.subject.get("what", ""), "scene": job.subject.get("scene", "")}
            for job in story.jobs.filter(kind=wording.OFFER, state__in=Job.OPEN)
        ],
        "headlines": [{"text": text, "flags": flags_of(story, text)} for text in wording.headlines_of(story)],
        "flags": flags_of(story, story.title, "title"),
    }


def of_scene(story: Story, scene: Scene, *, room: float | None) -> dict[str, Any]:
    """The words beside a scene's own, each with what it changes; what in the narration and on screen the article
    doesn't hold; and where it takes longer than the `room` in seconds that the line of the original has."""
    seconds = wording.seconds_of(wording.line_of(scene), story.language)
    late = wording.is_late(seconds, room)
    return {
        "late": {"seconds": round(seconds, 1), "room": round(room or 0.0, 1)} if late else None,
        "words": [
            {
                "id": each.pk,
                "kind": wording.kind_of(each),
                "label": LABELS.get(wording.kind_of(each), ""),
                "field": wording.field_of(each),
                "text": each.text,
                "difference": wording.difference(getattr(scene, wording.field_of(each)), each.text),
                "by": by(each.explain[0].get("made_by", {}) if each.explain else {}),
                "flags": flags_of(story, each.text) if wording.field_of(each) != "alt" else [],
            }
            for each in wording.offers_of(scene)
        ],
        "flags": [*flags_of(story, scene.narration), *flags_of(story, scene.on_screen, "on_screen")],
    }


rooms = wording.rooms


def by(made_by: dict[str, Any]) -> str:
    """Who wrote something, with which model, and what that came to; "" where a person did."""
    name = str(made_by.get("engine", ""))
    said = (engine_title(name, "writer", short=True), made_by.get("model"), cost_in_words(made_by, "writer"))
    return " · ".join(str(part) for part in said if part) if name else ""


def flags_of(story: Story, text: str, where: str = "") -> list[dict[str, Any]]:
    """Names and numbers of a text that the article does not hold, each with the sentence of it that is most alike.

    `where` tells the page which text of several it is: "on_screen", "title".
    """
    brief = story.brief
    flags = faithfulness.check(
        text, source=brief.article, title=brief.title, language=story.language, source_language=brief.article_language
    )
    return [
        {"what": flag.what, "kind": flag.kind, "sentence": flag.sentence, "nearest": flag.nearest_text, "where": where}
        for flag in flags
    ]


def ask(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "ask_words"."""
    scene = said.get("scene", "")
    wording.ask(story, str(said["what"]), by=common["by"], scene_id=scene, words=str(said.get("words", ""))[:500])


def use(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "use_words"."""
    wording.use(story, said["scene"], int(said["words"]), **common)


def dismiss(story: Story, said: dict[str, Any], common: dict[str, Any]) -> None:
    """The operation "dismiss_words"."""
    wording.dismiss(story, said["scene"], int(said["words"]), by=common["by"])


def languages(story: Story) -> dict[str, Any]:
    """The languages that a story can be translated into, or why there are none; what that costs, and a new script."""
    refusal = wording.can(story, "translate")
    voice = choices.engine("voice", story.workspace)
    own = story.language.split("-")[0]
    return {
        "refusal": refusal,
        "languages": [(code, name) for code, name in choices.LANGUAGES.items() if code != own and voice.speaks(code)],
        "estimate": "" if refusal else charges.in_words(wording.estimate(story, "translate")),
        "script": charges.in_words(wording.estimate(story, "script")),
    }


@login_required
@require_POST
def translate(request: HttpRequest, story_id: UUID) -> HttpResponse:
    """Have a story translated, and go to the new one."""
    found = story_for(request.user, story_id, to="edit")
    try:
        made = wording.translate(found, request.POST.get("language", ""), by=person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
        return redirect("story", found.pk)
    return redirect("story", made.pk)
