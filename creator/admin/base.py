"""What the tables of the admin site share: whose rows they show, and what may be done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from creator.access import may, workspace_for

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

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
