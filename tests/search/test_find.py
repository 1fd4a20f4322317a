"""Finding: what is shown and what is written together, within filters, explained; and never somebody else's."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from media_processing.engine import EngineError
from media_processing.models import Asset, Transcript
from search import finding, services, spaces
from search.models import Embedding, KeptApart, Moment
from search.services import Query, QueryError, describe, embedding_of, index_asset, mend, rebuild, unindex_asset
from tests.fakes import FakeEmbedder, picture_of
from tests.search.conftest import Library, Part

WORDS = ("boat", "tractor", "lighthouse", "cat", "dog", "train", "bridge", "apple", "castle", "rocket")


@pytest.fixture
def full(library: Library) -> Library:
    """Ten pictures that nothing is written of."""
    for word in WORDS:
        library.put(word, title="")
    return library


def shown(library: Library, words: str, **options: Any) -> str:
    """What the best result shows."""
    best = library.find(words, **options).found[0]
    vector = np.frombuffer(bytes(Embedding.objects.get(moment=best.moment_id).vector), "<f2").astype(np.float32)
    return max(WORDS, key=lambda word: float(library.embedder.embed_texts([word])[0] @ vector))


# In turn --------------------------------------------------------------------------------------------------------------
def test_nobody_waits_for_a_turn_while_the_embedder_works(full: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Turns:
        def __enter__(self) -> None:
            seen.append("turn")

        def __exit__(self, *_: object) -> None:
            seen.append("done")

    def embedding(texts: Any, embed: Any = full.embedder.embed_texts) -> Any:
        seen.extend(texts)
        return embed(texts)

    full.find("boat")  # what ordinary words look like is known from now on
    monkeypatch.setattr(finding, "TURNS", Turns())
    monkeypatch.setattr(full.embedder, "embed_texts", embedding)
    full.find("train -dog", relevant_only=True)
    assert seen == ["train", "dog", "turn", "done"]


# What is found ------------------------------------------------------------------------------------------------------
def test_a_picture_is_found_by_what_it_shows(full: Library) -> None:
    assert all(shown(full, word) == word for word in WORDS)


def test_both_signals_together_come_first(library: Library) -> None:
    library.put("boat", title="Untitled")
    library.put("tractor", title="boat")
    library.put("boat", title="Boat")
    found = library.find("boat")
    assert library.titles("boat")[0] == "Boat"
    assert {signal.name for signal in found.found[0].explain} == {"picture", "words"}


def test_reasons_sum_to_the_score_and_the_order_is_fixed(full: Library) -> None:
    full.put("boat train", title="a boat beside a train")
    first = full.find("boat train")
    assert first == full.find("boat train")
    for one in first:
        assert sum(signal.contribution for signal in one.explain) == pytest.approx(one.score, abs=1e-6)


def test_more_like_a_picture(full: Library) -> None:
    assert shown(full, "", like=picture_of("castle")) == "castle"


def test_more_like_a_moment_leaves_itself_out(full: Library) -> None:
    full.put("boat sea", title="twin")
    own = full.find("boat", filters={"kind": ["image"]}).found[0]
    found = full.find(like_moment=own.moment_id)
    assert own.asset_id not in [one.asset_id for one in found]
    assert full.titles(like_moment=own.moment_id)[0] in ("twin", "")


def test_like_this_but_with_words(full: Library) -> None:
    both = full.put("castle rocket", title="both")
    found = full.find("rocket", like=picture_of("castle"))
    assert found.found[0].asset_id == both.pk
    assert {signal.name for signal in found.found[0].explain} >= {"picture", "likeness"}


def test_a_video_opens_at_the_shot_that_matched(library: Library) -> None:
    parts = [Part(0, 3, 1), Part(3, 7, 5), Part(7, 9, 8)]
    video = library.put("cat | boat | dog", parts, kind="video", title="clip")
    found = library.find("boat")
    assert [(one.asset_id, one.start) for one in found] == [(video.pk, 3.0)]
    assert len(library.find("boat", every_moment=True)) == 3


def test_speech_is_found_where_it_is_said(library: Library) -> None:
    asset = library.asset(kind="audio", title="talk")
    Transcript.objects.create(
        asset=asset,
        passages=[{"text": "about harbours", "start": 0, "end": 4}, {"text": "about windmills", "start": 4, "end": 9}],
    )
    library.index_again(asset, " | ", [Part(0, 4), Part(4, 9)])
    found = library.find("windmills")
    assert [(one.start, one.by_words_only) for one in found] == [(4.0, True)]


def test_look_alikes_wait(library: Library) -> None:
    for number in range(3):
        library.put("boat", title=f"copy {number}")
    library.put("boat sunset", title="another")
    assert library.titles("boat")[1] == "another"
    assert library.titles("boat", diversify=False)[3] == "another"


def test_what_does_not_fit_can_be_cut_off(full: Library) -> None:
    assert len(full.find("boat")) == 10
    assert len(full.find("boat", relevant_only=True)) == 1
    assert len(full.find("submarine", relevant_only=True)) == 0


def test_a_line_of_text_is_not_a_query(library: Library) -> None:
    library.put("boat", title="boat")
    line = 'He said "we shall never see a boat" -again'
    assert library.titles(line) == []
    assert library.titles(line, literal=True) == ["boat"]


# Another domain, another language -----------------------------------------------------------------------------------
def test_another_domain_is_found_by_words_only(full: Library) -> None:
    photo = full.put("boat", title="A boat, photographed", domain="photographs")
    first, second, *rest = full.find("photographed boat")
    assert [one.asset_id for one in (first, second) if one.by_words_only] == [photo.pk]
    assert not any(one.by_words_only for one in rest)
    assert not Embedding.objects.filter(moment__asset=photo).exists()


@pytest.mark.parametrize(
    ("words", "options"), [("नाव", {}), ("Boot", {"language": "de"}), ("zzyzx", {}), ("корабль", {})]
)
def test_words_that_the_model_cannot_know_are_searched_as_words(
    full: Library, words: str, options: dict[str, str]
) -> None:
    full.put("boat", title=words)
    found = full.find(words, **options)
    assert len(found) == 1
    assert "words only" in found.notes[0]
    assert found.model == ""


def test_an_embedder_that_cannot_work_leaves_word_search(library: Library) -> None:
    library.embedder.trouble = [EngineError("The search model's files are missing.")]
    library.put("boat", title="boat")
    found = library.find("boat")
    assert len(found) == 1
    assert "files are missing" in found.notes[0]
    with pytest.raises(EngineError):
        library.find(like=picture_of("boat"))


def test_more_like_a_picture_that_no_model_has_seen(library: Library) -> None:
    photo = library.put("boat", title="harbour", domain="photographs")
    library.put("boat", title="harbour at night")
    moment = photo.moments.get()
    assert library.titles(like_moment=moment.pk) == ["harbour at night"]


# Filters ------------------------------------------------------------------------------------------------------------
def test_filters(library: Library) -> None:
    library.put("boat", title="tall", width=100, height=200, licence="CC0", tags=["sea"])
    library.put("boat", title="wide", width=200, height=100, licence="CC-BY")
    library.put("boat", [Part(0, 2)], title="film", kind="video")
    for chosen, titles in [
        ({"orientation": ["portrait"]}, {"tall"}), ({"orientation": ["landscape"]}, {"wide"}),
        ({"orientation": ["square"]}, {"film"}), ({"licence": ["cc0"]}, {"tall"}), ({"tag": ["sea"]}, {"tall"}),
        ({"kind": ["video"]}, {"film"}), ({"kind": ["image", "video"]}, {"tall", "wide", "film"}),
        ({"kind": ["video"], "tag": ["sea"]}, set()),
    ]:  # fmt: skip
        options: dict[str, Any] = {"filters": chosen}
        assert set(library.titles("boat", **options)) == titles
        assert set(library.titles(**options)) == titles


def test_naming_assets_and_leaving_assets_out(full: Library) -> None:
    boat = full.find("boat").found[0].asset_id
    assert [one.asset_id for one in full.find("rocket", asset_ids=[str(boat)])] == [boat]
    assert boat not in [one.asset_id for one in full.find("boat", exclude_assets=[boat])]
    assert len(full.find("boat", exclude_assets=[boat])) == 9


def test_unwanted_words_count_for_pictures_too(library: Library) -> None:
    library.put("boat", title="red boat")
    library.put("boat", title="blue boat")
    assert library.titles("boat -red") == ["blue boat"]
    assert library.titles('boat "red boat"') == ["red boat"]


def test_archived_assets_are_not_found(full: Library) -> None:
    boat = full.find("boat").found[0].asset_id
    Asset.objects.filter(pk=boat).update(archived=timezone.now())
    assert boat not in [one.asset_id for one in full.find("boat")]
    assert len(full.find("boat")) == 9


def test_slots_are_filled_though_the_best_were_archived(library: Library) -> None:
    for number in range(260):
        library.put("boat", title="old" if number < 250 else "new")
    Asset.objects.filter(title="old").update(archived=timezone.now())
    assert library.titles("boat", limit=20) == ["new"] * 10


# Workspaces ---------------------------------------------------------------------------------------------------------
def test_another_workspace_is_never_searched(library: Library, other: Library) -> None:
    mine = library.put("boat", title="boat")
    theirs = other.put("boat", title="boat")
    assert [one.asset_id for one in library.find("boat")] == [mine.pk]
    assert [one.asset_id for one in other.find("boat")] == [theirs.pk]
    assert [one.asset_id for one in library.find("boat", asset_ids=[theirs.pk])] == []
    assert [one.asset_id for one in library.find(like=picture_of("boat"))] == [mine.pk]
    with pytest.raises(QueryError):
        library.find(like_moment=theirs.moments.get().pk)


def test_an_index_that_holds_a_strange_number_shows_nothing_of_it(library: Library, other: Library) -> None:
    theirs = other.put("boat", title="boat")
    library.put("cat", title="cat")
    space = spaces.Space(library.workspace.pk, library.embedder.card.digest)
    library.index.add(space.name, [theirs.moments.get().pk], library.embedder.embed_texts(["boat"]))
    assert library.titles("boat") == ["cat"]


# Bad queries --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options",
    [
        {}, {"words": "   "}, {"words": "\x00"}, {"words": "boat", "limit": 0}, {"words": "boat", "limit": -5},
        {"words": "boat", "limit": 10**9}, {"words": "boat", "limit": True}, {"words": "x" * 50_000},
        {"words": "boat", "filters": {"kind": ["book"]}}, {"filters": {"orientation": ["round"]}},
        {"words": "boat", "asset_ids": ["nonsense"]}, {"like_moment": 10**12}, {"exclude_assets": ["'"], "words": "x"},
    ],
)  # fmt: skip
def test_senseless_queries_are_refused_with_a_sentence(full: Library, options: dict[str, Any]) -> None:
    with pytest.raises(QueryError) as refusal:
        full.find(**options)
    assert refusal.value.message.endswith(".")
    assert refusal.value.permanent


@pytest.mark.parametrize("words", ["'", "-", "-boat", '"boat', "*", "boat -boat", "😀", "the"])
def test_odd_words_are_only_words(full: Library, words: str) -> None:
    assert len(full.find(words)) <= 10


def test_odd_pictures_are_taken(full: Library) -> None:
    for mode in ("L", "RGBA", "P", "1", "CMYK", "I;16"):
        assert len(full.find(like=Image.new(mode, (1, 900)))) == 10


# Rows and index -----------------------------------------------------------------------------------------------------
def test_indexing_again_changes_nothing(library: Library) -> None:
    asset = library.put("boat", title="boat")
    before = list(Moment.objects.values_list("id", flat=True)), list(Embedding.objects.values_list("id", flat=True))
    library.index_again(asset, "boat")
    after = list(Moment.objects.values_list("id", flat=True)), list(Embedding.objects.values_list("id", flat=True))
    assert before == after
    assert len(library.find("boat", every_moment=True)) == 1


def test_new_shots_replace_the_old(library: Library) -> None:
    video = library.put("cat | boat", [Part(0, 3), Part(3, 6)], kind="video", title="clip")
    library.index_again(video, "cat | dog", [Part(0, 3), Part(3, 7)])
    assert list(video.moments.values_list("start", "end")) == [(0, 3), (3, 7)]
    assert [one.start for one in library.find("boat", every_moment=True, diversify=False)] in ([0.0, 3.0], [3.0, 0.0])
    assert library.index.count(spaces.Space(library.workspace.pk, "fake-1").name) == 2


def test_nothing_is_written_where_the_embedder_fails(library: Library) -> None:
    class Failing(FakeEmbedder):
        def _embed_pictures(self, pictures: list[Image.Image]) -> Any:
            raise EngineError("Out of memory.")

    asset = library.asset(title="boat")
    with pytest.raises(EngineError):
        index_asset(asset, [Part()], [picture_of("boat")], embedder=Failing(), index=library.index)
    assert not Moment.objects.exists()


def test_parts_and_pictures_must_be_as_many(library: Library) -> None:
    with pytest.raises(ValueError):
        index_asset(library.asset(), [Part()], [], embedder=library.embedder)


def test_unindexed_assets_are_gone(full: Library) -> None:
    boat = Asset.objects.get(pk=full.find("boat").found[0].asset_id)
    with full.committed(execute=True):
        assert unindex_asset(boat, index=full.index) == 1
    assert len(full.find("boat")) == 9
    assert full.index.count(spaces.Space(full.workspace.pk, "fake-1").name) == 9


def test_deleted_assets_are_gone_without_a_word_to_the_index(full: Library) -> None:
    Asset.objects.get(pk=full.find("boat").found[0].asset_id).delete()
    assert len(full.find("boat")) == 9


def test_what_a_killed_worker_left_out_of_the_index_is_found(full: Library) -> None:
    asset = full.asset(title="late")
    index_asset(asset, [Part()], [picture_of("submarine")], embedder=full.embedder, index=full.index)
    assert full.titles("submarine")[0] == "late"  # its commit hook never ran


def test_mending_brings_both_directions_in_step(full: Library) -> None:
    space = spaces.Space(full.workspace.pk, "fake-1")
    first, second = full.index.ids(space.name)[:2].tolist()
    full.index.delete(space.name, [first])
    full.index.add(space.name, [10**6], full.embedder.embed_texts(["x"]))
    assert mend(index=full.index) == (1, 1)
    assert mend(index=full.index) == (0, 0)
    assert {first, second} <= set(full.index.ids(space.name).tolist())


def test_a_lost_index_is_made_anew(full: Library, tmp_path: Path) -> None:
    full.find("boat")
    shutil.rmtree(tmp_path / "index")
    assert shown(full, "boat") == "boat"
    assert full.index.count(spaces.Space(full.workspace.pk, "fake-1").name) == 10


def test_a_damaged_index_is_made_anew_while_the_rows_answer(full: Library, tmp_path: Path) -> None:
    full.find("boat")
    (log,) = (tmp_path / "index").rglob("changes.log")
    log.write_bytes(bytes(byte ^ 1 for byte in log.read_bytes()))
    broken = type(full.index)("again", folder=tmp_path / "index")  # another process
    full.index = broken
    found = full.find("boat")
    assert len(found) == 10
    assert "made anew" in found.notes[0]
    assert full.find("boat").notes == ()
    assert full.find("boat").found == found.found


def test_rows_and_index_give_the_same(full: Library) -> None:
    space = spaces.Space(full.workspace.pk, "fake-1")
    query = full.embedder.embed_texts(["boat train"])[0]
    allowed = full.index.ids(space.name)[::2]
    assert spaces.nearest_row(space.rows(), query, limit=4, allowed=allowed) == full.index.search(
        space.name, query.astype(np.float32), limit=4, allowed=allowed
    )


def test_rebuilding_counts(full: Library, other: Library) -> None:
    other.put("boat", title="x")
    assert rebuild(index=full.index) == 11
    assert rebuild("fake-1", index=full.index) == 11
    assert rebuild("another", index=full.index) == 0


def test_models_never_mix(full: Library) -> None:
    full.embedder = FakeEmbedder(digest="fake-2")
    assert len(full.find("boat")) == 0
    full.put("boat", title="new")
    assert full.titles("boat") == ["new"]


def test_the_vector_of_a_second(library: Library) -> None:
    video = library.put("cat | boat", [Part(0, 3), Part(3, 6)], kind="video", title="clip")
    boat = library.embedder.embed_texts(["boat"])[0]
    for second in (3.5, 99.0):
        vector = embedding_of(video, second, embedder=library.embedder)
        assert vector is not None
        assert float(vector @ boat) == pytest.approx(1, abs=1e-2)
    assert embedding_of(library.asset(), embedder=library.embedder) is None


def test_how_search_stands(full: Library) -> None:
    full.put("boat", title="photo", domain="photographs")
    full.asset(title="never indexed")
    told = describe(full.workspace.pk, embedder=full.embedder)
    assert (told["moments"], told["embedded"], told["unseen"], told["lag"]) == (11, 10, 0, 0)
    assert told["card"].name == "Fake"
    assert told["generation"] == 1
    full.embedder.trouble = [EngineError("No files.")]
    assert describe(embedder=full.embedder)["problems"] == ["No files."]


def test_every_name_of_the_services_is_there() -> None:
    assert all(hasattr(services, name) for name in services.__all__)


@pytest.mark.django_db(transaction=True)
def test_a_large_damaged_index_is_made_anew_beside_the_searches(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spaces, "REBUILT_AT_ONCE", 0)
    library.put("boat", title="boat")
    (pointer,) = (tmp_path / "index").rglob("CURRENT")
    pointer.write_text("nonsense")
    assert library.titles("boat") == ["boat"]
    for thread in threading.enumerate():
        if thread.name.startswith("rebuild "):
            thread.join(20)
    assert library.index.count(spaces.Space(library.workspace.pk, "fake-1").name) == 1
    assert library.find("boat").notes == ()


# What fits, what is folded, what is unwanted ------------------------------------------------------------------------
def test_relevance_is_told_alike_of_one_result_and_of_all(full: Library) -> None:
    full.put("cat", title="a boat in the title")
    full.put("boat dog", title="one word of three: red")
    full.put("rocket", title="red")
    for words in ("boat", "red boat lighthouse", "castle rocket", "submarine"):
        every = full.find(words, diversify=False)
        kept = full.find(words, diversify=False, relevant_only=True)
        assert [one.asset_id for one in every if one.relevant] == [one.asset_id for one in kept], words
        assert kept.cut == (len(kept) < len(every))
        assert all(one.relevant for one in every if one.sure)


def test_a_library_that_no_model_has_seen_is_cut_and_counted_by_its_words(library: Library) -> None:
    for title in ("boat", "red boat", "tractor"):
        library.put("boat", title=title, domain="photographs")
    asked = Query(library.workspace.pk, "boat", relevant_only=True)
    assert sorted(library.titles("boat", relevant_only=True)) == ["boat", "red boat"]
    assert finding.facets(asked, embedder=library.embedder, index=library.index).total == 2
    assert len(library.find("", like=picture_of("boat"), relevant_only=True)) == 0


def test_near_duplicates_are_folded_into_the_best(library: Library) -> None:
    best = library.put("boat", title="boat")
    copies = {library.put("boat", title=f"copy {number}").pk for number in range(3)}
    film = library.put("boat", [Part(0, 4)], title="film", kind="video")
    other = library.put("boat dog", title="other")
    found = {one.asset_id: one for one in library.find("boat", fold=True)}
    assert set(found) == {best.pk, film.pk, other.pk}
    assert set(found[best.pk].folded) == copies
    assert found[film.pk].folded == ()
    assert len(library.find("boat")) == 6


def test_hashes_fold_where_no_model_has_seen_a_picture_and_people_keep_apart(library: Library) -> None:
    one = library.put("", title="boat", domain="photographs")
    two = library.put("", title="boat again", domain="photographs")
    Moment.objects.filter(asset=one).update(pdq="f" * 64)
    Moment.objects.filter(asset=two).update(pdq="f" * 60 + "0000")
    assert [len(each.folded) for each in library.find("boat", fold=True)] == [1]
    first, second = sorted([one, two], key=lambda asset: asset.pk)
    KeptApart.objects.create(workspace=library.workspace, one=first, other=second)
    assert [len(each.folded) for each in library.find("boat", fold=True)] == [0, 0]


def test_unwanted_things_push_pictures_down_though_no_word_is_written(full: Library) -> None:
    full.put("boat dog", title="")
    full.put("boat lighthouse", title="")
    with_dog = full.find("boat", diversify=False)
    found = full.find("boat -dog", diversify=False)
    assert len(found) == len(with_dog) == 12
    unwanted = [signal for one in found for signal in one.explain if signal.name == "unwanted"]
    assert {signal.note for signal in unwanted} == {"dog"}
    assert all(signal.contribution < 0 for signal in unwanted)
    for one in found:
        assert sum(signal.contribution for signal in one.explain) == pytest.approx(one.score, abs=1e-6)
    assert shown(full, "boat -dog") == "boat"
    assert len(full.find("boat -dog", relevant_only=True)) == len(full.find("boat", relevant_only=True)) - 1


def test_only_what_is_not_wanted_leaves_everything_else_newest_first(full: Library) -> None:
    full.put("", title="a cat in words", domain="photographs")
    full.put("", title="last", domain="photographs")
    found = full.find("-cat")
    assert len(found) == 10  # neither the picture of a cat nor the title
    assert full.titles("-cat")[0] == "last"
    assert full.titles("-cats")[0] == "last"


# Order and pages ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options", [{}, {"diversify": False}, {"sort": "oldest"}, {"relevant_only": True}, {"fold": True}]
)
@pytest.mark.parametrize("words", ["boat", "", "-zebra", "word boat tractor"])
def test_pages_fit_together(full: Library, words: str, options: dict[str, Any]) -> None:
    for number in range(25):
        full.put(WORDS[number % 10], title=f"word {number % 3}")
    asked = {"browse": True, **options}
    whole = full.find(words, limit=200, **asked)
    pages: list[Any] = []
    offset: int | None = 0
    while offset is not None:
        page = full.find(words, limit=7, offset=offset, **asked)
        pages += page.found
        offset = page.more
    assert pages == list(whole.found)
    assert len({one.asset_id for one in pages}) == len(pages)
    assert whole.more is None


def test_reading_on_reaches_what_the_first_look_did_not(full: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "DEPTHS", (3, 6, 100))
    found = [one.asset_id for offset in (0, 5, 10) for one in full.find("boat", offset=offset, limit=5)]
    assert len(found) == len(set(found)) == 10


def test_results_can_be_sorted_by_date(library: Library) -> None:
    for title, taken, created in (("a", 2001, 2026), ("b", None, 2024), ("c", 2025, 2020)):
        asset = library.put("boat", title=title, taken=taken and datetime(taken, 1, 1, tzinfo=UTC))
        Asset.objects.filter(pk=asset.pk).update(created=datetime(created, 1, 1, tzinfo=UTC))
    for words in ("boat", "kind:image"):
        assert library.titles(words, sort="newest") == ["c", "b", "a"]
        assert library.titles(words, sort="oldest") == ["a", "b", "c"]
        assert library.titles(words, sort="added") == ["a", "b", "c"]
    with pytest.raises(QueryError):
        library.find("boat", sort="best")


def test_only_assets_of_a_given_set(library: Library) -> None:
    library.put("boat", title="in")
    library.put("boat", title="out")
    some = Asset.objects.filter(title="in")
    assert library.titles("boat", within=some) == ["in"]
    assert library.titles(within=some) == ["in"]


# Why ----------------------------------------------------------------------------------------------------------------
def test_a_result_says_where_its_words_stand(library: Library) -> None:
    asset = library.asset(kind="audio", title="Talk", seconds=9)
    words = [{"text": text, "start": at, "end": at + 1.0} for at, text in enumerate(["so", "the", "yeast", "rises"])]
    Transcript.objects.create(
        asset=asset, passages=[{"text": "so the yeast rises", "start": 0.0, "end": 4.0, "words": words}]
    )
    library.index_again(asset, "", [Part(0, 4)])
    inside = {"caption": "a rising loaf", "keywords": ["bread"]}
    library.put("x", title="Yeast", metadata=inside, seen_text="OPEN DAILY")
    said, written = sorted(library.find("yeast rises"), key=lambda one: one.why, reverse=True)
    assert (said.at, said.why, said.start) == (2, "said at 0:02", 0)
    assert said.snippet == (("so the ", False), ("yeast rises", True))
    assert (written.at, written.why) == (None, "in the title")
    assert [signal.note for signal in said.explain if signal.name == "words"] == ["rises, yeast"]
    for word, why in (
        ("daily", "written in the picture"), ("bread", "in the file's keywords"), ("loaf", "in the file's caption"),
    ):  # fmt: skip
        (best, *_) = library.find(word, relevant_only=True)
        assert best.why == why


# Hostile input ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words",
    ["'; DROP TABLE search_moment; --", "boat* OR 1", "NEAR(boat, 3)", '{title}: "boat"', "boat\x00\x1b[31m",
     "NOT boat", "\u202eboat", "\ud800 boat", "?!", "...", "-", "--", '-"', '"" ""', "-cat -dog -boat", "%s %(x)s {0}",
     "\\", "a" * 999, "-" * 999, '"' * 999, "boat " * 199, "\u0300" * 500, "😀 boat", "tag:", ":", "//:x", "12:30"],
)  # fmt: skip
def test_any_text_is_answered(full: Library, words: str) -> None:
    found = full.find(words, browse=True, relevant_only=True, fold=True)
    assert len(found) <= 10
    assert finding.facets(
        Query(full.workspace.pk, words, browse=True, relevant_only=True), embedder=full.embedder, index=full.index
    ).total == sum(1 + len(one.folded) for one in found)  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [{"offset": -1}, {"offset": 10**9}, {"offset": True}, {"limit": 2.5}, {"limit": "5"}, {"sort": "x" * 10_000},
     {"filters": {"nothing": ["x"]}}, {"filters": {"kind": "video"}}, {"filters": {"kind": ["video"] * 21}},
     {"without": {"tag": ["x"]}}, {"filters": {"after": ["2026-02-30"]}}, {"words": "colour:nothing"}],
)  # fmt: skip
def test_what_cannot_be_is_refused(full: Library, options: dict[str, Any]) -> None:
    with pytest.raises(QueryError) as refusal:
        full.find(**{"words": "boat", **options})
    assert refusal.value.message
