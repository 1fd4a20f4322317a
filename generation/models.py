"""What engines cost."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Charge(models.Model):
    """Money or machine time that an engine call cost: estimated, reserved, settled."""

    class State(models.TextChoices):
        RESERVED = "reserved"
        SETTLED = "settled"
        RELEASED = "released"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="charges")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="charges")
    subject = models.CharField(max_length=100)
    """What it was for: "story:<id>"."""
    key = models.CharField(max_length=100)
    """The same call has the same key, so that a call is charged once."""
    role = models.CharField(max_length=20)
    engine = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RESERVED)
    estimated = models.DecimalField(max_digits=12, decimal_places=6, default=0, help_text="US dollars")
    amount = models.DecimalField(max_digits=12, decimal_places=6, default=0, help_text="US dollars, once settled")
    machine_seconds = models.FloatField(default=0.0)
    provider_id = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "key"), name="one_charge_per_call"),)

    def __str__(self) -> str:
        return f"{self.engine} {self.amount} USD ({self.state})"
