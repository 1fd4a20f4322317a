"""Verbs of moderation: policies, verdicts of machines, cases and decisions of people, banned pictures."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Sum
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image

from media_processing import pdq
from media_processing.engine import EngineError, engines
from moderation.cases import CLAIM, REASONS, Conflict, claim, decide, open_case, release, void
from moderation.engines.base import Opinion, PictureJudge, TextJudge
from moderation.models import BannedHash, Policy, Verdict
from moderation.weighing import Outcome, Piece, PolicyError, checked, storable, weigh

__all__ = [
    "CLAIM", "REASONS", "Conflict", "Outcome", "Piece", "PolicyError", "activate", "active_policy", "ban", "claim",
    "clauses", "decide", "frame_digest", "judge_picture", "judge_text", "new_version", "open_case", "release",
    "shipped_rules", "void", "weigh",
]  # fmt: skip

TRIES = 20
"""Attempts at a write that another process may win."""
_DEFAULT = Path(__file__).parent / "policies" / "default.toml"


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
