"""The admin site: the stock admin in our tokens, with Review mounted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy

from creator.access import may
from creator.admin.base import OWN_WORKSPACE, InWorkspace, LookOnly, ModelAdmin
from creator.admin.rankers import RankerAdmin
from creator.models import ApiKey, Channel, Job, Membership, Publication, Ranker, Story, User, Workspace
from creator.services import proposals, remoderating
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.models import Asset
from moderation.models import BannedHash, Decision, PictureBank, Policy, Review, Verdict

site = admin.site

# Importing this registers users with the site, whose class must be there by then.
from django.contrib.auth.admin import UserAdmin  # noqa: E402

if TYPE_CHECKING:
    MembershipTable = admin.TabularInline[Membership, Workspace]
else:
    MembershipTable = admin.TabularInline


class MembershipInline(MembershipTable):
    model = Membership
    extra = 0


@admin.register(Workspace)
class WorkspaceAdmin(ModelAdmin):
    list_display = ("name", "slug", "created")
    inlines = (MembershipInline,)


admin.site.register(User, UserAdmin)
admin.site.register(Ranker, RankerAdmin)


@admin.register(Channel)
class ChannelAdmin(InWorkspace):
    list_display = ("name", "slug", "surface", "workspace")
    list_filter = (OWN_WORKSPACE,)


@admin.register(ApiKey)
class ApiKeyAdmin(LookOnly):
    within = "channel__workspace"
    list_display = ("name", "prefix", "channel", "created", "last_used", "revoked")
    exclude = ("digest",)


@admin.register(Story)
class StoryAdmin(LookOnly):
    list_display = ("title", "state", "language", "author", "created")
    list_filter = ("state", "language", OWN_WORKSPACE)
    search_fields = ("title",)


@admin.register(Asset)
class AssetAdmin(LookOnly):
    list_display = ("title", "kind", "licence", "credit", "workspace", "created")
    list_filter = ("kind", OWN_WORKSPACE)
    search_fields = ("title",)


@admin.register(Job)
class JobAdmin(LookOnly):
    list_display = ("id", "kind", "state", "step", "attempt", "created", "finished")
    list_filter = ("state", "kind", OWN_WORKSPACE)


@admin.register(Publication)
class PublicationAdmin(LookOnly):
    list_display = ("story", "channel", "published", "withdrawn")
    list_filter = (("channel", admin.RelatedOnlyFieldListFilter),)


@admin.register(Review)
class ReviewAdmin(LookOnly):
    list_display = ("story", "number", "state", "outcome", "created", "decided")
    list_filter = ("state", "outcome")


@admin.register(Decision)
class DecisionAdmin(LookOnly):
    list_display = ("review", "verb", "reason", "person", "created")
    list_filter = ("verb", "reason")


@admin.register(Verdict)
class VerdictAdmin(LookOnly):
    """What machines think of contents; the case page shows those of a submission."""

    list_display = ("engine", "model", "kind", "content", "highest", "missing", "created")
    list_filter = ("kind", "engine", OWN_WORKSPACE)
    search_fields = ("content", "model")

    @admin.display(description=gettext_lazy("Highest score"))
    def highest(self, verdict: Verdict) -> str:
        """What weighs most of it; the verdict's own page has all."""
        score, category = max(((score, category) for category, score in verdict.scores.items()), default=(0.0, ""))
        return f"{category}: {score:.2f}" if score else "–"


@admin.register(Policy)
class PolicyAdmin(LookOnly):
    """Versions are looked at here and proposed on their own page, where a dry run shows what they would change."""

    list_display = ("workspace", "version", "active", "note", "created_by", "created", "activated_by", "activated")
    list_filter = ("active", OWN_WORKSPACE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "review")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if request.method != "GET" or not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("policies")

    def view_on_site(self, policy: Policy) -> str:
        return reverse("policy", args=(policy.version,))


class ForTwo(InWorkspace):
    """Banning takes one person, lifting a ban two: nothing is deleted here, and no date moved. It is proposed."""

    kept: tuple[str, ...] = ()
    """What isn't changed afterwards."""
    actions = ("propose_to_lift",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.kept

    @admin.action(description="Propose to lift (a second person agrees under Review)", permissions=["view"])
    def propose_to_lift(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for row in rows:
            try:
                proposals.propose_lifting(row, by=person_of(request))
            except EngineError as error:
                self.message_user(request, f"{row}: {error.message} {error.next_step}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: proposed. Somebody else must agree under Review.")


@admin.register(BannedHash)
class BannedHashAdmin(ForTwo):
    kept = ("workspace", "bank", "pdq", "category", "expires", "quarantined")
    list_display = ("pdq", "bank", "category", "note", "source", "expires", "quarantined")
    list_filter = ("category", OWN_WORKSPACE, ("bank", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("bank",)
    raw_id_fields = ("bank",)

    def save_model(self, request: HttpRequest, obj: BannedHash, form: Any, change: bool) -> None:
        """And withdraw what it matches."""
        super().save_model(request, obj, form, change)
        remoderating.ask(obj.workspace, "bank", by=request.user, banned=[obj.pk])  # type: ignore[arg-type]


@admin.register(PictureBank)
class PictureBankAdmin(ForTwo):
    kept = ("workspace", "enabled", "expires")
    list_display = ("name", "source", "enabled", "expires", "most_matches", "note")
    list_filter = (OWN_WORKSPACE, "enabled")
