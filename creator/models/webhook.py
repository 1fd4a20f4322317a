"""Webhooks: the addresses that are told of publications, what they are told, and how it went."""

from __future__ import annotations

import uuid

from django.db import models

from creator.models.publication import Channel
from creator.models.story import Story


class Endpoint(models.Model):
    """An address of a downstream app that is told what happens on a channel."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="endpoints")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="endpoints")
    url = models.URLField(max_length=2000)
    types = models.JSONField(default=list)
    """Which events it gets: ["content.published", ...]."""
    disabled = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=300, blank=True, help_text="why it is disabled")
    not_before = models.DateTimeField(null=True, blank=True, help_text="it asked for a pause, or hung")
    busy_with = models.BigIntegerField(default=0)
    """Number of the job that delivers to it now: one at a time, so that a slow receiver holds one thread at most."""
    busy_until = models.DateTimeField(null=True, blank=True)
    last_success = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.url


class EndpointSecret(models.Model):
    """A secret that messages to an endpoint are signed with; while it is rotated there are two."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="secrets")
    sealed = models.CharField(max_length=300)
    """Encrypted: signing needs the secret itself, so a hash wouldn't do."""
    ends = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"secret {self.pk}"


class Message(models.Model):
    """The outbox: something that happened on a channel, written in the transaction in which it happened."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="messages")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="messages")
    story = models.ForeignKey(Story, null=True, blank=True, on_delete=models.SET_NULL, related_name="messages")
    type = models.CharField(max_length=40)
    """"content.published", "content.updated", "content.removed", "ping"."""
    data = models.JSONField(default=dict)
    created = models.DateTimeField()

    class Meta:
        ordering = ("-created", "id")
        indexes = (models.Index(fields=("channel", "-created")),)

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class Delivery(models.Model):
    """A message on its way to an endpoint."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due = models.DateTimeField()
    log = models.JSONField(default=list)
    """[{"at", "status", "ms", "error"}], a line a try."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        constraints = (models.UniqueConstraint(fields=("endpoint", "message"), name="one_delivery_per_message"),)
        indexes = (models.Index(fields=("endpoint", "state", "due")),)

    def __str__(self) -> str:
        return f"{self.message_id} to {self.endpoint_id} ({self.state})"
