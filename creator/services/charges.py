"""What the work of a workspace costs: set aside before an engine is asked, settled with the effect of its answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from creator import jobs
from creator.jobs import Work
from creator.models import Job, User, Workspace
from creator.services import choices
from generation import charges, prices
from generation import services as generation
from generation.charges import Call, KeptMeter, money
from generation.engines.metering import Meter
from generation.models import Charge
from generation.prices import Estimate
from media_processing import tracing
from media_processing.engine import engines

SAID = 15
"""Characters of a narration in a second, about."""


@dataclass
class Charged:
    """A call under way."""

    call: Call
    meter: Meter
    charge: Charge | None = None
    """None for an engine inside the program, which asks nobody."""
    began: float = field(default_factory=time.monotonic)
    settled: bool = False

    def settle(self) -> None:
        """Close the charge: in the transaction that keeps what the engine made, so that both count or neither."""
        if self.settled:
            return
        seconds = time.monotonic() - self.began
        if self.charge is not None:
            charges.settle(self.charge.pk, seconds=seconds)
        else:
            charges.add_machine_time(self.call, seconds)
        self.settled = True

    def cost(self, things: int = 1) -> dict[str, str]:
        """What each of so many things came to, once settled, for their `made_by`: {"amount", "currency"}.

        Nothing where it was free; an empty amount where nobody knows the price.
        """
        ours = Charge.objects.in_workspace(self.call.workspace_id)
        charge = ours.get(pk=self.charge.pk) if self.charge else ours.get(key=self.call.key)
        unknown = charge.basis == Charge.Basis.UNKNOWN
        if not charge.amount and not unknown:
            return {}
        return {"amount": "" if unknown else str(charge.amount / things), "currency": charge.currency}


@contextmanager
def charged(
    work: Work, role: str, verb: str, *, characters: int = 0, part: str = "", count: int = 1, engine: str = ""
) -> Iterator[Charged]:
    """A call of a role's engine: reserved before the body, settled by it or after it. Raises BudgetSpent.

    `count` is how many pictures, or other things that are each paid, it will make; `engine` is asked in place of the
    workspace's own.

    Where the worker is lost, or hands the job back, the charge stays reserved: whoever goes on takes it over with the
    answers that are paid for. Where the work fails or is cancelled, what was used until then is charged.
    """
    job = work.job
    asked = engines[role, engine] if engine else choices.engine(role, job.workspace)
    call = Call(
        workspace_id=job.workspace_id, key=f"job:{job.pk}:{verb}:{part}"[:90], role=role, verb=verb,
        subject=f"story:{job.story_id}" if job.story_id else f"job:{job.kind}", engine=asked.name, model=asked.model,
        provider=asked.provider, person_id=job.person_id, job_id=job.pk,
    )  # fmt: skip
    if asked.provider:
        charge = charges.reserve(call, generation.estimate(role, verb, characters, engine=asked.name, count=count))
        under_way = Charged(call, KeptMeter(charge), charge)
    else:
        under_way = Charged(call, Meter())
    try:
        with tracing.span(f"{role} {verb}", **{"storyloom.engine": asked.name, "storyloom.model": asked.model}):
            yield under_way
    except (jobs.LeaseLost, jobs.HandedBack):
        raise
    except Exception:
        under_way.settle()
        raise
    under_way.settle()


def refuse_over_budget(workspace: Workspace, person: User | None, estimate: Estimate) -> None:
    """Raise BudgetSpent where a call doesn't fit into the caps: asked before a job is written down."""
    charges.refuse_over_budget(workspace.pk, person.pk if person else None, estimate)


def in_words(estimate: Estimate) -> str:
    """An estimate as pages show it; "" for what costs nothing."""
    if not estimate.known:
        return "no price is known for this model"
    return f"about {money(estimate.likely)} {estimate.currency}" if estimate.costs else ""


def of_a_brief(workspace: Workspace, seconds: int) -> dict[str, Any] | None:
    """What a story will cost, as the brief box shows it while an article grows; None where nothing costs.

    `seconds`: the length that the box begins with. {"words", "known", "currency", "fixed", "each", "second"}: the
    amount is `fixed` + `each` x characters of the article + `second` x seconds of narration. "picture", in words, is
    what each picture adds that has to be drawn; how many those are, only the library's search will tell.
    """
    writer, voice = (choices.chosen(role, workspace) for role in ("writer", "voice"))
    picture = of_a_render(workspace, characters=0, pictures=1)
    small, page, large = (generation.estimate("writer", "script", n, engine=writer) for n in (0, 4_000, 100_000))
    minute = generation.estimate("voice", "speak", 60 * SAID, engine=voice)
    known, second = small.known and minute.known, minute.likely / 60
    if known and not (large.costs or minute.costs or picture):
        return None
    return {
        "words": in_words(Estimate(likely=page.likely + second * seconds, currency=small.currency, known=known)),
        "known": known, "currency": small.currency, "fixed": small.likely,
        "each": (large.likely - small.likely) / 100_000, "second": second, "picture": picture,
    }  # fmt: skip


def of_a_render(workspace: Workspace, *, characters: int, pictures: int) -> str:
    """What so many characters of narration and so many drawn pictures will cost, in words; "" for nothing."""
    voice, painter = (choices.chosen(role, workspace) for role in ("voice", "painter"))
    cost = Estimate(currency=prices.table().currency)
    if characters:
        cost += generation.estimate("voice", "speak", characters, engine=voice)
    if pictures:
        cost += generation.estimate("painter", "draw", 200, engine=painter, count=pictures)
    return in_words(cost)


def close_lost() -> int:
    """Settle or release what was reserved by jobs that are over. Returns how many."""
    return charges.close_lost(Charge.objects.exclude(job__state__in=Job.OPEN))
