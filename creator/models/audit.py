"""The audit log: who did what, in one chain that can't be changed unnoticed."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from moderation.models import AppendOnlyError


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **_kwargs: Any) -> NoReturn:
        raise AppendOnlyError("The audit log is never changed.")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("The audit log is never shortened.")

    def in_workspace(self, workspace_id: int) -> AuditQuerySet:
        return self.filter(workspace_id=workspace_id)


class AuditEntry(models.Model):
    """One act. Append-only, which triggers of the database hold too (migration 0010), and chained by hash.

    People and workspaces are numbers without a foreign key: who leaves is forgotten elsewhere and stays a number here.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    """Place in the chain, from 1 without a gap."""
    workspace = models.ForeignKey(
        "creator.Workspace", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    """None for what belongs to the installation."""
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    """None where the program acted by itself."""
    action = models.CharField(max_length=60)
    """"review.approve", "policy.activate", "key.revoke" ..."""
    subject = models.CharField(max_length=100)
    """What it was done to: "review:12", "story:<uuid>"."""
    text = models.TextField()
    """The detail as canonical JSON: a database's own JSON type may write numbers anew, which would break the hash."""
    created = models.DateTimeField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    """sha256 over all of the above; see creator/services/audit.py."""

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=("workspace", "-number"), name="audit_workspace"),
            models.Index(fields=("subject", "number"), name="audit_subject"),
            models.Index(fields=("action", "number"), name="audit_action"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("The audit log is never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise AppendOnlyError("The audit log is never shortened.")
