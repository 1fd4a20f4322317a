"""Past content, weighed again when a policy, a judge or a bank changes; and beforehand, what that would change.

A dry run and the real thing find the changes by the same function. What a person decided on stands as long as nothing
weighs heavier than what they were shown: `before` is what their policy made of what the judges had said by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from creator import jobs
from creator.jobs import Work
from creator.models import Job, Publication, Revision, Story, User, Workspace
from creator.services import audit, judging, publications
from creator.services.digests import digest_of
from creator.services.judging import SURFACE
from media_processing.engine import EngineError, Progress, engines, no_progress
from moderation import cases, policies, verdicts
from moderation import services as moderation
from moderation.models import BannedHash, Part, PictureHash, Policy, Review, Sweep
from moderation.picture_banks import matching
from moderation.weighing import RANK, Outcome, Piece
from search import models_in_use

AT_ONCE = 200
"""Items that are weighed together."""
Submission = tuple[UUID, int]
"""(story, number)"""


@dataclass(frozen=True)
class Item:
    """What is weighed: a submission on the surface where it is shown or would be."""

    story: Story
    number: int
    surface: str
    publication: Publication | None
    review: Review
    """The last word of a person on it, or the case that waits for one."""

    @property
    def seen(self) -> datetime:
        """When that was."""
        return self.review.decided or self.review.created


@dataclass(frozen=True)
class Weighed:
    """An item, before and after."""

    item: Item
    before: Outcome
    after: Outcome

    @property
    def heavier(self) -> list[dict[str, Any]]:
        """The reasons that weigh heavier now than before, at their places."""
        return moderation.heavier(self.after.reasons, self.before.reasons)

    @property
    def act(self) -> str:
        """What follows: "withdraw", "hold" (an approval ends), "review" (a person looks again), or nothing."""
        gravest = max((RANK[reason["outcome"]] for reason in self.heavier), default=0)
        if gravest == RANK["block"]:
            return "withdraw" if self.item.publication else "hold"
        return "review" if gravest else ""

    def line(self) -> dict[str, Any]:
        """As it is listed. Equal lines are equal changes."""
        item = self.item
        return {
            "story": str(item.story.pk), "number": item.number, "title": item.story.title, "surface": item.surface,
            "publication": str(item.publication.pk) if item.publication else "", "before": self.before.outcome,
            "after": self.after.outcome, "act": self.act,
            "reasons": [{key: reason[key] for key in ("category", "where", "outcome", "score", "threshold", "text")}
                        for reason in self.heavier],
        }  # fmt: skip


# Finding --------------------------------------------------------------------------------------------------------------


def items(workspace_id: int, only: set[Submission] | None = None) -> Iterator[Item]:
    """What is live, and what waits for review or for publication. `only`: of these submissions."""
    live = Publication.objects.live().filter(workspace_id=workspace_id).select_related("channel", "story")
    waiting = Review.objects.in_workspace(workspace_id).filter(state__in=(Review.State.OPEN, Review.State.APPROVED))
    if only is not None:
        stories = {story for story, _number in only}
        live, waiting = live.filter(story__in=stories), waiting.filter(story__in=stories)
    shown: set[Submission] = set()
    for some in _groups(live.order_by("pk").iterator(chunk_size=AT_ONCE), AT_ONCE):
        numbers = dict(
            Publication.revisions.through.objects.filter(publication__in=[each.pk for each in some])
            .values_list("publication", "revision__number")
        )
        reviews = _last_words({each.story_id for each in some})
        for each in some:
            at = (each.story_id, numbers.get(each.pk, 0))
            shown.add(at)
            if at in reviews and (only is None or at in only):
                yield Item(each.story, at[1], each.channel.surface, each, reviews[at])
    rest = {(story, number) for story, number in waiting.values_list("story", "number")} - shown
    for group in _groups(sorted(rest & only if only is not None else rest, key=str), AT_ONCE):
        reviews = _last_words({story for story, _number in group})
        stories_there = Story.objects.in_bulk([story for story, _number in group])
        for at in group:
            yield Item(stories_there[at[0]], at[1], SURFACE, None, reviews[at])


Row = TypeVar("Row")


def _groups(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


def _last_words(stories: Iterable[UUID]) -> dict[Submission, Review]:
    last: dict[Submission, Review] = {}
    kept = Review.objects.filter(story__in=set(stories)).exclude(state=Review.State.VOID).select_related("policy")
    for review in kept.order_by("pk"):
        at = (review.story_id, review.number)
        known = last.get(at)
        if known is None or (review.decided or review.created) >= (known.decided or known.created):
            last[at] = review
    return last


def weighed(
    workspace_id: int, policy: Policy, *, only: set[Submission] | None = None, again: frozenset[str] = frozenset(),
    progress: Progress = no_progress,
) -> Iterator[Weighed]:  # fmt: skip
    """Every item before and under `policy`. Contents in `again` are compared with the banks as they are now."""
    there = list(items(workspace_id, only))
    model = judging.search_model(workspace_id)
    for start in range(0, len(there), AT_ONCE):
        some = there[start : start + AT_ONCE]
        parts = _parts(some)
        every = [part for each in parts.values() for part in each]
        fresh = [part for part in every if part.content in again]
        for part in fresh:
            moderation.judge_picture(workspace_id, part.content, judging.look_at(part))
        now = verdicts.current(workspace_id, every, judging.look_at, search_model=model)
        stored = verdicts.stored_verdicts(workspace_id, {part.content for part in every})
        for item in some:
            mine = parts[item.story.pk, item.number]
            then = [
                Piece(part.where, part.text, verdicts.as_of(stored, part.content, part.language, item.seen))
                for part in mine
            ]
            after = [Piece(part.where, part.text, now[part.pk]) for part in mine]
            before = moderation.weigh(item.review.policy or policy, item.surface, then)
            yield Weighed(item, before, moderation.weigh(policy, item.surface, after))
        progress(min(1.0, (start + len(some)) / len(there)))


def _parts(some: Sequence[Item]) -> dict[Submission, list[Part]]:
    wanted: dict[Submission, list[Part]] = {(item.story.pk, item.number): [] for item in some}
    _fill(wanted, set(wanted))
    # Submissions from before there were parts.
    if lacking := {at for at, parts in wanted.items() if not parts}:
        for story, number in lacking:
            revision = Revision.objects.filter(story=story, number=number).select_related("story").first()
            if revision is not None:
                judging.keep_those_of(revision)
        _fill(wanted, lacking)
    return wanted


def _fill(wanted: dict[Submission, list[Part]], some: set[Submission]) -> None:
    rows = Part.objects.filter(story__in={story for story, _number in some}).select_related("asset")
    for part in rows.order_by("pk"):
        if (part.story_id, part.number) in some:
            wanted[part.story_id, part.number].append(part)


# Jobs -----------------------------------------------------------------------------------------------------------------


def sweep(work: Work) -> None:
    """What a job of the kind "sweep" asks for: {"cause", "policy", "banned" or "bank" and "after"}."""
    said, workspace, by = work.job.subject, work.job.workspace, work.job.person
    work.begin("looking at what was judged")
    progress = work.part(0.0, 1.0)
    if said["cause"] == "dry":
        dry_run(Policy.objects.get(pk=said["policy"], workspace=workspace), by=by, progress=progress)
    elif said["cause"] == "bank":
        rows = BannedHash.objects.filter(workspace=workspace)
        rows = rows.filter(bank=said["bank"], pk__gt=said["after"]) if "bank" in said else rows.filter(
            pk__in=said["banned"]
        )
        sweep_bans(workspace, rows.only("pk", "pdq").iterator(chunk_size=AT_ONCE), by=by, progress=progress)
    elif said["cause"] == "judges":
        sweep_judges(workspace, progress=progress)
    else:
        sweep_policy(workspace, by=by, progress=progress)


def ask(workspace: Workspace, cause: str, *, by: User | None = None, **said: Any) -> Job:
    """Have a worker sweep; bans first of all that waits."""
    return jobs.submit(
        "sweep", workspace=workspace, person=by, priority=10 if cause == "bank" else -5, cause=cause, **said
    )


def ask_where_judges_changed() -> None:
    """Have past content looked at where a judge came, went or has another version since it last was, or where another
    model searches and a judge goes by what it sees."""
    live = Publication.objects.live().order_by().values("workspace")
    for workspace in Workspace.objects.filter(pk__in=live):
        stamp = _stamp(workspace)
        last = Job.objects.filter(workspace=workspace, kind="sweep", subject__cause="judges").order_by("-id").first()
        if last is None or (last.subject.get("judges") != stamp and not last.is_open):
            ask(workspace, "judges", judges=stamp)


def _stamp(workspace: Workspace) -> str:
    """Names all judges with their versions, without the banks, and the search model where a judge reads from it."""
    named = []
    for role in ("text_judge", "picture_judge"):
        for judge in engines.all(role):
            with suppress(EngineError):
                named.append([role, judge.name, getattr(judge, "steady_model", judge.model)])
                if getattr(judge, "reads_embeddings", False):
                    named[-1].append(models_in_use.stamp(models_in_use.embedder_for(workspace.pk)))
    return digest_of(named)


# Verbs ----------------------------------------------------------------------------------------------------------------


def dry_run(policy: Policy, *, by: User | None = None, progress: Progress = no_progress) -> Sweep:
    """What activating a policy would change, item by item. Nothing changes."""
    sweep = Sweep.objects.create(
        workspace_id=policy.workspace_id, cause="policy", policy=policy, dry=True, asked_by_id=by.pk if by else None
    )
    return _run(sweep, policy, progress=progress)


def last_dry_run(policy: Policy) -> Sweep | None:
    """The newest dry run of a version that ran through and was compared with the policy that counts now."""
    active = policies.active_policy(policy.workspace_id)
    runs = Sweep.objects.filter(policy=policy, dry=True, state=Sweep.State.DONE)
    return runs.filter(started__gte=active.activated or active.created).order_by("-pk").first()


def activate(policy: Policy, *, by: User) -> Policy:
    """Let a proposed policy count, after a dry run, by somebody else than who proposed it. The caller has past content
    swept afterwards. Raises EngineError."""
    policies.require_second(policy, by.pk)
    if last_dry_run(policy) is None:
        raise EngineError(
            f"Nobody has seen what version {policy.version} would change.", next_step="Do a dry run first."
        )
    with transaction.atomic():
        active = policies.activate(policy, by_id=by.pk)
        audit.record(
            "policy.activate", policy, by=by, workspace=policy.workspace_id,
            detail={"version": policy.version, "proposed_by": policy.created_by_id},
        )  # fmt: skip
    return active


def sweep_policy(workspace: Workspace, *, by: User | None = None, progress: Progress = no_progress) -> Sweep:
    """Weigh all past content under the active policy, and act on what weighs heavier now."""
    policy = policies.active_policy(workspace.pk)
    sweep = Sweep.objects.create(
        workspace=workspace, cause="policy", policy=policy, asked_by_id=by.pk if by else None
    )
    return _run(sweep, policy, progress=progress)


def sweep_judges(workspace: Workspace, *, progress: Progress = no_progress) -> Sweep:
    """The same after a judge came, or has another version: what it hasn't seen, it is asked now."""
    policy = policies.active_policy(workspace.pk)
    return _run(Sweep.objects.create(workspace=workspace, cause="judges", policy=policy), policy, progress=progress)


def sweep_bans(
    workspace: Workspace, rows: Iterable[BannedHash], *, by: User | None = None, progress: Progress = no_progress
) -> Sweep:
    """Find every picture that newly banned hashes match among all that was judged, and act on what shows it."""
    policy = policies.active_policy(workspace.pk)
    sweep = Sweep.objects.create(
        workspace=workspace, cause="bank", policy=policy, asked_by_id=by.pk if by else None
    )
    _hash_the_rest(workspace.pk)
    contents = frozenset(matching(workspace.pk, rows))
    return _run(sweep, policy, again=contents, only=_showing(workspace.pk, contents), progress=progress)


def _hash_the_rest(workspace_id: int) -> None:
    """Hash what is live or waits and was judged before hashes were kept. Nothing, once that is done."""
    kept = Part.objects.filter(workspace_id=workspace_id)
    known = set(kept.order_by().values_list("story", "number").distinct())
    for some in _groups((item for item in items(workspace_id) if (item.story.pk, item.number) not in known), AT_ONCE):
        _parts(some)
    hashed = PictureHash.objects.filter(workspace_id=workspace_id, method=verdicts.METHOD)
    bare = kept.filter(kind="picture").exclude(content="").exclude(content__in=hashed.values("content"))
    for part in bare.select_related("asset").iterator(chunk_size=AT_ONCE):
        moderation.judge_picture(workspace_id, part.content, judging.look_at(part))


def _showing(workspace_id: int, contents: Iterable[str]) -> set[Submission]:
    """The submissions that show any of these pictures."""
    found: set[Submission] = set()
    for some in _groups(sorted(contents), 500):
        rows = Part.objects.filter(workspace_id=workspace_id, content__in=some)
        found.update(rows.values_list("story", "number"))
    return found


def _run(
    sweep: Sweep, policy: Policy, *, only: set[Submission] | None = None, again: frozenset[str] = frozenset(),
    progress: Progress = no_progress,
) -> Sweep:  # fmt: skip
    before: Counter[str] = Counter({"pass": 0, "review": 0, "block": 0})
    after = before.copy()
    try:
        for each in weighed(sweep.workspace_id, policy, only=only, again=again, progress=progress):
            before[each.before.outcome] += 1
            after[each.after.outcome] += 1
            if each.act or each.before.outcome != each.after.outcome:
                sweep.changes.append(each.line())
            if each.act and not sweep.dry:
                _act(each, policy, sweep)
    except BaseException:
        sweep.state, sweep.finished = Sweep.State.FAILED, timezone.now()
        sweep.save()
        raise
    sweep.before, sweep.after = dict(before), dict(after)
    sweep.state, sweep.finished = Sweep.State.DONE, timezone.now()
    with transaction.atomic():
        sweep.save()
        acts = Counter(change["act"] for change in sweep.changes if change["act"])
        audit.record(
            "moderation.dry_run" if sweep.dry else "moderation.sweep", sweep, by=sweep.asked_by,
            workspace=sweep.workspace_id,
            detail={"cause": sweep.cause, "policy": policy.version, "before": sweep.before, "after": sweep.after,
                    "acts": dict(acts)},
        )  # fmt: skip
    return sweep


def _act(each: Weighed, policy: Policy, sweep: Sweep) -> None:
    """Do what follows for one item, whole or not at all."""
    item, heavier = each.item, each.heavier
    with transaction.atomic():
        if each.act == "withdraw" and item.publication is not None:
            publications.withdraw(item.publication, by=None, reason=_why(heavier[0], policy))
        elif each.act == "hold":
            cases.void(item.story.pk)
            Story.objects.filter(pk=item.story.pk).update(state=Story.State.IN_REVIEW)
        cases.join(
            workspace_id=sweep.workspace_id, story_id=item.story.pk, number=item.number, digests=item.review.digests,
            kind=Review.Kind.RECHECK, reasons=heavier, policy=policy,
        )  # fmt: skip


def _why(reason: dict[str, Any], policy: Policy) -> str:
    clause = dict(moderation.clauses(policy)).get(reason["clause"], "")
    return f"Policy {policy.version}, {reason['category']} ({reason['where']}): {clause or reason['text']}"[:300]
