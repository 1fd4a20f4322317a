"""Near-duplicates: groups side by side, to merge into one or to keep apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from creator.access import may, workspace_for
from creator.models import Scene, Workspace
from creator.services import assets, copies
from creator.services.copies import Member
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.models import Asset

KINDS = (("copies", _("Copies")), ("look-alikes", _("Look-alikes")))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Groups of one `kind`, or those assets that somebody chose (`asset`, several); a POST decides about a group."""
    workspace = workspace_for(request.user, to="edit" if request.method == "POST" else "see")
    if request.method == "POST":
        try:
            _decide(workspace, request)
        except EngineError as error:
            messages.error(request, f"{error.message} {error.next_step}".strip())
        return redirect(_back(request))
    kind = request.GET.get("kind", "")
    kind = kind if kind in dict(KINDS) else "copies"
    number = request.GET.get("page", "1")
    found = copies.groups(workspace, kind=kind, page=int(number) if number.isdecimal() and len(number) < 8 else 1)
    standing = copies.standing(workspace)
    chosen = _chosen(workspace, request.GET.getlist("asset"))
    context = {
        "groups": [_shown(group.members) for group in found.groups] if not chosen else [_shown(chosen)],
        "chosen": bool(chosen),
        "found": found,
        "kind": kind,
        "tabs": [
            {"label": label, "url": f"{reverse('copies')}?kind={name}", "on": name == kind and not chosen,
             "count": standing.copies if name == "copies" else standing.look_alikes}
            for name, label in KINDS
        ],
        "standing": standing,
        "plan": copies.keep_largest(workspace, by=None) if request.GET.get("preview") == "largest" else None,
        "can_edit": may(request.user, "edit"),
        "undo": request.session.pop("library.undo", None),
    }  # fmt: skip
    return render(request, "library/copies.html", context)


def _back(request: HttpRequest) -> str:
    kind = request.POST.get("kind", "")
    return f"{reverse('copies')}?kind={kind}" if kind in dict(KINDS) else reverse("copies")


def _chosen(workspace: Workspace, ids: Sequence[str]) -> list[Member]:
    """What somebody chose in the grid, the largest first; nothing where that makes no group."""
    try:
        found = assets.chosen(Asset.objects.in_workspace(workspace.pk).active(), ids)
    except EngineError:
        return []
    found.sort(key=lambda each: (-each.width * each.height, -each.seconds, -each.size, each.created))
    scenes = list(Scene.objects.filter(asset__in=found).values_list("asset_id", flat=True))
    return [Member(each, "alike", 0.0, scenes.count(each.pk)) for each in found] if len(found) > 1 else []


def _shown(members: Sequence[Member]) -> dict[str, Any]:
    """A group as the page shows it: what its members say differently is marked."""
    told = [
        {
            "Size": f"{each.asset.width} × {each.asset.height}" if each.asset.width else "",
            "Length": f"{each.asset.seconds:.1f} s" if each.asset.seconds else "",
            "Format": each.asset.content_type.partition("/")[2].upper(),
            "File": filesizeformat(each.asset.size),
            "Licence": each.asset.licence or "Not known",
            "Added": f"{each.asset.created:%-d %b %Y}",
            "Used in": f"{each.scenes} scene{'' if each.scenes == 1 else 's'}" if each.scenes else "nothing",
        }
        for each in members
    ]
    differs = {name for name in told[0] if len({facts[name] for facts in told}) > 1} if told else set()
    return {
        "ids": [each.asset.pk for each in members],
        "members": [
            {"asset": each.asset, "form": each.said, "likeness": each.likeness, "largest": at == 0,
             "facts": [(name, value, name in differs) for name, value in facts.items() if value]}
            for at, (each, facts) in enumerate(zip(members, told, strict=True))
        ],
    }  # fmt: skip


def _decide(workspace: Workspace, request: HttpRequest) -> None:
    person, verb = person_of(request), request.POST.get("do", "")
    everything = Asset.objects.in_workspace(workspace.pk)
    if verb == "refresh":
        copies.refresh(workspace, by=person)
        messages.success(request, gettext("The library is being looked through; new groups appear here."))
        return
    if verb == "largest":
        plan = copies.keep_largest(workspace, by=person, dry_run=False)
        gone = [str(other) for _keep, others in plan.merges for other in others]
        said = f"{len(gone)} {'copy' if len(gone) == 1 else 'copies'} merged into the largest of each group."
        _offer_undo(request, said, gone)
        return
    wanted = assets.chosen(everything, request.POST.getlist("asset"))
    if verb == "apart":
        copies.keep_apart(workspace, wanted, by=person)
        messages.success(
            request,
            gettext("All %(count)s stay; they aren't shown together again.")
            % {"count": len(wanted)},
        )
    elif verb == "unmerge":
        for asset in wanted:
            copies.unmerge(workspace, asset, by=person)
        messages.success(request, gettext("Undone: what was merged is back."))
    elif keep := next((each for each in wanted if str(each.pk) == request.POST.get("keep")), None):
        others = [each for each in wanted if each.pk != keep.pk]
        merged = copies.merge(workspace, keep, others, by=person)
        said = f"{merged} merged into {keep}. Tags, collections and credit came along."
        _offer_undo(request, said, [str(each.pk) for each in others])
    else:
        raise EngineError("A merge needs one to keep.", next_step="Choose which one stays.")


def _offer_undo(request: HttpRequest, said: str, merged: Sequence[str]) -> None:
    undo = {"do": "unmerge", "asset": list(merged)} if 0 < len(merged) <= assets.MOST else None
    request.session["library.undo"] = {"said": said, "undo": undo, "action": reverse("copies")}
