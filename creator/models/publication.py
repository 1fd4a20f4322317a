"""Channels, and what was released to them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from creator.models.story import Revision, Story


class Channel(models.Model):
    """Where a workspace publishes to: a lock screen, a feed, a site."""

    class Sound(models.TextChoices):
        """When a voice says that the sound of a video was made with AI."""

        BEFORE = "before"
        AFTER = "after"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="channels")
    slug = models.SlugField()
    name = models.CharField(max_length=100)
    surface = models.CharField(max_length=20, default="site")
    """Which thresholds of a policy hold for it: internal, site, app, ads."""
    public = models.BooleanField(default=False, help_text="anybody may read its feeds, without a key")
    labelled = models.BooleanField(default=False, help_text="cards and videos show that they were made with AI")
    sound = models.CharField(
        max_length=6, blank=True, choices=Sound.choices, help_text="videos are offered as sound alone too"
    )  # fmt: skip
    origins = models.JSONField(default=list, blank=True)
    """Whose pages may ask the API in a browser: ["https://example.org"]."""

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("workspace", "slug"), name="one_channel_per_slug"),)

    def __str__(self) -> str:
        return self.name


class PublicationQuerySet(models.QuerySet["Publication"]):
    def live(self) -> PublicationQuerySet:
        fresh = models.Q(expires__isnull=True) | models.Q(expires__gt=timezone.now())
        return self.filter(fresh, withdrawn__isnull=True)


class Publication(models.Model):
    """A story's approved revisions, released to a channel."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="publications")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="publications")
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="publications")
    revisions = models.ManyToManyField(Revision, related_name="publications")
    renditions = models.ManyToManyField("media_processing.Rendition", related_name="publications")
    """The files that the channel's keys may download."""
    document = models.JSONField(default=dict)
    """What the API says of it, made once at publication."""
    language = models.CharField(max_length=12, default="en")
    """The document's: what lists are narrowed by."""
    original = models.UUIDField()
    """Of the story that it is a translation of, else its own: the same in all languages of a story."""
    published = models.DateTimeField()
    updated = models.DateTimeField()
    expires = models.DateTimeField(null=True, blank=True)
    """From then on it is gone, whether or not somebody has taken it down yet."""
    withdrawn = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    objects = PublicationQuerySet.as_manager()

    class Meta:
        ordering = ("-published", "id")
        constraints = (models.UniqueConstraint(fields=("channel", "story"), name="one_publication_per_channel"),)
        indexes = (
            models.Index(fields=("channel", "-published", "id")),
            models.Index(fields=("channel", "language", "-published", "id"), name="creator_pub_channel_language"),
            models.Index(fields=("channel", "original"), name="creator_pub_channel_original"),
        )

    def __str__(self) -> str:
        return f"{self.story_id} on {self.channel_id}"

    @property
    def is_live(self) -> bool:
        """As the QuerySet's `live` says it."""
        return self.withdrawn is None and (self.expires is None or self.expires > timezone.now())
