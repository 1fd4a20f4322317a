"""The library: one search box, chips with counts, the grid, one asset, and bringing files in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from creator.access import asset_for, job_for, may, workspace_for
from creator.forms import LICENCES, ImportForm
from creator.models import Collection, Job, Scene, Story, User, Workspace
from creator.services import finding, frames, hearing, importing, query_pictures, reindexing
from creator.services.finding import Question
from creator.views import alternatives
from creator.views.people import person_of
from media_processing import tools
from media_processing.engine import EngineError
from media_processing.models import Asset
from search import models_in_use
from search.services import SORTS, QueryError

ICONS = {"image": "image", "video": "clapperboard", "audio": "audio-lines"}
INLINE = ("kind",)
NAMED = ("kind", "orientation", "size", "duration", "colour", "state")
"""Groups whose values are words of the program; those of the others are what people wrote."""
"""Groups whose chips lie open; the others are menus."""
DATES = (("after", _("Added since")), ("before", _("Added before")), ("taken-after", _("Taken since")),
         ("taken-before", _("Taken before")))  # fmt: skip
MOST_WAYS = 6
"""Ways out of a question that finds nothing; each is a count."""
ALIKE = 12
"""Tiles of the strip below an asset."""


@dataclass(frozen=True)
class Asked:
    """What the address of a library page asks, with what goes beside the question itself."""

    question: Question
    like: Asset | None = None
    picture: str = ""
    """Token of a picture that was dropped, pasted or fetched."""
    offset: int = 0

    def address(self, question: Question | None = None, **beside: Any) -> str:
        """The page of this question (or of a changed one); paging begins anew."""
        asked = question or self.question
        pairs = [("q", asked.words)]
        pairs += [(name, value) for name, values in asked.filters.items() for value in values]
        pairs += [(f"-{name}", value) for name, values in asked.without.items() for value in values]
        pairs += [("like", str(self.like.pk) if self.like else ""), ("picture", self.picture)]
        pairs += [("sort", "" if asked.sort == "relevance" else asked.sort), ("rest", "1" if asked.everything else "")]
        changed = {name: str(value) for name, value in beside.items()}
        pairs = [(name, value) for name, value in pairs if name not in changed] + list(changed.items())
        query = urlencode([(name, value) for name, value in pairs if value])
        return f"{reverse('library')}?{query}" if query else reverse("library")

    def switched(self, name: str, value: str) -> str:
        """The page with one value of a filter put on or taken off."""
        return self.address(replace(self.question, filters=_switched(self.question.filters, name, value)))

    def chips(self, labels: Mapping[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
        """What is asked besides the words, as chips; `off` is the question without."""
        asked = self.question
        if self.picture:
            yield {
                "label": "Your picture", "picture": reverse("query-picture", args=[self.picture]),
                "url": self.address(picture=""), "off": replace(asked, like=None),
            }  # fmt: skip
        if self.like:
            yield {
                "label": "More like this", "picture": reverse("thumbnail", args=[self.like.pk]),
                "url": self.address(like=""), "off": replace(asked, like_moment=None),
            }  # fmt: skip
        for sign, name, value in _values(asked):
            changed = (
                replace(asked, without=_switched(asked.without, name, value)) if sign
                else replace(asked, filters=_switched(asked.filters, name, value))
            )  # fmt: skip
            label = labels.get((name, value)) or labels.get((name, ""), "") + f" {value}"
            yield {"label": f"not {label}" if sign else label, "url": self.address(changed), "off": changed}


def _values(question: Question) -> Iterator[tuple[str, str, str]]:
    for sign, values in (("", question.filters), ("-", question.without)):
        for name, chosen in values.items():
            for value in chosen:
                yield sign, name, value


def _switched(values: Mapping[str, Iterable[str]], name: str, value: str) -> dict[str, tuple[str, ...]]:
    held = tuple(values.get(name, ()))
    changed = tuple(each for each in held if each != value) if value in held else (*held, value)
    return {key: tuple(each) for key, each in {**values, name: changed}.items() if each}


@gzip_page
@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The grid; with `part=tiles` only its next tiles."""
    workspace, person = workspace_for(request.user), person_of(request)
    asked = ask(workspace, person, request.GET)
    context: dict[str, Any] = {"can_edit": may(request.user, "edit"), "asked": asked, "words": asked.question.words}
    status = 200
    try:
        asked = replace(asked, question=finding.read(workspace, asked.question))
        context |= {"asked": asked, "words": asked.question.words, **results(workspace, asked)}
    except EngineError as error:
        status = 400 if isinstance(error, QueryError) else 200
        context |= {"search_error": error, **_groups(Asked(Question()), finding.facets(workspace, Question()))}
    if request.GET.get("part") == "tiles":
        return render(request, "library/_tiles.html", context, status=status)
    context |= {
        "importing": ImportForm(),
        "licences": LICENCES,
        "knows": what_search_knows(workspace),
        "collections": Collection.objects.filter(workspace=workspace).order_by("name"),
        "undo": request.session.pop("library.undo", None),
        "held": list(_held(asked)),
        "watched": _watched(workspace),
        "stories_found": _stories(workspace, asked.question.words),
        "address_as_words": asked.question.words.startswith(("http://", "https://")),
    }
    jobs = [job_for(request.user, int(number)) for number in request.GET.getlist("import")[:20] if number.isdecimal()]
    return render(request, "library/index.html", {**context, "import_jobs": jobs}, status=status)


def ask(workspace: Workspace, person: User, said: QueryDict) -> Asked:
    """Read the address. What isn't there any more (a picture that ran out, an asset that went) isn't asked."""
    names = [each.name for each in finding.table(workspace)]
    like, token = _asset(workspace, said.get("like", "")), said.get("picture", "")
    picture = query_pictures.picture_of(workspace, person, token) if token else None
    sort, offset = said.get("sort", ""), said.get("offset", "")
    question = Question(
        words=said.get("q", ""),
        filters=_given(said, names, ""),
        without=_given(said, names, "-"),
        like=picture,
        like_moment=like.moments.values_list("pk", flat=True).first() if like else None,
        sort=sort if sort in SORTS else "relevance",
        everything=bool(said.get("rest")),
    )
    return Asked(
        question, like if question.like_moment else None, token if picture else "",
        int(offset) if offset.isdecimal() and len(offset) < 6 else 0,
    )  # fmt: skip


def _given(said: QueryDict, names: Iterable[str], sign: str) -> dict[str, tuple[str, ...]]:
    lists = {name: tuple(filter(None, said.getlist(f"{sign}{name}"))) for name in names}
    return {name: values for name, values in lists.items() if values}


def _asset(workspace: Workspace, number: str) -> Asset | None:
    try:
        return Asset.objects.in_workspace(workspace.pk).filter(pk=UUID(number)).first()
    except ValueError:
        return None


def results(workspace: Workspace, asked: Asked) -> dict[str, Any]:
    """The tiles of one page with their chips. Raises EngineError."""
    question = asked.question
    answer = finding.find(workspace, question, offset=asked.offset)
    told = finding.facets(workspace, question)
    compared = bool(question.words or asked.like or asked.picture)
    groups = _groups(asked, told)
    last_of_what_fits = answer.cut and answer.more is None
    context = {
        **groups,
        **tiles(asked, answer),
        "total": told.total,
        "compared": compared,
        "sorts": [
            {"label": gettext(label), "url": asked.address(sort="" if name == "relevance" else name),
             "on": name == question.sort or (not compared and name == "added" and question.sort == "relevance")}
            for name, label in SORTS.items() if compared or name != "relevance"
        ],
        "rest": _uncut(workspace, question) - told.total if last_of_what_fits else 0,
        "rest_url": asked.address(rest="1"),
        "fit_url": asked.address(rest="") if question.everything and compared else "",
    }  # fmt: skip
    if not answer and not asked.offset:
        context["ways_out"] = _ways_out(workspace, asked, groups["chips"])
    return context


def _uncut(workspace: Workspace, question: Question) -> int:
    return finding.facets(workspace, replace(question, everything=True)).total


def tiles(asked: Asked, answer: finding.Answer) -> dict[str, Any]:
    """What the grid needs of each result."""
    looks = frames.times_of(each.asset for each in answer)
    words = asked.question.words
    shown = []
    for each in answer:
        at = each.start if each.at is None else each.at
        beside = {**({"at": f"{at:.2f}"} if at else {}), **({"q": words} if words else {})}
        shown.append(
            {
                "asset": each.asset, "found": each.found, "at": at,
                "looks": ",".join(map(str, looks.get(each.asset.pk, ()))),
                "url": f"{reverse('asset', args=[each.asset.pk])}{'?' if beside else ''}{urlencode(beside)}",
                "like": asked.address(like=each.asset.pk, picture="", rest=""),
                "ratio": _ratio(each.asset),
            }
        )  # fmt: skip
    return {
        "tiles": shown,
        "notes": answer.notes,
        "model": answer.model,
        "all_by_words": bool(words) and all(each.by_words_only for each in answer),
        "offset": asked.offset,
        "more": asked.address(offset=answer.more) if answer.more is not None else "",
        "first_url": asked.address() if asked.offset else "",
    }


def _ratio(asset: Asset) -> str:
    """Width by height for the grid: neither slivers nor ribbons."""
    return f"{min(max(asset.width / asset.height, 0.4), 3.0):.3f}" if asset.width and asset.height else "1.4"


def _groups(asked: Asked, told: finding.Facets) -> dict[str, Any]:
    """The groups of chips, and what is chosen from them."""
    labels: dict[tuple[str, str], str] = {}
    open_groups: list[dict[str, Any]] = []
    menus: list[dict[str, Any]] = []
    for group in told.groups:
        title, said = gettext(group.label), gettext if group.name in NAMED else str
        labels[group.name, ""] = f"{title}:"
        labels |= {(group.name, chip.value): said(chip.label) for chip in group.chips}
        if group.hint:  # a range that was typed has no name of its own
            labels |= {(group.name, c.value): f"{title}: {c.value}" for c in group.chips if c.label == c.value}
        if group.name == "tag":
            labels |= {("tag", chip.value): f"#{chip.label}" for chip in group.chips}
        if not group.chips:
            continue
        shown = {
            "name": group.name, "label": title, "chosen": len(group.chosen), "hint": group.hint,
            "chips": [
                {"value": chip.value, "label": labels[group.name, chip.value], "count": chip.count, "on": chip.on,
                 "url": asked.switched(group.name, chip.value),
                 "icon": ICONS.get(chip.value, "") if group.name == "kind" else ""}
                for chip in group.chips
            ],
        }  # fmt: skip
        (open_groups if group.name in INLINE else menus).append(shown)
    chosen = asked.question.filters
    dates = [{"name": name, "label": label, "value": "".join(chosen.get(name, ())[:1])} for name, label in DATES]
    return {
        "open_groups": open_groups,
        "menus": menus,
        "dates": dates,
        "dated": sum(bool(each["value"]) for each in dates),
        "recent": _recent(asked),
        "date_held": [pair for pair in _held(asked) if pair[0] not in dict(DATES)],
        "chips": list(asked.chips(labels)),
    }


def _recent(asked: Asked) -> list[dict[str, Any]]:
    today = timezone.localdate()
    since = ((_("Today"), today), (_("Last 7 days"), today - timedelta(days=6)),
             (_("Last 30 days"), today - timedelta(days=29)),
             (_("This year"), today.replace(month=1, day=1)))  # fmt: skip
    kept = {name: values for name, values in asked.question.filters.items() if name not in ("after", "before")}
    return [
        {"label": label, "url": asked.address(replace(asked.question, filters={**kept, "after": (day.isoformat(),)}))}
        for label, day in since
    ]


def _ways_out(workspace: Workspace, asked: Asked, chips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where nothing fits: what to take off, with what it would show; where that doesn't help, each part alone."""
    question, chips = asked.question, chips[:MOST_WAYS]
    ways = [(gettext("Without “%s”") % chip["label"], chip["url"], chip["off"]) for chip in chips]
    alone = [(gettext("Only “%s”") % question.words[:40], Question(question.words))] if question.words and chips else []
    if question.words and chips:
        wordless = replace(question, words="")
        ways.append((gettext("Without the words"), asked.address(wordless), wordless))
    if found := _counted(workspace, ways):
        return found
    for sign, name, value in _values(question):
        label = next((chip["label"] for chip in chips if value not in dict(chip["off"].filters).get(name, ())), value)
        part = {name: (value,)}
        alone.append((gettext("Only “%s”") % label, Question(without=part) if sign else Question(filters=part)))
    return _counted(workspace, [(label, Asked(part).address(), part) for label, part in alone[:MOST_WAYS]])


def _counted(workspace: Workspace, ways: Iterable[tuple[str, str, Question]]) -> list[dict[str, Any]]:
    counted = [
        {"label": label, "url": url, "count": finding.facets(workspace, question).total}
        for label, url, question in ways
    ]
    return sorted((way for way in counted if way["count"]), key=lambda way: -int(way["count"]))


def _held(asked: Asked) -> Iterator[tuple[str, str]]:
    """What the search box's form keeps besides the words."""
    for sign, name, value in _values(asked.question):
        yield f"{sign}{name}", value
    if asked.like:
        yield "like", str(asked.like.pk)
    if asked.picture:
        yield "picture", asked.picture
    if asked.question.sort != "relevance":
        yield "sort", asked.question.sort


def _watched(workspace: Workspace) -> dict[str, Any] | None:
    """The watched folder by its name, and the last import from it; None where none is watched for this workspace."""
    if not settings.WATCH or Workspace.objects.order_by("id").first() != workspace:
        return None
    imports = Job.objects.filter(workspace=workspace, kind="import_assets", subject__has_key="watched")
    return {"name": Path(settings.WATCH).name, "last": imports.order_by("-id").first()}


def _stories(workspace: Workspace, words: str) -> list[Story]:
    if not words:
        return []
    return list(Story.objects.in_workspace(workspace.pk).filter(title__icontains=words)[:5])


def what_search_knows(workspace: Workspace) -> dict[str, Any]:
    """The one line about the search model: its name, what it knows, and whether it is the starter."""
    used = models_in_use.in_use(workspace.pk)
    engine = used.embedder
    if problems := engine.problems():
        return {"name": engine.title, "problem": problems[0].message}
    card = engine.card
    return {
        "name": card.name,
        "domains": card.domains,
        "languages": card.languages,
        "note": card.note,
        "photographs": "photographs" in card.domains,
        "changing": reindexing.line(workspace) if used.coming or used.note else "",
    }


@login_required
@require_safe
def asset(request: HttpRequest, asset_id: UUID) -> HttpResponse:
    """One asset: a page of its own, and with `look=1` the same as a fragment. `at` is where it opens, `q` what is
    looked for in what is said."""
    workspace, found = workspace_for(request.user), asset_for(request.user, asset_id)
    used = Story.objects.filter(pk__in=Scene.objects.filter(asset=found).values("story")).order_by("-created")[:6]
    look = bool(request.GET.get("look"))
    context = {
        "asset": found,
        "at": _second(request.GET.get("at", ""), found.seconds),
        "moments": found.moments.all()[:60],
        "said": _said(found, request.GET.get("q", "")[:1000]),
        "used_in": used,
        "made_by": _made_by(found),
        "inside": _inside(found),
        "made_of": found.parents.all(),
        "copies_made": found.children.order_by("-created")[:12],
        "collections": Collection.objects.filter(workspace=workspace, assets=found).order_by("name"),
        "all_collections": Collection.objects.filter(workspace=workspace).exclude(assets=found).order_by("name"),
        "can_edit": may(request.user, "edit"),
        "undo": None if look else request.session.pop("library.undo", None),
        "alike": () if look else _alike(workspace, found),
    }
    context |= {} if look or not context["can_edit"] else alternatives.form_of(request, found)
    return render(request, "library/_asset.html" if look else "library/asset.html", context)


def _second(said: str, seconds: float) -> float:
    try:
        return min(max(0.0, float(said)), seconds)
    except ValueError:
        return 0.0


def _alike(workspace: Workspace, found: Asset) -> tuple[finding.Shown, ...]:
    """What looks like it; nothing where no model has seen it."""
    moment = found.moments.values_list("pk", flat=True).first() if found.kind != Asset.Kind.AUDIO else None
    if moment is None or found.archived is not None:
        return ()
    try:
        return finding.find(workspace, Question(like_moment=moment, everything=True), limit=ALIKE).shown
    except EngineError:  # the page's own search says why
        return ()


def _said(found: Asset, words: str) -> dict[str, Any] | None:
    """What is said in it, word by word with the seconds; those that were asked for are marked."""
    transcript = getattr(found, "transcript", None)
    if transcript is None or not transcript.passages:
        return None
    return {
        "passages": hearing.spoken(transcript, words),
        "language": transcript.language,
        "by": transcript.made_by.get("engine", ""),
    }


def _made_by(found: Asset) -> list[tuple[str, str]]:
    """How a machine made it, in words; empty for what a person brought."""
    made = found.made_by
    rows = [("Engine", made.get("engine", "")), ("Model", made.get("model", "")), ("Words", made.get("prompt", ""))]
    if made.get("tool") in tools.TOOLS:
        rows.append(("Tool", tools.TOOLS[made["tool"]].title))
    if "seed" in made:
        rows.append(("Seed", str(made["seed"])))
    return [(label, str(value)) for label, value in rows if value]


INSIDE = {
    "caption": "Caption", "headline": "Headline", "keywords": "Keywords", "byline": "By", "credit": "Credit",
    "copyright": "Copyright", "place": "Place", "camera": "Camera",
}  # fmt: skip


def _inside(found: Asset) -> list[tuple[str, str]]:
    """What came inside the file, in words."""
    told = found.metadata or {}
    rows = [(label, told[name]) for name, label in INSIDE.items() if told.get(name)]
    return [(label, ", ".join(map(str, value)) if isinstance(value, list) else str(value)) for label, value in rows]


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
            job = importing.import_files(
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
