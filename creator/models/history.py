"""What was done to a story: every edit as an operation, and the versions that can be gone back to."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Operation(models.Model):
    """One edit of a story, with what it takes to undo it. Written in the edit's transaction, never changed later."""

    class Verb(models.TextChoices):
        DO = "do"
        UNDO = "undo"
        REDO = "redo"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="operations")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="operations")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    number = models.PositiveIntegerField()
    """The version that the story has since this."""
    base = models.PositiveIntegerField(null=True)
    """The version that the editor had in front of them; none for a job's or a form's."""
    verb = models.CharField(max_length=4, choices=Verb.choices, default=Verb.DO)
    what = models.CharField(max_length=20)
    """"scene", "order", "picture" ..."""
    changes = models.JSONField(default=list)
    """[{"at": "story", "order" or a scene, "field", "was", "now"}]; the inverse swaps was and now. See
    creator/services/snapshots.py."""
    reverses = models.OneToOneField("self", null=True, on_delete=models.SET_NULL, related_name="reversed_by")
    """The operation that this one undid or did again."""
    set_aside = models.BooleanField(default=False)
    """It can't be undone, since somebody changed the same; the next undo goes on to the one before."""
    key = models.UUIDField(null=True)
    """Chosen by the browser: an operation that is sent twice is done once."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("story", "number")
        constraints = (
            models.UniqueConstraint(fields=("story", "number"), name="one_operation_per_version"),
            models.UniqueConstraint(
                fields=("story", "key"), condition=models.Q(key__isnull=False), name="one_operation_per_key"
            ),
        )
        indexes = (models.Index(fields=("story", "person", "-number")),)

    def __str__(self) -> str:
        return f"{self.verb} {self.what} of {self.story_id}, version {self.number}"


class StoryVersion(models.Model):
    """A story's whole document as it was once, named by somebody or kept by itself."""

    class Reason(models.TextChoices):
        NAMED = "named", _("Named")
        SESSION = "session", _("Before editing")
        RENDER = "render", _("Rendered")
        SCRIPT = "script", _("Before a new script")
        REVIEW = "review", _("Sent to review")
        BEFORE_RESTORE = "replaced", _("Before a version was restored")
        RESTORED = "restored", _("Restored")

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="story_versions")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    """The story's version that this is."""
    name = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=10, choices=Reason.choices, default=Reason.NAMED)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    document = models.JSONField()
    """{"story": {field: value}, "order": [scene], "scenes": {scene: {field: value}}}"""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("story", "number"), name="one_snapshot_per_version"),)

    def __str__(self) -> str:
        return self.name or f"{self.get_reason_display()} {self.number}"
