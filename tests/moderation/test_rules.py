"""The rules find what they should, leave alone what they should, show the place, and are quick on hostile text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from moderation.engines.rules import SHIPPED, RulesJudge
from moderation.folding import fold
from moderation.lexicon import read_banks
from tests.contracts.text_judge import TextJudgeContract
from tests.moderation.measuring import SITE, flagged, measure, written


@pytest.fixture(scope="module")
def rules() -> RulesJudge:
    return RulesJudge("rules")


class TestRulesJudge(TextJudgeContract):
    @pytest.fixture
    def judge(self) -> RulesJudge:
        return RulesJudge("rules")


def test_the_banks_are_large_enough_and_cover_every_category() -> None:
    banks, digest = read_banks(SHIPPED)
    assert set(banks) == RulesJudge.languages
    assert sum(len(bank.entries) for bank in banks.values()) >= 300
    assert len(digest) == 12
    for bank in banks.values():
        assert len(bank.entries) >= 100
        assert {entry.category for entry in bank.entries} == set(RulesJudge.categories)


def test_precision_and_recall_on_the_written_lines() -> None:
    """Measured on all 714: precision 0.98, recall 0.94. Most of them were written by who wrote the banks, or the banks
    grew by them. What a newcomer writes is found less often: of 87 lines of a third hand that should be flagged 70 %,
    before the banks grew by the first 50 of them; of the other 37, for which nothing was changed, 73 % before and
    after. Words alone don't tell more; the other judges and people must."""
    lines, unseen = measure(), measure(2)
    print(lines, unseen)
    assert lines.lines >= 400
    assert {line.language for line in written()} == RulesJudge.languages
    assert lines.precision >= 0.95
    assert lines.recall >= 0.85
    assert lines.named / lines.recall >= 0.95
    assert unseen.recall >= 0.75
    assert measure(3).recall >= 0.9
    assert measure(3).precision >= 0.95
    newcomer = measure(5)
    assert newcomer.recall >= 0.7
    assert newcomer.precision >= 0.9


@pytest.mark.parametrize("text", [
    "Kill the lights!", "Dick Cheney spoke.", "She leads in the shot put.", "Breast cancer awareness month.",
    "An analyst from Scunthorpe assesses classic cocktails.", "El año pasado", "The A55 is closed.",
])  # fmt: skip
def test_harmless_phrases(rules: RulesJudge, text: str) -> None:
    assert not flagged(rules, text)


def test_families_and_gaps_of_a_term(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text("""
language = "en"
harmless = ["paint the [place]"]
[families]
place = ["fence", "fences", "barn*"]
very = ["old", "red"]
[[group]]
id = "paint"
category = "spam"
severity = 0.8
terms = ["paint .. [very]? [place]"]
""")
    judge = RulesJudge("rules", banks=tmp_path)

    def shown(text: str) -> list[str]:
        return [each["text"] for each in judge.judge(text).evidence]

    assert shown("Go, paint my old red barns now") == ["paint my old red barns"]
    assert shown("paint fences") == ["paint fences"]
    assert not shown("Paint. My fence is new")
    assert not shown("paint one two three four fence")
    assert not shown("paint the fence")


@pytest.mark.parametrize(("term", "said"), [
    ("[places] here", "No family is called 'places'"), (".. here", "must begin and end"), ("here ..", "must begin"),
    ("here [place]?", "must begin and end"),
])  # fmt: skip
def test_a_faulty_term_is_refused(tmp_path: Path, term: str, said: str) -> None:
    group = f'[[group]]\nid = "a"\ncategory = "spam"\nseverity = 1\nterms = ["{term}"]\n'
    (tmp_path / "en.toml").write_text(f'language = "en"\n[families]\nplace = ["barn"]\n{group}')
    with pytest.raises(ValueError, match=said):
        RulesJudge("rules", banks=tmp_path).load()


def test_an_exception_hides_only_itself(rules: RulesJudge) -> None:
    assert "violence" in flagged(rules, "Kill the lights or I will kill you.")


def test_a_news_word_within_a_term_reports_nothing(rules: RulesJudge) -> None:
    assert "medical-claims" in flagged(rules, "Doctors won't tell you.")
    assert "medical-claims" not in flagged(rules, "Doctors won't tell you, according to the study.")


def test_reporting_weighs_less(rules: RulesJudge) -> None:
    told = rules.judge("Police shot a man, officials said.").scores["violence"]
    meant = rules.judge("Massacre! Carnage! They were shot dead!").scores["violence"]
    assert 0 < told < SITE["violence"]["review"] <= meant


@pytest.mark.parametrize("trick", [
    "fu\u200bck", "f\u00adu\u2060ck", "fսck", "ｆｕｃｋ", "𝓯𝓾𝓬𝓴", "f́u̶c̈k", "FUCK", "fuuuuck", "f u c k", "f.u.c.k",
    "f_u_c_k", "fu-ck", "\u202ekcuf\u202c", "f\u200f\u200eu\u2066ck\u2069", "ḟṳċḳ",
    "f\ufe0fuck", "fu\x00ck", "ᖴuck", "ƒùćķ", "f\u034fuck", "f\u2061uck", "\u2066fuck\u2069", "fu\u0489ck", "🅕🅤🅒🅚",
    "ⓕⓤⓒⓚ", "ꜰᴜᴄᴋ", "🅵🆄🅲🅺", "f\u180euck", "fu\u3164ck", "рhuck fuсk", "f*ck",
])  # fmt: skip
def test_tricks_are_seen_through(rules: RulesJudge, trick: str) -> None:
    text = f"Well, {trick} that."
    opinion = rules.judge(text)
    assert opinion.scores["profanity"] >= 0.7
    shown = opinion.evidence[0]
    assert text[shown["start"] : shown["end"]] == shown["text"]
    assert shown["start"] >= 6


@pytest.mark.parametrize("text", ["a$$hole", "@sshole", "a55hole", "b1tch", "bi7ch", "5hit", "sh!t"])
def test_digits_and_signs_for_letters(rules: RulesJudge, text: str) -> None:
    assert "profanity" in flagged(rules, f"You {text}, go.")


def test_words_across_a_sentence_end_are_no_phrase(rules: RulesJudge) -> None:
    assert "violence" not in flagged(rules, "It was the kill. You should have seen it.")


def test_offsets_survive_characters_that_fold_to_none_or_many(rules: RulesJudge) -> None:
    text = "ﬃ\u200b\u200bßß … Ärger: Scheiße!"
    found = rules.judge(text, language="de").evidence
    assert [each["text"] for each in found if each["category"] == "profanity"] == ["Scheiße"]
    assert fold("ﬃ").places == [0, 0, 0]


def test_evidence_names_its_rule(rules: RulesJudge) -> None:
    (found,) = rules.judge("This is bullshit.").evidence
    assert (found["rule"], found["text"], found["start"], found["end"]) == ("en.strong: bullshit*", "bullshit", 8, 16)


def test_an_unknown_language_is_searched_and_says_what_is_missing(rules: RulesJudge) -> None:
    opinion = rules.judge("Quelle journée, fuck, écrivez à jean.dupont@orange.fr", language="fr-CA")
    assert opinion.scores["profanity"] >= 0.7
    assert "violence" in opinion.missing


def test_a_language_has_its_own_words(rules: RulesJudge) -> None:
    assert "profanity" in flagged(rules, "Was für ein Arschloch", "de-AT")
    assert not flagged(rules, "Die dicke Frau geht", "de")


HOSTILE = {
    "prose": "The police said that nobody was hurt on the bridge. ", "letters": "a ", "joined": "a.", "cut": "fu-",
    "signs": "a!",
    "digits": "1", "numbers": "4111 ", "plus": "+1 ", "mails": "a@", "iban": "de89 aaaa", "kill": "kill ",
    "zero": "\u200b",
    "override": "\u202ea\n", "marks": "a\u0301", "call": "call 1 ", "stretch": "f", "stars": "f*", "dots": "1.",
}  # fmt: skip


def seconds(judge: RulesJudge, text: str) -> float:
    start = time.process_time()
    judge.judge(text)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_take_linear_time(rules: RulesJudge, unit: str) -> None:
    """Four times the text may take six times as long at most; a quadratic step would take sixteen."""
    short, long = ((unit * length)[:length] for length in (8_000, 32_000))
    fastest = [min(seconds(rules, text) for _try in range(3)) for text in (short, long)]
    assert fastest[1] < 6 * fastest[0] + 0.3


def test_a_hundred_thousand_characters_of_prose_take_a_second(rules: RulesJudge) -> None:
    assert seconds(rules, (HOSTILE["prose"] * 2000)[:100_000]) < 1.5
