"""What will be published, and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from creator.models.publication import Channel
from creator.models.story import Story


class Schedule(models.Model):
    """A story that is to be published to a channel at a time, and perhaps to expire there at another.

    waiting -> submitted (the ledger has a job for it) -> done | failed; waiting -> cancelled.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        SUBMITTED = "submitted"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    OPEN = (State.WAITING, State.SUBMITTED)

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="schedules")
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="schedules")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="schedules")
    at = models.DateTimeField(help_text="when it is published, UTC")
    expires = models.DateTimeField(null=True, blank=True, help_text="when it is gone again, UTC")
    zone = models.CharField(max_length=64, default="UTC")
    """The time zone that the person thought in (IANA): the calendar shows the time in it."""
    note = models.CharField(max_length=500, blank=True, help_text="what readers are told was corrected")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    error = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(fields=("state", "at")), models.Index(fields=("workspace", "at")))
        constraints = (
            models.UniqueConstraint(
                fields=("story", "channel"), condition=models.Q(state__in=("waiting", "submitted")),
                name="one_open_schedule_per_channel",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.story_id} on {self.channel_id} at {self.at:%Y-%m-%d %H:%M}"
