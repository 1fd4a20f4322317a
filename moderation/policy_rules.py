"""The rules of a policy as data: read from YAML, checked, written, compared. No database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import yaml

from media_processing.engine import EngineError

Rules: TypeAlias = Mapping[str, Any]

SURFACES = ("internal", "site", "app", "ads")
"""Every policy has rules for these; it may have further ones."""
OUTCOMES = ("review", "block")
KINDS = ("text", "picture")
PARTS = ("surfaces", "expects", "clauses", "two_people", "due_hours")
DUE = ("block", "review", "pass", "appeal")
"""What `due_hours` may name: a case of that outcome, and an appeal, should be decided within so many hours."""
LONGEST = 24 * 90
"""Hours that a case may be given."""
MOST = 100_000
"""Characters of a policy."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class PolicyError(EngineError):
    """Rules that can't be a policy."""


def checked(rules: object) -> dict[str, Any]:
    """The rules as they are stored. Raises PolicyError, which names every fault."""
    if not isinstance(rules, Mapping):
        raise PolicyError("These rules are no policy: it has `surfaces`, `expects` and `clauses`.", permanent=True)
    faults = [f"unknown part `{name}`" for name in sorted(map(str, set(rules) - set(PARTS)))]
    faults += [*_surface_faults(rules), *_expectation_faults(rules), *_clause_faults(rules)]
    faults += [*_two_people_faults(rules), *_due_faults(rules)]
    if faults:
        raise PolicyError(f"These rules are no policy: {'; '.join(faults)}.", permanent=True)
    return {key: rules[key] for key in PARTS if key in rules}


def surfaces(rules: Rules) -> Mapping[str, Any]:
    """Surface -> category -> thresholds; empty where the rules have none."""
    found = rules.get("surfaces")
    return found if isinstance(found, Mapping) else {}


def _named(rules: Rules) -> list[str]:
    """Every category that a surface has a rule for."""
    return sorted({str(name) for levels in surfaces(rules).values() if isinstance(levels, Mapping) for name in levels})


def _surface_faults(rules: Rules) -> Iterator[str]:
    there = surfaces(rules)
    if lacking := [name for name in SURFACES if name not in there]:
        yield f"`surfaces` lacks {', '.join(lacking)}"
    categories = _named(rules)
    for surface, levels in there.items():
        if not _is_name(surface):
            yield f"{surface!r} is no name: small letters, digits and hyphens"
        if not isinstance(levels, Mapping) or not levels:
            yield f"{surface} has no categories"
            continue
        # A rule that only some surfaces have is most likely forgotten on the others.
        yield from (f"{surface} has no rule for {name}, which others have" for name in categories if name not in levels)
        for category, thresholds in levels.items():
            yield from _threshold_faults(f"{surface}, {category}", category, thresholds)


def _threshold_faults(place: str, category: object, thresholds: object) -> Iterator[str]:
    if not _is_name(category):
        yield f"{place}: {category!r} is no name: small letters, digits and hyphens"
    if not isinstance(thresholds, Mapping) or not thresholds:
        yield f"{place}: no threshold"
        return
    if unknown := set(thresholds) - set(OUTCOMES):
        yield f"{place}: unknown outcome {', '.join(sorted(map(str, unknown)))}"
    values = [thresholds[name] for name in OUTCOMES if name in thresholds]
    # A threshold of 0 would catch what nobody said a word against.
    if any(not is_share(value) or value == 0 for value in values):
        yield f"{place}: a threshold lies over 0 and at most at 1"
    elif values != sorted(values):
        yield f"{place}: `review` lies above `block`"
    elif len(values) == 2 and values[0] == values[1]:
        yield f"{place}: `review` and `block` overlap: both begin at {values[0]}"


def _expectation_faults(rules: Rules) -> Iterator[str]:
    expects = rules.get("expects", {})
    if not isinstance(expects, Mapping) or set(expects) - set(KINDS):
        yield "`expects` names `text` and `picture`"
        return
    if not all(_are_names(each) for each in expects.values()):
        yield "`expects` lists categories"
        return
    known = _named(rules)
    for kind, names in expects.items():
        yield from (f"`expects` wants {name} of a {kind}, and no surface has a rule for it" for name in names
                    if known and name not in known)  # fmt: skip
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            yield f"`expects` names {', '.join(repeated)} of a {kind} twice"


def _clause_faults(rules: Rules) -> Iterator[str]:
    clauses = rules.get("clauses")
    if not isinstance(clauses, Mapping) or not all(isinstance(text, str) and text for text in clauses.values()):
        yield "`clauses` must name each category with a sentence"
    else:
        yield from (f"{category} has no clause" for category in _named(rules) if category not in clauses)


def _two_people_faults(rules: Rules) -> Iterator[str]:
    names = rules.get("two_people", [])
    if not _are_names(names):
        yield "`two_people` lists categories"
        return
    clauses = rules.get("clauses")
    known = {*_named(rules), *(clauses if isinstance(clauses, Mapping) else ())}
    # A name that nothing has would let through what somebody meant to hold.
    yield from (f"`two_people` names {name}, which has neither rule nor clause" for name in names if name not in known)


def _due_faults(rules: Rules) -> Iterator[str]:
    hours = rules.get("due_hours", {})
    if not isinstance(hours, Mapping) or set(hours) - set(DUE):
        yield f"`due_hours` names {', '.join(DUE)}"
        return
    for name, value in hours.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST:
            yield f"`due_hours`, {name}: hours lie over 0 and at most at {LONGEST:,}"


def _are_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _is_name(text: object) -> bool:
    return isinstance(text, str) and bool(_NAME.fullmatch(text))


def is_share(value: object) -> bool:
    """Whether it is a number from 0 to 1."""
    # A bool is an int to Python; NaN compares false with everything.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


class _Loader(yaml.SafeLoader):
    """YAML's safe part, without anchors and without a key that stands twice: the later rule would silently win."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "anchors aren't used here", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _value in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, list | dict | set):
                raise yaml.constructor.ConstructorError(None, None, "a name is a word", key.start_mark)
            line = key.start_mark.line + 1
            if name in seen:
                problem = f"{name!r} has two rules that overlap: the first is on line {seen[name]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen[name] = line
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """One line for the thresholds of a category: `hate: {review: 0.4, block: 0.85}`."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        thresholds = bool(mapping) and all(is_share(value) for value in mapping.values())
        return super().represent_mapping(tag, mapping, flow_style=thresholds)


def from_yaml(text: str) -> dict[str, Any]:
    """Rules out of YAML, checked. Raises PolicyError, with the line where it can name one."""
    if len(text) > MOST:
        raise PolicyError(f"A policy has at most {MOST:,} characters; this has {len(text):,}.", permanent=True)
    try:
        rules = _read(text)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", "") or "it breaks off"
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise PolicyError(f"This is no policy in YAML: {where}{problem}.", permanent=True) from None
    except (ValueError, RecursionError) as error:  # a date that is none; a thousand brackets
        raise PolicyError(f"This is no policy in YAML: {type(error).__name__}.", permanent=True) from None
    return checked(rules)


def _read(text: str) -> Any:
    """What YAML's safe part makes of a text."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def as_yaml(rules: Rules) -> str:
    """Rules as YAML, which `from_yaml` reads back as they are."""
    written: str = yaml.dump(dict(rules), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return written


def differences(old: Rules, new: Rules) -> list[tuple[str, Any, Any]]:
    """(place, old value, new value) of all that differs, in the order of the new rules; None where there is nothing."""
    before, after = dict(_leaves(old, ())), dict(_leaves(new, ()))
    places = [*after, *(place for place in before if place not in after)]
    return [
        (" → ".join(place), before.get(place), after.get(place))
        for place in places
        if before.get(place) != after.get(place)
    ]


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, (*place, str(name)))
    elif isinstance(value, list):
        yield from (((*place, str(each)), "yes") for each in value)
    else:
        yield place, value
