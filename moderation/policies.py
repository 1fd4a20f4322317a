"""Verbs of policies: versions that are proposed by one person and activated by another, and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from media_processing.engine import EngineError
from moderation.cases import Conflict
from moderation.models import Policy
from moderation.policy_rules import checked, from_yaml

TRIES = 20
"""Attempts at a write that another process may win."""
_DEFAULT = Path(__file__).parent / "policies" / "default.yaml"


@lru_cache(maxsize=1)
def shipped_yaml() -> str:
    """The rules that a workspace starts with, as they are written."""
    return _DEFAULT.read_text(encoding="utf-8")


def shipped_rules() -> dict[str, Any]:
    """The rules that a workspace starts with."""
    return from_yaml(shipped_yaml())


def active_policy(workspace_id: int) -> Policy:
    """The policy that counts. A workspace without one gets the shipped one as its first."""
    policies = Policy.objects.filter(workspace_id=workspace_id, active=True)
    for _attempt in range(TRIES):
        found = policies.first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                return _append(workspace_id, shipped_rules(), note="The shipped policy", active=True)
        except IntegrityError:  # another process made it
            continue
    raise Conflict("The policy of this workspace is being changed.", next_step="Try again in a moment.")


def new_version(
    workspace_id: int, rules: Mapping[str, Any], *, note: str = "", created_by_id: int | None = None
) -> Policy:
    """A further version, not active yet. Raises PolicyError for rules that make no sense."""
    tidy = checked(rules)
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                return _append(workspace_id, tidy, note=note, created_by_id=created_by_id)
        except IntegrityError:  # another process took the number
            continue
    raise Conflict("The policy of this workspace is being changed.", next_step="Try again in a moment.")


def _append(
    workspace_id: int, rules: dict[str, Any], *, note: str, active: bool = False, created_by_id: int | None = None
) -> Policy:
    last = Policy.objects.filter(workspace_id=workspace_id).aggregate(last=Max("version"))["last"] or 0
    return Policy.objects.create(
        workspace_id=workspace_id, version=last + 1, rules=rules, note=note[:300], active=active,
        created_by_id=created_by_id,
    )  # fmt: skip


def require_second(policy: Policy, by_id: int | None) -> None:
    """Raise EngineError where this person may not activate a version: it is theirs, or it isn't newer."""
    if by_id is None or policy.created_by_id is None or policy.created_by_id == by_id:
        raise EngineError(
            "Who proposes a policy doesn't activate it.", permanent=True,
            next_step="Ask another admin of the workspace.",
        )  # fmt: skip
    if policy.active:
        raise EngineError(f"Version {policy.version} counts already.", permanent=True)
    active = active_policy(policy.workspace_id)
    if policy.version < active.version:
        raise EngineError(
            f"Version {policy.version} is older than the active one, {active.version}.",
            next_step="Propose its rules again: that makes a new version, with a record of who wanted it.",
            permanent=True,
        )


def activate(policy: Policy, *, by_id: int | None) -> Policy:
    """Let a version count from now on. Raises EngineError for the person who proposed it, and for an older version.

    Cases that are open keep the policy that they were weighed under until a sweep weighs them again.
    """
    require_second(policy, by_id)
    try:
        with transaction.atomic():
            Policy.objects.filter(workspace_id=policy.workspace_id, active=True).exclude(pk=policy.pk).update(
                active=False
            )
            Policy.objects.filter(pk=policy.pk).update(active=True, activated=timezone.now(), activated_by=by_id)
    except IntegrityError:
        raise Conflict("Another version was activated at the same time.", next_step="Reload the page.") from None
    policy.refresh_from_db()
    return policy


def clauses(policy: Policy) -> list[tuple[str, str]]:
    """(clause, its sentence) of a policy, for forms."""
    return list(policy.rules.get("clauses", {}).items())
