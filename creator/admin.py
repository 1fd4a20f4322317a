"""The admin site: the stock admin in our tokens, with Review mounted in it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest


class StoryloomAdminSite(admin.AdminSite):
    """For moderators and admins."""

    site_title = site_header = "Storyloom"
    index_title = "Administration"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)


site = admin.site
