"""What puts things in order, the lists that apps were given, and what people did with them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Ranker(models.Model):
    """A version of the weights by which things are ranked. Never changed, only followed."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="rankers")
    version = models.PositiveIntegerField()
    rules = models.JSONField()
    """As in search/rankers/default.toml."""
    note = models.CharField(max_length=300, blank=True)
    active = models.BooleanField(default=False)
    shadow = models.BooleanField(default=False, help_text="its order is written down with each list and never shown")
    report = models.JSONField(default=dict, blank=True)
    """What it would have earned on the lists that were shown; without one it isn't activated."""
    reported = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("-version",)
        constraints = (
            models.UniqueConstraint(fields=("workspace", "version"), name="one_ranker_per_version"),
            models.UniqueConstraint(fields=("workspace",), condition=models.Q(active=True), name="one_active_ranker"),
            models.UniqueConstraint(fields=("workspace",), condition=models.Q(shadow=True), name="one_shadow_ranker"),
        )

    def __str__(self) -> str:
        return f"version {self.version}"


class OfferedList(models.Model):
    """A list of a channel's stories that an app was given: what stood where, why, and with what probability."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey("creator.Channel", on_delete=models.CASCADE, related_name="offered_lists")
    ranker = models.ForeignKey(Ranker, on_delete=models.CASCADE, related_name="lists")
    offered = models.DateTimeField()
    items = models.JSONField()
    """In the order that was shown: [{"story", "before", "terms": {term: value}, "propensity"}]; `before` is the place
    before the coin, `propensity` the chance of standing where it stands."""
    pair = models.JSONField(default=list)
    """The two places whose items a coin ordered; empty where none was thrown."""
    coins = models.FloatField(default=0.0)
    """Share of the lists in which it is thrown."""
    drawn = models.SmallIntegerField(null=True)
    """The place before the coin whose item Thompson's lottery drew."""
    shadow = models.ForeignKey(Ranker, null=True, on_delete=models.SET_NULL, related_name="+")
    shadow_order = models.JSONField(default=list)
    """The stories that the shadow ranker would have shown, in its order."""

    class Meta:
        indexes = (models.Index(fields=("channel", "offered")),)

    def __str__(self) -> str:
        return f"{len(self.items)} stories on {self.offered:%Y-%m-%d %H:%M}"


class Interaction(models.Model):
    """Something that a person did with a story of a list, as an app told it. Whose it was is never kept."""

    class Kind(models.TextChoices):
        IMPRESSION = "impression"
        CLICK = "click"
        COMPLETION = "completion"

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey("creator.Channel", on_delete=models.CASCADE, related_name="interactions")
    event = models.UUIDField()
    """The app's own number of it: the same one twice is one."""
    list = models.ForeignKey(OfferedList, on_delete=models.CASCADE, related_name="interactions")
    story = models.UUIDField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    place = models.PositiveSmallIntegerField()
    """In the list, from 0."""
    format = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField()
    visitor = models.CharField(max_length=32)
    """Hash of the app's word for the visitor with a salt that is thrown away after the day."""
    counted = models.BooleanField(default=True)
    """False for what was discounted: it is remembered so that it is refused again, and counts nowhere."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("channel", "event"), name="one_interaction_per_event"),
            models.UniqueConstraint(fields=("list", "story", "kind"), name="one_kind_per_offer"),
        )
        indexes = (models.Index(fields=("visitor", "kind")), models.Index(fields=("channel", "at")))

    def __str__(self) -> str:
        return f"{self.kind} of {self.story}"


class Tally(models.Model):
    """Interactions that count, added up by hour, story, place and format: what insights are read from."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey("creator.Channel", on_delete=models.CASCADE, related_name="tallies")
    story = models.ForeignKey("creator.Story", on_delete=models.CASCADE, related_name="tallies")
    hour = models.DateTimeField()
    """Its beginning, UTC."""
    place = models.PositiveSmallIntegerField()
    format = models.CharField(max_length=20, blank=True)
    impressions = models.PositiveIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0)
    completions = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        constraints = (
            models.UniqueConstraint(fields=("channel", "story", "hour", "place", "format"), name="one_tally"),
        )
        indexes = (models.Index(fields=("channel", "hour")), models.Index(fields=("workspace", "hour")))

    def __str__(self) -> str:
        return f"{self.story_id} at {self.place}"


class CoinTally(models.Model):
    """Clicks in lists in which a coin ordered two places: what examination is estimated from."""

    channel = models.ForeignKey("creator.Channel", on_delete=models.CASCADE, related_name="coins")
    clicked = models.PositiveSmallIntegerField()
    """The place that was clicked."""
    other = models.PositiveSmallIntegerField()
    clicks = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("channel", "clicked", "other"), name="one_tally_per_pair"),)

    def __str__(self) -> str:
        return f"{self.clicked} over {self.other}"


class DailySalt(models.Model):
    """What visitors of one day are hashed with; gone when the day is, and with it the way back."""

    day = models.DateField(primary_key=True)
    salt = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"{self.day}"


class PublishedTerms(models.Model):
    """What ranking knows of a publication, looked up once for each time that it is published."""

    publication = models.OneToOneField(
        "creator.Publication", on_delete=models.CASCADE, primary_key=True, related_name="terms"
    )
    made_for = models.DateTimeField(help_text="when the publication was updated last")
    values = models.JSONField(default=dict)
    """{"relevance", "quality"}, 0 to 1."""
    cover = models.ForeignKey(
        "media_processing.Asset", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The first scene's picture: what a list is diversified by."""

    def __str__(self) -> str:
        return f"{self.publication_id}"
