"""Every word of the pages can be translated, and is: no bare text in templates, no gap in a catalogue."""

from __future__ import annotations

import gettext
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType
from django.test import Client

from creator import catalogues
from tests.conftest import Cast
from tests.views.conftest import browser_of

ROOT = Path(__file__).resolve().parent.parent
SAID = {"aria-label", "title", "placeholder", "alt", "label", "data-confirm"}
"""Attributes that people read or hear."""
CODE = {"script", "style", "code", "pre", "kbd", "svg", "textarea"}
NAMES = {
    "Storyloom", "API", "AVIF", "CSV", "EDL", "FCP", "GB", "HTML", "JPEG", "JSON", "KB", "LUFS", "MB", "OTIO", "PNG",
    "SRT", "URL", "VTT", "WebP", "YAML", "dB", "fps", "kB", "ms", "px",
}  # fmt: skip
"""What is the same in every language: names, formats and units."""
TEMPLATES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "templates").rglob("*.html"))
    if not {"design", "prompts"} & set(path.parts)  # the page of components is for developers
]


class Bare(HTMLParser):
    """The words of a page that no translation reaches."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._code: list[str] = []
        self.feed(markup)
        self.close()

    def _look(self, text: str) -> None:
        words = re.findall(r"[^\W\d_]{2,}", text)
        if any(word not in NAMES for word in words):
            self.found.append(" ".join(text.split()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in CODE:
            self._code.append(tag)
        for name, value in attrs:
            if name in SAID and value:
                self._look(value)

    def handle_endtag(self, tag: str) -> None:
        if self._code and self._code[-1] == tag:
            self._code.pop()

    def handle_data(self, data: str) -> None:
        if not self._code:
            self._look(data)


def without_tags(source: str) -> str:
    """A template's markup: without tags, variables, comments, and without what translation tags enclose."""
    kept: list[str] = []
    inside = ""
    for token in Lexer(source).tokenize():
        name = token.contents.split(" ", 1)[0] if token.token_type == TokenType.BLOCK else ""
        if inside:
            inside = "" if name == inside else inside
        elif name in ("blocktranslate", "comment"):
            inside = f"end{name}"
        elif token.token_type == TokenType.TEXT:
            kept.append(token.contents)
    return "".join(kept)


@pytest.mark.parametrize("path", TEMPLATES)
def test_no_template_holds_bare_text(path: str) -> None:
    assert Bare(without_tags((ROOT / path).read_text())).found == []


def test_no_filter_holds_bare_text() -> None:
    shape = re.compile(r"\|default(?:_if_none)?:\"[A-Za-z]{3,}[^\"]*\"")
    assert shape.search('{{ key.used|default:"never" }}')
    assert not [path for path in TEMPLATES if shape.search((ROOT / path).read_text())]


def test_bare_text_is_seen() -> None:
    for markup in ("<p>Hello</p>", '<a title="Go there">x</a>', "{% if a %}Yes{% endif %}"):
        assert Bare(without_tags(markup)).found
    for markup in ("<p>{% translate 'Hello' %}</p>", "{% blocktranslate %}Hi {{ a }}{% endblocktranslate %}", "3 MB"):
        assert not Bare(without_tags(markup)).found


def test_nothing_is_untranslated() -> None:
    states = catalogues.brought_up_to_date(write=False)
    gaps = {str(state.path): state.missing for state in states if state.missing and state.path.stem != "refusals"}
    assert not gaps, "run `python manage.py translations`, then fill in locale/"
    refusals = next(state for state in states if state.path.stem == "refusals")
    assert refusals.known > 850
    assert len(refusals.missing) <= 0.03 * refusals.known, "a page shows what isn't translated in English"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "locale").rglob("*.po")), ids=lambda path: f"{path.parts[-3]}-{path.stem}"
)
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in catalogues.read(path):
        if isinstance(message.id, tuple):
            assert compiled.ngettext(*message.id, 1) == message.string[0]
        elif message.id:
            assert compiled.gettext(message.id) == message.string


@pytest.mark.parametrize(
    "path", sorted((ROOT / "locale").rglob("*.po")), ids=lambda path: f"{path.parts[-3]}-{path.stem}"
)
def test_translations_keep_what_is_filled_in(path: Path) -> None:
    """A placeholder that is lost or invented breaks a page, and so does lost markup."""
    shape = re.compile(r"%\(\w+\)s|%s|%%|</?\w+[^>]*>")
    wrong = []
    for message in catalogues.read(path):
        if not message.id:
            continue
        if isinstance(message.id, tuple):
            allowed = set(shape.findall(" ".join(message.id)))
            wrong += [each for each in message.string if not set(shape.findall(each)) <= allowed]
        elif sorted(shape.findall(message.id)) != sorted(shape.findall(message.string)):
            wrong.append(message.string)
    assert not wrong


def test_translated_refusals_fill_in_what_the_case_brings() -> None:
    """A gap may go where the other language leaves it out (a name that says it already), but none may be invented."""
    for message in catalogues.read(ROOT / "locale/de/LC_MESSAGES/refusals.po"):
        values = [f"<{number}>" for number in range(str(message.id).count("{}"))]
        said = str(message.string).format(*values)  # raises where there is a gap too many
        assert not re.search(r"[{}]", said)
        assert sum(value not in said for value in values) <= 1, message.id


@pytest.mark.parametrize(
    "path", ["/", "/library/", "/jobs/", "/settings/engines/", "/settings/people/", "/notices/", "/admin/"]
)
def test_pages_speak_german(cast: Cast, path: str) -> None:
    cast.ada.language = "de"
    cast.ada.save()
    page = browser_of(cast.ada).get(path).content.decode()
    assert '<html lang="de" dir="ltr"' in page
    assert "Bibliothek" in page


def test_what_programs_are_told_stays_english(cast: Cast) -> None:
    answer = Client(headers={"Accept-Language": "de"}).get("/api/v1/stories")
    assert answer.status_code == 401
    assert "ü" not in answer.content.decode()
