"""A file on its way in: what a dropped connection goes on from."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models


class Upload(models.Model):
    """A file of which `offset` bytes are here and checked; its bytes lie in `path` until an import took them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="uploads")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    said = models.JSONField(default=dict, blank=True)
    """What the person says of it: {"licence", "credit", "tags"}."""
    job = models.ForeignKey("creator.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="uploads")
    """The import that it went into, once it is whole."""
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("created", "id")
        indexes = (models.Index(fields=("person", "changed"), name="uploads_of_a_person"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.offset} of {self.size})"

    @property
    def path(self) -> Path:
        """Of its bytes, in a folder of its own."""
        return Path(settings.DATA) / "uploads" / str(self.pk) / "bytes"
