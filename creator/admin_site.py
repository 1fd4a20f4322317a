"""The admin site, in a module of its own: Django makes it before it loads any registration."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

NAMES = {
    "apikey": (_("API key"), _("API keys")),
    "asset": (_("asset"), _("assets")),
    "bannedhash": (_("banned hash"), _("banned hashes")),
    "channel": (_("channel"), _("channels")),
    "decision": (_("decision"), _("decisions")),
    "job": (_("job"), _("jobs")),
    "picturebank": (_("picture bank"), _("picture banks")),
    "policy": (_("policy"), _("policies")),
    "publication": (_("publication"), _("publications")),
    "ranker": (_("ranker"), _("rankers")),
    "review": (_("review"), _("reviews")),
    "story": (_("story"), _("stories")),
    "verdict": (_("verdict"), _("verdicts")),
    "workspace": (_("workspace"), _("workspaces")),
}
"""Of the site's models, one and many: models of tools know no language."""
NOT_HERE = ("account", "mfa", "socialaccount", "usersessions", "axes")


class StoryloomAdminSite(admin.AdminSite):
    """For admins. Review inside it asks for the right to review instead, which is all that moderators reach here."""

    site_title = site_header = "Storyloom"
    index_title = _("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        from creator.access import may  # access needs the models, which this module is loaded before

        user = request.user
        return bool(user.is_active and user.is_staff and (user.is_superuser or may(user, "manage")))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way in, with its second factor and its lock."""
        goal = request.GET.get("next", "")
        if request.user.is_authenticated and not self.has_permission(request):
            raise Http404("Not allowed.")
        if not url_has_allowed_host_and_scheme(goal, {request.get_host()}, request.is_secure()):
            goal = reverse("admin:index")
        return redirect(goal) if request.user.is_authenticated else redirect_to_login(goal)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """The rows of the libraries of accounts hold secrets, and have pages of their own: they stay off the site."""
        models: list[Any] = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        ours = [model for model in models if model._meta.app_label not in NOT_HERE]
        for model in ours:
            one, many = NAMES.get(model._meta.model_name, (model._meta.verbose_name, model._meta.verbose_name_plural))
            model._meta.verbose_name, model._meta.verbose_name_plural = one, many
        super().register(ours, admin_class, **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from creator.views import review, transparency  # views need the models, which this module is loaded before

        return [
            path("review/", review.queue, name="review-queue"),
            path("review/<int:review_id>/", review.case, name="review-case"),
            *(
                path(f"review/<int:review_id>/{name}/", view, name=f"review-{name}")
                for name, view in (
                    ("claim", review.claim), ("release", review.release), ("skip", review.skip), ("here", review.here),
                )
            ),
            path("review/next/", review.following, name="review-next"),
            path("review/bulk/", review.bulk, name="review-bulk"),
            path("review/proposals/<int:proposal_id>/", review.proposal, name="review-proposal"),
            path("review/figures/", transparency.page, name="review-figures"),
            path("review/figures.csv", transparency.download, {"form": "csv"}, name="review-figures-csv"),
            path("review/figures.json", transparency.download, {"form": "json"}, name="review-figures-json"),
            path("review/log/", transparency.log, name="review-log"),
            # No row has a page of its own on the site, and Django's redirect to it breaks on ids that are no UUID.
            *(each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"),
        ]
