"""Charges: reserved before an engine is asked, settled after, held within a budget.

One row of the budget is locked while a charge is reserved, so that any number of requests at a time stay within the
caps: SQLite's transactions take its write lock at their beginning, PostgreSQL locks the row.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.db.models import Case, DecimalField, F, Q, QuerySet, Sum, When
from django.utils import timezone

from generation import prices
from generation.engines.metering import Meter
from generation.models import Budget, Charge
from generation.prices import MICRO, Estimate
from media_processing.engine import EngineError

RESERVED, SETTLED, RELEASED = Charge.State.RESERVED, Charge.State.SETTLED, Charge.State.RELEASED
CAPS = {"person_day": "your budget for a day", "day": "the budget for a day", "month": "the budget for a month"}
_EXACT: DecimalField[Decimal, Decimal] = DecimalField(max_digits=18, decimal_places=6)


@dataclass(frozen=True)
class Call:
    """What an engine is about to be asked: who pays, and for what."""

    workspace_id: int
    key: str
    """The same for every try of the same piece of work."""
    subject: str
    role: str
    verb: str
    engine: str
    model: str = ""
    provider: str = ""
    person_id: int | None = None
    job_id: int | None = None


class BudgetSpent(EngineError):
    """A cap doesn't leave room for a call."""


def budget_of(workspace_id: int) -> Budget:
    """A workspace's caps, as they are set or by default."""
    return Budget.objects.filter(workspace_id=workspace_id).first() or Budget(workspace_id=workspace_id)


def day_of(budget: Budget, now: datetime | None = None) -> tuple[datetime, datetime]:
    """When the budget's day and month began: midnight, and midnight of the 1st, in its own time zone."""
    here = (now or timezone.now()).astimezone(zoneinfo.ZoneInfo(budget.time_zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight, midnight.replace(day=1)


def counted() -> Case:
    """What a charge takes of a budget: its amount once settled, until then what is set aside for it."""
    return Case(
        When(state=SETTLED, then=F("amount")), When(state=RESERVED, then=F("estimated")),
        default=Decimal(0), output_field=_EXACT,
    )  # fmt: skip


def total(charges: QuerySet[Charge]) -> Decimal:
    """What charges sum up to, reserved ones included, exact to a millionth."""
    # SQLite sums in floating point: the error is far below a millionth until a sum reaches a thousand million.
    return Decimal(charges.aggregate(all=Sum(counted()))["all"] or 0).quantize(MICRO)


def spent(budget: Budget, person_id: int | None, *, now: datetime | None = None) -> dict[str, Decimal]:
    """What is spent and reserved of each cap: {"person_day", "day", "month"}."""
    day, month = day_of(budget, now)
    ours = Charge.objects.in_workspace(budget.workspace_id).filter(
        created__gte=month, currency=prices.table().currency
    ).exclude(state=RELEASED)  # fmt: skip
    today = Q(created__gte=day)
    sums = ours.aggregate(
        month=Sum(counted()), day=Sum(counted(), filter=today),
        person_day=Sum(counted(), filter=today & Q(person_id=person_id)),
    )  # fmt: skip
    return {cap: Decimal(sums[cap] or 0).quantize(MICRO) for cap in CAPS}


def refuse_over_budget(workspace_id: int, person_id: int | None, estimate: Estimate) -> None:
    """Raise BudgetSpent where a call of that size doesn't fit into every cap, or nobody knows its price."""
    if estimate.most or not estimate.known:
        _refuse(budget_of(workspace_id), person_id, estimate)


def _refuse(budget: Budget, person_id: int | None, estimate: Estimate) -> None:
    used = spent(budget, person_id)
    for cap, words in CAPS.items():
        limit: Decimal | None = getattr(budget, cap)
        if limit is None or (cap == "person_day" and person_id is None):
            continue
        if not estimate.known:
            raise BudgetSpent(
                f"No price is known for this model, so it can't be kept within {words}.",
                next_step="Put its price into a table of your own (0 where it is free) and name that in "
                "STORYLOOM_PRICES, or have an admin empty the caps under Settings > Costs.",
                permanent=True,
            )
        if used[cap] + estimate.most > limit:
            currency = estimate.currency
            until = "next month" if cap == "month" else f"tomorrow, 00:00 {budget.time_zone}"
            raise BudgetSpent(
                f"This could cost {money(estimate.most)} {currency}, and {money(used[cap])} of {words}, "
                f"{money(limit)} {currency}, is spent or set aside.",
                next_step=f"Ask an admin to raise it under Settings > Costs, wait until {until}, "
                "or choose a built-in engine.",
                permanent=True,
            )


def money(amount: Decimal) -> str:
    """An amount for people: cents, or two digits of what is less than ten of them ("12.50", "0.27", "0.0013")."""
    digits = 2 if not amount or abs(amount) >= Decimal("0.1") else min(6, 1 - amount.adjusted())
    return f"{amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"


def reserve(call: Call, estimate: Estimate) -> Charge:
    """Set an amount aside for a call, before the engine is asked. Raises BudgetSpent.

    Where an earlier try of the same work was lost, its charge is taken over: with its key, and with the answers that
    are paid for. Where one has ended, the next try is a call of its own.
    """
    with transaction.atomic():
        Budget.objects.get_or_create(workspace_id=call.workspace_id)
        budget = Budget.objects.select_for_update().get(workspace_id=call.workspace_id)
        tries = Charge.objects.in_workspace(call.workspace_id).filter(key__startswith=f"{call.key}#").order_by("id")
        newest = tries.last()
        if newest is not None and newest.state == RESERVED:
            return newest
        if estimate.most or not estimate.known:
            _refuse(budget, call.person_id, estimate)
        return Charge.objects.create(
            workspace_id=call.workspace_id, person_id=call.person_id, job_id=call.job_id, subject=call.subject,
            key=f"{call.key}#{tries.count() + 1}", role=call.role, verb=call.verb, engine=call.engine,
            model=call.model[:100], provider=call.provider[:200], currency=estimate.currency, estimated=estimate.most,
        )  # fmt: skip


class KeptMeter(Meter):
    """Writes what an engine tells of its calls into their charge, before the engine goes on."""

    def __init__(self, charge: Charge) -> None:
        super().__init__()
        self.charge = charge
        # The moment is part of it: two installations may share a provider's key.
        self.key = f"storyloom-{charge.created.timestamp():.6f}-{charge.pk}"
        self.prompt_tokens, self.completion_tokens = charge.prompt_tokens, charge.completion_tokens
        self.pictures, self.picture_tokens = charge.pictures, charge.picture_tokens
        self.reported = charge.basis != Charge.Basis.ESTIMATED

    def _mine(self) -> QuerySet[Charge]:
        return Charge.objects.filter(pk=self.charge.pk, state=RESERVED)

    def kept(self, request: str) -> str | None:
        """The paid answer of an earlier try, if it was asked exactly this. It is used once and counted already."""
        answers: list[dict[str, str]] = self.charge.answers
        if self.calls < len(answers) and answers[self.calls]["request"] == request:
            self.calls += 1
            return answers[self.calls - 1]["text"]
        return None

    def answering(self, provider_id: str) -> None:
        """Write the provider's id down: a crash from here on finds it."""
        self.charge.provider_id = provider_id[:200]
        self._mine().update(provider_id=self.charge.provider_id)

    def answered(
        self, request: str, text: str, *, prompt_tokens: int, completion_tokens: int, pictures: int = 0,
        picture_tokens: int = 0, reported: bool = True,
    ) -> None:  # fmt: skip
        """Write the answer down with what it took, in one statement."""
        answer = {"request": request, "text": text, "id": self.charge.provider_id}
        kept = [*self.charge.answers[: self.calls], answer]
        super().answered(
            request, text, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, pictures=pictures,
            picture_tokens=picture_tokens, reported=reported,
        )  # fmt: skip
        self._write(kept)

    def broke_off(self, *, prompt_tokens: int, completion_tokens: int, pictures: int = 0) -> None:
        """Write down what an answer took that never came to its end."""
        super().broke_off(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, pictures=pictures)
        self._write([*self.charge.answers, {"request": "", "text": "", "id": self.charge.provider_id}])

    def _write(self, answers: list[dict[str, str]]) -> None:
        self.charge.answers = answers
        self._mine().update(
            answers=answers, calls=F("calls") + 1, prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens, pictures=self.pictures, picture_tokens=self.picture_tokens,
            basis=Charge.Basis.REPORTED if self.reported else Charge.Basis.ESTIMATED,
        )  # fmt: skip


def settle(charge_id: int, *, seconds: float = 0.0) -> None:
    """Close a reserved charge with what was used. Once: a charge that has ended stays as it is.

    An answer that had begun when its worker was lost, so that nobody knows what it took, is charged at what was set
    aside. A provider that never answered took nothing, and the charge is released.
    """
    with transaction.atomic():
        charge = Charge.objects.select_for_update().filter(pk=charge_id, state=RESERVED).first()
        if charge is None:
            return
        begun = bool(charge.provider_id or charge.calls)
        last = charge.answers[-1]["id"] if charge.answers else ""
        price = prices.table().price(charge.role, charge.provider, charge.model)
        charge.machine_seconds += seconds
        if not begun:
            charge.state = RELEASED
        elif price is None:
            charge.state, charge.basis = SETTLED, Charge.Basis.UNKNOWN
        elif charge.provider_id != last:
            charge.state, charge.basis, charge.amount = SETTLED, Charge.Basis.ESTIMATED, charge.estimated
        else:
            charge.state = SETTLED
            charge.amount = price.of(
                prompt_tokens=charge.prompt_tokens, completion_tokens=charge.completion_tokens,
                pictures=charge.pictures, picture_tokens=charge.picture_tokens, seconds=charge.machine_seconds,
            )  # fmt: skip
        charge.answers, charge.ended = [], timezone.now()
        charge.save()


def add_machine_time(call: Call, seconds: float) -> Charge:
    """A settled charge for work done inside the program. The same work, done again after a crash, adds its time."""
    table = prices.table()
    price = table.price(call.role, call.provider, call.model) or prices.Price()
    with transaction.atomic():
        charge, _new = Charge.objects.select_for_update().get_or_create(
            workspace_id=call.workspace_id, key=call.key,
            defaults={
                "person_id": call.person_id, "job_id": call.job_id, "subject": call.subject, "role": call.role,
                "verb": call.verb, "engine": call.engine, "model": call.model[:100], "provider": call.provider[:200],
                "state": SETTLED, "currency": table.currency, "basis": Charge.Basis.MEASURED, "ended": timezone.now(),
            },
        )  # fmt: skip
        charge.machine_seconds += seconds
        charge.amount = price.of(seconds=charge.machine_seconds)
        charge.save(update_fields=["machine_seconds", "amount"])
    return charge


def close_lost(charges: QuerySet[Charge], *, older_than: timedelta = timedelta(minutes=10)) -> int:
    """Settle (or release) what nobody will finish: `charges` are those whose work is over. Returns how many."""
    lost = charges.filter(state=RESERVED, created__lt=timezone.now() - older_than).values_list("pk", flat=True)
    ids = list(lost)
    for pk in ids:
        settle(pk)
    return len(ids)
