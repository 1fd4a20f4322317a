"""Verbs of the queue: a case opens, signals join it, a person takes it, decides, or passes it on.

One case is open for each revision of a story (DESIGN.md, section 7); what comes up about that revision joins it. The
queue is ordered by severity x reach x confidence plus a point for each day of waiting, so a case can only be overtaken
by cases that opened less than a day after it: nothing starves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from media_processing.engine import EngineError
from moderation.models import Decision, Look, Policy, Report, Review
from moderation.weighing import RANK, Outcome, confidence, severity

Kind = Review.Kind
CLAIM = timedelta(minutes=10)
"""How long a claimed case is kept for the person who claimed it."""
HERE = timedelta(seconds=25)
"""Somebody whose page was silent for longer isn't looking any more."""
SKIPPED = timedelta(hours=12)
"""How long a case that somebody passed on isn't offered to them."""
TRIES = 20
"""Attempts at a write that another process may win."""
ALWAYS_TWO = frozenset({"minors", "sexual/minors"})
"""Categories in which it takes two people to let something through, whatever the policy says."""
TWO_PEOPLE = frozenset({"sexual", "banned"})
"""Those beside them where the policy has no `two_people`."""
VERBS: dict[str, tuple[str, str]] = {
    Kind.SUBMISSION: ("approve", "reject"),
    Kind.REPORT: ("keep", "remove"),
    Kind.RECHECK: ("keep", "remove"),
    Kind.APPEAL: ("overturn", "uphold"),
}
"""Kind -> (what lets the content through, what holds it back)."""
LETS_THROUGH = frozenset(verbs[0] for verbs in VERBS.values())
HOURS: dict[str, float] = {"block": 4, "review": 24, "pass": 48, "appeal": 72}
"""Outcome, or "appeal" -> hours within which it should be decided, where the policy's `due_hours` doesn't say."""
REASONS = [
    ("policy", _("Against the policy")),
    ("inaccurate", _("Not what the source says")),
    ("misleading", _("True, but misleading")),
    ("picture", _("The picture doesn't fit or offends")),
    ("rights", _("Rights or credit are unclear")),
    ("privacy", _("Shows or names somebody without need")),
    ("quality", _("Not good enough to publish")),
    ("false_alarm", _("The machines were wrong")),
    ("within_policy", _("Looked at, and within the policy")),
    ("public_interest", _("In the public interest")),
    ("other", _("Something else: see the note")),
]
"""(code, label). The last four suit a decision that lets something through."""
FOR_IT = ("false_alarm", "within_policy", "public_interest", "other")
REPORT_REASONS = {
    "illegal": (_("Against the law"), "illicit", "block"),
    "minors": (_("Endangers a child"), "minors", "block"),
    "sexual": (_("Sexual"), "sexual", "review"),
    "violence": (_("Violent or threatening"), "violence", "review"),
    "hate": (_("Hateful"), "hate", "review"),
    "self-harm": (_("Encourages self-harm"), "self-harm", "block"),
    "privacy": (_("Shows or names me"), "personal-data", "review"),
    "wrong": (_("Wrong or misleading"), "accuracy", "review"),
    "rights": (_("Uses my work"), "rights", "review"),
    "spam": (_("Spam or a fraud"), "spam", "review"),
    "other": (_("Something else"), "other", "review"),
}
"""Code -> (as people say it, category of the policy, how grave a case it makes)."""


class Conflict(EngineError):
    """Somebody else was faster; what the person saw is no longer how things stand."""


class NotYours(EngineError):
    """Decided by the wrong person: its author, or somebody who decided on it before."""


# Opening --------------------------------------------------------------------------------------------------------------


def open_case(
    *, workspace_id: int, story_id: UUID, number: int, digests: Iterable[str], outcome: Outcome, policy: Policy,
    submitted_by_id: int | None, reach: float = 1.0,
) -> Review:  # fmt: skip
    """The case of one submission. The same submission gets its case back; an older submission of the story that is
    still open, or an appeal against one, becomes void. `reach`: the share of the audience that would see it, 0 to 1."""
    wanted = sorted(digests)
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                # One at a time; `no_key`, so that decisions on other cases of this policy aren't held up.
                Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
                reviews = Review.objects.filter(story_id=story_id)
                same = reviews.filter(number=number, kind=Kind.SUBMISSION).first()
                if same is not None and sorted(same.digests) == wanted:
                    return same
                if same is not None or reviews.filter(number__gt=number).exists():
                    raise Conflict("A newer submission of this story exists.", next_step="Reload the page.")
                _make_void(reviews.filter(state=Review.State.OPEN, kind__in=(Kind.SUBMISSION, Kind.APPEAL)))
                return _opened(
                    workspace_id=workspace_id, story_id=story_id, number=number, digests=wanted, policy=policy,
                    outcome=outcome.outcome, reasons=outcome.reasons, submitted_by_id=submitted_by_id, reach=reach,
                )  # fmt: skip
        except IntegrityError:  # another process opened one for this story
            continue
    raise Conflict("This story is being submitted by somebody else.", next_step="Reload the page.")


def join(
    *, workspace_id: int, story_id: UUID, number: int, digests: Iterable[str], kind: Review.Kind,
    reasons: Sequence[Mapping[str, Any]], policy: Policy, reach: float = 1.0,
) -> tuple[Review, bool]:  # fmt: skip
    """Bring new reasons to a revision: into its open case, or into a new one. Returns the case and whether it is new.

    A revision that was looked at for these reasons under this policy is not looked at again: its decided case comes
    back. `reasons` are like those of an Outcome.
    """
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                reviews = Review.objects.select_for_update().filter(story_id=story_id, number=number)
                here = reviews.filter(state=Review.State.OPEN).first()
                if here is not None:
                    _merge(here, reasons, reach)
                    return here, False
                wanted = {reason["category"] for reason in reasons}
                for earlier in reviews.filter(
                    kind__in=(Kind.REPORT, Kind.RECHECK), policy=policy, decided__isnull=False
                ):
                    if wanted <= {reason["category"] for reason in earlier.reasons}:
                        return earlier, False
                merged = _merged((), reasons)
                return _opened(
                    workspace_id=workspace_id, story_id=story_id, number=number, digests=sorted(digests),
                    policy=policy, outcome=_gravest(merged), reasons=merged, submitted_by_id=None, reach=reach,
                    kind=kind,
                ), True  # fmt: skip
        except IntegrityError:  # another process opened it
            continue
    raise Conflict("This story is being looked at.", next_step="Try again in a moment.")


def report(
    *, workspace_id: int, story_id: UUID, number: int, digests: Iterable[str], policy: Policy, reporter: str,
    reason: str, text: str = "", reach: float = 1.0,
) -> tuple[Report, bool]:  # fmt: skip
    """Somebody objects to a published revision. Returns the report and whether it opened a case.

    The same reporter is counted once for a reason. The more people report the same, the surer the case is:
    confidence is 1 - 0.5^n.
    """
    if reason not in REPORT_REASONS:
        raise EngineError(f"Unknown reason {reason[:40]!r}.", next_step=f"It is one of: {', '.join(REPORT_REASONS)}.")
    label, category, outcome = REPORT_REASONS[reason]
    with translation.override("en"):  # what is kept has one language
        called = str(label)
    with transaction.atomic():
        # One at a time for a policy, as in open_case: the count below must not miss a report.
        Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
        about = Report.objects.filter(story_id=story_id, number=number)
        said = about.filter(reporter=reporter, reason=reason).first()
        if said is not None:
            return said, False
        count = about.filter(reason=reason).count() + 1
        clause = category if category in policy.rules.get("clauses", {}) else ""
        review, opened = join(
            workspace_id=workspace_id, story_id=story_id, number=number, digests=digests, kind=Kind.REPORT,
            policy=policy, reach=reach,
            reasons=[
                {
                    "category": category, "score": round(1 - 0.5**count, 4), "threshold": None, "outcome": outcome,
                    "where": "reported", "text": f"{called}: {count} report{'s' if count > 1 else ''}",
                    "clause": clause, "why": "reported",
                }
            ],
        )  # fmt: skip
        made = Report.objects.create(
            workspace_id=workspace_id, review=review, story_id=story_id, number=number, reporter=reporter[:100],
            reason=reason, text=text.strip()[:2000],
        )  # fmt: skip
    return made, opened


def appeal(decision: Decision, *, person: AbstractUser, text: str) -> Review:
    """The author objects to a decision: a case in the same queue, for somebody who had no part in that decision.

    Raises EngineError for a decision that let the content through, for one on an appeal, and for a second appeal.
    """
    review = decision.review
    if decision.verb not in ("reject", "remove"):
        raise EngineError("Only what was held back or removed can be appealed against.", permanent=True)
    if not text.strip():
        raise EngineError("Say why the decision is wrong.", next_step="A sentence or two help whoever looks at it.")
    policy = review.policy
    with transaction.atomic():
        reviews = Review.objects.select_for_update().filter(story_id=review.story_id)
        if reviews.filter(appeal_of=decision).exists():
            raise EngineError("This decision was appealed against already.", permanent=True)
        if reviews.filter(number__gt=review.number).exists():
            raise EngineError("There is a newer submission of this story, which is looked at anyway.", permanent=True)
        if review.state != Review.State.REJECTED:
            raise EngineError("This decision no longer holds.", next_step="Submit the story again.", permanent=True)
        try:
            with transaction.atomic():
                return _opened(
                    workspace_id=review.workspace_id, story_id=review.story_id, number=review.number,
                    digests=review.digests, policy=policy, outcome=review.outcome, reasons=review.reasons,
                    submitted_by_id=person.pk, reach=review.reach, kind=Kind.APPEAL, appeal_of=decision,
                    appeal_text=text.strip()[:4000],
                )  # fmt: skip
        except IntegrityError:
            raise Conflict("This revision is being looked at already.", next_step="Wait for that decision.") from None


def time_for(outcome: str, policy: Policy | None) -> timedelta:
    """How soon a case of an outcome, or an "appeal", should be decided under a policy."""
    said = policy.rules.get("due_hours", {}) if policy else {}
    return timedelta(hours=said.get(outcome, HOURS[outcome]))


def _opened(*, outcome: str, reasons: Any, reach: float, kind: str = Kind.SUBMISSION, **fields: Any) -> Review:
    now = timezone.now()
    reach = min(max(reach, 0.0), 1.0)
    weighed = Outcome(outcome, list(reasons))  # type: ignore[arg-type]
    within = time_for("appeal" if kind == Kind.APPEAL else outcome, fields.get("policy"))
    return Review.objects.create(
        kind=kind, outcome=outcome, reasons=list(reasons), reach=reach, due=now + within,
        priority=priority(weighed, reach, now), **fields,
    )  # fmt: skip


def _merged(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Both lists; of two on the same category and place, the newer."""
    found = {(reason["category"], reason["where"]): dict(reason) for reason in (*old, *new)}
    return sorted(found.values(), key=lambda reason: (RANK[reason["outcome"]], reason["score"] or 0), reverse=True)


def _gravest(reasons: Iterable[Mapping[str, Any]]) -> str:
    return max((str(reason["outcome"]) for reason in reasons), key=RANK.__getitem__, default="pass")


def _merge(review: Review, reasons: Sequence[Mapping[str, Any]], reach: float) -> None:
    """New reasons in an open case. One of a category that nobody saw there changes what is decided: then whoever has
    the page open must look again. More of the same changes nothing but the order, or a flood could stop every decision.
    """
    news = {reason["category"] for reason in reasons} - {reason["category"] for reason in review.reasons}
    review.reasons = _merged(review.reasons, reasons)
    review.outcome = max(review.outcome, _gravest(review.reasons), key=RANK.__getitem__)
    review.reach = min(1.0, max(review.reach, reach))
    weighed = Outcome(review.outcome, review.reasons)  # type: ignore[arg-type]
    review.priority = max(review.priority, priority(weighed, review.reach, review.created))
    soonest = review.created + time_for(review.outcome, review.policy)
    review.due = min(review.due or soonest, soonest) if review.kind != Kind.APPEAL else review.due
    fields = ["reasons", "outcome", "reach", "priority", "due"]
    if news:
        review.version += 1
        review.first_by, review.first = None, {}
        fields += ["version", "first_by", "first"]
    review.save(update_fields=fields)


# Order ----------------------------------------------------------------------------------------------------------------


def priority(outcome: Outcome, reach: float, since: datetime) -> float:
    """What the queue is ordered by: severity x reach x confidence, and a point for each day of waiting.

    Counting days down from a fixed date instead of up from the case's own keeps the order and never needs an update.
    """
    urgency = severity(outcome) * min(max(reach, 0.0), 1.0) * confidence(outcome)
    return urgency - (since - Review.DAY_ZERO) / timedelta(days=1)


@dataclass(frozen=True)
class Explanation:
    """Why a case stands where it stands: `severity` x `reach` x `confidence` + `days` = `total`."""

    severity: float
    reach: float
    confidence: float
    days: float
    total: float


def explain(review: Review, now: datetime) -> Explanation:
    """The terms of a case's urgency."""
    weighed = Outcome(review.outcome, review.reasons)  # type: ignore[arg-type]
    terms = severity(weighed), review.reach, confidence(weighed)
    days = (now - review.created) / timedelta(days=1)
    return Explanation(*terms, days=days, total=terms[0] * terms[1] * terms[2] + days)


def waiting_for(person: AbstractUser, workspace_id: int, now: datetime) -> QuerySet[Review]:
    """The cases that a person may decide, the most urgent first: not their own, not those that somebody else has, not
    those in which they had a part."""
    reviews = Review.objects.in_workspace(workspace_id).waiting().filter(_free_for(person, now))
    own = Q(submitted_by=person.pk) | Q(story__author=person.pk) | Q(first_by=person.pk)
    return reviews.exclude(own).exclude(appeal_of__person=person.pk)


def next_for(person: AbstractUser, workspace_id: int, now: datetime, *, after: int | None = None) -> Review | None:
    """The case that a person should take next. What they passed on comes again when nothing else is left."""
    waiting = waiting_for(person, workspace_id, now)
    if after is not None:
        waiting = waiting.exclude(pk=after)
    skipped = Look.objects.filter(person=person.pk, skipped__gt=now - SKIPPED).values("review")
    return waiting.exclude(pk__in=skipped).first() or waiting.first()


# Taking ---------------------------------------------------------------------------------------------------------------


def _free_for(person: AbstractUser, now: datetime) -> Q:
    """Cases that nobody else holds."""
    return Q(claimed_by=None) | Q(claimed_by=person.pk) | Q(claimed_until=None) | Q(claimed_until__lte=now)


def claim(review: Review, person: AbstractUser, *, steal: bool = False) -> Review:
    """Take a case for ten minutes, or keep it for ten more. Raises Conflict where somebody else has it, unless a lead
    takes it from them (`steal`)."""
    now = timezone.now()
    open_ones = Review.objects.filter(pk=review.pk, state=Review.State.OPEN)
    mine = open_ones if steal else open_ones.filter(_free_for(person, now))
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


def skip(review: Review, person: AbstractUser) -> None:
    """Pass a case on without saying why: it is released, and others are offered to this person first."""
    with transaction.atomic():
        release(review, person)
        look = _look(review, person)
        look.skipped = look.seen
        look.save(update_fields=["skipped"])


def _look(review: Review, person: AbstractUser) -> Look:
    now = timezone.now()
    return Look.objects.get_or_create(
        review=review, person_id=person.pk, day=now.date(),
        defaults={"workspace_id": review.workspace_id, "seen": now},
    )[0]  # fmt: skip


def looking(review: Review, person: AbstractUser) -> list[str]:
    """Note that a person has a case open, and tell who else has."""
    _look(review, person)
    now = timezone.now()
    Look.objects.filter(review=review, person=person.pk, day=now.date()).update(seen=now)
    others = Look.objects.filter(review=review, seen__gt=now - HERE).exclude(person=person.pk).select_related("person")
    return sorted(str(look.person) for look in others)


def exposed(review: Review, person: AbstractUser, level: str) -> None:
    """Count what a person had to see: `level` is "grey" or "colour"."""
    if level not in ("grey", "colour"):
        raise EngineError(f"Unknown level {level[:20]!r}.", permanent=True)
    look = _look(review, person)
    Look.objects.filter(pk=look.pk).update(**{level: F(level) + 1})


def exposure_of(person: AbstractUser, day: datetime) -> dict[str, int]:
    """How many pictures a person saw on a day: {"grey", "colour", "cases"}."""
    looks = Look.objects.filter(person=person.pk, day=day.date())
    sums = looks.aggregate(grey=Sum("grey"), colour=Sum("colour"))
    return {"grey": sums["grey"] or 0, "colour": sums["colour"] or 0, "cases": looks.count()}


# Deciding -------------------------------------------------------------------------------------------------------------


def needs_two(review: Review) -> list[str]:
    """The categories for which it takes two people to let this case's content through."""
    named = review.policy.rules.get("two_people") if review.policy else None
    chosen = ALWAYS_TWO | (TWO_PEOPLE if named is None else frozenset(named))
    return sorted({reason["category"] for reason in review.reasons if reason["why"] != "missing"} & chosen)


def require_other(review: Review, person: AbstractUser, author_id: int | None) -> None:
    """Raise NotYours where a person must not decide on a case."""
    if person.pk in (review.submitted_by_id, author_id):
        raise NotYours("Nobody decides on their own content.", next_step="Ask another moderator.", permanent=True)
    if person.pk == review.first_by_id:
        raise NotYours("You were the first of two.", next_step="Somebody else must agree.", permanent=True)
    if review.appeal_of is not None:
        part = set(review.appeal_of.review.decisions.values_list("person", flat=True))
        if person.pk in {*part, review.appeal_of.review.first_by_id}:
            raise NotYours(
                "This appeal is against your own decision.", next_step="Another moderator decides.", permanent=True
            )


def decide(
    review: Review, *, person: AbstractUser, verb: str, version: int, reason: str = "", clause: str = "",
    note: str = "", author_id: int | None = None,
) -> Decision | None:  # fmt: skip
    """Decide a case as it was at `version`: with a verb of its kind, for which "approve" and "reject" do too. The
    second of two decisions gets a Conflict. Returns None where a second person must agree first.

    Raises NotYours for one's own content (as submitter or author), for the first of two people and for an appeal
    against one's own decision; EngineError where reason or clause lack, and for an approval of what the policy blocks
    without a note.
    """
    require_other(review, person, author_id)
    through, back = VERBS[review.kind]
    verb = {"approve": through, "reject": back}.get(verb, verb)
    _require_grounds(review, verb, reason, clause, note)
    now = timezone.now()
    grounds = {"reason": reason, "clause": clause, "note": note.strip()}
    with transaction.atomic():
        seen = Review.objects.filter(_free_for(person, now), pk=review.pk, state=Review.State.OPEN, version=version)
        free = {"version": F("version") + 1, "claimed_by": None, "claimed_until": None}
        first_of_two = verb == through and review.first_by_id is None and bool(needs_two(review))
        if first_of_two:
            won = seen.update(first_by=person.pk, first={**grounds, "at": now.isoformat()}, **free)
        else:
            state = Review.State.APPROVED if verb == through else Review.State.REJECTED
            won = seen.update(state=state, decided=now, **free)
        review.refresh_from_db()
        if not won:
            raise _conflict(review)
        if first_of_two:
            return None
        return Decision.objects.create(
            workspace_id=review.workspace_id, review=review, person_id=person.pk, verb=verb, **grounds,
            digests=review.digests, policy_version=review.policy.version if review.policy else 0,
        )  # fmt: skip


def _require_grounds(review: Review, verb: str, reason: str, clause: str, note: str) -> None:
    through, back = VERBS[review.kind]
    if verb not in (through, back):
        raise EngineError(f"Unknown decision {verb[:20]!r}.", next_step=f"It is {through} or {back}.", permanent=True)
    if (verb == back or review.kind != Kind.SUBMISSION) and not (reason and clause):
        said = "A rejection" if verb == "reject" else "This decision"
        raise EngineError(f"{said} needs a reason and a clause of the policy.", permanent=True)
    if reason and reason not in dict(REASONS):
        raise EngineError(f"Unknown reason {reason[:40]!r}.", permanent=True)
    if clause and review.policy and clause not in review.policy.rules.get("clauses", {}):
        raise EngineError(f"The policy has no clause {clause[:60]!r}.", permanent=True)
    if verb == through and review.outcome == "block" and not note.strip():
        raise EngineError("The policy blocks this: say in a note why it may appear all the same.", permanent=True)


def _conflict(review: Review) -> Conflict:
    if review.state != Review.State.OPEN:
        return Conflict(f"This case is {review.get_state_display().lower()} already.", next_step="Take the next one.")
    if review.claimed_by_id and review.claimed_until and review.claimed_until > timezone.now():
        return Conflict("Somebody else has this case.", next_step="Take the next one.")
    return Conflict("This case was changed in the meantime.", next_step="Reload the page.")


# What still holds -----------------------------------------------------------------------------------------------------


def standing(story_id: UUID) -> Review | None:
    """The case that says how a story's newest submission stands: an open one that a sweep brought up, else the last one
    decided, else the open one."""
    newest = Review.objects.filter(story_id=story_id, kind=Kind.SUBMISSION).order_by("-number").first()
    if newest is None:
        return None
    rows = Review.objects.filter(story_id=story_id, number=newest.number)
    doubted = rows.filter(state=Review.State.OPEN, kind=Kind.RECHECK).first()
    return doubted or rows.filter(decided__isnull=False).order_by("-decided", "-pk").first() or newest


def _make_void(reviews: Any) -> int:
    changed: int = reviews.update(
        state=Review.State.VOID, version=F("version") + 1, claimed_by=None, claimed_until=None
    )
    return changed


def void(story_id: UUID) -> int:
    """The story was changed: its open submission and its approvals no longer hold. Returns how many there were.

    A report on what is published stays: that is still what readers see.
    """
    drafts = Q(state=Review.State.OPEN, kind__in=(Kind.SUBMISSION, Kind.APPEAL))
    return _make_void(Review.objects.filter(drafts | Q(state=Review.State.APPROVED), story_id=story_id))


def void_replaced(story_id: UUID, number: int) -> int:
    """A newer submission was published: reports on older ones are about what nobody sees any more."""
    return _make_void(Review.objects.filter(story_id=story_id, number__lt=number, state=Review.State.OPEN))


def overdue(reviews: Iterable[Review], now: datetime) -> Iterator[Review]:
    """Those of them that should have been decided by now."""
    return (review for review in reviews if review.due is not None and review.due < now)
