"""The library: one search box, facets, tiles, a drawer for one asset, and bringing files in."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from creator.access import asset_for, job_for, may, workspace_for
from creator.forms import LICENCES, ImportForm
from creator.models import Scene, Story, Workspace
from creator.services import choices, finding, library
from creator.views.people import person_of
from media_processing.engine import EngineError
from media_processing.models import Asset, AssetQuerySet

KINDS = (("image", "Pictures", "image"), ("video", "Clips", "video"), ("audio", "Sounds", "audio-lines"))
ORIENTATIONS = (("portrait", "Portrait"), ("square", "Square"), ("landscape", "Landscape"))
PAGE = 60
TAGS_SHOWN = 14


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The grid."""
    workspace = workspace_for(request.user)
    asked = _asked(request.GET)
    context: dict[str, Any] = {
        "asked": asked,
        "facets": facets(workspace, request.GET, asked),
        "chips": _chips(request.GET, asked, workspace),
        "importing": ImportForm(),
        "licences": LICENCES,
        "can_edit": may(request.user, "edit"),
        "knows": what_search_knows(workspace),
        **results(workspace, request.GET, asked),
    }
    if job_id := request.GET.get("import", ""):
        context["import_job"] = job_for(request.user, int(job_id)) if job_id.isdecimal() else None
    return render(request, "library/index.html", context)


def _asked(said: QueryDict) -> dict[str, str]:
    asked = {name: said.get(name, "").strip()[:300] for name in ("q", "kind", "orientation", "tag", "like")}
    if asked["kind"] not in [kind for kind, _, _ in KINDS]:
        asked["kind"] = ""
    if asked["orientation"] not in dict(ORIENTATIONS):
        asked["orientation"] = ""
    return asked


def results(workspace: Workspace, said: QueryDict, asked: dict[str, str]) -> dict[str, Any]:
    """Tiles: by search where something was asked, else the newest first."""
    if not asked["q"] and not asked["like"]:
        shown = _filtered(workspace, asked).prefetch_related("renditions")
        page = Paginator(shown, PAGE).get_page(said.get("page"))
        tiles = [{"asset": asset, "start": 0.0} for asset in page]
        more = _address(said, page=str(page.next_page_number())) if page.has_next() else ""
        return {"tiles": tiles, "count": page.paginator.count, "more": more}
    try:
        chosen = {name: [asked[name]] for name in ("kind", "orientation", "tag") if asked[name]}
        question = finding.Question(asked["q"], chosen, like_moment=_moment(workspace, asked["like"]))
        found = finding.find(workspace, question, limit=PAGE)
    except EngineError as error:
        return {"tiles": [], "count": 0, "search_error": error, "stories_found": _stories(workspace, asked["q"])}
    return {
        "tiles": found,
        "count": len(found),
        "searched": True,
        "all_by_words": all(each.by_words_only for each in found),
        "stories_found": _stories(workspace, asked["q"]),
    }


def _filtered(workspace: Workspace, asked: dict[str, str]) -> AssetQuerySet:
    shown = Asset.objects.in_workspace(workspace.pk).active()
    if asked["kind"]:
        shown = shown.filter(kind=asked["kind"])
    if asked["orientation"]:
        shown = shown.filter(SHAPES[asked["orientation"]])
    if asked["tag"]:
        # SQLite has no "contains" for JSON; tags are stored as a list of strings.
        shown = shown.filter(tags__icontains=f'"{asked["tag"]}"')
    return shown


SHAPES = {
    "portrait": Q(height__gt=F("width") * 1.05),
    "landscape": Q(width__gt=F("height") * 1.05),
    "square": Q(width__gt=0, width__lte=F("height") * 1.05, height__lte=F("width") * 1.05),
}


def _moment(workspace: Workspace, like: str) -> int | None:
    """The first moment of the asset to be like."""
    try:
        wanted = UUID(like)
    except ValueError:
        return None
    asset = Asset.objects.in_workspace(workspace.pk).filter(pk=wanted).first()
    return asset.moments.values_list("pk", flat=True).first() if asset else None


def _stories(workspace: Workspace, words: str) -> list[Story]:
    if not words:
        return []
    return list(Story.objects.in_workspace(workspace.pk).filter(title__icontains=words)[:5])


def facets(workspace: Workspace, said: QueryDict, asked: dict[str, str]) -> list[dict[str, Any]]:
    """Groups of chips with counts, each counted under the other groups' choices."""
    kinds = dict(_filtered(workspace, {**asked, "kind": ""}).order_by().values_list("kind").annotate(Count("pk")))
    open_shape = _filtered(workspace, {**asked, "orientation": ""}).order_by()
    shapes = open_shape.aggregate(**{name: Count("pk", filter=SHAPES[name]) for name, _ in ORIENTATIONS})
    tags: Counter[str] = Counter()
    for held in _filtered(workspace, {**asked, "tag": ""}).order_by().values_list("tags", flat=True)[:20_000]:
        tags.update(held)
    groups = [
        ("kind", "Kind", [(key, label, kinds.get(key, 0), icon) for key, label, icon in KINDS]),
        ("orientation", "Shape", [(key, label, shapes[key], "") for key, label in ORIENTATIONS]),
        ("tag", "Tags", [(tag, tag, count, "") for tag, count in tags.most_common(TAGS_SHOWN)]),
    ]
    return [
        {
            "name": name,
            "label": label,
            "options": [
                {
                    "label": text, "count": count, "icon": icon, "on": asked[name] == key,
                    "url": _address(said, **{name: "" if asked[name] == key else key}),
                }
                for key, text, count, icon in options
                if count or asked[name] == key
            ],
        }
        for name, label, options in groups
    ]  # fmt: skip


def _chips(said: QueryDict, asked: dict[str, str], workspace: Workspace) -> list[dict[str, Any]]:
    """What is asked, as chips that can be taken off."""
    kinds = {kind: label for kind, label, _ in KINDS}
    chips = [
        {"label": label, "url": _address(said, **{name: ""})}
        for name, label in (
            ("kind", kinds.get(asked["kind"], "")),
            ("orientation", dict(ORIENTATIONS).get(asked["orientation"], "")),
            ("tag", f"#{asked['tag']}" if asked["tag"] else ""),
        )
        if label
    ]
    if asked["like"] and _moment(workspace, asked["like"]) is not None:
        chips.append({"label": "More like this", "asset": asked["like"], "url": _address(said, like="")})
    return chips


def _address(said: QueryDict, **changes: str) -> str:
    """This page with some of its question changed."""
    changed = said.copy()
    for name in ("page", "import"):
        changed.pop(name, None)
    for name, value in changes.items():
        if value:
            changed[name] = value
        else:
            changed.pop(name, None)
    return f"{reverse('library')}?{changed.urlencode()}" if changed else reverse("library")


def what_search_knows(workspace: Workspace) -> dict[str, Any]:
    """The one line about the search model: its name, what it knows, and whether it is the starter."""
    engine = choices.engine("embedder", workspace)
    if problems := engine.problems():
        return {"name": engine.title, "problem": problems[0].message}
    card = engine.card
    return {
        "name": card.name,
        "domains": card.domains,
        "languages": card.languages,
        "note": card.note,
        "photographs": "photographs" in card.domains,
    }


@login_required
@require_safe
def asset(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """One asset: a page of its own, and with `?drawer=1` the same as a fragment."""
    found = asset_for(request.user, asset_id)
    used = Story.objects.filter(pk__in=Scene.objects.filter(asset=found).values("story")).order_by("-created")[:6]
    context = {
        "asset": found,
        "moments": found.moments.all()[:60],
        "transcript": getattr(found, "transcript", None),
        "used_in": used,
        "made_by": _made_by(found),
    }
    template = "library/_asset.html" if request.GET.get("drawer") else "library/asset.html"
    return render(request, template, context)


def _made_by(found: Asset) -> list[tuple[str, str]]:
    """How a machine made it, in words; empty for what a person brought."""
    made = found.made_by
    rows = [("Engine", made.get("engine", "")), ("Model", made.get("model", "")), ("Words", made.get("prompt", ""))]
    if "seed" in made:
        rows.append(("Seed", str(made["seed"])))
    return [(label, str(value)) for label, value in rows if value]


@login_required
@require_POST
def bring_in(request: HttpRequest) -> HttpResponse:
    """Take files; a worker brings them in, and the page shows what became of each."""
    workspace = workspace_for(request.user, to="edit")
    form = ImportForm(request.POST, request.FILES)
    error: EngineError | None = None
    if form.is_valid():
        cleaned = form.cleaned_data
        try:
            job = library.import_files(
                workspace, by=person_of(request), files=cleaned["uploads"], licence=cleaned["licence"],
                credit=cleaned["credit"], tags=cleaned["tags"],
            )  # fmt: skip
        except EngineError as raised:
            error = raised
        else:
            return redirect(f"{reverse('library')}?import={job.pk}")
    context = {"importing": form, "import_error": error, "licences": LICENCES}
    return render(request, "library/bring_in.html", context, status=400)


@login_required
@require_safe
def import_state(request: HttpRequest, job_id: int) -> HttpResponse:
    """What became of each file of an import, so far."""
    return render(request, "library/_import.html", {"import_job": job_for(request.user, job_id)})
