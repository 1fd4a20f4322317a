"""Moments, the unit of search, and their embeddings: the truth from which any index is made."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, JSONField, TextField

from search.fulltext import TABLE, Among, HasItem, Matches, WordRank
from search.words import Wanted, wanted

TextField.register_lookup(Matches)
JSONField.register_lookup(HasItem)
models.BigAutoField.register_lookup(Among)
models.UUIDField.register_lookup(Among)


class MomentQuerySet(models.QuerySet["Moment"]):
    def in_workspace(self, workspace_id: int) -> MomentQuerySet:
        """The moments of one workspace: a search takes it as a filter that can't be left out."""
        return self.filter(workspace_id=workspace_id)

    def showable(self) -> MomentQuerySet:
        """Those with a picture, whose asset isn't archived."""
        return self.filter(asset__archived__isnull=True).exclude(asset__kind="audio")

    def without_embedding(self, model: str) -> MomentQuerySet:
        """Those with a picture that a model has not seen yet."""
        return self.showable().exclude(pk__in=Embedding.objects.filter(model=model).values("moment"))

    def matching(self, words: str | Wanted) -> MomentQuerySet:
        """Those whose words answer a query (words, "quoted", -unwanted), best first; `word_rank` says how well.

        Looks at titles, tags, alt texts, what is said, file names and prompts. A query without words finds nothing.
        """
        if not (words if isinstance(words, Wanted) else wanted(words)):
            return self.annotate(word_rank=models.Value(0.0, output_field=models.FloatField())).none()
        return (
            self.filter(words__document__matches=words)
            .annotate(word_rank=WordRank("words__document", query=words))
            .order_by(F("word_rank").desc(), "id")
        )


class Moment(models.Model):
    """A searchable stretch of an asset: one for an image, one a shot for a video, one a spoken passage for audio."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="moments")
    asset = models.ForeignKey("media_processing.Asset", on_delete=models.CASCADE, related_name="moments")
    start = models.FloatField(default=0.0, help_text="seconds")
    end = models.FloatField(default=0.0)
    key_time = models.FloatField(default=0.0, help_text="second of the key frame")
    text = models.TextField(blank=True)
    """What is said there."""
    pdq = models.CharField(max_length=64, blank=True)
    """PDQ hash of its key frame, by which copies are found; empty for a sound and for a picture with no structure."""

    objects = MomentQuerySet.as_manager()

    class Meta:
        ordering = ("asset", "start")
        constraints = (models.UniqueConstraint(fields=("asset", "start", "end"), name="one_moment_per_stretch"),)
        indexes = (models.Index(fields=("workspace", "asset")),)

    def __str__(self) -> str:
        return f"{self.asset_id} {self.start:.1f}-{self.end:.1f} s"


class EmbeddingQuerySet(models.QuerySet["Embedding"]):
    def of(self, model: str, workspace_id: int) -> EmbeddingQuerySet:
        """One model's vectors of one workspace."""
        return self.filter(model=model, moment__workspace_id=workspace_id)


class Embedding(models.Model):
    """One model's vector of one moment's picture."""

    id = models.BigAutoField(primary_key=True)
    """Monotonic: what an index has seen is everything up to a number."""
    moment = models.ForeignKey(Moment, on_delete=models.CASCADE, related_name="embeddings")
    model = models.CharField(max_length=64)
    """The digest on the embedder's card."""
    vector = models.BinaryField()
    """Unit vector, float16, little endian."""

    objects = EmbeddingQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("moment", "model"), name="one_embedding_per_model"),)
        indexes = (models.Index(fields=("model", "id")),)

    def __str__(self) -> str:
        return f"{self.moment_id} by {self.model[:12]}"


class SearchModel(models.Model):
    """An embedder whose vectors a workspace has, and how to make it again."""

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="search_models")
    digest = models.CharField(max_length=64)
    """On its card."""
    title = models.CharField(max_length=200, blank=True)
    backend = models.CharField(max_length=200, blank=True)
    """BACKEND and OPTIONS of its engine when it came; empty where that was before they were remembered."""
    options = models.JSONField(default=dict, blank=True)
    left = models.DateTimeField(null=True, blank=True, help_text="when it went out of use; its vectors go later")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("workspace", "digest"), name="one_row_per_search_model"),)

    def __str__(self) -> str:
        return self.title or self.digest[:12]


class ModelInUse(models.Model):
    """The pointer to the model that searches a workspace, and to the one that is about to."""

    workspace = models.OneToOneField(
        "creator.Workspace", on_delete=models.CASCADE, primary_key=True, related_name="model_in_use"
    )
    model = models.ForeignKey(SearchModel, on_delete=models.CASCADE, related_name="+")
    coming = models.ForeignKey(SearchModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.workspace_id}: {self.model}"


class KeptApart(models.Model):
    """Two assets that look alike and that a person wants to keep both."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="+")
    one = models.ForeignKey("media_processing.Asset", on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey("media_processing.Asset", on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("one", "other"), name="kept_apart_once"),
            models.CheckConstraint(condition=models.Q(one__lt=F("other")), name="kept_apart_in_order"),
        )

    def __str__(self) -> str:
        return f"{self.one_id} and {self.other_id}"


class CopyScan(models.Model):
    """How far a workspace has been looked through for copies."""

    workspace = models.OneToOneField(
        "creator.Workspace", on_delete=models.CASCADE, primary_key=True, related_name="copy_scan"
    )
    newest = models.BigIntegerField(default=0)
    """The number of the newest moment whose picture was compared with the others."""
    seen = models.BigIntegerField(default=0)
    """The number of the newest embedding that was compared."""
    model = models.CharField(max_length=64, blank=True)
    """Digest of the embedder by which look-alikes were told; empty where none could work."""
    finished = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.workspace_id} up to {self.newest}"


class CopyGroup(models.Model):
    """Assets that are copies of one, or look like one. Derived: `copies.scan` makes it anew from hashes and vectors."""

    class Kind(models.TextChoices):
        COPIES = "copies", "Copies"
        LOOK_ALIKES = "look-alikes", "Look-alikes"

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="copy_groups")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    leader = models.ForeignKey("media_processing.Asset", null=True, on_delete=models.SET_NULL, related_name="+")
    """The member that every other one is near to, so that no chain of likenesses brings strangers together."""

    class Meta:
        indexes = (models.Index(fields=("workspace", "kind", "id")),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.leader_id}"


class CopyMember(models.Model):
    """An asset in a group."""

    class Form(models.TextChoices):
        SAME = "same", "The same picture"
        MIRRORED = "mirrored", "Mirrored"
        PART = "part", "Shares shots"
        ALIKE = "alike", "Looks alike"

    group = models.ForeignKey(CopyGroup, on_delete=models.CASCADE, related_name="members")
    asset = models.ForeignKey("media_processing.Asset", on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=10, choices=Form.choices, default=Form.SAME)
    likeness = models.FloatField(default=1.0)
    """To the leader, 0 to 1: share of equal hash bits, or cosine, or for a video share of the shots that match."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("group", "asset"), name="once_in_a_group"),)

    def __str__(self) -> str:
        return f"{self.asset_id} in {self.group_id}"


class MomentWords(models.Model):
    """The words of a moment as the database's full text search keeps them; written by `fulltext.store` only."""

    moment = models.OneToOneField(
        Moment, on_delete=models.CASCADE, primary_key=True, db_column="rowid", related_name="words"
    )
    document = models.TextField(db_column=TABLE)
    """FTS5's column of that name means the whole row; in PostgreSQL it is the tsvector."""

    class Meta:
        managed = False
        db_table = TABLE

    def __str__(self) -> str:
        return f"Words of moment {self.moment_id}"
