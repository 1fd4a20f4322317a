"""Policies, machine verdicts, reviews by people, and the log of decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone


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
    """A case: one submission of a story that a person decides on. It binds to the hash of its revisions."""

    class State(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        VOID = "void"

    DAY_ZERO = datetime(2026, 1, 1, tzinfo=UTC)
    """`priority` counts days down from here."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="reviews")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="reviews")
    number = models.PositiveIntegerField()
    """Of the submission."""
    digests = models.JSONField()
    """Hashes of the revisions: what was shown and what is decided."""
    policy = models.ForeignKey(Policy, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=10)
    """What the policy makes of the machines' verdicts: "pass", "review" or "block"."""
    reasons = models.JSONField(default=list)
    """Why: [{"category", "score", "threshold", "outcome", "where", "text", "clause"}]."""
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
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    decided = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ("-created",)
        constraints = (
            models.UniqueConstraint(fields=("story", "number"), name="one_review_per_submission"),
            models.UniqueConstraint(
                fields=("story",), condition=models.Q(state="open"), name="one_open_review_per_story"
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
    """"approve" or "reject"."""
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


class BannedHash(models.Model):
    """A picture that must not appear: its PDQ hash, with why and until when.

    The hash of a row is never edited: readers notice rows that came and went.
    """

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="banned_hashes")
    pdq = models.CharField(max_length=64, help_text="256 bits, hexadecimal")
    category = models.CharField(max_length=40, default="banned")
    note = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=200, blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "banned hashes"
        constraints = (models.UniqueConstraint(fields=("workspace", "pdq"), name="one_ban_per_hash"),)

    def __str__(self) -> str:
        return self.pdq[:16]
