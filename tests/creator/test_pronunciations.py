"""How a workspace wants words to be said."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from creator.services import pronunciations, voices
from media_processing.engine import EngineError
from tests.conftest import Cast
from tests.factories import finished_story

pytestmark = pytest.mark.slow

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20).filter(
    lambda text: not any(sign in text for sign in "=→-#")
)


@given(st.dictionaries(WORDS, WORDS, max_size=20))
def test_what_is_shown_is_read_back(said: dict[str, str]) -> None:
    assert pronunciations.parse(pronunciations.formatted(said)) == said


@pytest.mark.parametrize(
    ("lines", "message"),
    [("Nguyen", "Line 1"), ("a = b\n= c", "Line 2"), ("x = ", "Line 1"), (f"{'x' * 81} = y", "longer than 80"),
     ("\n".join(f"w{number} = v" for number in range(501)), "501 pronunciations")],
)  # fmt: skip
def test_a_bad_line_is_named(lines: str, message: str) -> None:
    with pytest.raises(EngineError, match=message) as refused:
        pronunciations.parse(lines)
    assert refused.value.next_step


def test_only_the_scenes_that_say_the_word_are_spoken_anew(cast: Cast) -> None:
    story = finished_story(cast.workspace, cast.alice, formats=("card:1x1",))
    first, second, _third = story.scenes.order_by("position")
    before = [voices.spoken_key(story, scene) for scene in (first, second)]
    pronunciations.keep(cast.workspace, "lighthouse = light house")
    story.refresh_from_db()
    after = [voices.spoken_key(story, scene) for scene in (first, second)]
    assert after[0] != before[0]
    assert after[1] == before[1]
    pronunciations.keep(cast.workspace, "")
    story.refresh_from_db()
    assert voices.spoken_key(story, first) == before[0]


def test_the_page_keeps_what_was_typed_and_says_what_is_wrong(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    page = reverse("pronunciations")
    assert client.post(page, {"lines": "GIF = jif"}).status_code == 302
    assert "GIF = jif" in client.get(page).content.decode()
    refused = client.post(page, {"lines": "GIF = jif\nNguyen"})
    assert refused.status_code == 422
    assert "Line 2" in refused.content.decode() and "Nguyen" in refused.content.decode()
    cast.workspace.refresh_from_db()
    assert cast.workspace.pronunciations == {"GIF": "jif"}


def test_a_word_can_be_heard(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    heard = reverse("pronunciations-heard")
    assert client.get(heard, {"said": "jif"}).content[:4] == b"RIFF"
    for bad in ({}, {"said": "x" * 81}, {"said": "jif", "language": "xx"}):
        assert client.get(heard, bad).status_code == 404
