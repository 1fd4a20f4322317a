"""What a person is told: the bell, the page behind it, their choices, and every e-mail as it would look."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creator.access import workspace_for
from creator.models import Notice, Workspace
from creator.services import mails, notices
from creator.views.people import person_of

SHOWN = 100


@login_required
@require_safe
@never_cache
def index(request: HttpRequest) -> HttpResponse:
    """The notices of a person in their workspace, the newest first."""
    workspace, person = workspace_for(request.user), person_of(request)
    found = Notice.objects.shown_to(person.pk, workspace.pk).select_related("workspace", "person")
    shown = [(notice, mails.line(notice)) for notice in found[:SHOWN]]
    return render(request, "notices/index.html", {"shown": shown})


@login_required
@require_safe
@never_cache
def bell(request: HttpRequest) -> HttpResponse:
    """The bell with its number and its newest line, for a page that heard of something new."""
    workspace, person = workspace_for(request.user), person_of(request)
    newest = Notice.objects.shown_to(person.pk, workspace.pk).unread().select_related("workspace", "person").first()
    return render(request, "components/bell.html", {"newest": mails.line(newest) if newest else ""})


@login_required
@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark all read."""
    notices.mark_read(person_of(request).pk, workspace_for(request.user).pk)
    return redirect("notices")


@login_required
@require_POST
def follow(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Mark one read and go to what it is about."""
    workspace, person = workspace_for(request.user), person_of(request)
    notice = get_object_or_404(Notice.objects.shown_to(person.pk, workspace.pk), pk=notice_id)
    notices.mark_read(person.pk, workspace.pk, notice.pk)
    return redirect(notice.link or "notices")


class ChoicesForm(forms.Form):
    """How a person is told of each kind, and when their digest comes."""

    WHEN = (("now", _("At once")), ("digest", _("In the digest")), ("never", _("Not by e-mail")))

    hour = forms.TypedChoiceField(
        coerce=int, choices=[(hour, f"{hour}:00") for hour in range(24)], label=_("The digest comes at")
    )
    time_zone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = [(name, name) for name in sorted(available_timezones())]  # type: ignore[attr-defined]
        for kind in notices.USUAL:
            label = Notice.Kind(kind).label
            self.fields[f"app_{kind}"] = forms.BooleanField(required=False, label=label)
            self.fields[f"mail_{kind}"] = forms.ChoiceField(choices=self.WHEN, label=label)

    def rows(self) -> list[tuple[str, Any, Any]]:
        """Of each kind its name and its two fields."""
        return [
            (str(Notice.Kind(kind).label), self[f"app_{kind}"], self[f"mail_{kind}"])
            for kind in notices.USUAL
            if kind != Notice.Kind.INVITATION
        ]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: HttpRequest) -> HttpResponse:
    """How this person is told of what."""
    workspace_for(request.user)
    person = person_of(request)
    initial: dict[str, Any] = {"hour": person.digest_hour, "time_zone": person.time_zone}
    for kind, usual in notices.USUAL.items():
        chosen = person.told.get(kind, {})
        initial |= {f"app_{kind}": chosen.get("app", True), f"mail_{kind}": chosen.get("mail", usual)}
    form = ChoicesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        person.digest_hour, person.time_zone = said["hour"], said["time_zone"]
        person.save(update_fields=["digest_hour", "time_zone"])
        notices.choose(person, {kind: (said[f"app_{kind}"], said[f"mail_{kind}"]) for kind in notices.USUAL})
        messages.success(request, gettext("Your choices are kept."))
        return redirect("notice-choices")
    context = {"form": form, "tab": "notice-choices"}
    return render(request, "notices/choices.html", context, status=400 if form.errors else 200)


# Every e-mail as it would look ---------------------------------------------------------------------------------------
EXAMPLES: dict[str, dict[str, Any]] = {
    Notice.Kind.INVITATION: {"by": "Ada", "days": 7},
    Notice.Kind.REVIEW_ASKED: {"by": "Alice", "title": "Trees along the river"},
    Notice.Kind.DECIDED: {"title": "Trees along the river", "approved": False, "quoted": "Scene 2 needs its source."},
    Notice.Kind.PUBLISHED: {"title": "Trees along the river", "channel": "Lock screen"},
    Notice.Kind.FAILED: {
        "job": "make_story", "title": "Trees along the river", "error": "The voice did not answer.",
        "next_step": "Try again.",
    },
    Notice.Kind.MENTION: {"by": "Alice", "title": "Trees along the river", "quoted": "@bob is 300 the right number?"},
    Notice.Kind.ASSIGNMENT: {"by": "Ada", "title": "Trees along the river"},
    Notice.Kind.WEBHOOK_DISABLED: {"name": "Phone app", "quoted": "503 Service Unavailable"},
    Notice.Kind.DIGEST: {"notices": []},
}  # fmt: skip


@login_required
@require_safe
def previews(request: HttpRequest) -> HttpResponse:
    """Every e-mail in every language, its text open to read and its HTML one click away."""
    workspace = workspace_for(request.user, to="manage")
    table = []
    for kind in EXAMPLES:
        letters = []
        for code, name in settings.LANGUAGES:
            with translation.override(code):
                letters.append((code, name, _example(kind, workspace)))
        table.append((Notice.Kind(kind), letters))
    sent_by = "smtp" if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend") else "file"
    waiting = Notice.objects.filter(workspace=workspace, mail=Notice.Mail.FAILED).order_by("-id")[:20]
    context = {"table": table, "sent_by": sent_by, "failed": waiting, "tab": "mail-previews"}
    return render(request, "notices/previews.html", context)


@login_required
@require_safe
def preview(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """One e-mail's HTML."""
    workspace = workspace_for(request.user, to="manage")
    if kind not in EXAMPLES or language not in dict(settings.LANGUAGES):
        raise Http404("No such e-mail.")
    with translation.override(language):
        return HttpResponse(_example(kind, workspace, nonce=str(getattr(request, "csp_nonce", ""))).html)


def _example(kind: str, workspace: Workspace, *, nonce: str = "") -> mails.Letter:
    notice = Notice(workspace=workspace, kind=kind, about=EXAMPLES[kind], link="/")
    if kind != Notice.Kind.DIGEST:
        return mails.letter(notice, nonce=nonce)
    held = [Notice(workspace=workspace, kind=each, about=EXAMPLES[each], link="/") for each in list(EXAMPLES)[1:4]]
    return mails.letter(notice, nonce=nonce, held=held)
