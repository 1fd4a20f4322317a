from __future__ import annotations

from pathlib import Path

import pytest

from search.engines.words import PAD, Words


@pytest.fixture
def words() -> Words:
    texts = ("a red car", "fire truck", "harbour", "policeman", "two ladders", "at night")
    return Words.of(texts, context=6, fillers=("a", "at"))


def test_plurals_are_read_as_their_singular(words: Words) -> None:
    assert words.known("Cars, policemen, the harbour's trucks") == ["car", "policeman", "harbour", "truck"]


def test_a_plural_that_was_only_seen_as_plural_is_known_in_both_numbers(words: Words) -> None:
    assert words.known("ladder") == words.known("ladders")


def test_digits_are_read_as_words(words: Words) -> None:
    assert words.known("2 cars") == ["two", "car"]


def test_an_unknown_word_is_read_as_its_two_halves_or_as_the_most_alike(words: Words) -> None:
    assert words.known("firetruck") == ["fire", "truck"]
    assert words.known("the harbours") == ["harbour"]
    assert words.known("zeitgeist qwertz") == []


def test_encoding_pads_after_the_end_and_keeps_what_says_most(words: Words) -> None:
    short, long = words.encode(["red car", "at a red car a fire truck at night"])
    assert list(short[2:]) == [words.end, PAD, PAD, PAD]
    assert list(long) == [*(words.encode([word])[0][0] for word in ("red", "car", "fire", "truck", "night")), words.end]


def test_an_empty_text_is_just_the_end(words: Words) -> None:
    assert list(words.encode([""])[0]) == [words.end, *[PAD] * 5]


def test_it_survives_a_file(words: Words, tmp_path: Path) -> None:
    words.save(tmp_path / "words.json")
    again = Words.load(tmp_path / "words.json")
    assert (again.words, again.context, again.fillers) == (words.words, words.context, words.fillers)
