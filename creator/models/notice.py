"""What people are told: of each thing, each person once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class NoticeQuerySet(models.QuerySet["Notice"]):
    def shown_to(self, person_id: int, workspace_id: int) -> NoticeQuerySet:
        """What a person finds under the bell of a workspace, the newest first."""
        return self.filter(person_id=person_id, workspace_id=workspace_id, in_app=True)

    def unread(self) -> NoticeQuerySet:
        return self.filter(read__isnull=True)


class Notice(models.Model):
    """Something that one person is told, under the bell and by e-mail.

    Only the facts are stored: templates/emails/ has the words, so that each is said in its reader's language.
    """

    class Kind(models.TextChoices):
        INVITATION = "invitation", _("I am invited to a workspace")
        REVIEW_ASKED = "review_asked", _("A story waits for review")
        DECIDED = "decided", _("My story was decided on")
        PUBLISHED = "published", _("My story was published")
        FAILED = "failed", _("Something that I asked for failed")
        MENTION = "mention", _("Somebody mentions me")
        ASSIGNMENT = "assignment", _("Something is assigned to me")
        WEBHOOK_DISABLED = "webhook_disabled", _("A webhook was switched off")
        DIGEST = "digest", _("The daily digest")

    class Mail(models.TextChoices):
        NONE = "none"
        DIGEST = "digest"
        """Waits for the day's digest."""
        DIGESTED = "digested"
        WAITING = "waiting"
        SENDING = "sending"
        """Handed to the mail server. A worker that is lost here leaves it so: it may have arrived."""
        SENT = "sent"
        FAILED = "failed"

    workspace = models.ForeignKey("creator.Workspace", on_delete=models.CASCADE, related_name="notices")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    """Nobody yet, where somebody is invited: then there is only an address."""
    address = models.EmailField(blank=True)
    """Where the e-mail goes, fixed when it was decided that there is one."""
    kind = models.CharField(max_length=20, choices=Kind.choices)
    once = models.CharField(max_length=120)
    """Names the thing that is told: "review:12". Telling it again does nothing."""
    about = models.JSONField(default=dict, blank=True)
    """The facts that its template says, JSON."""
    link = models.CharField(max_length=300, blank=True)
    """The path of the page to look at."""
    in_app = models.BooleanField(default=True)
    mail = models.CharField(max_length=10, choices=Mail.choices, default=Mail.NONE)
    mail_error = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    read = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("person", "once"), name="told_a_person_once"),
            models.UniqueConstraint(
                fields=("address", "once"), condition=models.Q(person__isnull=True), name="told_an_address_once"
            ),
        )
        indexes = (
            models.Index(fields=("person", "workspace", "-id")),
            models.Index(fields=("mail", "person")),
        )

    def __str__(self) -> str:
        return f"{self.kind} for {self.person or self.address}"
