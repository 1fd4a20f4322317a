"""The catalogues of translations: what the program says, collected with Babel, and compiled for gettext.

Django's own makemessages needs the GNU tools; this needs nothing that isn't installed anyway. The words of writers
(prompts) are not among them. Tools know no language: the tables of names that pages take from them, and what they
refuse with (an EngineError), are translated where a page shows them.
"""

from __future__ import annotations

import ast
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from creator.environment import ROOT
from media_processing.timeline import CaptionMotion

LOCALE = ROOT / "locale"
LANGUAGES = ("de",)
KEYWORDS: dict[str, Any] = {
    "gettext": None, "gettext_lazy": None, "gettext_noop": None, "_": None, "ngettext": (1, 2),
    "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
PACKAGES = ("creator", "search", "generation", "media_processing", "moderation")
Message = tuple[str | tuple[str, ...], str | None]
"""The text, or its singular and plural, and its context."""


@dataclass(frozen=True)
class State:
    """How complete a catalogue is."""

    path: Path
    known: int
    missing: list[str]


def page_messages() -> Iterator[tuple[Message, str]]:
    """What templates and Python say, each with the file that says it; the page of components is for developers."""
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in (".html", ".txt") and not {"prompts", "design"} & set(path.parts):
            yield from _in_source(templatize(path.read_text("utf-8"), origin=str(path)), "python", path)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield from _in_source(path.read_text("utf-8"), "python", path)


def table_messages() -> Iterator[tuple[Message, str]]:
    """Names in tables of services and tools, which pages translate as they show them."""
    from creator.services import brands, drafting, history, insights, keys, spending, standing, webhooks
    from generation.music import MOODS
    from media_processing.pictures import COLOURS
    from search.filters import FILTERS
    from search.query import SORTS

    tables: list[tuple[str, Iterable[str]]] = [
        ("creator/services/brands.py", [*brands.COLOURS.values(), *map(str.capitalize, get_args(CaptionMotion))]),
        ("creator/services/drafting.py", drafting.TONES.values()),
        ("creator/services/history.py", map(history.heading, history.PARTS)),
        ("creator/services/insights.py", insights.PERIODS.values()),
        ("creator/services/keys.py", keys.SCOPES.values()),
        ("creator/services/spending.py", [*spending.PERIODS.values(), *spending.GROUPS.values()]),
        ("creator/services/standing.py", standing.STATES.values()),
        ("creator/services/webhooks.py", webhooks.TYPES.values()),
        ("generation/music.py", [mood.title for mood in MOODS.values()]),
        ("media_processing/pictures.py", COLOURS),
        ("search/query.py", SORTS.values()),
        ("search/filters.py", [text for each in FILTERS for text in (each.label, *each.options.values())]),
    ]
    for where, texts in tables:
        yield from (((text, None), where) for text in texts)


def script_messages() -> Iterator[tuple[Message, str]]:
    """What the modules of static/js say."""
    for path in sorted((ROOT / "static" / "js").rglob("*.js")):
        yield from _in_source(path.read_text("utf-8"), "javascript", path)


def refusal_messages() -> Iterator[tuple[Message, str]]:
    """What EngineErrors say, with {} for what is filled in; programs and commands are told in English."""
    sources = {
        path: ast.parse(source)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not {"api", "commands", "migrations"} & set(path.parts) and "Error" in (source := path.read_text("utf-8"))
    }
    classes = [each for tree in sources.values() for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    kinds = {"EngineError"}
    while more := {each.name for each in classes if kinds & set(map(_name, each.bases))} - kinds:
        kinds |= more
    for path, tree in sources.items():
        named = defaultdict(list)
        for each in ast.walk(tree):
            if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
                named[each.targets[0].id].append(each.value)
        calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
        said = [text for call in calls if _name(call.func) in kinds for text in _words_of(call)]
        for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
            # One that only passes its words on to the error: whoever calls it says them.
            taken = [each.arg for each in (*function.args.args, *function.args.kwonlyargs) if each.arg != "self"]
            inside = [each for each in ast.walk(function) if isinstance(each, ast.Call) and _name(each.func) in kinds]
            passed = {_name(text) for call in inside for text in _words_of(call)} & set(taken)
            for call in (each for each in calls if passed and _name(each.func) == function.name):
                said += [text for name, text in zip(taken, call.args, strict=False) if name in passed]
                said += [each.value for each in call.keywords if each.arg in passed]
        for text in (text for expression in said for text in _texts(expression, named)):
            yield (text, None), path.relative_to(ROOT).as_posix()


def _words_of(call: ast.Call) -> list[ast.expr]:
    return [*call.args[:1], *(each.value for each in call.keywords if each.arg == "next_step")]


def _name(node: ast.expr) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _texts(node: ast.expr, named: dict[str, list[ast.expr]]) -> Iterator[str]:
    """What an expression may say: the text itself, either side of a choice, what its name was given in the file."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (text for side in (node.body, node.orelse) for text in _texts(side, named))
    elif isinstance(node, ast.BoolOp):
        yield from (text for side in node.values for text in _texts(side, named))
    elif isinstance(node, ast.Name):
        yield from (text for value in named.get(node.id, ()) if value is not node for text in _texts(value, {}))


def _in_source(source: str, method: str, path: Path) -> Iterator[tuple[Message, str]]:
    where = path.relative_to(ROOT).as_posix()
    for _line, text, _comments, context in extract(method, io.BytesIO(source.encode()), KEYWORDS):
        if text and text != ("",):
            yield (text, context), where


def brought_up_to_date(*, write: bool) -> list[State]:
    """Hold every catalogue against the sources. With `write`, new texts are added, gone ones dropped, all compiled."""
    states = []
    domains = {
        "django": [*page_messages(), *table_messages()],
        "djangojs": list(script_messages()),
        "refusals": list(refusal_messages()),
    }
    for domain, found in domains.items():
        for language in LANGUAGES:
            path = LOCALE / language / "LC_MESSAGES" / f"{domain}.po"
            known = read(path) if path.exists() else Catalog(locale=language)
            fresh = Catalog(
                locale=language,
                domain=domain,
                project="Storyloom",
                fuzzy=False,
                header_comment="# Storyloom",
                creation_date=known.creation_date,
            )
            for (text, context), where in found:
                before = known.get(text if isinstance(text, str) else text[0], context)
                fresh.add(
                    text, before.string if before else None, locations=[(where, 1)], context=context,
                    flags=before.flags if before else (),
                )  # fmt: skip
            missing = [str(message.id) for message in fresh if message.id and not _is_whole(message.string)]
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    write_po(file, fresh, sort_output=True, include_lineno=False, omit_header=False, width=120)
                compile_to(path.with_suffix(".mo"), fresh)
            states.append(State(path.relative_to(ROOT), len(fresh) - len(missing), missing))
    return states


def _is_whole(translated: Any) -> bool:
    """Whether a text is translated, in each of its numbers."""
    return all(translated) if isinstance(translated, tuple) else bool(translated)


def read(path: Path) -> Catalog:
    """A catalogue from its file."""
    with path.open("rb") as file:
        return read_po(file)


def compile_to(path: Path, catalogue: Catalog) -> None:
    """Write the binary form that gettext reads."""
    with path.open("wb") as file:
        write_mo(file, catalogue)
