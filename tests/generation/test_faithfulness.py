"""Names and numbers that the source doesn't hold: on a small set written and judged by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from generation import faithfulness

SET: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("faithfulness.toml").read_text())["article"]


def told(article: dict[str, Any], line: str) -> list[str]:
    flags = faithfulness.check(
        line, source=article["text"], title=article["title"], language=article["language"]
    )
    return [flag.what for flag in flags]


def measured(articles: list[dict[str, Any]]) -> tuple[float, float]:
    """Precision and recall over what should be told of each line."""
    right = wrong = missed = 0
    for article in articles:
        for line, expected in article["lines"]:
            found = told(article, line)
            right += len(set(found) & set(expected))
            wrong += len(set(found) - set(expected))
            missed += len(set(expected) - set(found))
            if sorted(found) != sorted(expected):
                print(f"{article['name']}: {line!r} told {found}, should tell {expected}")
    precision, recall = right / (right + wrong), right / (right + missed)
    print(f"{sum(len(each['lines']) for each in articles)} lines: precision {precision:.2f}, recall {recall:.2f}")
    return precision, recall


def test_precision_and_recall_on_the_written_set() -> None:
    precision, recall = measured([article for article in SET if not article.get("held_out")])
    assert precision >= 0.95
    assert recall >= 0.95


def test_precision_and_recall_on_lines_that_no_rule_was_made_for() -> None:
    precision, recall = measured([article for article in SET if article.get("held_out")])
    assert precision >= 0.7
    assert recall >= 0.7


def test_each_flag_has_the_nearest_sentence_of_the_source_beside_it() -> None:
    ferry = SET[0]
    (flag,) = faithfulness.check("It carried 150 cars on its first crossing.", source=ferry["text"])
    assert (flag.kind, flag.what, flag.nearest) == ("number", "150", 1)
    assert flag.nearest_text.startswith("It carried 120 cars")
    assert flag.sentence == "It carried 150 cars on its first crossing."


def test_a_text_that_shares_nothing_has_no_sentence_beside_it() -> None:
    (flag,) = faithfulness.check("Zebras like 99 jazz records.", source="The bridge is old.")
    assert (flag.nearest, flag.nearest_text) == (-1, "")


def test_sentences_are_told_apart() -> None:
    flags = faithfulness.check("It has 5 doors. It has 6 windows.", source="It has 5 doors.")
    assert [(flag.sentence, flag.what) for flag in flags] == [("It has 6 windows.", "6")]


def test_a_translation_is_compared_by_its_numbers_and_full_names() -> None:
    source = "Maria Silva opened the bridge in London. It cost 31 million euros."
    check = faithfulness.check
    assert not check("Maria Silva eröffnete die Brücke in London.", source=source, language="de", source_language="en")
    assert not check("Le pont de Londres a coûté 31 millions.", source=source, language="fr", source_language="en")
    (flag,) = check("Juan Silva abrió el puente.", source=source, language="es", source_language="en")
    assert flag.what == "Juan Silva"


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "…", "1" * 400, "１２３", "½", "²", "1.2.3.4", "1,,2", "٣٠٠", "A" * 5000]
)
def test_odd_texts_do_not_break_it(text: str) -> None:
    faithfulness.check(text, source="A 1.", language="en")
    faithfulness.check("A 1.", source=text, language="xx")


def test_the_articles_own_sentences_are_never_flagged() -> None:
    for article in SET:
        assert told(article, article["text"]) == []
