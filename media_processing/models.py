"""Files in the library, what was derived from them, and what was said in them."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from media_processing import storage


class AssetQuerySet(models.QuerySet["Asset"]):
    def in_workspace(self, workspace_id: int) -> AssetQuerySet:
        """The assets of one workspace: where every read starts."""
        return self.filter(workspace_id=workspace_id)

    def active(self) -> AssetQuerySet:
        return self.filter(archived__isnull=True)


class Asset(models.Model):
    """A file in the library: content-addressed, with licence, credit and how it was made."""

    class Kind(models.TextChoices):
        IMAGE = "image", _("Image")
        VIDEO = "video", _("Video")
        AUDIO = "audio", _("Audio")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="assets")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    digest = models.CharField(max_length=64)
    """sha256 of the stored bytes; same bytes in a workspace, same row."""
    path = models.CharField(max_length=200)
    """Relative to MEDIA_ROOT; made from the digest, never from a name that came from outside."""
    content_type = models.CharField(max_length=60)
    size = models.PositiveBigIntegerField(help_text="bytes")
    width = models.PositiveIntegerField(default=0, help_text="pixels, as shown (after rotation)")
    height = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    has_sound = models.BooleanField(default=False)
    title = models.CharField(max_length=300, blank=True)
    alt = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    licence_ends = models.DateField(null=True, blank=True, help_text="the last day on which it may be shown")
    credit = models.CharField(max_length=200, blank=True)
    source_url = models.URLField(max_length=2000, blank=True)
    made_by = models.JSONField(default=dict, blank=True)
    """{"role", "engine", "model", "prompt", "seed", "parents", ...}; empty for what a person brought."""
    domain = models.CharField(max_length=30, default="photographs")
    """What kind of picture it is, in the words of an embedder's card."""
    colour = models.CharField(max_length=7, blank=True, help_text="dominant colour, #rrggbb")
    colours = models.JSONField(default=list, blank=True)
    """Names of the colours that fill it, the largest first: ["blue", "white"]."""
    taken = models.DateTimeField(null=True, blank=True, help_text="when it was photographed or recorded, if it says so")
    metadata = models.JSONField(default=dict, blank=True)
    """What came inside the file, from EXIF and IPTC: {"caption", "keywords", "place", "camera", "byline", ...}."""
    seen_text = models.TextField(blank=True, help_text="text that can be read in the picture")
    looks = models.JSONField(default=dict, blank=True)
    """How good the picture is to look at, as media_processing/looks.py measures it: {part: 0 to 1}."""
    quality = models.FloatField(null=True, blank=True, help_text="all of its looks in one figure, 0 to 1")
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged", help_text="the copy that stays"
    )
    parents = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="children")
    """What a tool made it of; `made_by` says how."""
    archived = models.DateTimeField(null=True, blank=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "id")
        constraints = (models.UniqueConstraint(fields=("workspace", "digest"), name="one_asset_per_content"),)
        indexes = (models.Index(fields=("workspace", "kind", "-created")),)

    def __str__(self) -> str:
        return self.title or self.digest[:12]

    @property
    def file(self) -> Path:
        """Where the bytes are on this machine."""
        return storage.local(self.path)


class Rendition(models.Model):
    """A file derived by a recipe: same input and recipe, same rendition."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="renditions")
    asset = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.CASCADE, related_name="renditions")
    """The asset that it was derived from; none where the input was a story's variant."""
    recipe = models.CharField(max_length=100)
    """"webp-480", "video:9x16", "srt" ..."""
    key = models.CharField(max_length=64)
    """sha256 over the input's digest and the recipe."""
    digest = models.CharField(max_length=64)
    """sha256 of the bytes."""
    path = models.CharField(max_length=200)
    content_type = models.CharField(max_length=60)
    size = models.PositiveBigIntegerField(help_text="bytes")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    made_by = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "key"), name="one_rendition_per_recipe"),)

    def __str__(self) -> str:
        return f"{self.recipe} {self.digest[:12]}"

    @property
    def file(self) -> Path:
        return storage.local(self.path)


class Transcript(models.Model):
    """What is said in an asset."""

    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, related_name="transcript")
    language = models.CharField(max_length=12, default="en")
    passages = models.JSONField(default=list)
    """[{"text", "start", "end", "words": [{"text", "start", "end", "confidence"}]}]"""
    made_by = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.asset_id} ({self.language})"

    @property
    def text(self) -> str:
        return " ".join(passage["text"] for passage in self.passages)
