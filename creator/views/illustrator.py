"""What the built-in illustrator knows: objects, settings, lights, weathers, palettes, colours and styles, all shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from generation.illustrations import drawing
from generation.illustrations.catalog import Catalog
from generation.illustrations.reading import read
from generation.illustrations.scene import Item, Scene
from generation.illustrations.styles import STYLES
from media_processing import pictures

SIDE = 160
"""Pixels of a small drawing."""
TRIED = 640
LONGEST = 300
"""Characters that can be tried."""


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Everything, and a line to try: `words`, `style` and `seed`."""
    catalog = Catalog.load()
    words, style = request.GET.get("words", "").strip()[:LONGEST], request.GET.get("style", "")
    objects = sorted(catalog.objects.values(), key=lambda spec: (spec.group, spec.label))
    context: dict[str, Any] = {
        "groups": [(name, list(specs)) for name, specs in groupby(objects, key=lambda spec: spec.group)],
        "count": len(objects),
        "others": [
            ("setting", "Settings", {name: name.replace("_", " ") for name in catalog.settings}),
            ("light", "Lights", {name: name for name in catalog.lights}),
            ("weather", "Weathers", {name: name for name in catalog.weathers}),
            ("style", "Styles", {name: each.title for name, each in STYLES.items()}),
            ("palette", "Palettes", {name: name for name in catalog.palettes}),
            ("colour", "Colours by name", {name: name for name in catalog.colours}),
        ],
        "words": words,
        "style": style if style in STYLES else "paper",
        "styles": STYLES.items(),
        "seed": _seed(request),
        "knew": read(words).knew if words else (),
        "tab": "illustrator",
    }
    return render(request, "settings/illustrator.html", context)


@login_required
@require_safe
@cache_control(private=True, max_age=86_400)
def small(request: HttpRequest, kind: str, name: str) -> HttpResponse:
    """A small drawing of one thing that it knows; 404 for what it doesn't."""
    return HttpResponse(_small(kind, name), content_type="image/webp")


@login_required
@require_safe
@cache_control(private=True, max_age=86_400)
def tried(request: HttpRequest) -> HttpResponse:
    """What it draws for `words` in a `style` with a `seed`. 404 without words."""
    words, style = request.GET.get("words", "").strip()[:LONGEST], request.GET.get("style", "paper")
    if not words or style not in STYLES:
        raise Http404
    scene = read(words, _seed(request)).scene
    return HttpResponse(_drawn(scene, TRIED, style=style), content_type="image/webp")


def _seed(request: HttpRequest) -> int:
    said = request.GET.get("seed", "")
    return int(said) if said.isdecimal() and len(said) < 6 else 1


@lru_cache(maxsize=512)
def _small(kind: str, name: str) -> bytes:
    catalog = Catalog.load()
    known: Mapping[str, Mapping[str, Any]] = {
        "object": catalog.objects, "setting": catalog.settings, "light": catalog.lights, "weather": catalog.weathers,
        "style": STYLES, "palette": catalog.palettes, "colour": catalog.colours,
    }  # fmt: skip
    if name not in known.get(kind, ()):
        raise Http404
    boat = Scene("sea", items=(Item("sailboat"), Item("lighthouse")), palette="riviera", seed=3)
    scenes = {
        "object": lambda: Scene((*catalog.objects[name].settings, "hills")[0], items=(Item(name),), seed=2),
        "setting": lambda: Scene(name, light="night" if catalog.settings[name].sky == "space" else "day", seed=2),
        "light": lambda: Scene("hills", light=name, items=(Item("house"),), seed=3),
        "weather": lambda: Scene("hills", weather=name, items=(Item("house"),), seed=3),
        "palette": lambda: Scene("hills", items=(Item("house"), Item("tree")), palette=name, seed=3),
        "colour": lambda: Scene("street", items=(Item("car", name),), palette="nordic", seed=3),
    }
    return _drawn(scenes[kind](), SIDE) if kind in scenes else _drawn(boat, SIDE, style=name)


def _drawn(scene: Scene, side: int, *, style: str = "paper") -> bytes:
    return pictures.webp(drawing.render(replace(scene, style=style), side, side, detail="full"))
