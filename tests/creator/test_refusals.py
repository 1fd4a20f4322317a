"""What tools refuse with, told in the language of the page."""

from __future__ import annotations

import pytest
from django.utils import translation

from creator import catalogues
from creator.models import Job
from creator.services.refusals import told
from tests.conftest import Cast
from tests.views.conftest import browser_of


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("The article is empty.", "Der Artikel ist leer."),
        ("The article is empty. Paste its text, or give a link.",
         "Der Artikel ist leer. Fügen Sie den Text ein, oder geben Sie einen Link."),
        ("boat.tif can't be read: it ends.", "boat.tif ist nicht lesbar: it ends."),
        ("“Boats. And more” isn't in the library. Choose another file.",
         "„Boats. And more“ ist nicht in der Bibliothek. Wählen Sie eine andere Datei."),
        ("This could cost 2.00 EUR, and 3.00 of the day, 4.00 EUR, is spent or set aside.",
         "Das könnte 2.00 EUR kosten, und 3.00 von 4.00 EUR (the day) sind ausgegeben oder zurückgelegt."),
        ("Nobody has translated this. Or {this}.", "Nobody has translated this. Or {this}."),
        ("", ""),
    ],
)  # fmt: skip
def test_a_refusal_is_found_again_by_its_form(said: str, read: str) -> None:
    with translation.override("de"):
        assert told(said) == read
    with translation.override("en"):
        assert told(said) == said


def test_forms_are_collected_from_wherever_an_error_takes_its_words() -> None:
    found = {text for (text, _context), _where in catalogues.refusal_messages()}
    assert {"The article is empty.", "There is no filter {}."} <= found  # a constant, an f-string
    assert {"No Qdrant server is named.", "QDRANT_URL isn't an address."} <= found  # either side of a choice
    assert "Captions go by sentence instead." in found  # a name


def test_a_failed_job_says_why_in_german(cast: Cast) -> None:
    from django.utils import timezone

    now = timezone.now()
    Job.objects.create(
        workspace=cast.workspace, kind="make_story", person=cast.ada, due=now, state="failed", started=now,
        finished=now, error="No font on this machine can draw: Thai.", next_step="Choose another language.",
    )  # fmt: skip
    cast.ada.language = "de"
    cast.ada.save()
    page = browser_of(cast.ada).get("/jobs/").content.decode()
    assert "Keine Schrift auf diesem Rechner kann das zeichnen: Thai." in page
    assert "Wählen Sie eine andere Sprache." in page
