"""The admin site: the stock admin in our tokens, with Review mounted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from creator.access import may, workspace_for
from creator.models import ApiKey, Channel, Job, Membership, Publication, Story, User, Workspace
from media_processing.models import Asset
from moderation.models import BannedHash, Decision, Policy, Review

site = admin.site

# Importing this registers users with the site, whose class must be there by then.
from django.contrib.auth.admin import UserAdmin  # noqa: E402

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    MembershipTable = admin.TabularInline[Membership, Workspace]
else:
    ModelAdmin, MembershipTable = admin.ModelAdmin, admin.TabularInline

OWN_WORKSPACE = ("workspace", admin.RelatedOnlyFieldListFilter)
"""Offers the workspaces of the rows that are shown, not all that there are."""


class InWorkspace(ModelAdmin):
    """Rows of one workspace: its admins see them; whoever runs the installation sees and changes those of all."""

    within = "workspace"
    """The way from a row to its workspace."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "manage") or super().has_view_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{self.within: workspace_for(request.user, to="manage")})


class LookOnly(InWorkspace):
    """For what only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(MembershipTable):
    model = Membership
    extra = 0


@admin.register(Workspace)
class WorkspaceAdmin(ModelAdmin):
    list_display = ("name", "slug", "created")
    inlines = (MembershipInline,)


admin.site.register(User, UserAdmin)


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


@admin.register(Policy)
class PolicyAdmin(LookOnly):
    list_display = ("workspace", "version", "active", "note", "created")


@admin.register(BannedHash)
class BannedHashAdmin(InWorkspace):
    list_display = ("pdq", "category", "note", "source", "expires")
    list_filter = ("category", OWN_WORKSPACE)


from creator import ranker_admin  # noqa: E402, F401 it needs what is above
