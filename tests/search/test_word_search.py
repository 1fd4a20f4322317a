"""Finding by what is written and said: any script, any punctuation, both databases alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.models import Moment
from search.words import for_fts5, for_tsquery, matched_share, tsvector, wanted, without_marks, words_of
from tests.search.conftest import Library, Part


def matching(library: Library, words: str) -> list[str]:
    moments = Moment.objects.in_workspace(library.workspace.pk).matching(words).select_related("asset")
    return [moment.asset.title for moment in moments]


def test_words_are_cut_and_folded() -> None:
    assert words_of("Crème-brûlée, ÉTÉ!") == ["creme", "brulee", "ete"]
    assert words_of("हिन्दी समाचार") == ["हिन्दी", "समाचार"]
    assert words_of("東京") == ["東京", "京"]
    assert words_of("ﬁre３") == ["fire3"]


def test_a_query_says_what_must_and_must_not_be() -> None:
    asked = wanted('red "fire truck" -ladder -"old man"')
    assert asked.any_of == (("red",),)
    assert asked.all_of == (("fire", "truck"),)
    assert asked.none_of == (("ladder",), ("old", "man"))
    assert without_marks('red "fire truck" -ladder -"old man"') == "red fire truck"


def test_small_words_count_only_where_there_is_nothing_else() -> None:
    assert wanted("the boat on the sea").any_of == (("boat",), ("sea",))
    assert wanted("the who").any_of == (("the",), ("who",))


def test_a_hyphen_inside_a_word_excludes_nothing() -> None:
    assert wanted("lock-screen").none_of == ()


@given(st.text(max_size=200))
def test_no_text_breaks_the_syntax(text: str) -> None:
    asked = wanted(text)
    for run in asked.any_of + asked.all_of + asked.none_of:
        assert run
        assert all(char.isalnum() or not char.isascii() for word in run for char in word)
    if asked:
        assert for_fts5(asked)
        assert for_tsquery(asked)


def test_shares() -> None:
    asked = wanted("red boats at sea")
    assert matched_share(asked, {"red", "boat"}) == pytest.approx(2 / 3)
    assert matched_share(wanted(""), {"a"}) == 0


def test_vectors_of_words_keep_columns_apart() -> None:
    assert tsvector([("red boat", "A"), ("boat", "B")]) == "'red':1A 'boat':2A,4B"


def test_each_kind_of_text_is_found(library: Library) -> None:
    library.put("x", title="Lighthouse")
    library.put("x", title="b", tags=["storm", "sea"])
    library.put("x", title="c", alt="A fisherman mends a net")
    library.put("", [Part(0, 4, 0, "the harbour opens at dawn")], title="d", kind="audio")
    library.put("x", title="e", source_url="https://example.org/a/old-windmill_02.jpg?x=1")
    library.put("x", title="f", made_by={"prompt": "a green tractor"})
    for words, title in {
        "lighthouse": "Lighthouse", "storm": "b", "fisherman": "c", "dawn": "d", "windmill": "e", "tractor": "f",
    }.items():  # fmt: skip
        assert matching(library, words) == [title]


def test_plurals_and_beginnings_are_found(library: Library) -> None:
    library.put("x", title="Two ships")
    library.put("x", title="Moonlight")
    library.put("x", title="Carpet")
    assert matching(library, "ship") == ["Two ships"]
    assert matching(library, "moon") == ["Moonlight"]
    assert matching(library, "car") == []


def test_whole_words_come_before_beginnings(library: Library) -> None:
    library.put("x", title="Firefighter")
    library.put("x", title="Fire")
    assert matching(library, "fire") == ["Fire", "Firefighter"]


def test_a_title_weighs_more_than_a_prompt(library: Library) -> None:
    library.put("x", title="Something", made_by={"prompt": "boat"})
    library.put("x", title="Boat", made_by={"prompt": "something"})
    assert matching(library, "boat") == ["Boat", "Something"]


@pytest.mark.parametrize("words", ["समाचार", "東京", "京", "タワー", "ทะเล", "новости"])
def test_any_script_is_found(library: Library, words: str) -> None:
    library.put("x", title="हिन्दी समाचार 東京タワー ทะเลสวย Новости")
    assert len(matching(library, words)) == 1


def test_quoted_words_must_follow_each_other(library: Library) -> None:
    library.put("x", title="fire truck")
    library.put("x", title="truck on fire")
    assert matching(library, '"fire truck"') == ["fire truck"]
    assert matching(library, '"fire truck" red') == ["fire truck"]


def test_unwanted_words(library: Library) -> None:
    library.put("x", title="red boat")
    library.put("x", title="blue boat")
    assert matching(library, "boat -red") == ["blue boat"]


@pytest.mark.parametrize(
    "words",
    ["'", '"', '""', "*", "-", "boat AND", "NEAR(boat", "title:boat", "boat*", "^boat", "a' OR 1=1 --", "\x00boat",
     "boat\\", ":*", "{x}", "(((", "😀", "boat & !x | (", "<->", "%s %d {0}", "\ud800"],
)  # fmt: skip
def test_syntax_of_the_databases_is_only_text(library: Library, words: str) -> None:
    library.put("x", title="boat")
    assert matching(library, words) in ([], ["boat"])


def test_words_go_with_their_asset(library: Library) -> None:
    asset = library.put("x", title="boat")
    asset.delete()
    assert matching(library, "boat") == []


def test_indexing_again_takes_the_new_words(library: Library) -> None:
    asset = library.put("x", title="boat")
    asset.title = "tractor"
    asset.save()
    library.index_again(asset, "x")
    assert matching(library, "boat") == []
    assert matching(library, "tractor") == ["tractor"]


def test_other_workspaces_are_not_searched(library: Library, other: Library) -> None:
    other.put("x", title="boat")
    assert matching(library, "boat") == []
    assert matching(other, "boat") == ["boat"]


def test_tags_are_matched_whole(library: Library) -> None:
    library.put("x", title="a", tags=["sea", "größe"])
    assert Moment.objects.filter(asset__tags__has_item="größe").count() == 1
    assert Moment.objects.filter(asset__tags__has_item="se").count() == 0
