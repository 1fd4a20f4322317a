"""Settings: the policy, its versions and what a change would do; and the banks of banned pictures."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from creator.access import asset_for, workspace_for
from creator.models import Job, User, Workspace
from creator.services import audit, proposals, remoderating
from creator.services.library import key_frame
from creator.views.people import person_of
from media_processing.decoding import open_picture
from media_processing.engine import EngineError
from moderation import picture_banks
from moderation import services as moderation
from moderation.models import BannedHash, PictureBank, Policy, Sweep

SHOWN = 200
"""Changes of a sweep on the page; the file has all."""
MOST_BYTES = 100 * 1024 * 1024
"""Of a file of hashes."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, version: int | None = None) -> HttpResponse:
    """The policy that counts, every version with what differs, and a form that proposes a further one."""
    workspace = workspace_for(request.user, to="review")
    active = moderation.active_policy(workspace.pk)
    policies = Policy.objects.filter(workspace=workspace).select_related("created_by", "activated_by")
    shown = get_object_or_404(policies, version=version) if version else active
    refusal: EngineError | None = None
    if request.method == "POST":
        try:
            return _act(request, workspace, person_of(request), shown)
        except EngineError as error:
            refusal = error
    context = {
        "policies": policies[:50], "active": active, "shown": shown, "refusal": refusal, "tab": "policies",
        "differs": moderation.differences(active.rules, shown.rules) if shown != active else [],
        "yaml": request.POST.get("yaml") or moderation.as_yaml(shown.rules), "note": request.POST.get("note", ""),
        "dry": remoderating.last_dry_run(shown) if shown.version > active.version else None,
        "mine": shown.created_by_id == request.user.pk, "limit": SHOWN,
        "running": Job.objects.filter(workspace=workspace, kind="sweep", state__in=Job.OPEN).first(),
        "sweeps": Sweep.objects.filter(workspace=workspace, dry=False).select_related("policy", "asked_by")[:10],
    }  # fmt: skip
    return render(request, "settings/policies.html", context, status=422 if refusal else 200)


def _act(request: HttpRequest, workspace: Workspace, person: User, shown: Policy) -> HttpResponse:
    asked = request.POST.get("do", "")
    if asked == "propose":
        file = request.FILES.get("file")
        if file is not None and (file.size or 0) > 1_000_000:
            raise EngineError("That file is larger than any policy.", next_step="Choose the policy's YAML.")
        text = file.read().decode("utf-8", "replace") if file is not None else request.POST.get("yaml", "")
        rules = moderation.from_yaml(text.replace("\x00", "\ufffd"))
        note = request.POST.get("note", "").replace("\x00", "")
        made = moderation.new_version(workspace.pk, rules, note=note, created_by_id=person.pk)
        audit.record("policy.propose", made, by=person, workspace=workspace, detail={"version": made.version})
        remoderating.ask(workspace, "dry", by=person, policy=made.pk)
        messages.success(
            request,
            gettext("Version %(version)s is proposed. Its dry run is on its way.")
            % {"version": made.version},
        )
        return redirect("policy", made.version)
    if asked == "dry-run":
        remoderating.ask(workspace, "dry", by=person, policy=shown.pk)
        messages.success(request, gettext("The dry run is on its way."))
    elif asked == "activate":
        remoderating.activate(shown, by=person)
        remoderating.ask(workspace, "policy", by=person)
        messages.success(
            request,
            gettext("Version %(version)s counts from now on. Past content is being looked at.")
            % {"version": shown.version},
        )
    else:
        raise Http404("No such act.")
    return redirect("policy", shown.version)


@login_required
@require_safe
def as_yaml(request: HttpRequest, version: int) -> HttpResponse:
    """A version as a file."""
    workspace = workspace_for(request.user, to="review")
    policy = get_object_or_404(Policy, workspace=workspace, version=version)
    name = f"policy-{policy.version}.yaml"
    return HttpResponse(
        moderation.as_yaml(policy.rules), content_type="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def banks(request: HttpRequest) -> HttpResponse:
    """The banks of banned pictures: ban one, take a list in, look at what matches too much."""
    workspace = workspace_for(request.user, to="review")
    refusal: EngineError | None = None
    if request.method == "POST":
        try:
            return _act_on_banks(request, workspace, person_of(request))
        except EngineError as error:
            refusal = error
    moderation.own_bank(workspace.pk)
    counted = PictureBank.objects.filter(workspace=workspace).annotate(
        size=Count("hashes", distinct=True), held=Count("hashes", filter=Q(hashes__quarantined__isnull=False))
    )
    held = BannedHash.objects.filter(workspace=workspace, quarantined__isnull=False).annotate(matched=Count("matches"))
    newest = BannedHash.objects.filter(workspace=workspace).select_related("bank").order_by("-pk")[:20]
    context = {
        "banks": counted, "held": held[:50], "newest": newest, "refusal": refusal, "tab": "banks",
        "asset": request.POST.get("asset") or request.GET.get("asset", ""), "note": request.POST.get("note", ""),
        "running": Job.objects.filter(workspace=workspace, kind="sweep", state__in=Job.OPEN).first(),
        "sweeps": Sweep.objects.filter(workspace=workspace, cause="bank")[:10],
    }  # fmt: skip
    return render(request, "settings/banks.html", context, status=422 if refusal else 200)


def _act_on_banks(request: HttpRequest, workspace: Workspace, person: User) -> HttpResponse:
    asked = request.POST.get("do", "")
    if asked == "ban":
        row = _ban(request, workspace, person)
        audit.record("picture.ban", row, by=person, workspace=workspace, detail={"note": row.note})
        remoderating.ask(workspace, "bank", by=person, banned=[row.pk])
        messages.success(request, gettext("The picture is banned. Whatever shows it is being withdrawn."))
    elif asked == "release":
        row = _row_of(workspace, request.POST.get("hash", ""))
        picture_banks.release(row)
        audit.record("picture.release", row, by=person, workspace=workspace)
        remoderating.ask(workspace, "bank", by=person, banned=[row.pk])
        messages.success(request, gettext("The hash bans again. Whatever it matches is being withdrawn."))
    elif asked == "lift":
        made = proposals.propose_lifting(_row_of(workspace, request.POST.get("hash", "")), by=person)
        messages.success(request, gettext("Proposed. Somebody else must agree before anything is decided."))
        return redirect("admin:review-proposal", made.pk)
    elif asked == "import":
        _import(request, workspace, person)
    else:
        raise Http404("No such act.")
    return redirect("banks")


def _ban(request: HttpRequest, workspace: Workspace, person: User) -> BannedHash:
    note = request.POST.get("note", "").replace("\x00", "").strip()
    if not note:
        raise EngineError("Say why the picture is banned.", next_step="A few words help whoever meets it again.")
    days = request.POST.get("days", "")
    expires = timezone.now() + timedelta(days=int(days)) if days.isdecimal() and 0 < int(days) <= 36_500 else None
    file = request.FILES.get("picture")
    if file is not None:
        if (file.size or 0) > 50 * 1024 * 1024:
            raise EngineError("That picture is larger than 50 MB.", next_step="A small copy bans it just as well.")
        picture = open_picture(file.read(), max_side=512, name=file.name or "The picture")
    elif said := request.POST.get("asset", "").strip():
        number = re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", said)
        if number is None:
            raise EngineError("That is no picture of the library.", next_step="Copy the address of its page.")
        frame = key_frame(asset_for(request.user, number.group()), 0.0)
        if frame is None:
            raise EngineError("A sound has no picture.", next_step="Choose a picture or a video.")
        picture = frame
    else:
        raise EngineError("Choose a picture.", next_step="Send a file, or open a picture in the library and ban it.")
    return moderation.ban(workspace.pk, picture, note=note, source=f"person:{person.pk}", expires=expires)


def _row_of(workspace: Workspace, said: str) -> BannedHash:
    return get_object_or_404(BannedHash, workspace=workspace, pk=int(said) if said.isdecimal() else 0)


def _import(request: HttpRequest, workspace: Workspace, person: User) -> None:
    file = request.FILES.get("file")
    name = request.POST.get("name", "").replace("\x00", "").strip()[:100]
    if file is None or not name:
        raise EngineError("Choose a file and say what the list is called.")
    if (file.size or 0) > MOST_BYTES:
        raise EngineError("That file is larger than 100 MB.", next_step="Split it.")
    bank, _made = PictureBank.objects.get_or_create(
        workspace=workspace, name=name,
        defaults={"source": request.POST.get("source", "").replace("\x00", "")[:200], "note": "Taken in from a file"},
    )  # fmt: skip
    taken = moderation.import_hashes(bank, file.read())
    audit.record(
        "bank.import", bank, by=person, workspace=workspace,
        detail={"new": taken.new, "known": taken.known, "refused": taken.refused_count},
    )  # fmt: skip
    if taken.new:
        remoderating.ask(workspace, "bank", by=person, bank=bank.pk, after=taken.after)
    messages.success(
        request,
        gettext("%(new)s new hashes, %(known)s known already.")
        % {"new": f"{taken.new:,}", "known": f"{taken.known:,}"},
    )
    if taken.refused_count:
        messages.warning(request, f"{taken.refused_count:,} refused: {'; '.join(taken.refused[:3])}.")


@login_required
@require_safe
def export(request: HttpRequest, bank_id: int, form: str) -> StreamingHttpResponse:
    """A bank as a file, as JSON or CSV."""
    workspace = workspace_for(request.user, to="review")
    bank = get_object_or_404(PictureBank, workspace=workspace, pk=bank_id)
    if form not in ("json", "csv"):
        raise Http404("No such form.")
    kinds = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
    return StreamingHttpResponse(
        moderation.exported(bank, form), content_type=kinds[form],
        headers={"Content-Disposition": f'attachment; filename="banned-{bank.pk}.{form}"'},
    )  # fmt: skip

