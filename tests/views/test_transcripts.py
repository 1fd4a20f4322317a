"""The transcript of an asset: who sees it, what corrections do, what happens when two correct, and cuts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from creator import jobs
from creator.models import Event, Job
from creator.services import finding, library, transcripts
from creator.services.finding import Question
from media_processing import services as media
from media_processing.models import Asset, Transcript
from search.models import Moment
from tests.conftest import Cast
from tests.factories import picture
from tests.media_processing.makers import clip, tone


def words(*said: tuple[str, float, float]) -> dict[str, Any]:
    made = [{"text": text, "start": start, "end": end, "confidence": 0.9} for text, start, end in said]
    return {"text": " ".join(word["text"] for word in made), "start": said[0][1], "end": said[-1][2], "words": made}


def spoken(cast: Cast, path: Path) -> Asset:
    """A recording of 4 s in which a red car and then a blue boat are named."""
    asset, _ = media.store_asset(cast.workspace.pk, path, title="Talk", licence="CC0", tags=["talk"])
    Transcript.objects.create(
        asset=asset, made_by={"engine": "pocketsphinx"},
        passages=[
            words(("a", 0.2, 0.3), ("red", 0.4, 0.8), ("car", 0.9, 1.4)),
            words(("blue", 2.2, 2.8), ("goat", 2.9, 3.4)),
        ],
    )  # fmt: skip
    library.make_searchable(asset)
    return asset


@pytest.fixture
def talk(cast: Cast, tmp_path: Path) -> Asset:
    return spoken(cast, tone(tmp_path / "talk.wav", seconds=4))


def act(client: Client, asset: Asset, do: str = "correct", **said: Any) -> HttpResponse:
    there = Transcript.objects.filter(asset=asset).first()
    said = {"do": do, "version": transcripts.version_of(there) if there else "", **said}
    return client.post(f"/library/{asset.pk}/transcript/act/", json.dumps(said), content_type="application/json")


def test_the_page_holds_the_words_and_the_library_leads_there(author: Client, moderator: Client, talk: Asset) -> None:
    page = author.get(f"/library/{talk.pk}/transcript/").content.decode()
    assert "a red car" in page
    assert "Make the cut" in page
    assert f"/library/{talk.pk}/transcript/" in author.get(f"/library/{talk.pk}/").content.decode()
    page = moderator.get(f"/library/{talk.pk}/transcript/").content.decode()
    assert "a red car" in page
    assert "Make the cut" not in page
    assert act(moderator, talk, passage=0, word=0, text="b").status_code == 404


def test_without_a_transcript_it_says_how_to_get_one(author: Client, cast: Cast, tmp_path: Path) -> None:
    asset, _ = media.store_asset(cast.workspace.pk, tone(tmp_path / "tone.wav"))
    assert "Transcribe it" in author.get(f"/library/{asset.pk}/transcript/").content.decode()
    still = picture(cast.workspace, "red")
    assert "no sound" in author.get(f"/library/{still.pk}/transcript/").content.decode()
    assert act(author, asset, passage=0, text="x").json()["message"].startswith("Nothing is written down")


def test_a_corrected_word_says_who_did_it_and_is_found(author: Client, cast: Cast, talk: Asset) -> None:
    answer = act(author, talk, passage=1, word=1, text="boat")
    assert answer.status_code == 200
    passage = answer.json()["passage"]
    assert passage["text"] == "blue boat"
    assert passage["words"][1]["corrected"]["by"] == str(cast.alice)
    assert (passage["words"][1]["start"], passage["words"][1]["end"]) == (2.9, 3.4)
    assert [found.asset for found in finding.find(cast.workspace, Question("boat"))] == [talk]
    assert list(finding.find(cast.workspace, Question("goat"))) == []
    assert answer.json()["version"] == transcripts.version_of(Transcript.objects.get())


def test_a_word_is_split_and_taken_out(author: Client, talk: Asset) -> None:
    passage = act(author, talk, passage=0, word=2, text=" sports\tcar ").json()["passage"]
    assert [(word["text"], word["start"], word["end"]) for word in passage["words"][2:]] == [
        ("sports", 0.9, pytest.approx(1.233)), ("car", pytest.approx(1.233), 1.4),
    ]  # fmt: skip
    passage = act(author, talk, passage=0, word=0, text="").json()["passage"]
    assert (passage["text"], passage["start"]) == ("red sports car", 0.4)
    for _word in range(2):
        answer = act(author, talk, passage=1, word=0, text="")
    assert answer.json()["passage"] is None
    assert [each["text"] for each in Transcript.objects.get().passages] == ["red sports car"]


def test_times_are_nudged_but_not_past_the_neighbours(author: Client, talk: Asset) -> None:
    word = act(author, talk, passage=0, word=1, start=0.42).json()["passage"]["words"][1]
    assert (word["start"], word["end"], "corrected" in word) == (0.42, 0.8, True)
    word = act(author, talk, passage=0, word=1, start=-3, end=99).json()["passage"]["words"][1]
    assert (word["start"], word["end"]) == (0.3, 0.9)
    passage = act(author, talk, passage=1, word=1, end=99).json()["passage"]
    assert passage["end"] == pytest.approx(talk.seconds, abs=0.01)
    passage = act(author, talk, passage=1, word=0, start=0.1).json()["passage"]
    assert passage["start"] == 1.4


def test_the_slower_of_two_gets_what_stands_there_now(author: Client, colleague: Client, talk: Asset) -> None:
    before = transcripts.version_of(Transcript.objects.get())
    assert act(author, talk, passage=0, word=1, text="dread").status_code == 200
    answer = act(colleague, talk, passage=0, word=1, text="bred", version=before)
    assert answer.status_code == 409
    assert answer.json()["document"]["passages"][0]["text"] == "a dread car"
    assert answer.json()["document"]["version"] == transcripts.version_of(Transcript.objects.get())
    assert Transcript.objects.get().text == "a dread car blue goat"


def test_a_passage_without_word_times_is_corrected_as_a_whole(author: Client, talk: Asset) -> None:
    Transcript.objects.update(passages=[{"text": "a read car", "start": 0.0, "end": 2.0, "words": []}])
    passage = act(author, talk, passage=0, text="a red car").json()["passage"]
    assert (passage["text"], passage["corrected"]["by"] != "") == ("a red car", True)
    assert act(author, talk, passage=0, word=1, text="x").status_code == 422


@pytest.mark.parametrize(
    "said",
    [{"passage": "x"}, {"passage": 0, "word": []}, {"passage": 0, "word": 1, "start": "soon"}, {"do": "sing"}, {},
     {"passage": 10**400}, {"do": "cut"}, {"do": "cut", "leave_out": 7}],
)  # fmt: skip
def test_nonsense_is_refused(author: Client, talk: Asset, said: dict[str, Any]) -> None:
    assert act(author, talk, **said).status_code in (400, 422)
    assert Transcript.objects.get().text == "a red car blue goat"


@pytest.mark.parametrize(
    "said",
    [{"passage": 9, "word": 0, "text": "x"}, {"passage": -1, "word": 0, "text": "x"},
     {"passage": 0, "word": -1, "text": "x"}, {"passage": 0, "word": 1, "text": "x" * 201},
     {"passage": 0, "word": 1, "start": float("nan")}, {"passage": 0, "text": "x"},
     {"do": "cut", "leave_out": []}, {"do": "cut", "leave_out": [0, 7]}],
)  # fmt: skip
def test_what_cant_be_says_what_to_do(author: Client, talk: Asset, said: dict[str, Any]) -> None:
    answer = act(author, talk, **said)
    assert answer.status_code == 422
    assert answer.json()["next_step"]
    assert Transcript.objects.get().text == "a red car blue goat"


@pytest.mark.parametrize("kind", ["sound", "video"])
def test_cut_asset_makes_a_new_asset_with_its_words(author: Client, cast: Cast, tmp_path: Path, kind: str) -> None:
    made = tone(tmp_path / "talk.wav", seconds=4) if kind == "sound" else clip(tmp_path / "talk.mp4", seconds=4)
    talk = spoken(cast, made)
    answer = act(author, talk, "cut", leave_out=[0])
    assert answer.status_code == 200
    act(author, talk, passage=1, word=1, text="boat")  # comes too late for this cut
    jobs.work_off()
    assert Job.objects.get(pk=answer.json()["job"]).state == Job.State.DONE
    cut = Asset.objects.exclude(pk=talk.pk).get()
    assert Event.objects.get(kind="asset.cut").data["asset"] == str(cut.pk)
    assert cut.made_by["parents"] == [str(talk.pk)]
    assert (cut.kind, cut.licence, cut.tags, cut.title) == (talk.kind, "CC0", ["talk"], "Talk (cut)")
    assert cut.seconds == pytest.approx(4 - (1.65 - 0.1), abs=0.15)
    (passage,) = cut.transcript.passages
    assert (passage["text"], passage["start"]) == ("blue goat", pytest.approx(0.65, abs=0.1))
    assert Moment.objects.filter(asset=cut, text="blue goat").exists()
    assert Asset.objects.get(pk=talk.pk).digest == talk.digest


def test_transcribe_asset_asks_the_transcriber_again_but_keeps_corrections(author: Client, talk: Asset) -> None:
    assert act(author, talk, "transcribe").status_code == 200
    act(author, talk, passage=0, word=0, text="the")
    jobs.work_off()
    job = Job.objects.get(kind="transcribe_asset")
    assert (job.state, job.error.startswith("This transcript was corrected")) == (Job.State.FAILED, True)
    assert act(author, talk, "transcribe").status_code == 422
    Transcript.objects.all().delete()
    assert act(author, talk, "transcribe").status_code == 200
    jobs.work_off()
    assert Transcript.objects.get().made_by["engine"] == "pocketsphinx"
