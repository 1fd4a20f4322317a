"""What a team's stories look like, and whose voices it may imitate."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Brand(models.Model):
    """Logo, colours, fonts, caption style, intro and outro of a workspace."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="brands")
    name = models.CharField(max_length=100)
    logo = models.ForeignKey(
        "media_processing.Asset", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    colours = models.JSONField(default=dict, blank=True)
    """Name of a colour of the look -> #rrggbb: {"ground", "ink", "accent", "paper", "paper_ink", "paper_accent"}."""
    fonts = models.JSONField(default=dict, blank=True)
    """{"headline", "text"} -> font family."""
    caption_style = models.CharField(max_length=20, blank=True)
    intro = models.ForeignKey(
        "media_processing.Asset", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outro = models.ForeignKey(
        "media_processing.Asset", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_default = models.BooleanField(default=False)
    """The one that stories of the workspace wear where they name none."""

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="one_brand_per_name"),
            models.UniqueConstraint(
                fields=("workspace",), condition=models.Q(is_default=True), name="one_default_brand_per_workspace"
            ),
        )

    def __str__(self) -> str:
        return self.name


class VoiceConsent(models.Model):
    """A person's word that their voice may be imitated: without a row that isn't withdrawn, no voice is cloned."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="voice_consents")
    name = models.CharField(max_length=60)
    """Of the cloned voice, as editors choose it."""
    speaker = models.CharField(max_length=120, help_text="the person whose voice it is")
    sample = models.ForeignKey("media_processing.Asset", null=True, on_delete=models.SET_NULL, related_name="+")
    """The recording that is imitated."""
    statement = models.TextField(help_text="what the person agreed to, in their words")
    given = models.DateField(help_text="the day on which the person agreed")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    withdrawn = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("workspace", "name"), name="one_cloned_voice_per_name"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.speaker})"
