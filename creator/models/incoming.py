"""What came from feeds of others."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from creator.models.story import Story


class Incoming(models.Model):
    """An article of a feed: offered to the team, and a story of it where somebody wanted one."""

    class State(models.TextChoices):
        OFFERED = "offered"
        WANTED = "wanted"
        MADE = "made"
        FAILED = "failed"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="incoming")
    guid = models.CharField(max_length=500)
    """The feed's name for the article: it comes in once."""
    source = models.CharField(max_length=2000, blank=True, help_text="address of the feed, or the file's name")
    title = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    url = models.URLField(max_length=2000, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OFFERED)
    story = models.ForeignKey(Story, null=True, blank=True, on_delete=models.SET_NULL, related_name="incoming")
    error = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    offered = models.DateTimeField(help_text="when a feed last had it")

    class Meta:
        ordering = ("-offered", "id")
        verbose_name_plural = "incoming"
        constraints = (models.UniqueConstraint(fields=("workspace", "guid"), name="one_incoming_per_guid"),)
        indexes = (models.Index(fields=("workspace", "state", "-offered")),)

    def __str__(self) -> str:
        return self.title or self.guid
