"""What engines cost."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models


class ChargeQuerySet(models.QuerySet["Charge"]):
    def in_workspace(self, workspace_id: int) -> ChargeQuerySet:
        """The charges of one workspace: where every read starts."""
        return self.filter(workspace_id=workspace_id)

    def reserved(self) -> ChargeQuerySet:
        """Those whose call isn't over, or whose worker was lost."""
        return self.filter(state=Charge.State.RESERVED)


class Charge(models.Model):
    """Money or machine time that an engine call cost: estimated, reserved, settled.

    reserved -> settled, or released where nothing was asked of the provider.
    """

    class State(models.TextChoices):
        RESERVED = "reserved"
        SETTLED = "settled"
        RELEASED = "released"

    class Basis(models.TextChoices):
        REPORTED = "reported", "Reported by the provider"
        ESTIMATED = "estimated", "Estimated"
        MEASURED = "measured", "Measured here"
        UNKNOWN = "unknown", "No price known"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="charges")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="charges")
    job = models.ForeignKey("creator.Job", null=True, on_delete=models.SET_NULL, related_name="charges")
    subject = models.CharField(max_length=100)
    """What it was for: "story:<id>"."""
    key = models.CharField(max_length=100)
    """The same call has the same key, so that a call is charged once."""
    role = models.CharField(max_length=20)
    verb = models.CharField(max_length=30, blank=True)
    """What was done: "script", "rewrite", "draw"."""
    engine = models.CharField(max_length=60)
    model = models.CharField(max_length=100, blank=True)
    provider = models.CharField(max_length=200, blank=True)
    """The host that was asked; "" for an engine inside the program."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.RESERVED)
    currency = models.CharField(max_length=3, default="USD")
    estimated = models.DecimalField(
        max_digits=12, decimal_places=6, default=0, help_text="what is set aside until it is settled"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=6, default=0, help_text="once settled")
    basis = models.CharField(max_length=10, choices=Basis.choices, blank=True)
    """Where the amount comes from."""
    machine_seconds = models.FloatField(default=0.0)
    calls = models.PositiveSmallIntegerField(default=0)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    pictures = models.PositiveSmallIntegerField(default=0)
    """That were made."""
    picture_tokens = models.PositiveIntegerField(default=0)
    """Of `prompt_tokens`, those of pictures that were handed in."""
    provider_id = models.CharField(max_length=200, blank=True)
    """The provider's number of the newest answer, written before anything is read of it."""
    answers = models.JSONField(default=list, blank=True)
    """Answers that are paid for and not yet used: [{"request", "text"}]. Emptied when the charge is settled."""
    created = models.DateTimeField(auto_now_add=True)
    """When it was reserved: the day that it counts to."""
    ended = models.DateTimeField(null=True, blank=True)

    objects = ChargeQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "key"), name="one_charge_per_call"),)
        indexes = (
            models.Index(fields=("workspace", "created"), name="charges_of_a_day"),
            models.Index(fields=("state",), condition=models.Q(state="reserved"), name="charges_reserved"),
        )

    def __str__(self) -> str:
        return f"{self.engine} {self.amount} {self.currency} ({self.state})"


def _cap(default: str, help_text: str) -> models.DecimalField[Decimal | None, Decimal | None]:
    return models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, default=Decimal(default),
        validators=[MinValueValidator(Decimal(0))], help_text=help_text,
    )  # fmt: skip


class Budget(models.Model):
    """What a workspace may spend, in the currency of the price table. A cap that is empty doesn't hold."""

    workspace = models.OneToOneField("creator.Workspace", on_delete=models.CASCADE, related_name="budget")
    person_day = _cap("5", "One person, in a day")
    day = _cap("10", "The whole workspace, in a day")
    month = _cap("100", "The whole workspace, in a calendar month")
    time_zone = models.CharField(max_length=60, default="UTC", help_text="Where a day begins and ends")

    def __str__(self) -> str:
        return f"Budget of {self.workspace_id}"
