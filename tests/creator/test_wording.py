"""Other words for a story: asked for, offered beside the old ones, taken or not; translations."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from creator import jobs
from creator.models import Alternative, Job, Story
from creator.services import making, wording
from generation.charges import money
from generation.models import Charge
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.factories import finished_story
from tests.generation.test_openai_writer import answer
from tests.openai_double import Double, Reply
from tests.views.test_studio import document, edit

pytestmark = pytest.mark.slow

LONG = "However, the harbour, which is old, got a new lighthouse (built of oak) on Friday, he said."


@pytest.fixture
def double(endpoint: Double, settings: Settings) -> Double:
    endpoint.begin(answer)
    options = {"base_url": endpoint.address, "model": "tiny", "max_retries": 0}
    writer = {"BACKEND": "generation.engines.openai.OpenAIWriter", "OPTIONS": options}
    settings.ENGINES = {
        **settings.ENGINES, "writer": {"openai": writer, "extractive": settings.ENGINES["writer"]["extractive"]},
    }  # fmt: skip
    return endpoint


@pytest.fixture
def story(cast: Cast) -> Story:
    made = finished_story(cast.workspace, cast.alice)
    scene = made.scenes.all()[0]
    scene.narration = LONG
    scene.save()
    return made


def shown(client: Client, story: Story) -> dict[str, Any]:
    story.refresh_from_db()
    return document(client, story)


def test_the_starter_makes_a_line_shorter_and_the_editor_takes_it(author: Client, story: Story) -> None:
    scene = story.scenes.all()[0]
    edit(author, story, do="ask_words", what="shorter", scene=scene.pk)
    assert shown(author, story)["wording"]["asking"] == [{"what": "shorter", "scene": str(scene.pk)}]
    jobs.work_off()
    doc = shown(author, story)
    (offer,) = doc["scenes"][0]["words"]
    assert offer["text"] == "The harbour, which is old, got a new lighthouse on Friday."
    assert "(built of oak) " in [text for verb, text in offer["difference"] if verb == "cut"]
    assert doc["scenes"][0]["narration"] == LONG, "nothing changes until somebody takes it"
    doc = edit(author, story, do="use_words", scene=scene.pk, words=offer["id"]).json()
    assert doc["scenes"][0]["narration"] == offer["text"]
    (before,) = doc["scenes"][0]["words"]
    assert (before["kind"], before["text"]) == ("before", LONG)
    story.refresh_from_db()
    doc = edit(author, story, do="use_words", scene=scene.pk, words=before["id"]).json()
    assert doc["scenes"][0]["narration"] == LONG


def test_keeping_ones_own_words_lets_the_offer_go(author: Client, story: Story) -> None:
    scene = story.scenes.all()[0]
    edit(author, story, do="ask_words", what="shorter", scene=scene.pk)
    jobs.work_off()
    (offer,) = shown(author, story)["scenes"][0]["words"]
    version = story.version
    doc = edit(author, story, do="dismiss_words", scene=scene.pk, words=offer["id"]).json()
    assert doc["scenes"][0]["words"] == []
    assert (doc["scenes"][0]["narration"], doc["version"]) == (LONG, version)


def test_what_the_starter_cannot_do_is_said_with_the_next_step(author: Client, story: Story) -> None:
    answer = edit(author, story, do="ask_words", what="simpler", scene=story.scenes.all()[0].pk)
    assert answer.status_code == 422
    assert "can't make a line simpler" in answer.json()["message"]
    assert "Connect a writer" in answer.json()["next_step"]
    doc = shown(author, story)
    assert "simpler" not in doc["wording"]["can"] and "shorter" in doc["wording"]["can"]
    assert doc["wording"]["estimate"] == ""


def test_a_line_that_nothing_can_be_cut_from_keeps_what_it_had(author: Client, story: Story) -> None:
    scene = story.scenes.all()[1]
    edit(author, story, do="ask_words", what="shorter", scene=scene.pk)
    jobs.work_off()
    doc = shown(author, story)
    assert "nothing in this line that can go" in doc["failed"]["error"] and doc["failed"]["next_step"]
    assert doc["scenes"][1]["narration"] == scene.narration
    assert doc["scenes"][1]["words"] == []


@pytest.mark.parametrize("what", ["simpler", "punchier", "own", "captions", "alts"])
def test_a_connected_writer_offers_every_kind(author: Client, story: Story, double: Double, what: str) -> None:
    scene = story.scenes.all()[0]
    edit(author, story, do="ask_words", what=what, scene=scene.pk, words="Name the price.")
    jobs.work_off()
    doc = shown(author, story)
    assert doc["failed"] is None
    offers = doc["scenes"][0]["words"]
    assert offers and all(offer["kind"] == what and offer["by"] for offer in offers)
    field = offers[0]["field"]
    doc = edit(author, story, do="use_words", scene=scene.pk, words=offers[0]["id"]).json()
    assert doc["scenes"][0][field] == offers[0]["text"]
    assert Charge.objects.get().subject == f"story:{story.pk}"


def test_an_offer_tells_who_wrote_it_and_what_it_cost(
    author: Client, story: Story, double: Double, settings: Settings
) -> None:
    own = settings.DATA / "prices.toml"
    own.write_text(
        'date = 2026-11-01\ncurrency = "USD"\n'
        '[[model]]\nprovider = "127.0.0.1"\nname = "tiny"\ninput = "1.00"\noutput = "10.00"\n'
    )
    settings.PRICES = str(own)
    edit(author, story, do="ask_words", what="captions", scene=story.scenes.all()[0].pk)
    jobs.work_off()
    offers = shown(author, story)["scenes"][0]["words"]
    charge = Charge.objects.get()
    assert len(offers) > 1 and charge.state == Charge.State.SETTLED
    each = money(charge.amount / len(offers))
    assert [offer["by"] for offer in offers] == [f"OpenAI-compatible writer · tiny · {each} USD"] * len(offers)


def test_a_sound_of_older_words_tells_nothing_of_how_long_a_line_takes(story: Story) -> None:
    scene = story.scenes.all()[1]
    assert scene.sound is not None
    scene.sound.seconds = 2.0
    assert wording.line_of(scene).seconds == 2.0
    scene.narration = "Something that nobody has spoken."
    assert wording.line_of(scene).seconds == 0.0


def test_what_an_offer_says_beyond_the_article_is_flagged(author: Client, story: Story, double: Double) -> None:
    scene = story.scenes.all()[0]
    edit(author, story, do="ask_words", what="punchier", scene=scene.pk)
    jobs.work_off()
    (offer,) = shown(author, story)["scenes"][0]["words"]
    assert [flag["what"] for flag in offer["flags"]] == ["31 million"]


def test_flags_stand_at_the_scene_with_the_articles_sentence(author: Client, story: Story) -> None:
    scene = story.scenes.all()[1]
    edit(author, story, do="edit_scene", scene=scene.pk, narration="Fishers had asked for 7 of them in Bergen.")
    flags = shown(author, story)["scenes"][1]["flags"]
    assert {flag["what"] for flag in flags} == {"7", "Bergen"}
    assert flags[0]["nearest"] == "Fishers had asked for it."


def test_headline_summary_and_the_words_on_screen_are_compared_too(author: Client, story: Story) -> None:
    scene = story.scenes.all()[1]
    edit(author, story, do="edit_scene", scene=scene.pk, narration="Fishers asked.", on_screen="9,500 fishers asked")
    edit(author, story, do="edit_story", title="Bergen gets a lighthouse", summary="It cost 12 million.")
    doc = shown(author, story)
    (flag,) = doc["scenes"][1]["flags"]
    assert (flag["what"], flag["where"], flag["nearest"]) == ("9,500", "on_screen", "Fishers had asked for it.")
    page = author.get(f"/stories/{story.pk}/drafts/").content.decode()
    assert page.count("Not in the article:") == 1 and "<strong>12 million</strong>" in page
    edit(author, story, do="edit_story", title="A lighthouse for Bergen")
    assert [(flag["what"], flag["where"]) for flag in shown(author, story)["wording"]["flags"]] == [("Bergen", "title")]


def test_headlines_are_offered_and_one_is_taken(author: Client, story: Story) -> None:
    assert edit(author, story, do="ask_words", what="headlines").status_code == 200
    jobs.work_off()
    offered = [each["text"] for each in shown(author, story)["wording"]["headlines"]]
    assert offered and story.title not in offered
    doc = edit(author, story, do="edit_story", title=offered[0]).json()
    assert doc["title"] == offered[0]
    assert offered[0] not in [each["text"] for each in doc["wording"]["headlines"]]


def test_a_second_click_asks_once(author: Client, story: Story) -> None:
    for _click in range(2):
        edit(author, story, do="ask_words", what="shorter", scene=story.scenes.all()[0].pk)
    assert story.jobs.filter(kind="offer_words").count() == 1


def test_only_the_newest_offers_stay(story: Story, cast: Cast) -> None:
    scene = story.scenes.all()[0]
    for number in range(7):
        wording._keep_beside(scene, "shorter", [f"Line {number}."], {"engine": "extractive"})
    assert [each.text for each in wording.offers_of(scene)] == [f"Line {number}." for number in (3, 4, 5, 6)]
    with pytest.raises(EngineError, match="no other words"):
        wording._new(scene, "shorter", ["Line 6.", LONG])


@pytest.mark.parametrize("what", ["", "everything", "translate", "drafts"])
def test_nonsense_is_refused(author: Client, story: Story, what: str) -> None:
    answer = edit(author, story, do="ask_words", what=what, scene=story.scenes.all()[0].pk)
    assert answer.status_code == 422


def test_words_of_another_scene_are_not_taken(author: Client, story: Story, cast: Cast) -> None:
    foreign = finished_story(cast.other, cast.charlie).scenes.all()[0]
    offer = Alternative.objects.create(scene=foreign, part="words", text="Theirs.")
    answer = edit(author, story, do="use_words", scene=story.scenes.all()[0].pk, words=offer.pk)
    assert answer.status_code == 422 and "no longer offered" in answer.json()["message"]
    assert edit(author, story, do="dismiss_words", scene=foreign.pk, words=offer.pk).status_code == 422
    assert Alternative.objects.filter(pk=offer.pk).exists()


# Translations --------------------------------------------------------------------------------------------------------


def test_a_story_is_translated_into_a_story_of_its_own(author: Client, story: Story, double: Double) -> None:
    answer = author.post(f"/stories/{story.pk}/translate/", {"language": "de"})
    made = Story.objects.exclude(pk=story.pk).get()
    assert answer.headers["Location"] == f"/stories/{made.pk}/"
    job = jobs.claim(made.jobs.get().pk)
    assert job is not None
    making.write(jobs.Work(job), made, lambda _share: None)
    made.refresh_from_db()
    assert (made.language, made.title) == ("de", "Eine Fähre ohne Diesel")
    assert [variant.language for variant in made.variants.all()] == ["de", "de"]
    for old, new in zip(story.scenes.all(), made.scenes.all(), strict=True):
        assert (new.asset_id, new.start, new.sources) == (old.asset_id, old.start, old.sources)
        assert new.narration == "Sie fährt." or new.narration == "Sie fährt ohne Diesel."
    assert wording.translated_from(made) == story
    assert Charge.objects.get().verb == "translate"
    story.refresh_from_db()
    assert story.scenes.all()[0].narration == LONG, "the source stays as it was"


def test_a_translated_line_that_takes_longer_than_its_original_says_so_until_it_is_shorter(
    author: Client, story: Story, double: Double
) -> None:
    story.scenes.update(sound=None)  # the times of lines that nobody spoke yet go by their words
    author.post(f"/stories/{story.pk}/translate/", {"language": "de"})
    made = Story.objects.exclude(pk=story.pk).get()
    job = jobs.claim(made.jobs.get().pk)
    assert job is not None
    making.write(jobs.Work(job), made, lambda _share: None)
    Story.objects.filter(pk=made.pk).update(state=Story.State.DRAFT)
    scene = made.scenes.all()[0]
    room = wording.rooms(made)[str(scene.pk)]

    def late(narration: str) -> Any:
        made.refresh_from_db()
        assert edit(author, made, do="edit_scene", scene=scene.pk, narration=narration).status_code == 200
        return shown(author, made)["scenes"][0]["late"]

    long = late("Das Schiff fährt weiter. " * 20)
    assert long["room"] == round(room, 1) and long["seconds"] > wording.SLACK * room
    assert late("Ja.") is None
    assert [each["late"] for each in shown(author, story)["scenes"]] == [None] * story.scenes.count()


@pytest.mark.parametrize(
    ("language", "words"), [("en", "already"), ("xx", "can&#x27;t be in"), ("", "can&#x27;t be in")]
)
def test_a_language_that_makes_no_sense_is_refused(
    author: Client, story: Story, double: Double, language: str, words: str
) -> None:
    answer = author.post(f"/stories/{story.pk}/translate/", {"language": language}, follow=True)
    assert words in answer.content.decode()
    assert Story.objects.count() == 1


def test_without_a_writer_that_can_the_page_says_how_to_get_one(author: Client, story: Story) -> None:
    page = author.get(f"/stories/{story.pk}/").content.decode()
    assert "Extractive writer can&#x27;t translate." in page and "Connect a writer" in page
    author.post(f"/stories/{story.pk}/translate/", {"language": "de"})
    assert Story.objects.count() == 1


def test_a_writer_that_fails_leaves_the_new_story_with_a_way_on(author: Client, story: Story, double: Double) -> None:
    double.replies[:] = [Reply(status=401)]
    author.post(f"/stories/{story.pk}/translate/", {"language": "de"})
    jobs.work_off()
    made = Story.objects.exclude(pk=story.pk).get()
    assert made.state == Story.State.FAILED
    job = made.jobs.get()
    assert job.state == Job.State.FAILED and "OPENAI_API_KEY" in job.next_step
    story.refresh_from_db()
    assert story.state == Story.State.DRAFT


def test_a_difference_is_told_word_by_word() -> None:
    told = wording.difference("The ship cost 31 million euros.", "The ferry cost 31 million.")
    assert "".join(text for verb, text in told if verb != "new") == "The ship cost 31 million euros."
    assert "".join(text for verb, text in told if verb != "cut") == "The ferry cost 31 million."
    assert ("cut", "ship") in told and ("new", "ferry") in told


def lost_just_after(job: Job) -> None:
    """Its worker was killed between its effect and its end: another takes it up."""
    Job.objects.filter(pk=job.pk).update(state=Job.State.WAITING, lease_until=None, token=F("token") + 1)


@pytest.mark.parametrize("kind", ["find_pictures", "offer_words"])
def test_a_worker_that_is_lost_just_after_doubles_nothing(double: Double, story: Story, kind: str) -> None:
    scene = story.scenes.all()[0]
    said = {"words": "a red boat"} if kind == "find_pictures" else {"what": "shorter"}
    job = jobs.submit(kind, workspace=story.workspace, story=story, scene=str(scene.pk), **said)
    assert jobs.work_off() == 1
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    before, asked = scene.alternatives.count(), len(double.requests)
    assert before
    lost_just_after(job)
    assert jobs.work_off() == 1
    job.refresh_from_db()
    assert (job.state, scene.alternatives.count(), len(double.requests)) == (Job.State.DONE, before, asked)
