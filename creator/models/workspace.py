"""People, teams and what a team may call its own."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.core.signing import BadSignature, Signer
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. What they may do hangs on their membership in a workspace."""

    workspace = models.ForeignKey(
        "creator.Workspace", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The one that they look at, if they are in several."""
    language = models.CharField(max_length=10, blank=True)
    """Of pages and e-mails; the browser's where none is chosen."""
    mail_code = models.BooleanField(default=False)
    """Whether a code by e-mail follows their password."""
    time_zone = models.CharField(max_length=64, default="UTC")
    digest_hour = models.PositiveSmallIntegerField(default=8)
    """The hour of their day at which the digest is sent."""
    told = models.JSONField(default=dict, blank=True)
    """How they are told: kind of notice -> {"app": bool, "mail": "now", "digest" or "never"}."""

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
        EDITOR = "editor", _("Editor")
        MODERATOR = "moderator", _("Moderator")
        ADMIN = "admin", _("Admin")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "user"), name="one_role_per_workspace"),)

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.workspace}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those that can still be accepted."""
        return self.filter(accepted__isnull=True, withdrawn__isnull=True, expires__gt=timezone.now())


class Invitation(models.Model):
    """A way into a workspace for one person, by a link that is sent or handed to them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    address = models.EmailField(blank=True)
    """Where it was sent; blank for a link that is handed over."""
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.EDITOR)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()
    accepted = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    withdrawn = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ("-created",)

    def __str__(self) -> str:
        return f"{self.address or 'somebody'} to {self.workspace} as {self.role}"

    @property
    def path(self) -> str:
        """The path of its link. It is signed, so that a copy of the database opens no door."""
        return reverse("invitation", args=[Signer(salt="invitation").sign(str(self.pk))])

    @classmethod
    def at(cls, token: str) -> Invitation | None:
        """The open invitation of a link, or None."""
        try:
            key = Signer(salt="invitation").unsign(token)
        except BadSignature:
            return None
        return cls.objects.open().filter(pk=key).select_related("workspace", "by").first()


class Collection(models.Model):
    """Assets that belong together."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=100)
    assets = models.ManyToManyField("media_processing.Asset", blank=True, related_name="collections")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "name"), name="one_collection_per_name"),)

    def __str__(self) -> str:
        return self.name
