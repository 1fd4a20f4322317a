"""What is done with chosen assets: collections, tags, putting away; each act with its undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from creator.access import collection_for, may, workspace_for
from creator.models import Collection, Workspace
from creator.services import assets, collections
from creator.services.refusals import told
from media_processing.engine import EngineError
from media_processing.models import Asset

Done = tuple[str, dict[str, Any] | None]
"""What to say, and the form that undoes it; None where there is nothing to undo."""


@login_required
@require_POST
def selection(request: HttpRequest) -> HttpResponse:
    """Do something with the chosen assets (`asset`, several): archive, restore, tag, untag, collect, uncollect, merge.

    Answers as JSON where that is asked for, else goes back to `next` with a message and an undo.
    """
    workspace = workspace_for(request.user, to="edit")
    verb = request.POST.get("do", "")
    back = _back(request)
    try:
        if verb not in ACTS:
            raise EngineError("That can't be done.", next_step=f"Choose one of {', '.join(ACTS)}.")
        wanted = assets.chosen(Asset.objects.in_workspace(workspace.pk), request.POST.getlist("asset"))
        if verb == "merge":
            return _go(request, f"{reverse('copies')}?{urlencode([('asset', str(each.pk)) for each in wanted])}")
        said, undo = ACTS[verb](workspace, wanted, request)
    except EngineError as error:
        if _wants_json(request):
            return JsonResponse({"error": told(error.message), "next_step": told(error.next_step)}, status=400)
        messages.error(request, f"{error.message} {error.next_step}".strip())
        return redirect(back)
    if _wants_json(request):
        return JsonResponse({"said": said, "undo": undo})
    request.session["library.undo"] = {"said": said, "undo": undo}
    return redirect(back)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "") == "application/json"


def _go(request: HttpRequest, address: str) -> HttpResponse:
    return JsonResponse({"go": address}) if _wants_json(request) else redirect(address)


def _back(request: HttpRequest) -> str:
    """Where to go on: an address of ours, else the library."""
    address = request.POST.get("next", "")
    return address if url_has_allowed_host_and_scheme(address, None) and address.startswith("/") else reverse("library")


def _many(ids: Sequence[UUID]) -> str:
    return "1 item" if len(ids) == 1 else f"{len(ids)} items"


def _undo(verb: str, ids: Sequence[UUID], **more: str) -> dict[str, Any] | None:
    return {"do": verb, "asset": [str(number) for number in ids], **more} if ids else None


def _archive(workspace: Workspace, wanted: list[Asset], request: HttpRequest) -> Done:
    ids = assets.archive(wanted)
    return f"{_many(ids)} put away.", _undo("restore", ids)


def _restore(workspace: Workspace, wanted: list[Asset], request: HttpRequest) -> Done:
    ids = assets.restore(wanted)
    return f"{_many(ids)} back in the library.", _undo("archive", ids)


def _tag(workspace: Workspace, wanted: list[Asset], request: HttpRequest) -> Done:
    tags = assets.cleaned(request.POST.get("tags", "")[:2000].split(","))
    ids = assets.tag(wanted, tags)
    named = ", ".join(f"#{tag}" for tag in tags)
    return (f"{_many(ids)} tagged {named}." if ids else f"All of them have {named}."), _undo(
        "untag", ids, tags=",".join(tags)
    )


def _untag(workspace: Workspace, wanted: list[Asset], request: HttpRequest) -> Done:
    tags = assets.cleaned(request.POST.get("tags", "")[:2000].split(","))
    ids = assets.untag(wanted, tags)
    return f"{', '.join(f'#{tag}' for tag in tags)} taken off {_many(ids)}.", _undo("tag", ids, tags=",".join(tags))


def _collect(workspace: Workspace, wanted: list[Asset], request: HttpRequest) -> Done:
    number = request.POST.get("collection", "")
    if number.isdecimal():
        collection = collection_for(request.user, int(number), to="edit")
    else:
        collection = collections.create(workspace, request.POST.get("name", ""))
    ids = collections.add(collection, wanted)
    said = f"{_many(ids)} put into {collection}." if ids else f"All of them are in {collection}."
    return said, _undo("uncollect", ids, collection=str(collection.pk))


def _uncollect(workspace: Workspace, wanted: list[Asset], request: HttpRequest) -> Done:
    number = request.POST.get("collection", "")
    if not number.isdecimal():
        raise EngineError("No collection is named.", next_step="Choose one.")
    collection = collection_for(request.user, int(number), to="edit")
    ids = collections.remove(collection, wanted)
    return f"{_many(ids)} taken out of {collection}.", _undo("collect", ids, collection=str(collection.pk))


ACTS: dict[str, Callable[[Workspace, list[Asset], HttpRequest], Done]] = {
    "archive": _archive, "restore": _restore, "tag": _tag, "untag": _untag, "collect": _collect,
    "uncollect": _uncollect, "merge": lambda _workspace, _wanted, _request: ("", None),
}  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def collections_page(request: HttpRequest) -> HttpResponse:
    """Every collection; a POST makes (`do=create`), renames or deletes one."""
    workspace = workspace_for(request.user, to="edit" if request.method == "POST" else "see")
    error: EngineError | None = None
    if request.method == "POST":
        try:
            _change(workspace, request)
            return redirect("collections")
        except EngineError as raised:
            error = raised
    counted = Collection.objects.filter(workspace=workspace).annotate(
        count=Count("assets", filter=Q(assets__archived__isnull=True))
    )
    context = {"collections": counted.order_by("name"), "error": error, "can_edit": may(request.user, "edit")}
    return render(request, "library/collections.html", context, status=400 if error else 200)


def _change(workspace: Workspace, request: HttpRequest) -> None:
    verb, name = request.POST.get("do", ""), request.POST.get("name", "")
    if verb == "create":
        messages.success(
            request,
            gettext("%(collection)s is made.")
            % {"collection": collections.create(workspace, name)},
        )
        return
    number = request.POST.get("collection", "")
    if verb not in ("rename", "delete") or not number.isdecimal():
        raise EngineError("That can't be done.", next_step="Create, rename or delete a collection.")
    collection = collection_for(request.user, int(number), to="edit")
    if verb == "rename":
        collections.rename(collection, name)
        messages.success(request, gettext("It is called %(collection)s now.") % {"collection": collection})
    else:
        collections.delete(collection)
        messages.success(
            request,
            gettext("%(collection)s is gone; what was in it is still in the library.")
            % {"collection": collection},
        )
