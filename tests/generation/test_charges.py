"""What engines cost: set aside before, settled after, and never above the caps."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from django.db import connection
from django.utils import timezone

from generation import charges
from generation.charges import BudgetSpent, Call, KeptMeter
from generation.models import Budget, Charge
from generation.prices import Estimate
from tests.conftest import Cast
from tests.operations.servers import postgres
from tests.processes import ROOT, environment, manage

CENT = Decimal("0.01")
ESTIMATE = Estimate(likely=Decimal("0.002"), most=CENT)


def call(cast: Cast, key: str = "job:1:script", **changes: object) -> Call:
    said: dict[str, object] = {
        "workspace_id": cast.workspace.pk, "key": key, "subject": "story:1", "role": "writer", "verb": "script",
        "engine": "openai", "model": "gpt-5-mini", "provider": "api.openai.com", "person_id": cast.alice.pk,
    }  # fmt: skip
    return Call(**{**said, **changes})  # type: ignore[arg-type]


def answer(meter: KeptMeter, text: str = "Yes.", *, request: str = "r", tokens: tuple[int, int] = (1000, 500)) -> None:
    meter.answering("chatcmpl-1")
    meter.answered(request, text, prompt_tokens=tokens[0], completion_tokens=tokens[1])


def test_reserved_then_settled_by_what_the_provider_reported(cast: Cast) -> None:
    charge = charges.reserve(call(cast), ESTIMATE)
    assert (charge.state, charge.estimated) == ("reserved", CENT)
    answer(KeptMeter(charge))
    charges.settle(charge.pk, seconds=1.5)
    charge.refresh_from_db()
    assert (charge.state, charge.basis, charge.provider_id) == ("settled", "reported", "chatcmpl-1")
    assert charge.amount == Decimal("0.00125")  # 1000 x 0.25 + 500 x 2.00, a million
    assert charge.machine_seconds == 1.5
    assert charge.answers == []


def test_nothing_asked_is_released(cast: Cast) -> None:
    charge = charges.reserve(call(cast), ESTIMATE)
    charges.settle(charge.pk)
    charge.refresh_from_db()
    assert (charge.state, charge.amount) == ("released", 0)
    assert charges.total(Charge.objects.all()) == 0


def test_settling_twice_changes_nothing(cast: Cast) -> None:
    charge = charges.reserve(call(cast), ESTIMATE)
    answer(KeptMeter(charge))
    charges.settle(charge.pk)
    answer(KeptMeter(charge), "Again.")
    charges.settle(charge.pk)
    charge.refresh_from_db()
    assert (charge.calls, charge.amount) == (1, Decimal("0.00125"))


def test_a_model_without_a_price_is_refused_as_long_as_a_cap_holds(cast: Cast) -> None:
    with pytest.raises(BudgetSpent, match="No price is known") as refused:
        charges.reserve(call(cast, model="tomorrows-model"), Estimate(known=False))
    assert "STORYLOOM_PRICES" in refused.value.next_step and not Charge.objects.exists()
    with pytest.raises(BudgetSpent):
        charges.refuse_over_budget(cast.workspace.pk, cast.alice.pk, Estimate(known=False))


def test_a_model_without_a_price_or_a_cap_is_charged_as_unknown(cast: Cast) -> None:
    Budget.objects.create(workspace=cast.workspace, person_day=None, day=None, month=None)
    charge = charges.reserve(call(cast, model="tomorrows-model"), Estimate(known=False))
    answer(KeptMeter(charge))
    charges.settle(charge.pk)
    charge.refresh_from_db()
    assert (charge.state, charge.basis, charge.amount) == ("settled", "unknown", 0)
    assert charge.prompt_tokens == 1000


# Crashes ------------------------------------------------------------------------------------------------------------


def test_a_crash_before_the_question_takes_the_same_charge_over(cast: Cast) -> None:
    first = charges.reserve(call(cast), ESTIMATE)
    again = charges.reserve(call(cast), ESTIMATE)
    assert again.pk == first.pk
    assert KeptMeter(again).call_key == KeptMeter(first).call_key
    assert Charge.objects.count() == 1


def test_a_crash_after_the_answer_uses_it_and_pays_once(cast: Cast) -> None:
    answer(KeptMeter(charges.reserve(call(cast), ESTIMATE)), "The paid one.")
    charge = charges.reserve(call(cast), ESTIMATE)
    meter = KeptMeter(charge)
    assert meter.kept("r") == "The paid one."
    answer(meter, "A second request.", request="r2", tokens=(100, 50))
    charges.settle(charge.pk)
    charge.refresh_from_db()
    assert (charge.calls, charge.prompt_tokens, charge.completion_tokens) == (2, 1100, 550)


def test_a_kept_answer_to_another_question_is_not_used(cast: Cast) -> None:
    answer(KeptMeter(charges.reserve(call(cast), ESTIMATE)))
    meter = KeptMeter(charges.reserve(call(cast), ESTIMATE))
    assert meter.kept("something else") is None
    assert meter.call_key.endswith(".1")


def test_a_crash_in_the_middle_of_an_answer_is_charged_at_what_was_set_aside(cast: Cast) -> None:
    charge = charges.reserve(call(cast), ESTIMATE)
    KeptMeter(charge).answering("chatcmpl-7")
    charges.settle(charge.pk)
    charge.refresh_from_db()
    assert (charge.state, charge.basis, charge.amount) == ("settled", "estimated", CENT)


def test_a_crash_in_the_middle_of_a_second_answer_too(cast: Cast) -> None:
    charge = charges.reserve(call(cast), ESTIMATE)
    meter = KeptMeter(charge)
    answer(meter)
    meter.answering("chatcmpl-2")
    charges.settle(charge.pk)
    charge.refresh_from_db()
    assert (charge.basis, charge.amount) == ("estimated", CENT)


def test_after_a_failure_the_next_try_is_a_charge_of_its_own(cast: Cast) -> None:
    first = charges.reserve(call(cast), ESTIMATE)
    answer(KeptMeter(first))
    charges.settle(first.pk)
    second = charges.reserve(call(cast), ESTIMATE)
    assert (second.pk, second.key) != (first.pk, first.key)
    assert KeptMeter(second).call_key != KeptMeter(first).call_key
    other = charges.reserve(call(cast, key="job:1:script:2"), ESTIMATE)
    assert other.key == "job:1:script:2#1"


def test_what_nobody_will_finish_is_closed(cast: Cast) -> None:
    asked, untouched, fresh = (charges.reserve(call(cast, key=f"job:{n}:x"), ESTIMATE) for n in range(3))
    answer(KeptMeter(asked))
    Charge.objects.exclude(pk=fresh.pk).update(created=timezone.now() - timedelta(hours=1))
    assert charges.close_lost(Charge.objects.all()) == 2
    states = dict(Charge.objects.values_list("pk", "state"))
    assert states == {asked.pk: "settled", untouched.pk: "released", fresh.pk: "reserved"}


def test_machine_time_is_kept_once_for_a_piece_of_work_and_free_by_default(cast: Cast) -> None:
    local = call(cast, role="voice", engine="espeak", provider="", model="")
    charges.add_machine_time(local, 1.25)
    charge = charges.add_machine_time(local, 0.5)
    assert (charge.machine_seconds, charge.amount, charge.basis) == (1.75, 0, "measured")
    assert Charge.objects.count() == 1


# Caps ---------------------------------------------------------------------------------------------------------------


def caps(cast: Cast, **said: object) -> Budget:
    budget, _ = Budget.objects.update_or_create(workspace=cast.workspace, defaults=said)
    return budget


def test_a_persons_day_is_held_and_others_go_on(cast: Cast) -> None:
    caps(cast, person_day=Decimal("0.02"))
    for key in ("a", "b"):
        charges.reserve(call(cast, key), ESTIMATE)
    with pytest.raises(BudgetSpent, match="your budget for a day") as refused:
        charges.reserve(call(cast, "c"), ESTIMATE)
    assert "Settings > Costs" in refused.value.next_step
    assert charges.reserve(call(cast, "c", person_id=cast.bob.pk), ESTIMATE).state == "reserved"


@pytest.mark.parametrize("cap", ["day", "month"])
def test_the_workspaces_caps_hold_for_all_and_for_no_other_workspace(cast: Cast, cap: str) -> None:
    caps(cast, **{cap: Decimal("0.01")})
    charges.reserve(call(cast, "a"), ESTIMATE)
    with pytest.raises(BudgetSpent, match=f"the budget for a {cap}"):
        charges.reserve(call(cast, "b", person_id=cast.bob.pk), ESTIMATE)
    charges.reserve(call(cast, "b", workspace_id=cast.other.pk), ESTIMATE)


def test_settling_gives_back_what_was_not_used(cast: Cast) -> None:
    caps(cast, day=CENT)
    first = charges.reserve(call(cast, "a"), ESTIMATE)
    answer(KeptMeter(first))
    with pytest.raises(BudgetSpent):
        charges.refuse_over_budget(cast.workspace.pk, cast.alice.pk, ESTIMATE)
    charges.settle(first.pk)
    charges.refuse_over_budget(cast.workspace.pk, cast.alice.pk, Estimate(most=Decimal("0.008")))


def test_yesterday_does_not_count_to_the_day_but_to_the_month(cast: Cast) -> None:
    budget = caps(cast, time_zone="Asia/Kolkata")
    old = charges.reserve(call(cast, "a"), ESTIMATE)
    Charge.objects.filter(pk=old.pk).update(created=datetime(2026, 11, 20, 18, 29, tzinfo=UTC))  # 23:59 in Kolkata
    used = charges.spent(budget, cast.alice.pk, now=datetime(2026, 11, 20, 18, 31, tzinfo=UTC))
    assert used == {"person_day": 0, "day": 0, "month": CENT}
    used = charges.spent(budget, cast.alice.pk, now=datetime(2026, 11, 20, 18, 29, 30, tzinfo=UTC))
    assert used == {"person_day": CENT, "day": CENT, "month": CENT}
    assert charges.day_of(budget, datetime(2026, 12, 1, tzinfo=UTC))[1] == datetime(2026, 11, 30, 18, 30, tzinfo=UTC)


def test_an_empty_cap_does_not_hold(cast: Cast) -> None:
    caps(cast, person_day=None, day=None, month=None)
    assert charges.reserve(call(cast), Estimate(most=Decimal(100_000))).state == "reserved"


def test_sums_are_exact_to_a_millionth(cast: Cast) -> None:
    for number in range(30):
        charges.reserve(call(cast, f"k{number}"), Estimate(most=Decimal("0.1")))
    assert charges.total(Charge.objects.all()) == Decimal("3.000000")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_hundred_at_once_never_exceed_the_cap(cast: Cast) -> None:
    caps(cast, day=Decimal("0.37"))
    start = threading.Barrier(40)

    def ask(number: int) -> bool:
        if number < 40:
            start.wait(timeout=30)
        try:
            charge = charges.reserve(call(cast, f"k{number}", person_id=None), ESTIMATE)
            answer(KeptMeter(charge), tokens=(4000, 4500))  # exactly what was set aside
            charges.settle(charge.pk)
        except BudgetSpent:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(40) as pool:
        done = list(pool.map(ask, range(200)))
    assert done.count(True) == 37
    assert charges.total(Charge.objects.all()) == Decimal("0.37")


ASK = """
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from django.db import connection
from creator.models import Workspace
from generation import charges
from generation.prices import Estimate
workspace = Workspace.objects.get(slug="river").pk
def ask(number):
    key = f"{NAME}:{number}"
    call = charges.Call(workspace, key, "story:1", "writer", "script", "openai", "gpt-5-mini", "api.openai.com")
    try:
        charges.reserve(call, Estimate(most=Decimal("0.01")))
        return 1
    except charges.BudgetSpent:
        return 0
    finally:
        connection.close()
with ThreadPoolExecutor(10) as pool:
    print("granted", sum(pool.map(ask, range(50))))
"""


@pytest.mark.servers
def test_four_processes_on_postgresql_never_exceed_the_cap(tmp_path: Path) -> None:
    with postgres(tmp_path / "postgres") as port:
        url = f"postgresql://storyloom:river@127.0.0.1:{port}/storyloom"
        data = tmp_path / "data"
        data.mkdir()
        manage(data, "migrate", "-v0", DATABASE_URL=url)
        manage(data, "shell", "-v0", "-c", PREPARE, DATABASE_URL=url)
        command = [sys.executable, "manage.py", "shell", "-v0", "-c"]
        asking = [
            Popen([*command, f"NAME={name!r}\n{ASK}"], cwd=ROOT, env=environment(data, DATABASE_URL=url), stdout=PIPE)
            for name in "abcd"
        ]
        granted = [int(each.communicate(timeout=100)[0].split()[-1]) for each in asking]
        assert sum(granted) == 37
        total = manage(data, "shell", "-v0", "-c", SUM, DATABASE_URL=url).stdout.strip()
        assert total == "0.370000"


PREPARE = """
from decimal import Decimal
from creator.models import Workspace
from generation.models import Budget
Budget.objects.create(workspace=Workspace.objects.create(slug="river", name="River"), day=Decimal("0.37"))
"""
SUM = """
from generation import charges
from generation.models import Charge
print(charges.total(Charge.objects.all()))
"""


@pytest.mark.parametrize(
    ("amount", "said"),
    [("0", "0.00"), ("0.000001", "0.000001"), ("0.004", "0.0040"), ("0.00125", "0.0013"), ("0.02", "0.020"),
     ("0.27", "0.27"), ("12.5", "12.50")],
)  # fmt: skip
def test_amounts_as_people_read_them(amount: str, said: str) -> None:
    assert charges.money(Decimal(amount)) == said
