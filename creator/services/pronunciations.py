"""How a workspace wants words to be said: a spelling, and what the voice is given in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping

from creator.models import Workspace
from generation.speech import normalise
from media_processing.engine import EngineError

MOST = 500
LONGEST = 80
"""Characters of either side."""
SEPARATOR = re.compile(r"\s*(?:=|→|->)\s*")


def parse(text: str) -> dict[str, str]:
    """ "Nguyen = win" a line. Raises EngineError, which names the line, for one that isn't so, and for too many."""
    said: dict[str, str] = {}
    for number, line in enumerate(text.replace("\x00", "").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        spelling, *spoken = SEPARATOR.split(line.strip(), maxsplit=1)
        if not spelling or not spoken or not spoken[0]:
            raise EngineError(f"Line {number} isn't a pronunciation.", next_step="Write it as: Nguyen = win")
        if max(len(spelling), len(spoken[0])) > LONGEST:
            raise EngineError(f"Line {number} is longer than {LONGEST} characters a side.", next_step="Shorten it.")
        said[" ".join(spelling.split())] = " ".join(spoken[0].split())
    if len(said) > MOST:
        raise EngineError(f"These are {len(said):,} pronunciations.", next_step=f"Keep the {MOST} that matter most.")
    return said


def formatted(said: Mapping[str, str]) -> str:
    """The lines that `parse` reads."""
    return "\n".join(f"{spelling} = {said[spelling]}" for spelling in sorted(said, key=str.casefold))


def keep(workspace: Workspace, text: str) -> int:
    """Replace a workspace's pronunciations by these lines. Returns how many there are. Raises EngineError."""
    workspace.pronunciations = parse(text)
    workspace.save(update_fields=["pronunciations"])
    return len(workspace.pronunciations)


def used(workspace: Workspace, text: str) -> dict[str, str]:
    """Those that a text needs, so that changing another one makes nothing stale."""
    return normalise.used(workspace.pronunciations, text)
