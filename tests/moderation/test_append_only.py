"""What was decided can't be changed, neither through Django nor behind its back."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from moderation import services
from moderation.models import AppendOnlyError, Decision, Review
from tests.conftest import Cast


@pytest.fixture
def decision(case: Review, cast: Cast) -> Decision:
    return services.decide(case, person=cast.mo, version=1, verb="approve")


def test_a_decision_is_not_saved_again(decision: Decision) -> None:
    decision.verb = "reject"
    with pytest.raises(AppendOnlyError):
        decision.save()
    with pytest.raises(AppendOnlyError):
        decision.delete()


def test_nor_are_many(decision: Decision) -> None:
    with pytest.raises(AppendOnlyError):
        Decision.objects.update(verb="reject")
    with pytest.raises(AppendOnlyError):
        Decision.objects.all().delete()


@pytest.mark.parametrize("statement", [
    "UPDATE moderation_decision SET verb = 'reject'",
    "UPDATE moderation_decision SET note = 'nothing to see', person_id = NULL",
    "UPDATE moderation_decision SET created = '2001-01-01'",
    "DELETE FROM moderation_decision",
])  # fmt: skip
def test_the_database_itself_refuses(decision: Decision, statement: str) -> None:
    """Also after all later migrations: SQLite drops the triggers of a table that a migration rebuilds."""
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    kept = Decision.objects.get()
    assert (kept.verb, kept.person_id, kept.created) == ("approve", decision.person_id, decision.created)


def test_a_row_cannot_be_replaced(decision: Decision) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's own")
    columns = "id, workspace_id, review_id, person_id, verb, reason, clause, note, policy_version, digests, created"
    changed = columns.replace("verb", "'reject'")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT OR REPLACE INTO moderation_decision ({columns}) SELECT {changed} FROM moderation_decision"
        )
    assert Decision.objects.get().verb == "approve"


def test_the_person_may_be_forgotten(decision: Decision, cast: Cast) -> None:
    cast.mo.delete()
    assert Decision.objects.get().person is None


def test_a_case_with_decisions_stays(decision: Decision) -> None:
    with pytest.raises(DatabaseError):
        decision.review.delete()
