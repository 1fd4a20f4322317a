"""Who is told what: under the bell at once, by e-mail at once or once a day, as each person chooses.

Callers say what happened, in their own transaction: `mentioned(...)`, `assigned(...)`, `webhook_disabled(...)` and the
others below, each of which finds out whom it concerns. Nobody is told of what they did themselves, nobody outside the
workspace, and nobody twice. What is said stands in templates/emails/.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from creator import jobs
from creator.models import Event, Job, Membership, Notice, Publication, Story, User, Workspace
from moderation.models import Decision, Review

Kind = Notice.Kind
TOLD = "notice.told"
"""The event of a notice: only its own person's browser gets it."""
MAIL_WAYS = ("now", "digest", "never")
USUAL: dict[str, str] = {
    Kind.INVITATION: "now",
    Kind.REVIEW_ASKED: "digest",
    Kind.DECIDED: "now",
    Kind.PUBLISHED: "digest",
    Kind.FAILED: "never",
    Kind.MENTION: "now",
    Kind.ASSIGNMENT: "now",
    Kind.WEBHOOK_DISABLED: "now",
}
"""When each kind comes by e-mail for those who chose nothing; everything stands under the bell."""
DIGEST_HOLDS = 50
FAILURES_SINCE = timedelta(hours=1)


def ways(person: User, kind: str) -> tuple[bool, str]:
    """Whether a person sees a kind of notice under the bell, and when it comes by e-mail: one of MAIL_WAYS."""
    chosen = person.told.get(kind, {})
    mail = chosen.get("mail", USUAL[kind])
    return bool(chosen.get("app", True)), mail if person.email else "never"


def choose(person: User, chosen: dict[str, tuple[bool, str]]) -> None:
    """Keep how a person wants to be told: kind -> (under the bell, when by e-mail)."""
    person.told = {
        kind: {"app": app, "mail": mail} for kind, (app, mail) in chosen.items() if kind in USUAL and mail in MAIL_WAYS
    }
    person.save(update_fields=["told"])


def tell(
    kind: str,
    people: Iterable[int | None],
    *,
    workspace_id: int,
    once: str,
    about: dict[str, Any] | None = None,
    link: str = "",
    by: User | None = None,
) -> list[Notice]:
    """Tell those of `people` (ids) who are members of the workspace and didn't do it themselves. Returns what is new.

    `once` names what is told: a second call with it does nothing. `about` are the facts for the template of the kind.
    """
    members = User.objects.filter(
        pk__in={each for each in people if each}, is_active=True, memberships__workspace=workspace_id
    ).exclude(pk=by.pk if by else 0)
    said = {"by": str(by) if by else "", **(about or {})}
    told = []
    with transaction.atomic():
        for person in members:
            in_app, mail = ways(person, kind)
            if not in_app and mail == "never":
                continue
            notice, created = Notice.objects.get_or_create(
                person=person, once=once[:120],
                defaults={
                    "workspace_id": workspace_id, "kind": kind, "about": said, "link": link, "in_app": in_app,
                    "address": person.email, "mail": STATES[mail],
                },
            )  # fmt: skip
            if created:
                told.append(notice)
                _announce(notice)
    return told


STATES = {"now": Notice.Mail.WAITING, "digest": Notice.Mail.DIGEST, "never": Notice.Mail.NONE}


def tell_address(
    kind: str, address: str, *, workspace_id: int, once: str, about: dict[str, Any], by: User | None = None
) -> Notice:
    """Tell somebody who has no account yet, by e-mail only."""
    with transaction.atomic():
        notice, created = Notice.objects.get_or_create(
            person=None, address=address, once=once[:120],
            defaults={
                "workspace_id": workspace_id, "kind": kind, "about": {"by": str(by) if by else "", **about},
                "in_app": False, "mail": Notice.Mail.WAITING,
            },
        )  # fmt: skip
        if created:
            _announce(notice)
    return notice


def _announce(notice: Notice) -> None:
    if notice.in_app:
        Event.objects.create(workspace_id=notice.workspace_id, person_id=notice.person_id, kind=TOLD)
    if notice.mail == Notice.Mail.WAITING:
        submit_mail(notice)


def submit_mail(notice: Notice, *, tries: int = 0, due: datetime | None = None) -> Job:
    """Ask for the e-mail of a notice. Before what people wait for: it takes no time."""
    workspace = Workspace.objects.get(pk=notice.workspace_id)
    return jobs.submit("send_mail", workspace=workspace, priority=5, due=due, notice=notice.pk, tries=tries)


# What happens, and whom it concerns -----------------------------------------------------------------------------------
def with_role(workspace_id: int, *roles: str) -> list[int]:
    """The ids of the members in one of these roles."""
    found = Membership.objects.filter(workspace_id=workspace_id, role__in=roles)
    return list(found.values_list("user_id", flat=True))


def review_asked(story: Story, review: Review, *, by: User | None) -> None:
    """A story was sent to review: those who may decide, but its author, are told."""
    roles = (Membership.Role.MODERATOR, Membership.Role.ADMIN)
    tell(
        Kind.REVIEW_ASKED, set(with_role(story.workspace_id, *roles)) - {story.author_id},
        workspace_id=story.workspace_id, once=f"review:{review.pk}", by=by, about={"title": story.title},
        link=reverse("admin:review-case", args=[review.pk]),
    )  # fmt: skip


def decided(story: Story, review: Review, decision: Decision, *, by: User | None, statement: str = "") -> None:
    """A review was decided: the author and whoever sent it there are told; of a decision against them, with the
    statement of its reasons."""
    against = bool(statement)
    tell(
        Kind.DECIDED, {story.author_id, review.submitted_by_id}, workspace_id=story.workspace_id,
        once=f"decision:{decision.pk}", by=by,
        link=reverse("story-decision", args=[story.pk]) if against else _studio(story.pk),
        about={"title": story.title, "approved": not against, "quoted": (statement or decision.note)[:1500]},
    )  # fmt: skip


def published(publication: Publication, *, by: User | None) -> None:
    """A story was published: its author is told, once for each time."""
    story, channel = publication.story, publication.channel
    tell(
        Kind.PUBLISHED, {story.author_id}, workspace_id=publication.workspace_id, by=by, link=_studio(story.pk),
        once=f"publication:{publication.pk}:{publication.updated.timestamp():.0f}",
        about={"title": story.title, "channel": channel.name},
    )  # fmt: skip


def mentioned(
    people: Iterable[User], *, story: Story, by: User, words: str, once: str, where: str = ""
) -> list[Notice]:
    """Somebody named these people in a comment on a story. `once` names the comment, `where` a fragment: "#scene-3"."""
    return tell(
        Kind.MENTION, {person.pk for person in people}, workspace_id=story.workspace_id, once=f"mention:{once}", by=by,
        about={"title": story.title, "quoted": words[:300]}, link=_studio(story.pk) + where,
    )  # fmt: skip


def assigned(person: User, *, story: Story, by: User, once: str, where: str = "") -> list[Notice]:
    """A story, or a scene of it, was given to a person. `once` names the assignment."""
    return tell(
        Kind.ASSIGNMENT, {person.pk}, workspace_id=story.workspace_id, once=f"assignment:{once}", by=by,
        about={"title": story.title}, link=_studio(story.pk) + where,
    )  # fmt: skip


def webhook_disabled(workspace_id: int, *, name: str, reason: str, link: str, once: str) -> list[Notice]:
    """A webhook failed for so long that it was switched off: the admins of the workspace are told."""
    return tell(
        Kind.WEBHOOK_DISABLED, with_role(workspace_id, Membership.Role.ADMIN), workspace_id=workspace_id,
        once=f"webhook:{once}", about={"name": name, "quoted": reason[:300]}, link=link,
    )  # fmt: skip


def tell_of_failures(now: datetime) -> int:
    """Tell people of the jobs that failed lately. Read from the ledger, so that no way of failing is forgotten."""
    lately = Job.objects.filter(
        state__in=(Job.State.FAILED, Job.State.PARKED), person__isnull=False, finished__gt=now - FAILURES_SINCE
    )
    failed = {f"job:{job.pk}:{job.token}": job for job in lately.select_related("story")}
    for known in Notice.objects.filter(once__in=failed).values_list("once", flat=True):
        failed.pop(known, None)
    told = 0
    for once, job in failed.items():
        about = {"job": job.kind, "title": job.story.title if job.story else "", "error": job.error[:500],
                 "next_step": job.next_step}  # fmt: skip
        link = _studio(job.story_id) if job.story_id else reverse("jobs")
        told += len(
            tell(Kind.FAILED, {job.person_id}, workspace_id=job.workspace_id, once=once, about=about, link=link)
        )
    return told


def _studio(story_id: Any) -> str:
    return reverse("story", args=[story_id])


# The day's digest -----------------------------------------------------------------------------------------------------
def submit_digests(now: datetime) -> int:
    """Ask for the digest of everybody whose hour has come and who has something unread in it. Returns how many."""
    waiting = Notice.objects.filter(mail=Notice.Mail.DIGEST, person__isnull=False)
    asked = 0
    for person_id, workspace_id in waiting.order_by().values_list("person", "workspace").distinct():
        person = User.objects.get(pk=person_id)
        local = now.astimezone(ZoneInfo(person.time_zone))
        if local.hour < person.digest_hour:
            continue
        once = f"digest:{workspace_id}:{local.date()}"
        with transaction.atomic():
            if Notice.objects.filter(person=person, once=once).exists():
                continue
            theirs = waiting.filter(person=person, workspace_id=workspace_id)
            news = list(theirs.filter(read__isnull=True).order_by("id").values_list("pk", flat=True)[:DIGEST_HOLDS])
            theirs.filter(Q(pk__in=news) | Q(read__isnull=False)).update(mail=Notice.Mail.DIGESTED)
            if not news or not person.email:
                continue
            digest = Notice.objects.create(
                person=person, workspace_id=workspace_id, kind=Kind.DIGEST, once=once, address=person.email,
                in_app=False, mail=Notice.Mail.WAITING, about={"notices": news}, link=reverse("notices"),
            )  # fmt: skip
            submit_mail(digest)
            asked += 1
    return asked


# Under the bell -------------------------------------------------------------------------------------------------------
def unread(person_id: int, workspace_id: int) -> int:
    """How many notices of a workspace a person hasn't read."""
    return Notice.objects.shown_to(person_id, workspace_id).unread().count()


def mark_read(person_id: int, workspace_id: int, notice_id: int | None = None) -> int:
    """Mark one notice read, or all of a workspace. Returns how many were."""
    theirs = Notice.objects.shown_to(person_id, workspace_id).unread()
    return (theirs if notice_id is None else theirs.filter(pk=notice_id)).update(read=timezone.now())
