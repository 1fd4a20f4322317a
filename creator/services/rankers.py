"""Verbs of rankers: versions of the weights by which things are ranked, the one in use and the one in its shadow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from creator.models import Ranker, User, Workspace
from creator.services import audit
from media_processing.engine import EngineError
from search import schemes
from search.schemes import Scheme

TRIES = 20
"""Attempts at a write that another process may win."""
REPORT_HOLDS = timedelta(days=2)
"""How old the report of weights may be when they are activated."""


def active(workspace_id: int) -> Ranker:
    """The ranker in use. A workspace without one gets the shipped weights as its first version."""
    for _attempt in range(TRIES):
        found = Ranker.objects.filter(workspace_id=workspace_id, active=True).first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                return _append(workspace_id, schemes.shipped(), note="The shipped weights", by=None, active=True)
        except IntegrityError:  # another process made it
            continue
    raise EngineError("The ranking of this workspace is being changed.", next_step="Try again in a moment.")


def shadow(workspace_id: int) -> Ranker | None:
    """The ranker whose order is only written down."""
    return Ranker.objects.filter(workspace_id=workspace_id, shadow=True).first()


def scheme_of(ranker: Ranker) -> Scheme:
    """A ranker's weights."""
    return Scheme.of(ranker.rules, ranker.version)


def scheme(workspace_id: int) -> Scheme:
    """The weights in use; a search doesn't write, so a workspace without a version gets the shipped ones."""
    found = Ranker.objects.filter(workspace_id=workspace_id, active=True).values_list("rules", "version").first()
    return Scheme.of(*found) if found else schemes.shipped_scheme()


def new_version(
    workspace: Workspace, rules: Mapping[str, Any], *, note: str = "", by: User | None = None
) -> Ranker:
    """A further version, not in use yet. Raises SchemeError for weights that make no sense."""
    tidy = schemes.checked(rules)
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                made = _append(workspace.pk, tidy, note=note, by=by)
                audit.record("ranker.written", made, by=by, workspace=workspace, detail={"version": made.version})
                return made
        except IntegrityError:  # another process took the number
            continue
    raise EngineError("The ranking of this workspace is being changed.", next_step="Try again in a moment.")


def _append(workspace_id: int, rules: dict[str, Any], *, note: str, by: User | None, active: bool = False) -> Ranker:
    last = Ranker.objects.filter(workspace_id=workspace_id).aggregate(last=Max("version"))["last"] or 0
    return Ranker.objects.create(
        workspace_id=workspace_id, version=last + 1, rules=rules, note=note[:300], active=active, created_by=by
    )


def activate(ranker: Ranker, *, by: User | None, now: datetime | None = None) -> Ranker:
    """Let a version rank from now on. It needs a report against the version in use; EngineError says what is missing.

    Where the report is sure that the new weights earn less, they are refused: nobody activates that by mistake.
    """
    now = now or timezone.now()
    with transaction.atomic():
        ranker = Ranker.objects.select_for_update().get(pk=ranker.pk)
        if ranker.active:
            return ranker
        before = active(ranker.workspace_id)
        report = ranker.report
        if not report or ranker.reported is None or now - ranker.reported > REPORT_HOLDS:
            raise EngineError("These weights have no fresh report.", next_step="Have them evaluated first.")
        if report.get("against") != before.version:
            raise EngineError(
                f"Their report is against version {report.get('against')}, and version {before.version} ranks now.",
                next_step="Have them evaluated again.",
            )
        if report.get("enough") and report["gain"]["high"] is not None and report["gain"]["high"] < 0:
            raise EngineError(
                f"They would earn {-report['gain']['value']:.3f} clicks a list less than version {before.version}.",
                next_step="Change the weights: a new version.", permanent=True,
            )  # fmt: skip
        Ranker.objects.filter(workspace_id=ranker.workspace_id, active=True).update(active=False)
        Ranker.objects.filter(pk=ranker.pk).update(active=True, shadow=False)
        ranker.refresh_from_db()
        detail = {"version": ranker.version, "before": before.version, "report": report}
        audit.record("ranker.activated", ranker, by=by, workspace=ranker.workspace_id, detail=detail)
    return ranker


def put_in_shadow(ranker: Ranker, *, by: User | None) -> None:
    """Have a version's order written down with each list from now on, in place of any other's; nobody sees it."""
    with transaction.atomic():
        if ranker.active:
            raise EngineError("This version ranks already.", next_step="Choose another for the shadow.")
        Ranker.objects.filter(workspace_id=ranker.workspace_id, shadow=True).update(shadow=False)
        Ranker.objects.filter(pk=ranker.pk).update(shadow=True)
        audit.record(
            "ranker.shadowed", ranker, by=by, workspace=ranker.workspace_id, detail={"version": ranker.version}
        )
