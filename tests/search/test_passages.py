"""Where the words stand: to the second in speech, and as pieces that a page can mark."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from search.passages import Finder, Place, place
from search.words import wanted


def spoken(text: str, start: float = 0.0, pace: float = 0.5) -> dict[str, Any]:
    times = [(word, start + at * pace) for at, word in enumerate(text.split())]
    words = [{"text": word, "start": second, "end": second + pace} for word, second in times]
    return {"text": text, "start": start, "end": start + len(words) * pace, "words": words}


def placed(query: str, *, written: list[tuple[str, str]] = [], passages: Any = (), end: float = 99.0) -> Place:  # noqa: B006
    found = place(Finder(wanted(query)), written, passages, 0.0, end)
    assert found is not None
    return found


def marked(found: Place) -> list[str]:
    return [text for text, matches in found.pieces if matches]


def test_speech_is_found_to_the_second() -> None:
    found = placed("yeast", passages=[spoken("Good morning."), spoken("Today: how the yeast, once warm, rises.", 40.0)])
    assert (found.at, found.why) == (41.5, "said at 0:41")
    assert marked(found) == ["yeast,"]
    assert "".join(text for text, _ in found.pieces) == "Good morning. Today: how the yeast, once warm, rises."


def test_where_most_of_the_words_stand_together_is_the_place() -> None:
    talk = spoken("bread " + "and so on " * 10 + "the bread needs yeast")
    found = placed("yeast bread", passages=[talk])
    assert found.at == talk["words"][32]["start"]
    assert marked(found) == ["bread", "yeast"]
    assert found.pieces[0] == ("… ", False)
    assert found.matched == {"yeast", "bread"}


def test_only_what_is_said_within_the_moment_counts() -> None:
    assert place(Finder(wanted("late")), [], [spoken("early words, late")], 0.0, 1.0) is None


def test_a_passage_without_times_of_its_words_gives_its_own() -> None:
    assert placed("moon", passages=[{"text": "to the moon", "start": 7.0, "end": 9.0}]).at == 7.0


def test_what_is_written_is_named_and_wins_where_it_holds_more() -> None:
    written = [("in the title", "Boat"), ("in its tags", "red, boats")]
    found = placed("red boat", written=written, passages=[spoken("a boat")])
    assert (found.why, found.at, marked(found)) == ("in its tags", None, ["red, boats"])
    assert placed("boat", written=[("in the title", "Boat")], passages=[spoken("a boat")]).why == "said at 0:00"


def test_markup_is_only_text() -> None:
    found = placed("boat", written=[("in the title", "<b>boat</b> & \x00<script>boat")])
    assert "".join(text for text, _ in found.pieces) == "<b>boat</b> & <script>boat"


def test_scripts_without_spaces_are_marked_as_a_whole() -> None:
    assert marked(placed("東京", written=[("in the title", "夜の東京タワー")])) == ["夜の東京タワー"]
    assert marked(placed("समाचार", written=[("in the title", "हिन्दी समाचार")])) == ["समाचार"]


@given(st.text(max_size=60), st.text(max_size=200))
def test_pieces_are_the_words_of_the_text(query: str, text: str) -> None:
    found = place(Finder(wanted(query)), [("here", text)], [], 0.0, 0.0)
    if found is not None:
        assert any(matches for _, matches in found.pieces)
        words = "".join(each for each, _ in found.pieces).replace("… ", "").replace(" …", "").split()
        assert all(word in text for word in words)
