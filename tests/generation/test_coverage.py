"""How often a scene shows what its line says: 40 articles, written before their words were looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation import services as generation
from generation.articles import read_article
from generation.engines.base import Wish
from generation.illustrations.reading import named, read
from generation.illustrations.scene import Item, Scene

NEWS = sorted((Path(__file__).parent / "news").glob("*.md"))
ENOUGH = 0.80


def test_the_sample_is_broad() -> None:
    subjects = {file.stem.partition("-")[0] for file in NEWS}
    assert len(NEWS) == 40
    assert len(subjects) >= 8
    for file in NEWS:
        text = file.read_text(encoding="utf-8")
        assert text.startswith("# ")
        assert 150 <= len(text.split()) <= 320, file.name


def test_most_scenes_show_something_that_their_line_names() -> None:
    shown, lost = 0, []
    for file in NEWS:
        article = read_article(file.read_bytes(), name=file.name)
        script = generation.write(article, Wish(language=article.language), engine="extractive")
        assert 4 <= len(script.scenes) <= 8
        for number, scene in enumerate(script.scenes):
            if named(read(scene.visual, number).scene, scene.narration):
                shown += 1
            else:
                lost.append(f"{file.stem}: {scene.visual}  <- {scene.narration}")
    share = shown / (shown + len(lost))
    print(f"{shown} of {shown + len(lost)} scenes ({share:.1%}) show something named in their line. The others:")
    print("\n".join(lost))
    assert share >= ENOUGH, f"{share:.1%}"


@pytest.mark.parametrize(
    ("scene", "line", "words"),
    [
        (Scene("sea", items=(Item("ship"),)), "Two ferries waited in the bay.", ("ferries", "bay")),
        (Scene("city", items=(Item("coins"),)), "A rise of four per cent.", ()),
        (Scene("room", items=(Item("saw"),)), "They saw it coming.", ()),
        (Scene("room", items=(Item("baker"),)), "Sarah Baker spoke first.", ()),
        (Scene("room", items=(Item("baker"),)), "The bakers spoke first.", ("bakers",)),
        (Scene("sea", items=(Item("whale"),)), "Krill is scarce.", ()),
        (Scene(""), "The sea and the hills.", ()),
    ],
)
def test_named(scene: Scene, line: str, words: tuple[str, ...]) -> None:
    assert named(scene, line) == words
