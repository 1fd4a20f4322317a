"""Verbs of moderation: policies, verdicts of machines, cases and decisions of people, banned pictures."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias
from uuid import UUID

import numpy as np
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max, Q, Sum
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image

from media_processing import pdq
from media_processing.engine import EngineError, engines
from moderation.engines.base import Opinion, PictureJudge, TextJudge
from moderation.models import BannedHash, Decision, Policy, Review, Verdict
from moderation.weighing import Outcome, Piece, PolicyError, checked, confidence, severity, storable, weigh

__all__ = [
    "CLAIM", "REASONS", "Conflict", "Outcome", "Piece", "PolicyError", "activate", "active_policy", "ban", "claim",
    "clauses", "decide", "frame_digest", "judge_picture", "judge_text", "new_version", "open_case", "release",
    "shipped_rules", "void", "weigh",
]  # fmt: skip

CLAIM = timedelta(minutes=10)
"""How long a claimed case is kept for the person who claimed it."""
TRIES = 20
"""Attempts at a write that another process may win."""
REASONS: list[tuple[str, str]] = [
    ("policy", "Against the policy"),
    ("inaccurate", "Not what the source says"),
    ("misleading", "True, but misleading"),
    ("picture", "The picture doesn't fit or offends"),
    ("rights", "Rights or credit are unclear"),
    ("privacy", "Shows or names somebody without need"),
    ("quality", "Not good enough to publish"),
    ("false_alarm", "The machines were wrong"),
    ("public_interest", "In the public interest"),
    ("other", "Something else: see the note"),
]
"""(code, label). The last three also suit an approval."""
Verb: TypeAlias = Literal["approve", "reject"]
_DEFAULT = Path(__file__).parent / "policies" / "default.toml"


class Conflict(EngineError):
    """Somebody else was faster; what the person saw is no longer how things stand."""


# Policies -------------------------------------------------------------------------------------------------------------


def shipped_rules() -> dict[str, Any]:
    """The rules that a workspace starts with."""
    return checked(tomllib.loads(_DEFAULT.read_text(encoding="utf-8")))


def active_policy(workspace_id: int) -> Policy:
    """The policy that counts. A workspace without one gets the shipped one as its first."""
    policies = Policy.objects.filter(workspace_id=workspace_id, active=True)
    for _attempt in range(TRIES):
        found = policies.first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                return _append_policy(workspace_id, shipped_rules(), note="The shipped policy", active=True)
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
                return _append_policy(workspace_id, tidy, note=note, created_by_id=created_by_id)
        except IntegrityError:  # another process took the number
            continue
    raise Conflict("The policy of this workspace is being changed.", next_step="Try again in a moment.")


def _append_policy(
    workspace_id: int, rules: dict[str, Any], *, note: str, active: bool = False, created_by_id: int | None = None
) -> Policy:
    last = Policy.objects.filter(workspace_id=workspace_id).aggregate(last=Max("version"))["last"] or 0
    return Policy.objects.create(
        workspace_id=workspace_id, version=last + 1, rules=rules, note=note[:300], active=active,
        created_by_id=created_by_id,
    )  # fmt: skip


def activate(policy: Policy) -> Policy:
    """Let a version count from now on. Cases that are open keep the policy that they were weighed under."""
    try:
        with transaction.atomic():
            Policy.objects.filter(workspace_id=policy.workspace_id, active=True).exclude(pk=policy.pk).update(
                active=False
            )
            Policy.objects.filter(pk=policy.pk).update(active=True)
    except IntegrityError:
        raise Conflict("Another version was activated at the same time.", next_step="Reload the page.") from None
    policy.refresh_from_db()
    return policy


def clauses(policy: Policy) -> list[tuple[str, str]]:
    """(clause, its sentence) of a policy, for forms."""
    return list(policy.rules.get("clauses", {}).items())


# Verdicts -------------------------------------------------------------------------------------------------------------


def judge_text(workspace_id: int, text: str, *, language: str = "en") -> list[Verdict]:
    """What all judges think of a text, in the order of ENGINES. The same text in the same language is judged once."""
    text = text if text.strip() else ""
    content = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    verdicts = []
    for judge in engines.all("text_judge"):
        # The language is part of what the judge looked at: a word may be harmless in one and not in another.
        model = f"{_model(judge)}/{language.lower()}"[:100]
        ask = partial(judge.judge, text, language=language)
        verdicts.append(_verdict(workspace_id, content, "text", judge, model, ask))
    return verdicts


def judge_picture(
    workspace_id: int, content_digest: str, picture: Image.Image, *, embedding: NDArray[np.float32] | None = None
) -> list[Verdict]:
    """What all judges think of a picture. `content_digest` (64 characters at most) must name exactly this picture: for
    a frame of a video that is `frame_digest`, not the digest of the file."""
    verdicts = []
    bank = _bank(workspace_id)
    for judge in engines.all("picture_judge"):
        with judge.use_bank(bank):  # within it, the judge's model names the bank too
            ask = partial(judge.judge, picture, embedding=embedding)
            verdicts.append(_verdict(workspace_id, content_digest, "picture", judge, _model(judge)[:100], ask))
    return verdicts


def frame_digest(file_digest: str, second: float) -> str:
    """Names one frame of a video, to a millisecond."""
    return hashlib.sha256(f"{file_digest}@{second:.3f}".encode()).hexdigest()


def _model(judge: TextJudge | PictureJudge) -> str:
    return judge.model or "unversioned"


def _verdict(
    workspace_id: int, content: str, kind: str, judge: TextJudge | PictureJudge, model: str, ask: Callable[[], Opinion]
) -> Verdict:
    """The stored verdict, or a new one. A judge that fails yields one that isn't stored, so that it is asked again."""
    key = {"workspace_id": workspace_id, "content": content, "engine": judge.name, "model": model}
    found = Verdict.objects.filter(**key).first()
    if found is not None:
        return found
    try:
        opinion = ask()
    except EngineError as error:
        missing = sorted(judge.categories) or [f"whatever {judge.name} judges"]
        return Verdict(**key, kind=kind, missing=missing, evidence=[{"category": "", "note": error.message}])
    # Of two processes with the same content one row stays, and both return that one.
    row = Verdict(
        **key, kind=kind, scores=dict(opinion.scores), evidence=[storable(each) for each in opinion.evidence],
        missing=list(opinion.missing),
    )  # fmt: skip
    Verdict.objects.bulk_create([row], ignore_conflicts=True)
    return Verdict.objects.get(**key)


# Banned pictures ------------------------------------------------------------------------------------------------------


def ban(
    workspace_id: int,
    picture: Image.Image,
    *,
    note: str,
    source: str = "",
    expires: datetime | None = None,
    category: str = "banned",
) -> BannedHash:
    """Never let a picture appear again, nor a scaled, recompressed, turned or mirrored copy. Banning it a second time
    renews the note and the date. Raises EngineError for a picture with too little structure to be recognised."""
    made = pdq.hashed(picture)
    if not made.reliable:
        raise EngineError(
            f"This picture is too plain to be recognised (quality {made.quality} of 100, {pdq.MIN_QUALITY} needed).",
            next_step="Remove it from the library instead.",
            permanent=True,
        )
    said = {"note": note[:300], "source": source[:200], "expires": expires}
    return BannedHash.objects.update_or_create(
        workspace_id=workspace_id, pdq=made.hex, defaults=said, create_defaults={**said, "category": category}
    )[0]


def _bank(workspace_id: int) -> pdq.HashBank:
    """The hashes that are banned now, read again only after one came, went or expired."""
    rows = BannedHash.objects.filter(workspace_id=workspace_id).exclude(expires__lte=timezone.now())
    state = rows.aggregate(Count("pk"), Sum("pk"), Max("pk"), Max("created"))
    return _read_bank(workspace_id, tuple(state.values()))


@lru_cache(maxsize=16)
def _read_bank(workspace_id: int, _state: tuple[object, ...]) -> pdq.HashBank:
    rows = BannedHash.objects.filter(workspace_id=workspace_id).exclude(expires__lte=timezone.now())
    return pdq.HashBank.of(rows.values_list("pdq", "category"))


# Cases ----------------------------------------------------------------------------------------------------------------


def open_case(
    *, workspace_id: int, story_id: UUID, number: int, digests: Iterable[str], outcome: Outcome, policy: Policy,
    submitted_by_id: int | None, reach: float = 1.0,
) -> Review:  # fmt: skip
    """The case of one submission. The same submission gets its case back; an older case of the story that is still
    open becomes void. `reach`: the share of the audience that would see it, 0 to 1."""
    wanted = sorted(digests)
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                # One at a time; `no_key`, so that decisions on other cases of this policy aren't held up.
                Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
                reviews = Review.objects.filter(story_id=story_id)
                same = reviews.filter(number=number).first()
                if same is not None and sorted(same.digests) == wanted:
                    return same
                if same is not None or reviews.filter(number__gt=number).exists():
                    raise Conflict("A newer submission of this story exists.", next_step="Reload the page.")
                _make_void(reviews.filter(state=Review.State.OPEN))
                return Review.objects.create(
                    workspace_id=workspace_id, story_id=story_id, number=number, digests=wanted, policy=policy,
                    outcome=outcome.outcome, reasons=outcome.reasons, submitted_by_id=submitted_by_id,
                    priority=_priority(outcome, reach, timezone.now()),
                )  # fmt: skip
        except IntegrityError:  # another process opened one for this story
            continue
    raise Conflict("This story is being submitted by somebody else.", next_step="Reload the page.")


def _priority(outcome: Outcome, reach: float, now: datetime) -> float:
    """What the queue is ordered by: severity x reach x confidence, and a point for each day of waiting.

    Counting days down from a fixed date instead of up from the case's own keeps the order and never needs an update.
    """
    urgency = severity(outcome) * min(max(reach, 0.0), 1.0) * confidence(outcome)
    return urgency - (now - Review.DAY_ZERO) / timedelta(days=1)


def _make_void(reviews: Any) -> int:
    changed: int = reviews.update(
        state=Review.State.VOID, version=F("version") + 1, claimed_by=None, claimed_until=None
    )
    return changed


def void(story_id: UUID) -> int:
    """The story was changed: its open cases and its approvals no longer hold. Returns how many there were."""
    held = (Review.State.OPEN, Review.State.APPROVED)
    return _make_void(Review.objects.filter(story_id=story_id, state__in=held))


def _free_for(person: AbstractUser, now: datetime) -> Q:
    """Cases that nobody else holds."""
    return Q(claimed_by=None) | Q(claimed_by=person.pk) | Q(claimed_until=None) | Q(claimed_until__lte=now)


def claim(review: Review, person: AbstractUser) -> Review:
    """Take a case for ten minutes, or keep it for ten more. Raises Conflict where somebody else has it."""
    now = timezone.now()
    mine = Review.objects.filter(_free_for(person, now), pk=review.pk, state=Review.State.OPEN)
    taken = mine.update(claimed_by=person.pk, claimed_until=now + CLAIM)
    review.refresh_from_db()
    if not taken:
        raise _conflict(review)
    return review


def release(review: Review, person: AbstractUser) -> Review:
    """Give a case back that the person claimed. Nothing happens to a case that somebody else holds."""
    Review.objects.filter(pk=review.pk, claimed_by=person.pk).update(claimed_by=None, claimed_until=None)
    review.refresh_from_db()
    return review


def decide(
    review: Review, *, person: AbstractUser, verb: str, version: int, reason: str = "", clause: str = "",
    note: str = "", author_id: int | None = None,
) -> Decision:  # fmt: skip
    """Approve or reject a case as it was at `version`. The second of two decisions gets a Conflict.

    Raises EngineError for one's own content (as submitter or author), for a rejection without reason and clause, and
    for an approval of what the policy blocks without a note.
    """
    if person.pk in (review.submitted_by_id, author_id):
        raise EngineError("Nobody decides on their own content.", next_step="Ask another moderator.", permanent=True)
    _require_grounds(review, verb, reason, clause, note)
    now = timezone.now()
    with transaction.atomic():
        state = Review.State.APPROVED if verb == "approve" else Review.State.REJECTED
        seen = Review.objects.filter(_free_for(person, now), pk=review.pk, state=Review.State.OPEN, version=version)
        won = seen.update(state=state, version=F("version") + 1, decided=now, claimed_by=None, claimed_until=None)
        review.refresh_from_db()
        if not won:
            raise _conflict(review)
        return Decision.objects.create(
            workspace_id=review.workspace_id, review=review, person_id=person.pk, verb=verb, reason=reason,
            clause=clause, note=note.strip(), digests=review.digests,
            policy_version=review.policy.version if review.policy else 0,
        )  # fmt: skip


def _require_grounds(review: Review, verb: str, reason: str, clause: str, note: str) -> None:
    if verb not in ("approve", "reject"):
        raise EngineError(f"Unknown decision {verb!r}.", next_step="It is approve or reject.", permanent=True)
    if verb == "reject" and not (reason and clause):
        raise EngineError("A rejection needs a reason and a clause of the policy.", permanent=True)
    if reason and reason not in dict(REASONS):
        raise EngineError(f"Unknown reason {reason!r}.", permanent=True)
    if clause and review.policy and clause not in dict(clauses(review.policy)):
        raise EngineError(f"The policy has no clause {clause!r}.", permanent=True)
    if verb == "approve" and review.outcome == "block" and not note.strip():
        raise EngineError("The policy blocks this: say in a note why it may appear all the same.", permanent=True)


def _conflict(review: Review) -> Conflict:
    if review.state != Review.State.OPEN:
        return Conflict(f"This case is {review.get_state_display().lower()} already.", next_step="Take the next one.")
    if review.claimed_by_id and review.claimed_until and review.claimed_until > timezone.now():
        return Conflict("Somebody else has this case.", next_step="Take the next one.")
    return Conflict("This case was changed in the meantime.", next_step="Reload the page.")
