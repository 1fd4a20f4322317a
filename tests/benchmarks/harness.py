"""What every area needs: figures, clocks, and a database of its own."""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured thing. `against` says what stands beside it from the same run, `goal` what it should reach."""

    name: str
    value: float | None
    unit: str
    against: str = ""
    goal: str = ""
    holds: bool | None = None
    """None where there is no goal, or nothing could be measured."""

    def line(self) -> str:
        value = None if self.value is None else float(f"{self.value:.4g}")
        return json.dumps({**asdict(self), "value": value}, ensure_ascii=False)


def at_most(name: str, value: float, unit: str, goal: float, against: str = "") -> Figure:
    return Figure(name, value, unit, against, f"at most {goal:g} {unit}".strip(), value <= goal)


def at_least(name: str, value: float, unit: str, goal: float, against: str = "") -> Figure:
    return Figure(name, value, unit, against, f"at least {goal:g} {unit}".strip(), value >= goal)


def plain(name: str, value: float, unit: str, against: str = "") -> Figure:
    """A figure without a goal: for comparing runs."""
    return Figure(name, value, unit, against)


def missing(name: str, unit: str, why: str) -> Figure:
    """What could not be measured here, and why."""
    return Figure(name, None, unit, why)


class Clock(AbstractContextManager["Clock"]):
    """Wall seconds of a block, and the processor's seconds of this process and of those it waited for."""

    seconds = cpu = 0.0

    def __enter__(self) -> Clock:
        self._busy, self._began = _cpu(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._began, _cpu() - self._busy


def _cpu() -> float:
    """On a busy machine this says more than the wall clock."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def times_of(do: Callable[[], Any], *, runs: int, warm: int = 2) -> list[float]:
    """Seconds of each run, after some that don't count."""
    for _ in range(warm):
        do()
    taken = []
    for _ in range(runs):
        with Clock() as clock:
            do()
        taken.append(clock.seconds)
    return taken


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of all values doesn't exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-len(ordered) * share // 1).__int__() - 1))]


def p50(values: Sequence[float]) -> float:
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    return percentile(values, 0.95)


_migrated = False


def database() -> None:
    """Tables, in the folder that goes with this process."""
    global _migrated
    if not _migrated:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        _migrated = True


def team(slug: str) -> tuple[Any, Any]:
    """A workspace and an admin of it."""
    from creator.models import Membership, User, Workspace

    database()
    workspace = Workspace.objects.create(slug=slug, name=slug.capitalize())
    user = User.objects.create_user(slug, is_staff=True)
    Membership.objects.create(workspace=workspace, user=user, role="admin")
    return workspace, user
