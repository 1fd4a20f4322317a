"""Verbs of a review: submit a story, let a person decide, let its author object."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from creator.models import Event, Revision, Story, StoryVersion, User, Variant
from creator.services import audit, judging, notices, publications, stories, variants
from creator.services.digests import digest_of
from media_processing.engine import EngineError
from moderation import cases
from moderation import services as moderation
from moderation.models import Decision, Review
from moderation.naming import category_name


def submit(story: Story, *, by: User | None) -> Review:
    """Freeze the story's variants as revisions and open a case for them. Raises EngineError for a blocking finding."""
    if story.state == Story.State.MAKING:
        raise EngineError("This story is still being made.", next_step="Send it when it is finished.")
    variants.require_fresh(story)
    blocking = [finding for finding in variants.findings(story) if finding["severity"] == "blocking"]
    if blocking:
        raise EngineError(
            f"The check found {len(blocking)} thing(s) that must be mended: {blocking[0]['message']}",
            next_step="Open the checks at the foot of the studio.",
        )
    judging.read_pictures(story)
    parts = judging.parts_of(story)
    pieces = judging.judge(parts)
    policy = moderation.active_policy(story.workspace_id)
    outcome = moderation.weigh_for(policy, judging.surfaces_of(story.workspace_id), pieces)
    with transaction.atomic():
        fresh = Story.objects.select_for_update().get(pk=story.pk)
        if fresh.version != story.version:
            raise EngineError("The story was changed in the meantime.", next_step="Reload the page and send it again.")
        number = (fresh.revisions.aggregate(last=Max("number"))["last"] or 0) + 1
        revisions = [_revision(fresh, variant, number, by) for variant in fresh.variants.all()]
        review = moderation.open_case(
            workspace_id=fresh.workspace_id, story_id=fresh.pk, number=number,
            digests=sorted(revision.digest for revision in revisions), outcome=outcome, policy=policy,
            submitted_by_id=by.pk if by else None,
        )  # fmt: skip
        judging.keep(parts, number)
        Story.objects.filter(pk=fresh.pk).update(state=Story.State.IN_REVIEW)
        stories.keep_version(fresh, StoryVersion.Reason.REVIEW, by=by)
        _note(fresh, by, "story.submitted", review)
        notices.review_asked(fresh, review, by=by)
        record_opening(review, by=by)
    story.refresh_from_db()
    return review


def _revision(story: Story, variant: Variant, number: int, by: User | None) -> Revision:
    document = variants.document(story, variant)
    return Revision.objects.create(
        workspace_id=story.workspace_id, story=story, variant=variant, number=number,
        digest=digest_of(document), document=document, created_by=by,
    )  # fmt: skip


def record_opening(review: Review, *, by: User | None) -> None:
    """Write down that a case was opened, and what the machines or people said that opened it."""
    audit.record(
        "review.open", review, by=by, workspace=review.workspace_id,
        detail={
            "kind": review.kind, "story": review.story_id, "number": review.number, "outcome": review.outcome,
            "categories": sorted({reason["category"] for reason in review.reasons}),
            "policy": review.policy.version if review.policy else 0,
        },
    )  # fmt: skip


def claim(review: Review, *, by: User, steal: bool = False) -> Review:
    """Take a case for ten minutes, so that no two people work on it; `steal` takes it from whoever has it."""
    with transaction.atomic():
        holder = review.claimed_by_id
        claimed = cases.claim(review, by, steal=steal)
        if holder != by.pk:
            taken_from = {"from": holder} if steal and holder else {}
            audit.record("review.claim", review, by=by, workspace=review.workspace_id, detail=taken_from)
    return claimed


def renew(review: Review, *, by: User) -> bool:
    """Keep a case that one has for ten more minutes. Returns whether it still was theirs."""
    if review.claimed_by_id != by.pk:
        return False
    try:
        cases.claim(review, by)
    except cases.Conflict:
        return False
    return True


def release(review: Review, *, by: User) -> None:
    """Give a case back."""
    with transaction.atomic():
        if review.claimed_by_id == by.pk:
            cases.release(review, by)
            audit.record("review.release", review, by=by, workspace=review.workspace_id)


def decide(
    review: Review, *, by: User, verb: str, version: int, reason: str = "", clause: str = "", note: str = ""
) -> Decision | None:
    """Decide a case; see `cases.decide`. Only the approval of what nobody said a word against needs no grounds. What is
    removed is taken off every channel at once. Returns None where a second person must agree first."""
    if verb == "approve" and not review.reasons:
        reason = reason or "within_policy"
    elif not (reason and clause):
        raise EngineError(
            "A decision needs a reason and a clause of the policy.", next_step="Name both.", permanent=True
        )
    with transaction.atomic():
        story = Story.objects.select_for_update().get(pk=review.story_id)
        decision = cases.decide(
            review, person=by, verb=verb, version=version, reason=reason, clause=clause, note=note,
            author_id=story.author_id,
        )  # fmt: skip
        if decision is None:
            _note(story, by, "review.first", review)
            said = {"reason": reason, "clause": clause, "categories": cases.needs_two(review)}
            audit.record("review.first", review, by=by, workspace=review.workspace_id, detail=said)
            return None
        _carry_out(story, decision, by)
        _note(story, by, f"review.{decision.verb}", review)
        against = decision.verb not in cases.LETS_THROUGH
        with translation.override((story.author.language if story.author else "") or settings.LANGUAGE_CODE):
            told = statement(decision) if against else ""
        notices.decided(story, review, decision, by=by, statement=told)
        audit.record(
            f"review.{decision.verb}", review, by=by, workspace=review.workspace_id,
            detail={
                "decision": decision.pk, "kind": review.kind, "story": story.pk, "number": review.number,
                "reason": reason, "clause": clause, "policy": decision.policy_version, "outcome": review.outcome,
                "seconds": round((decision.created - review.created).total_seconds(), 3),
                "first": review.first_by_id, "digests": review.digests,
            },
        )  # fmt: skip
    return decision


def _carry_out(story: Story, decision: Decision, by: User | None) -> None:
    """What a decision does to its story."""
    State = Story.State
    rows = Story.objects.filter(pk=story.pk)
    if decision.verb in ("approve", "reject"):
        state = State.APPROVED if decision.verb == "approve" else State.REJECTED
        rows.filter(state=State.IN_REVIEW).update(state=state)
    elif decision.verb == "overturn":
        rows.filter(state=State.REJECTED).update(state=State.APPROVED)
    if decision.verb == "remove":
        for publication in story.publications.live():
            publications.withdraw(publication, by=by, reason=f"Removed after a review: {clause_text(decision)}")
    if decision.verb in ("keep", "remove") and not story.reviews.filter(number__gt=decision.review.number).exists():
        held = rows.filter(state__in=(State.IN_REVIEW, State.APPROVED, State.PUBLISHED))
        if decision.verb == "remove":
            held.update(state=State.REJECTED)
        elif not story.publications.live().exists():  # a machine had held it back, or taken it down
            held.update(state=State.APPROVED)


def clause_text(decision: Decision) -> str:
    """The sentence of the policy that a decision rests on."""
    policy = decision.review.policy
    return str(policy.rules.get("clauses", {}).get(decision.clause, "")) if policy else ""


# What the author may do about it --------------------------------------------------------------------------------------


def last_against(story: Story) -> Decision | None:
    """The decision that holds a story back or took it down, if one does: what its author may object to."""
    review = cases.standing(story.pk)
    if review is None or review.state != Review.State.REJECTED:
        return None
    decision = review.decisions.last()
    return decision if decision is not None and decision.verb in ("reject", "remove") else None


def statement(decision: Decision) -> str:
    """What the author is told of a decision against them, in the language in force: what was decided, by which rule, on
    which facts, found and decided by whom, and what can be done about it. The points are those of Article 17 of the
    Digital Services Act."""
    review = decision.review
    title = review.story.title or gettext("Untitled story")
    done = {
        "remove": gettext("“%(title)s” (submission %(number)s) was taken off every channel on %(day)s."),
        "uphold": gettext("“%(title)s” (submission %(number)s) was not restored after your appeal on %(day)s."),
        "reject": gettext("“%(title)s” (submission %(number)s) was not released on %(day)s."),
    }.get(decision.verb, gettext("“%(title)s” (submission %(number)s) was released on %(day)s."))
    machine = sorted({reason["category"] for reason in review.reasons if reason["why"] == "over"})
    people = review.reports.count()
    found = [
        gettext("automated checks noticed: %(categories)s") % {"categories": ", ".join(map(category_name, machine))}
        if machine else "",
        ngettext("%(count)s report from readers", "%(count)s reports from readers", people) % {"count": people}
        if people else "",
    ]  # fmt: skip
    facts = {
        "title": title, "number": review.number, "day": date_format(decision.created, "DATE_FORMAT"),
        "rule": clause_text(decision) or decision.clause, "version": decision.policy_version, "note": decision.note,
        "reason": dict(cases.REASONS).get(decision.reason, decision.reason),
        "found": "; ".join(each for each in found if each) or gettext("by a person who looked at it"),
    }  # fmt: skip
    lines = [
        done,
        gettext("Rule: %(rule)s (policy version %(version)s)"),
        gettext("Reason: %(reason)s"),
        gettext("What speaks for it: %(note)s") if decision.note else "",
        gettext("How it was found: %(found)s."),
        gettext("Decided by two people, not by a machine.") if review.first_by_id
        else gettext("Decided by a person, not by a machine."),
        gettext("You may object once; somebody else then decides. Or change the story and submit it again.")
        if decision.verb in ("reject", "remove") else "",
    ]  # fmt: skip
    return "\n".join(line % facts for line in lines if line)


def appeal(decision: Decision, *, by: User, text: str) -> Review:
    """The author of a story objects to a decision; somebody who had no part in it decides, in the same queue."""
    with transaction.atomic():
        story = Story.objects.select_for_update().get(pk=decision.review.story_id)
        if by.pk not in (story.author_id, decision.review.submitted_by_id):
            raise cases.NotYours("Only its author can object.", next_step="Ask the author to.", permanent=True)
        review = cases.appeal(decision, person=by, text=text)
        _note(story, by, "review.appealed", review)
        notices.review_asked(story, review, by=by)
        record_opening(review, by=by)
    return review


def _note(story: Story, by: User | None, kind: str, review: Review) -> None:
    Event.objects.create(
        workspace_id=story.workspace_id, story=story, person=by, kind=kind, data={"review": review.pk}
    )
