"""Rankers in the admin panel: written as TOML, a new version each time, evaluated, then activated."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from creator.access import may, workspace_for
from creator.admin.base import LookOnly
from creator.models import Ranker
from creator.services import evaluating, rankers
from creator.views.people import person_of
from media_processing.engine import EngineError
from search import schemes
from search.schemes import SchemeError


class RankerForm(forms.ModelForm):  # type: ignore[type-arg]
    """Weights as text."""

    text = forms.CharField(
        label="Weights", widget=forms.Textarea(attrs={"rows": 34, "cols": 100, "spellcheck": "false"}),
        help_text="TOML. Keeping it makes a new version, which ranks once it is evaluated and activated.",
    )  # fmt: skip

    class Meta:
        model = Ranker
        fields = ("note",)

    def clean_text(self) -> dict[str, Any]:
        try:
            return schemes.read(self.cleaned_data["text"])
        except SchemeError as error:
            raise ValidationError(f"{error.message} {error.next_step}") from None


class RankerAdmin(LookOnly):
    """What was written never changes: another version follows."""

    form = RankerForm
    list_display = ("version", "active", "shadow", "note", "gain", "reported", "created_by", "created")
    list_display_links = ("version",)
    actions = ("evaluate", "activate", "put_in_shadow")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "manage")

    def has_rank_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "manage")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(workspace=workspace_for(request.user, to="manage"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("note", "text") if obj is None else ("version", "note", "active", "shadow", "weights", "told")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("version", "active", "shadow", "weights", "told")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        now = rankers.active(workspace_for(request.user, to="manage").pk)
        return {"text": schemes.written(now.rules)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        workspace = workspace_for(request.user, to="manage")
        made = rankers.new_version(workspace, form.cleaned_data["text"], note=obj.note, by=person_of(request))
        obj.pk, obj.version, obj.workspace, obj.rules = made.pk, made.version, made.workspace, made.rules

    @admin.display(description="Weights")
    def weights(self, ranker: Ranker) -> SafeString:
        return format_html("<pre>{}</pre>", schemes.written(ranker.rules))

    @admin.display(description="Report")
    def told(self, ranker: Ranker) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(ranker.report, indent=2) if ranker.report else "None yet.")

    @admin.display(description="Clicks per list more")
    def gain(self, ranker: Ranker) -> str:
        report = ranker.report
        if not report:
            return "not evaluated"
        if not report["enough"]:
            return "too few to tell"
        gain = report["gain"]
        return f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"

    @admin.action(description="Evaluate on the lists of the last 30 days", permissions=["rank"])
    def evaluate(self, request: HttpRequest, chosen: QuerySet[Ranker]) -> None:
        for ranker in chosen[:5]:
            report = evaluating.evaluate(ranker)
            rests = f"{report['lists']} lists, {report['clicks']} clicks, {report['coins']} of them under a coin"
            told = self.gain(Ranker.objects.get(pk=ranker.pk))
            self.message_user(request, f"Version {ranker.version}: {told} clicks per list; on {rests}.")

    @admin.action(description="Activate: let it rank from now on", permissions=["rank"])
    def activate(self, request: HttpRequest, chosen: QuerySet[Ranker]) -> None:
        self._one(request, chosen, rankers.activate, "ranks from now on")

    @admin.action(description="Run in the shadow", permissions=["rank"])
    def put_in_shadow(self, request: HttpRequest, chosen: QuerySet[Ranker]) -> None:
        self._one(request, chosen, rankers.put_in_shadow, "runs in the shadow: nobody sees its order")

    def _one(self, request: HttpRequest, chosen: QuerySet[Ranker], act: Any, told: str) -> None:
        ranker = chosen.first()
        if ranker is None or len(chosen) > 1:
            self.message_user(request, "Choose one version.", messages.ERROR)
            return
        try:
            act(ranker, by=person_of(request))
        except EngineError as error:
            self.message_user(request, f"{error.message} {error.next_step}", messages.ERROR)
        else:
            self.message_user(request, f"Version {ranker.version} {told}.")
