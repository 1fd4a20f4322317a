"""The applications' registration with Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class CreatorConfig(AppConfig):
    name = "creator"
    verbose_name = "Storyloom"

    def ready(self) -> None:
        from django.conf import settings

        from creator.checks import register_checks
        from creator.services import security
        from media_processing.fetching import stay_offline

        register_checks()
        security.connect()
        if settings.OFFLINE:
            stay_offline()


class AdminConfig(DjangoAdminConfig):
    default_site = "creator.admin_site.StoryloomAdminSite"
