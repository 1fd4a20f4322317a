"""What every writer promises; an engine's test class inherits it and makes its engine."""

from __future__ import annotations

import pytest

from generation.engines.base import Article, Script, Watch, Wish, Writer
from generation.sentences import sentences
from media_processing.engine import EngineError

STORY = Article(
    title="Electric ferry begins crossing the fjord",
    text="""\
A ferry that runs entirely on batteries made its first crossing of the Solund fjord on Monday. It carried 120 cars and
360 passengers without burning a drop of diesel.

The batteries weigh 80 tonnes, as much as thirteen elephants. The power comes from a dam 14 kilometres up the valley.
Engineers put a second battery on the quay so that the lights in the village stay bright.

The ship cost 31 million euros, nearly twice as much as a diesel ferry. Ticket prices stay the same for now. Two more
electric ferries will enter service in 2028.""",
)
NOTE = Article(text="New bakery opens on Harbour Road this Saturday.\n\nFree bread for the first 100 guests.")


def words_in(script: Script) -> int:
    return sum(len(scene.narration.split()) for scene in script.scenes)


class WriterContract:
    @pytest.fixture
    def writer(self) -> Writer:
        raise NotImplementedError

    def test_a_script_has_all_that_a_story_needs(self, writer: Writer) -> None:
        script = writer.write_script(STORY, Wish(seconds=40))
        assert 4 <= len(script.scenes) <= 8
        assert script.headline and len(script.headline) <= 120
        assert script.summary
        assert script.language == "en"
        assert all(tag.startswith("#") and " " not in tag for tag in script.hashtags)
        for scene in script.scenes:
            assert scene.narration.strip() and scene.visual.strip() and scene.alt.strip()
            assert 0 < len(scene.on_screen) <= 60

    def test_every_scene_rests_on_sentences_of_the_article(self, writer: Writer) -> None:
        count = len(sentences(STORY.text, "en"))
        for scene in writer.write_script(STORY, Wish()).scenes:
            assert scene.sources
            assert all(0 <= number < count for number in scene.sources)

    def test_the_script_fits_the_wished_length(self, writer: Writer) -> None:
        assert words_in(writer.write_script(STORY, Wish(seconds=20))) <= 20 * 2.5 * 1.3

    def test_two_lines_are_enough(self, writer: Writer) -> None:
        script = writer.write_script(NOTE, Wish(seconds=30))
        assert 1 <= len(script.scenes) <= 8

    def test_progress_reaches_the_end(self, writer: Writer) -> None:
        seen: list[float] = []
        writer.write_script(STORY, Wish(), watch=Watch(progress=seen.append))
        assert seen[-1] == 1.0
        assert seen == sorted(seen)

    def test_it_says_what_made_the_script(self, writer: Writer) -> None:
        made_by = writer.write_script(STORY, Wish()).made_by
        assert made_by["role"] == "writer"
        assert made_by["engine"] == writer.name
        assert made_by["model"] == writer.model

    def test_an_empty_article_is_refused(self, writer: Writer) -> None:
        with pytest.raises(EngineError) as refused:
            writer.write_script(Article(text=" \n "), Wish())
        assert refused.value.permanent
        assert refused.value.next_step

    def test_too_long_an_article_is_refused(self, writer: Writer) -> None:
        with pytest.raises(EngineError, match="20,000 words"):
            writer.write_script(Article(text="word " * 20_001), Wish())
