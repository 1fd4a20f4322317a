"""The admin site: the stock admin in our tokens, with Review mounted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from creator.models import ApiKey, Channel, Job, Membership, Publication, Story, User, Workspace
from media_processing.models import Asset
from moderation.models import BannedHash, Decision, Policy, Review


site = admin.site

# Importing this registers users with the site, whose class must be there by then.
from django.contrib.auth.admin import UserAdmin  # noqa: E402


class LookOnly(admin.ModelAdmin):
    """For what only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "created")
    inlines = (MembershipInline,)


admin.site.register(User, UserAdmin)


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "surface", "workspace")
    list_filter = ("workspace",)


@admin.register(ApiKey)
class ApiKeyAdmin(LookOnly):
    list_display = ("name", "prefix", "channel", "created", "last_used", "revoked")
    exclude = ("digest",)


@admin.register(Story)
class StoryAdmin(LookOnly):
    list_display = ("title", "state", "language", "author", "created")
    list_filter = ("state", "language", "workspace")
    search_fields = ("title",)


@admin.register(Asset)
class AssetAdmin(LookOnly):
    list_display = ("title", "kind", "licence", "credit", "workspace", "created")
    list_filter = ("kind", "workspace")
    search_fields = ("title",)


@admin.register(Job)
class JobAdmin(LookOnly):
    list_display = ("id", "kind", "state", "step", "attempt", "created", "finished")
    list_filter = ("state", "kind", "workspace")


@admin.register(Publication)
class PublicationAdmin(LookOnly):
    list_display = ("story", "channel", "published", "withdrawn")
    list_filter = ("channel",)


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
class BannedHashAdmin(admin.ModelAdmin):
    list_display = ("pdq", "category", "note", "source", "expires")
    list_filter = ("category", "workspace")
