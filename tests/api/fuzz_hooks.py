"""What the fuzzer is told of the rows that are there, so that most of its valid requests are about something; and a
check of its own: no request may take the server longer than a moment of its processor."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import GenerationMode

KNOWN: dict[str, list[Any]] = json.loads(os.environ.get("FUZZ_KNOWN", "{}"))
LONGEST = 3.0
"""Seconds of processor time for one request: what a wall clock says depends on what else the machine does."""
SIGNED = re.compile(r"[\w-]+:[\w-]{43}")
"""The form of a cursor of ours: a place and its signature."""
_rng, _names = random.Random(1), itertools.count()
_began = 0.0


def _used() -> float:
    """Seconds of processor time that the server has used so far, with those of programs it waited for: proc(5)."""
    said = Path(f"/proc/{os.environ['FUZZ_SERVER']}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, said[11:15])) / os.sysconf("SC_CLK_TCK")


@schemathesis.check
def takes_a_moment(_context: Any, _response: Any, _case: Any) -> None:
    """One request is asked at a time, so what was used since is its own."""
    spent = _used() - _began
    assert spent <= LONGEST, f"It took {spent:.1f} s of processor time."


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Ids of rows that are there, and no made-up cursors, in requests that are meant to be valid."""
    global _began
    _began = _used()
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    for name in case.path_parameters or {}:
        if name in KNOWN and _rng.random() < 0.8:
            case.path_parameters[name] = _rng.choice(KNOWN[name])
    if case.headers and "Idempotency-Key" in case.headers:
        # The same name for another request is refused, which no schema can say.
        case.headers["Idempotency-Key"] = f"fuzz-{next(_names)}"
    if case.query and not SIGNED.fullmatch(str(case.query.get("cursor", ""))):
        case.query.pop("cursor", None)
    if case.headers and "If-Match" in case.headers and _rng.random() < 0.8:
        case.headers["If-Match"] = "*"
