"""People, teams and what a team may call its own."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. What they may do hangs on their membership in a workspace."""

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Workspace(models.Model):
    """A team. Every row below belongs to one."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    choices = models.JSONField(default=dict, blank=True)
    """Its own choice of engines: role -> name; a variable in the environment wins."""
    pronunciations = models.JSONField(default=dict, blank=True)
    """How words are said: spelling -> what the voice is given."""
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person is in a workspace."""

    class Role(models.TextChoices):
        EDITOR = "editor"
        MODERATOR = "moderator"
        ADMIN = "admin"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "user"), name="one_role_per_workspace"),)

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.workspace}"


class Collection(models.Model):
    """Assets that belong together."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=100)
    assets = models.ManyToManyField("media_processing.Asset", blank=True, related_name="collections")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "name"), name="one_collection_per_name"),)

    def __str__(self) -> str:
        return self.name
