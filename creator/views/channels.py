"""Settings, Channels: where a workspace publishes to, and the keys of the apps that read and write there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from creator.access import may, workspace_for
from creator.forms import ChannelForm, KeyForm
from creator.models import ApiKey, Channel, Workspace
from creator.services import channels, feeds, keys
from creator.views.people import person_of
from media_processing.engine import EngineError


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Channels and keys; a POST adds one of either. A new key is on this one answer and nowhere else."""
    workspace = workspace_for(request.user, to="manage" if request.method == "POST" else "see")
    adding = request.POST.get("add", "")
    channel_form = ChannelForm(request.POST if adding == "channel" else None)
    key_form = KeyForm(request.POST if adding == "key" else None, workspace_id=workspace.pk)
    made: dict[str, Any] = {}
    if adding == "channel" and channel_form.is_valid() and _is_new(channel_form, workspace):
        channel = channel_form.save(commit=False)
        channel.workspace = workspace
        channel.save()
        messages.success(request, gettext("Channel %(name)s is there.") % {"name": channel.name})
        return redirect("channels")
    if adding == "key" and key_form.is_valid():
        try:
            asked = key_form.cleaned_data
            made = _shown(request, *keys.make(asked["channel"], **key_form.wish(), by=person_of(request)))
        except EngineError as error:
            key_form.add_error(None, f"{error.message} {error.next_step}".strip())
        else:
            key_form = KeyForm(workspace_id=workspace.pk)
    return _page(request, workspace, channel_form, key_form, made, status=400 if adding and not made else 200)


def _page(
    request: HttpRequest, workspace: Workspace, channel_form: ChannelForm, key_form: KeyForm, made: dict[str, Any],
    *, status: int = 200, refused: tuple[int, str, str] = (0, "", ""),
) -> HttpResponse:  # fmt: skip
    """`refused` is a channel, the origins that somebody wrote for it, and what is wrong with them."""
    rows = Channel.objects.filter(workspace=workspace).select_related("workspace")
    rows = rows.prefetch_related("keys__person", "publications")
    for each in rows:
        each.feed_addresses = [(kind, feeds.address(each, kind)) for kind in feeds.KINDS]  # type: ignore[attr-defined]
        each.written, each.error = refused[1:] if each.pk == refused[0] else ("\n".join(each.origins), "")  # type: ignore[attr-defined]
    context = {
        "channels": rows,
        "channel_form": channel_form,
        "key_form": key_form,
        "can_manage": may(request.user, "manage"),
        "now": timezone.now(),
        "tab": "channels",
        **made,
    }
    return render(request, "settings/channels.html", context, status=status)


def _shown(request: HttpRequest, key: ApiKey, secret: str) -> dict[str, Any]:
    """What the page shows of a new key, once."""
    return {"new_key": key, "secret": secret, "stories_url": request.build_absolute_uri("/api/v1/stories")}


def _is_new(form: ChannelForm, workspace: Workspace) -> bool:
    if Channel.objects.filter(workspace=workspace, slug=form.cleaned_data["slug"]).exists():
        form.add_error("slug", _("There is a channel of that name already."))
        return False
    return True


def _key_of(request: HttpRequest, key_id: int) -> ApiKey:
    workspace = workspace_for(request.user, to="manage")
    rows = ApiKey.objects.filter(channel__workspace=workspace).select_related("channel__workspace")
    return get_object_or_404(rows, pk=key_id)


@login_required
@require_POST
def revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """End a key."""
    key = _key_of(request, key_id)
    keys.revoke(key, by=person_of(request))
    messages.success(request, gettext("The key %(prefix)s… no longer opens anything.") % {"prefix": key.prefix})
    return redirect("channels")


@login_required
@require_POST
@never_cache
def rotate(request: HttpRequest, key_id: int) -> HttpResponse:
    """A new key in an old one's place, shown once; the old one works on for a day."""
    key = _key_of(request, key_id)
    try:
        made = _shown(request, *keys.rotate(key, by=person_of(request)))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
        return redirect("channels")
    workspace = key.channel.workspace
    return _page(request, workspace, ChannelForm(), KeyForm(workspace_id=workspace.pk), made)


@login_required
@require_POST
def open_to_all(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Let anybody read a channel's feeds and look at its stories, or nobody without a key any more."""
    workspace = workspace_for(request.user, to="manage")
    channel = get_object_or_404(Channel, workspace=workspace, pk=channel_id)
    try:
        channels.open_to_all(channel, request.POST.get("public") == "on", by=person_of(request))
    except EngineError as error:
        messages.error(request, f"{error.message} {error.next_step}".strip())
        return redirect("channels")
    said = "Anybody may read it" if channel.public else "Only apps with a key read it"
    messages.success(request, gettext("%(name)s: %(said)s from now on.") % {"name": channel.name, "said": said})
    return redirect("channels")


@login_required
@require_POST
@never_cache
def adjust(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Keep whether what a channel gets is labelled, or offered as sound, and whose web pages may ask for it."""
    workspace = workspace_for(request.user, to="manage")
    channel = get_object_or_404(Channel, workspace=workspace, pk=channel_id)
    written = request.POST.get("origins", "")
    try:
        labelled = request.POST.get("labelled") == "on"
        sound = request.POST.get("sound", "")
        channels.adjust(channel, labelled=labelled, sound=sound, origins=written, by=person_of(request))
    except EngineError as error:
        refused = (channel.pk, written, f"{error.message} {error.next_step}".strip())
        forms = (ChannelForm(), KeyForm(workspace_id=workspace.pk))
        return _page(request, workspace, *forms, {}, status=400, refused=refused)
    messages.success(request, gettext("%(name)s is kept.") % {"name": channel.name})
    return redirect("channels")
