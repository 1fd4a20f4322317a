"""The rules find what they should, leave alone what they should, show the place, and are quick on hostile text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from moderation.engines.rules import SHIPPED, RulesJudge
from moderation.folding import fold
from moderation.lexicon import read_banks
from moderation.patterns import iban, luhn, verhoeff
from moderation.services import shipped_rules
from tests.contracts.text_judge import TextJudgeContract

LINES = Path(__file__).with_name("lines.tsv")
SITE = shipped_rules()["surfaces"]["site"]


@pytest.fixture(scope="module")
def rules() -> RulesJudge:
    return RulesJudge("rules")


def flagged(judge: RulesJudge, text: str, language: str = "en") -> set[str]:
    """The categories for which the shipped policy wants a person to look before the site shows a text."""
    scores = judge.judge(text, language=language).scores
    return {category for category, score in scores.items() if score >= SITE[category]["review"]}


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


def test_precision_and_recall_on_the_written_lines(rules: RulesJudge) -> None:
    """Lines and banks have the same author, so this is kinder than the world. Measured: precision 0.97, recall 0.89."""
    lines = [line.split("\t") for line in LINES.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) >= 200
    results = [(label == "flag", flagged(rules, text, language), named) for label, language, named, text in lines]
    right = sum(bool(wanted and found) for wanted, found, _named in results)
    wrong = sum(bool(not wanted and found) for wanted, found, _named in results)
    missed = sum(bool(wanted and not found) for wanted, found, _named in results)
    named_right = sum(named in found for wanted, found, named in results if wanted)
    precision, recall = right / (right + wrong), right / (right + missed)
    print(
        f"{len(lines)} lines: precision {precision:.3f}, recall {recall:.3f}, category {named_right}/{right + missed}"
    )
    assert precision >= 0.95
    assert recall >= 0.85
    assert named_right / right >= 0.97


@pytest.mark.parametrize("text", [
    "Kill the lights!", "Dick Cheney spoke.", "She leads in the shot put.", "Breast cancer awareness month.",
    "An analyst from Scunthorpe assesses classic cocktails.", "El año pasado", "The A55 is closed.",
])  # fmt: skip
def test_harmless_phrases(rules: RulesJudge, text: str) -> None:
    assert not flagged(rules, text)


def test_an_exception_hides_only_itself(rules: RulesJudge) -> None:
    assert "violence" in flagged(rules, "Kill the lights or I will kill you.")


def test_reporting_weighs_less(rules: RulesJudge) -> None:
    told = rules.judge("Police shot a man, officials said.").scores["violence"]
    meant = rules.judge("Massacre! Carnage! They were shot dead!").scores["violence"]
    assert 0 < told < SITE["violence"]["review"] <= meant


@pytest.mark.parametrize("trick", [
    "fu\u200bck", "f\u00adu\u2060ck", "fսck", "ｆｕｃｋ", "𝓯𝓾𝓬𝓴", "f́u̶c̈k", "FUCK", "fuuuuck", "f u c k", "f.u.c.k",
    "f_u_c_k", "fu-ck", "\u202ekcuf\u202c", "f\u200f\u200eu\u2066ck\u2069", "ḟṳċḳ",
    "f\ufe0fuck", "fu\x00ck", "рhuck fuсk", "f*ck",
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


@pytest.mark.parametrize(("text", "rule"), [
    ("Write to jane.doe@gmail.com today", "email"), ("card 4111 1111 1111 1111", "card"),
    ("in 2024 5500-0000-0000-0004", "card"), ("amex 378282246310005", "card"),
    ("IBAN DE89 3704 0044 0532 0130 00 please", "iban"),
    ("GB82WEST12345698765432", "iban"), ("+49 30 1234567", "phone"), ("(212) 555-0187", "phone"),
    ("whatsapp: 98765 43210", "phone"),
    ("SSN 078-05-1120", "social-security"), ("आधार 2345 6789 0124", "aadhaar"), ("jane\u200b.doe@gmail.com", "email"),
    ("४१११ ११११ ११११ ११११", "card"),
])  # fmt: skip
def test_personal_data(rules: RulesJudge, text: str, rule: str) -> None:
    rules_hit = [each["rule"] for each in rules.judge(text).evidence if each["category"] == "personal-data"]
    assert rules_hit == [f"any.personal-data: {rule}"]


@pytest.mark.parametrize("text", [
    "card 4111 1111 1111 1112", "DE89 3704 0044 0532 0130 01", "2024-05-12 10:30:00", "1 204 332 and 1 310 554",
    "press@",
    "a@b", "Call 112 or 988", "192.168.100.200", "2345 6789 0123 units", "ISBN 978-3-16-148410-0", "12,345,678.90",
    "@handle",
])  # fmt: skip
def test_numbers_that_only_look_so(rules: RulesJudge, text: str) -> None:
    assert "personal-data" not in flagged(rules, text)


def test_an_office_is_no_person(rules: RulesJudge) -> None:
    assert 0 < rules.judge("press@river.org").scores["personal-data"] < 0.3
    assert rules.judge("me@example.com").scores["personal-data"] == 0


def test_check_digits() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert iban("de89370400440532013000")
    assert not iban("de89370400440532013001")
    assert verhoeff("2363")
    assert not verhoeff("2364")


def test_an_unknown_language_is_searched_and_says_what_is_missing(rules: RulesJudge) -> None:
    opinion = rules.judge("Quelle journée, fuck, écrivez à jean.dupont@orange.fr", language="fr-CA")
    assert opinion.scores["profanity"] >= 0.7
    assert opinion.scores["personal-data"] >= 0.5
    assert "violence" in opinion.missing
    assert "personal-data" not in opinion.missing


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
