"""The illustrator's scenes as material for search: pictures to train on, and a gallery to measure an embedder with."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np
from PIL import Image

from generation.illustrations.catalog import Catalog
from generation.illustrations.drawing import canvas_for, placements, render
from generation.illustrations.scene import Scene, random_scene
from search.engines.onnx import squashed
from search.engines.words import split
from search.training.captions import Lexicon, frame_words, held_out_combinations
from search.training.evaluate import Gallery
from search.training.pictures import Box, Part

ASPECTS = ((256, 144), (256, 144), (192, 192), (216, 162), (144, 256), (162, 216))
"""Sizes that scenes are drawn in, width and height."""
FULL_DETAIL = 0.15
"""Share of the training pictures with the details that are left out at such a size, as a large drawing has them."""
GALLERY_SEED = 7000
"""Gallery scenes are drawn from seeds that training doesn't reach."""
PART = 128

Job = tuple[int, int, int]
T = TypeVar("T")


def lexicon_of(catalog: Catalog) -> Lexicon:
    """The illustrator's words as the captions want them."""
    framing = frame_words()
    words: dict[str, Sequence[str]] = {f"object:{name}": spec.words for name, spec in catalog.objects.items()}
    phrases: dict[str, Sequence[str]] = {}
    for kind, specs in (("setting", catalog.settings), ("light", catalog.lights), ("weather", catalog.weathers)):
        for name, spec in specs.items():
            words[f"{kind}:{name}"] = list(dict.fromkeys((name, *spec.words)))
            if spec.label:
                phrases[f"{kind}:{name}"] = (spec.label,)
    for colour in catalog.colours:
        words[f"colour:{colour}"] = (colour, *catalog.language["colours"].get(colour, ()))
    return Lexicon(
        words=words, phrases=phrases,
        related={
            f"{kind}:{name}": [word for word in spec.related if not framing.issuperset(split(word))]
            for kind, specs in (("object", catalog.objects), ("setting", catalog.settings))
            for name, spec in specs.items()
        },
        always=frozenset({"light:day", "weather:clear"})
        | {f"colour:{name}:{spec.main}" for name, spec in catalog.objects.items()},
    )


def training_scene(seed: int, catalog: Catalog, lexicon: Lexicon) -> Scene:
    """A scene without any held-out combination: some as any random one, most richer in colours and numbers."""
    rng = random.Random(seed)
    while True:
        scene = random_scene(rng, catalog) if rng.random() < 0.4 else _rich(rng, catalog)
        if not held_out_combinations(scene.facets(), lexicon):
            return scene


def _rich(rng: random.Random, catalog: Catalog) -> Scene:
    scene = random_scene(rng, catalog, objects=rng.choice((1, 2, 2, 3, 3)))
    items = []
    for item in scene.items:
        if "main" in catalog.objects[item.object].slots and rng.random() < 0.75:
            item = replace(item, colour=rng.choice(sorted(catalog.colours)))
        if not item.relation and len(scene.items) < 3:
            item = replace(item, count=rng.choice((1, 1, 2, 3)))
        items.append(item)
    return replace(scene, items=tuple(items))


def training_parts(count: int, seed: int, side: int, processes: int) -> Iterator[Part]:
    """`count` training scenes as squares of pixels, in parts; `seed` up to 6999."""
    return _divided(_training_part, count, seed, side, processes)


def gallery(count: int = 1000, seed: int = GALLERY_SEED, processes: int = 1) -> Gallery:
    """`count` random scenes, held-out combinations and all: the same ones for the same seed."""
    parts = list(_divided(_gallery_part, count, seed, 0, processes))
    return Gallery(
        [picture for pictures, _ in parts for picture in pictures], [shown for _, facets in parts for shown in facets]
    )


def _divided(work: Callable[[Job], T], count: int, seed: int, side: int, processes: int) -> Iterator[T]:
    first = seed * 1_000_000
    jobs = [(start, min(start + PART, first + count), side) for start in range(first, first + count, PART)]
    if processes <= 1:
        yield from map(work, jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, jobs)


def _training_part(job: Job) -> Part:
    start, end, side = job
    catalog = Catalog.load()
    lexicon = lexicon_of(catalog)
    pixels = np.empty((end - start, side, side, 3), dtype=np.uint8)
    facets, boxes = [], []
    for number in range(start, end):
        scene, rng = training_scene(number, catalog, lexicon), random.Random(f"aspect {number}")
        size = rng.choice(ASPECTS)
        detail = "full" if rng.random() < FULL_DETAIL else None
        pixels[number - start] = squashed(render(scene, *size, detail=detail), side)
        facets.append(scene.facets())
        boxes.append(_boxes(scene, size, catalog))
    return Part(pixels, facets, boxes)


def _boxes(scene: Scene, size: tuple[int, int], catalog: Catalog) -> list[Box]:
    canvas = canvas_for(scene, *size)
    found = []
    for placed in placements(scene, *size):
        item = scene.items[placed.item]
        left, top, right, bottom = placed.box
        found.append(Box(
            item.object, item.facet_colour(catalog), left / canvas.width, top / canvas.height,
            right / canvas.width, bottom / canvas.height,
        ))
    return found


def _gallery_part(job: Job) -> tuple[list[Image.Image], list[frozenset[str]]]:
    start, end, _side = job
    scenes = [random_scene(random.Random(number), Catalog.load()) for number in range(start, end)]
    pictures = [
        render(scene, *random.Random(f"aspect {number}").choice(ASPECTS)) for number, scene in enumerate(scenes, start)
    ]
    return pictures, [scene.facets() for scene in scenes]
