"""How an embedder is judged: figures by hand on a gallery of four, and the command."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from search.training.evaluate import Figures, Query, confusions, search

GALLERY = [
    frozenset({"object:car", "colour:car:red", "light:day"}), frozenset({"object:car", "colour:car:blue", "light:day"}),
    frozenset({"object:dog", "colour:dog:red", "light:night"}), frozenset({"object:cat", "light:day"}),
]


def test_figures_are_those_counted_by_hand() -> None:
    queries = [
        Query("a blue car", frozenset({"object:car", "colour:car:blue"})), Query("a dog", frozenset({"object:dog"}))
    ]
    texts = np.array([[1, 0, 0, 0], [0, 0, 1, 0]], dtype=np.float32)
    answers = search(queries, GALLERY, texts, np.eye(4, dtype=np.float32))
    assert [answer.hits for answer in answers] == [(False, True, False, False), (True, False, False, False)]
    assert Figures.of(answers) == Figures(2, recall_at_10=1.0, recall_at_1=0.5, precision_at_10=1.0)
    assert [(one.asked, one.instead, one.times) for one in confusions(answers)] == [
        ("colour:car:blue", "colour:car:red", 1)
    ]


def test_pictures_past_the_tenth_are_no_hit() -> None:
    gallery = [frozenset({"object:cat"})] * 10 + [frozenset({"object:dog"})]
    texts = np.array([[1.0, 0.0]], dtype=np.float32)
    pictures = np.array([[1.0, 0.0]] * 10 + [[0.0, 1.0]], dtype=np.float32)
    answers = search([Query("a dog", frozenset({"object:dog"}))], gallery, texts, pictures)
    assert Figures.of(answers).recall_at_10 == 0


def test_absurd_numbers_have_a_clear_answer() -> None:
    with pytest.raises(CommandError, match="--pictures is 0"):
        call_command("clip_quality", pictures=0)


@pytest.mark.slow
def test_the_command_says_the_same_twice(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for _ in range(2):
        call_command("clip_quality", "--json", "--engine", "onnx", pictures=120, queries=60)
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert told[0]["all"]["queries"] == 60
    assert 0 <= told[0]["two_coloured_objects"]["recall_at_10"] <= 1
