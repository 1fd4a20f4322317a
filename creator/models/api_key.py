"""The keys of downstream apps, and what they asked for under a name of their own choice."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ApiKey(models.Model):
    """A downstream app's key to one channel. Only a hash is kept."""

    channel = models.ForeignKey("creator.Channel", on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    """sha256 of the key: it has 256 random bits, so a slow hash would add nothing."""
    scopes = models.JSONField(default=list)
    """["stories:read", ...]: see creator/services/keys.py."""
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="api_keys",
        help_text="in whose name it acts: it may never do more than this person",
    )  # fmt: skip
    rate = models.PositiveIntegerField(default=600, help_text="requests a minute")
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)
    replaced_by = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaces"
    )
    """The key that it was rotated to; it ends by itself when the overlap is over."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentCall(models.Model):
    """A POST that an app named with an Idempotency-Key, and the answer that it gets again for the same one."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="calls")
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    """sha256 over method, address and body."""
    status = models.PositiveSmallIntegerField(null=True)
    """None while it is being done."""
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key", "name"), name="one_call_per_idempotency_key"),)
        indexes = (models.Index(fields=("created",), name="creator_idempotent_created"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.status or 'in flight'})"
