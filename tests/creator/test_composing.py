"""What a story's cards say, found in its texts or honestly refused; brands; carousels."""

from __future__ import annotations

import pytest
from PIL import Image

from creator.models import Brand, Story
from creator.services import brands, composing, stories, variants
from media_processing import cards
from media_processing.engine import EngineError
from media_processing.fonts import families
from media_processing.timeline import FORMATS, Look
from tests.conftest import Cast
from tests.factories import picture


@pytest.mark.parametrize(
    ("text", "figure", "claim"),
    [
        ("Boats are loud. Some 40 % go electric. Good.", "40 %", "Some 40 % go electric."),
        ("It costs $3.5 million to build.", "$3.5 million", "It costs $3.5 million to build."),
        ("The bridge is 1,200 metres long.", "1,200 metres", "The bridge is 1,200 metres long."),
        ("नावों का 40% बिजली से चलेगा।", "40%", "नावों का 40% बिजली से चलेगा।"),
        ("In 2029 forty boats sail.", "", ""),
        ("Room 12 is closed, and version 3.2 is out.", "", ""),
        ("", "", ""),
    ],
)
def test_a_figure_is_a_number_with_its_unit(text: str, figure: str, claim: str) -> None:
    assert composing.figure_in(text) == (figure, claim)


@pytest.mark.parametrize(
    ("text", "quote", "by"),
    [
        ("“We will hear the gulls again,” said Maria Okafor.", "We will hear the gulls again", "Maria Okafor"),
        ("Then Maria Okafor said: “We will hear the gulls again.”", "We will hear the gulls again.", "Maria Okafor"),
        ('"We will hear the gulls again," Okafor said.', "We will hear the gulls again", "Okafor"),
        ("“We will hear the gulls again,” she said. She said: “We hear the gulls now.”", "", ""),
        ("The boat “Star of the Northern Sea” sails.", "", ""),
        ("Nobody said anything.", "", ""),
    ],
)
def test_a_quote_has_a_speaker_beside_it(text: str, quote: str, by: str) -> None:
    assert composing.quote_in(text) == (quote, by)


def test_layouts_that_lack_their_material_are_offered_with_the_reason(story: Story) -> None:
    offers = {offer.name: offer.why for offer in composing.offers(composing.card_of(story))}
    assert set(offers) == set(cards.layouts())
    assert {name for name, why in offers.items() if why} == {"stat", "quote", "poll"}


def test_a_poll_is_two_answers_and_chooses_its_layout(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, poll="Yes, at once\n No, it costs too much ")
    assert story.poll == ["Yes, at once", "No, it costs too much"]
    assert composing.card_of(story).layout == "poll"
    with pytest.raises(EngineError, match="two answers"):
        stories.edit_story(story, by=cast.alice, poll="Yes")
    stories.edit_story(story, by=cast.alice, poll="")
    assert composing.card_of(story).layout == "full-bleed"


def test_choosing_a_layout_makes_the_cards_older(cast: Cast, story: Story) -> None:
    card = story.variants.get()
    assert variants.is_fresh(story, card)
    stories.edit_story(story, by=cast.alice, layout="split")
    assert not variants.is_fresh(story, card)
    for layout, said in (("stat", "doesn't fit"), ("poster", "no layout")):
        with pytest.raises(EngineError, match=said):
            stories.edit_story(story, by=cast.alice, layout=layout)
    stories.edit_story(story, by=cast.alice, layout="")
    assert variants.is_fresh(story, card)


def test_a_card_depends_on_what_it_shows_alone(cast: Cast, story: Story) -> None:
    card, last = story.variants.get(), story.scenes.last()
    assert last is not None
    stories.edit_scene(story, last.pk, by=cast.alice, on_screen="Something else")
    assert variants.is_fresh(story, card)
    stories.edit_story(story, by=cast.alice, layout="list")
    older = composing.key(story, "card:1x1")
    stories.edit_scene(story, last.pk, by=cast.alice, on_screen="Something else again")
    assert composing.key(story, "card:1x1") != older


def test_a_preview_is_kept_and_new_for_other_words(story: Story) -> None:
    digest, content = composing.preview(story, "card:4x5")
    assert composing.preview(story, "card:4x5") == (digest, content)
    assert composing.preview(story, "card:4x5", title="Another headline")[0] != digest
    assert composing.preview(story, "card:4x5", layout="split")[0] != digest


def test_every_layout_that_is_offered_can_be_drawn(story: Story) -> None:
    card = composing.card_of(story)
    for offer in composing.offers(card):
        if offer.why:
            continue
        for form in (name for name in FORMATS if name.startswith("card:")):
            composed = composing.compose(story, form, layout=offer.name, scale=0.25)
            assert composed.size == FORMATS[form]


def test_a_carousel_is_a_card_for_each_scene(cast: Cast, story: Story) -> None:
    stories.edit_story(story, by=cast.alice, layout="carousel")
    drawn = list(composing.compose_all(story, "card:1x1"))
    assert len(drawn) == 4
    said = [" ".join(line for part in one.parts if part.name == "page" for line in part.setting.lines) for one in drawn]
    assert said == ["1/4", "2/4", "3/4", "4/4"]
    with pytest.raises(EngineError, match="no card 5"):
        composing.compose(story, "card:1x1", page=5)


def test_a_brand_dresses_cards_and_videos(cast: Cast, story: Story) -> None:
    card = story.variants.get()
    brand = brands.keep(
        cast.workspace, None, by=cast.alice, name="The Harbour Post", colours={"paper_accent": "#7A1F5C"},
        font_families={"headline": "sans"}, logo=picture(cast.workspace, "navy", "Logo"), is_default=True,
    )  # fmt: skip
    assert not variants.is_fresh(story, card)
    look = variants.look(story)
    assert (look.paper_accent, look.headline_family, look.text_family) == ("#7A1F5C", "sans", "sans")
    assert composing.card_of(story).logo is not None
    assert composing.card_of(story).kicker == ""
    brands.keep(cast.workspace, brand, by=cast.alice, name=brand.name, colours={}, font_families={})
    assert composing.card_of(story).kicker == ""  # no longer the default
    stories.edit_story(story, by=cast.alice, brand=str(brand.pk))
    assert composing.card_of(story).kicker == "The Harbour Post"


def test_a_brand_that_cannot_be_read_is_refused(cast: Cast) -> None:
    def keep(**said: object) -> Brand:
        given = {"name": "A", "colours": {}, "font_families": {}, **said}
        return brands.keep(cast.workspace, None, by=cast.alice, **given)  # type: ignore[arg-type]

    with pytest.raises(EngineError, match="contrast of 1"):
        keep(colours={"ink": "#222222"})
    with pytest.raises(EngineError, match="no colour"):
        keep(colours={"ink": "url(evil)"})
    with pytest.raises(EngineError, match="no font"):
        keep(font_families={"headline": "Comic Sans Nobody Has"})
    with pytest.raises(EngineError, match="needs a name"):
        keep(name="  ")
    keep()
    with pytest.raises(EngineError, match="already"):
        keep()
    assert Brand.objects.count() == 1


def test_every_font_that_is_offered_draws(story: Story) -> None:
    for family in families():
        card = cards.Card("Forty boats go électric", "words")
        composed = cards.compose(card, (400, 400), Look(headline_family=family, text_family=family))
        assert isinstance(composed.image, Image.Image)


def test_another_workspaces_brand_and_assets_are_refused(cast: Cast, story: Story) -> None:
    theirs = Brand.objects.create(workspace=cast.other, name="Theirs")
    with pytest.raises(EngineError, match="no such brand"):
        stories.edit_story(story, by=cast.alice, brand=str(theirs.pk))
    with pytest.raises(EngineError, match="of your library"):
        brands.keep(cast.workspace, None, by=cast.alice, name="A", colours={}, font_families={},
                    logo=picture(cast.other, "red", "Their logo"))  # fmt: skip
