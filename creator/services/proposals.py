"""Verbs of acts that take two people: one proposes exactly what is to be done, another carries it out or refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from creator.models import User, Workspace
from creator.services import audit, reviews
from media_processing.engine import EngineError
from moderation import cases
from moderation.models import BannedHash, PictureBank, Proposal, Review

BULK = 25
"""Cases that are decided together at most: as many as somebody can look through."""


@dataclass(frozen=True)
class Listed:
    """A case in a preview of many."""

    review: Review
    why_not: str = ""
    """Why it can't be decided together with others; empty where it can."""


def preview(workspace: Workspace, ids: Iterable[int], *, verb: str, by: User) -> list[Listed]:
    """What would be decided together, case by case, with those that must be looked at singly. Raises EngineError for
    too many."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise EngineError("No case is chosen.", next_step="Tick the cases that you want to decide together.")
    if len(wanted) > BULK:
        raise EngineError(f"{len(wanted)} cases are too many at once.", next_step=f"Choose {BULK} at most.")
    reviews_ = Review.objects.in_workspace(workspace.pk).filter(pk__in=wanted).select_related("story", "policy")
    return [Listed(review, _why_not(review, verb, by)) for review in sorted(reviews_, key=lambda each: -each.priority)]


def _why_not(review: Review, verb: str, by: User) -> str:
    if review.state != Review.State.OPEN:
        return "It is decided already."
    if review.kind != Review.Kind.SUBMISSION:
        return "Only submissions are decided together, the rest one by one."
    if review.claimed_by_id not in (None, by.pk) and review.claimed_until and review.claimed_until > timezone.now():
        return "Somebody else has it."
    if verb == "approve" and review.outcome == "block":
        return "The policy blocks it: to approve it takes a note of its own."
    if cases.needs_two(review):
        return f"It is about {', '.join(cases.needs_two(review))}: two people decide, each by themselves."
    try:
        cases.require_other(review, by, review.story.author_id)
    except cases.NotYours as error:
        return error.message
    return ""


def propose_bulk(
    workspace: Workspace, listed: Sequence[Listed], *, by: User, verb: str, reason: str, clause: str, note: str
) -> Proposal:
    """Propose one decision on several cases, each as it was when it was listed."""
    able = [each.review for each in listed if not each.why_not]
    if verb not in ("approve", "reject"):
        raise EngineError(f"Unknown decision {verb[:20]!r}.", next_step="It is approve or reject.")
    if not able:
        raise EngineError("None of these cases can be decided together.", next_step="Decide them one by one.")
    if not (reason and clause) or reason not in dict(cases.REASONS):
        raise EngineError("It needs a reason and a clause of the policy.", next_step="Choose both.")
    chosen = [
        {"review": review.pk, "version": review.version, "title": review.story.title, "outcome": review.outcome}
        for review in able
    ]
    said = {"verb": verb, "reason": reason, "clause": clause, "note": note.strip()[:2000], "cases": chosen}
    return propose("review.bulk", workspace, by=by, detail=said, note=note)


def propose(kind: str, workspace: Workspace, *, by: User, detail: dict[str, Any], note: str = "") -> Proposal:
    """Propose an act of one of ACTS."""
    if kind not in ACTS:
        raise EngineError(f"Unknown act {kind[:30]!r}.", permanent=True)
    with transaction.atomic():
        made = Proposal.objects.create(
            workspace=workspace, kind=kind, detail=detail, note=note.strip()[:500], proposed_by=by
        )
        audit.record(f"{kind}.propose", made, by=by, workspace=workspace, detail=detail)
    return made


def carry_out(proposal: Proposal, *, by: User) -> dict[str, Any]:
    """Do what somebody else proposed. Raises NotYours for one's own proposal, Conflict where it was decided already."""
    _settle(proposal, by, Proposal.State.DONE)
    result = ACTS[proposal.kind](proposal, by)
    Proposal.objects.filter(pk=proposal.pk).update(result=result)
    return result


def refuse(proposal: Proposal, *, by: User) -> None:
    """Turn a proposal down; its own author may take it back."""
    _settle(proposal, by, Proposal.State.REFUSED)


def _settle(proposal: Proposal, by: User, state: Proposal.State) -> None:
    if state == Proposal.State.DONE and by.pk == proposal.proposed_by_id:
        raise cases.NotYours("You proposed this yourself.", next_step="Somebody else must agree.", permanent=True)
    with transaction.atomic():
        open_ones = Proposal.objects.filter(pk=proposal.pk, state=Proposal.State.OPEN)
        if not open_ones.update(state=state, decided_by=by, decided=timezone.now()):
            raise cases.Conflict("This was decided already.", next_step="Reload the page.")
        audit.record(f"{proposal.kind}.{state}", proposal, by=by, workspace=proposal.workspace_id)
    proposal.refresh_from_db()


def _decide_all(proposal: Proposal, by: User) -> dict[str, Any]:
    """Decide each case by itself: one that changed since, or is the second person's own, stays open and is named."""
    said = {name: proposal.detail[name] for name in ("verb", "reason", "clause", "note")}
    done, left = [], []
    for each in proposal.detail["cases"]:
        review = Review.objects.in_workspace(proposal.workspace_id).get(pk=each["review"])
        try:
            reviews.decide(review, by=by, version=each["version"], **said)
        except EngineError as error:
            left.append({"review": review.pk, "title": each["title"], "why": error.message})
        else:
            done.append(review.pk)
    return {"done": done, "left": left}


def propose_lifting(banned: BannedHash | PictureBank, *, by: User) -> Proposal:
    """Propose to let a banned picture appear again, or all that a bank holds."""
    what: dict[str, Any]
    if isinstance(banned, BannedHash):
        kind, what = "ban.lift", {"pdq": banned.pdq, "category": banned.category}
    else:
        kind, what = "bank.lift", {"bank": banned.name, "hashes": banned.hashes.count()}
    if Proposal.objects.filter(kind=kind, state=Proposal.State.OPEN, detail__banned=banned.pk).exists():
        raise EngineError("This is proposed already.", next_step="Ask a second person to agree, under Review.")
    said = {"banned": banned.pk, "note": banned.note, "source": banned.source, **what}
    return propose(kind, banned.workspace, by=by, detail=said, note=banned.note)


def _lift(proposal: Proposal, by: User) -> dict[str, Any]:
    """Take a hash out of its bank. What it held back still needs a review of its own."""
    rows = BannedHash.objects.filter(workspace=proposal.workspace_id, pk=proposal.detail["banned"])
    return {"lifted": rows.delete()[0] > 0}


def _switch_off(proposal: Proposal, by: User) -> dict[str, Any]:
    """Let a bank rest; its hashes stay."""
    rows = PictureBank.objects.filter(workspace=proposal.workspace_id, pk=proposal.detail["banned"])
    return {"lifted": rows.update(enabled=False, version=F("version") + 1) > 0}


ACTS: dict[str, Callable[[Proposal, User], dict[str, Any]]] = {
    "review.bulk": _decide_all, "ban.lift": _lift, "bank.lift": _switch_off,
}  # fmt: skip
"""Kind -> what carries it out, on its proposal and by the second person. Returns what became of it."""
