"""Stories > Bring many in: the articles of a feed or a table, and stories of those that are ticked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from creator.access import workspace_for
from creator.forms import LENGTHS
from creator.models import Incoming, Workspace
from creator.services import charges, drafting, incoming, stories
from creator.views.people import person_of
from generation import feeds
from media_processing.engine import EngineError

SHOWN = 200


class ManyForm(forms.Form):
    """What is asked of all stories alike."""

    formats = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, label=_("Formats"), initial=["video:9x16", "card:1x1"],
        error_messages={"required": _("Choose at least one format.")},
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language"), required=False)
    seconds = forms.TypedChoiceField(choices=LENGTHS, coerce=int, initial=40, label=_("Length"))
    tone = forms.ChoiceField(
        choices=[(name, _(said)) for name, said in drafting.TONES.items()], initial="calm", label=_("Tone")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["formats"].choices = stories.formats_offered()  # type: ignore[attr-defined]
        languages = [("", "Each article's own"), *stories.languages_offered()]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A feed's address or file first; then its articles with one estimate; then stories of those that are ticked."""
    workspace = workspace_for(request.user, to="edit")
    if request.method != "POST":
        rows = Incoming.objects.filter(workspace=workspace).exclude(state=Incoming.State.MADE)
        return _page(request, workspace, list(rows.select_related("story")[:SHOWN]), {"form": ManyForm()})
    return _take(request, workspace) if request.POST.get("do") == "make" else _read(request, workspace)


def _read(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    file, url = request.FILES.get("file"), request.POST.get("url", "")
    context: dict[str, Any] = {"url": url, "form": ManyForm()}
    try:
        if file is not None and (file.size or 0) > feeds.MAX_BYTES:
            raise EngineError("That file is larger than 5 MB.", next_step="Take a part of it.")
        rows = incoming.offer(
            workspace, by=person_of(request), url=url, content=file.read() if file else b"",
            name=file.name or "" if file else "",
        )  # fmt: skip
    except EngineError as error:
        return _page(request, workspace, [], {**context, "problem": error}, status=422)
    return _page(request, workspace, rows, {**context, "was_read": True})


def _take(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    form, ids = ManyForm(request.POST), request.POST.getlist("article")[:SHOWN]
    problem: EngineError | None = None
    if form.is_valid():
        wish = {name: form.cleaned_data[name] for name in incoming.WISH}
        try:
            incoming.bring_in(workspace, ids, wish, by=person_of(request))
        except EngineError as error:
            problem = error
        else:
            count = len(ids)
            messages.success(request, f"{count} {'story is' if count == 1 else 'stories are'} being made.")
            return redirect("stories")
    rows = Incoming.objects.filter(workspace=workspace).exclude(state=Incoming.State.MADE)
    context = {"form": form, "problem": problem, "ticked": ids}
    return _page(request, workspace, list(rows.select_related("story")[:SHOWN]), context, status=422)


def _page(
    request: HttpRequest, workspace: Workspace, rows: list[Incoming], more: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    new = [row for row in rows if row.state in (Incoming.State.OFFERED, Incoming.State.FAILED)]
    # What was just read is ticked, as far as one act takes it; what lay there since another day isn't.
    ticked = more.pop("ticked", [str(row.pk) for row in new[: incoming.MOST]] if more.get("was_read") else [])
    context = {
        "rows": [(row, str(row.pk) in ticked, incoming.is_teaser(row)) for row in rows], "new": len(new),
        "estimate": charges.in_words(incoming.estimate(workspace, new[: incoming.MOST])) if new else "",
        "priced": min(len(new), incoming.MOST), "most": incoming.MOST, **more,
    }  # fmt: skip
    return render(request, "stories/incoming.html", context, status=status)
