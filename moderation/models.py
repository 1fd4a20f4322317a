"""Policies, machine verdicts, reviews by people, and the log of decisions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def _is_pdq(text: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValidationError("A PDQ hash has 64 hexadecimal digits, in small letters.")


class Policy(models.Model):
    """Versioned rules: surface x category x threshold -> pass, review or block. Never changed, only followed."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="policies")
    version = models.PositiveIntegerField()
    rules = models.JSONField()
    """{"surfaces": {"site": {"violence": {"review": 0.4, "block": 0.9}}}, "clauses": {"violence": "..."}}"""
    active = models.BooleanField(default=False)
    note = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    """Who proposed it; nobody for the shipped one."""
    activated = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    """Always somebody else than who proposed it."""

    class Meta:
        verbose_name_plural = "policies"
        ordering = ("-version",)
        constraints = (
            models.UniqueConstraint(fields=("workspace", "version"), name="one_policy_per_version"),
            models.UniqueConstraint(fields=("workspace",), condition=models.Q(active=True), name="one_active_policy"),
        )

    def __str__(self) -> str:
        return f"version {self.version}"


class Verdict(models.Model):
    """A machine's opinion of a piece of content, keyed by the content's hash."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="verdicts")
    content = models.CharField(max_length=64)
    """sha256 of the text or the file."""
    kind = models.CharField(max_length=10)
    """"text" or "picture"."""
    engine = models.CharField(max_length=60)
    model = models.CharField(max_length=100)
    scores = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "content", "engine", "model"), name="one_verdict_per_content"),
        )

    def __str__(self) -> str:
        return f"{self.engine} on {self.content[:12]}"


class ReviewQuerySet(models.QuerySet["Review"]):
    def in_workspace(self, workspace_id: int) -> ReviewQuerySet:
        return self.filter(workspace_id=workspace_id)

    def waiting(self) -> ReviewQuerySet:
        """Open cases, the most urgent first."""
        return self.filter(state=Review.State.OPEN).order_by("-priority", "created")


class Review(models.Model):
    """A case: one revision of a story that a person decides on. It binds to the hash of its revisions, and everything
    that comes up about that revision while it is open joins it."""

    class Kind(models.TextChoices):
        SUBMISSION = "submission", _("Submission")
        REPORT = "report", _("Reported")
        RECHECK = "recheck", _("Looked at anew")
        APPEAL = "appeal", _("Appeal")

    class State(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        VOID = "void"

    DAY_ZERO = datetime(2026, 1, 1, tzinfo=UTC)
    """`priority` counts days down from here."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="reviews")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="reviews")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SUBMISSION)
    """What opened it."""
    number = models.PositiveIntegerField()
    """Of the submission."""
    appeal_of = models.OneToOneField(
        "moderation.Decision", null=True, blank=True, on_delete=models.PROTECT, related_name="appeal"
    )
    """The decision that somebody objects to: one appeal each."""
    appeal_text = models.TextField(blank=True)
    """What the author says against it."""
    digests = models.JSONField()
    """Hashes of the revisions: what was shown and what is decided."""
    policy = models.ForeignKey(Policy, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=10)
    """What the policy makes of the machines' verdicts: "pass", "review" or "block"."""
    reasons = models.JSONField(default=list)
    """Why: [{"category", "score", "threshold", "outcome", "where", "text", "clause"}]."""
    reach = models.FloatField(default=1.0)
    """The share of the audience that sees it or would, 0 to 1."""
    due = models.DateTimeField(null=True, blank=True)
    """When it should be decided at the latest."""
    priority = models.FloatField(default=0.0)
    """What the queue is ordered by: severity x reach x confidence, less the days from DAY_ZERO to the submission. So a
    case gains a point on newer ones for each day it waits; `urgency` is the number to show."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    version = models.PositiveIntegerField(default=1)
    """A decision names the version that it saw; the second one of two at the same time gets a conflict."""
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    first_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The first of the two people who must agree."""
    first = models.JSONField(default=dict, blank=True)
    """What they said: {"reason", "clause", "note", "at"}."""
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    decided = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ("-created",)
        constraints = (
            models.UniqueConstraint(
                fields=("story", "number"), condition=models.Q(kind="submission"), name="one_submission_per_number"
            ),
            models.UniqueConstraint(
                fields=("story", "number"), condition=models.Q(state="open"), name="one_open_case_per_revision"
            ),
        )
        indexes = (models.Index(fields=("workspace", "state", "-priority")),)

    def __str__(self) -> str:
        return f"{self.story_id} #{self.number} ({self.state})"

    @property
    def urgency(self) -> float:
        """Severity x reach x confidence (0 to 1), and a point for each day of waiting."""
        return self.priority + (timezone.now() - self.DAY_ZERO).total_seconds() / 86400


class AppendOnlyError(RuntimeError):
    """Somebody tried to change what was decided."""


class DecisionQuerySet(models.QuerySet["Decision"]):
    def update(self, **_kwargs: Any) -> NoReturn:
        raise AppendOnlyError("A decision is never changed.")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("A decision is never deleted.")


class Decision(models.Model):
    """What somebody decided and why: append-only, which triggers of the database hold too (migration 0002).

    Only the person may be forgotten: deleting an account sets it to null.
    """

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.PROTECT, related_name="decisions")
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="decisions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="decisions")
    verb = models.CharField(max_length=12)
    """"approve" or "reject"; of a report "keep" or "remove", of an appeal "overturn" or "uphold"."""
    reason = models.CharField(max_length=40, blank=True)
    """A reason code."""
    clause = models.CharField(max_length=60, blank=True)
    """The clause of the policy that it rests on."""
    note = models.TextField(blank=True)
    policy_version = models.PositiveIntegerField(default=0)
    digests = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.verb} {self.review_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("A decision is never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise AppendOnlyError("A decision is never deleted.")


class Report(models.Model):
    """Somebody's objection to what was published: a reader's, through the app that showed it, or a colleague's."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="reports")
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="reports")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="reports")
    number = models.PositiveIntegerField()
    """Of the submission that was published."""
    reporter = models.CharField(max_length=100)
    """"person:7", or the app's key and the name that it gave its reader: counted once for each reason."""
    reason = models.CharField(max_length=20)
    """A key of `cases.REPORT_REASONS`."""
    text = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("story", "number", "reporter", "reason"), name="one_report_per_reporter"),
        )

    def __str__(self) -> str:
        return f"{self.reason} on {self.story_id} #{self.number}"


class Look(models.Model):
    """One person at one case on one day: whether they are there now, what they had to see, whether they passed it."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="looks")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="looks")
    day = models.DateField()
    seen = models.DateTimeField()
    """The page's last sign of life."""
    grey = models.PositiveIntegerField(default=0)
    """Pictures shown without colour."""
    colour = models.PositiveIntegerField(default=0)
    """Pictures and videos shown as they are."""
    skipped = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("review", "person", "day"), name="one_look_a_day"),)
        indexes = (models.Index(fields=("person", "day"), name="looks_of_a_person"),)

    def __str__(self) -> str:
        return f"{self.person_id} at {self.review_id}"


class Proposal(models.Model):
    """An act that one person proposes and another carries out."""

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        REFUSED = "refused"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="proposals")
    kind = models.CharField(max_length=30)
    """A key of ACTS in creator/services/proposals.py."""
    detail = models.JSONField(default=dict)
    """What exactly would be done, as it was shown."""
    note = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    result = models.JSONField(default=dict)
    """What became of it."""
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"


class PictureHash(models.Model):
    """The PDQ hashes of a picture that was judged, so that a new ban is compared without looking at it again."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    content = models.CharField(max_length=64)
    """As in a Verdict."""
    method = models.CharField(max_length=20)
    """The version of the hash; those of another are made again."""
    forms = models.BinaryField()
    """8 x 32 bytes: the picture as it is, turned and mirrored (`pdq.FORMS`)."""
    quality = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "content"), name="one_hash_per_picture"),)

    def __str__(self) -> str:
        return self.content[:12]


class PictureBank(models.Model):
    """A list of pictures that must not appear: one that the team keeps, or one that it was given."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="picture_banks")
    name = models.CharField(max_length=100)
    note = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=200, blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    most_matches = models.PositiveIntegerField(
        default=100, help_text="a hash that matches more pictures than this goes to quarantine"
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    """Grows with every change of its hashes: readers notice by it."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("workspace", "name"), name="one_picture_bank_per_name"),)

    def __str__(self) -> str:
        return self.name


OWN_BANK = "Banned here"
"""The bank of what the team itself bans."""


class BannedHashQuerySet(models.QuerySet["BannedHash"]):
    """Whatever is changed through it, the banks' versions grow."""

    def _changed(self, banks: set[int]) -> None:
        PictureBank.objects.filter(pk__in=banks).update(version=models.F("version") + 1)

    def _banks(self) -> set[int]:
        return set(self.order_by().values_list("bank_id", flat=True).distinct())

    def update(self, **values: Any) -> int:
        banks = self._banks()
        changed = super().update(**values)
        self._changed(banks)
        return changed

    def delete(self) -> tuple[int, dict[str, int]]:
        banks = self._banks()
        gone = super().delete()
        self._changed(banks)
        return gone

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[BannedHash]:
        made = super().bulk_create(objs, *args, **kwargs)
        self._changed({row.bank_id for row in made})
        return made


class BannedHash(models.Model):
    """A picture that must not appear: its PDQ hash, with why and until when."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="banned_hashes")
    bank = models.ForeignKey(PictureBank, on_delete=models.CASCADE, related_name="hashes", blank=True)
    """The workspace's own where nobody says."""
    pdq = models.CharField(max_length=64, help_text="256 bits, hexadecimal", validators=[_is_pdq])
    category = models.CharField(max_length=40, default="banned")
    note = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=200, blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    quarantined = models.DateTimeField(null=True, blank=True)
    """Since when it only asks for a look, because it matches too many pictures."""
    cleared = models.BooleanField(default=False, help_text="a person looked at its matches: no quarantine any more")
    created = models.DateTimeField(auto_now_add=True)

    objects = BannedHashQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "banned hashes"
        constraints = (models.UniqueConstraint(fields=("bank", "pdq"), name="one_ban_per_bank"),)
        indexes = (models.Index(fields=("bank", "expires")),)

    def __str__(self) -> str:
        return self.pdq[:16]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.bank_id is None:
            self.bank = PictureBank.objects.get_or_create(workspace_id=self.workspace_id, name=OWN_BANK)[0]
        super().save(*args, **kwargs)
        PictureBank.objects.filter(pk=self.bank_id).update(version=models.F("version") + 1)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        bank = self.bank_id
        gone = super().delete(*args, **kwargs)
        PictureBank.objects.filter(pk=bank).update(version=models.F("version") + 1)
        return gone


class BannedMatch(models.Model):
    """A picture that a banned hash matched: what is counted before a hash goes to quarantine."""

    banned = models.ForeignKey(BannedHash, on_delete=models.CASCADE, related_name="matches")
    content = models.CharField(max_length=64)
    distance = models.PositiveSmallIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "banned matches"
        constraints = (models.UniqueConstraint(fields=("banned", "content"), name="one_match_per_picture"),)

    def __str__(self) -> str:
        return f"{self.banned_id} {self.content[:12]}"


class Part(models.Model):
    """A text or picture of a submission, by the hash under which it was judged: what a sweep weighs again."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    """Of the submission."""
    where = models.CharField(max_length=60)
    kind = models.CharField(max_length=10)
    content = models.CharField(max_length=64)
    """As in a Verdict; empty for a picture that couldn't be looked at."""
    text = models.TextField(blank=True)
    """The text itself, or the title of the picture."""
    language = models.CharField(max_length=12, blank=True)
    asset = models.ForeignKey("media_processing.Asset", null=True, on_delete=models.SET_NULL, related_name="+")
    second = models.FloatField(default=0.0)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("story", "number")), models.Index(fields=("workspace", "content")))

    def __str__(self) -> str:
        return f"{self.story_id} #{self.number}: {self.where}"


class Sweep(models.Model):
    """What became of past content when a policy, a judge or a bank changed; or (`dry`) what would."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Broke off"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="sweeps")
    cause = models.CharField(max_length=12)
    """"policy", "judges", "bank" or "person"."""
    policy = models.ForeignKey(Policy, null=True, on_delete=models.SET_NULL, related_name="sweeps")
    """The one that was weighed with."""
    dry = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    before = models.JSONField(default=dict)
    """{"pass": 10, "review": 2, "block": 0}"""
    after = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    """[{"story", "number", "title", "surface", "publication", "before", "after", "act", "reasons"}]"""
    started = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("workspace", "-id")),)

    def __str__(self) -> str:
        return f"{self.cause} {self.started:%Y-%m-%d %H:%M}"
