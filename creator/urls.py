"""Every address of the application."""

from __future__ import annotations

from django.urls import path

from creator.admin import site

urlpatterns = [
    path("admin/", site.urls),
]
