"""What can be known at the start: system checks with an id and a hint."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from media_processing.engine import InvalidEngineError, engines


def check_engines(**_kwargs: Any) -> list[CheckMessage]:
    """creator.E001 to E003 and W001: every configured engine can be made, and the chosen ones can work."""
    found: list[CheckMessage] = []
    for role, chosen in settings.CHOSEN.items():
        if chosen not in settings.ENGINES.get(role, {}):
            found.append(
                Error(
                    f"{role.upper()}={chosen} names an engine that ENGINES lacks.",
                    hint=f"Choose one of: {', '.join(settings.ENGINES.get(role, {}))}.",
                    id="creator.E001",
                )
            )
    for role in engines.roles():
        for name in engines.names(role):
            try:
                engine = engines[role, name]
            except InvalidEngineError as error:
                found.append(Error(str(error), hint="Correct its BACKEND in ENGINES.", id="creator.E002"))
                continue
            if engine.role != role:
                found.append(
                    Error(
                        f"ENGINES[{role!r}][{name!r}] is a {engine.role}.",
                        hint=f"Move it to the role {engine.role!r}.",
                        id="creator.E003",
                    )
                )
            elif name == engines.default(role):
                found.extend(
                    Warning(problem.message, hint=problem.next_step, id="creator.W001")
                    for problem in engine.problems()
                )
    return found


def register_checks() -> None:
    """Called once, when the application is ready."""
    register(check_engines, "engines")
