"""What was spent: sums, the page, the CSV, the caps."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from creator.models import Story
from creator.services import spending
from generation.models import Budget, Charge
from tests.conftest import Cast

pytestmark = pytest.mark.slow


def charge(cast: Cast, key: str, amount: str = "0.10", **said: object) -> Charge:
    given: dict[str, object] = {
        "workspace": cast.workspace, "person": cast.alice, "subject": "story:x", "key": key, "role": "writer",
        "verb": "script", "engine": "openai", "model": "gpt-5-mini", "state": "settled", "amount": Decimal(amount),
        "basis": "reported", "prompt_tokens": 100, "completion_tokens": 50, "machine_seconds": 1.5,
    }  # fmt: skip
    return Charge.objects.create(**{**given, **said})


@pytest.fixture
def admin(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.ada)
    return client


def test_sums_by_story_person_and_engine(cast: Cast, story: Story) -> None:
    charge(cast, "a", "0.10", subject=f"story:{story.pk}")
    charge(cast, "b", "0.20", subject=f"story:{story.pk}", person=cast.bob)
    charge(cast, "c", "0.05", engine="espeak", role="voice", model="", person=None)
    charge(cast, "d", "9", workspace=cast.other)
    charge(cast, "e", "9", state="released")
    charge(cast, "f", "0", state="reserved", estimated=Decimal("0.03"))
    found = spending.charges_of(cast.workspace, "month")
    by_story = spending.lines(cast.workspace, found, "story")
    assert [(line.label, line.amount) for line in by_story] == [
        (story.title, Decimal("0.300000")), ("A story that is gone", Decimal("0.050000")),
    ]  # fmt: skip
    assert by_story[1].reserved == Decimal("0.030000")
    by_person = {line.label: line.amount for line in spending.lines(cast.workspace, found, "person")}
    assert by_person == {"alice": Decimal("0.1"), "bob": Decimal("0.2"), "Nobody": Decimal("0.05")}
    by_engine = [line.label for line in spending.lines(cast.workspace, found, "engine")]
    assert by_engine == ["writer · openai · gpt-5-mini", "voice · espeak"]
    assert sum(line.tokens for line in spending.lines(cast.workspace, found, "day")) == 600


def test_periods_follow_the_budgets_time_zone(cast: Cast) -> None:
    Budget.objects.create(workspace=cast.workspace, time_zone="Asia/Kolkata")
    for key, moment in (
        ("oct", datetime(2026, 10, 31, 18, 0, tzinfo=UTC)), ("nov", datetime(2026, 10, 31, 19, 0, tzinfo=UTC)),
        ("now", datetime(2026, 11, 20, 3, 0, tzinfo=UTC)),
    ):  # fmt: skip
        Charge.objects.filter(pk=charge(cast, key).pk).update(created=moment)
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def keys(period: str) -> list[str]:
        return sorted(each.key for each in spending.charges_of(cast.workspace, period, now))

    assert (keys("today"), keys("week"), keys("month"), keys("last")) == (["now"], ["now"], ["nov", "now"], ["oct"])
    assert len(keys("all")) == 3


def test_the_page_shows_what_the_caps_leave(admin: Client, cast: Cast) -> None:
    charge(cast, "a", "2.50", person=cast.ada)
    charge(cast, "b", "0", basis="unknown", model="tomorrow")
    for group in spending.GROUPS:
        page = admin.get("/settings/costs/", {"by": group, "period": "month"})
        assert page.status_code == 200
    text = page.content.decode()
    assert "2.50 of 5.00" in text and "1 call of a model that no price is known for" in text
    assert admin.get("/settings/costs/", {"by": "nonsense", "period": "ever"}).status_code == 200


def test_caps_are_set_and_nonsense_is_refused(admin: Client, cast: Cast) -> None:
    good = {"person_day": "1.50", "day": "", "month": "20", "time_zone": "Europe/Berlin"}
    assert admin.post("/settings/costs/", good).status_code == 302
    budget = Budget.objects.get(workspace=cast.workspace)
    assert (budget.person_day, budget.day, budget.time_zone) == (Decimal("1.50"), None, "Europe/Berlin")
    for wrong in ({"day": "-1"}, {"day": "much"}, {"time_zone": "Moon/Base"}, {"month": "NaN"}):
        assert admin.post("/settings/costs/", {**good, **wrong}).status_code == 400
    budget.refresh_from_db()
    assert budget.month == 20


def test_who_spent_what_is_for_admins(cast: Cast) -> None:
    for person, status in ((cast.bob, 404), (cast.mo, 404), (cast.ada, 200)):
        client = Client()
        client.force_login(person)
        assert client.get("/settings/costs/").status_code == status
        assert client.get("/settings/costs.csv").status_code == status
        assert ("/settings/costs/" in client.get("/settings/engines/").content.decode()) is (status == 200)


EVIL = ["=1+1", "+49", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\u200b=1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_of_the_csv_becomes_a_formula(admin: Client, cast: Cast, story: Story, text: str) -> None:
    Story.objects.filter(pk=story.pk).update(title=text)
    cast.alice.username = text[:30]
    cast.alice.save()
    charge(cast, "a", subject=f"story:{story.pk}", provider_id=text, model=text)
    answer = admin.get("/settings/costs.csv", {"period": "all"})
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(content)))
    assert len(rows) == 1
    for column in ("story", "person", "model", "provider id"):
        assert rows[0][column].startswith("'"), rows[0][column]
    assert rows[0]["amount"] == "0.100000"
    assert "attachment" in answer.headers["Content-Disposition"]
