"""Settings > Costs: what was spent on what, the caps, and the same as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import workspace_for
from creator.services import spending
from creator.views.people import person_of
from generation import charges
from generation.models import Budget

if TYPE_CHECKING:
    BudgetModelForm = forms.ModelForm[Budget]
else:
    BudgetModelForm = forms.ModelForm


class BudgetForm(BudgetModelForm):
    """The caps of a workspace."""

    class Meta:
        model = Budget
        fields = ("person_day", "day", "month", "time_zone")
        labels = {  # noqa: RUF012
            "person_day": "One person, a day",
            "day": "The workspace, a day",
            "month": "The workspace, a month",
        }
        help_texts = dict.fromkeys(("person_day", "day", "month"), "Empty: no cap.") | {"time_zone": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
        chosen = self.instance.time_zone
        offered = [(zone, zone) for zone in dict.fromkeys(("UTC", chosen, *zones))]
        self.fields["time_zone"] = forms.ChoiceField(choices=offered, label=_("A day begins at midnight in"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Sums of a period, and the caps; a POST changes the caps. For admins: it tells who spent what."""
    workspace = workspace_for(request.user, to="manage")
    form = BudgetForm(request.POST or None, instance=charges.budget_of(workspace.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, gettext("The caps hold from now on."))
        return redirect("costs")
    period, group = _chosen(request)
    found = spending.charges_of(workspace, period)
    lines = spending.lines(workspace, found, group)
    context = {
        "tab": "costs",
        "form": form,
        "period": period,
        "group": group,
        "periods": spending.PERIODS.items(),
        "groups": spending.GROUPS,
        "lines": lines[:200],
        "left_out": max(0, len(lines) - 200),
        "total": sum(line.amount for line in lines),
        "reserved": sum(line.reserved for line in lines),
        "unpriced": sum(line.unpriced for line in lines),
        "caps": spending.caps(workspace, person_of(request)),
        "prices": spending.price_list(),
    }
    return render(request, "settings/costs.html", context, status=400 if request.method == "POST" else 200)


def _chosen(request: HttpRequest) -> tuple[str, str]:
    period, group = request.GET.get("period", "month"), request.GET.get("by", "story")
    return (
        period if period in spending.PERIODS else "month",
        group if group in spending.GROUPS else "story",
    )


@login_required
@require_safe
def as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every charge of a period."""
    workspace = workspace_for(request.user, to="manage")
    period, _group = _chosen(request)
    found = spending.charges_of(workspace, period)
    answer = StreamingHttpResponse(spending.as_csv(workspace, found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="costs-{period}.csv"'
    answer["Cache-Control"] = "no-store"
    return answer
