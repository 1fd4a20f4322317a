"""Personal data is found by its build and its check digits, wherever it hides; numbers that only look so are not."""

from __future__ import annotations

import time

import pytest

from moderation.engines.personal import PersonalJudge
from moderation.patterns import iban, luhn, verhoeff
from tests.contracts.text_judge import TextJudgeContract
from tests.moderation.measuring import flagged
from tests.moderation.test_rules import HOSTILE

JUDGE = PersonalJudge("personal")


class TestPersonalJudge(TextJudgeContract):
    @pytest.fixture
    def judge(self) -> PersonalJudge:
        return PersonalJudge("personal")


@pytest.mark.parametrize(("text", "language", "rule"), [
    ("Write to jane.doe@gmail.com today", "en", "email"), ("card 4111 1111 1111 1111", "en", "card"),
    ("in 2024 5500-0000-0000-0004", "en", "card"), ("amex 378282246310005", "en", "card"),
    ("IBAN DE89 3704 0044 0532 0130 00 please", "en", "iban"), ("GB82WEST12345698765432", "en", "iban"),
    ("+49 30 1234567", "fr", "phone"), ("(212) 555-0187", "en", "phone"), ("whatsapp: 98765 43210", "en", "phone"),
    ("am besten 0151 23456789 probieren", "de", "phone"), ("el 612 345 678, por favor", "es", "phone"),
    ("मेरा 98765 43210 है", "hi", "phone"), ("020 7946 0958", "en", "phone"),
    ("SSN 078-05-1120", "en", "social-security"), ("आधार 2345 6789 0124", "hi", "aadhaar"),
    ("jane\u200b.doe@gmail.com", "en", "email"), ("४१११ ११११ ११११ ११११", "hi", "card"),
    ("She lives at 14 Rose Hill Road, Leeds LS6 2AB.", "en", "address"),
    ("Er wohnt Lange Gasse 12, 86152 Augsburg", "de", "address"),
    ("vive en calle de la Luna, 14, 28004 Madrid", "es", "address"),
])  # fmt: skip
def test_personal_data(text: str, language: str, rule: str) -> None:
    opinion = JUDGE.judge(text, language=language)
    assert [each["rule"] for each in opinion.evidence] == [f"any.personal-data: {rule}"]
    assert "personal-data" in flagged(JUDGE, text, language)


@pytest.mark.parametrize("text", [
    "card 4111 1111 1111 1112", "DE89 3704 0044 0532 0130 01", "2024-05-12 10:30:00", "1 204 332 and 1 310 554",
    "press@", "a@b", "Call 112 or 988", "192.168.100.200", "2345 6789 0123 units", "ISBN 978-3-16-148410-0",
    "12,345,678.90", "@handle", "The talks at 10 Downing Street went on.", "Flight 0815 landed, 4711 did not.",
    "from 1999 to 2024, 12 000 000 people", "Helpline: 0800 1110111",
])  # fmt: skip
def test_numbers_that_only_look_so(text: str) -> None:
    assert "personal-data" not in flagged(JUDGE, text)


def test_a_free_line_weighs_less_than_a_person_s_phone() -> None:
    free, own = (JUDGE.judge(text, language="de").scores["personal-data"] for text in ("0800 1110111", "0151 23456789"))
    assert 0 < free < 0.3 < own


def test_an_office_is_no_person() -> None:
    assert 0 < JUDGE.judge("press@river.org").scores["personal-data"] < 0.3
    assert JUDGE.judge("me@example.com").scores["personal-data"] == 0


def test_check_digits() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert iban("de89370400440532013000")
    assert not iban("de89370400440532013001")
    assert verhoeff("2363")
    assert not verhoeff("2364")


def seconds(text: str) -> float:
    start = time.process_time()
    JUDGE.judge(text)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("unit", [*HOSTILE.values(), "14 rose ", "calle a ", "(2", "12345 "])
def test_hostile_texts_take_linear_time(unit: str) -> None:
    short, long = ((unit * length)[:length] for length in (8_000, 32_000))
    fastest = [min(seconds(text) for _try in range(3)) for text in (short, long)]
    assert fastest[1] < 6 * fastest[0] + 0.3
