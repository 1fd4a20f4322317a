"""Background work as a person sees it, and what happened."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """A piece of background work. The row alone is enough for the work to be done; see creator/jobs.py.

    waiting -> running -> done | failed | cancelled; running -> waiting when its worker is lost, and -> parked when that
    happened six times without a finished step.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        PARKED = "parked", _("Parked")

    OPEN = (State.WAITING, State.RUNNING)

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="jobs")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="jobs")
    kind = models.CharField(max_length=60)
    """The name of its task in creator/tasks.py."""
    story = models.ForeignKey("creator.Story", null=True, blank=True, on_delete=models.CASCADE, related_name="jobs")
    subject = models.JSONField(default=dict, blank=True)
    """What the task needs to know, JSON."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    priority = models.SmallIntegerField(default=0)
    """Higher goes first."""
    due = models.DateTimeField()
    step = models.CharField(max_length=60, blank=True)
    progress = models.FloatField(default=0.0)
    attempt = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    """Workers lost since the last step was finished."""
    token = models.PositiveIntegerField(default=0)
    """Fencing token: a worker that lost its lease holds an old one, and nothing that it writes counts."""
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_asked = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    next_step = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("state", "due")),
            models.Index(fields=("workspace", "-id")),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class Event(models.Model):
    """Something that happened; its number is the event id of a progress stream, so a dropped stream can be replayed."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="events")
    story = models.ForeignKey("creator.Story", null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    kind = models.CharField(max_length=40)
    """"job.progress", "step.done", "story.published" ..."""
    data = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("workspace", "id")), models.Index(fields=("story", "id")))

    def __str__(self) -> str:
        return f"{self.id} {self.kind}"


class Worker(models.Model):
    """A worker process that is alive while `seen` is recent."""

    name = models.CharField(max_length=100, primary_key=True)
    threads = models.PositiveSmallIntegerField(default=1)
    started = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField()
    lookups = models.JSONField(default=dict, blank=True)
    """How often it found what had been made before: media_processing/lookups.py."""

    def __str__(self) -> str:
        return self.name
