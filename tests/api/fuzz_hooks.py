"""What the fuzzer is told of the rows that are there: most of its valid requests are about something."""

from __future__ import annotations

import itertools
import json
import os
import random
from typing import Any

import schemathesis
from schemathesis import GenerationMode

KNOWN: dict[str, list[Any]] = json.loads(os.environ.get("FUZZ_KNOWN", "{}"))
_rng, _names = random.Random(1), itertools.count()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Ids of rows that are there, and no made-up cursors, in requests that are meant to be valid."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    for name in case.path_parameters or {}:
        if name in KNOWN and _rng.random() < 0.8:
            case.path_parameters[name] = _rng.choice(KNOWN[name])
    if case.headers and "Idempotency-Key" in case.headers:
        # The same name for another request is refused, which no schema can say.
        case.headers["Idempotency-Key"] = f"fuzz-{next(_names)}"
    if case.query and len(str(case.query.get("cursor", ""))) < 80:  # ours are signed, which takes that many
        case.query.pop("cursor", None)
    if case.headers and "If-Match" in case.headers and _rng.random() < 0.8:
        case.headers["If-Match"] = "*"
