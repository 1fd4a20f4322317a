"""What the illustrator understands of a line."""

from __future__ import annotations

import pytest

from generation.illustrations.catalog import Catalog
from generation.illustrations.language import article, plural, singulars, tokens
from generation.illustrations.reading import read
from generation.illustrations.scene import ABSTRACT, MOST_OBJECTS, Item, Scene
from generation.illustrations.telling import told


def items(words: str) -> dict[str, Item]:
    return {item.object: item for item in read(words).scene.items}


def test_colour_belongs_to_the_object_it_stands_before() -> None:
    found = items("a red car and a blue bicycle")
    assert (found["car"].colour, found["bicycle"].colour) == ("red", "blue")


@pytest.mark.parametrize(
    ("words", "colour"),
    [("a dark blue bus", "navy"), ("the bus is yellow", "yellow"), ("a turquoise bus", "teal"), ("a bus", None)],
)
def test_colour_words(words: str, colour: str | None) -> None:
    assert items(words)["bus"].colour == colour


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("a dog", 1),
        ("two dogs", 2),
        ("three big brown dogs", 3),
        ("hundreds of dogs", 5),
        ("12 dogs", 5),
        ("4 dogs", 4),
    ],
)
def test_counts(words: str, count: int) -> None:
    assert items(words)["dog"].count == count


def test_a_plural_without_a_number_is_more_than_one() -> None:
    assert items("farmers in a field")["farmer"].count > 1


@pytest.mark.parametrize(
    ("words", "first", "relation", "of"),
    [
        ("a dog beside a house", "dog", "beside", "house"),
        ("a cat under a table", "cat", "under", "table"),
        ("two cows in front of a red house", "cow", "in front of", "house"),
        ("a cat on a wooden chair", "cat", "on", "chair"),
        ("a helicopter over the hospital", "helicopter", "above", "hospital"),
    ],
)
def test_relations(words: str, first: str, relation: str, of: str) -> None:
    item = items(words)[first]
    assert (item.relation, item.of) == (relation, of)


def test_on_the_beach_is_no_relation_to_the_boats() -> None:
    assert items("Fishermen on the beach mend the boats")["fisher"].relation == ""


@pytest.mark.parametrize(
    ("words", "setting", "light", "weather"),
    [
        ("a car on a city street at night in the rain", "street", "night", "rain"),
        ("ships on the ocean at sunset", "sea", "dusk", "clear"),
        ("a snowy morning in the mountains", "mountains", "morning", "snow"),
        ("a cow in a misty meadow", "field", "day", "fog"),
        ("a thunderstorm over the downtown area", "city", "day", "storm"),
    ],
)
def test_place_light_and_weather(words: str, setting: str, light: str, weather: str) -> None:
    scene = read(words).scene
    assert (scene.setting, scene.light, scene.weather) == (setting, light, weather)


def test_objects_choose_their_home_where_no_place_is_named() -> None:
    assert read("a sailboat").scene.setting in ("sea", "river")
    assert read("a rocket").scene.setting in ("space", "sky", "desert")
    assert not Catalog.load().settings[read("a hospital and a doctor").scene.setting].indoors


def test_a_newspaper_sentence() -> None:
    reading = read("The city council voted on Tuesday to plant three hundred new trees along the river")
    facets = reading.scene.facets()
    assert {"object:tree", "count:tree:5", "setting:river"} <= facets
    assert "object:flower" not in facets, '"to plant" is something that is done'
    assert {"three hundred", "trees", "river"} <= set(reading.knew)


def test_looser_words_help_where_nothing_is_named() -> None:
    scene = read("Inflation and interest rates weigh on savings").scene
    assert scene.items


def test_unknown_words_become_a_pattern_of_paper() -> None:
    reading = read("the ineffable qualia of hermeneutics")
    assert reading.scene.setting == ABSTRACT
    assert (reading.knew, reading.scene.items) == ((), ())
    assert reading.scene.facets() == {"setting:abstract"}
    assert "abstract" in told(reading.scene).lower()


@pytest.mark.parametrize("words", ["three trees by the river", "hermeneutics", "the mayor spoke"])
def test_same_words_and_seed_same_scene(words: str) -> None:
    assert read(words, 7) == read(words, 7)
    assert len({read(words, seed).scene for seed in range(12)}) > 6


def test_no_more_objects_than_can_be_told_apart() -> None:
    everything = " and ".join(f"a {spec.label}" for spec in list(Catalog.load().objects.values())[:20])
    assert 1 <= len(read(everything).scene.items) <= MOST_OBJECTS


def test_every_object_is_found_by_each_of_its_words() -> None:
    catalog = Catalog.load()
    lost = [
        (name, word)
        for name, spec in catalog.objects.items()
        for word in spec.words
        if (found := catalog.find(word)) is None or found.name != name
    ]
    assert lost == []


def test_no_word_belongs_to_two_objects() -> None:
    assert Catalog.load().shared_words() == {}


def test_homes_and_guests_exist() -> None:
    catalog = Catalog.load()
    assert {home for spec in catalog.objects.values() for home in spec.settings} <= set(catalog.settings)
    assert {guest for spec in catalog.settings.values() for guest in spec.guests} <= set(catalog.objects)


def test_scene_survives_json() -> None:
    scene = read("a dog beside two red houses at dusk").scene
    assert Scene.from_dict(scene.as_dict()) == scene


def test_a_building_is_seen_from_outside_unless_the_line_goes_in() -> None:
    assert "museum" in items("The museum opens an exhibition")
    assert read("A concert in the opera house").scene.setting == "stage"


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("Attendance rose by four per cent", "coins"),
        ("They saw that the team was late", "saw"),
        ("A probe leaves the solar system", "solar_panel"),
        ("The start of the Port Salis marathon", "ship"),
        ("Kieran Fox spoke to the council", "fox"),
        ("She put her teddy bear beside the board", "bear"),
    ],
)
def test_words_that_mislead(line: str, absent: str) -> None:
    assert absent not in items(line)


def test_who_watches_the_sky_stands_under_it() -> None:
    assert read("A farmer watches the sky").scene.setting != "sky"
    assert not Catalog.load().settings[read("storeroom museum child").scene.setting].indoors
    assert "table" not in items("house bank meeting")


def test_alt_text_uses_a_better_name_where_there_is_one() -> None:
    assert told(Scene("park", items=(Item("rose"),))).startswith("A rose ")
    assert told(Scene("street", items=(Item("elder", None, 2),))).startswith("Two older people ")
    assert told(Scene("street", items=(Item("recycling"),))).startswith("A recycling bin ")


def test_idioms_are_no_relations() -> None:
    assert all(not item.relation for item in items("Doctors and nurses went on strike").values())


def test_alt_text_reads_as_english() -> None:
    assert told(Scene("city", items=(Item("scales"), Item("shop")))) == "Scales and a shop in a city"
    scene = Scene("river", "dusk", "clear", (Item("tree", None, 3),))
    assert told(scene) == "Three trees by a river at dusk"
    assert (
        told(Scene("street", "night", "rain", (Item("car", "orange"),)))
        == "An orange car on a street at night in the rain"
    )


@pytest.mark.parametrize(
    ("many", "one"), [("buses", "bus"), ("cities", "city"), ("leaves", "leaf"), ("children", "child"), ("cars", "car")]
)
def test_singulars(many: str, one: str) -> None:
    assert one in singulars(many)
    assert plural(one) == many


@pytest.mark.parametrize(
    ("one", "many"),
    [("pair of skis", "pairs of skis"), ("bunch of grapes", "bunches of grapes"), ("deer", "deer")],
)
def test_plurals_of_labels(one: str, many: str) -> None:
    assert plural(one) == many


def test_tokens() -> None:
    assert tokens("The farmers' new e-bike, the dog’s 1,200 km") == [
        "the", "farmers", "new", "e", "bike", "the", "dog", "1200", "km",
    ]  # fmt: skip
    assert (article("apple"), article("car"), article("university")) == ("an", "a", "a")
