"""People around one story: who is here, what they say about it, and links for those without an account."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.db import models
from django.utils import timezone


class Presence(models.Model):
    """A person who has a story open, and where in it they are. Out of date after a while: see services/presence.py."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="presences")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    scene = models.UUIDField(null=True)
    seen = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("story", "person"), name="present_once"),)

    def __str__(self) -> str:
        return f"{self.person} in {self.story_id}"


def digest_of_token(token: str) -> str:
    """What is kept of a review link's token: sha256 (hex)."""
    return sha256(token.encode()).hexdigest()


class ReviewLinkQuerySet(models.QuerySet["ReviewLink"]):
    def valid(self) -> ReviewLinkQuerySet:
        """Those that still open their story."""
        return self.filter(revoked__isnull=True, expires__gt=timezone.now())

    def with_token(self, token: str) -> ReviewLinkQuerySet:
        """The one of a token. Looked for by its hash, so no comparison tells how much of a guess was right."""
        return self.filter(digest=digest_of_token(token))


class ReviewLink(models.Model):
    """Lets somebody without an account see one story's current state and comment on it, until it expires."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="review_links")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="review_links")
    digest = models.CharField(max_length=64, unique=True)
    """sha256 of the token; the token itself is shown once and kept nowhere."""
    note = models.CharField(max_length=100, blank=True, help_text="who it is for")
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True, blank=True)
    opened = models.DateTimeField(null=True, blank=True, help_text="when it was used last")

    objects = ReviewLinkQuerySet.as_manager()

    class Meta:
        ordering = ("-created",)

    def __str__(self) -> str:
        return self.note or f"link {self.pk}"

    @property
    def is_over(self) -> bool:
        """Whether its time has passed."""
        return self.expires <= timezone.now()


class Comment(models.Model):
    """Something said about a story, a scene of it or a second of its video; answers hang on the first of a thread."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="comments")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="comments")
    scene = models.UUIDField(null=True)
    """Not a foreign key: a scene that is removed and brought back finds its comments again."""
    second = models.FloatField(null=True)
    """Of the video."""
    thread = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="answers")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    link = models.ForeignKey(ReviewLink, null=True, on_delete=models.SET_NULL, related_name="comments")
    """The link through which somebody without an account said it."""
    name = models.CharField(max_length=80, blank=True)
    """Theirs, as they gave it."""
    text = models.TextField()
    mentions = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    resolved = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("created", "id")
        indexes = (models.Index(fields=("story", "created")),)

    def __str__(self) -> str:
        return self.text[:60]
