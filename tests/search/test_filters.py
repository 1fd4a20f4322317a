"""The box: what is typed is taken apart, told in one form, and answered with what there is where it isn't known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creator.models import User
from media_processing.models import Asset
from search.filters import FILTERS, Asked, formatted, parse, tidied
from search.services import QueryError
from tests.search.conftest import Library, Part

NAMES = [each.name for each in FILTERS]
TYPED = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(["-", '"', " ", ":", "//", "http://x", "12:30", '-"', "--", "\x00", "\u202e", "\ud800"]),
        st.builds("{}{}:{}".format, st.sampled_from(["", "-"]), st.sampled_from(NAMES), st.text(max_size=8)),
        st.builds('{}{}:"{}"'.format, st.sampled_from(["", "-"]), st.sampled_from(NAMES), st.text(max_size=8)),
    ),
    max_size=8,
).map("".join)


@given(TYPED)
def test_what_was_read_is_read_again_from_its_own_form(text: str) -> None:
    try:
        asked = parse(text)
    except QueryError as error:
        assert error.next_step
        return
    assert parse(formatted(asked)) == asked
    assert formatted(parse(formatted(asked))) == formatted(asked)


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.text(min_size=1, max_size=9), min_size=1, unique=True)))
def test_any_value_can_be_typed(filters: dict[str, list[str]]) -> None:
    tidy = {name: [tidied(value.replace('"', "")) for value in filters[name]] for name in NAMES if name in filters}
    given = {name: tuple(dict.fromkeys(filter(None, values))) for name, values in tidy.items()}
    asked = Asked("sea", {name: values for name, values in given.items() if values})
    assert parse(formatted(asked)) == asked


@pytest.mark.parametrize(
    ("typed", "words", "filters", "without"),
    [
        ("red boat", "red boat", {}, {}),
        ('boat tag:"old town" -colour:blue', "boat", {"tag": ("old town",)}, {"colour": ("blue",)}),
        ("Kind:video KIND:image", "", {"kind": ("video", "image")}, {}),
        ('"tag:sea" -"a b" -cat', '"tag:sea" -"a b" -cat', {}, {}),
        ("at 12:30 see https://example.org note: sea", "at 12:30 see https://example.org note: sea", {}, {}),
        ('tag:"" kind:', "kind:", {}, {}),
        ("by:anna\u202e\x00 after:2026-01-01", "", {"after": ("2026-01-01",), "by": ("anna",)}, {}),
    ],
)
def test_reading(typed: str, words: str, filters: dict[str, Any], without: dict[str, Any]) -> None:
    assert parse(typed) == Asked(words, filters, without)


def test_a_filter_that_is_not_known_names_those_that_are() -> None:
    with pytest.raises(QueryError) as refusal:
        parse("color:red boat")
    assert "'color'" in refusal.value.message
    assert "colour" in refusal.value.next_step


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", first_name="Anna", last_name="Berg")


@pytest.fixture
def mixed(library: Library, anna: User) -> Library:
    library.put(
        "boat", title="tall", width=600, height=1200, licence="CC BY 4.0", tags=["sea", "Old Town"], added_by=anna,
        colours=["blue", "white"], taken=datetime(2020, 5, 1, tzinfo=UTC),
    )  # fmt: skip
    library.put("boat", title="wide", width=2000, height=1200, licence="CC BY-SA 4.0", colours=["red"])
    library.put("boat", title="almost", width=1000, height=1040, made_by={"engine": "illustrator"})
    library.put("boat", [Part(0, 75)], title="film", kind="video", width=300, height=200, seconds=75.5)
    Asset.objects.filter(title="wide").update(created=datetime(2025, 12, 31, 23, tzinfo=UTC))
    return library


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        ("kind:video", {"film"}), ("-kind:video", {"tall", "wide", "almost"}),
        ("KIND:Image", {"tall", "wide", "almost"}),
        ("kind:image kind:video orientation:landscape", {"wide", "film"}),
        ("orientation:square", {"almost"}), ("orientation:portrait", {"tall"}),
        ("size:small", {"film"}), ("size:medium", {"tall", "almost"}), ("size:large", {"wide"}),
        ("duration:long", {"film"}), ("duration:short", set()), ("duration:70-80", {"film"}), ("duration:-75", set()),
        ("duration:75.5-", {"film"}),
        ("colour:blue", {"tall"}), ("-colour:blue", {"wide", "almost", "film"}),
        ("colour:Red colour:white", {"tall", "wide"}),
        ("tag:sea", {"tall"}), ('tag:"old town"', {"tall"}), ("tag:SEA", {"tall"}),
        ('licence:"cc by"', {"tall"}), ("licence:cc-by-sa", {"wide"}), ('licence:"CC BY 4.0"', {"tall"}),
        ("by:anna", {"tall"}), ("by:Berg", {"tall"}), ('by:"anna berg"', {"tall"}),
        ("-by:anna", {"wide", "almost", "film"}),
        ("made:illustrator", {"almost"}), ("made:people", {"tall", "wide", "film"}),
        ("after:2026", {"tall", "almost", "film"}), ("before:2026-01", {"wide"}), ("before:2025-12-31", set()),
        ("taken-after:2020-05-01", {"tall"}), ("taken-before:2020-05-01", set()), ("taken-before:2021", {"tall"}),
    ],
)  # fmt: skip
def test_every_filter(mixed: Library, typed: str, titles: set[str]) -> None:
    assert set(mixed.titles(typed)) == titles
    assert set(mixed.titles(f"boat {typed}")) == titles


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("kind:book", "video"), ("orientation:round", "portrait"), ("size:9", "medium"), ("duration:soon", "5-20"),
        ("duration:-", "5-20"), ("colour:reed", "red"), ("tag:se", "sea"), ("licence:gpl", "CC BY 4.0"),
        ("by:charlie", "anna"), ("made:magic", "people"), ("after:2026-02-30", "2026-01"), ("before:0000", "2026-01"),
        ("before:99999", "2026-01"), ("after:tomorrow", "2026-01"), ("taken-after:2026-13", "2026-01"),
        ("after:٢٠٢٦", "2026-01"), ("tag:'--", "sea"),
    ],
)  # fmt: skip
def test_unknown_values_are_told_which_there_are(mixed: Library, typed: str, told: str) -> None:
    with pytest.raises(QueryError) as refusal:
        mixed.find(typed)
    assert told in refusal.value.next_step
    assert refusal.value.permanent


def test_values_of_another_workspace_are_not_known(mixed: Library, other: Library) -> None:
    other.put("boat", tags=["secret"])
    with pytest.raises(QueryError) as refusal:
        mixed.find("tag:secre")
    assert "secret" not in refusal.value.next_step
    with pytest.raises(QueryError):
        mixed.find("tag:secret")
