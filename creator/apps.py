"""The applications' registration with Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class CreatorConfig(AppConfig):
    name = "creator"
    verbose_name = "Storyloom"

    def ready(self) -> None:
        from creator.checks import register_checks
        from creator.services import security

        register_checks()
        security.connect()


class AdminConfig(DjangoAdminConfig):
    default_site = "creator.admin_site.StoryloomAdminSite"
