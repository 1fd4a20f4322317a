from __future__ import annotations

import random

import pytest

from search.training.captions import (
    TEMPLATES,
    Lexicon,
    choose,
    choose_pair,
    frame_words,
    held_out_combinations,
    plural,
    templates,
    write,
)

LEXICON = Lexicon(
    words={
        "object:car": ("car", "automobile"), "object:dog": ("dog", "hound"), "setting:street": ("street", "road"),
        "light:night": ("night", "midnight"), "weather:rain": ("rain", "downpour"), "colour:red": ("red", "scarlet"),
        "colour:brown": ("brown",),
    },
    phrases={"setting:street": ("on a street",)},
)
SHOWN = frozenset({
    "object:car", "colour:car:red", "count:car:2", "object:dog", "colour:dog:brown", "count:dog:1", "setting:street",
    "light:night", "weather:rain", "relation:dog:beside:car",
})


def test_a_fifth_of_the_templates_of_every_kind_is_held_out() -> None:
    for signature in TEMPLATES:
        seen, unseen = templates(signature), templates(signature, held_out=True)
        assert len(unseen) == len(TEMPLATES[signature]) // 5 > 0
        assert not set(seen) & set(unseen)


def test_no_template_is_written_twice() -> None:
    for frames in TEMPLATES.values():
        assert len(set(frames)) == len(frames)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_chosen_facets_are_as_many_as_wanted_and_name_the_object_of_a_colour(count: int) -> None:
    rng = random.Random(1)
    for _ in range(200):
        chosen = choose(rng, SHOWN, count, LEXICON)
        assert len(chosen) == count
        assert chosen < SHOWN
        for facet in chosen:
            if facet.startswith(("colour:", "count:")):
                assert f"object:{facet.split(':')[1]}" in chosen


def test_a_caption_says_each_facet_that_it_names() -> None:
    rng = random.Random(1)
    for _ in range(200):
        text = write(rng, {"object:car", "colour:car:red", "setting:street", "light:night"}, LEXICON)
        assert "{" not in text
        for synonyms in (("car", "automobile"), ("red", "scarlet"), ("street", "road"), ("night", "midnight")):
            assert any(word in text for word in synonyms), text


def test_counts_are_said_with_plurals() -> None:
    texts = {write(random.Random(seed), {"object:car", "count:car:2"}, LEXICON) for seed in range(50)}
    assert any("two cars" in text for text in texts)


def test_about_one_combination_in_twenty_is_held_out_and_always_the_same() -> None:
    pairs = [frozenset({f"object:{number}", f"setting:{place}"}) for number in range(100) for place in range(20)]
    held_out = [pair for pair in pairs if held_out_combinations(pair, LEXICON)]
    assert 60 < len(held_out) < 140
    assert held_out == [pair for pair in pairs if held_out_combinations(pair, LEXICON)]


def test_what_goes_without_saying_is_never_held_out() -> None:
    usual = Lexicon(words={}, always=frozenset({"light:day"}))
    assert not any(held_out_combinations({f"object:{number}", "light:day"}, usual) for number in range(500))


@pytest.mark.parametrize(
    ("one", "many"), [("car", "cars"), ("bus", "buses"), ("berry", "berries"), ("fireman", "firemen")]
)
def test_plurals(one: str, many: str) -> None:
    assert plural(one) == many


def test_a_pair_is_two_objects_each_with_its_colour() -> None:
    pair = {"object:car", "colour:car:red", "object:dog", "colour:dog:brown"}
    assert choose_pair(random.Random(1), SHOWN) == pair
    assert not choose_pair(random.Random(1), SHOWN - {"object:dog"})


def test_the_words_of_frames_hold_those_of_held_out_ones() -> None:
    assert {"show", "picture", "weather"} <= frame_words()
    assert "car" not in frame_words()
