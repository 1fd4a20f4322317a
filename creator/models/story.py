"""A brief asks, a story answers it in scenes, variants are the story in one format and language."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Brief(models.Model):
    """What the editor asks for."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="briefs")
    article = models.TextField()
    """Plain text of the article or the notes."""
    title = models.CharField(max_length=300, blank=True)
    url = models.URLField(max_length=2000, blank=True)
    article_language = models.CharField(max_length=12, default="en")
    language = models.CharField(max_length=12, default="en")
    """The language of the story."""
    audience = models.CharField(max_length=200, blank=True)
    tone = models.CharField(max_length=30, default="calm")
    seconds = models.PositiveSmallIntegerField(default=40)
    formats = models.JSONField(default=list)
    """["video:9x16", "card:1x1"]"""
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.title or self.article[:60]


class StoryQuerySet(models.QuerySet["Story"]):
    def in_workspace(self, workspace_id: int) -> StoryQuerySet:
        """The stories of one workspace: where every read starts."""
        return self.filter(workspace_id=workspace_id)

    def for_pages(self) -> StoryQuerySet:
        """With all that a list of tiles shows and nothing else, in a fixed number of queries.

        `cover` and `colour` are of the first scene's picture.
        """
        pictured = Scene.objects.filter(story=models.OuterRef("pk"), asset__isnull=False).order_by("position")
        variants = Variant.objects.only("story", "format", "rendition")
        return (
            self.select_related("author")
            .only("title", "state", "language", "created", "changed", "author__username", "author__first_name",
                  "author__last_name")
            .annotate(
                cover=models.Subquery(pictured.values("asset_id")[:1], output_field=models.UUIDField()),
                colour=models.Subquery(pictured.values("asset__colour")[:1]),
            )
            .prefetch_related(models.Prefetch("variants", variants))
        )  # fmt: skip


class Story(models.Model):
    """The answer to a brief: ordered scenes."""

    class State(models.TextChoices):
        MAKING = "making", _("Being made")
        FAILED = "failed", _("Needs a hand")
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Sent back")
        PUBLISHED = "published", _("Live")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="stories")
    brief = models.OneToOneField(Brief, on_delete=models.PROTECT, related_name="story")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="stories")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_stories"
    )
    title = models.CharField(max_length=300, blank=True)
    summary = models.TextField(blank=True)
    hashtags = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=12, default="en")
    style = models.CharField(max_length=40, blank=True, help_text="how its pictures are drawn")
    music = models.CharField(max_length=20, blank=True, help_text="mood of the music under its videos; empty for none")
    voice = models.CharField(max_length=120, blank=True, help_text="which of the engine's voices speaks; empty: any")
    brand = models.ForeignKey("creator.Brand", null=True, blank=True, on_delete=models.SET_NULL, related_name="stories")
    caption_style = models.CharField(max_length=20, blank=True, help_text="how captions move; empty for the brand's")
    layout = models.CharField(max_length=40, blank=True, help_text="of its cards; empty for the one that fits its text")
    poll = models.JSONField(default=list, blank=True)
    """The two answers of its cards' poll; empty for none."""
    state = models.CharField(max_length=12, choices=State.choices, default=State.MAKING)
    version = models.PositiveIntegerField(default=1)
    """Grows with every edit, which names the version that it was made on."""
    engines = models.JSONField(default=dict, blank=True)
    """Which engine made what: {"writer": "extractive", ...}."""
    findings = models.JSONField(default=list, blank=True)
    """What the gate found: [{"severity", "scene", "second", "message"}]."""
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    embargo = models.DateTimeField(null=True, blank=True, help_text="before that, it is published nowhere")

    objects = StoryQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "id")
        verbose_name_plural = "stories"
        indexes = (models.Index(fields=("workspace", "-created")), models.Index(fields=("workspace", "state")))

    def __str__(self) -> str:
        return self.title or str(self.id)


class Scene(models.Model):
    """Narration, on-screen text and a visual."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="scenes")
    position = models.PositiveSmallIntegerField()
    narration = models.TextField()
    on_screen = models.CharField(max_length=200, blank=True)
    visual = models.CharField(max_length=300, blank=True)
    """What the picture should show: the query of the search, the words for the painter."""
    alt = models.CharField(max_length=500, blank=True)
    sources = models.JSONField(default=list, blank=True)
    """Numbers of the article's sentences that the narration rests on."""
    asset = models.ForeignKey(
        "media_processing.Asset", null=True, blank=True, on_delete=models.SET_NULL, related_name="scenes"
    )
    start = models.FloatField(default=0.0, help_text="second of the asset where the visual begins")
    end = models.FloatField(null=True, blank=True, help_text="second where it ends; none: as long as the scene")
    focus = models.JSONField(default=list, blank=True)
    """The point that crops keep, set by hand: [x, y] as shares of width and height; empty: found by the machine."""
    motion = models.CharField(max_length=20, blank=True, help_text="of a still; empty: stills take turns")
    transition = models.CharField(max_length=20, blank=True, help_text="how the scene begins; empty for a cut")
    effect = models.CharField(max_length=60, blank=True, help_text="name of an installed effect; empty for none")
    tail = models.FloatField(null=True, blank=True, help_text="seconds that it stays after its narration; none: usual")
    chosen_by_hand = models.BooleanField(default=False)
    """An editor chose the visual: a search leaves it alone."""
    made_by = models.CharField(max_length=20, blank=True)
    """Who brought the visual: "search" or "painter"."""
    sound = models.ForeignKey(
        "media_processing.Rendition", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    recorded = models.ForeignKey(
        "media_processing.Asset", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """A person's own reading, which stands in place of the voice's."""
    words = models.JSONField(default=list, blank=True)
    """Word times of the sound: [{"text", "start", "end"}]; empty where captions go by sentence."""
    sentences = models.JSONField(default=list, blank=True)
    """Bounds of the spoken sentences in seconds: [[start, end]]."""
    timing = models.CharField(max_length=10, blank=True)
    """"word" or "sentence"."""
    spoken_key = models.CharField(max_length=64, blank=True)
    """Digest of what `sound` was made from: it is stale when this no longer fits."""

    class Meta:
        ordering = ("story", "position")

    def __str__(self) -> str:
        return f"{self.position + 1}. {self.narration[:60]}"

    @property
    def chosen_by(self) -> str:
        """"editor", "search" or "painter"."""
        return "editor" if self.chosen_by_hand else self.made_by

    @property
    def is_recorded(self) -> bool:
        """Whether a person is heard, and no voice of an engine."""
        return self.sound is not None and "recorded" in self.sound.made_by


class Alternative(models.Model):
    """Another picture, text or reading of one scene."""

    class Part(models.TextChoices):
        PICTURE = "picture"
        WORDS = "words"
        VOICE = "voice"

    scene = models.ForeignKey(Scene, on_delete=models.CASCADE, related_name="alternatives")
    part = models.CharField(max_length=10, choices=Part.choices, default=Part.PICTURE)
    asset = models.ForeignKey("media_processing.Asset", null=True, on_delete=models.CASCADE, related_name="+")
    start = models.FloatField(default=0.0)
    text = models.TextField(blank=True)
    sound = models.ForeignKey(
        "media_processing.Rendition", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """Of a reading; `timing` holds {"words", "sentences", "timing", "spoken_key"} as a scene does."""
    timing = models.JSONField(default=dict, blank=True)
    made_by = models.JSONField(default=dict, blank=True)
    """Who made it: {"engine", "model", "prompt", "seed", "cost", ...}."""
    score = models.FloatField(default=0.0)
    explain = models.JSONField(default=list, blank=True)
    """Why it stands where it stands: [{"name", "value", "weight", "contribution"}], summing to the score."""
    replaced = models.DateTimeField(null=True, blank=True, help_text="when the scene last took another in its place")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("scene", "part", "position")

    def __str__(self) -> str:
        return f"{self.part} {self.position} of {self.scene_id}"


class Variant(models.Model):
    """A story in one format and language."""

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="variants")
    format = models.CharField(max_length=20)
    """"video:9x16", "card:1x1"."""
    language = models.CharField(max_length=12, default="en")
    rendition = models.ForeignKey(
        "media_processing.Rendition", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    captions_vtt = models.ForeignKey(
        "media_processing.Rendition", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    captions_srt = models.ForeignKey(
        "media_processing.Rendition", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_from = models.CharField(max_length=64, blank=True)
    """Digest of all that the rendition consumed: it is stale when this no longer fits."""
    timeline = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("story", "-format")
        constraints = (models.UniqueConstraint(fields=("story", "format", "language"), name="one_variant_per_format"),)

    def __str__(self) -> str:
        return f"{self.format} {self.language}"

    @property
    def kind(self) -> str:
        """"video" or "card"."""
        return self.format.partition(":")[0]


class Revision(models.Model):
    """An immutable, hashed snapshot of a variant: what is reviewed and published."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="revisions")
    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="revisions")
    variant = models.ForeignKey(Variant, null=True, on_delete=models.SET_NULL, related_name="revisions")
    number = models.PositiveIntegerField()
    """Of the submission: the revisions that were sent to review together share it."""
    digest = models.CharField(max_length=64)
    """sha256 over `document`: a review approves this."""
    document = models.JSONField()
    """All that can be seen or heard: title, texts, scenes, and the digests of the renditions."""
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-number", "id")
        constraints = (models.UniqueConstraint(fields=("variant", "number"), name="one_revision_per_number"),)
        indexes = (models.Index(fields=("workspace", "digest")),)

    def __str__(self) -> str:
        return f"{self.story_id} #{self.number} {self.digest[:12]}"
